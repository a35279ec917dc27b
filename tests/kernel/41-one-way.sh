# needs: native bridge veth netns clsact bpf
# limit: 300
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A one-way cut leaves the way back open for longer than neighbour entries are cached: ARP and
# neighbour discovery pass, unless --l2 is given.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=way
LONG=120

write_topo() {
	local node n=0
	echo "fleet: way"
	echo "networks: {lan: {address: [10.1.0.254/24, \"fd00:1::fe/64\"]}}"
	echo "nodes:"
	for node in a b c d e f g h; do
		n=$((n + 1))
		echo "  $node: {interfaces: {eth1: {network: lan, address: [10.1.0.$n/24, \"fd00:1::$n/64\"]}}}"
	done
}

# Makes neighbour entries stale, so that they are confirmed again, after a second or so.
short_lives() {
	local family
	for family in ipv4 ipv6; do
		node_exec "$1" sysctl -qw "net.$family.neigh.eth1.base_reachable_time_ms=500" \
			"net.$family.neigh.eth1.delay_first_probe_time=1" \
			"net.$family.neigh.eth1.gc_stale_time=1"
	done
}

# listen NODE FROM: captures the echo requests of FROM that arrive at NODE, without address
# resolution; its process is in $BG
listen() {
	watch "$1" eth1 "ether src $(node_exec "$2" ip -j link show eth1 | jq -r '.[0].address') and
		(icmp[icmptype] == icmp-echo or (ip6 and ip6[6] == 58 and ip6[40] == 128))"
}

# The process of listen for each flow, which is named after its two nodes: ab is from a to b.
declare -A FLOWS=()

# start NODE TO NUMBER: pings over both families, twice a second
start() {
	listen "$2" "$1"
	FLOWS[$1$2]=$BG
	node_bg "$1" ping -n -q -i 0.5 "10.1.0.$3"
	node_bg "$1" ping -6 -n -q -i 0.5 "fd00:1::$3"
}

# counts FLOW: "IPV4 IPV6" frames so far
counts() {
	local log=$WORK/bg.${FLOWS[$1]}
	echo "$(grep -c ' IP ' "$log") $(grep -c ' IP6 ' "$log")"
}

arrived() {
	local got
	read -ra got <<<"$(counts "$1")"
	[[ ${got[0]} -ge $2 && ${got[1]} -ge $2 ]]
}

# holds NAME FLOW BACK: nothing of FLOW arrives, but 95 of 100 of BACK, up to the end
holds() {
	is "$1: nothing that way" "$(counts "$2")" "${BEFORE[$2]}"
	check "$1: everything the other way, to the end" arrived "$3" $((LONG * 2 * 95 / 100))
}

# resolves NODE ADDRESS: true if NODE resolves the address anew
resolves() {
	node_exec "$1" ip neigh flush all
	node_exec "$1" ping -n -q -c 1 -W 1 "$2" >/dev/null 2>&1
	[[ $(node_exec "$1" ip neigh show "$2") == *lladdr* ]]
}

# The three kinds of one-way cut side by side, for LONG seconds.
long() {
	local way
	declare -A BEFORE
	for way in ab cd ef; do
		short_lives "${way:0:1}"
		short_lives "${way:1:1}"
	done
	check "partition --one-way" "$NETSIM" partition --one-way a b
	check "a fault of a pair" "$NETSIM" fault 'loss 100%' c:d
	check "a fault of a class" "$NETSIM" fault --class icmp 'loss 100%' e:f
	start a b 2
	start b a 1
	start c d 4
	start d c 3
	start e f 6
	start f e 5
	for way in ab cd ef; do
		BEFORE[$way]=$(counts $way)
	done
	for way in ba dc fe; do
		check "the other way at first: $way" wait_for 10 arrived $way 3
	done
	sleep "$LONG"
	check "$LONG s later" wait_for 20 arrived ba $((LONG * 2))
	check "the same for a pair" wait_for 10 arrived dc $((LONG * 2 * 95 / 100))
	check "the same for a class" wait_for 10 arrived fe $((LONG * 2 * 95 / 100))
	holds "partition --one-way" ab ba
	holds "a fault of a pair" cd dc
	holds "a fault of a class" ef fe
	"$NETSIM" heal -q
	check "healed" wait_for 5 answers a 10.1.0.2
}

# --l2: nothing at all crosses.
complete() {
	check "partition --one-way --l2" "$NETSIM" partition --one-way --l2 g h
	like "says so" "$OUT" "one-way g -> h, l2"
	like "so does status" "$("$NETSIM" status)" ": one-way g -> h, l2"
	is "in JSON" "$("$NETSIM" status --json | jq '.fleets[0].faults[0].l2')" true
	check "g cannot answer who it is" not resolves h 10.1.0.7
	check "nor over IPv6" not resolves h fd00:1::7
	"$NETSIM" heal -q
	check "without --l2" "$NETSIM" partition --one-way --json g h
	is "says so" "$(jq .l2 <<<"$OUT")" false
	check "it can" resolves h 10.1.0.7
	check "over IPv6, too" resolves h fd00:1::7
	"$NETSIM" heal -q
	check "fault --l2" "$NETSIM" fault --l2 'loss 100%' g:h
	like "says so" "$OUT" "loss 100% on g:h, l2"
	check "g cannot answer who it is" not resolves h 10.1.0.7
	check "a fault beside it" "$NETSIM" fault 'loss 0%' g:h
	check "does not change that" not resolves h 10.1.0.7
	"$NETSIM" heal -q
	check "fault of the class arp" "$NETSIM" fault --class arp 'loss 100%' g:h
	check "means ARP" not resolves h 10.1.0.7
	check "and only that" resolves h fd00:1::7
	"$NETSIM" heal -q
	check "a full partition" "$NETSIM" partition g h
	check "stops ARP" not resolves h 10.1.0.7
	check "and neighbour discovery" not resolves h fd00:1::7
	is "and says so" "$("$NETSIM" status --json | jq '.fleets[0].faults[0].l2')" true
	"$NETSIM" heal -q
}

before=$(dump)
write_topo >"$WORK/way.yaml"
check "up" "$NETSIM" up "$WORK/way.yaml"
settle a b c d e f g h
complete
long
check "down" "$NETSIM" down
is "leaves nothing" "$(dump)" "$before"
done_testing
