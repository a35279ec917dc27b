# needs: native tap bridge clsact bpf
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nodes of kind tap, with guests simulated by tests/tools/guest.c.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

ROOT=$(dirname "$TESTS")
MAC_1=52:54:00:12:34:01 MAC_2=52:54:00:12:34:02
IP_1=192.168.100.10 IP_2=192.168.100.11


ownership() {
	cat >"$WORK/owned.yaml" <<-'EOF'
		fleet: owned
		networks: {lan: }
		nodes:
		  vm1: {kind: tap, user: 1234, group: 2345, multi_queue: yes, interfaces: {eth1: {network: lan, port: owned1}}}
		  vm2: {kind: tap, interfaces: {eth1: {network: lan, port: owned2}}}
	EOF
	check "up of taps with an owner" "$NETSIM" up "$WORK/owned.yaml"
	like "owner, group and queues" "$(ip tuntap show | grep owned1)" \
		"tap .*multi_queue.* user 1234 group 2345"
	unlike "and no owner unless requested" "$(ip tuntap show | grep owned2)" "user|group|multi_queue"
	sed -i 's/user: 1234/user: 4321/' "$WORK/owned.yaml"
	check "up with another owner" "$NETSIM" up "$WORK/owned.yaml"
	like "changes it" "$(ip tuntap show | grep owned1)" "user 4321"
	check "down" "$NETSIM" down owned
}

# opens PROGRAM TAP: as that program does; a frame passes in both directions
opens() {
	"$HELPERS/tapopen" "$1" "$2" 169.254.0.1
}

# cannot_open PROGRAM TAP ERROR
cannot_open() {
	fails_with 1 "$1 cannot open $2" opens "$1" "$2"
	is "because" "$OUT" "$3"
}

# Programs for virtual machines, each on the taps that it can open.
openers() {
	local program
	cat >"$WORK/openers.yaml" <<-'EOF'
		fleet: openers
		networks: {lan: {address: 169.254.0.1/16}}
		nodes:
		  one: {kind: tap, interfaces: {eth1: {network: lan, port: one}}}
		  many: {kind: tap, multi_queue: yes, interfaces: {eth1: {network: lan, port: many}}}
		  plain: {kind: tap, vnet_hdr: no, interfaces: {eth1: {network: lan, port: plain}}}
	EOF
	check "up of taps to open" "$NETSIM" up "$WORK/openers.yaml"
	like "QEMU's arguments for one queue" "$OUT" \
		"one/eth1: -netdev tap,id=eth1,ifname=one,script=no,downscript=no -device virtio-net-pci,netdev=eth1,host_tso4=off,host_tso6=off,gso=off"$'\n'
	like "for several" "$OUT" "ifname=many,script=no,downscript=no,queues=2 -device virtio-net-pci,netdev=eth1,mq=on,vectors=6,host_tso4=off"
	like "without the virtio header" "$OUT" "ifname=plain,script=no,downscript=no,vnet_hdr=off -device virtio-net-pci,netdev=eth1\$"
	like "the kernel has the header of the one" "$(ip tuntap show | grep '^one:')" "vnet_hdr"
	unlike "and not of the other" "$(ip tuntap show | grep '^plain:')" "vnet_hdr"
	for program in qemu cloud-hypervisor firecracker; do
		check "$program opens a tap" opens $program one
		check "and one without the header, which then has it" opens $program plain
		like "as the kernel shows" "$(ip tuntap show | grep '^plain:')" "vnet_hdr"
		cannot_open $program many "TUNSETIFF: Invalid argument"
	done
	check "QEMU opens it with vnet_hdr=off" opens qemu-plain plain
	check "up again" "$NETSIM" up "$WORK/openers.yaml"
	like "leaves the choice to the program" "$OUT" "already up to date"
	for program in qemu-mq cloud-hypervisor-mq; do
		check "$program opens a tap with several queues" opens $program many
		cannot_open $program one "TUNSETIFF: Invalid argument"
	done
	check "down" "$NETSIM" down openers
}

# Owner and group. A kernel may require both of a user, if both are given.
owners() {
	mknod -m 666 /run/tun c 10 200
	check "up of a tap with an owner" "$NETSIM" up -q "$WORK/owned.yaml"
	export TUN=/run/tun
	ip addr add 169.254.0.1/16 dev owned-lan
	check "the owner, in the group, opens it" \
		setpriv --reuid 4321 --clear-groups --regid 2345 "$HELPERS/tapopen" qemu-mq owned1 169.254.0.1
	fails_with 1 "others cannot" \
		setpriv --reuid 77 --clear-groups --regid 77 "$HELPERS/tapopen" qemu-mq owned1 169.254.0.1
	is "because" "$OUT" "TUNSETIFF: Operation not permitted"
	check "everybody opens a tap without an owner" \
		setpriv --reuid 77 --clear-groups --regid 77 "$HELPERS/tapopen" qemu owned2 169.254.0.1
	unset TUN
	rm /run/tun
	check "down" "$NETSIM" down owned
}

