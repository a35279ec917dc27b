# needs: native veth netns tap clsact bpf ethtool
# limit: 240
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Attached nodes on a routed network, as microvm.nix has them: another program makes the tap anew at
# each start of a guest, with the host's address and a route. netsim claims it by its name, adds
# nothing that the program makes, and lets no packet escape its conditions.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=micro
ROUNDS=20
cat >"$WORK/micro.yaml" <<-EOT
	fleet: micro
	networks: {lan: {routed: true, address: 10.0.0.0/32}}
	nodes:
	  vm[1-2]: {kind: attached, interfaces: {eth0: {network: lan, port: "vm{n}", address: "10.0.0.{n}/32"}}}
	  a: {interfaces: {eth1: {network: lan, port: tap-a, address: 10.0.0.3/32}}}
EOT
printf 'profile: none\ndefault: {loss: 0%%}\n' >"$WORK/none.yaml"
printf 'profile: some\ndefault: {loss: 1%%}\n' >"$WORK/some.yaml"
printf 'profile: deaf\npairs: [{from: vm1, to: a, loss: 100%%}]\n' >"$WORK/deaf.yaml"

# start NUMBER: makes the tap of a guest, as microvm.nix and systemd-networkd do
start() {
	ip tuntap add "vm$1" mode tap
	ip addr add 10.0.0.0/32 dev "vm$1"
	ip link set "vm$1" up
	ip route add "10.0.0.$1" dev "vm$1"
	echo 1 >"/proc/sys/net/ipv4/conf/vm$1/forwarding"
}

alias_of() {
	ip -j link show "$1" | jq -r '.[0].ifalias // ""'
}

# given TAP: the addresses and routes that it has
given() {
	ip -4 -j addr show "$1" | jq -c '.[0].addr_info'
	ip -j route show dev "$1" | jq -c 'map([.dst, .protocol])'
}

claimed() {
	[[ $(alias_of "$1") == netsim:* ]]
}

building() {
	check "up without any tap" "$NETSIM" up "$WORK/micro.yaml"
	like "names those that are missing" "$ERR" "vm1/eth0: there is no tap vm1.*vm2/eth0: there is no tap vm2"
	start 1
	ip link add other type bridge
	ip link set vm1 master other
	check "up with a tap in a bridge" "$NETSIM" up "$WORK/micro.yaml"
	like "does not take it" "$ERR" "vm1/eth0: vm1 is in other, but must be in no bridge"
	ip link set vm1 nomaster
	ip link del other
	ip link set vm1 up
	ip route replace 10.0.0.1 dev vm1
	before=$(given vm1)
	check "up claims a tap by its name" "$NETSIM" up "$WORK/micro.yaml"
	is "and marks it" "$(alias_of vm1)" "netsim:micro/vm1/eth0 tso closed routed attached"
	is "it adds neither addresses nor routes" "$(given vm1)" "$before"
	echo 0 >/proc/sys/net/ipv4/conf/vm1/forwarding
	run "$NETSIM" up "$WORK/micro.yaml"
	like "it says if the host does not forward" "$ERR" "does not forward IPv4 packets from vm1; needs: sysctl -w net.ipv4.conf.vm1.forwarding=1"
	is "and does not change that" "$(cat /proc/sys/net/ipv4/conf/vm1/forwarding)" 0
	echo 1 >/proc/sys/net/ipv4/conf/vm1/forwarding
	guest -g 10.0.0.0 vm1 52:54:00:00:00:01 10.0.0.1
	check "a node reaches the guest" wait_for 5 answers a 10.0.0.1
	check "the host, too" wait_for 5 answers host 10.0.0.1
	check "a partition" "$NETSIM" partition -q vm1 a
	check "cuts it off" not answers a 10.0.0.1 -W 0.3
	check "not from the host" wait_for 5 answers host 10.0.0.1
	"$NETSIM" heal -q
	bg_end "$BG"
	check "down" "$NETSIM" down -q
	is "gives the tap back" "$(alias_of vm1)$(tc filter show dev vm1 egress)$(tc qdisc show dev vm1 | grep clsact)" ""
	is "with its address and route" "$(given vm1)" "$before"
	ip link del vm1
}

# wants_tso TAP: whether segmentation is on, or would be if a program that has the tap open allowed it
wants_tso() {
	ethtool -k "$1" | sed -n 's/^\ttx-tcp-segmentation: //p'
}

# The host sends through the taps, without segmentation offload while they are shaped.
offloads() {
	local before
	start 1
	start 2
	ethtool -K vm1 tso off
	before="$(wants_tso vm1), $(wants_tso vm2)"
	is "one tap wants no segmentation offload" "$before" "off, off [requested on]"
	"$NETSIM" up -q "$WORK/micro.yaml"
	"$NETSIM" apply -q --engine edt "$WORK/some.yaml"
	is "none is on while they are shaped" "$(wants_tso vm1), $(wants_tso vm2)" "off, off"
	"$NETSIM" clear -q
	is "clear gives back what there was" "$(wants_tso vm1), $(wants_tso vm2)" "$before"
	"$NETSIM" apply -q --engine edt "$WORK/some.yaml"
	"$NETSIM" down -q
	is "so does down" "$(wants_tso vm1), $(wants_tso vm2)" "$before"
	ip link del vm1
	ip link del vm2
}

