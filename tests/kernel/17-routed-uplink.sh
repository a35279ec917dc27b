# needs: native veth netns clsact bpf nft tcpdump
# limit: 200
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The uplink of networks: what nodes send leaves the host through it, under the host's address, as a
# namespace that stands for the internet sees. What netsim changes for it is restored.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=far
TABLE="inet netsim-far"
write_topo() {
	cat >"$WORK/far.yaml" <<-EOT
		fleet: far
		networks:
		  lan: {routed: true, address: [10.0.0.0/32, "fec0::/128"], unclaimed: drop$1}
		  flat: {address: 10.1.0.254/24$1}
		nodes:
		  vm[1-2]: {interfaces: {eth1: {network: lan, port: "vm{n}", address: ["10.0.0.{n}/32", "fec0::{n}/128"]}}}
		  b: {interfaces: {eth1: {network: flat, address: 10.1.0.1/24, routes: [{to: default, via: 10.1.0.254}]}}}
	EOT
}

internet() {
	ip netns add internet
	ip link add far0 type veth peer name eth0 netns internet
	ip addr add 192.0.2.1/24 dev far0
	ip link set far0 up
	ip -n internet addr add 192.0.2.2/24 dev eth0
	ip -n internet link set eth0 up
	ip -n internet link set lo up
	ip -6 addr add 2001:db8::1/64 dev far0 nodad
	ip -n internet -6 addr add 2001:db8::2/64 dev eth0 nodad
	wait_for 5 ping -q -c 1 -W 0.2 192.0.2.2
	wait_for 5 ping -q -c 1 -W 0.2 2001:db8::2
}

forwards() {
	cat "/proc/sys/net/ipv4/conf/$1/forwarding"
}

# state: the tables, and the forwarding of the host's interfaces
state() {
	nft list ruleset
	forwards far0
	forwards all
}

# arrives NODE: the source address under which its ping arrives in the internet
arrives() {
	bg ip netns exec internet tcpdump -l -n -p --immediate-mode -i eth0 'icmp[icmptype] == icmp-echo'
	wait_for 5 written 'listening on' "$WORK/bg.$BG"
	node_exec "$1" ping -n -q -c 1 -W 1 192.0.2.2 >/dev/null
	frames "$BG" >/dev/null
	sed -n 's/.* IP \([0-9.]*\) > 192.0.2.2: ICMP echo request.*/\1/p' "$WORK/bg.$BG"
}

building() {
	fails_with 4 "up without that interface" "$NETSIM" up "$WORK/far.yaml"
	like "names the line" "$ERR" "far.yaml:3:[0-9]+: error: there is no interface far0"
	is "and leaves nothing" "$(nft list ruleset)$(ip -br link | grep -v lo)" ""
	internet
	nft 'add table ip other; add chain ip other forward { type filter hook forward priority 0; }'
	before=$(state)
	like "plan" "$("$NETSIM" plan "$WORK/far.yaml")" "[+] table inet netsim-far: masquerade on far0"
	check "up" "$NETSIM" up "$WORK/far.yaml"
	is "makes a table" "$(nft list table $TABLE | grep -c masquerade)" 3
	is "and lets the uplink forward, not the host as a whole" "$(forwards far0)$(forwards all)" 10
	like "up says what IPv6 needs" "$ERR" "IPv6 packets of the nodes of lan; needs: sysctl -w net.ipv6.conf.all.forwarding=1"
	is "a node of a routed network reaches the internet" "$(arrives vm1)" 192.0.2.1
	is "so does one behind a bridge" "$(arrives b)" 192.0.2.1
	is "and leaves that to others" "$(cat /proc/sys/net/ipv6/conf/all/forwarding)" 0
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	check "with it, a node reaches the internet by IPv6" wait_for 5 answers vm1 2001:db8::2
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	check "among each other they keep their addresses" wait_for 5 node_exec vm1 ping -q -c 1 -W 1 10.1.0.1
	nft 'add chain inet netsim-far seen { type filter hook forward priority 10; }' 2>/dev/null
	nft "delete chain $TABLE seen"
	check "up again" "$NETSIM" up "$WORK/far.yaml"
	like "does nothing" "$OUT" "already up to date"
	nft flush table $TABLE
	like "a flushed table is a difference" "$("$NETSIM" diff "$WORK/far.yaml")" "table inet netsim-far"
	check "that up repairs" "$NETSIM" up -q "$WORK/far.yaml"
	is "" "$(arrives vm2)" 192.0.2.1
}

