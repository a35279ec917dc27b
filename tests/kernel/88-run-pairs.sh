# needs: bridge veth netns clsact bpf
# limit: 130
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run with sentences about pairs (rtt, packets, loss), which need no probe and no workload,
# and with the shapes of a partition.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# scenario NAME: the timeline is read from stdin
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: pairs
		  networks: {lan: {address: 10.9.3.254/24}}
		  nodes:
		    n[1-3]: {interfaces: {eth1: {network: lan, address: "10.9.3.{n}/24"}}}
		    vm: {kind: tap, interfaces: {eth1: {network: lan, port: pairs-vm}}}
		timeline:
	EOT
	sed 's/^/  /' >>"$WORK/$1.yaml"
}

# ran STATUS NAME: runs the scenario, with its output in OUT
ran() {
	scenario_ends "$1" "$2: exit status" "$WORK/$2.yaml" "$WORK/$2"
}

# line NAME TEXT: a line of the verdict
line() {
	like "$1" $'\n'"$OUT" $'\n'"$2"
}

round_trips() {
	scenario rtt <<-'EOT'
		- quiet: {for: 2s}
		  expect:
		  - rtt n1:n2 <= 1s
		  - rtt host:n2 median <= 1s
		  - rtt n1:n2 max >= 2s
		- cut: partition n1 n2
		  for: 2s
		  expect: [rtt n1:n2 <= 1s, "loss n1:n2 >= 90%", "packets n1:n2 <= 0", "packets host:n2 >= 10"]
	EOT
	ran 1 rtt
	line "a round trip" 'ok: quiet: rtt n1:n2 <= 1s: [0-9.]+ m?s'
	line "from the host" 'ok: quiet: rtt host:n2 median <= 1s: [0-9.]+ m?s'
	line "one that is not kept" 'failed: quiet: rtt n1:n2 max >= 2s: [0-9.]+ m?s, off by'
	line "without an answer" 'failed: cut: rtt n1:n2 <= 1s: at least 4.00 s'
	line "its pings are lost" 'ok: cut: loss n1:n2 >= 90%: [0-9.]+ %'
	line "and none arrives" 'ok: cut: packets n1:n2 <= 0: 0'
	line "others do" 'ok: cut: packets host:n2 >= 10: [0-9]+'
	check "report judges it again" cmp <("$NETSIM" report --json "$WORK/rtt") "$WORK/rtt/verdict.json"
}

# The words of a step are those of the commands: sizes, partitions of a class.
parts() {
	scenario parts <<-'EOT'
		- quiet: {for: 2s}
		  expect: [rtt n1:n2 <= 1s, "loss n1:n2 <= 50%"]
		- hole: fault "larger 40B" n1:n2
		  for: 2s
		  expect: [rtt n1:n2 <= 1s, "loss n1:n2 >= 50%"]
		- part: partition n1 --class icmp
		  for: 2s
		  expect: ["loss n1:n2 >= 90%", rtt host:n1 <= 1s]
	EOT
	ran 1 parts
	line "large packets are lost" 'failed: hole: rtt n1:n2 <= 1s: at least'
	line "and counted" 'ok: hole: loss n1:n2 >= 50%: [0-9.]+ %'
	line "the fault was in effect" 'ok: hole: in effect: larger 40B on n1:n2.*, [1-9][0-9]* of [0-9]+ packets'
	line "a class is cut" 'ok: part: loss n1:n2 >= 90%: [0-9.]+ %'
	line "from the rest only" 'ok: part: rtt host:n1 <= 1s: [0-9.]+ m?s'
	scenario nothing <<-'EOT'
		- part: partition n1 --class etcd-peer
		  for: 2s
		  expect: rtt n1:n2 <= 1s
		- hole: fault "larger 1400B" n1:n2
		  for: 2s
		  expect: rtt n1:n2 <= 1s
	EOT
	ran 6 nothing
	line "a class without traffic proves nothing" 'unproved: part: in effect: partition n1 [|] [a-z0-9,]+, class etcd-peer'
	line "nor does a size that no packet has" 'unproved: hole: in effect: larger 1400B'
	scenario wrong <<-'EOT'
		- part: partition n1/eth2 --class etdc
		  for: 2s
	EOT
	fails_with 3 "mistakes are found before" "$NETSIM" check "$WORK/wrong.yaml"
	like "an interface" "$ERR" 'wrong.yaml:[0-9]+:[0-9]+: error: n1 has no interface "eth2"'
	like "a class" "$ERR" 'wrong.yaml:[0-9]+:[0-9]+: error: .*"?etdc"?'
}

delayed() {
	scenario delayed <<-'EOT'
		- quiet: {for: 1s}
		  expect: rtt n1:n2 <= 99ms
		- slow: fault "delay 100ms" n1:n2 --for 30s
		- far: {for: 3s}
		  expect: [rtt n1:n2 >= 99ms, rtt n1:n2 <= 300ms]
	EOT
	scenario_ends 0 "a delay of one direction: exit status" "$WORK/delayed.yaml" "$WORK/delayed"
	line "its round trips" 'ok: far: rtt n1:n2 >= 99ms: 0?.?1[0-9.]+ m?s'
}

