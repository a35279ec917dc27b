# needs: bridge veth netns clsact bpf
# SPDX-License-Identifier: GPL-2.0-or-later
#
# If a node has several interfaces, dropped packets are shown at the one that they passed, the sums
# of the node stay when classes change, and rows of verify about several VLANs of a bond have
# different names.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=drops

write_topo() {
	cat >"$WORK/drops.yaml" <<-'EOF'
		fleet: drops
		networks: {one: {}, two: {}}
		nodes:
		  a: {interfaces: {eth1: {network: one, address: 10.1.0.1/24}, eth2: {network: two, address: 10.2.0.1/24}}}
		  b: {interfaces: {eth1: {network: one, address: 10.1.0.2/24}, eth2: {network: two, address: 10.2.0.2/24}}}
	EOF
}

# shown: "NODE/INTERFACE DROPPED" of the ports at which something was dropped
shown() {
	"$NETSIM" status | awk '$1 ~ /^[ab]\/eth/ && $NF != "-" { print $1, $NF }' | joined
}

# counted KEY: from JSON, "NODE/INTERFACE" of the ports at which KEY is more than 0
counted() {
	"$NETSIM" status --json | jq -r --arg k "$1" '[.fleets[0].nodes[] | .name as $n | .ports[] |
		select(.[$k] > 0) | "\($n)/\(.interface)"] | join(" ")'
}

# The nodes send nothing by themselves.
quiet() {
	local node
	for node in a b; do
		node_exec "$node" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	done
}

# sums_agree: whether each node has the sum of what partitions dropped at its ports
sums_agree() {
	"$NETSIM" status --json | jq 'all(.fleets[0].nodes[];
		.dropped_by_partitions > 0 and .dropped_by_partitions == ([.ports[].dropped_by_partitions] | add))'
}

# A profile with classes of its own gives other classes the numbers that were counted.
sums_stay() {
	is "a node has the sum of its ports" "$(sums_agree)" true
	printf 'classes: {own: {tcp: 7}}\n' >"$WORK/own.yaml"
	printf 'profile: p\nengine: edt\nclass-file: own.yaml\nclasses: {own: {loss: 1%%}}\n' >"$WORK/p.yaml"
	check "other classes" "$NETSIM" apply "$WORK/p.yaml"
	is "with other classes, too" "$(sums_agree)" true
	check "clear" "$NETSIM" clear
	is "says what it cleared" "$OUT" "cleared 4 links"
	check "clear of one" "$NETSIM" clear a/eth1
	is "names it" "$OUT" "cleared a/eth1"
	check "clear -q" "$NETSIM" clear -q
	is "says nothing" "$OUT" ""
	is "and after that" "$(sums_agree)" true
}

# Where the kernel has netem, up gives each port one, which counts.
uncounted() {
	is "without a qdisc, what passed is not known" "$("$NETSIM" status --json | jq -c \
		'[.fleets[0].nodes[].ports[] | .up, .down | .packets, .bytes] | unique')" "[null]"
	unlike "and has no metric" "$("$NETSIM" status --prometheus -n)" 'netsim_link_(packets|bytes)_total\{'
}

interfaces() {
	quiet
	unshare -n tc qdisc add dev lo root netem 2>/dev/null || uncounted
	check "a partition" "$NETSIM" partition a b
	node_exec a ping -n -q -c 3 -i 0.1 -W 0.2 10.2.0.2 >/dev/null
	like "dropped on one network" "$(shown)" "^a/eth2 partition b/eth2 partition$"
	is "in JSON, too" "$(counted dropped_by_partitions)" "a/eth2 b/eth2"
	sums_stay
	check "down and up" "$NETSIM" down
	"$NETSIM" up -q "$WORK/drops.yaml"
	quiet
	check "a fault" "$NETSIM" fault 'loss 100%' a:b
	node_exec a ping -n -q -c 3 -i 0.1 -W 0.2 10.1.0.2 >/dev/null
	is "counts where it was sent" "$(counted dropped_by_conditions)" "a/eth1"
	"$NETSIM" heal -q
}

vlans() {
	if ! unshare -n sh -c 'ip link add p0 type bond && ip link add d0 type dummy && ip link add link d0 name v0 type vlan id 5' 2>/dev/null; then
		skip "VLANs of a bond" "this kernel has no bonding or 8021q"
		return
	fi
	check "up with bonds and VLANs" "$NETSIM" up "$(dirname "$TESTS")/topo/bonding-vlans.yaml"
	FLEET=bonding-vlans
	check "a fault between two" "$NETSIM" fault 'loss 20%' server-1:server-2
	run "$NETSIM" verify --quick --json
	is "rows are named apart" "$(jq -r '.rows[] | "\(.node) \(.what)"' <<<"$OUT" | sort | uniq -d)" ""
	like "by their interfaces" "$OUT" "server-1/[a-z0-9.]+ > server-2/"
	check "down" "$NETSIM" down
	FLEET=drops
}

before=$(dump)
write_topo
check "up" "$NETSIM" up "$WORK/drops.yaml"
interfaces
check "down" "$NETSIM" down
vlans
is "leaves nothing" "$(dump)" "$before"
done_testing
