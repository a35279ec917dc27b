# needs: ovs tap netns clsact bpf tcpdump iperf3
# limit: 420
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Attached nodes on bridges of Open vSwitch, with the userspace datapath and, in the virtual machine,
# the kernel datapath. Its daemon removes the qdiscs of its ports when it starts.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../ovs.sh"

# Namespaces inside.NAME are the insides of the machines; the fleet has another name.
# shellcheck disable=SC2034 # for lib.sh
FLEET=inside
HOST=10.9.0.254
declare -A RELAY

# machine NUMBER: a machine whose tap vnetN is on br0, as libvirt makes it; its process is in RELAY
machine() {
	local mac=54:00:00:00:0$1
	ip netns list | grep -q "^inside.vm$1\b" || ip netns add "inside.vm$1"
	bg "$HELPERS/relay" "vnet$1" "inside.vm$1" eth1
	RELAY[$1]=$BG
	wait_for 10 written ready "$WORK/bg.$BG"
	ip link set "vnet$1" address "fe:$mac" up
	node_exec "vm$1" ip link set eth1 address "52:$mac" up
	node_exec "vm$1" ip addr add "10.9.0.$1/24" dev eth1
	# Two calls: the userspace datapath does not take back a tap that was made again (Open
	# vSwitch 3.1).
	vsctl --if-exists del-port "vnet$1"
	vsctl add-port br0 "vnet$1"
}

# reached: the pairs between which a ping is answered. without REGEX: all pairs but those that match
reached() {
	reach vm1=10.9.0.1 vm2=10.9.0.2 vm3=10.9.0.3 "host=$HOST" | joined
}

# all_but NAME REGEX: exactly these pairs reach each other. Tried again, because the emulated machine
# may be too slow to answer in time.
all_but() {
	check "$1" wait_for 30 are_reached "$(without "$2")" && return
	{
		echo "reached: $(reached)"
		ps -eo stat=,wchan:24=,args= | grep -e '[o]vs' -e '[r]elay'
		ovs timeout 5 ovs-appctl -t "$OVS_RUN/vswitchd.ctl" dpctl/show -s
		ovs timeout 5 ovs-appctl -t "$OVS_RUN/vswitchd.ctl" dpctl/dump-flows
		cat "$WORK/bg.$VSWITCHD"
	} 2>&1 | sed 's/^/# /'
	return 1
}

are_reached() {
	[[ $(reached) == "$1" ]]
}

without() {
	local a b
	for a in host vm1 vm2 vm3; do
		for b in host vm1 vm2 vm3; do
			[[ $a == "$b" ]] || echo "$a>$b"
		done
	done | grep -vE "^($1)$" | joined
}

alias_of() {
	ip -j link show "$1" | jq -r '.[0].ifalias // ""'
}

topology() {
	cat <<-EOT
		fleet: cluster
		networks: {lan: {name: br0, attached: true}}
		nodes:
		  vm1: {kind: attached, roles: server, interfaces: {eth0: {network: lan, port: "vnet*", mac: "52:54:00:00:00:01"}}}
		  vm2: {kind: attached, interfaces: {eth0: {network: lan, port: "vnet*", mac: "52:54:00:00:00:02"}}}
		  vm3: {kind: attached, interfaces: {eth0: {network: lan, port: vnet3$1}}}
	EOT
}

# plug_in DATAPATH TYPE
plug_in() {
	local n
	vsctl add-br br0 -- set bridge br0 "datapath_type=$2"
	ip addr add "$HOST/24" dev br0
	ip link set br0 up
	for n in 1 2 3; do
		machine "$n"
	done
	topology ', mac: "52:54:00:00:00:03"' >"$WORK/cluster.yaml"
	check "$1: up" "$NETSIM" up "$WORK/cluster.yaml"
	is "says nothing else" "$ERR" ""
	like "and names the datapath" "$OUT" "br0: Open vSwitch, $1 datapath"
	like "as status does" "$("$NETSIM" status)" "br0: Open vSwitch, $1 datapath"
	is "and its JSON" "$("$NETSIM" status --json | jq -c '.fleets[0].ovs')" "[{\"bridge\":\"br0\",\"datapath\":\"$1\"}]"
	like "the tap has a mark" "$(alias_of vnet1)" "^netsim:cluster/vm1/eth0 @server attached ovs=br0"
	check "up again" "$NETSIM" up "$WORK/cluster.yaml"
	like "does nothing" "$OUT" "already up to date"
	all_but "all reach each other" '' || exit
}

