# needs: 8021q vlan_filtering bridge veth netns tcpdump
# SPDX-License-Identifier: GPL-2.0-or-later
#
# VLANs: trunks, access ports, wrong ids, two tags.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

ROOT=$(dirname "$TESTS")

# on NET: the arguments of reach for one of the shipped subnets
on() {
	echo "server-1=192.168.$1.1 server-2=192.168.$1.2 agent-1=192.168.$1.3 agent-2=192.168.$1.4"
}

vlans_of() {
	bridge -j vlan show dev "$1" | jq -c '[.[0].vlans[] | "\(.vlan)\((.flags // []) | map(ascii_downcase[0:1]) | join(""))"]'
}

# shellcheck disable=SC2046 # words
shipped() {
	FLEET=vlans
	check "up" "$NETSIM" up "$ROOT/topo/vlans.yaml"
	is "the port is a trunk" "$(vlans_of "$(port_of server-1)")" '["1pe","100","200"]'
	is "all nodes reach each other, VLAN 200" "$(reach $(on 200) | wc -l)" 12
	is "all nodes reach each other, VLAN 100" "$(reach $(on 100) | wc -l)" 12
	isolated_vlans
	check "down" "$NETSIM" down
	FLEET=vlans-broken
	check "up with wrong VLAN ids" "$NETSIM" up "$ROOT/topo/vlans-broken.yaml"
	is "cluster: only nodes with the same id reach each other" "$(reach $(on 200) | joined)" "agent-1>server-1 server-1>agent-1"
	is "storage: only nodes with the same id reach each other" "$(reach $(on 100) | joined)" \
		"agent-1>server-1 agent-1>server-2 server-1>agent-1 server-1>server-2 server-2>agent-1 server-2>server-1"
	check "down" "$NETSIM" down
}

# Broadcasts of one VLAN do not reach another.
isolated_vlans() {
	local here there
	watch agent-1 eth1.100 "icmp and dst 192.168.200.255"
	here=$BG
	watch agent-1 eth1.200 "icmp and dst 192.168.200.255"
	there=$BG
	node_exec server-1 ping -n -q -b -c 3 -i 0.05 -W 0.2 192.168.200.255 >/dev/null 2>&1
	wait_for 5 grep -q 'echo request.*seq 3' "$WORK/bg.$there"
	is "a broadcast arrives on its VLAN" "$(frames "$there")" 3
	is "and on no other" "$(frames "$here")" 0
}

# ports LINE...
ports() {
	{
		printf '%s\n' 'fleet: ports' 'networks: {lan: {vlans: [100, 200]}}' 'nodes:' \
			'  trunk: {interfaces: {eth1: {network: lan}, eth1.100: {vlan: 100, address: 10.1.0.1/24}, eth1.200: {vlan: 200, address: 10.2.0.1/24}}}'
		printf '  %s\n' "$@"
	} >"$WORK/ports.yaml"
}

