# needs: bridge veth netns clsact bpf
# limit: 410
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Held packets wait, and are delivered when the fault ends: all, and in order. Numbered frames, pings
# and TCP show it. Where the kernel has no netem or fq, or the network does not allow it, the fault
# is refused at once.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=hd
FLOOD=$HELPERS/flood
NODES="$FLEET.n1/eth1 $FLEET.n2/eth1 $FLEET.n3/eth1"

can_hold() {
	unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null
}

build() {
	cat >"$WORK/hd.yaml" <<-'EOT'
		fleet: hd
		networks: {lan: {address: 10.1.0.254/24}}
		nodes:
		  n[1-3]: {interfaces: {eth1: {network: lan, address: "10.1.0.{n}/24"}}}
	EOT
	check "up" "$NETSIM" up "$WORK/hd.yaml"
}

refusals() {
	local before
	printf 'profile: held\nnodes: {n1: {hold: true}}\n' >"$WORK/held.yaml"
	fails_with 3 "not in a profile" "$NETSIM" apply "$WORK/held.yaml"
	like "says why" "$ERR" "held.yaml:2:[0-9]+: error: unknown key \"hold\"; only a fault holds packets, because it ends"
	fails_with 2 "no value follows" "$NETSIM" fault 'hold 5s' n1
	like "says it" "$ERR" '"5s" is not a condition'
	fails_with 2 "not LACP alone" "$NETSIM" fault hold n1/eth1 --class lacp
	like "says it" "$ERR" "LACP frames cannot be held; 'loss 100%' drops them"
	check "a dry run" "$NETSIM" fault -n hold n1 --for 5s
	is "text" "$OUT" "would add: hold on n1, for 5 s"
	cat >"$WORK/routed.yaml" <<-'EOT'
		fleet: rt
		networks: {lan: {routed: true, address: 10.2.0.254/32}}
		nodes:
		  a[1-2]: {interfaces: {eth1: {network: lan, address: "10.2.0.{n}/32"}}}
	EOT
	before=$(dump)
	"$NETSIM" up -q "$WORK/routed.yaml"
	fails_with 5 "not on a routed network" "$NETSIM" fault --fleet rt hold a1
	like "says so" "$ERR" "packets cannot be held on a routed network"
	"$NETSIM" down -q rt
	is "nothing stays" "$(dump)" "$before"
}

unsupported() {
	local before
	"$NETSIM" fault -q 'loss 0%' n1:n2
	"$NETSIM" heal -q
	before=$(dump)
	fails_with 5 "a kernel without netem or fq" "$NETSIM" fault hold n1 --for 5s
	like "says what it needs" "$ERR" "holding packets needs sch_fq and sch_netem: modprobe them"
	one_line "in one line"
	is "no fault is in force" "$("$NETSIM" status --json | jq '.fleets[0].faults | length')" 0
	is "nothing stays" "$(dump)" "$before"
	check "packets pass" wait_for 5 answers n1 10.1.0.2
}

# flooding RATE [SECONDS]: numbered frames between all nodes, or until flooded
flooding() {
	# shellcheck disable=SC2086
	bg "$FLOOD" -r "$1" ${2:+-t "$2"} -o "$WORK/flood" $NODES
	FLOODING=$BG
	wait_for 6 grep -q -e ready -e stuck "$WORK/bg.$BG"
}

# flooded NAME END: when the fault has ended, at END, and a second more has passed, all frames have
# arrived, once and in order
flooded() {
	wait_for 30 past "$2"
	sleep 1
	kill "$FLOODING"
	wait "$FLOODING"
	"$FLOOD" -d "$WORK/flood" >"$WORK/links"
	is "$1: all frames arrive, in order" \
		"$(awk '$3 != $4 || $6 || $7 || $8 { print $1, $2, $3, $4, $6, $7, $8 }' "$WORK/links")" ""
}

# past TIME: in seconds since 1970
past() {
	awk -v now="$EPOCHREALTIME" -v time="$1" 'BEGIN { exit now < time }'
}

# silence FROM TO: ms of the longest time without an arrival
silence() {
	"$FLOOD" -a "$WORK/flood" |
		awk -v a="$FLEET.$1" -v b="$FLEET.$2" '$2 == a && $3 == b { print $8 * 1000 }'
}

