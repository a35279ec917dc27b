# needs: bridge veth netns tap clsact bpf tcpdump
# limit: 300
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim partition --reject: what is dropped is answered at once, only to the node that sent it.
# Errors and times of sockets (tests/tools/refused.c), checksums by tcpdump.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=answer
NODES=(a b c)
MAC=52:54:00:12:34:09
SOON=1000 # us
in_vm && SOON=20000 # emulated

refused() {
	node_exec "$1" "$HELPERS/refused" "${@:2}"
}

# The virtual machine's kernel has VLANs.
write_topo() {
	local node n=0 vlan=
	{
		echo "fleet: answer"
		echo "networks:"
		echo "  lan: {address: [10.1.0.254/24, \"fd00:1::fe/64\"]}"
		in_vm && echo "  cables: {vlans: [100]}"
		echo "nodes:"
		for node in "${NODES[@]}"; do
			n=$((n + 1))
			in_vm && vlan=", eth2: {network: cables}, eth2.100: {vlan: 100, address: 10.2.0.$n/24}"
			echo "  $node: {interfaces: {eth1: {network: lan, address: [10.1.0.$n/24, \"fd00:1::$n/64\"]}$vlan}}"
		done
		echo "  vm: {kind: tap, interfaces: {eth1: {network: lan, port: vm, mac: \"$MAC\", address: 10.1.0.9/24}}}"
	} >"$WORK/answer.yaml"
	cat >"$WORK/slow.yaml" <<-'EOF'
		profile: slow
		pairs: [{between: ["*", "*"], delay: 100ms}]
	EOF
}

# Lets neighbour entries live for an hour: a partition cuts what would confirm them.
long_lives() {
	local family
	for family in ipv4 ipv6; do
		node_exec "$1" sysctl -qw "net.$family.neigh.$2.base_reachable_time_ms=3600000"
	done
}

# resolve: a partition also cuts ARP and neighbour discovery, so every address is resolved before
resolve() {
	local from
	for from in "${NODES[@]}"; do
		answers "$from" 10.1.0.9 &
	done
	reach a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 host=10.1.0.254 >/dev/null
	reach a=fd00:1::1 b=fd00:1::2 c=fd00:1::3 host=fd00:1::fe >/dev/null
	! in_vm || reach a=10.2.0.1 b=10.2.0.2 c=10.2.0.3 >/dev/null
	wait_children
}

# at_once NAME NODE PROTOCOL ADDRESS ERROR: the error, in the median of several attempts
at_once() {
	local error median longest
	read -r error median longest < <(refused "$2" "$3" "$4" 7000 51)
	is "$1: the error" "$error" "$5"
	between "$1: in the median, after" "$median" 0 "$SOON" us
}

answered() {
	at_once "TCP" a tcp 10.1.0.2 ECONNREFUSED
	at_once "TCP over IPv6" a tcp fd00:1::2 ECONNREFUSED
	at_once "UDP" a udp 10.1.0.2 EHOSTUNREACH
	at_once "UDP over IPv6" a udp fd00:1::2 EACCES
	like "ping" "$(node_exec a ping -n -c 1 -W 1 10.1.0.2)" "From 10.1.0.2 icmp_seq=1 Packet filtered"
	like "ping over IPv6" "$(node_exec a ping -n -c 1 -W 1 fd00:1::2)" "From fd00:1::2 icmp_seq=1 Destination unreachable: Administratively prohibited"
	like "ping of several fragments" "$(node_exec a ping -n -c 1 -W 1 -s 4000 10.1.0.2)" "Packet filtered"
	like "ping of several fragments over IPv6" "$(node_exec a ping -n -c 1 -W 1 -s 4000 fd00:1::2)" "Administratively prohibited"
	in_vm || return 0
	at_once "TCP in a VLAN" a tcp 10.2.0.2 ECONNREFUSED
	at_once "UDP in a VLAN" a udp 10.2.0.2 EHOSTUNREACH
}

no_answer() {
	node_exec a ip neigh flush to 10.1.0.2
	is "ARP passes: the answers go on" "$(node_exec a ping -n -c 1 -W 1 10.1.0.2 | grep -c 'Packet filtered')" 1
	is "nor a broadcast" "$(node_exec a ping -n -b -c 1 -W 1 10.1.0.255 2>&1 | grep -c 'Packet filtered')" 0
	is "nor a multicast" "$(node_exec a ping -n -c 1 -W 1 ff02::1%eth1 | grep -c prohibited)" 0
}

