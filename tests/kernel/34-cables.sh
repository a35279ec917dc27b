# needs: bridge veth netns clsact bpf iperf3 tcpdump
# limit: 400
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Cables between networks: what crosses them, partitions and faults across them, VLANs of a trunk,
# closed networks, rings; and, with netem and with edt, delay and rate of each direction.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=cabled
TOPO=$WORK/cabled.yaml
# The engines can be tested only where they exist.
HOLDS=
! unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null || HOLDS=yes

# So can VLANs.
VLANS=
! unshare -n sh -c 'ip link add p1 type bridge vlan_filtering 1 && ip link add link p1 name p2 type vlan id 5' 2>/dev/null || VLANS=yes

# write_topo: two nodes on each of two networks, which a cable joins
write_topo() {
	cat >"$TOPO" <<-EOF
		fleet: cabled
		networks: {west: {address: 10.0.0.254/24}, east: {}}
		nodes:
		  w-[1-2]: {roles: [west], interfaces: {eth1: {network: west, address: "10.0.0.{n}/24"}}}
		  e-[3-4]: {roles: [east], interfaces: {eth1: {network: east, address: "10.0.0.{n}/24"}}}
		links:
		  wan: {between: [west, east]}
	EOF
}

# pairs: which nodes reach which
pairs() {
	reach w-1=10.0.0.1 w-2=10.0.0.2 e-3=10.0.0.3 e-4=10.0.0.4
}

crossing() {
	pairs | grep -cE '^(w.*e|e.*w)'
}

within() {
	pairs | grep -cE '^(w.*w|e.*e)'
}

# status FILTER
status() {
	"$NETSIM" status --json | jq -cr ".fleets[0] | $1"
}

# one_cable NAME: its two ends are each other's peers, in the bridges of the two networks
one_cable() {
	ip -j -d link show type veth | jq -cr --arg name "$1" '[.[] | select(.ifalias // "" | test("/" + $name + "/")) |
		[.ifalias, .master, .link]] | sort[]' | joined
}

built() {
	run "$NETSIM" plan "$TOPO"
	like "the plan has the cable" "$OUT" "[+] wan/west \(cabled.wan.west\): veth on cabled-west to cabled.wan.east, mtu 1500"
	check "up" "$NETSIM" up "$TOPO"
	is "a cable joins the two bridges" "$(one_cable wan)" \
		'["netsim:cabled/wan/east cable=2","cabled-east","cabled.wan.west"] ["netsim:cabled/wan/west cable=1","cabled-west","cabled.wan.east"]'
	is "without STP" "$(ip -j -d link show cabled-west | jq '.[0].linkinfo.info_data.stp_state')" 0
	is "all reach all" "$(crossing) $(within)" "8 4"
	is "up again does nothing" "$("$NETSIM" plan "$TOPO")" "already up to date"
	is "status lists the cable" "$(status '.cables[] | [.name, (.ends[] | .interface)] | join(" ")')" "wan west east"
	is "and counts what it joins" "$(status '[.nodes[] | .reaches | length] | join(" ")')" "3 3 3 3"
	check "the cable is taken down" "$NETSIM" link -q down wan
	check "ping-matrix" "$NETSIM" ping-matrix
	like "knows that nothing can cross" "$OUT" "12 pairs: 4 answered, 8 with a link down"
	"$NETSIM" link -q up wan
	ip link del cabled.wan.east
	is "without it, nothing crosses" "$(crossing) $(within)" "0 4"
	fails_with 1 "diff" "$NETSIM" diff "$TOPO"
	like "names the cable" "$OUT" "wan/west"
	check "up" "$NETSIM" up "$TOPO"
	is "makes it again" "$(crossing)" 8
}

# An end that was moved or whose VLANs changed is put back; a cable that is not wanted goes.
changed() {
	ip link set cabled.wan.east nomaster
	is "an end that is out of its bridge" "$(crossing)" 0
	check "up" "$NETSIM" up "$TOPO"
	is "puts it back" "$(crossing)" 8
	sed '/^links:/,$d' "$TOPO" >"$WORK/without.yaml"
	like "a file without it" "$("$NETSIM" plan "$WORK/without.yaml")" "- wan/.*: veth"
	check "up" "$NETSIM" up "$WORK/without.yaml"
	is "removes it" "$(one_cable wan) $(crossing) $(within)" " 0 4"
	check "up" "$NETSIM" up "$TOPO"
	is "and brings it back" "$(crossing)" 8
}

