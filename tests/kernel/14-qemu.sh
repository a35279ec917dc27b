# needs: native qemu tap bridge clsact bpf busybox cpio tcpdump ping
# limit: 120
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The mission's own object: two real machines in QEMU on netsim's taps. Each
# guest pings and arpings the other for ever, and says on its serial line when it
# got an answer.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # lib.sh means it
FLEET=n3x
A=192.168.100.10
B=192.168.100.11
MAC_A=52:54:00:12:34:01
MAC_B=52:54:00:12:34:02
kernel=$("$TESTS/vm/kernel")

write_init() {
	cat <<-'EOF'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		mount -t proc none /proc
		mount -t devtmpfs none /dev
		while read -r module; do insmod "/modules/$module"; done </modules/order
		for word in $(cat /proc/cmdline); do
			case $word in own=* | peer=*) export "$word" ;; esac
		done
		ip link set eth0 up
		ip addr add "$own/24" dev eth0
		echo ready >/dev/ttyS0
		while :; do
			timeout 3 ping -c 1 -W 1 "$peer" >/dev/null 2>&1 && echo ping >/dev/ttyS0
			usleep 100000
		done &
		while :; do
			echo asked >/dev/ttyS0
			timeout 3 arping -q -c 1 -w 1 -I eth0 "$peer" >/dev/null 2>&1 && echo arp >/dev/ttyS0
			usleep 100000
		done
	EOF
}

build_initrd() {
	local root=$WORK/root line
	mkdir -p "$root"/{bin,modules,proc,dev}
	cp "$(command -v busybox)" "$root/bin/busybox"
	write_init >"$root/init"
	chmod +x "$root/init"
	modprobe -d "$kernel" -S "${kernel##*/kernel-}" -aD virtio_pci virtio_net |
		while read -r _ line; do
			cp "$line" "$root/modules/"
			echo "${line##*/}"
		done | awk '!seen[$0]++' >"$root/modules/order"
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$WORK/initrd"
}

# guest NAME MAC OWN PEER
guest() {
	bg qemu-system-x86_64 -M q35 -accel tcg -cpu max -m 128M -display none -nodefaults \
		-no-user-config -no-reboot -kernel "$kernel/boot/vmlinux" -initrd "$WORK/initrd" \
		-append "console=ttyS0 quiet loglevel=0 panic=-1 mitigations=off net.ifnames=0 own=$3 peer=$4" \
		-netdev "tap,id=n0,ifname=tap-$1,script=no,downscript=no" \
		-device "virtio-net-pci,netdev=n0,mac=$2" -serial "file:$WORK/serial.$1"
}

# said WORD NAME: how often a guest has said it
said() {
	tr -d '\r' <"$WORK/serial.$2" | grep -cx "$1"
}

hears_again() {
	[[ $(said ping "$1") -gt $2 && $(said arp "$1") -gt $3 ]]
}

# both_hear NAME: both guests get new answers to ping and ARP, within 10 s
both_hear() {
	local pings=() arps=()
	pings=("$(said ping n100-1)" "$(said ping n100-2)")
	arps=("$(said arp n100-1)" "$(said arp n100-2)")
	if wait_for 10 hears_again n100-1 "${pings[0]}" "${arps[0]}" &&
		wait_for 10 hears_again n100-2 "${pings[1]}" "${arps[1]}"; then
		ok "$1"
	else
		not_ok "$1" "no new answers: $(tail -n 3 "$WORK"/serial.*)"
	fi
}

answers_total() {
	echo $(($(said ping n100-1) + $(said arp n100-1) + $(said ping n100-2) + $(said arp n100-2)))
}

# What the port towards each guest let through from the other one.
watch_ports() {
	bg tcpdump -n -l -i tap-n100-2 ether src "$MAC_A"
	watch_b=$BG
	bg tcpdump -n -l -i tap-n100-1 ether src "$MAC_B"
	watch_a=$BG
	wait_for 5 grep -q 'listening on' "$WORK/bg.$watch_a"
	wait_for 5 grep -q 'listening on' "$WORK/bg.$watch_b"
}

frames() {
	grep -c '^[0-9:.]* ' "$WORK/bg.$1"
}

tried_enough() {
	[[ $(said asked n100-1) -ge $((asked + 3)) && $(said asked n100-2) -ge $((asked_b + 3)) ]]
}

build_initrd
check "up: the bridge and five taps" "$NETSIM" up "$TESTS/../topo/n3x.yaml"
guest n100-1 $MAC_A $A $B
guest n100-2 $MAC_B $B $A
if wait_for 60 grep -q ready "$WORK/serial.n100-1" &&
	wait_for 60 grep -q ready "$WORK/serial.n100-2"; then
	ok "both guests are up"
else
	not_ok "both guests are up" "$(tail -n 3 "$WORK"/serial.* "$WORK"/bg.*)"
fi
both_hear "before: the guests answer each other's pings and ARP"
check "before: the host reaches both" ping -q -c 1 -W 2 $A
check "before: the host reaches the other one" ping -q -c 1 -W 2 $B

check "partition n100-1" "$NETSIM" partition n100-1
before=$(answers_total)
watch_ports
asked=$(said asked n100-1)
asked_b=$(said asked n100-2)
if wait_for 20 tried_enough; then
	ok "partitioned: both go on asking by ARP"
else
	not_ok "partitioned: both go on asking by ARP" "$asked, $(said asked n100-1) requests"
fi
# An answer may have been on its way to a guest when the partition began.
between "partitioned: no answer arrives any more" "$(($(answers_total) - before))" 0 2 answers
is "partitioned: no frame of n100-1 passes to n100-2" "$(frames "$watch_b")" 0
is "partitioned: no frame of n100-2 passes to n100-1" "$(frames "$watch_a")" 0
check "partitioned: the host still reaches n100-1" ping -q -c 1 -W 2 $A
check "partitioned: the host still reaches n100-2" ping -q -c 1 -W 2 $B
check "heal" "$NETSIM" heal
both_hear "healed: the guests answer each other again"

check "partition for 2 s" "$NETSIM" partition n100-1 --for 2s
both_hear "healed by the kernel: the guests answer each other again"
check "down" "$NETSIM" down
done_testing
