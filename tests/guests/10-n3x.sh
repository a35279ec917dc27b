# needs: native qemu busybox cpio etcd dnsmasq ethtool curl
# limit: 700
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The five machines of topo/n3x.yaml in QEMU, three of them with etcd. Their network cards are cables
# to a sixth machine, which has netem, runs netsim (tests/guests/n3x-host), and passes on the frames of
# each card through its tap (tests/tools/wire.c). All machines are emulated.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

ROOT=$(dirname "$TESTS")
ETCD=$ROOT/build/unpacked/etcd-server/usr/bin/etcd
KERNEL=$("$TESTS/vm/kernel")
NAMES=(n100-1 n100-2 n100-3 jetson-1 jetson-2)
MACS=(52:54:00:12:34:01 52:54:00:12:34:02 52:54:00:12:34:03 52:54:00:12:34:10 52:54:00:12:34:11)

# initrd NAME WITH: the root of the machines, with etcd or without it
initrd() {
	local root=$WORK/$1 file
	mkdir -p "$root/bin" "$root/modules"
	cp "$(command -v busybox)" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	cp "$TESTS/guests/n3x-init" "$root/init"
	cp "$TESTS/guests/n3x-lease" "$root/lease"
	chmod +x "$root/init" "$root/lease"
	modprobe -d "$KERNEL" -S "${KERNEL##*/kernel-}" -aD virtio_pci virtio_net 8021q |
		sed -n 's/^insmod //p' | while read -r file; do
		cp "$file" "$root/modules/"
		echo "${file##*/}"
	done | awk '!seen[$0]++' >"$root/modules/order"
	if [[ $2 == etcd ]]; then
		cp "$ETCD" "$root/bin/etcd"
		ldd "$ETCD" | grep -o '/lib[^ ]*' | while read -r file; do
			mkdir -p "$root${file%/*}"
			cp "$file" "$root$file"
		done
	fi
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$WORK/$1.initrd"
}

# cable NUMBER NEAR FAR: the cable's end for a machine; the other one is FAR
cable() {
	echo "-netdev dgram,id=n$1,local.type=unix,local.path=$WORK/$2$1,remote.type=unix,remote.path=$WORK/$3$1"
}

# machine NUMBER INITRD MEMORY: a machine of another architecture differs in QEMU and kernel only
machine() {
	local cable
	read -ra cable <<<"$(cable "$1" machine host)"
	bg qemu-system-x86_64 -M q35 -accel tcg -cpu max -m "$3" -display none -nodefaults -no-reboot \
		-kernel "$KERNEL/boot/vmlinux" -initrd "$WORK/$2.initrd" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off norandmaps random.trust_cpu=on net.ifnames=0 me=${NAMES[$1]} number=$1" \
		-serial "file:$WORK/serial.$1" "${cable[@]}" \
		-device "virtio-net-pci,netdev=n$1,mac=${MACS[$1]}"
}

initrd server etcd
initrd agent none
cards=
for i in "${!NAMES[@]}"; do
	cards+=" $(cable "$i" host machine) -device virtio-net-pci,netdev=n$i,mac=52:54:00:ff:00:0$i"
done
for i in 0 1 2; do machine "$i" server 384M; done
for i in 3 4; do machine "$i" agent 128M; done
"$TESTS/vm/boot" -c 2 -t 2400 -q "$cards" -- env TMPDIR=/tmp NETSIM="$NETSIM" VARIANT="${VARIANT:-release}" \
	bash "$TESTS/guests/n3x-host"
