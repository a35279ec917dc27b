# needs: veth netns tap clsact bpf nft tcpdump
# limit: 240
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Routed networks: ports in no bridge, between which the host routes. Addresses and routes, by ip;
# partitions and losses, by pings of both families and by captured frames.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=routed
MAC=52:54:00:12:34:04
ALL=(vm1=10.0.0.1 vm2=10.0.0.2 vm3=10.0.0.3)
FULL="vm1>vm2 vm1>vm3 vm2>vm1 vm2>vm3 vm3>vm1 vm3>vm2"

# write_topo UNCLAIMED
write_topo() {
	cat >"$WORK/routed.yaml" <<-EOT
		fleet: routed
		networks: {lan: {routed: true, address: [10.0.0.0/32, "fec0::/128"], unclaimed: $1}}
		nodes:
		  vm[1-3]: {interfaces: {eth1: {network: lan, port: "vm{n}", address: ["10.0.0.{n}/32", "fec0::{n}/128"]}}}
		  vm4: {kind: tap, interfaces: {eth1: {network: lan, port: vm4, mac: "$MAC", address: [10.0.0.4/32, "fec0::4/128"]}}}
	EOT
}

# sysctl_of NAME: its value
sysctl_of() {
	cat "/proc/sys/net/${1//.//}"
}

# answers_both FROM NUMBER: pings a node by IPv4 and IPv6
answers_both() {
	answers "$1" "10.0.0.$2" && answers "$1" "fec0::$2"
}

# silent_both FROM NUMBER: neither is answered
silent_both() {
	! answers "$1" "10.0.0.$2" -W 0.3 && ! answers "$1" "fec0::$2" -W 0.3
}

# flush NODE: forgets the addresses that it has resolved
flush() {
	node_exec "$1" ip neigh flush all
}

building() {
	check "up" "$NETSIM" up "$WORK/routed.yaml"
	is "says that IPv6 is not forwarded" "$(grep -c 'net.ipv6.conf.all.forwarding' <<<"$ERR")" 1
	is "each port has the host's addresses" \
		"$(ip -br addr show vm2 | xargs -n1 | sed 1,2d | joined)" "10.0.0.0/32 fec0::/128 fe80::1/64"
	is "and routes to its node" "$({ ip route show dev vm2 && ip -6 route show fec0::2 dev vm2; } | awk '{ print $1 }' | joined)" \
		"10.0.0.2 fec0::2"
	is "no port is in a bridge" "$(bridge link show)" ""
	is "the ports forward, the host as a whole does not" \
		"$(sysctl_of ipv4.conf.vm1.forwarding)$(sysctl_of ipv4.conf.vm4.forwarding)$(sysctl_of ipv4.ip_forward)$(sysctl_of ipv6.conf.all.forwarding)" 1100
	is "a node has its address and a route by the host" "$(node_exec vm1 ip route show)" \
		"default via 10.0.0.0 dev eth1 proto 110 onlink "
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	check "up again" "$NETSIM" up "$WORK/routed.yaml"
	like "does nothing" "$OUT" "^routed: 4 nodes, 1 network, already up to date"
	is "and warns of nothing" "$ERR" ""
	guest -6 fec0::4 -g 10.0.0.0 vm4 "$MAC" 10.0.0.4
	is "all nodes reach each other" "$(reach "${ALL[@]}" | joined)" "$FULL"
	check "by IPv6, too" answers_both vm1 2
	check "and the guest" wait_for 5 answers_both vm1 4
	check "the host reaches nodes" answers_both host 3
	check "and they reach the host" wait_for 5 answers vm3 10.0.0.0
	check "status" "$NETSIM" status
	like "all reach all" "$OUT" "vm1 +netns +- +3 of 3"
	check "ping-matrix" "$NETSIM" ping-matrix vm1 vm2 host
	like "finds the addresses" "$OUT" "6 pairs: 6 answered"
}

repairing() {
	ip addr del 10.0.0.0/32 dev vm1
	ip route del 10.0.0.2 dev vm2
	ip -6 route del fec0::2 dev vm2
	check "plan" "$NETSIM" plan "$WORK/routed.yaml"
	is "lists what is missing" "$(grep -c '^[+~-]' <<<"$OUT")" 4
	check "up puts it back" "$NETSIM" up "$WORK/routed.yaml"
	is "" "$(ip route show 10.0.0.2 dev vm2)" "10.0.0.2 proto 110 scope link "
	check "all of it" answers_both vm1 2
}

