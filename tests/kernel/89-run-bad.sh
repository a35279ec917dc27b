# needs: native bridge veth netns clsact bpf xmllint
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run where something is wrong: an unproved verdict, a run that ends early, a clear line
# for each cause, and nothing left behind.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# scenario NAME: the rest of the file is read from stdin
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: bad
		  networks: {lan: {}}
		  nodes:
		    n[1-3]: {interfaces: {eth1: {network: lan, address: "10.9.2.{n}/24"}}}
	EOT
	cat >>"$WORK/$1.yaml"
}

# runs STATUS NAME: runs the scenario; its output is in OUT and ERR
runs() {
	local out err
	fails_with "$1" "$2: exit status" timeout 60 "$NETSIM" run "$WORK/$2.yaml" --out "$WORK/$2"
	out=$OUT err=$ERR
	nothing_left "$2"
	OUT=$out ERR=$err
}

nothing_left() {
	check "$1: no node is left" not ls /run/netns/bad.*
	check "$1: no record is left" not ls /run/netsim
	is "$1: no process is left" "$(pgrep -f 'sleep 9876[5]')" ""
}

unproved() {
	scenario nobody <<-'EOT'
		probes: {echo: {from: n1, ping: 10.9.2.2, every: 20ms, timeout: 100ms}}
		timeline:
		- cut: fault "loss 100%" n3 --class etcd-client
		  for: 1s
		  expect: echo outage <= 1s
	EOT
	runs 6 nobody
	like "a fault that hits nobody" "$OUT" 'unproved: cut: in effect: .*: no packet reached it'
	like "its phase is not ok" "$OUT" 'unproved: cut: echo outage <= 1s: a fault of this phase was not in effect'
	check "JUnit has an error for it" grep -q '<error type="unproved"' "$WORK/nobody/junit.xml"
	is_junit "$WORK/nobody/junit.xml"
	scenario never <<-'EOT'
		probes: {web: {from: n1, tcp: "10.9.2.2:80", every: 20ms, timeout: 100ms}}
		timeline: [{all: {for: 1s}, expect: web outage <= 5s}]
	EOT
	runs 6 never
	like "a probe that never succeeds" "$OUT" 'unproved: all: web outage <= 5s: web never succeeded'
}

workloads() {
	scenario bound <<-'EOT'
		start: {w: {node: n1, run: [python3, -m, http.server, "8080", --bind, "{address}"], ready: {tcp: 8080}}}
		timeline: [{all: {for: 100ms}}]
	EOT
	runs 0 bound
	scenario late <<-'EOT'
		start: {w: {node: n1, run: [sleep, "98765"], ready: {tcp: 7}, within: 1s}}
		timeline: [{all: {for: 1s}}]
	EOT
	runs 1 late
	like "a workload that is not ready" "$ERR" '^netsim: w/n1: .*port 7.*refused'
	one_line "in one line"
	scenario missing <<-'EOT'
		start: {w: {node: n1, run: [no-such-program]}}
		timeline: [{all: {for: 1s}}]
	EOT
	runs 5 missing
	like "a missing program" "$ERR" 'w/n1: cannot run no-such-program'
	fails_with 6 "its report" "$NETSIM" report "$WORK/missing"
	like "says why the run did not begin" "$OUT" 'unproved: run: runs to its end: w/n1: cannot run no-such-program'
	scenario exits <<-'EOT'
		start: {w: {node: n1, run: [sh, -c, "sleep 1; exit 3"]}}
		timeline: [{all: {for: 50s}}]
	EOT
	runs 1 exits
	like "a workload that exits" "$OUT" 'failed: run: stays alive: w/n1: exited with status 3 at [0-9.]+ s'
	like "ends the run" "$OUT" 'unproved: run: runs to its end: w/n1 ended with exit status 3'
	scenario port <<-EOT
		start:
		  a: {node: n1, run: ["$HELPERS/httpd", 10.9.2.1, "8080"], ready: {log: ready}}
		  b: {node: n1, run: ["$HELPERS/httpd", 10.9.2.1, "8080"], ready: {run: ["false"]}}
		timeline: [{all: {for: 1s}}]
	EOT
	runs 1 port
	like "a port in use" "$ERR" '^netsim: b/n1: ended with exit status [0-9]+; the last line of its log: .*in use'
	scenario name <<-'EOT'
		probes: {web: {from: n1, tcp: "no-such-host.invalid:80"}}
		timeline: [{all: {for: 1s}}]
	EOT
	runs 2 name
	like "a name that does not resolve" "$ERR" '^netsim: probe web: cannot resolve no-such-host.invalid'
}