# first FROM TO SINCE: ms from SINCE to the first arrival
first() {
	"$FLOOD" -a "$WORK/flood" "$3" |
		awk -v a="$FLEET.$1" -v b="$FLEET.$2" '$1 == 1 && $2 == a && $3 == b { print $6 * 1000 }'
}

# end_of_fault: the deadline of the last fault, in seconds since 1970; a pause between the clocks makes
# it earlier, never later
end_of_fault() {
	local up now=$EPOCHREALTIME
	read -r up _ </proc/uptime
	jq --arg up "$up" --arg now "$now" '.faults[-1].deadline / 1e9 + ($now | tonumber) - ($up | tonumber)' \
		"/run/netsim/$FLEET.json"
}

# before TIME MS
before() {
	awk -v t="$1" -v ms="$2" 'BEGIN { printf "%.6f", t - ms / 1000 }'
}

# held FROM TO CLASS: packets that were held
held() {
	"$NETSIM" status --prometheus |
		sed -n "s/^netsim_held_total{.*from=\"$1\",to=\"$2\",class=\"$3\"} //p"
}

deadline() {
	local end
	flooding 300
	check "hold a path for 2 s" "$NETSIM" fault hold n1:n2 --for 2s
	like "text" "$OUT" "^fault [0-9]+: hold on n1:n2, for 2 s$"
	end=$(end_of_fault)
	flooded "a path" "$end"
	between "none arrives for a time" "$(silence n1 n2)" 300 5000 ms
	between "the first arrives at its end" "$(first n1 n2 "$(before "$end" 50)")" 20 1000 ms
	between "others arrive all the time" "$(silence n2 n1)" 0 900 ms
	between "the counter" "$(held n1 n2 other)" 20 120
	is "of that path only" "$(held n2 n1 other)$(held n1 n3 other)" 00
}

healed() {
	local end
	flooding 300
	check "hold a node" "$NETSIM" fault hold n3 --name held
	like "status shows it" "$("$NETSIM" status)" "n3 +netns +hold .*fault [0-9]+: held: hold on n3"
	sleep 1
	check "heal" "$NETSIM" heal held
	end=$EPOCHREALTIME
	flooded "a node" "$end"
	between "none arrives from it for a time" "$(silence n3 n1)" 1000 5000 ms
	between "nor to it" "$(silence n1 n3)" 1000 5000 ms
	between "then they arrive" "$(first n3 n1 "$end")" 0 1000 ms
	between "others arrive all the time" "$(silence n2 n1)" 0 900 ms
}

# The pings of the host, and to the host; ARP too is held on a link.
to_host() {
	local from to
	ip neigh flush all
	node_exec n1 ip neigh flush all
	check "hold" "$NETSIM" fault hold n1
	ping_start n2 10.1.0.254 0.1
	to=$BG
	node_bg n1 ping -n -D -i 0.1 -c 30 -W 20 10.1.0.254
	from=$BG
	bg ping -n -D -i 0.1 -c 30 -W 20 10.1.0.1
	# Their ARP requests wait; after the third without an answer, the pings would fail.
	check "packets of both wait" wait_for 10 waits 2
	is "none is answered until then" "$(grep -ch time= "$WORK/bg.$from" "$WORK/bg.$BG" | joined)" "0 0"
	check "healed" "$NETSIM" heal
	wait "$from"
	ping_read "$WORK/bg.$from"
	is "to the host: all are answered, in order" "$GOT $LATE" "30 0"
	wait "$BG"
	ping_read "$WORK/bg.$BG"
	is "from the host: the same" "$GOT $LATE" "30 0"
	ping_stop "$to"
	between "another node's answers come at once" "$GAP" 0 700 ms
}

listens() {
	[[ -n $(node_exec "$1" ss -Hltn "sport = :$2") ]]
}

