# needs: bridge veth netns clsact bpf python3
# limit: 120
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Limits of a node's processor time and memory: of commands, and of the workloads of a run, as the
# kernel counts them. Where the kernel's cgroups (v2) have no such controllers, they are refused.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=limits

# topo LIMITS: those of n1
topo() {
	cat >"$WORK/limits.yaml" <<-EOT
		fleet: limits
		networks: {lan: {}}
		nodes:
		  n1: {$1interfaces: {eth1: {network: lan, address: 10.1.0.1/24}}}
		  n2: {interfaces: {eth1: {network: lan, address: 10.1.0.2/24}}}
	EOT
}

controllers() {
	[[ " $(</sys/fs/cgroup/cgroup.controllers) " == *" cpu "*" memory "* ]]
}

# folder: the cgroup of n1
folder() {
	echo /sys/fs/cgroup/netsim@limits@*/n1
}

# share PID: the share of a processor, in percent, that a process gets within 1 s
share() {
	local before after begin=${EPOCHREALTIME/./} now
	before=$(awk '{ print $14 + $15 }' "/proc/$1/stat")
	sleep 1
	after=$(awk '{ print $14 + $15 }' "/proc/$1/stat")
	now=${EPOCHREALTIME/./}
	echo $(((after - before) * 1000000 * 100 / $(getconf CLK_TCK) / (now - begin)))
}

# spin NODE: a process there that computes; it is in SPIN
spin() {
	bg "$NETSIM" exec "$1" -- sh -c 'echo ready; while :; do :; done'
	SPIN=$BG
	wait_for 10 written ready "$WORK/bg.$SPIN"
}

# takes NODE MIB: a program in the node takes that much memory
takes() {
	"$NETSIM" exec "$1" -- python3 -c "import sys; b = bytearray($2 << 20); sys.exit(b[-1])"
}

processor() {
	topo "cpu: 20%, "
	check "up" "$NETSIM" up "$WORK/limits.yaml"
	is "the kernel has the limit" "$(<"$(folder)/cpu.max")" "20000 100000"
	like "status shows it" "$("$NETSIM" status)" $'\n''n1: cpu 20%'
	is "and its JSON" "$("$NETSIM" status --json | jq -c '[.fleets[0].nodes[] | .cpu_percent]')" '[20,null]'
	is "up again does nothing" "$("$NETSIM" plan "$WORK/limits.yaml")" "already up to date"
	spin n1
	measured_between "a process of the node" 5 25 % share "$SPIN"
	topo "cpu: 60%, "
	like "a plan with another limit" "$("$NETSIM" plan "$WORK/limits.yaml")" "~ node n1: cpu 60%"
	check "up with that" "$NETSIM" up "$WORK/limits.yaml"
	measured_between "the same process" 26 66 % share "$SPIN"
	topo ""
	check "up without a limit" "$NETSIM" up "$WORK/limits.yaml"
	measured_between "the same process" 67 101 % share "$SPIN"
	bg_end "$SPIN"
	spin n2
	measured_between "one of another node" 67 101 % share "$SPIN"
	bg_end "$SPIN"
}

memory() {
	topo "memory: 64MiB, "
	check "up" "$NETSIM" up "$WORK/limits.yaml"
	is "the kernel has the limit" "$(<"$(folder)/memory.max") $(cat "$(folder)/memory.swap.max" 2>/dev/null || echo 0)" "67108864 0"
	check "a program that fits" takes n1 20
	run takes n1 200
	is "one that does not is killed" "$STATUS" 137
	check "in another node it is not" takes n2 200
	echo max >"$(folder)/memory.max"
	fails_with 1 "a limit that was changed is a difference" "$NETSIM" diff "$WORK/limits.yaml"
	like "says which" "$OUT" "node n1: memory 64MiB"
	check "up" "$NETSIM" up "$WORK/limits.yaml"
	is "mends it" "$(<"$(folder)/memory.max")" 67108864
}

# The members of a run are below the cgroup of their node.
workloads() {
	cat >"$WORK/run.yaml" <<-EOT
		scenario: limited
		fleet: $WORK/limits.yaml
		start:
		  where: {nodes: [n1, n2], run: [sh, -c, "cat /proc/self/cgroup; sleep 60"]}
		timeline:
		- quiet: {for: 1s}
	EOT
	topo "cpu: 30%, memory: 64MiB, "
	"$NETSIM" down -q
	scenario_ends 0 "a run" "$WORK/run.yaml" "$WORK/run"
	like "its workload is below the node's cgroup" "$(<"$WORK/run/logs/where@n1.log")" "/netsim@limits@[0-9]+/n1/where@n1$"
	like "of a node without limits, below the fleet's" "$(<"$WORK/run/logs/where@n2.log")" "/netsim@limits@[0-9]+/where@n2$"
	check "nothing is left" not ls -d /sys/fs/cgroup/netsim@limits@*
}

removed() {
	topo "cpu: 30%, memory: 64MiB, "
	check "up" "$NETSIM" up "$WORK/limits.yaml"
	spin n1
	check "down" "$NETSIM" down
	check "ends what netsim exec has started in it" wait_for 10 not kill -0 "$SPIN"
	check "and removes the cgroup" not ls -d /sys/fs/cgroup/netsim@limits@*
}

refused() {
	local before
	before=$(dump)
	topo "cpu: 20%, "
	fails_with 5 "without a controller: refused" "$NETSIM" up "$WORK/limits.yaml"
	like "with the place, and the remedy" "$ERR" 'limits.yaml:4:[0-9]+: error: .*no controller "cpu".*; boot with cgroup_no_v1=cpu'
	one_line "in one line"
	is "nothing is left" "$(dump)" "$before"
	check "no cgroup" not ls -d /sys/fs/cgroup/netsim@limits@*
}

if controllers; then
	processor
	memory
	workloads
	removed
else
	refused
	skip "limits" "the cgroups (v2) of this kernel have no controllers"
fi
done_testing