partitions() {
	check "a partition of two nodes" "$NETSIM" partition vm1 vm2
	is "cuts these, by IPv4" "$(reach "${ALL[@]}" | joined)" "vm1>vm3 vm2>vm3 vm3>vm1 vm3>vm2"
	check "and by IPv6" silent_both vm1 2
	flush vm1
	check "neither from the host" eval "answers vm1 10.0.0.0 && answers_both host 2"
	"$NETSIM" heal -q
	check "a partition of one from the rest" "$NETSIM" partition vm1
	is "cuts it off" "$(reach "${ALL[@]}" | joined)" "vm2>vm3 vm3>vm2"
	check "not from the host" eval "answers vm1 10.0.0.0 && answers_both host 1"
	check "of a guest, too" "$NETSIM" partition vm4
	check "" silent_both vm2 4
	check "" answers_both host 4
	"$NETSIM" heal -q
	check "one way" "$NETSIM" partition --one-way vm1 vm2
	is "nothing arrives" "$(arrive vm1 vm2 10.0.0.2)" 0
	is "the other way all does" "$(arrive vm2 vm1 10.0.0.1)" 3
	"$NETSIM" heal -q
	is "healed" "$(reach "${ALL[@]}" | joined)" "$FULL"
}

# refused_by FROM PROTOCOL ADDRESS: the error of several attempts
refused_by() {
	local error rest
	# shellcheck disable=SC2034 # rest
	read -r error rest < <(node_exec "$1" "$HELPERS/refused" "$2" "$3" 7000 11)
	echo "$error"
}

rejecting() {
	local node servers=()
	for node in vm1 vm2 host; do
		node_bg "$node" "$HELPERS/refused" serve 7000
		servers+=("$BG")
	done
	check "nodes and the host serve" wait_for 5 eval '[[ $(refused_by vm1 tcp 10.0.0.2)$(refused_by vm2 tcp fec0::1)$(refused_by vm1 tcp 10.0.0.0) == nonenonenone ]]'
	check "a partition that rejects" "$NETSIM" partition vm1 vm2 --reject
	is "answers both nodes" "$(refused_by vm1 tcp 10.0.0.2) $(refused_by vm2 tcp fec0::1)" "ECONNREFUSED ECONNREFUSED"
	is "and datagrams" "$(refused_by vm2 udp 10.0.0.1) $(refused_by vm1 udp fec0::2)" "EHOSTUNREACH EACCES"
	is "not the host" "$(refused_by vm1 tcp 10.0.0.0) $(refused_by host tcp fec0::2)" "none none"
	"$NETSIM" heal -q
	check "of the host" "$NETSIM" partition vm1 host --reject
	is "it answers vm1" "$(refused_by vm1 tcp 10.0.0.0) $(refused_by vm1 udp 10.0.0.0)" "ECONNREFUSED EHOSTUNREACH"
	is "and the host" "$(refused_by host tcp 10.0.0.1) $(refused_by host udp fec0::1)" "ECONNREFUSED EACCES"
	is "not what the host routes" "$(refused_by vm1 tcp 10.0.0.2)" none
	"$NETSIM" heal -q
	check "of a guest" "$NETSIM" partition vm4 --reject
	is "it answers for it" "$(refused_by vm1 tcp 10.0.0.4) $(refused_by vm2 udp fec0::4)" "ECONNREFUSED EACCES"
	"$NETSIM" heal -q
	for node in "${servers[@]}"; do
		bg_end "$node"
	done
}

# The host's end of a cable stays up, because its routes would go with it.
links() {
	local routes
	routes=$(ip route show dev vm1; ip -6 route show dev vm1)
	check "link down" "$NETSIM" link down vm1
	like "is a fault" "$OUT" "fault [0-9]+: link vm1 down"
	check "that stops all" eval "silent_both vm2 1 && silent_both host 1 && ! answers vm1 10.0.0.0 -W 0.3"
	is "and keeps the routes" "$(ip route show dev vm1; ip -6 route show dev vm1)" "$routes"
	check "link up" "$NETSIM" link up vm1
	check "ends it" answers_both vm2 1
	check "link down for a time" "$NETSIM" link down vm1 --for 3s
	check "stops all" not answers vm2 10.0.0.1 -W 0.3
	check "until then" wait_for 10 answers_both vm2 1
}