# A connection survives five seconds, and other classes pass.
tcp() {
	local client icmp
	icmp=$(held n1 n2 icmp)
	node_bg n2 iperf3 -s -1 -p 2380
	wait_for 5 listens n2 2380
	node_bg n1 iperf3 -J -c 10.1.0.2 -p 2380 -b 8M -t 8
	client=$BG
	wait_for 5 connected
	check "hold a class" "$NETSIM" fault hold n1:n2 n2:n1 --class etcd-peer --for 5s
	check "another class passes" wait_for 5 answers n1 10.1.0.2
	wait "$client"
	between "the connection survives: bytes" "$(jq '.end.sum_received.bytes' "$WORK/bg.$client")" 6000000 9000000
	between "retransmissions" "$(jq '.end.sum_sent.retransmits' "$WORK/bg.$client")" 1 40
	between "packets were held" "$(held n1 n2 etcd-peer)" 3 3000
	is "of no other class" "$(held n1 n2 icmp)" "$icmp"
}

connected() {
	[[ -n $(node_exec n1 ss -Htn 'dport = :2380') ]]
}

# More than what can wait is dropped, and counted as by a full queue.
bound() {
	local dropped
	"$NETSIM" fault -q hold '*'
	flooding 4000 5
	wait "$FLOODING"
	dropped=$("$NETSIM" top --json | jq '[.flows[].dropped.queue] | add')
	is "10000 packets wait" "$(waiting)" 10000
	# On a slow machine many are found to be lost until it looks.
	between "which status confirms" "$(status_waiting .packets)" 1000 10000
	between "what exceeds them is dropped and counted" "$dropped" 100 10000000
	"$NETSIM" heal -q
	check "all leave in the end, or are forgotten if they were lost" wait_for 20 drained
	check "packets pass" wait_for 5 answers n1 10.1.0.2
}

# waiting: packets in the pair of veths
waiting() {
	bpftool -j map dump name ns_park | jq '.[-1].formatted.value.count // .[-1].value.count'
}

# Each change of the policy forgets what is lost.
drained() {
	"$NETSIM" fault -q 'loss 0%' n1:n2 --name sweep && "$NETSIM" heal -q sweep && [[ $(waiting) == 0 ]]
}

verified() {
	"$NETSIM" fault -q hold n1:n2
	run "$NETSIM" verify --quick
	like "verify proves that nothing passes" "$OUT" "all +cut +1 pairs? +nothing passed +ok"
	tc filter del dev "$(port_of n2)" egress
	fails_with 1 "without its program" "$NETSIM" verify --quick
	like "something passes" "$OUT" "n2 +cut down +cut off +1 of 1 cut pairs pass +failed"
	check "up mends it" "$NETSIM" up "$WORK/hd.yaml"
	not_answered n1 10.1.0.2
	"$NETSIM" heal -q
	wait_for 5 answers n1 10.1.0.2
}

not_answered() {
	check "held again" not answers "$1" "$2"
}

mended() {
	"$NETSIM" fault -q hold n1
	ip link del hd.hold
	fails_with 1 "diff" "$NETSIM" diff "$WORK/hd.yaml"
	like "shows what is missing" "$OUT" "the pair of veths for held packets is missing"
	check "up" "$NETSIM" up "$WORK/hd.yaml"
	check "puts it back" "$NETSIM" diff "$WORK/hd.yaml"
	node_bg n1 ping -n -c 1 -W 10 10.1.0.2
	wait_for 5 waits 1
	"$NETSIM" heal -q
	check "a ping that waited is answered" wait "$BG"
	tc qdisc del dev hd.hold root
	"$NETSIM" fault -q hold n1
	is "another fault mends the queue" "$(tc qdisc show dev hd.hold | grep -c -e netem -e fq)" 2
	"$NETSIM" heal -q
}

# The engine of the profile stays, and both apply.
engines() {
	local engine end
	printf 'profile: slow\ndefault: {delay: 5ms}\n' >"$WORK/slow.yaml"
	for engine in netem edt; do
		"$NETSIM" apply -q "$WORK/slow.yaml" --engine "$engine"
		flooding 120
		check "$engine: hold a node" "$NETSIM" fault hold n1 --for 2s
		end=$(end_of_fault)
		like "$engine: stays" "$("$NETSIM" status)" "profile slow \($engine"
		flooded "$engine" "$end"
		between "$engine: to the node at its end" "$(first n2 n1 "$(before "$end" 50)")" 20 1000 ms
		between "$engine: from the node" "$(first n1 n2 "$(before "$end" 50)")" 20 1000 ms
		measured_between "$engine: delays" 20 30 ms rtt_of n1 10.1.0.2
	done
	"$NETSIM" clear -q
}

