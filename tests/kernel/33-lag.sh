# needs: bonding 8021q vlan_filtering bridge veth netns tcpdump clsact bpf
# limit: 500
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The switch's side of bonds: LACP has a partner, each cable can be cut by itself, LACP can be lost,
# and conditions, partitions and counters are those of the cables.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=lags
TOPO=$WORK/lags.yaml
# The engines can be tested only where they exist.
HOLDS=
! unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null || HOLDS=yes

# write_topo OPTIONS [NETWORK]: a and c have a bond with these options, b has one cable
write_topo() {
	cat >"$TOPO" <<-EOT
		fleet: lags
		networks: {lan: {${2-vlans: [100]}}}
		nodes:
		  a:
		    interfaces:
		      eth1: {network: lan}
		      eth2: {network: lan}
		      bond0: {bond: [eth1, eth2], miimon: 50ms, $1, address: 10.1.0.1/24}
		  b:
		    interfaces:
		      eth1: {network: lan, address: 10.1.0.2/24}
		  c:
		    interfaces:
		      eth1: {network: lan}
		      eth2: {network: lan}
		      bond0: {bond: [eth1, eth2], miimon: 50ms, $1, address: 10.1.0.3/24}
	EOT
}

# lag NODE: the switch's side of its bond
lag() {
	port_of "$1" bond0
}

# info NODE|host DEVICE FILTER: applies FILTER to the attributes of a bond, as ip shows them
info() {
	node_exec "$1" ip -j -d link show "$2" | jq -cr ".[0].linkinfo.info_data | $3"
}

# bond NODE|host DEVICE: the state of a bond and of its members. Read as text, because most waits
# below look at it.
bond() {
	node_exec "$1" cat "/proc/net/bonding/$2"
}

# aggregates NODE COUNT: the bond has so many ports in its aggregator, and so has the switch's
aggregates() {
	[[ $(bond "$1" bond0) == *"Number of ports: $2"* && $(bond host "$(lag "$1")") == *"Number of ports: $2"* ]]
}

