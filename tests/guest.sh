# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The files of a small virtual machine: source it after lib.sh. The kernel gets me=ADDRESS/PREFIX or
# me=dhcp, and peer=ADDRESS.

# Its init: pings the peer repeatedly, each after a new ARP resolution. The kernel passes NAME=VALUE
# from its command line in the environment.
guest_init() {
	cat <<-'EOF'
		#!/bin/sh
		/bin/busybox mkdir -p /proc
		/bin/busybox --install -s /bin
		mount -t proc proc /proc
		for module in $(cat /modules/order); do insmod /modules/$module; done
		ip link set eth0 up
		case $me in
		dhcp) udhcpc -q -t 100 -T 1 -i eth0 -s /lease ;;
		*) ip addr add $me dev eth0 ;;
		esac
		while :; do
			ip neigh flush dev eth0
			if ping -c 1 -W 1 $peer >/dev/null 2>&1; then echo answered; else echo lost; fi
			usleep 100000
		done
	EOF
}

# What udhcpc runs.
guest_lease() {
	cat <<-'EOF'
		#!/bin/sh
		[ "$1" != bound ] || { ip addr add $ip/$mask dev $interface; echo "leased $ip"; }
	EOF
}

# guest_files KERNEL: makes $WORK/vmlinux and $WORK/initrd
guest_files() {
	local root=$WORK/root kernel=$1 line
	mkdir -p "$root/bin" "$root/modules"
	cp "$(command -v busybox)" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	guest_init >"$root/init"
	guest_lease >"$root/lease"
	chmod +x "$root/init" "$root/lease"
	modprobe -d "$kernel" -S "${kernel##*/kernel-}" -aD virtio_pci virtio_net | while read -r _ line; do
		cp "$line" "$root/modules/"
		echo "${line##*/}"
	done | awk '!seen[$0]++' >"$root/modules/order"
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$WORK/initrd"
	ln -s "$kernel/boot/vmlinux" "$WORK/vmlinux"
}
