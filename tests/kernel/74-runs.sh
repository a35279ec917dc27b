# needs: native bridge veth netns clsact bpf xmllint
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run with several scenarios: folders, table, JSON, one JUnit report, the worst exit status;
# under several profiles; and --keep.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=runs

# scenario NAME LIMIT PROGRAM...: a partition that lasts 0.5 s
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: cut
		fleet:
		  fleet: runs
		  networks: {lan: {}}
		  nodes:
		    n[1-3]: {interfaces: {eth1: {network: lan, address: "10.9.3.{n}/24"}}}
		start: {w: {node: n1, run: [$3, "98764"]}}
		probes: {echo: {from: n1, ping: 10.9.3.2, every: 10ms, timeout: 100ms}}
		timeline:
		- cut: ${4:-partition n2}
		  for: 500ms
		  expect: echo outage <= $2
		- after: {for: 300ms}
	EOT
}

nothing_left() {
	check "$1: no node is left" not ls /run/netns/runs.*
	is "$1: no process is left" "$(pgrep -f 'sleep 9876[4]')" ""
}

# field FILTER: of the JSON in OUT
field() {
	jq -r "$1" <<<"$OUT"
}

several() {
	fails_with 5 "several scenarios: the worst exit status" \
		"$NETSIM" run --out "$WORK/all" --junit "$WORK/all.xml" --annotations "$WORK/all.notes" \
		"$WORK/good.yaml" "$WORK/strict.yaml" "$WORK/missing.yaml" "$WORK/idle.yaml" "$WORK/good.yaml"
	like "a table" "$OUT" $'\nscenario +verdict +time +what is not ok first\ngood +ok +[0-9.]+ s +-\n'
	like "has what failed" "$OUT" $'\nstrict +failed +[0-9.]+ s +cut: echo outage <= 50ms: '
	like "why a scenario was not run" "$OUT" $'\nmissing +not run +- +w/n1: cannot run no-such-program'
	like "what is unproved" "$OUT" $'\nidle +unproved +[0-9.]+ s +cut: in effect: .*no packet reached'
	like "and numbers for a name that repeats" "$OUT" $'\ngood-2 +ok '
	like "ends with the counts" "$OUT" \
		$'\n5 scenarios: 2 ok, 1 failed, 1 unproved, 1 not run; evidence in '"$WORK/all\$"
	like "the error is printed" "$ERR" 'netsim: w/n1: cannot run no-such-program'
	is "a folder for each" "$(cd "$WORK/all" && echo */verdict.json)" \
		"good-2/verdict.json good/verdict.json idle/verdict.json strict/verdict.json"
	check "each has a page" ls "$WORK/all/good/report.html" "$WORK/all/good-2/report.html"
	is "a test suite for each" "$(xpath 'concat(count(/testsuites/testsuite), " ", //testsuite[2]/@name, " ", //testsuite[5]/@id)')" \
		"5 strict 4"
	is "with its failures and errors" \
		"$(xpath 'concat(//testsuite[2]/@failures, " ", //testsuite[3]/@errors, " ", //testsuite[4]/@failures)')" "1 1 0"
	like "the reason is in it" "$(xpath 'string(//testsuite[3]/testcase/error/@message)')" 'cannot run no-such-program'
	is_junit "$WORK/all.xml"
	is "with profile and seed" "$(xpath 'concat(//testsuite[1]/properties/property[@name="profile"]/@value, " ", //testsuite[1]/properties/property[@name="seed"]/@value)')" "none 0"
	is "as the verdict" "$(jq -r '.profile + " " + .seed' "$WORK/all/good/verdict.json")" "none 0"
	is "the faults of all runs" "$(grep -c '"text":"partition' "$WORK/all.notes")" 3
	nothing_left several
}

xpath() {
	xmllint --xpath "$1" "$WORK/all.xml"
}

statuses() {
	fails_with 1 "failed is worse than unproved" "$NETSIM" run -j --out "$WORK/json" \
		"$WORK/strict.yaml" "$WORK/idle.yaml"
	is "JSON: status and results" "$(field '[.status, .runs[].result] | join(" ")')" "1 failed unproved"
	is "with the verdicts" "$(field '[.runs[].verdict.result] | join(" ")')" "failed unproved"
	is "and folders" "$(field '.folder + " " + .runs[1].folder')" "$WORK/json $WORK/json/idle"
	like "and reasons" "$(field '.runs[0].why')" '^cut: echo outage'
	fails_with 6 "unproved is worse than ok" "$NETSIM" run -q --out "$WORK/quiet" "$WORK/idle.yaml" "$WORK/good.yaml"
	is "-q: only the table" "$(head -n 1 <<<"$OUT" | cut -c 1-8)" scenario
	fails_with 2 "a folder that has runs already" "$NETSIM" run --out "$WORK/quiet" "$WORK/idle.yaml" "$WORK/good.yaml"
	like "is not written to" "$OUT" 'good +not run +- .*has a run already'
	nothing_left statuses
}

