# needs: bonding bridge veth netns tcpdump
# limit: 210
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Options of bonds: which member is active, what monitors the members, what is announced.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=bonds

# up NAME OPTIONS [PRIO1 PRIO2]: a node whose bond has these options, and a peer
up() {
	cat >"$WORK/bonds.yaml" <<-EOT
		fleet: bonds
		networks: {lan: }
		nodes:
		  a:
		    interfaces:
		      eth1: {network: lan${3:+, prio: $3}}
		      eth2: {network: lan${4:+, prio: $4}}
		      bond0: {bond: [eth1, eth2], $2, address: [10.1.0.1/24, "fd01::1/64"]}
		  b: {interfaces: {eth1: {network: lan, address: [10.1.0.2/24, "fd01::2/64"]}}}
	EOT
	check "$1" "$NETSIM" up "$WORK/bonds.yaml"
}

# bond FILTER: applies FILTER to the attributes of the bond, as ip shows them
bond() {
	node_exec a ip -j -d link show bond0 | jq -c ".[0].linkinfo.info_data | $1"
}

# prio IFACE: its priority in the bond
prio() {
	node_exec a ip -j -d link show "$1" | jq ".[0].linkinfo.info_slave_data.prio"
}

# active IFACE: read as text, because most waits look at it
active() {
	[[ $(node_exec a cat /proc/net/bonding/bond0) == *"Currently Active Slave: $1"* ]]
}

# has_active: which of them matters to no test that asks
has_active() {
	! active None
}

# both_up: the bond and both members
both_up() {
	local state
	state=$(node_exec a cat /proc/net/bonding/bond0)
	[[ $state == *"MII Status: up"*"MII Status: up"*"MII Status: up"* ]]
}

# done_up: nothing is left to do
done_up() {
	run "$NETSIM" plan "$WORK/bonds.yaml"
	like "nothing is left to do" "$OUT" "already up to date"
}

priorities() {
	local before
	up "up with priorities" "mode: active-backup, miimon: 50ms" 5 10
	is "the members have them" "$(prio eth1) $(prio eth2)" "5 10"
	check "the higher one is active" wait_for 5 active eth2
	ip link set "$(port_of a eth2)" down
	check "without carrier, the other one is" wait_for 5 active eth1
	ip link set "$(port_of a eth2)" up
	check "with carrier, the first one is again" wait_for 5 active eth2
	before=$(ifindex_of a bond0)
	up "up with another order, in place" "mode: active-backup, miimon: 50ms, primary_reselect: failure" 20 -1
	is "on the same bond" "$(ifindex_of a bond0)" "$before"
	is "the members have it" "$(prio eth1) $(prio eth2)" "20 -1"
	is "the bond has the policy" "$(bond .primary_reselect)" '"failure"'
	done_up
	ip link set "$(port_of a eth2)" down
	check "the other one takes over" wait_for 5 active eth1
	ip link set "$(port_of a eth2)" up
	node_exec a ip link set eth1 type bond_slave prio 7
	run "$NETSIM" diff "$WORK/bonds.yaml"
	is "diff names a priority that was changed" "$STATUS $OUT" "1 ~ a eth1: prio"
	up "up restores it" "mode: active-backup, miimon: 50ms, primary_reselect: failure" 20 -1
	is "the member has it" "$(prio eth1)" 20
}

# A port without its bridge keeps its carrier, but passes no frame.
arp_monitor() {
	up "up with ARP monitoring, in place of miimon" "mode: active-backup, arp_interval: 50ms, arp_ip_target: [10.1.0.2, 10.1.0.9], arp_validate: all"
	is "has it" "$(bond '[.miimon, .arp_interval, .arp_ip_target, .arp_validate]')" '[0,50,["10.1.0.2","10.1.0.9"],"all"]'
	done_up
	check "carries" wait_for 5 answers a 10.1.0.2
	wait_for 5 has_active
	local first other
	first=$(bond .active_slave | tr -d '"')
	other=$([[ $first == eth1 ]] && echo eth2 || echo eth1)
	ip link set "$(port_of a "$first")" nomaster
	check "a cable that passes nothing is noticed" wait_for 5 active "$other"
	check "and the other one carries" wait_for 5 answers a 10.1.0.2
	run "$NETSIM" up "$WORK/bonds.yaml"
	is "up joins the cable again" "$(ip -j link show "$(port_of a "$first")" | jq -r '.[0].master')" bonds-lan
	up "up with other targets, in place" "mode: active-backup, arp_interval: 100ms, arp_ip_target: 10.1.0.2, arp_validate: none"
	is "has them" "$(bond '[.arp_interval, .arp_ip_target, .arp_validate]')" '[100,["10.1.0.2"],null]'
	up "up with neighbour discovery instead" "mode: active-backup, arp_interval: 100ms, ns_ip6_target: \"fd01::2\""
	is "has it" "$(bond '.ns_ip6_target')" '["fd01::2"]'
	up "up with miimon again" "mode: active-backup, miimon: 50ms"
	is "which ends ARP monitoring" "$(bond '[.miimon, .arp_interval]')" '[50,0]'
}

