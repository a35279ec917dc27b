# needs: native qemu tap bridge clsact bpf cpio busybox tcpdump
# limit: 210
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two machines in QEMU on the taps of topo/n3x.yaml, cut off from each other.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../guest.sh"

ROOT=$(dirname "$TESTS")
MAC_1=52:54:00:12:34:01 MAC_2=52:54:00:12:34:02
IP_1=192.168.100.10 IP_2=192.168.100.11

# machine NUMBER IP PEER: with the arguments that netsim up prints for its tap
machine() {
	local words
	read -ra words <<<"$(jq -r ".taps[] | select(.link == \"n100-$1/eth1\").qemu" "$WORK/up.json")"
	bg qemu-system-x86_64 -M q35 -accel tcg -cpu Nehalem-v1 -m 128M -display none -nodefaults -no-reboot \
		-kernel "$WORK/vmlinux" -initrd "$WORK/initrd" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on net.ifnames=0 me=$2/24 peer=$3" \
		-serial "file:$WORK/serial.$1" \
		"${words[@]}"
}

# said NUMBER WORD: how many lines of that machine's console have WORD; more NUMBER WORD COUNT:
# true if more than COUNT have it
said() {
	grep -c "$2" "$WORK/serial.$1"
}

more() {
	[[ $(said "$1" "$2") -gt $3 ]]
}

# both WORD: waits until each machine prints WORD twice more; the first of the two lines may be
# from before the change.
both() {
	local one two
	one=$(said 1 "$1") two=$(said 2 "$1")
	wait_for 40 more 1 "$1" $((one + 1)) && wait_for 12 more 2 "$1" $((two + 1))
}

partition() {
	local to_1 to_2 asked
	check "partition of the first" "$NETSIM" partition n100-1
	watch host tap-n100-1 "ether src $MAC_2"
	to_1=$BG
	watch host tap-n100-2 "ether src $MAC_1"
	to_2=$BG
	watch host tap-n100-1 "arp and ether src $MAC_1"
	asked=$BG
	check "both lose their pings" both lost
	check "the host reaches the first" wait_for 5 ping -q -c 1 -W 1 $IP_1
	check "and the second" wait_for 5 ping -q -c 1 -W 1 $IP_2
	between "the first has asked by ARP" "$(frames "$asked")" 1 1000
	is "no frame of it arrives at the second" "$(frames "$to_2")" 0
	is "nor of the second at the first" "$(frames "$to_1")" 0
	check "heal" "$NETSIM" heal
	check "brings both back" both answered
}

# A machine that is killed and started again stays cut off, without any command.
restart() {
	local lost
	check "partition again" "$NETSIM" partition n100-1
	kill -KILL "$first"
	wait "$first" # else its tap is busy
	machine 1 $IP_1 $IP_2
	first=$BG
	check "the machine that was killed starts again" wait_for 40 written lost "$WORK/serial.1"
	lost=$(said 1 lost)
	check "and is cut off" wait_for 40 more 1 lost $((lost + 2))
	is "from its first packet on" "$(said 1 answered)" 0
	check "heal after it" "$NETSIM" heal
	check "brings it back" both answered
}

guest_files "$("$TESTS/vm/kernel")"
check "up" "$NETSIM" up --json "$ROOT/topo/n3x.yaml"
echo "$OUT" >"$WORK/up.json"
like "prints arguments for QEMU" "$("$NETSIM" up "$ROOT/topo/n3x.yaml")" \
	"n100-1/eth1: -netdev tap,id=eth1,ifname=tap-n100-1,script=no,downscript=no -device virtio-net-pci,netdev=eth1,mac=$MAC_1,host_tso4=off"
machine 1 $IP_1 $IP_2
first=$BG
machine 2 $IP_2 $IP_1
second=$BG
check "the first reaches the second" wait_for 40 written answered "$WORK/serial.1"
check "the second reaches the first" wait_for 20 written answered "$WORK/serial.2"
partition
check "partition --for 6s" "$NETSIM" partition --for 6s n100-2
lost=$(said 1 lost)
check "is in force" wait_for 6 more 1 lost "$lost"
check "ends by itself" both answered
restart
bg_end "$first"
bg_end "$second"
check "down" "$NETSIM" down
done_testing