kinds_of_ports() {
	local before
	FLEET=ports
	ports 'access: {interfaces: {eth1: {network: lan, access: 200, address: 10.2.0.2/24}}}' \
		'part: {interfaces: {eth1: {network: lan, vlans: [100]}, eth1.100: {vlan: 100, address: 10.1.0.3/24}, eth1.200: {vlan: 200, address: 10.2.0.3/24}}}' \
		'both: {interfaces: {eth1: {network: lan}, s: {vlan: 100, link: eth1}, c: {vlan: 7, link: s, address: 10.7.0.4/24}}}' \
		'other: {interfaces: {eth1: {network: lan}, s: {vlan: 100, link: eth1}, c: {vlan: 7, link: s, address: 10.7.0.5/24}}}'
	check "up" "$NETSIM" up "$WORK/ports.yaml"
	is "an access port" "$(vlans_of "$(port_of access)")" '["200pe"]'
	is "a trunk of some VLANs" "$(vlans_of "$(port_of part)")" '["1pe","100"]'
	is "an access port reaches its VLAN" "$(reach trunk=10.2.0.1 access=10.2.0.2 | wc -l)" 2
	is "a trunk of some VLANs reaches those" "$(reach trunk=10.1.0.1 part=10.1.0.3 | wc -l)" 2
	is "and no other" "$(reach trunk=10.2.0.1 part=10.2.0.3 | wc -l)" 0
	is "a VLAN in a VLAN" "$(reach both=10.7.0.4 other=10.7.0.5 | wc -l)" 2
	before=$(ifindex_of trunk eth1)
	ports 'access: {interfaces: {eth1: {network: lan, access: 100, address: 10.1.0.2/24}}}' \
		'other: {interfaces: {eth1: {network: lan}, s: {vlan: 200, link: eth1, protocol: 802.1ad, address: 10.3.0.5/24}}}'
	check "up with another access VLAN, and another id and protocol" "$NETSIM" up "$WORK/ports.yaml"
	is "the port has moved" "$(vlans_of "$(port_of access)")" '["100pe"]'
	is "and reaches the other VLAN" "$(reach trunk=10.1.0.1 access=10.1.0.2 | wc -l)" 2
	is "802.1ad" "$(node_exec other ip -j -d link show s | jq -c '.[0].linkinfo.info_data | [.protocol, .id]')" '["802.1ad",200]'
	sed -i 's/vlans: \[100, 200\]//; s/, access: 100//; s/, eth1.100: .*/}}/; s/{network: lan}}}/{network: lan, address: 10.1.0.1\/24}}}/' "$WORK/ports.yaml"
	check "up without any VLAN" "$NETSIM" up "$WORK/ports.yaml"
	is "VLAN links have gone" "$(node_exec trunk ip -br link | awk '$1 != "lo" { print $1 }' | cut -d @ -f 1)" eth1
	is "the switch no longer filters" "$(ip -j -d link show ports-lan | jq '.[0].linkinfo.info_data.vlan_filtering')" 0
	is "and all reach each other untagged" "$(reach trunk=10.1.0.1 access=10.1.0.2 | wc -l)" 2
	is "over the same link" "$(ifindex_of trunk eth1)" "$before"
	check "down" "$NETSIM" down
}

# Untagged frames of a trunk are in its native VLAN.
natives() {
	FLEET=ports
	ports 'part: {interfaces: {eth1: {network: lan, native: 200, vlans: [100], address: 10.2.0.3/24}, eth1.100: {vlan: 100, address: 10.1.0.3/24}}}' \
		'access: {interfaces: {eth1: {network: lan, access: 200, address: 10.2.0.2/24}}}' \
		'plain: {interfaces: {eth1: {network: lan, address: 10.2.0.4/24}}}'
	check "up with a native VLAN" "$NETSIM" up "$WORK/ports.yaml"
	is "the port has it untagged" "$(vlans_of "$(port_of part)")" '["100","200pe"]'
	is "it reaches tagged and access ports of it" "$(reach trunk=10.2.0.1 part=10.2.0.3 access=10.2.0.2 | wc -l)" 6
	is "and no untagged port of VLAN 1" "$(reach part=10.2.0.3 plain=10.2.0.4 | wc -l)" 0
	is "its tagged VLAN carries" "$(reach trunk=10.1.0.1 part=10.1.0.3 | wc -l)" 2
	sed -i 's/native: 200, vlans: .100., address: 10.2.0.3/native: 100, vlans: [200], address: 10.1.0.9/; s/eth1.100: {vlan: 100, address: 10.1.0.3/eth1.200: {vlan: 200, address: 10.2.0.3/' "$WORK/ports.yaml"
	check "up with another one, in place" "$NETSIM" up "$WORK/ports.yaml"
	is "the port has it untagged" "$(vlans_of "$(port_of part)")" '["100pe","200"]'
	is "it reaches the tagged port of it" "$(reach trunk=10.1.0.1 part=10.1.0.9 | wc -l)" 2
	is "the other one is tagged" "$(reach trunk=10.2.0.1 part=10.2.0.3 access=10.2.0.2 | wc -l)" 6
	check "down" "$NETSIM" down
}

shipped
kinds_of_ports
natives
done_testing