# The bond announces itself after a failover.
announcements() {
	local tcpdump gap
	up "up with announcements" "mode: active-backup, primary: eth1, miimon: 50ms, num_grat_arp: 3, peer_notify_delay: 400ms"
	is "has them" "$(bond '[.num_peer_notif, .peer_notify_delay]')" '[3,400]'
	wait_for 5 active eth1
	node_bg b tcpdump -tt -l -n -p --immediate-mode -i eth1 "arp src host 10.1.0.1 and ether broadcast"
	tcpdump=$BG
	wait_for 5 grep -q 'listening on' "$WORK/bg.$tcpdump"
	ip link set "$(port_of a eth1)" down
	check "another member is active" wait_for 5 active eth2
	check "it is announced three times" wait_for 5 announced "$tcpdump" 3
	# On average: a late first one shortens the interval after it.
	gap=$(awk '/Request|Reply/ { if (!n++) first = $1; last = $1 } END { print (last - first) / (n - 1) }' "$WORK/bg.$tcpdump")
	between "at intervals of the delay" "$gap" 0.3 5 s
	bg_end "$tcpdump"
	ip link set "$(port_of a eth1)" up
}

announced() {
	[[ $(grep -c -e Request -e Reply "$WORK/bg.$1") -eq $2 ]]
}

# An inactive member drops broadcasts, which the active one receives, too.
inactive_members() {
	up "up with inactive members that receive" "mode: active-backup, primary: eth1, miimon: 50ms, all_slaves_active: true"
	is "has it" "$(bond .all_slaves_active)" 1
	check "both members are up" wait_for 5 both_up
	copies 2 "a broadcast arrives twice"
	up "up without" "mode: active-backup, primary: eth1, miimon: 50ms, all_slaves_active: false"
	copies 1 "and once"
}

# What the file leaves out is as the kernel has it in a new bond.
left_out() {
	local made='[.mode, .primary, .primary_reselect, .miimon, .num_peer_notif, .all_slaves_active, .arp_interval, .arp_ip_target]' before
	up "up with many options" "mode: active-backup, miimon: 50ms, primary: eth2, primary_reselect: failure, num_grat_arp: 3, all_slaves_active: true" 5 -1
	before=$(ifindex_of a bond0)
	up "up with the mode alone" "mode: active-backup"
	is "restores the others" "$(bond "$made")" '["active-backup",null,"always",0,1,0,0,null]'
	is "and the priorities" "$(prio eth1) $(prio eth2)" "0 0"
	is "on the same bond" "$(ifindex_of a bond0)" "$before"
	done_up
	up "up with ARP monitoring" "mode: active-backup, arp_interval: 50ms, arp_ip_target: 10.1.0.2, arp_validate: all"
	up "up with the mode alone, again" "mode: active-backup"
	is "ends it" "$(bond "$made")" '["active-backup",null,"always",0,1,0,0,null]'
	is "and validates nothing" "$(bond .arp_validate)" null
}

# copies COUNT NAME: how often the bond receives a broadcast of the peer
copies() {
	local tcpdump
	watch a bond0 "icmp and dst host 10.1.0.255"
	tcpdump=$BG
	node_exec b ping -n -q -b -c 1 -W 1 10.1.0.255 >/dev/null 2>&1
	is "$2" "$(frames "$tcpdump")" "$1"
}

