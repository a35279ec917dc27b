# needs: native bridge veth netns clsact bpf xmllint python3
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The examples of scenarios in tests and CI, with a scenario that is short: shell script, make,
# GitLab CI, and the script of a NixOS test.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

EXAMPLES=$(realpath "$TESTS/../examples")
# shellcheck disable=SC2034 # for the examples
PATH=$(realpath "$(dirname "$NETSIM")"):$PATH

# scenario NAME SENTENCE
scenario() {
	cat >"scenarios/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: examples
		  networks: {lan: {}}
		  nodes:
		    n[1-3]: {interfaces: {eth1: {network: lan, address: "10.9.6.{n}/24"}}}
		probes: {echo: {from: n1, ping: 10.9.6.2, every: 10ms, timeout: 100ms}}
		timeline:
		- cut: partition n2
		  for: 600ms
		- after: {for: 1s}
		  expect: $2
	EOT
}

shell() {
	check "shell: scenarios that hold" "$EXAMPLES/scenarios.sh" out-sh scenarios/*.yaml
	like "shell: it says so" "$OUT" $'\nevery expectation holds$'
	is_junit out-sh/junit.xml
	scenario strict "echo available <= 1%"
	fails_with 1 "shell: one that does not" "$EXAMPLES/scenarios.sh" out-sh2 scenarios/strict.yaml
	like "shell: it says that, too" "$OUT" 'an expectation does not hold: see out-sh2/runs$'
	rm scenarios/strict.yaml
}

by_make() {
	check "make: check" make -f "$EXAMPLES/scenarios.mk" check-scenarios
	check "make: run" make -f "$EXAMPLES/scenarios.mk" resilience EVIDENCE=out-make
	is_junit out-make/junit.xml
	is "make: all scenarios" "$(echo out-make/runs/*/verdict.json)" \
		"out-make/runs/first/verdict.json out-make/runs/second/verdict.json"
}

# Runs the commands of the job as a shell executor does: the first failure ends it.
gitlab() {
	python3 - "$EXAMPLES/gitlab-ci.yml" >job.sh <<-'EOT'
		import sys, yaml
		job = yaml.safe_load(open(sys.argv[1]))["resilience"]
		assert job["artifacts"]["reports"]["junit"] in job["artifacts"]["paths"]
		assert job["artifacts"]["when"] == "always"
		print("set -e")
		for line in job["script"]:
		    print(line.replace("netsim doctor", "netsim doctor || true"))
	EOT
	check "GitLab: the job's script" bash job.sh
	is_junit junit.xml
	is "GitLab: a suite for each scenario" "$(xmllint --xpath 'count(//testsuite)' junit.xml)" 2
	is "GitLab: the evidence is an artifact" "$(echo evidence/*/report.html)" \
		"evidence/first/report.html evidence/second/report.html"
}

# The test script with a machine that is this one.
nixos() {
	cat >machine.py <<-'EOT'
		import os, subprocess, sys, textwrap
		def there(text):
		    return text.replace("/tmp/", sys.argv[2] + "/nix-").replace("/etc/netsim", sys.argv[2])
		class Machine:
		    def wait_for_unit(self, name): pass
		    def succeed(self, command):
		        if command != "netsim doctor":
		            subprocess.run(["sh", "-c", there(command)], check=True)
		    def copy_from_vm(self, path): os.stat(there(path))
		text = open(sys.argv[1]).read().split("testScript = ''")[1].split("''")[0]
		exec(textwrap.dedent(text), {"machine": Machine()})
	EOT
	check "NixOS: the test script" python3 machine.py "$EXAMPLES/nixos-test.nix" "$WORK"
	is_junit "$WORK/nix-junit.xml"
}

cd "$WORK" || exit
mkdir scenarios
scenario first "echo recovers within 900ms"
scenario second "echo available 50%"
shell
by_make
gitlab
nixos
check "no node is left" not ls /run/netns/examples.*
done_testing
