# needs: native bridge veth netns
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim up, plan, exec and down: the state of the kernel before and after.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

ROOT=$(dirname "$TESTS")
FLEET=simple
NODES=(server-1 server-2 agent-1 agent-2)
ADDRESSES=(server-1=192.168.1.1 server-2=192.168.1.2 agent-1=192.168.1.3 agent-2=192.168.1.4)

# --- the shipped topology

simple() {
	check "up" "$NETSIM" up "$ROOT/topo/simple.yaml"
	is "a namespace for each node" "$(find /run/netns -name 'simple.*' | sort | xargs -n 1 basename | joined)" \
		"simple.agent-1 simple.agent-2 simple.server-1 simple.server-2"
	is "links with aliases" "$(ip -j link show | jq -r '.[] | select(.ifalias) | .ifalias' | sort)" \
		"$(printf 'netsim:simple/%s\n' "agent-1/eth1 @agent" "agent-2/eth1 @agent" lan \
			"server-1/eth1 @server" "server-2/eth1 @server")"
	is "four ports on the bridge, forwarding" \
		"$(bridge -j link show | jq -r '.[] | select(.master == "simple-lan") | .state' | joined)" \
		"forwarding forwarding forwarding forwarding"
	is "the address" "$(node_exec server-2 ip -j addr show eth1 |
		jq -r '.[0].addr_info[] | select(.family == "inet") | "\(.local)/\(.prefixlen)"')" "192.168.1.2/24"
	is "all nodes reach each other" "$(reach "${ADDRESSES[@]}" | wc -l)" 12
}

idempotent() {
	settle "${NODES[@]}"
	BEFORE=$(dump; dump "${NODES[@]}")
	check "up again" "$NETSIM" up "$ROOT/topo/simple.yaml"
	is "changes nothing" "$(dump; dump "${NODES[@]}")" "$BEFORE"
	cat >"$WORK/simple.json" <<-'EOF'
		{"fleet": "simple", "networks": {"lan": {}}, "nodes": {
		 "server-[1-2]": {"roles": ["server"], "interfaces": {"eth1": {"network": "lan", "address": "192.168.1.{n}/24"}}},
		 "agent-1": {"roles": ["agent"], "interfaces": {"eth1": {"network": "lan", "address": "192.168.1.3/24"}}},
		 "agent-2": {"roles": ["agent"], "interfaces": {"eth1": {"network": "lan", "address": "192.168.1.4/24"}}}}}
	EOF
	check "up of the same as JSON" "$NETSIM" up "$WORK/simple.json"
	is "changes nothing either" "$(dump; dump "${NODES[@]}")" "$BEFORE"
}

exec_status() {
	fails_with 7 "exec returns the exit status of the command" "$NETSIM" exec server-1 -- sh -c 'exit 7'
	fails_with 2 "exec in an unknown node" "$NETSIM" exec sever-1 -- true
	like "names the nearest" "$ERR" "server-1"
	fails_with 127 "exec of an unknown program" "$NETSIM" exec server-1 -- /nonexistent
	run "$NETSIM" exec server-1 -- ip -o -4 addr show dev eth1
	like "exec is inside" "$OUT" "192.168.1.1/24"
}

wrong_file() {
	sed 's/192.168.1.4/192.168.1.3/' "$ROOT/topo/simple.yaml" >"$WORK/wrong.yaml"
	fails_with 3 "up of a wrong file" "$NETSIM" up "$WORK/wrong.yaml"
	like "names the location" "$ERR" "^$WORK/wrong.yaml:[0-9]+:[0-9]+: error: "
	is "changes nothing" "$(dump; dump "${NODES[@]}")" "$BEFORE"
}

unprivileged() {
	fails_with 5 "up without privilege" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$NETSIM" up "$ROOT/topo/simple.yaml"
	one_line "says so in one line"
	fails_with 5 "down without privilege" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$NETSIM" down simple
	is "changes nothing" "$(dump; dump "${NODES[@]}")" "$BEFORE"
	check "down" "$NETSIM" down
	is "leaves no link" "$(ip -br link | awk '$1 != "lo"')" ""
	check "a plan without privilege, of a fleet that is not up" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$NETSIM" plan "$ROOT/topo/simple.yaml"
	is "leaves no namespace and no record" "$(find /run/netns /run/netsim -mindepth 1 ! -name '*.lock' 2>/dev/null)" ""
}