# distributes NODE: the ports of its bond, and all on the switch, send; a port is in the aggregator
# for up to some seconds before
distributes() {
	local state states
	states=$({ bond "$1" bond0 && cat /proc/net/bonding/*; } |
		awk '/^ *details / { own = /actor/ } own && /port state:/ { print $NF }')
	[[ $states ]] || return 1
	for state in $states; do
		[[ $((state & 0x20)) -ne 0 ]] || return 1
	done
}

all_reach() {
	[[ $(reach a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 | xargs) == "a>b a>c b>a b>c c>a c>b" ]]
}

# drops NODE: packets of the node that partitions have dropped, as status counts them
drops() {
	"$NETSIM" status --json | jq ".fleets[0].nodes[] | select(.name == \"$1\") | .dropped_by_partitions"
}

mac() {
	node_exec "$1" ip -j link show "$2" | jq -r '.[0].address'
}

partner() {
	write_topo "mode: 802.3ad, lacp_rate: fast"
	check "up" "$NETSIM" up "$TOPO"
	check "two ports are in the aggregators of a" wait_for 10 aggregates a 2
	check "and of c" wait_for 10 aggregates c 2
	is "the partner is the switch" "$(info a bond0 .ad_info.partner_mac)" "$(mac host "$(lag a)")"
	is "whose partner is the node" "$(info host "$(lag a)" .ad_info.partner_mac)" "$(mac a bond0)"
	is "and has the node's rate" "$(info host "$(lag a)" .ad_lacp_rate)" fast
	is "the switch's bond is the port of the bridge" \
		"$(ip -j link show "$(lag a)" | jq -r '.[0].master') $(ip -br link show master lags-lan | wc -l)" "lags-lan 3"
	is "with its VLANs" "$(bridge -j vlan show dev "$(lag a)" | jq -c '[.[0].vlans[].vlan]')" "[1,100]"
	is "which the cables have not" "$(bridge -j vlan show dev "$(port_of a eth1)")" "[]"
	check "all reach all" wait_for 10 all_reach
	run "$NETSIM" plan "$TOPO"
	like "nothing is left to do" "$OUT" "already up to date"
}

# One cable is pulled out: traffic goes on by the other one.
cable() {
	local ping
	check "all ports send" wait_for 20 distributes a
	ping_start a 10.1.0.2 0.02
	ping=$BG
	check "one cable down" "$NETSIM" link down a/eth1
	check "the other port is left" wait_for 10 aggregates a 1
	check "traffic goes on" wait_for 5 all_reach
	check "the cable up" "$NETSIM" link up a/eth1
	check "both ports are there again" wait_for 10 aggregates a 2
	check "and send" wait_for 10 distributes a
	check "the other cable down" "$NETSIM" link down a/eth2
	check "one port is left" wait_for 10 aggregates a 1
	check "traffic goes on" wait_for 5 all_reach
	check "netsim up plugs it in" "$NETSIM" up "$TOPO"
	check "both ports are there again" wait_for 10 aggregates a 2
	ping_stop "$ping"
	between "the longest gap" "$GAP" 20 5000 ms
}

# A capture at a cable shows what passes it, with LACP.
captures() {
	run "$NETSIM" capture a/eth1 --class lacp --count 2 --for 20s
	like "LACP frames at a cable" "$OUT" "a/eth1 (sent|delivered)"
	explain "$OUT"
}

# LACP frames of one cable are lost: its port leaves the aggregator at both ends. Of a cable that
# has a carrier, but passes nothing, likewise. Such a port comes back after up to 30 s, because
# LACP sends rarely to a partner that it does not hear: both cables wait for that together.
lacp_loss() {
	check "LACP frames of a cable are lost" "$NETSIM" fault --name lacp 'loss 100%' a/eth2 --class lacp
	check "all still reach all" wait_for 1 all_reach
	check "its port leaves the aggregator" wait_for 15 aggregates a 1
	check "all reach all by the other" wait_for 5 all_reach
	check "those of c do not" aggregates c 2
	fails_with 2 "a pair has no LACP frames" "$NETSIM" fault 'loss 100%' a:b --class lacp
	like "and the message says so" "$ERR" "LACP frames pass no pair of nodes"
	fails_with 2 "nor has a partition" "$NETSIM" partition a --class lacp
	like "which the message says, too" "$ERR" "no partition stops them"
	check "a cable of c with a carrier passes nothing" "$NETSIM" link down c/eth1 --for 60s --name dead
	check "its port leaves the aggregator" wait_for 15 aggregates c 1
	check "all reach all by the other" wait_for 5 all_reach
	check "heal" "$NETSIM" heal lacp dead
	check "the port of a is in it again" wait_for 40 aggregates a 2
	check "and that of c" wait_for 15 aggregates c 2
}

# The programs at the cables know which node sends, though the bridge knows only the bond.
partitions() {
	local before
	check "all reach all" wait_for 5 all_reach
	check "a is cut off" "$NETSIM" partition a
	is "from both others" "$(reach a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 | xargs)" "b>c c>b"
	check "status counts the drops" [ "$(drops a)" -gt 0 ]
	is "its LACP partner stays" "$(info a bond0 '[.ad_info.num_ports, .ad_info.partner_mac]')" "[2,\"$(mac host "$(lag a)")\"]"
	check "heal" "$NETSIM" heal
	check "a partition that answers" "$NETSIM" partition --reject a
	like "answers a bond" "$(node_exec a ping -n -c 1 -W 1 10.1.0.2)" "From 10.1.0.2 .*Packet filtered"
	check "heal" "$NETSIM" heal
	check "one way" "$NETSIM" partition --one-way a c
	node_exec c ip neigh replace 10.1.0.1 lladdr "$(mac a bond0)" dev bond0
	node_exec a ip neigh replace 10.1.0.3 lladdr "$(mac c bond0)" dev bond0
	watch c bond0 "icmp and src host 10.1.0.1"
	before=$BG
	node_exec a ping -n -q -c 3 -i 0.1 -W 1 10.1.0.3 >/dev/null
	is "nothing arrives" "$(frames "$before")" 0
	watch a bond0 "icmp and src host 10.1.0.3"
	before=$BG
	node_exec c ping -n -q -c 3 -i 0.1 -W 1 10.1.0.1 >/dev/null
	is "but in the other direction" "$(frames "$before")" 3
	check "heal" "$NETSIM" heal
	check "all reach all" wait_for 5 all_reach
}

# rtt NAME LOW FROM ADDRESS
rtt() {
	measured_between "$1" "$2" "$(($2 + 15))" ms rtt_of "$3" "$4"
}

conditions() {
	printf 'profile: far\nnodes: {a: {delay: 20ms}, c: {up: {delay: 10ms}}}\n' >"$WORK/far.yaml"
	check "apply with netem" "$NETSIM" apply --engine netem "$WORK/far.yaml"
	rtt "a to b" 40 a 10.1.0.2
	rtt "a to c" 50 a 10.1.0.3
	check "apply with the programs" "$NETSIM" apply --engine edt "$WORK/far.yaml"
	rtt "a to b" 40 a 10.1.0.2
	rtt "c to a" 50 c 10.1.0.1
	is "the aggregators keep their ports" "$(info a bond0 .ad_info.num_ports)$(info c bond0 .ad_info.num_ports)" 22
	check "pairs" "$NETSIM" fault 'delay 30ms' a:c --name pair
	rtt "a to c" 80 a 10.1.0.3
	rtt "a to b" 40 a 10.1.0.2
	check "heal" "$NETSIM" heal
	check "verify" "$NETSIM" verify --quick
	explain "$OUT"
	check "clear" "$NETSIM" clear
	rtt "without conditions" 0 a 10.1.0.3
}

# Without LACP: a static LAG, whose ports are one port of the bridge.
static_lags() {
	local mode tcpdump modes=(balance-rr)
	thorough "static LAGs of balance-xor" && modes+=(balance-xor)
	for mode in "${modes[@]}"; do
		write_topo "mode: $mode, lag: true" ""
		check "up with $mode" "$NETSIM" up "$TOPO"
		is "the switch's side" "$(info host "$(lag a)" .mode) $(ip -br link show master "$(lag a)" | wc -l)" "balance-xor 2"
		check "all reach all" wait_for 10 all_reach
		watch a bond0 "icmp and dst host 10.1.0.255"
		tcpdump=$BG
		node_exec b ping -n -q -b -c 3 -i 0.2 -W 1 10.1.0.255 >/dev/null 2>&1
		is "broadcasts arrive once" "$(frames "$tcpdump")" 3
		check "one cable down" "$NETSIM" link down a/eth1
		check "all reach all" wait_for 5 all_reach
		check "the cable up" "$NETSIM" link up a/eth1
	done
	write_topo "mode: balance-rr, lag: false" ""
	check "up without" "$NETSIM" up "$TOPO"
	is "the switch's side is gone" "$(lag a)$(ip -br link show master lags-lan | wc -l)" 5
	watch a bond0 "icmp and dst host 10.1.0.255"
	tcpdump=$BG
	node_exec b ping -n -q -b -c 3 -i 0.2 -W 1 10.1.0.255 >/dev/null 2>&1
	is "broadcasts arrive once for each cable" "$(frames "$tcpdump")" 6
}

changes() {
	local before
	write_topo "mode: 802.3ad, lacp_rate: fast"
	check "up with LACP again" "$NETSIM" up "$TOPO"
	check "two ports" wait_for 10 aggregates a 2
	before=$(ip -j link show "$(lag a)" | jq '.[0].ifindex')
	write_topo "mode: 802.3ad, lacp_rate: fast, xmit_hash_policy: layer3+4"
	check "up with another hash" "$NETSIM" up "$TOPO"
	is "both have it, in place" \
		"$(info a bond0 .xmit_hash_policy) $(info host "$(lag a)" .xmit_hash_policy) $(ip -j link show "$(lag a)" | jq '.[0].ifindex')" \
		"layer3+4 layer3+4 $before"
	ip link set "$(port_of a eth1)" nomaster
	run "$NETSIM" diff "$TOPO"
	is "diff shows a cable that has left" "$STATUS $(grep -c 'a/eth1.*master' <<<"$OUT")" "1 1"
	ip link del "$(lag c)"
	check "up repairs both" "$NETSIM" up "$TOPO"
	check "two ports" wait_for 10 aggregates a 2
	check "and of c" wait_for 10 aggregates c 2
	check "all reach all" wait_for 5 all_reach
	ip link add taken type dummy
	sed -i '0,/xmit_hash_policy: layer3+4/s//port: taken/' "$TOPO"
	fails_with 4 "a name that is taken is refused" "$NETSIM" up "$TOPO"
	check "two ports, as before" wait_for 10 aggregates a 2
	ip link del taken
}

# The shipped topology: every node reaches the others on both VLANs.
shipped() {
	FLEET=lacp
	check "up with the shipped topology" "$NETSIM" up "$(dirname "$TESTS")/topo/lacp.yaml"
	check "all reach all on VLAN 200" wait_for 20 all_on 200
	check "and on VLAN 100" wait_for 5 all_on 100
	check "down" "$NETSIM" down
	FLEET=lags
}

all_on() {
	[[ $(reach server-1="192.168.$1.1" server-2="192.168.$1.2" agent-3="192.168.$1.3" agent-4="192.168.$1.4" | wc -l) -eq 12 ]]
}

dump >"$WORK/before"
thorough "the shipped topology" && shipped
partner
cable
captures
lacp_loss
partitions
[[ $HOLDS ]] && conditions
static_lags
thorough "changes of a bond and its switch's side" && changes
check "down" "$NETSIM" down
dump >"$WORK/after"
check "nothing is left" diff "$WORK/before" "$WORK/after"
done_testing