# rounds: makes the tap ROUNDS times, with a guest that sends 40 packets to a as soon as it is there;
# sets SENT and RECEIVED
rounds() {
	local i receiver
	watch a eth1 "udp dst port 9 and src 10.0.0.1"
	receiver=$BG
	SENT=0
	for ((i = 0; i < ROUNDS; i++)); do
		start 1
		guest -g 10.0.0.0 -s 10.0.0.3,9,40,100,400 vm1 52:54:00:00:00:01 10.0.0.1
		wait_for 5 written '"sent":40,' "$WORK/bg.$BG"
		SENT=$((SENT + $(last_count "$WORK/bg.$BG" sent)))
		bg_end "$BG"
		ip link del vm1
	done
	RECEIVED=$(frames "$receiver")
}

watching() {
	"$NETSIM" up -q "$WORK/micro.yaml" 2>/dev/null
	"$NETSIM" apply -q --engine edt "$WORK/deaf.yaml" 2>/dev/null
	bg "$NETSIM" watch
	WATCH=$BG
	check "watch is ready" wait_for 10 logged "watching$"
	rounds
	is "of a guest that is started $ROUNDS times, nothing passes outside of its conditions" "$RECEIVED" 0
	is "though it sent" "$SENT" $((40 * ROUNDS))
is "each time it was shaped" "$(grep -c "^vm1/eth0: vm1 appeared, shaped after" "$WORK/bg.$WATCH")" "$ROUNDS"
	is "no IFB is left" "$(ip -br link show type ifb)" ""
	"$NETSIM" apply -q --engine edt "$WORK/none.yaml" 2>/dev/null
	rounds
	between "with others, packets pass" "$RECEIVED" "$ROUNDS" "$SENT"
	check "a partition of a node without a tap" "$NETSIM" partition -q vm1 a
	rounds
	is "holds for its tap" "$RECEIVED" 0
	"$NETSIM" heal -q
	start 2
	check "a tap without a route is claimed" wait_for 10 claimed vm2
	guest -g 10.0.0.0 vm2 52:54:00:00:00:02 10.0.0.2
	ip route del 10.0.0.2 dev vm2
	check "and not reached" not answers a 10.0.0.2 -W 0.3
	ip route add 10.0.0.2 dev vm2
	check "until it has one" wait_for 5 answers a 10.0.0.2
	make_elsewhere
	check "an interface of the host that appears may send to nodes" \
		wait_for 5 ip netns exec elsewhere ping -q -c 1 -W 0.3 10.0.0.2
	interrupt "$WATCH"
	ip netns del elsewhere
	check "down" "$NETSIM" down -q
	check "the tap stays" ip link show vm2
	ip link del vm2
}

# sends: of 20 packets from vm1 to a, $RECEIVED reach it
sends() {
	local receiver
	watch a eth1 "udp dst port 9 and src 10.0.0.1"
	receiver=$BG
	guest -g 10.0.0.0 -s 10.9.6.1,9,20,100,400 vm1 52:54:00:00:00:01 10.0.0.1
	wait_for 5 written '"sent":20,' "$WORK/bg.$BG"
	check "the host reaches a" wait_for 5 answers host 10.9.6.1
	bg_end "$BG"
	RECEIVED=$(frames "$receiver")
}

# Nodes of bridged networks are behind the same host.
mixed() {
	FLEET=mixed
	cat >"$WORK/mixed.yaml" <<-EOT
		fleet: mixed
		networks:
		  lan: {routed: true, address: 10.0.0.0/32}
		  br: {address: 10.9.6.254/24}
		  other: {address: 10.9.7.254/24}
		nodes:
		  vm1: {kind: attached, interfaces: {eth0: {network: lan, port: vm1, address: 10.0.0.1/32}}}
		  a: {interfaces: {eth1: {network: br, address: 10.9.6.1/24, routes: [{to: default, via: 10.9.6.254}]}}}
		  b: {interfaces: {eth1: {network: other, address: 10.9.7.1/24, routes: [{to: default, via: 10.9.7.254}]}}}
	EOT
	echo 1 >/proc/sys/net/ipv4/ip_forward
	"$NETSIM" up -q "$WORK/mixed.yaml" 2>/dev/null
	start 1
	sends
	is "a new tap of a routed network does not reach a bridged node" "$RECEIVED" 0
	like "status says what it reaches" "$("$NETSIM" status)" "vm1 is new;.* it reaches no node, but the host and other new taps"
	check "bridged nodes reach each other through the host" wait_for 5 answers b 10.9.6.1
	ip netns add stranger
	ip link add strange type veth peer name eth0 netns stranger
	ip link set strange master mixed-other up
	ip -n stranger addr add 10.9.7.99/24 dev eth0
	ip -n stranger link set eth0 up
	ip -n stranger route add default via 10.9.7.254
	check "what no node has in an open network reaches nodes, too" wait_for 5 ip netns exec stranger ping -q -c 1 -W 1 10.9.6.1
	ip netns del stranger
	"$NETSIM" up -q "$WORK/mixed.yaml" 2>/dev/null
	sends
	is "once it is a node's, it does" "$RECEIVED" 20
	make_elsewhere
	"$NETSIM" up -q "$WORK/mixed.yaml" 2>/dev/null
	check "an interface of the host sends to both" wait_for 5 eval "ip netns exec elsewhere ping -q -c 1 -W 1 10.9.6.1 && ip netns exec elsewhere ping -q -c 1 -W 1 10.9.7.1"
	ip netns del elsewhere
	check "down" "$NETSIM" down -q
	ip link del vm1
}

PROGRAMS=$(programs)
building
offloads
watching
mixed
no_program_stays "$PROGRAMS"
done_testing