conditions() {
	check "a partition of a node from the host" "$NETSIM" partition -q vm1 host
	is "cuts it off from the internet" "$(arrives vm1)" ""
	is "and no other" "$(arrives vm2)" 192.0.2.1
	check "nor from other nodes" wait_for 5 answers vm1 10.0.0.2
	"$NETSIM" heal -q
	check "a loss from the host" "$NETSIM" fault -q 'loss 100%' host:vm1
	is "lets its packets out" "$(arrives vm1)" 192.0.2.1
	check "and no answer in" not answers vm1 192.0.2.2 -W 0.3
	"$NETSIM" heal -q
	check "healed" wait_for 5 answers vm1 192.0.2.2
}

giving_back() {
	like "down -n lists the table" "$("$NETSIM" down -n)" "- table inet netsim-far"
	check "down" "$NETSIM" down -q
	is "gives back what it changed, and no more" "$(state)" "$before"
	echo 1 >/proc/sys/net/ipv4/conf/far0/forwarding
	"$NETSIM" up -q "$WORK/far.yaml"
	unlike "forwarding that was on is not recorded" "$(nft list table $TABLE)" "was off"
	"$NETSIM" down -q
	is "and stays" "$(forwards far0)" 1
	echo 0 >/proc/sys/net/ipv4/conf/far0/forwarding
	"$NETSIM" up -q "$WORK/far.yaml"
	write_topo ""
	like "plan without an uplink" "$("$NETSIM" plan "$WORK/far.yaml")" "- table inet netsim-far"
	check "up without it" "$NETSIM" up -q "$WORK/far.yaml"
	is "removes the table, and gives the forwarding back" "$(state)" "$before"
	"$NETSIM" down -q
	write_topo ", uplink: far0"
}

killed() {
	local i
	for i in 2 4 6 8 10 12 14 16 18 20; do
		"$HELPERS/killat" "0.0$(printf '%02d' "$i")" "$NETSIM" up -q "$WORK/far.yaml" >/dev/null 2>&1
		"$NETSIM" down -q
		is "down after an up killed after $i ms gives all back" "$(state)" "$before"
		"$NETSIM" up -q "$WORK/far.yaml"
		"$HELPERS/killat" "0.0$(printf '%02d' "$i")" "$NETSIM" down -q >/dev/null 2>&1
		"$NETSIM" down -q
		is "so does down after a killed down" "$(state)" "$before"
	done
}

masquerades() {
	[[ $(nft list table $TABLE 2>/dev/null | grep -c masquerade) -eq 3 ]]
}

# The routes of the host by which it reaches vm1.
has_routes() {
	[[ $(ip route show 10.0.0.1 dev vm1) && $(ip -6 route show fec0::1 dev vm1) ]]
}

# What other programs remove of the host's paths.
watching() {
	"$NETSIM" up -q "$WORK/far.yaml"
	bg "$NETSIM" watch
	WATCH=$BG
	check "watch is ready" wait_for 10 logged "watching$"
	nft delete table $TABLE
	check "watch puts a table back that another program deletes" wait_for 10 masquerades
	check "and says so" wait_for 5 logged "^table inet netsim-far: far0: it is not as requested; put back after"
	nft flush table $TABLE
	check "and one that it empties" wait_for 10 masquerades
	is "a node reaches the internet" "$(arrives vm1)" 192.0.2.1
	ip link set vm1 down
	check "the kernel removes the routes of a port that is down" not has_routes
	ip link set vm1 up
	check "watch puts them back" wait_for 10 has_routes
	check "and says so" wait_for 5 logged "^vm1/eth1: vm1: its route is missing: 10.0.0.1.*; put back after"
	check "so that other nodes reach it" wait_for 5 answers vm2 10.0.0.1
	bg_end "$WATCH"
	"$NETSIM" down -q
	# With the table, the record was deleted that this was off.
	is "the forwarding of the uplink stays on" "$(forwards far0)" 1
	echo 0 >/proc/sys/net/ipv4/conf/far0/forwarding
}

write_topo ", uplink: far0"
building
conditions
giving_back
watching
killed
ip netns del internet
done_testing