# Partitions stop every frame, of both directions, ARP included.
partitions() {
	check "partition" "$NETSIM" partition -q vm1 vm2
	node_exec vm1 ip neigh flush dev eth1
	watch vm2 eth1 "ether src 52:54:00:00:00:01"
	all_but "stops the two, and only these" 'vm1>vm2|vm2>vm1'
	is "not even ARP passes" "$(frames "$BG")" 0
	check "heal" "$NETSIM" heal -q
	check "partition from the host, too" "$NETSIM" partition -q vm3 vm1,vm2,host
	all_but "stops all of it" '.*vm3.*'
	check "heal" "$NETSIM" heal -q
	all_but "all reach each other" ''
	fails_with 2 "a partition that answers is refused" "$NETSIM" partition vm1 vm2 --reject
	is "says why" "$ERR" "netsim: vm1 is at Open vSwitch, which does not show which frames are for a port, and which are copies; omit --reject: what the partition drops is then not answered"
	like "and adds no fault" "$("$NETSIM" status)" "3 nodes, .*0 faults"
}

# Conditions of one direction of a node, of pairs and of faults: the source of each frame is known,
# also of the first frame of a flow, about which the daemon decides.
sources() {
	printf 'profile: mute\nnodes: {vm1: {up: {loss: 100%%}}}\n' >"$WORK/mute.yaml"
	printf 'profile: pair\npairs: [{between: [vm1, vm2], loss: 100%%}]\n' >"$WORK/pair.yaml"
	check "apply the loss of one direction" "$NETSIM" apply -q --engine edt "$WORK/mute.yaml"
	ovs ovs-appctl -t "$OVS_RUN/vswitchd.ctl" revalidator/purge
	watch vm2 eth1 "ether src 52:54:00:00:00:01"
	SEEN=$BG
	watch vm1 eth1 "ether src 52:54:00:00:00:02"
	all_but "nobody gets an answer of the node" '.*vm1.*'
	between "it receives" "$(frames "$BG")" 1 1000
	is "and sends nothing, not even the first frame of a flow" "$(frames "$SEEN")" 0
	check "apply the loss of a pair" "$NETSIM" apply -q "$WORK/pair.yaml"
	check "and a fault of another pair" "$NETSIM" fault -q 'loss 100%' vm2:vm3
	all_but "both pairs, and only these" 'vm1>vm2|vm2>vm1|vm2>vm3|vm3>vm2'
	check "heal" "$NETSIM" heal -q
	all_but "the pair of the profile" 'vm1>vm2|vm2>vm1'
	check "clear" "$NETSIM" clear -q
}

# Two access ports of one VLAN.
vlans() {
	vsctl set port vnet1 tag=10 -- set port vnet2 tag=10
	check "a VLAN separates" wait_for 10 are_reached "host>vm3 vm1>vm2 vm2>vm1 vm3>host"
	check "a partition inside it" "$NETSIM" partition -q vm1 vm2
	check "is in force" wait_for 10 are_reached "host>vm3 vm3>host"
	check "heal" "$NETSIM" heal -q
	vsctl clear port vnet1 tag -- clear port vnet2 tag
}

# A port that no node has.
unclaimed() {
	machine 4
	watch vm1 eth1 "ether src 52:54:00:00:00:04"
	fails_with 1 "an unknown machine reaches nobody" answers vm4 10.9.0.1
	is "with no frame at all" "$(frames "$BG")" 0
	like "status counts them" "$("$NETSIM" status)" "vm1: [0-9]+ packets dropped from ports that no node has"
	vsctl del-port br0 vnet4
	bg_end "${RELAY[4]}"
}

# Delay and rate, of each direction of vm1. The machine is emulated, and slow: the bounds are wide.
# conditions ENGINE
conditions() {
	printf 'profile: far\ndefault: {rate: 1gbit}\nnodes: {vm1: {delay: 100ms, rate: 4mbit}}\n' >"$WORK/far.yaml"
	check "apply with $1" "$NETSIM" apply -q --engine "$1" "$WORK/far.yaml"
	measured_between "delays both directions" 200 300 ms rtt_of vm1 10.9.0.2
	measured_between "of the host's packets, too" 200 300 ms rtt_of vm1 "$HOST"
	measured_between "and no others" 0 100 ms rtt_of vm2 10.9.0.3
	measured_between "limits what it receives" 1 4.2 mbit rate vm2 vm1 10.9.0.1
	if thorough "what $1 lets a guest send"; then
		measured_between "and sends" 1 4.2 mbit rate vm1 vm2 10.9.0.2
	fi
}