# The checksums of answers: those of the sender's own frames are left to its card.
checksums() {
	local pid log
	node_bg a tcpdump -l -n -vv -p --immediate-mode -i eth1 "src 10.1.0.2 or src fd00:1::2"
	pid=$BG
	wait_for 5 written 'listening on' "$WORK/bg.$pid"
	log=$WORK/bg.$pid
	refused a tcp 10.1.0.2 7000 3 >/dev/null
	refused a tcp fd00:1::2 7000 3 >/dev/null
	refused a udp 10.1.0.2 7000 3 >/dev/null
	refused a udp fd00:1::2 7000 3 >/dev/null
	node_exec a ping -n -c 1 -W 1 -s 1000 10.1.0.2 >/dev/null
	wait_for 5 written 'ICMP host 10.1.0.2 unreachable - admin prohibited filter, length 556' "$log"
	bg_end "$pid"
	is "resets have the right checksum, by both families" "$(grep -c 'Flags \[R.\], cksum .* (correct)' "$log")" 6
	is "ICMP of IPv6, too" "$(grep -c '\[icmp6 sum ok\] ICMP6, destination unreachable, *unreachable prohibited' "$log")" 3
	is "and of IPv4, and the header" "$(grep -c 'wrong icmp cksum\|bad cksum\|bad icmp6' "$log") $(grep -c 'admin prohibited filter' "$log")" "0 4"
}

# kept FROM ADDRESS: begins a connection, its process in $BG
kept() {
	rm -f "$WORK/go"
	mkfifo "$WORK/go"
	exec 8<>"$WORK/go"
	# shellcheck disable=SC2016 # for sh
	node_bg "$1" sh -c '"$@" <"$0"' "$WORK/go" "$HELPERS/refused" kept "$2" 7000
	wait_for 5 written connected "$WORK/bg.$BG"
}

cut() {
	local there pid
	kept a 10.1.0.2
	check "partition --reject" "$NETSIM" partition a --reject
	is "says so" "$OUT" "fault 1: partition a | rest, reject, until netsim heal"
	like "so does status" "$("$NETSIM" status)" "fault 1: partition a \| rest, reject"
	is "and JSON" "$("$NETSIM" status --json | jq -c '.fleets[0].faults[0] | [.reject, .l2]')" "[true,false]"
	echo >&8
	check "an established connection ends" wait_for 5 written 'E[A-Z]' "$WORK/bg.$BG"
	like "with a reset" "$(<"$WORK/bg.$BG")" "ECONNRESET [0-9]+"
	# What resolves addresses crosses.
	watch b eth1 "(ip and src 10.1.0.1) or (ip6 and src fd00:1::1 and not (icmp6 and ip6[40] >= 135 and ip6[40] <= 136))"
	there=$BG
	watch c eth1 "(src 10.1.0.1 or src 10.1.0.2 or src fd00:1::1 or src fd00:1::2) and (tcp or icmp or (icmp6 and ip6[40] == 1))"
	pid=$BG
	answered
	is "nothing of it crosses" "$(frames "$there")" 0
	is "and no other node sees an answer" "$(frames "$pid")" 0
	at_once "TCP, the other way" b tcp 10.1.0.1 ECONNREFUSED
	checksums
	no_answer
	is "nodes on the same side reach each other" "$(refused b tcp 10.1.0.3 7000 1 | cut_word)" none
	check "heal" "$NETSIM" heal
	check "ends it" wait_for 5 answers a 10.1.0.2
	is "for connections, too" "$(refused a tcp 10.1.0.2 7000 1 | cut_word)" none
}

cut_word() {
	sed 's/ .*//'
}

silent() {
	"$NETSIM" partition -q a
	is "without --reject, nothing is answered" "$(refused a tcp 10.1.0.2 7000 1 | cut_word) $(refused a udp 10.1.0.2 7000 1 | cut_word)" \
		"ETIMEDOUT ETIMEDOUT"
	"$NETSIM" partition -q a b --reject --for 1h
	at_once "a second partition that rejects decides" a tcp 10.1.0.2 ECONNREFUSED
	is "for its nodes" "$(refused a tcp 10.1.0.3 7000 1 | cut_word)" ETIMEDOUT
	"$NETSIM" heal -q
}

shapes() {
	resolve
	"$NETSIM" partition -q --one-way a b --reject
	at_once "one way" a tcp 10.1.0.2 ECONNREFUSED
	is "the other way, requests pass, and answers do not" "$(refused b tcp 10.1.0.1 7000 1 | cut_word)" ETIMEDOUT
	"$NETSIM" heal -q
	check "with --l2" "$NETSIM" partition a --reject --l2
	like "says so" "$OUT" "^fault [0-9]+: partition a .*, l2, reject, until netsim heal$"
	node_exec a ip neigh flush to 10.1.0.2
	is "ARP does not pass" "$(node_exec a ping -n -c 1 -W 1 10.1.0.2 | grep -c 'Packet filtered')" 0
	"$NETSIM" heal -q
	answers a 10.1.0.2
	"$NETSIM" partition -q --isolate --reject
	at_once "--isolate" b udp 10.1.0.3 EHOSTUNREACH
	"$NETSIM" heal -q
	"$NETSIM" partition -q --ring a b c --reject
	at_once "--ring" a tcp 10.1.0.3 ECONNREFUSED
	"$NETSIM" heal -q
	in_vm || return 0
	"$NETSIM" partition -q a/eth2.100 b/eth2.100 --reject
	at_once "a VLAN" a tcp 10.2.0.2 ECONNREFUSED
	is "and no other traffic" "$(refused a tcp 10.1.0.2 7000 1 | cut_word)" none
	"$NETSIM" heal -q
}