vlans() {
	cat >"$WORK/vl.yaml" <<-'EOT'
		fleet: vl
		networks: {lan: {vlans: [100, 200]}}
		nodes:
		  n[1-2]:
		    interfaces:
		      eth1: {network: lan}
		      eth1.100: {vlan: 100, address: "10.3.1.{n}/24"}
		      eth1.200: {vlan: 200, address: "10.3.2.{n}/24"}
	EOT
	FLEET=vl
	check "up with VLANs" "$NETSIM" up "$WORK/vl.yaml"
	node_exec n1 ping -n -q -c 1 -W 2 10.3.1.2 >/dev/null
	check "hold a VLAN of a node" "$NETSIM" fault --fleet vl hold n1/eth1.100
	check "another VLAN passes" wait_for 5 answers n1 10.3.2.2
	pinged "a VLAN" n1 10.3.1.2
	run "$NETSIM" fault --fleet vl 'hold loss 1%' n1/eth1.100
	is "only alone" "$STATUS" 2
	check "down" "$NETSIM" down vl
	FLEET=hd
}

# active NODE MEMBER: of its bond
active() {
	[[ $(node_exec "$1" ip -j -d link show bond0 | jq -r '.[0].linkinfo.info_data.active_slave') == "$2" ]]
}

# pinged NAME NODE ADDRESS [OPTION...]: pings wait until they are healed, and are answered in order
pinged() {
	node_bg "$2" ping -n -D -i 0.1 -c 10 -W 20 "${@:4}" "$3"
	check "$1: pings wait" wait_for 10 waits 5
	is "$1: none is answered until then" "$(grep -c time= "$WORK/bg.$BG")" 0
	check "$1: healed" "$NETSIM" heal --fleet "$FLEET"
	wait "$BG"
	ping_read "$WORK/bg.$BG"
	is "$1: all are answered, in order" "$GOT $LATE" "10 0"
}

# The cable that a bond uses holds packets; it takes the other one, and they still arrive.
bonds() {
	cat >"$WORK/hb.yaml" <<-'EOT'
		fleet: hb
		networks: {lan: {}}
		nodes:
		  a:
		    interfaces:
		      eth1: {network: lan}
		      eth2: {network: lan}
		      bond0: {bond: [eth1, eth2], mode: active-backup, primary: eth1, miimon: 50ms, address: 10.5.0.1/24}
		  b: {interfaces: {eth1: {network: lan, address: 10.5.0.2/24}}}
	EOT
	FLEET=hb
	check "up with a bond" "$NETSIM" up "$WORK/hb.yaml"
	check "its first cable is active" wait_for 5 active a eth1
	check "and carries" wait_for 5 answers b 10.5.0.1
	check "hold a node with a bond" "$NETSIM" fault --fleet hb hold a
	pinged "a bond" b 10.5.0.1
	check "hold the cable in use" "$NETSIM" fault --fleet hb hold a/eth1 --name cable
	node_bg b ping -n -D -i 0.1 -c 10 -W 8 10.5.0.1
	wait_for 5 waits 1
	ip link set "$(port_of a eth1)" down
	check "the bond takes the other" wait_for 5 active a eth2
	check "which carries at once" wait_for 5 answers a 10.5.0.2
	ip link set "$(port_of a eth1)" up
	check "heal" "$NETSIM" heal --fleet hb cable
	wait "$BG"
	check "down" "$NETSIM" down hb
	FLEET=hd
}

# waits COUNT: as many packets wait, as status says
waits() {
	[[ $(status_waiting .packets) -ge $1 ]]
}