aborts() {
	local timeout
	# below and above the limit
	for timeout in 100ms 1s; do
		scenario "abort-$timeout" <<-EOT
			probes: {echo: {from: n1, ping: 10.9.2.2, every: 20ms, timeout: $timeout}}
			timeline: [{cut: partition n2, for: 50s}]
			abort: echo outage > 500ms
		EOT
		runs 1 "abort-$timeout"
		like "a condition to abort, timeout $timeout" "$OUT" 'failed: run: not aborted: echo outage > 500ms: '
	done
	scenario step <<-'EOT'
		timeline: [{all: "exec n1 -- false"}, {more: {for: 50s}}]
	EOT
	runs 6 step
	like "a step that fails" "$OUT" 'unproved: run: step exec n1 -- false: false ended with exit status 1'
}

full_disk() {
	mkdir "$WORK/small"
	mount -t tmpfs -o size=64k none "$WORK/small"
	scenario full <<-'EOT'
		probes: {echo: {from: n1, ping: 10.9.2.2, every: 2ms, timeout: 100ms}}
		timeline: [{all: {for: 3s}, expect: echo available 50%}]
	EOT
	check "a full disk" "$NETSIM" run "$WORK/full.yaml" --out "$WORK/small/full"
	like "the verdict is printed" "$OUT" '(^|'$'\n'')full: ok: '
	like "and the loss" "$ERR" 'warning: the evidence is not complete: cannot write samples.jsonl: No space left on device'
	nothing_left full
	umount "$WORK/small"
}

# is_running SCENARIO: its fault is in force
is_running() {
	grep -q '"kind":"fault begins"' "$WORK/$1/events.jsonl"
}

interrupted() {
	scenario long <<-'EOT'
		start: {w: {node: n1, run: [sleep, "98765"]}}
		probes: {echo: {from: n1, ping: 10.9.2.2, every: 20ms, timeout: 100ms}}
		timeline:
		- cut: partition n2
		  for: 60s
		  expect: echo outage <= 1s
	EOT
	bg "$NETSIM" run "$WORK/long.yaml" --out "$WORK/long"
	check "a run" wait_for 20 is_running long
	fails_with 4 "a second one of its fleet" "$NETSIM" run "$WORK/long.yaml" --out "$WORK/second"
	like "is refused" "$ERR" "^netsim: a run of the fleet bad is in progress \(process $BG\)"
	one_line "in one line"
	check "without a folder" not ls "$WORK/second"
	fails_with 4 "down meanwhile" "$NETSIM" down bad
	like "is refused, too" "$ERR" "a run of the fleet bad is in progress .*; wait for it, or end it: kill -INT $BG$"
	fails_with 4 "and reset" "$NETSIM" reset
	interrupt "$BG"
	is "Ctrl-C: exit status" "$STATUS" 130
	like "the verdict so far" "$(<"$WORK/bg.$BG")" 'unproved: run: runs to its end: interrupted'
	nothing_left long
}

killed() {
	rm -r "$WORK/long"
	bg "$NETSIM" run "$WORK/long.yaml" --out "$WORK/long"
	check "a run that is killed" wait_for 20 is_running long
	kill -KILL "$BG"
	wait "$BG" 2>/dev/null
	fails_with 6 "report after the kill" "$NETSIM" report "$WORK/long"
	like "says so" "$OUT" 'unproved: run: runs to its end: the run was killed'
	like "the workload survives" "$(pgrep -f 'sleep 9876[5]')" '^[0-9]+$'
	scenario next <<-'EOT'
		timeline: [{all: {for: 100ms}}]
	EOT
	check "the next run" "$NETSIM" run "$WORK/next.yaml" --out "$WORK/next"
	like "kills the survivor, and says so" "$ERR" 'note: killed 1 process of an earlier run'
	like "and heals" "$ERR" 'note: healed 1 fault that was in force before'
	check "down" "$NETSIM" down bad
	nothing_left next
}

unproved
workloads
aborts
full_disk
interrupted
killed
done_testing