of_host() {
	resolve
	"$NETSIM" partition -q a,b host --reject
	at_once "$1: from the host" host tcp 10.1.0.1 ECONNREFUSED
	at_once "$1: from the host, UDP over IPv6" host udp fd00:1::1 EACCES
	at_once "$1: to the host" a tcp 10.1.0.254 ECONNREFUSED
	at_once "$1: to the host, UDP" a udp 10.1.0.254 EHOSTUNREACH
	at_once "$1: to the host over IPv6" a tcp fd00:1::fe ECONNREFUSED
	"$NETSIM" heal -q
}

# A guest behind a tap is known by what the bridge has learned.
of_guest() {
	resolve
	"$NETSIM" partition -q a vm --reject
	at_once "a guest" a tcp 10.1.0.9 ECONNREFUSED
	at_once "a guest, UDP" a udp 10.1.0.9 EHOSTUNREACH
	"$NETSIM" heal -q
}

# The bridge has forgotten the addresses: it sends frames to all ports, also to those cut off.
flooded() {
	local before
	resolve
	"$NETSIM" partition -q a c --reject
	ip link set "$(port_of b)" type bridge_slave learning off
	bridge fdb del "$(mac_of b)" dev "$(port_of b)" master
	before=$(dropped_to c)
	watch c eth1 "src 10.1.0.1"
	is "copies for another node are not answered" "$(refused a tcp 10.1.0.2 7000 51 | cut_word)" none
	is "nor do they pass" "$(frames "$BG")" 0
	between "but are dropped" $(($(dropped_to c) - before)) 51 1000
	at_once "frames for the node itself are" a tcp 10.1.0.3 ECONNREFUSED
	ip link set "$(port_of b)" type bridge_slave learning on
	"$NETSIM" heal -q
}

mac_of() {
	node_exec "$1" ip -j link show eth1 | jq -r '.[0].address'
}

# Packets that partitions dropped at the port of a node.
dropped_to() {
	"$NETSIM" status --json | jq ".fleets[0].nodes[] | select(.name == \"$1\") | [.ports[].dropped_by_partitions] | add"
}

shaped() {
	local rtt
	in_vm || return 0 # with fq and netem
	check "apply" "$NETSIM" apply -q "$WORK/slow.yaml" --engine edt
	rtt=$(rtt_of a 10.1.0.2)
	between "the path takes" "$rtt" 190 400 ms
	resolve
	"$NETSIM" partition -q a --reject
	at_once "with a profile, not after its delay" a tcp 10.1.0.2 ECONNREFUSED
	"$NETSIM" heal -q
	of_host "with a profile"
	"$NETSIM" clear -q
}

# A node that comes back finds its partition as it was.
comes_back() {
	"$NETSIM" partition -q a b --reject
	ip link del "$(port_of b)"
	check "up again" "$NETSIM" up -q "$WORK/answer.yaml"
	resolve_fixed
	at_once "after a node came back" a tcp 10.1.0.2 ECONNREFUSED
	at_once "and from there" b tcp 10.1.0.1 ECONNREFUSED
	"$NETSIM" heal -q
}

# Resolves the addresses of a and b by hand: the partition is in force already.
resolve_fixed() {
	node_exec a ip neigh replace 10.1.0.2 lladdr "$(mac_of b)" dev eth1
	node_exec b ip neigh replace 10.1.0.1 lladdr "$(mac_of a)" dev eth1
}

steps() {
	fails_with 2 "not for heal" "$NETSIM" heal --reject
	check "dry run" "$NETSIM" partition -n a --reject
	is "says so" "$OUT" "would add: partition a | rest, reject"
}

serve() {
	local node
	for node in "${NODES[@]}" host; do
		node_bg "$node" "$HELPERS/refused" serve 7000
	done
	for node in "${NODES[@]}" host; do
		wait_for 5 serves "$node" || not_ok "$node serves"
	done
}

serves() {
	[[ -n $(node_exec "$1" ss -Hltn 'sport = 7000') ]]
}

write_topo
check "up" "$NETSIM" up "$WORK/answer.yaml"
guest vm "$MAC" 10.1.0.9
serve
for node in "${NODES[@]}"; do
	long_lives "$node" eth1
done
long_lives host answer-lan
resolve
elsewhere || {
	cut
	silent
}
shapes
elsewhere || {
	of_host "as it is"
	of_guest
	flooded
}
shaped
elsewhere || {
	comes_back
	steps
}
check "down" "$NETSIM" down
done_testing