# --- converging

# conv LINE...: a fleet of a and b, with LINEs added
conv() {
	{
		cat <<-'EOF'
			fleet: conv
			networks:
			  lan: {address: [10.1.0.254/24, "fd00:1::fe/64"], mtu: 1600}
			nodes:
			  a: {interfaces: {eth1: {network: lan, address: [10.1.0.1/24, "fd00:1::1/64"], routes: [{to: default, via: 10.1.0.254}, {to: "::/0", via: "fd00:1::fe"}]}}}
			  b: {interfaces: {eth1: {network: lan, address: [10.1.0.2/24, "fd00:1::2/64"]}}}
		EOF
		printf '  %s\n' "$@"
	} >"$WORK/conv.yaml"
}

# The state that must not change, including interface indices
fixed() {
	ip -j link show conv-lan
	ip -j link show "$(port_of a)"
	dump a b
}

# converge NAME LINE...: up of a changed file leaves a and b as they are
converge() {
	conv "${@:2}"
	run "$NETSIM" plan "$WORK/conv.yaml"
	unlike "$1: there is a plan" "$OUT" "already up to date"
	check "$1: up" "$NETSIM" up "$WORK/conv.yaml"
	is "$1: a and b stay as they are" "$(fixed)" "$FIXED"
	run "$NETSIM" plan "$WORK/conv.yaml"
	like "$1: nothing is left to do" "$OUT" "already up to date"
}

routes_of() {
	node_exec "$1" ip -j route show | jq -r '.[] | select(.gateway) | "\(.dst) \(.gateway)"'
}

converging() {
	local ping before d='interfaces: {eth1: {network: lan, address:'
	FLEET=conv
	conv "c: {$d 10.1.0.3/24}}}"
	before=$(dump)
	check "plan" "$NETSIM" plan "$WORK/conv.yaml"
	is "plan changes nothing" "$(dump)" "$before"
	check "up with IPv4 and IPv6" "$NETSIM" up "$WORK/conv.yaml"
	check "IPv6 works at once" answers a fd00:1::2
	check "the host answers at its address" wait_for 5 answers b 10.1.0.254
	is "routes" "$(routes_of a) $(node_exec a ip -6 -j route show default | jq -r '.[0].gateway')" \
		"default 10.1.0.254 fd00:1::fe"
	ping_start a 10.1.0.2 0.02
	ping=$BG
	settle a b
	FIXED=$(fixed)

	converge "a node more" "c: {$d 10.1.0.3/24}}}" "d: {$d 10.1.0.4/24}}}"
	check "a node more: is reached" wait_for 5 answers a 10.1.0.4
	converge "a node less" "d: {$d 10.1.0.4/24}}}"
	is "a node less: has gone" "$(ls /run/netns)" "$(printf 'conv.%s\n' a b d)"
	before=$(ifindex_of d eth1)
	converge "another address" "d: {$d 10.1.0.5/24}}}"
	check "another address: is reached" wait_for 5 answers a 10.1.0.5
	is "another address: the old one has gone" \
		"$(node_exec d ip -j addr show eth1 | jq -r '.[0].addr_info[] | select(.family == "inet") | .local')" 10.1.0.5
	converge "another mtu" "d: {$d 10.1.0.5/24, mtu: 1400}}}"
	is "another mtu: at both ends" \
		"$(node_exec d ip -j link show eth1 | jq '.[0].mtu') $(ip -j link show "$(port_of d)" | jq '.[0].mtu')" "1400 1400"
	converge "a route more" "d: {$d 10.1.0.5/24, mtu: 1400, routes: [{to: 10.2.0.0/16, via: 10.1.0.1}]}}}"
	is "a route more: is there" "$(routes_of d)" "10.2.0.0/16 10.1.0.1"
	converge "a route less" "d: {$d 10.1.0.5/24, mtu: 1400}}}"
	is "a route less: has gone" "$(routes_of d)" ""
	is "all on the same link" "$(ifindex_of d eth1)" "$before"
	ping_stop "$ping"
	is "a ping from a to b during these changes lost no packet" "$LOST" 0
	between "and was answered to the end" "$PENDING" 0 1
}

