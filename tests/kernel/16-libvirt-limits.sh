# needs: libvirt overlay qemu tap bridge veth netns clsact bpf htb sfq ingress u32 netem ethtool
# limit: 170
# SPDX-License-Identifier: GPL-2.0-or-later
#
# <bandwidth> of libvirt at the taps of its domains, set before the start and by virsh domiftune, which
# makes qdiscs where netsim has its own. The domains are paused: their taps are all that is needed.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../libvirt.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=guests
cat >"$WORK/guests.yaml" <<-EOT
	fleet: guests
	networks: {lan: {name: br0, attached: true}}
	nodes:
	  vm1: {kind: attached, domain: vm1, interfaces: {eth0: {network: lan, mac: "52:54:00:12:34:01"}}}
	  vm2: {kind: attached, interfaces: {eth0: {network: lan, mac: "52:54:00:12:34:02"}}}
EOT
printf 'profile: slow\ndefault: {rate: 10mbit, rtt: 10ms}\n' >"$WORK/slow.yaml"

tso() {
	ethtool -k br0 | sed -n 's/^tcp-segmentation-offload: //p'
}

# has TAP REGEX: a qdisc of it matches
has() {
	tc qdisc show dev "$1" | grep -qE "$2"
}

# A limit on what a guest sends excludes netsim's programs.
outbound() {
	local tap
	check "a limited domain" domain vm1 52:54:00:12:34:01 "bridge='br0'" "" "<bandwidth><outbound average='1000'/></bandwidth>"
	check "it starts, although watch finds its tap" virsh -q start vm1 --paused || exit
	tap=$(tap_of vm1)
	check "libvirt has made its qdisc" has "$tap" "^qdisc ingress ffff:"
	check "is not shaped" wait_for 20 logged "^vm1/eth0: not shaped: the <bandwidth> outbound of the domain vm1 excludes netsim's programs; to end it: virsh domiftune vm1 $tap --outbound 0,0,0$"
	like "up says the same" "$("$NETSIM" up "$WORK/guests.yaml" 2>&1)" "not shaped: vm1/eth0: the <bandwidth> outbound of the domain vm1 excludes"
	is "and does not touch the tap" "$(tc qdisc show dev "$tap" | grep -c -e clsact -e netem)" 0
	check "the way out" virsh -q domiftune vm1 "$tap" --outbound 0,0,0
	check "works" wait_for 30 has "$tap" "^qdisc clsact ffff:" || exit
	check "with the conditions" wait_for 30 has "$tap" "^qdisc netem 6e73: root"
	run virsh -q domiftune vm1 "$tap" --outbound 1000
	like "libvirt cannot limit it then" "$ERR" "unexpected exit status"
	check "which changes nothing" has "$tap" "^qdisc clsact ffff:"
}

# A limit on what a guest receives replaces the root qdisc. libvirt removes the old one first, and
# fails if watch puts it back sooner.
inbound() {
	local tap
	tap=$(tap_of vm1)
	kill -STOP "$WATCH"
	check "domiftune" virsh -q domiftune vm1 "$tap" --inbound 1000 || exit
	check "libvirt has made its qdisc" has "$tap" "^qdisc htb 1: root"
	kill -CONT "$WATCH"
	check "is undone" wait_for 20 logged "^vm1/eth0: $tap: a foreign qdisc is at its root, htb 1:; put back after"
	check "the conditions are back" wait_for 10 has "$tap" "^qdisc netem 6e73: root"
	check "libvirt is named, with the way out" wait_for 20 logged "^vm1/eth0: $tap: libvirt limits it by <bandwidth> inbound, .*: virsh domiftune vm1 $tap --inbound 0,0,0$"
	check "the way out" virsh -q domiftune vm1 "$tap" --inbound 0,0,0
	check "leaves the conditions" wait_for 20 has "$tap" "^qdisc netem 6e73: root"
}

# Without the key domain, libvirt is not asked, and only the qdisc shows the limit. watch would
# claim the tap before libvirt makes the qdisc.
unnamed() {
	local tap
	check "another limited domain" domain vm2 52:54:00:12:34:02 "bridge='br0'" "" "<bandwidth><outbound average='1000'/></bandwidth>"
	kill -STOP "$WATCH"
	check "start" virsh -q start vm2 --paused || exit
	kill -CONT "$WATCH"
	tap=$(tap_of vm2)
	check "is not shaped" wait_for 20 logged "^vm2/eth0: not shaped: a foreign qdisc at $tap, ingress, excludes netsim's programs; if it is libvirt's <bandwidth>: virsh domiftune DOMAIN $tap --outbound 0,0,0$"
	check "the way out" virsh -q domiftune vm2 "$tap" --outbound 0,0,0
	check "works" wait_for 30 has "$tap" "^qdisc clsact ffff:"
	check "with the conditions" wait_for 30 has "$tap" "^qdisc netem 6e73: root"
}

PROGRAMS=$(programs)
check "the unpacked libvirt" libvirt_install
command -v virsh >/dev/null || exit
check "libvirtd starts" libvirt_start
ip link add br0 type bridge
ip link set br0 up
check "up" "$NETSIM" up -q "$WORK/guests.yaml"
check "a profile" "$NETSIM" apply -q "$WORK/slow.yaml"
bg "$NETSIM" watch
WATCH=$BG
check "watch is ready" wait_for 20 logged "watching$"
outbound
inbound
thorough "a limit of a domain that no file names" && unnamed
is "segmentation is off at the bridge" "$(tso)" off
virsh -q destroy vm1
check "the stop is reported" wait_for 20 logged "^vm1: domain vm1 stopped [(]destroyed[)]$"
virsh -q destroy vm2 2>/dev/null
interrupt "$WATCH"
check "down" "$NETSIM" down -q
is "and on again" "$(tso)" on
ip link del br0
libvirt_stop
kill "$(</run/virtlogd.pid)"
no_program_stays "$PROGRAMS"
done_testing
