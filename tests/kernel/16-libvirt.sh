# needs: native libvirt overlay qemu tap bridge veth netns clsact bpf cpio busybox
# limit: 150
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nodes that are domains of libvirt 9, with guests in QEMU: found through libvirt, shaped at each start,
# also when libvirtd is restarted, does not answer, or makes the bridge anew.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../guest.sh"
. "$(dirname "$0")/../libvirt.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=guests
MAC_1=52:54:00:12:34:01 MAC_2=52:54:00:12:34:02
cat >"$WORK/guests.yaml" <<-EOT
	fleet: guests
	networks: {lan: {name: guests-br, address: 192.168.100.1/24}}
	nodes:
	  a: {interfaces: {eth1: {network: lan, address: 192.168.100.9/24}}}
	  vm1: {kind: attached, domain: vm1, interfaces: {eth0: {network: lan, mac: "$MAC_1"}}}
	  vm2: {kind: attached, domain: vm-tow, interfaces: {eth0: {network: lan}}}
EOT
cat >"$WORK/virt.yaml" <<-EOT
	fleet: guests
	libvirt: qemu:///system
	networks: {lan: {name: virbr0, attached: true}}
	nodes:
	  vm1: {kind: attached, domain: vm1, interfaces: {eth0: {network: lan}}}
	  vm2: {kind: attached, domain: vm-two, interfaces: {eth0: {network: lan}}}
EOT

alias_of() {
	ip -j link show "$1" | jq -r '.[0].ifalias // ""'
}

# said DOMAIN WORD: how many lines of its console have WORD; more DOMAIN WORD COUNT
said() {
	grep -c "$2" "$WORK/serial.$1"
}

more() {
	[[ $(said "$1" "$2") -gt $3 ]]
}

# shaped DOMAIN NODE: its tap has the mark of the node, and the program
shaped() {
	local tap
	tap=$(tap_of "$1")
	[[ $(alias_of "$tap") == "netsim:guests/$2/eth0 attached" ]] &&
		[[ $(tc filter show dev "$tap" egress) == *ns_port* ]]
}

marked() {
	[[ $(alias_of "$1") == netsim:guests/vm1/eth0* ]]
}

both_start() {
	virsh -q start vm1 && virsh -q start vm-two
}

both_shaped() {
	shaped vm1 vm1 && shaped vm-two vm2
}

without() {
	fails_with 5 "up without libvirt" "$NETSIM" up "$WORK/guests.yaml"
	like "says what is missing" "$ERR" "netsim: libvirt does not answer: cannot load libvirt.so.0: "
	check "the rest is up" wait_for 5 answers host 192.168.100.9
	fails_with 5 "watch --once" "$NETSIM" watch --once
	like "says it" "$ERR" "netsim: libvirt does not answer: cannot load libvirt.so.0: "
	check "the unpacked libvirt" libvirt_install
	command -v virsh >/dev/null || exit
	fails_with 5 "up without libvirtd" "$NETSIM" up "$WORK/guests.yaml"
	like "names its socket" "$ERR" "netsim: libvirt does not answer: .*libvirt-sock-ro': No such file"
	check "libvirtd starts" libvirt_start
	chmod 0 /run/libvirt/libvirt-sock-ro
	fails_with 5 "up without permission" setpriv --bounding-set=-dac_override,-dac_read_search "$NETSIM" up "$WORK/guests.yaml"
	like "says so" "$ERR" "netsim: libvirt does not answer: .*libvirt-sock-ro': Permission denied"
	chmod 777 /run/libvirt/libvirt-sock-ro
}

finding() {
	check "a domain" domain vm1 $MAC_1 "bridge='guests-br'" "me=192.168.100.11/24 peer=192.168.100.9"
	check "another" domain vm-two $MAC_2 "bridge='guests-br'" "me=192.168.100.12/24 peer=192.168.100.9"
	check "up before they run" "$NETSIM" up "$WORK/guests.yaml"
	like "says so" "$ERR" "not shaped: vm1/eth0: the domain vm1 is not running"
	like "a wrong name has a suggestion" "$ERR" "vm2/eth0: libvirt has no domain vm-tow; did you mean vm-two[?]"
	check "start" virsh -q start vm1
	like "status knows the tap" "$("$NETSIM" status)" "vm1/eth0: vnet[0-9]+ is new; netsim up or netsim watch"
	check "up claims it" "$NETSIM" up "$WORK/guests.yaml"
	check "by the mark" shaped vm1 vm1
	sed -i s/vm-tow/vm-two/ "$WORK/guests.yaml"
	check "start the other" virsh -q start vm-two --paused
	check "up claims a tap by the domain alone" "$NETSIM" up "$WORK/guests.yaml"
	is "and has no complaint" "$ERR" ""
	check "by the mark" shaped vm-two vm2
	check "stop it" virsh -q destroy vm-two
}

# A guest that restarts during a fault comes back under it.
restarting() {
	local old
	bg "$NETSIM" watch
	WATCH=$BG
	check "watch is ready" wait_for 10 logged "watching$"
	check "the guest reaches a" wait_for 40 more vm1 answered 0
	check "partition" "$NETSIM" partition -q vm1 a
	old=$(said vm1 lost)
	check "cuts it off" wait_for 10 more vm1 lost $((old + 1))
	check "destroy" virsh -q destroy vm1
	check "is reported" wait_for 10 logged "^vm1: domain vm1 stopped [(]destroyed[)]$"
	rm "$WORK/serial.vm1"
	check "start" virsh -q start vm1
	check "is reported with the tap" wait_for 10 logged "^vm1: domain vm1 started [(]booted[)]: vnet[0-9]+ is eth0, shaped$"
	check "which is shaped" shaped vm1 vm1
	check "the guest answers the host" wait_for 40 answers host 192.168.100.11
	check "its own pings are lost" wait_for 10 more vm1 lost 1
	is "from the first one on" "$(said vm1 answered)" 0
	check "heal" "$NETSIM" heal -q
	check "brings it back" wait_for 10 more vm1 answered 0
}