# vm1 has the delay of both directions
is_far() {
	awk -v rtt="$(rtt_of vm1 10.9.0.2)" 'BEGIN { exit !(rtt >= 200 && rtt <= 300) }'
}

# rate FROM TO ADDRESS: of UDP at 8 mbit, received
rate() {
	node_bg "$2" iperf3 -s -1 --forceflush -f m
	wait_for 10 written listening "$WORK/bg.$BG"
	node_exec "$1" iperf3 -c "$3" -u -b 8m -l 1200 -t 3 -f m | awk '/receiver/ { print $7 }'
	bg_end "$BG"
}

watch_start() {
	bg "$NETSIM" watch
	WATCH=$BG
	check "watch is ready" wait_for 20 logged "watching$"
	bg tc -ts monitor
	MONITOR=$BG
}

# away DEVICE: the longest time in ms during which the device had no root of netsim's
away() {
	awk -v root="dev $1 root" '
		index($0, root) && /netem 6e73:/ {
			split(substr($1, 2), part, /[T:\]]/); now = part[2] * 3600 + part[3] * 60 + part[4]
			if (/ deleted /) { since = now; next }
			if (since && now - since > longest) longest = now - since
			since = 0
		}
		END { print since ? "for good" : longest * 1000 }' "$WORK/bg.$MONITOR"
}

# The daemon removes the roots of its ports when it starts. The machine is emulated: a start of
# netsim alone takes 100 ms there.
restarts() {
	local back="^vm[123]/eth0: vnet[123]: its netem is missing [(]Open vSwitch removes it when it starts[)]; put back after" how lines
	check "partition" "$NETSIM" partition -q vm2 vm3
	watch vm3 eth1 "ether src 52:54:00:00:00:02"
	SEEN=$BG
	watch_start
	for how in exit kill; do
		lines=$(logs "$back")
		vswitchd_again "$how" 2>/dev/null
		check "$how, and start: netem is put back" wait_for 20 logged "$back" $((lines + 1))
		# Tried again: the line may be another port's, and the daemon may remove roots more than once.
		check "delays both directions" wait_for 10 is_far
		all_but "the partition is in force" 'vm2>vm3|vm3>vm2'
	done
	is "no frame has passed it" "$(frames "$SEEN")" 0
	between "the roots were away" "$(away vnet1)" 0 20000 ms
	check "heal" "$NETSIM" heal -q
}

# Ports, taps and QoS change under a watch.
# changes DATAPATH
changes() {
	local lines shaped="^vm2/eth0: vnet2 appeared, shaped after|^vm2/eth0: vnet2: its netem is missing.*put back"
	vsctl del-port br0 vnet2
	if [[ $1 == kernel ]]; then
		check "a port that is deleted" wait_for 20 logged "^vm2/eth0: vnet2 is gone"
		is "is given back" "$(alias_of vnet2)" ""
	fi
	lines=$(logs "$shaped")
	vsctl add-port br0 vnet2
	check "one that is added is shaped" wait_for 20 logged "$shaped" $((lines + 1))
	bg_end "${RELAY[1]}"
	check "a tap that is removed" wait_for 20 logged "^vm1/eth0: vnet1 is gone"
	machine 1
	check "one that is made again is shaped" wait_for 20 logged "^vm1/eth0: vnet1 appeared, shaped after"
	all_but "it reaches all" ''
	measured_between "delays both directions" 200 300 ms rtt_of vm1 10.9.0.2
	# The userspace datapath seldom gets to its own after it has removed the root.
	if [[ $1 == kernel ]]; then
		check "its QoS is named, with the way out" limited
	else
		set_qos
	fi
	check "and replaced" wait_for 20 eval "tc qdisc show dev vnet1 root | grep -q 'netem 6e73:'"
	vsctl clear port vnet1 qos
	vsctl set port vnet1 qos=@q -- --id=@q create qos type=linux-noop >/dev/null
	check "with linux-noop" wait_for 20 eval "tc qdisc show dev vnet1 root | grep -q 'netem 6e73:'"
	bg tc -ts monitor
	MONITOR=$BG
	vswitchd_again exit 2>/dev/null
	check "other ports lose their roots" wait_for 20 written "deleted qdisc netem 6e73: dev vnet2 root" "$WORK/bg.$MONITOR"
	unlike "the port does not" "$(<"$WORK/bg.$MONITOR")" "deleted qdisc netem 6e73: dev vnet1 root"
	vsctl clear port vnet1 qos
	interrupt "$WATCH"
}