# The host is the next hop of each node: to reach another, a node must resolve the host's address.
host_cut() {
	check "a partition from the host" "$NETSIM" partition vm1 host
	check "stops the traffic of the host" eval "! answers vm1 10.0.0.0 -W 0.3 && silent_both host 1"
	flush vm1
	flush host
	check "the others are reached still, by a host that is resolved anew" answers_both vm1 2
	"$NETSIM" heal -q
	check "a partition from all, and the host" "$NETSIM" partition vm1 vm2,vm3,vm4,host
	flush vm1
	flush host
	watch vm1 eth1 "ether dst not ff:ff:ff:ff:ff:ff and inbound"
	check "stops all" eval "silent_both vm1 2 && silent_both host 1 && ! answers vm1 10.0.0.0 -W 0.3"
	is "and the resolution of the host's address" "$(frames "$BG")" 0
	watch vm1 eth1 "arp and inbound"
	answers host 10.0.0.1 -W 0.3
	is "from the host, too" "$(frames "$BG")" 0
	check "other nodes reach the host" wait_for 5 answers vm2 10.0.0.0
	"$NETSIM" heal -q
	check "healed" answers_both vm1 2
}

# The source of a frame that the host routes is its port, whatever happens to the frame on the way.
sources() {
	check "a loss of a pair" "$NETSIM" fault -q 'loss 100%' vm1:vm2
	check "stops its fragments" not answers vm1 10.0.0.2 -s 4000 -W 0.3
	check "no others" wait_for 5 answers vm1 10.0.0.3 -s 4000
	check "nor to the host" wait_for 5 answers vm1 10.0.0.0 -s 4000
	check "stops TCP" not node_exec vm1 timeout 1 bash -c '>/dev/tcp/10.0.0.2/9'
	node_exec vm1 ping -n -c 1 -t 1 -W 1 10.0.0.2 >"$WORK/ttl"
	like "the host answers packets whose time to live ends" "$(<"$WORK/ttl")" "From 10.0.0.0 .*Time to live exceeded"
	node_exec vm1 traceroute6 -V >/dev/null 2>&1
	"$NETSIM" heal -q
	check "a loss towards the host" "$NETSIM" fault -q 'loss 100%' vm1:host
	check "stops packets to it" not answers vm1 10.0.0.0 -W 0.3
	check "not those that it routes" answers_both vm1 2
	node_exec vm1 ping -n -c 1 -t 1 -W 0.3 10.0.0.2 >"$WORK/ttl"
	unlike "nor does it see those whose time to live ends" "$(<"$WORK/ttl")" "exceeded"
	"$NETSIM" heal -q
	check "a loss from the host" "$NETSIM" fault -q 'loss 100%' host:vm1
	check "spares what it routes" answers_both vm2 1
	node_exec vm1 ping -n -c 1 -t 1 -W 0.3 10.0.0.2 >"$WORK/ttl"
	unlike "but not its errors" "$(<"$WORK/ttl")" "exceeded"
	"$NETSIM" heal -q
	check "a loss of a class" "$NETSIM" fault -q 'loss 100%' vm1:vm2 --class etcd-peer
	node_bg vm2 python3 -m http.server 2380
	node_bg vm2 python3 -m http.server 2399
	check "spares others" wait_for 5 node_exec vm1 timeout 1 bash -c '>/dev/tcp/10.0.0.2/2399'
	check "stops the class" not node_exec vm1 timeout 1 bash -c '>/dev/tcp/10.0.0.2/2380'
	"$NETSIM" heal -q
	check "healed" node_exec vm1 timeout 3 bash -c '>/dev/tcp/10.0.0.2/2380'
}

one_way() {
	jq "[.one_way.rows[] | select(.from == \"$1\" and .to == \"$2\" and .class == \"icmp\") | .$3] | add // 0" "$JSON"
}