daemon() {
	local pid tap
	tap=$(tap_of vm1)
	libvirt_stop
	check "watch says that libvirtd is gone" wait_for 10 logged "^problem: libvirt does not answer: "
	check "the guest stays shaped" marked "$tap"
	check "and reaches a" wait_for 10 more vm1 answered "$(said vm1 answered)"
	check "libvirtd starts again" libvirt_start
	check "which is reported" wait_for 10 logged "^guests: libvirt answers again$"
	check "start" virsh -q start vm-two --paused
	check "its events come again" wait_for 10 logged "^vm2: domain vm-two started [(]booted[)]: vnet[0-9]+ is eth0, shaped"
	pid=$(</run/libvirtd.pid)
	kill -STOP "$pid"
	fails_with 5 "up while libvirtd is stopped" timeout 40 "$NETSIM" up "$WORK/guests.yaml"
	like "waits some seconds" "$ERR" "netsim: libvirt does not answer: no answer within 5 s"
	check "the taps stay shaped" marked "$tap"
	kill -CONT "$pid"
	check "down" "$NETSIM" down -q
	check "watch waits" wait_for 10 logged "^no fleet is up"
	virsh -q destroy vm1
	virsh -q destroy vm-two
}

# The bridge of a libvirt network, which gives addresses by DHCP.
network() {
	local count
	cat >"$WORK/net.xml" <<-EOT
		<network><name>default</name><forward mode='open'/><bridge name='virbr0' stp='off'/>
		<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.99'/>
		<host mac='$MAC_1' ip='192.168.122.11'/><host mac='$MAC_2' ip='192.168.122.12'/></dhcp></ip></network>
	EOT
	check "a network" virsh -q net-define "$WORK/net.xml"
	check "net-start" virsh -q net-start default
	rm "$WORK"/serial.*
	domain vm1 $MAC_1 "network='default'" "me=dhcp peer=192.168.122.12"
	domain vm-two $MAC_2 "network='default'" "me=dhcp peer=192.168.122.11"
	check "start" both_start
	check "up" "$NETSIM" up -q "$WORK/virt.yaml"
	check "the first has its address" wait_for 40 written "leased 192.168.122.11" "$WORK/serial.vm1"
	check "and the second" wait_for 40 written "leased 192.168.122.12" "$WORK/serial.vm-two"
	check "they reach each other" wait_for 20 more vm1 answered 0
	check "partition" "$NETSIM" partition -q vm1
	check "net-destroy" virsh -q net-destroy default
	check "is reported" wait_for 10 logged "^vm1/eth0: not shaped: there is no bridge virbr0"
	like "the fleet is not forgotten" "$("$NETSIM" status)" "fault 1: partition vm1 [|] rest; not wholly in force"
	check "net-start" virsh -q net-start default
	check "libvirt does not put taps into the bridge" wait_for 10 logged "^vm1/eth0: not shaped: vnet[0-9]+ of the domain vm1 is in no bridge"
	libvirt_stop
	check "unless it is restarted" libvirt_start
	check "then they are shaped" wait_for 20 both_shaped
	like "with the fault in force" "$("$NETSIM" status | tail -n 1)" "^fault 1: partition vm1 [|] rest$"
	count=$(said vm1 lost)
	check "the first answers the host" wait_for 10 answers host 192.168.122.11
	check "but loses its pings to the second" wait_for 10 more vm1 lost $((count + 1))
	count=$(said vm1 answered)
	check "heal" "$NETSIM" heal -q
	check "brings it back" wait_for 10 more vm1 answered "$count"
	interrupt "$WATCH"
	is "watch ends with status 0" "$STATUS" 0
	check "down" "$NETSIM" down -q
	is "the bridge is given back" "$(alias_of virbr0)" ""
	check "net-destroy" virsh -q net-destroy default
	fails_with 4 "up without the bridge" "$NETSIM" up "$WORK/virt.yaml"
	like "names it" "$ERR" "virt.yaml:3:[0-9]+: error: there is no bridge virbr0"
	check "nothing is left of the fleet" "$NETSIM" status
	like "in the record" "$OUT" "no fleet is up"
	virsh -q destroy vm1
	virsh -q destroy vm-two
}

# Without watch, a hook lets libvirt itself shape what it starts.
hooks() {
	local hook=/etc/libvirt/hooks/qemu.d/netsim
	mkdir -p ${hook%/*}
	sed "s,@BINDIR@,${NETSIM%/*}," "$TESTS/../cli/libvirt-hook.in" >$hook
	chmod +x $hook
	libvirt_stop
	check "libvirtd with the hook" libvirt_start
	check "net-start" virsh -q net-start default
	"$NETSIM" up -q "$WORK/virt.yaml" 2>/dev/null
	check "start" virsh -q start vm1 --paused
	check "the hook shapes its tap" wait_for 20 shaped vm1 vm1
	chmod -x "$hook"
	check "without its program" sed -i 's,^.*netsim watch,/nonexistent,' $hook
	check "it succeeds" timeout 2 sh $hook vm1 reconnect begin -
	check "down" "$NETSIM" down -q
	virsh -q destroy vm1
	virsh -q net-destroy default
}

PROGRAMS=$(programs)
guest_files "$("$TESTS/vm/kernel")"
without
finding
restarting
daemon
network
hooks
libvirt_stop
kill "$(</run/virtlogd.pid)"
no_program_stays "$PROGRAMS"
done_testing