guests() {
	check "up" "$NETSIM" up "$ROOT/topo/n3x.yaml"
	is "five taps on the bridge" "$(ip -br link show master n3x-lan | awk '{ print $1 }' | sort | joined)" \
		"tap-jetson-1 tap-jetson-2 tap-n100-1 tap-n100-2 tap-n100-3"
	ip addr add fd00:64::1/64 dev n3x-lan nodad
	guest -6 fd00:64::10 tap-n100-1 $MAC_1 $IP_1
	GUEST_1=$BG
	# Sends continuously to the first one, which echoes (port 7).
	guest -s "$IP_1,7,100000,100,100" tap-n100-2 $MAC_2 $IP_2
	GUEST_2=$BG
	check "a ping to the first guest" wait_for 5 ping -q -c 1 -W 1 $IP_1
	check "to the second" wait_for 5 ping -q -c 1 -W 1 $IP_2
	check "by IPv6" wait_for 5 ping -q -c 1 -W 1 fd00:64::10
	check "the guests reach each other" wait_for 5 more "$GUEST_2" echoed 5
}

# more PID KEY COUNT: the guest's counter is greater than COUNT
more() {
	[[ $(counted "$1" "$2") -gt $3 ]]
}

partition() {
	local arp udp echoed
	check "partition of the first guest" "$NETSIM" partition n100-1
	# Packets in flight have arrived once the host's ping has.
	check "the host still reaches it" wait_for 5 ping -q -c 1 -W 1 $IP_1
	check "and the second" wait_for 5 ping -q -c 1 -W 1 $IP_2
	udp=$(counted "$GUEST_1" udp) echoed=$(counted "$GUEST_2" echoed)
	bg_end "$GUEST_2"
	# A new guest has not resolved the first one's MAC address.
	guest -s "$IP_1,7,100000,100,100" tap-n100-2 $MAC_2 $IP_2
	GUEST_2=$BG
	arp=$(counted "$GUEST_1" arp)
	check "the second asks for the first by ARP" wait_for 5 more "$GUEST_2" asked 3
	is "which does not arrive" "$(($(counted "$GUEST_1" arp) - arp))" 0
	is "nor anything else" "$(($(counted "$GUEST_1" udp) - udp))" 0
	arp=$(counted "$GUEST_1" arp)
	check "heal" "$NETSIM" heal
	check "brings ARP back" wait_for 5 more "$GUEST_1" arp "$arp"
	check "and the traffic after it" wait_for 5 more "$GUEST_2" echoed 5
	between "packets were echoed before the partition" "$echoed" 1 1000000
}

from_host() {
	check "partition from the host" "$NETSIM" partition n100-1 host
	ip neigh flush dev n3x-lan
	fails_with 1 "stops the host's pings" ping -q -c 1 -W 0.3 $IP_1
	fails_with 1 "by IPv6, too" ping -q -c 1 -W 0.3 fd00:64::10
	udp=$(counted "$GUEST_2" echoed)
	check "the guests still reach each other" wait_for 5 more "$GUEST_2" echoed "$udp"
	check "heal" "$NETSIM" heal
	ip neigh flush dev n3x-lan
	check "brings them back" wait_for 5 ping -q -c 1 -W 1 $IP_1
}

# A guest stops and starts again: the tap persists.
restart() {
	local index
	index=$(ip -j link show tap-n100-1 | jq '.[0].ifindex')
	bg_end "$GUEST_1"
	check "partition while the guest is off" "$NETSIM" partition n100-1 host
	guest tap-n100-1 $MAC_1 $IP_1
	GUEST_1=$BG
	fails_with 1 "holds when it is on again" ping -q -c 2 -i 0.2 -W 0.3 $IP_1
	"$NETSIM" heal -q
	ip neigh flush dev n3x-lan
	check "until healed" wait_for 5 ping -q -c 1 -W 1 $IP_1
	is "on the same tap" "$(ip -j link show tap-n100-1 | jq '.[0].ifindex')" "$index"
}

ownership
openers
owners
guests
partition
from_host
restart
bg_end "$GUEST_1"
bg_end "$GUEST_2"
check "down" "$NETSIM" down
is "leaves no link" "$(ip -br link | awk '$1 != "lo"')" ""
done_testing
