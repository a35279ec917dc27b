# needs: bonding 8021q vlan_filtering bridge veth netns tcpdump
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bonds: failover, every mode and option, and changing them.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

ROOT=$(dirname "$TESTS")

# bond NODE BOND FILTER: applies FILTER to the attributes of the bond, as ip shows them
bond() {
	node_exec "$1" ip -j -d link show "$2" | jq -c ".[0].linkinfo.info_data | $3"
}

# shellcheck disable=SC2046 # words
shipped() {
	FLEET=bonding-vlans
	check "up" "$NETSIM" up "$ROOT/topo/bonding-vlans.yaml"
	is "mode, primary, miimon" "$(bond server-1 bond0 '[.mode, .primary, .miimon, .active_slave]')" \
		'["active-backup","eth1",100,"eth1"]'
	is "its MAC address is the primary's" "$(node_exec agent-2 ip -j link show bond0 | jq -r '.[0].address')" 52:54:00:01:01:04
	is "VLAN 200 carries" "$(reach server-1=192.168.200.1 server-2=192.168.200.2 agent-1=192.168.200.3 agent-2=192.168.200.4 | wc -l)" 12
	is "VLAN 100 carries" "$(reach server-1=192.168.100.1 agent-2=192.168.100.4 | wc -l)" 2
	isolated_vlans
	failover
	check "down" "$NETSIM" down
}

isolated_vlans() {
	local tcpdump
	watch agent-1 bond0.100 "net 192.168.200.0/24"
	tcpdump=$BG
	node_exec server-1 ip neigh flush dev bond0.200
	node_exec server-1 ping -n -q -c 3 -i 0.05 -W 1 192.168.200.3 >/dev/null
	is "no frame of VLAN 200 arrives on VLAN 100" "$(frames "$tcpdump")" 0
}

# The active member loses its carrier, and gets it back.
failover() {
	local ping
	ping_start server-1 192.168.200.4 0.02
	ping=$BG
	ip link set "$(port_of server-1 eth1)" down
	check "without carrier, another member is active" wait_for 3 active server-1 eth2
	check "and carries" wait_for 3 answers server-1 192.168.200.4
	ip link set "$(port_of server-1 eth1)" up
	check "with carrier, the primary is active again" wait_for 5 active server-1 eth1
	check "and carries" wait_for 5 answers server-1 192.168.200.4
	ping_stop "$ping"
	# Without the gratuitous ARP of the bond, the gap would be the bridge's ageing time, 300 s.
	between "both together lose little" "$GAP" 20 5000 ms
	between "the ping continues" "$PENDING" 0 3
}

active() {
	[[ $(node_exec "$1" cat /sys/class/net/bond0/bonding/active_slave 2>/dev/null ||
		bond "$1" bond0 .active_slave) == *"$2"* ]]
}

# bonds OPTIONS: a fleet of a node whose bond has these options, and a peer
bonds() {
	cat >"$WORK/bonds.yaml" <<-EOF
		fleet: bonds
		networks: {lan: }
		nodes:
		  a: {interfaces: {eth1: {network: lan}, eth2: {network: lan}, bond0: {bond: [eth1, eth2], $1, address: 10.1.0.1/24}}}
		  b: {interfaces: {eth1: {network: lan, address: 10.1.0.2/24}}}
	EOF
}

modes() {
	local mode before
	FLEET=bonds
	for mode in balance-rr balance-xor broadcast 802.3ad balance-tlb balance-alb active-backup; do
		bonds "mode: $mode, miimon: 50ms"
		check "up with mode $mode" "$NETSIM" up "$WORK/bonds.yaml"
		is "has the mode and both members" \
			"$(bond a bond0 '[.mode, .miimon]')$(node_exec a ip -br link show master bond0 | wc -l)" "[\"$mode\",50]2"
	done
	# The bond also carries traffic in the last mode.
	check "carries" wait_for 5 answers a 10.1.0.2
	bonds "mode: 802.3ad, miimon: 100ms, updelay: 200ms, downdelay: 300ms, lacp_rate: fast, xmit_hash_policy: layer3+4"
	check "up with options of 802.3ad" "$NETSIM" up "$WORK/bonds.yaml"
	is "has them" "$(bond a bond0 '[.mode, .miimon, .updelay, .downdelay, .ad_lacp_rate, .xmit_hash_policy]')" \
		'["802.3ad",100,200,300,"fast","layer3+4"]'
	before=$(ifindex_of a bond0)
	bonds "mode: 802.3ad, miimon: 100ms, lacp_rate: fast, xmit_hash_policy: layer2+3"
	check "up with another hash" "$NETSIM" up "$WORK/bonds.yaml"
	is "changes it in place" "$(bond a bond0 '[.ad_lacp_rate, .xmit_hash_policy]')$(ifindex_of a bond0)" \
		"[\"fast\",\"layer2+3\"]$before"
	bonds "mode: 802.3ad, miimon: 100ms, lacp_rate: slow"
	check "up with another LACP rate, which needs a new bond" "$NETSIM" up "$WORK/bonds.yaml"
	is "has it" "$(bond a bond0 .ad_lacp_rate)" '"slow"'
	bonds "mode: active-backup, primary: eth1, miimon: 100ms"
	"$NETSIM" up -q "$WORK/bonds.yaml"
	before=$(ifindex_of a bond0)
	bonds "mode: active-backup, primary: eth2, miimon: 100ms"
	check "up with another primary" "$NETSIM" up "$WORK/bonds.yaml"
	check "it is active" wait_for 5 active a eth2
	is "on the same bond" "$(ifindex_of a bond0)" "$before"
	run "$NETSIM" plan "$WORK/bonds.yaml"
	like "nothing is left to do" "$OUT" "already up to date"
	check "down" "$NETSIM" down
}

shipped
modes
done_testing