# The programs know both ends of what crosses, and the cable itself is neither.
partitions() {
	check "a partition across the cable" "$NETSIM" partition w-1 e-3
	is "cuts these two only" "$(pairs | joined)" "e-3>e-4 e-3>w-2 e-4>e-3 e-4>w-1 e-4>w-2 w-1>e-4 w-1>w-2 w-2>e-3 w-2>e-4 w-2>w-1"
	is "and status says so" "$(status '[.nodes[] | .reaches | length] | join(" ")')" "2 3 2 3"
	"$NETSIM" heal -q
	check "of the sites" "$NETSIM" partition @west @east
	is "cuts all that crosses" "$(crossing) $(within)" "0 4"
	"$NETSIM" heal -q
	check "one way" "$NETSIM" partition --one-way w-1 e-3
	is "stops w-1's frames" "$(pairs | grep -c 'w-1.*e-3\|e-3.*w-1') $(crossing)" "0 6"
	"$NETSIM" heal -q
	check "of a node from the rest" "$NETSIM" partition e-4
	is "leaves the others" "$(pairs | joined)" "e-3>w-1 e-3>w-2 w-1>e-3 w-1>w-2 w-2>e-3 w-2>w-1"
	"$NETSIM" heal -q
	check "of the host, which is on the other network" "$NETSIM" partition host e-3
	is "cuts it off" "$(reach host=10.0.0.254 e-3=10.0.0.3 e-4=10.0.0.4 | joined)" "e-3>e-4 e-4>e-3 e-4>host host>e-4"
	"$NETSIM" heal -q
	check "a partition that answers" "$NETSIM" partition --reject w-1 e-3
	like "answers across the cable" "$(node_exec w-1 ping -n -c 1 -W 1 10.0.0.3)" "From 10.0.0.3 .*Packet filtered"
	"$NETSIM" heal -q
	check "a fault of a pair" "$NETSIM" fault 'loss 100%' w-1:e-3
	is "concerns that pair" "$(pairs | grep -c 'w-1.*e-3\|e-3.*w-1') $(crossing)" "0 6"
	"$NETSIM" heal -q
	is "healed" "$(crossing) $(within)" "8 4"
}

faults() {
	check "all is lost on the cable" "$NETSIM" fault 'loss 100%' wan
	is "and nothing crosses" "$(crossing) $(within)" "0 4"
	is "status shows it for each way" "$(status '.cables[0].ends | map(.down.conditions) | join(", ")')" "loss 100%, loss 100%"
	[[ $(status '.cables[0].ends[0].dropped_by_conditions') -gt 0 ]]
	is "and counts" $? 0
	"$NETSIM" heal -q
	check "of what one end sends" "$NETSIM" fault 'loss 100%' wan/east
	is "nothing is answered" "$(crossing)" 0
	is "since that end drops it" "$(status '.cables[0].ends | map(.down.conditions) | join(", ")')" ", loss 100%"
	is "what the other one sends arrives" "$(arrives)" 1
	"$NETSIM" heal -q
	check "link down" "$NETSIM" link down wan
	is "parts the sites" "$(crossing) $(within)" "0 4"
	like "status says so" "$("$NETSIM" status)" "wan +cable +no carrier"
	is "and who reaches whom" "$(status '[.nodes[] | .reaches | length] | join(" ")')" "1 1 1 1"
	check "link up" "$NETSIM" link up wan
	is "joins them" "$(crossing)" 8
	check "link down for a while" "$NETSIM" link down wan --for 2s
	is "parts them" "$(crossing) $(within)" "0 4"
	check "until it is over" wait_for 5 all_cross
	fails_with 2 "a cable is no part of a partition" "$NETSIM" partition w-1 wan
	like "says what to do" "$ERR" "wan is a cable between networks, and no node; netsim link down wan"
	fails_with 2 "no end of a pair" "$NETSIM" fault 'loss 1%' w-1:wan
	like "says so" "$ERR" "wan is a cable between networks, and no end of a pair"
	fails_with 2 "and holds nothing" "$NETSIM" fault hold wan
	like "says so" "$ERR" "wan is a cable between networks, and cannot hold packets"
	is "no fault is in force" "$(status '.faults | length')" 0
}