# Ports that were detached from the bridge or lost their namespace.
repairing() {
	ip link set "$(port_of b)" nomaster
	check "up after a port was detached" "$NETSIM" up "$WORK/conv.yaml"
	check "brings it back" wait_for 5 answers a 10.1.0.2
	ip netns delete conv.d
	check "up after a namespace was deleted" "$NETSIM" up "$WORK/conv.yaml"
	check "brings it back" wait_for 5 answers a 10.1.0.5
}

# --- side by side

side_by_side() {
	local before
	before=$(dump a b)
	sed 's/^fleet: conv/fleet: other/; s/address: \[10.1.0.254[^]]*\], //' "$WORK/conv.yaml" >"$WORK/other.yaml"
	check "up of a second fleet with the same nodes and addresses" "$NETSIM" up "$WORK/other.yaml"
	is "the first one stays as it is" "$(dump a b)" "$before"
	check "pings in the first" wait_for 5 answers a 10.1.0.2
	check "pings in the second" wait_for 5 nsenter --net=/run/netns/other.a ping -q -c 1 -W 1 10.1.0.2
	fails_with 2 "exec without the fleet's name" "$NETSIM" exec a -- true
	run "$NETSIM" exec -f other a -- ip -j link show eth1
	is "exec --fleet" "$(jq '.[0].ifindex' <<<"$OUT")" "$(FLEET=other ifindex_of a eth1)"
	check "down of the second" "$NETSIM" down other
	is "leaves the first" "$(dump a b)" "$before"
	check "which still pings" wait_for 5 answers a 10.1.0.2
}

# --- foreign objects

foreign_things() {
	ip link add mine type veth peer name mine-too
	ip link set mine-too master conv-lan
	ip netns add conv.mine
	ip netns add mine
	node_exec a ip addr add 10.9.9.9/32 dev eth1
	node_exec a ip link add inside type dummy
	node_exec a ip route add 10.8.0.0/16 via 10.1.0.2
}

foreign_left() {
	ip -j link show mine | jq -c '.[0] | [.ifindex, .address]'
	find /run/netns -name '*mine'
}

foreign() {
	local before inside
	foreign_things
	inside=$(dump a)
	conv
	check "up with foreign things around" "$NETSIM" up "$WORK/conv.yaml"
	is "leaves those inside of nodes" "$(dump a)" "$inside"
	is "leaves the link on its bridge" "$(ip -j link show mine-too | jq -r '.[0].master')" conv-lan
	before=$(foreign_left)
	check "down with foreign things around" "$NETSIM" down conv
	is "leaves those outside" "$(foreign_left)" "$before"
	is "and removes all of the fleet" "$(ip -j link show | jq -r '.[].ifname' | sort | joined)" "lo mine mine-too"
	ip link delete mine
	ip netns delete mine
	ip netns delete conv.mine
}

in_the_way() {
	local before
	ip link add conv-lan type bridge
	before=$(dump)
	fails_with 4 "up with a foreign bridge in the way" "$NETSIM" up "$WORK/conv.yaml"
	like "names the location and the bridge" "$ERR" "^$WORK/conv.yaml:3:3: error: .*conv-lan"
	one_line "says so in one line"
	is "touches nothing" "$(dump)" "$before"
	ip link delete conv-lan
	ip netns add conv.b
	before=$(dump; ip -netns conv.b -j addr show)
	fails_with 4 "up with a foreign namespace in the way" "$NETSIM" up "$WORK/conv.yaml"
	like "names the location and the namespace" "$ERR" "^$WORK/conv.yaml:[0-9]+:[0-9]+: error: .*conv[.]b"
	is "touches nothing" "$(dump; ip -netns conv.b -j addr show)" "$before"
	run "$NETSIM" down conv
	is "down touches nothing either" "$(dump; ip -netns conv.b -j addr show)" "$before"
	ip netns delete conv.b
}

simple
idempotent
exec_status
wrong_file
unprivileged
converging
repairing
side_by_side
foreign
in_the_way
done_testing