shapes() {
	scenario ring <<-'EOT'
		- ring: partition --ring n1,n2,n3
		  for: 2s
		  expect: ["packets n1:n2 >= 10", "packets n2:n3 >= 10", "packets n3:n2 <= 0", rtt n1:n2 <= 1s, rtt n2:n3 <= 1s, rtt n3:n2 <= 1s]
	EOT
	ran 1 ring
	line "a ring is proved by the packets that it dropped" 'ok: ring: in effect: ring n1,n2,n3: from '
	line "each hears from the one before it" 'ok: ring: packets n1:n2 >= 10: '
	line "in turn" 'ok: ring: packets n2:n3 >= 10: '
	line "and not from the one after it" 'ok: ring: packets n3:n2 <= 0: 0'
	line "and has no answer" 'failed: ring: rtt n1:n2 <= 1s: at least 2.00 s'
}

# ends_within SECONDS: the partition that is in force
ends_within() {
	"$NETSIM" status --json stopped | jq -e --argjson within "$1" \
		'[.. | .faults? // empty | .[].left] | length > 0 and .[0] < $within'
}

# A run that does not see the end of its fault counts nothing that passes afterwards.
stopped() {
	local run FLEET=stopped
	scenario stopped <<-'EOT'
		- cut: partition n1 n2
		  for: 6s
		  expect: ["packets n1:n2 <= 0", "packets n1:n3 >= 1"]
	EOT
	sed -i 's/fleet: pairs/fleet: stopped/; s/pairs-vm/stopped-vm/' "$WORK/stopped.yaml"
	bg "$NETSIM" run -v "$WORK/stopped.yaml" --out "$WORK/stopped"
	run=$BG
	wait_for 20 ends_within 6
	node_bg n1 ping -q -i 0.02 10.9.3.2
	node_bg n1 ping -q -i 0.02 10.9.3.3
	check "the end of a cut is near" wait_for 10 ends_within 1.5
	kill -STOP "$run"
	check "and comes while the run is stopped" wait_for 10 node_exec n1 ping -c 20 -i 0.05 10.9.3.2
	kill -CONT "$run"
	STATUS=0
	wait "$run" || STATUS=$?
	OUT=$(<"$WORK/bg.$run")
	line "what passed afterwards is not counted" 'ok: cut: packets n1:n2 <= 0: 0'
	line "what passed before is" 'ok: cut: packets n1:n3 >= 1: [1-9][0-9]*'
}

# Faults that drop nothing are proved by the packets that they changed.
changed() {
	scenario changed <<-'EOT'
		- twice: fault "duplicate 100%" n1:n2
		  for: 2s
		  expect: rtt n1:n2 >= 1us
		- damaged: fault "corrupt 100%" n1:n2
		  for: 2s
		  expect: rtt n1:n2 >= 1us
		- slow: fault "loss 0%" n1:n2
		  for: 1s
	EOT
	ran 6 changed
	line "a duplication is proved by copies" 'ok: twice: in effect: duplicate 100% .*, [1-9][0-9]* of [0-9]+ packets'
	line "a corruption by damaged packets" 'ok: damaged: in effect: corrupt 100% .*, [1-9][0-9]* of [0-9]+ packets'
}

# refused NAME SENTENCE REGEX
refused() {
	scenario bad <<<"- quiet: {for: 1s}"$'\n'"  expect: \"$2\""
	fails_with 3 "$1" "$NETSIM" check "$WORK/bad.yaml"
	like "says why" "$ERR" "bad.yaml:10:[0-9]+: error: $3"
}

mistakes() {
	refused "several nodes" "rtt n*:n1 <= 1s" '"n\*" may be several nodes'
	refused "no node" "packets nx:n1 >= 1" '.*nx'
	refused "pings of a guest" "rtt vm:n1 <= 1s" "vm is a virtual machine.*write B:A"
	refused "pings to the host" "rtt n1:host <= 1s" "the host cannot be pinged.*write host:NODE"
	refused "pings to a node without address" "rtt n1:vm <= 1s" "vm has no address"
	refused "a pair as a probe" "n1:n2 available 100%" 'there is no probe or workload "n1:n2"'
}

# A delay of a pair needs the edt engine, which needs fq for delays.
HOLDS=
! unshare -n sh -c "tc qdisc add dev lo root fq" 2>/dev/null || HOLDS=yes

elsewhere || {
	round_trips
	parts
}
if [[ -n $HOLDS ]]; then
	delayed
else
	skip "a delay of one direction" "this kernel has no sch_fq"
fi
elsewhere || {
	shapes
	stopped
	changed
	mistakes
}
is "no node is left" "$(ls /run/netns)" ""
done_testing