# arrives: how many pings of w-1 reach e-3, where one is sent that is not answered
arrives() {
	node_exec e-3 tcpdump -nli eth1 -c 1 'icmp and src 10.0.0.1' >"$WORK/arrives" 2>"$WORK/arrives.err" &
	wait_for 5 written 'listening' "$WORK/arrives.err"
	answers w-1 10.0.0.3
	wait_for 2 written 'echo request' "$WORK/arrives"
	grep -c 'echo request' "$WORK/arrives"
	kill %% 2>/dev/null
}

all_cross() {
	[[ $(crossing) == 8 ]]
}

# A trunk between two switches, which carries VLAN 100, and not 200.
trunk() {
	local vlan
	cat >"$TOPO" <<-EOF
		fleet: cabled
		networks: {a: {vlans: [100, 200]}, b: {vlans: [100, 200]}}
		nodes:
		  n-1: {interfaces: {eth1: {network: a, address: 10.1.0.1/24}, v100: {vlan: 100, link: eth1, address: 10.100.0.1/24},
		    v200: {vlan: 200, link: eth1, address: 10.200.0.1/24}}}
		  n-2: {interfaces: {eth1: {network: b, address: 10.1.0.2/24}, v100: {vlan: 100, link: eth1, address: 10.100.0.2/24},
		    v200: {vlan: 200, link: eth1, address: 10.200.0.2/24}}}
		links:
		  trunk: {between: [a, b], vlans: [100]}
	EOF
	check "up with a trunk" "$NETSIM" up "$TOPO"
	is "its ends have the VLANs" "$(bridge -j vlan show dev cabled.trunk.b | jq -c '[.[0].vlans[].vlan]')" "[1,100]"
	for vlan in 1 100; do
		check "VLAN $vlan crosses" wait_for 5 answers n-1 "10.$vlan.0.2"
	done
	check "VLAN 200 does not" not answers n-1 10.200.0.2
	sed -i 's/, vlans: \[100\]}$/}/' "$TOPO"
	check "up with all VLANs" "$NETSIM" up "$TOPO"
	check "VLAN 200 crosses" wait_for 5 answers n-1 10.200.0.2
	"$NETSIM" down -q
}

# A closed network drops what comes from ports that no node has, also across a cable.
closed() {
	cat >"$TOPO" <<-EOF
		fleet: cabled
		networks: {west: {unclaimed: pass}, east: {unclaimed: drop}}
		nodes:
		  w-1: {interfaces: {eth1: {network: west, address: 10.0.0.1/24}}}
		  e-3: {interfaces: {eth1: {network: east, address: 10.0.0.3/24}}}
		links:
		  wan: {between: [west, east]}
	EOF
	check "up with a closed network" "$NETSIM" up "$TOPO"
	ip netns add "foreign$SUFFIX"
	ip link add foreign type veth peer name eth0 netns "foreign$SUFFIX"
	ip link set foreign master cabled-west up
	ip -n "foreign$SUFFIX" addr add 10.0.0.9/24 dev eth0
	ip -n "foreign$SUFFIX" link set eth0 up
	check "a fault attaches the programs" "$NETSIM" fault 'loss 0%' w-1
	check "a node crosses" wait_for 5 answers w-1 10.0.0.3
	check "a foreign port reaches the open network" wait_for 5 ip netns exec "foreign$SUFFIX" ping -n -q -c 1 -W 1 10.0.0.1
	check "and not the closed one" not ip netns exec "foreign$SUFFIX" ping -n -q -c 1 -W 1 10.0.0.3
	ip netns del "foreign$SUFFIX"
	"$NETSIM" down -q
}

# A ring of three with STP: one cable does not forward, and takes over once another is cut.
ring() {
	cat >"$TOPO" <<-EOF
		fleet: cabled
		networks: {a: {stp: true}, b: {stp: true}, c: {stp: true}}
		nodes:
		  n-1: {interfaces: {eth1: {network: a, address: 10.1.0.1/24}}}
		  n-2: {interfaces: {eth1: {network: b, address: 10.1.0.2/24}}}
		links:
		  ab: {between: [a, b]}
		  bc: {between: [b, c]}
		  ca: {between: [c, a]}
	EOF
	check "a ring with STP" "$NETSIM" up "$TOPO"
	is "the bridges run it" "$(ip -j -d link show type bridge | jq -c '[.[].linkinfo.info_data.stp_state]')" "[1,1,1]"
	check "frames pass" wait_for 60 answers n-1 10.1.0.2
	is "one end blocks" "$(bridge -j link show | jq '[.[] | select(.state == "blocking")] | length')" 1
	check "the direct cable is cut" "$NETSIM" link down ab
	check "frames go round" wait_for 60 answers n-1 10.1.0.2
	sed -i 's/, c: {stp: true}/, c: {}/' "$TOPO"
	fails_with 3 "a ring without STP" "$NETSIM" up "$TOPO"
	like "is refused" "$ERR" "link \"ca\" closes a ring .*, in which frames to all would circle for ever"
	"$NETSIM" down -q
}