# Along a routed path, Ethernet header, time to live and checksum of a packet change.
measuring() {
	local measure arrived
	check "a loss" "$NETSIM" fault -q 'loss 20%' vm1:vm2
	start_listener 8 "$NETSIM" measure --json
	measure=$BG
	JSON=$WORK/bg.$measure
	arrived=$(node_exec vm1 ping -n -q -c 200 -i 0.005 -W 0.2 10.0.0.2 | sed -n 's/.*, \([0-9]*\) received.*/\1/p')
	node_exec vm3 ping -n -q -c 100 -i 0.005 -W 0.2 fec0::2 >/dev/null
	node_exec vm3 ping -n -q -c 50 -i 0.005 -W 0.2 -s 2000 10.0.0.1 >/dev/null
	interrupt "$measure"
	is "measure" "$STATUS" 0
	is "finds the packets that were sent" "$(one_way vm1 vm2 sent)" 200
	is "and those that were lost" "$(one_way vm1 vm2 lost)" $((200 - arrived))
	is "of IPv6, too" "$(one_way vm3 vm2 sent) $(one_way vm3 vm2 lost)" "100 0"
	is "and each fragment" "$(one_way vm3 vm1 sent) $(one_way vm3 vm1 lost)" "100 0"
	"$NETSIM" heal -q
	printf 'profile: l\ndefault: {loss: 5%%}\npairs: [{from: vm2, to: vm3, loss: 20%%}]\n' >"$WORK/loss.yaml"
	check "apply losses" "$NETSIM" apply -q "$WORK/loss.yaml"
	check "a partition" "$NETSIM" partition -q vm1 vm3
	answers host 10.0.0.4
	run "$NETSIM" verify
	unlike "verify finds nothing wrong" "$OUT" "failed"
	like "measures the losses" "$OUT" "vm1 +loss +5 % .*vm2 > vm3 +loss +27.8 % "
	like "what passes, and what does not" "$OUT" "reach +1[0-9] pairs +all pass +ok.*cut +2 pairs +nothing passed +ok"
	check "a filter in the way" nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'
	run "$NETSIM" up "$WORK/routed.yaml"
	like "is named by up" "$ERR" "packets that the host routes pass the firewall, where the chain FORWARD of the table ip filter drops"
	like "by doctor" "$("$NETSIM" doctor)" "no bridge filter.*packets that the host routes pass the firewall"
	fails_with 1 "verify fails" "$NETSIM" verify --quick
	like "and names it" "$OUT" "the chain FORWARD of the table ip filter"
	nft delete table ip filter
	"$NETSIM" heal -q
	"$NETSIM" clear -q
}

# stranger: a guest on a tap that no node has, which sends vm4 20 packets to echo; sets ECHOED
stranger() {
	guest -g 10.0.0.0 -s 10.0.0.4,7,20,100,100 vm9 52:54:00:12:34:09 10.0.0.9
	wait_for 10 written '"sent":20' "$WORK/bg.$BG"
	ECHOED=$(last_count "$WORK/bg.$BG" echoed)
	bg_end "$BG"
}

unclaimed() {
	ip tuntap add vm9 mode tap
	ip addr add 10.0.0.0/32 dev vm9
	ip link set vm9 up
	ip route add 10.0.0.9 dev vm9
	echo 1 >/proc/sys/net/ipv4/conf/vm9/forwarding
	stranger
	is "unclaimed: pass lets a tap of no node reach one" "$ECHOED" 20
	write_topo drop
	check "up with unclaimed: drop" "$NETSIM" up -q "$WORK/routed.yaml"
	stranger
	is "drops its packets" "$ECHOED" 0
	is "and counts them" "$("$NETSIM" status --json | jq '.fleets[0].nodes[] | select(.name == "vm4") | .dropped_unclaimed')" 20
	check "nodes pass" answers_both vm2 1
	check "and the host" answers_both host 1
	ip link del vm9
	make_elsewhere
	check "up knows a new interface of the host" "$NETSIM" up -q "$WORK/routed.yaml"
	check "which may send to nodes" wait_for 5 ip netns exec elsewhere ping -q -c 1 -W 1 10.0.0.1
	ip netns del elsewhere
	wait_for 5 not ip link show out
}

foreign() {
	"$NETSIM" down -q
	ip link add other type bridge
	ip link set other addrgenmode none
	ip link set other up
	ip route add 10.0.0.2 dev other
	before=$(dump)
	fails_with 4 "up beside another route to a node" "$NETSIM" up "$WORK/routed.yaml"
	like "names the line" "$ERR" "routed.yaml:4:[0-9]+: error: routed.vm2|vm2: cannot add the route to 10.0.0.2/32"
	is "and leaves nothing" "$(dump)" "$before"
	ip link del other
}

killed() {
	local i
	before=$(dump)
	for i in 1 2 3 4 5 6 7 8; do
		"$HELPERS/killat" "0.00$i" "$NETSIM" up -q "$WORK/routed.yaml" >/dev/null 2>&1
		"$NETSIM" down -q
		is "down after a killed up leaves nothing ($i ms)" "$(dump)" "$before"
		"$NETSIM" up -q "$WORK/routed.yaml"
		"$NETSIM" partition -q vm1
		"$HELPERS/killat" "0.00$i" "$NETSIM" down -q >/dev/null 2>&1
		"$NETSIM" down -q
		is "nor does down after a killed down" "$(dump)" "$before"
	done
}

PROGRAMS=$(programs)
before=$(dump)
write_topo pass
building
repairing
partitions
rejecting
links
host_cut
sources
measuring
unclaimed
check "down" "$NETSIM" down
is "gives all back" "$(dump)" "$before"
foreign
elsewhere || killed
no_program_stays "$PROGRAMS"
done_testing