set_qos() {
	vsctl set port vnet1 qos=@q -- --id=@q create qos type=linux-htb other-config:max-rate=1000000 >/dev/null
}

# limited: watch names the qdisc of Open vSwitch's QoS. It is tried again where watch put netem back
# after Open vSwitch had removed the root, before it added its own.
limited() {
	for _ in 1 2 3 4; do
		set_qos
		! wait_for 2 logged "^vm1/eth0: vnet1: a foreign qdisc is at its root, htb 1:; if it is Open vSwitch's: ovs-vsctl clear port vnet1 qos; put back" || return 0
		vsctl clear port vnet1 qos
	done
	return 1
}

# policed REGEX: up says so while a policing rate is set. A kernel without police refuses it, and Open
# vSwitch then removes and adds its qdisc several times: up may look between.
policed() {
	vsctl set interface vnet1 ingress_policing_rate=0
	vsctl set interface vnet1 ingress_policing_rate=1000
	wait_for 20 eval "tc qdisc show dev vnet1 | grep -q 'qdisc ingress'" || return
	run "$NETSIM" up "$WORK/cluster.yaml"
	[[ $STATUS -eq 0 && $ERR =~ $1 ]]
}

# Open vSwitch's limit on what a guest sends takes the place of the programs.
policing() {
	check "ingress policing is named, with the way out" wait_for 20 policed \
		"not shaped: vm1/eth0: ingress_policing_rate of Open vSwitch excludes netsim's programs; to end it: ovs-vsctl set interface vnet1 ingress_policing_rate=0"
	vsctl set interface vnet1 ingress_policing_rate=0
	check "without it" wait_for 20 not eval "tc qdisc show dev vnet1 | grep -q 'qdisc ingress'"
	check "up shapes the port" "$NETSIM" up "$WORK/cluster.yaml"
	is "and has no complaint" "$ERR" ""
}

# refused STATUS NAME REGEX: up refuses $WORK/bad.yaml, and changes nothing
refused() {
	fails_with "$1" "$2" "$NETSIM" up "$WORK/bad.yaml"
	like "says why" "$ERR" "$3"
	one_line "in one line"
	is "and leaves no mark" "$(ip -j link | jq -r '.[].ifalias // empty')" ""
}

refusals() {
	topology '' >"$WORK/bad.yaml"
	refused 3 "a node without a mac" \
		"bad.yaml:6:[0-9]+: error: br0 has Open vSwitch's userspace datapath, which shows the source of a frame only by its address; add \"mac\""
	{ topology ', mac: "52:54:00:00:00:03"'; echo '  a: {interfaces: {eth0: {network: lan}}}'; } >"$WORK/bad.yaml"
	refused 3 "a node of netsim's own" "bad.yaml:7:[0-9]+: error: br0 is a bridge of Open vSwitch, which takes ports of attached nodes only; \"kind: attached\""
	is "no namespace" "$(ip netns list | grep -c "^cluster")" 0
}

release() {
	check "down" "$NETSIM" down -q
	is "no mark is left" "$(ip -j link | jq -r '.[].ifalias // empty')" ""
	unlike "no qdisc" "$(tc qdisc show)" "clsact|netem|fq "
	all_but "all reach each other" ''
	for n in 1 2 3; do
		vsctl del-port br0 "vnet$n"
		bg_end "${RELAY[$n]}"
	done
	vsctl del-br br0
}

ovs_start
if in_vm; then
	if thorough "delays with the userspace datapath"; then
		plug_in userspace netdev
		conditions edt
		restarts
		changes userspace
		release
	fi
	plug_in kernel system
	partitions
	sources
	thorough "VLANs with the kernel datapath" && vlans
	unclaimed
	conditions netem
	restarts
	changes kernel
	thorough "delays by edt with the kernel datapath" && conditions edt
else
	plug_in userspace netdev
	partitions
	sources
	vlans
	unclaimed
	fails_with 2 "apply with netem" "$NETSIM" apply --engine netem "$WORK/mute.yaml"
	like "says why" "$ERR" "the netem engine cannot shape what comes from vnet[123]: Open vSwitch's userspace datapath takes it before any qdisc; use the engine edt"
	"$NETSIM" down -q
	refusals
	policing
fi
release
ovs_stop
for n in 1 2 3 4; do
	ip netns del "inside.vm$n" 2>/dev/null
done
done_testing