# profile ENGINE: 40 ms both ways together, 5 mbit up (from the west), 20 mbit down
profile() {
	cat >"$WORK/far.yaml" <<-EOF
		profile: far
		engine: $1
		nodes:
		  wan: {up: {rate: 5mbit, delay: 10ms}, down: {rate: 20mbit, delay: 30ms}}
	EOF
}

# rate_of FROM ADDRESS: what TCP reaches, in Mbit/s
rate_of() {
	node_exec "$1" iperf3 -J -c "$2" -C cubic -O 1 -t 3 | jq '.end.sum_received.bits_per_second / 1e4 | round / 100'
}

# rate_is NAME LOW HIGH FROM TO ADDRESS
rate_is() {
	local server
	node_bg "$5" iperf3 -s
	server=$BG
	wait_for 10 node_exec "$4" bash -c "</dev/tcp/$6/5201"
	measured_between "$1" "$2" "$3" mbit rate_of "$4" "$6"
	bg_end "$server"
}

conditions() {
	local engine
	write_topo
	"$NETSIM" up -q "$TOPO"
	for engine in netem edt; do
		profile "$engine"
		check "$engine: apply" "$NETSIM" apply "$WORK/far.yaml"
		like "$engine: shows the cable" "$OUT" "wan +up: 5mbit delay 10ms"
		like "$engine: and status, too" "$("$NETSIM" status)" "wan +cable +up: 5mbit delay 10ms.*down: 20mbit delay 30ms"
		measured_between "$engine: round trip across the cable" 39.9 44 ms rtt_of w-1 10.0.0.3
		measured_between "$engine: round trip within a network" 0 3 ms rtt_of w-1 10.0.0.2
		rate_is "$engine: rate up" 4.3 5.1 w-1 e-3 10.0.0.3
		if thorough "$engine: rate down, and verify"; then
			rate_is "$engine: rate down" 17 20.3 e-3 w-1 10.0.0.1
			check "$engine: verify" "$NETSIM" verify
			explain "$OUT"
		fi
		check "$engine: a fault on top" "$NETSIM" fault 'delay 60ms' wan/west
		measured_between "$engine: delays what the west sends" 89.9 95 ms rtt_of w-1 10.0.0.3
		"$NETSIM" heal -q
		measured_between "$engine: healed" 39.9 44 ms rtt_of w-1 10.0.0.3
		check "$engine: clear" "$NETSIM" clear
		measured_between "$engine: nothing is left" 0 3 ms rtt_of w-1 10.0.0.3
	done
	check "a profile for the cable alone" "$NETSIM" apply "$WORK/far.yaml" wan
	measured_between "shapes it" 39.9 44 ms rtt_of w-1 10.0.0.3
	check "and clear wan ends it" "$NETSIM" clear wan
	measured_between "there" 0 3 ms rtt_of w-1 10.0.0.3
	"$NETSIM" down -q
}

# Nothing stays, also after an up that was killed.
removed() {
	local moment
	write_topo
	for moment in 0.002 0.004 0.006 0.008 0.012 0.016 0.02 0.03; do
		"$HELPERS/killat" "$moment" "$NETSIM" up -q "$TOPO" 2>/dev/null
	done
	"$NETSIM" down -q
	is "after kill -9 of up, down removes all" "$(ip -br link | grep -c cabled)" 0
}

elsewhere || {
	write_topo
	built
	changed
	partitions
	faults
	"$NETSIM" down -q
	is "down removes all" "$(ip -br link | grep -c cabled)" 0
	closed
	ring
	removed
}
if [[ -n $VLANS ]]; then
	trunk
else
	skip "a trunk" "this kernel has no VLANs"
fi
if [[ -n $HOLDS ]]; then
	conditions
else
	skip "delay and rate of a cable" "this kernel has no sch_netem or sch_fq"
fi
done_testing
