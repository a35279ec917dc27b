# needs: 8021q vlan_filtering bridge veth netns clsact bpf tcpdump
# limit: 200
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The host's addresses in the VLANs of a network: its interfaces there, what reaches them, what cuts
# them off, and what stays after down.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=hosts
TOPO=$WORK/hosts.yaml
HOLDS=
! unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null || HOLDS=yes

# write_topo VLANS
write_topo() {
	cat >"$TOPO" <<-EOF
		fleet: hosts
		networks: {lan: {vlans: $1, address: 10.1.0.254/24}}
		nodes:
		  n-[1-2]:
		    interfaces:
		      eth1: {network: lan, address: "10.1.0.{n}/24"}
		      eth1.100: {vlan: 100, address: "10.100.0.{n}/24", routes: [{to: 10.200.0.0/24, via: 10.100.0.254}]}
		  n-3:
		    interfaces:
		      eth1: {network: lan, access: 200, address: 10.200.0.3/24, routes: [{to: 10.100.0.0/24, via: 10.200.0.254}]}
	EOF
}

# own: the VLANs of the bridge itself
own() {
	bridge -j vlan show dev hosts-lan | jq -c '[.[0].vlans[].vlan]'
}

# reaches NODE...: the host's addresses that each of them reaches
reaches() {
	local node at
	for node; do
		for at in 10.1.0.254 10.100.0.254 10.200.0.254; do
			! answers "$node" "$at" || echo "$node:$at"
		done
	done | joined
}

before=$(dump)
write_topo "{100: {address: 10.100.0.254/24}, 200: {address: [10.200.0.254/24, \"fd00:200::fe/64\"]}, 300: }"
like "the plan has the interface of a VLAN" "$("$NETSIM" plan "$TOPO")" "[+] hosts-lan.100: vlan 100 on hosts-lan"
check "up" "$NETSIM" up "$TOPO"
is "the bridge is in the VLANs" "$(own)" "[1,100,200]"
is "the addresses are there" "$(ip -br -4 addr show dev hosts-lan.200 | awk '{ print $3 }') $(ip -br -6 addr show dev hosts-lan.200 scope global | grep -o 'fd00[^ ]*')" \
	"10.200.0.254/24 fd00:200::fe/64"
is "nodes reach the host in their VLANs" "$(reaches n-1 n-3)" \
	"n-1:10.1.0.254 n-1:10.100.0.254 n-1:10.200.0.254 n-3:10.100.0.254 n-3:10.200.0.254"
is "up again does nothing" "$("$NETSIM" plan "$TOPO")" "already up to date"
check "a partition from the host" "$NETSIM" partition n-1 host
is "cuts it off in all VLANs" "$(reaches n-1 n-2)" "n-2:10.1.0.254 n-2:10.100.0.254 n-2:10.200.0.254"
"$NETSIM" heal -q
sysctl -qw net.ipv4.ip_forward=1
check "the host routes between VLANs" answers n-1 10.200.0.3
check "a partition of nodes in two VLANs" "$NETSIM" partition n-1 n-3
check "stops what it routes" not answers n-1 10.200.0.3
check "and nothing else" answers n-2 10.200.0.3
"$NETSIM" heal -q
check "healed" answers n-1 10.200.0.3
check "all reach each other" "$NETSIM" verify --quick
like "verify measures the host in its VLANs" "$OUT" "all +reach +[0-9]+ pairs +all pass"
check "ping-matrix with the host" "$NETSIM" ping-matrix n-1 n-3 host
if [[ -n $HOLDS ]]; then
	for engine in netem edt; do
		printf 'profile: p\nengine: %s\nnodes: {n-1: {rtt: 40ms}}\n' "$engine" >"$WORK/p.yaml"
		check "$engine: apply" "$NETSIM" apply "$WORK/p.yaml"
		measured_between "$engine: to the host in a VLAN" 39.9 46 ms rtt_of n-1 10.100.0.254
		measured_between "$engine: of another node" 0 4 ms rtt_of n-2 10.100.0.254
	done
	"$NETSIM" clear -q
else
	skip "delay to the host in a VLAN" "this kernel has no sch_netem or sch_fq"
fi
ip link del hosts-lan.100
check "up" "$NETSIM" up "$TOPO"
is "makes an interface again" "$(reaches n-1)" "n-1:10.1.0.254 n-1:10.100.0.254 n-1:10.200.0.254"
write_topo "[100, 200, 300]"
like "a file without them" "$("$NETSIM" plan "$TOPO")" "- hosts-lan.200: vlan.*~ hosts-lan: vlans"
check "up" "$NETSIM" up "$TOPO"
is "removes them" "$(own) $(ip -br link | grep -c 'hosts-lan[.][0-9]') $(reaches n-1)" "[1] 0 n-1:10.1.0.254"
sysctl -qw net.ipv4.ip_forward=0
check "down" "$NETSIM" down
write_topo "{100: {address: 10.100.0.254/24}, 200: }"
for moment in 0.002 0.004 0.006 0.008 0.012 0.016 0.02 0.03; do
	"$HELPERS/killat" "$moment" "$NETSIM" up -q "$TOPO" 2>/dev/null
done
check "down after ups that were killed" "$NETSIM" down
is "leaves nothing" "$(dump)" "$before"
done_testing
