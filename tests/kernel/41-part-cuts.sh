# needs: bridge veth netns clsact bpf
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Partitions of a class or of a VLAN of a node, one bond member, and faults of a class without
# targets; all without a profile. Other traffic passes.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

ROOT=$(dirname "$TESTS")

build() {
	cat >"$WORK/part.yaml" <<-'EOT'
		fleet: part
		networks: {lan: {address: 10.1.0.254/24}}
		nodes:
		  n[1-3]: {roles: [x], interfaces: {eth1: {network: lan, address: "10.1.0.{n}/24"}}}
	EOT
	FLEET=part
	check "up" "$NETSIM" up "$WORK/part.yaml"
}

# connects FROM TO PORT: a connection is made, or refused; both need packets in both directions
connects() {
	node_exec "$1" timeout 1 bash -c '{ : <>"/dev/tcp/$0/$1"; } 2>&1 | grep -q refused' "10.1.0.${2#n}" "$3"
}

# connected PORT: the pairs that can connect
connected() {
	local from to
	for from in n1 n2 n3; do
		for to in n1 n2 n3; do
			[[ $from == "$to" ]] || ! connects "$from" "$to" "$1" || echo "$from>$to"
		done
	done | joined
}

all_connect() {
	[[ $(connected "$1") == "$ALL" ]]
}

ALL="n1>n2 n1>n3 n2>n1 n2>n3 n3>n1 n3>n2"

classes() {
	check "all connect before" wait_for 10 all_connect 2380
	check "a partition of a class" "$NETSIM" partition n1 --class etcd-peer --name peers
	is "text" "$OUT" "fault 1: partition n1 | rest, class etcd-peer, until netsim heal"
	node_exec n2 ip neigh flush all
	is "cuts the class" "$(connected 2380)" "n2>n3 n3>n2"
	is "and no other" "$(connected 2379) | $(connected 9999)" "$ALL | $ALL"
	check "nor ICMP, nor ARP" wait_for 5 answers n1 10.1.0.2
	is "the nodes reach each other" "$("$NETSIM" status --json | jq -c '[.fleets[0].nodes[].reaches | length]')" "[2,2,2]"
	run "$NETSIM" verify --quick
	like "verify proves that only the class is cut" "$OUT" "all +cut +4 pairs +nothing passed +ok"
	like "among pairs that pass" "$OUT" "all +reach +12 pairs +all pass +ok"
	tc filter del dev "$(port_of n1)" egress
	fails_with 1 "without a program" "$NETSIM" verify --quick
	like "the class passes" "$OUT" "n1 +cut down +cut off +2 of 2 cut pairs pass +failed"
	ip link del "$(port_of n1)"
	check "the port comes back" "$NETSIM" up "$WORK/part.yaml"
	is "cut as before" "$(connected 2380)" "n2>n3 n3>n2"
	is "status shows it" "$("$NETSIM" status | grep ^fault)" "fault 1: peers: partition n1 | rest, class etcd-peer"
	check "heal" "$NETSIM" heal peers
	is "all connect again" "$(connected 2380)" "$ALL"
	check "a family of classes, one way, for a time" "$NETSIM" partition --one-way n1 n2 --class etcd --for 3s
	is "cuts all of its classes" "$(connected 2379)" "n1>n3 n2>n3 n3>n1 n3>n2"
	wait_for 10 connects n1 n2 2379
	is "until the deadline" "$(connected 2379)" "$ALL"
	fails_with 2 "an unknown class" "$NETSIM" partition n1 --class etdc-peer
	like "has a hint" "$ERR" "no class named etdc-peer; did you mean etcd-peer"
}

# Partitions and faults of a class keep to its name when a class file gives it another number.
renumbered() {
	"$NETSIM" partition -q n1 --class etcd-peer --name cut
	"$NETSIM" fault -q 'loss 100%' n2 --class etcd-peer
	printf 'classes: {first: {udp: 7}, second: {udp: 8}, third: {udp: 9}, etcd-peer: {tcp: 2399}}\n' >"$WORK/classes.yaml"
	printf 'profile: other\nclass-file: ./classes.yaml\npairs: [{from: n2, to: n3, loss: 0%%}]\n' >"$WORK/profile.yaml"
	check "another class file" "$NETSIM" apply "$WORK/profile.yaml"
	is "the class of this name is cut, and lost" "$(connected 2399)" ""
	is "the former one is not" "$(connected 2380)" "$ALL"
	"$NETSIM" heal -q cut
	is "only lost" "$(connected 2399)" "n1>n3 n3>n1"
	"$NETSIM" heal -q
	"$NETSIM" clear -q
}