lacp() {
	local tcpdump
	up "up with options of 802.3ad" "mode: 802.3ad, lag: false, miimon: 50ms, lacp_rate: fast, min_links: 2, ad_actor_sys_prio: 1234, ad_actor_system: \"52:54:00:00:00:99\""
	is "has them" "$(bond '[.min_links, .ad_actor_sys_prio, .ad_actor_system]')" '[2,1234,"52:54:00:00:00:99"]'
	done_up
	check "one port in the aggregator is too few" wait_for 5 not carrier
	bg tcpdump -v -l -n -p --immediate-mode -i "$(port_of a eth1)" "ether proto 0x8809"
	tcpdump=$BG
	check "LACP frames have the priority and the address" wait_for 15 lacp_says "$tcpdump"
	bg_end "$tcpdump"
	up "up with fewer, in place" "mode: 802.3ad, lag: false, miimon: 50ms, lacp_rate: fast, min_links: 1, ad_actor_sys_prio: 1235, ad_actor_system: \"52:54:00:00:00:98\""
	is "has them" "$(bond '[.min_links, .ad_actor_sys_prio, .ad_actor_system]')" '[1,1235,"52:54:00:00:00:98"]'
	check "one port suffices" wait_for 5 carrier
	up "up without an address of LACP" "mode: 802.3ad, lag: false, miimon: 50ms"
	is "has the initial values" "$(bond '[.min_links, .ad_actor_sys_prio, .ad_actor_system, .ad_lacp_rate]')" '[0,65535,"00:00:00:00:00:00","slow"]'
}

lacp_says() {
	grep -q "System 52:54:00:00:00:99, System Priority 1234" "$WORK/bg.$1"
}

carrier() {
	node_exec a ip link show bond0 | grep -q LOWER_UP
}

# A member that someone took down is brought up again.
members() {
	up "up" "mode: active-backup, miimon: 50ms"
	node_exec a ip link set eth2 down
	node_exec a ip link set eth2 mtu 1400
	run "$NETSIM" diff "$WORK/bonds.yaml"
	is "diff shows a member that is down" "$STATUS $OUT" "1 ~ a eth2: mtu 1400 -> 1500, up"
	check "up brings it up" "$NETSIM" up "$WORK/bonds.yaml"
	is "it is up" "$(node_exec a ip -j link show eth2 | jq -c '.[0] | [.mtu, (.flags | index("UP") != null)]')" '[1500,true]'
}

# After an error, the options are as before.
undone() {
	local before
	up "up with options" "mode: active-backup, miimon: 50ms, primary: eth1, num_grat_arp: 7, all_slaves_active: true" 3 4
	before=$(bond '[.mode, .miimon, .num_peer_notif, .all_slaves_active, .primary]')$(prio eth1)$(prio eth2)
	ip link add br-taken type bridge
	sed -i 's/lan: }/lan: , two: {name: br-taken}}/; s/miimon: 50ms/arp_interval: 50ms, arp_ip_target: 10.1.0.2/; s/num_grat_arp: 7/num_grat_arp: 8/' "$WORK/bonds.yaml"
	fails_with 4 "up is refused" "$NETSIM" up "$WORK/bonds.yaml"
	is "all is as before" "$(bond '[.mode, .miimon, .num_peer_notif, .all_slaves_active, .primary]')$(prio eth1)$(prio eth2)" "$before"
	ip link del br-taken
}

# What netsim check refuses, the kernel refuses, too; and what it warns of, the kernel takes.
kernel_agrees() {
	local options
	while read -r options; do
		# shellcheck disable=SC2086 # words
		fails_with 2 "the kernel refuses $options" ip link add probe type bond $options
	done <<-EOT
		mode 802.3ad arp_interval 100
		mode balance-tlb arp_interval 100
		mode balance-alb arp_validate all
		mode active-backup miimon 100 arp_interval 100
		mode active-backup miimon 100 arp_validate all
		mode active-backup peer_notify_delay 200
		mode active-backup miimon 100 peer_notify_delay 300100
		mode active-backup arp_interval 100 ns_ip6_target ::
		mode active-backup arp_interval 100 ns_ip6_target ::1
		mode active-backup arp_interval 100 arp_ip_target 0.0.0.0
		mode active-backup arp_interval 100 arp_ip_target 255.255.255.255
		mode active-backup ad_actor_sys_prio 5
		mode active-backup ad_actor_system 52:54:00:00:00:01
		mode 802.3ad ad_actor_sys_prio 0
		mode 802.3ad ad_actor_system 01:80:c2:00:00:02
	EOT
	while read -r options; do
		# shellcheck disable=SC2086 # words
		check "the kernel takes $options" ip link add probe type bond $options
		ip link del probe
	done <<-EOT
		mode balance-xor primary_reselect better num_grat_arp 3 min_links 2 all_slaves_active 1
		mode active-backup arp_ip_target 10.0.0.1
		mode active-backup arp_validate all
		mode active-backup arp_interval 100
		mode active-backup arp_interval 100 ns_ip6_target fe80::1
	EOT
}

thorough "what netsim check refuses, the kernel refuses" && kernel_agrees
priorities
arp_monitor
announcements
inactive_members
left_out
lacp
members
undone
check "down" "$NETSIM" down
done_testing