# The tap of a virtual machine: what waits leaves as frames of the right size, and in order.
taps() {
	local guest
	cat >"$WORK/ht.yaml" <<-'EOT'
		fleet: ht
		networks: {lan: {address: 10.6.0.254/24}}
		nodes:
		  vm: {kind: tap, interfaces: {eth1: {network: lan, port: tap-ht, mac: "52:54:00:06:00:01"}}}
		  b: {interfaces: {eth1: {network: lan, address: 10.6.0.2/24}}}
	EOT
	FLEET=ht
	check "up with a tap" "$NETSIM" up "$WORK/ht.yaml"
	guest tap-ht 52:54:00:06:00:01 10.6.0.1
	guest=$BG
	check "the machine answers" wait_for 5 answers b 10.6.0.1
	check "hold the machine" "$NETSIM" fault --fleet ht hold vm
	check "another node answers" wait_for 5 answers b 10.6.0.254
	pinged "a tap" b 10.6.0.1 -s 1000
	is "with their data" "$(grep -c '1008 bytes from' "$WORK/bg.$BG")" 10
	check "hold what it sends" "$NETSIM" fault --fleet ht hold vm:b
	check "other paths pass" wait_for 5 ping -n -q -c 1 -W 1 10.6.0.1
	pinged "from a tap" b 10.6.0.1
	bg_end "$guest"
	check "down" "$NETSIM" down ht
	FLEET=hd
}

# As many packets wait as were sent, besides those by which IPv6 finds its way, and none in the end.
counted_by_status() {
	"$NETSIM" fault -q hold n1:n2 --class icmp --name counted
	node_bg n1 ping -n -q -i 0.1 -c 7 -s 100 -W 10 10.1.0.2
	check "status counts what waits" wait_for 10 waits 7
	like "as text" "$("$NETSIM" status | tail -n 1)" "^([7-9]|1[0-9]) packets of [0-9.]+ k?B wait$"
	between "and bytes" "$(status_waiting .bytes)" 994 $((994 + 12 * 150)) B
	like "as metrics" "$("$NETSIM" status --prometheus)" 'netsim_waiting_bytes[{]fleet="hd"[}] (99[4-9]|[1-9][0-9]{3})'
	"$NETSIM" heal -q counted
	check "healed: all are answered" wait "$BG"
	check "none waits" wait_for 10 eval '[[ $(status_waiting .packets) == 0 ]]'
	is "and the text is silent" "$("$NETSIM" status | grep -c wait)" 0
}

# status_waiting FILTER: of what status says about packets that wait
status_waiting() {
	"$NETSIM" status --json "$FLEET" | jq ".fleets[0].waiting | $1"
}

scenario() {
	cat >"$WORK/run.yaml" <<-'EOT'
		scenario: held
		fleet:
		  fleet: hr
		  networks: {lan: {address: 10.9.4.254/24}}
		  nodes:
		    n[1-2]: {interfaces: {eth1: {network: lan, address: "10.9.4.{n}/24"}}}
		timeline:
		- quiet: {for: 2s}
		  expect: [rtt n1:n2 <= 1s]
		- held: fault hold n1:n2
		  for: 1s
		- after: {for: 6s}
		  expect: [rtt n1:n2 <= 8s, "packets n1:n2 >= 10", "loss n1:n2 <= 0%"]
	EOT
	scenario_ends 0 "a scenario holds" "$WORK/run.yaml" "$WORK/run"
	like "and proves it" "$OUT" "held: in effect: hold on n1:n2: .* [1-9][0-9]* of [0-9]+ packets"
}

before=$(dump)
build
refusals
if can_hold; then
	deadline
	healed
	to_host
	tcp
	thorough "no more than 10,000 packets wait" && bound
	counted_by_status
	verified
	mended
	engines
	if unshare -n sh -c 'ip link add br0 type bridge vlan_filtering 1 && ip link add d0 type dummy && ip link add link d0 name v0 type vlan id 5' 2>/dev/null; then
		vlans
	else
		skip "VLANs" "this kernel has no 8021q, or its bridges cannot filter VLANs"
	fi
	if unshare -n ip link add bond0 type bond 2>/dev/null; then
		thorough "a member of a bond that holds" && bonds
	else
		skip "bonds" "this kernel has no bonding"
	fi
	if [[ -c /dev/net/tun ]]; then
		taps
	else
		skip "taps" "there is no /dev/net/tun"
	fi
	thorough "a scenario that holds" && scenario
	"$NETSIM" fault -q hold n1
else
	unsupported
fi
check "down" "$NETSIM" down
is "leaves nothing" "$(dump)" "$before"
done_testing