without_targets() {
	check "a fault of a class without targets" "$NETSIM" fault 'loss 100%' --class longhorn-data
	is "concerns all paths" "$(connected 10000)" ""
	is "of this class only" "$(connected 2380)" "$ALL"
	"$NETSIM" heal -q
	fails_with 2 "neither target nor class" "$NETSIM" fault 'loss 100%'
	like "says what is missing" "$ERR" "missing argument, expected CONDITIONS TARGET"
	fails_with 2 "an interface that is no VLAN" "$NETSIM" partition n1/eth1
	like "has a hint" "$ERR" "n1/eth1 is not a VLAN of a node; netsim link down"
}

# on VLAN: the arguments of reach
on() {
	echo "server-1=192.168.$1.1 server-2=192.168.$1.2 agent-1=192.168.$1.3 agent-2=192.168.$1.4"
}

# shellcheck disable=SC2046 # words
vlans() {
	FLEET=vlans
	check "up with VLANs" "$NETSIM" up "$ROOT/topo/vlans.yaml"
	check "a partition of a VLAN of a node" "$NETSIM" partition server-1/eth1.100
	is "text" "$OUT" "fault 1: partition server-1 | rest, VLAN 100, until netsim heal"
	is "its VLAN is cut" "$(reach $(on 100) | grep -c server-1)" 0
	is "for this node only" "$(reach $(on 100) | wc -l)" 6
	is "its other VLAN is whole" "$(reach $(on 200) | wc -l)" 12
	run "$NETSIM" verify --quick
	like "verify proves it" "$OUT" "all +cut +6 pairs +nothing passed +ok"
	"$NETSIM" heal -q
	check "two groups on a VLAN" "$NETSIM" partition 'server-*/eth1.200' agent-1/eth1.200 --name two
	is "are cut off from each other" "$(reach $(on 200) | grep server | grep -c agent-1)" 0
	is "but not from others" "$(reach $(on 200) | wc -l)" 8
	is "nor on another VLAN" "$(reach $(on 100) | wc -l)" 12
	"$NETSIM" heal -q
	fails_with 2 "two VLANs at once" "$NETSIM" partition server-1/eth1.100 server-2/eth1.200
	like "are refused" "$ERR" "server-2/eth1.200: VLAN 200, but another group names VLAN 100"
	fails_with 2 "conditions of a VLAN" "$NETSIM" fault 'loss 10%' server-1/eth1.100
	like "have a hint" "$ERR" "a VLAN can be cut off: netsim partition server-1/eth1.100"
	check "down" "$NETSIM" down
}

# shellcheck disable=SC2046 # words
bonds() {
	FLEET=bonding-vlans
	check "up with bonds" "$NETSIM" up "$ROOT/topo/bonding-vlans.yaml"
	check "one member of a bond" "$NETSIM" fault 'loss 100%' server-1/eth2
	is "that is not in use: nothing changes" "$(reach $(on 200) | wc -l)" "$(reach $(on 100) | wc -l)"
	check "a VLAN of the bond" "$NETSIM" partition server-1/bond0.100
	is "is cut" "$(reach $(on 100) | grep -c server-1)" 0
	is "the cluster's is whole" "$(reach $(on 200) | grep -c server-1)" 6
	check "down" "$NETSIM" down
}

before=$(dump)
elsewhere || {
	build
	classes
	without_targets
	renumbered
	check "down" "$NETSIM" down
}
if unshare -n sh -c 'ip link add br0 type bridge vlan_filtering 1 && ip link add d0 type dummy && ip link add link d0 name v0 type vlan id 5' 2>/dev/null; then
	vlans
	if unshare -n ip link add b0 type bond 2>/dev/null; then bonds; else skip "bonds" "this kernel has no bonding"; fi
else
	skip "VLANs" "this kernel has no 8021q, or its bridges cannot filter VLANs"
fi
is "leaves nothing" "$(dump)" "$before"
done_testing