wrong() {
	echo 'scenario: bad' >"$WORK/bad.yaml"
	fails_with 3 "a mistake in one file" "$NETSIM" run --out "$WORK/none" "$WORK/good.yaml" "$WORK/bad.yaml"
	like "is reported" "$ERR" 'bad.yaml:1:1: error: '
	check "before anything is run" not ls "$WORK/none"
	fails_with 2 "a file that does not exist" "$NETSIM" run "$WORK/good.yaml" no-such-scenario
	one_line "in one line"
	fails_with 2 "--keep with several" "$NETSIM" run --keep "$WORK/good.yaml" "$WORK/good.yaml"
	like "is refused" "$ERR" '^netsim: run: --keep takes one scenario; '
	check "plans of several" "$NETSIM" run -n "$WORK/good.yaml" "$WORK/strict.yaml"
	is "one after the other" "$(grep -c 'partition n2' <<<"$OUT")" 2
}

profiles() {
	printf 'profile: mild\npairs: [{from: n1, to: n3, loss: 1%%}]\n' >"$WORK/mild.yaml"
	fails_with 1 "two scenarios under two profiles" "$NETSIM" run --profile "$WORK/mild.yaml,none" \
		--out "$WORK/each" --junit "$WORK/each.xml" "$WORK/good.yaml" "$WORK/strict.yaml"
	is "a row for each" "$(awk '$2 == "ok" || $2 == "failed" { print $1 }' <<<"$OUT" | xargs)" \
		"good-mild strict-mild good-none strict-none"
	is "and a test suite" "$(xmllint --xpath 'count(/testsuites/testsuite)' "$WORK/each.xml")" 4
	is "each under its own" "$(cd "$WORK/each" && grep -l '"profile","text":"mild"' -- */events.jsonl | xargs)" \
		"good-mild/events.jsonl strict-mild/events.jsonl"
	fails_with 2 "--keep: one profile" "$NETSIM" run --keep --profile "$WORK/mild.yaml,none" "$WORK/good.yaml"
	fails_with 2 "no profile" "$NETSIM" run -n --profile , "$WORK/good.yaml"
	like "says so" "$ERR" '"," names no profile'
}

# The file says what this command did, whatever it was before.
junit_of_nothing() {
	echo "<testsuites>green</testsuites>" >"$WORK/all.xml"
	sed 's/timeline:/timelyne:/' "$WORK/good.yaml" >"$WORK/broken.yaml"
	fails_with 3 "a scenario with a mistake" "$NETSIM" run --out "$WORK/bad" --junit "$WORK/all.xml" "$WORK/broken.yaml"
	is "is an error in JUnit" "$(xpath 'string(//testsuite/testcase/error)')" "not run to its end"
	is_junit "$WORK/all.xml"
	fails_with 4 "a file that cannot be written" "$NETSIM" run --out "$WORK/bad" --junit "$WORK/none/all.xml" "$WORK/good.yaml"
	like "is named" "$ERR" "cannot write .*none/all.xml: No such file or directory"
	check "before anything is run" not ls "$WORK/bad"
}

begun() {
	grep -q '"kind":"phase begins"' "$WORK/stop/good/events.jsonl"
}

interrupted() {
	bg "$NETSIM" run --out "$WORK/stop" --junit "$WORK/all.xml" "$WORK/good.yaml" "$WORK/strict.yaml"
	check "a run of two" wait_for 20 begun
	interrupt "$BG"
	is "Ctrl-C: exit status" "$STATUS" 130
	like "ends the whole" "$(<"$WORK/bg.$BG")" $'\nstrict +not run +- +interrupted\n'
	check "without the second run" not ls "$WORK/stop/strict"
	is "which JUnit has" "$(xpath 'string(//testsuite[2]/testcase/error/@message)')" interrupted
	is_junit "$WORK/all.xml"
	nothing_left interrupted
}

kept() {
	local pid
	check "--keep" "$NETSIM" run --keep --out "$WORK/kept" "$WORK/good.yaml"
	pid=$(pgrep -f 'sleep 9876[4]')
	like "says what is kept" "$OUT" "kept until netsim down: the fleet runs, process $pid of w/n1\$"
	check "the fleet is up" wait_for 5 answers n1 10.9.3.3
	check "the data is there" ls -d "$WORK/kept/data/w@n1"
	check "the verdict is ok" grep -q '"line":"ok: run: nothing is left behind: but what was to be kept"' \
		"$WORK/kept/verdict.json"
	fails_with 5 "--keep with a run that cannot begin" "$NETSIM" run --keep --out "$WORK/kept2" "$WORK/missing.yaml"
	like "kills the workload of the one before" "$ERR" "; what was begun is kept: netsim down runs removes it"
	check "netsim down" "$NETSIM" down runs
	nothing_left "netsim down"
}

scenario good 5s sleep
scenario strict 50ms sleep
scenario missing 5s no-such-program
scenario idle 5s sleep 'fault "loss 100%" n3 --class etcd-client'
several
statuses
wrong
profiles
junit_of_nothing
interrupted
kept
done_testing
