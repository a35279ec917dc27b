# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Three machines for the tests of machines that are nodes themselves, sourced after lib.sh: namespaces
# with their own host name, mounts and /run, joined by a bridge that netsim does not know.
# shellcheck disable=SC2034 # for lib.sh and the tests
FLEET=trio
NODES=(a b c)
TOPO=$WORK/trio.yaml
PEER=10.1.0.254 # the bridge, in which no node is

# b and d are known by their addresses only; d does not exist.
write_topo() {
	cat >"$TOPO" <<-EOF
		fleet: trio
		networks: {lan: {address: $PEER/24}}
		nodes:
		  a: {kind: tap, roles: [server], interfaces: {eth1: {network: lan, mac: "52:54:00:00:00:01", address: [10.1.0.1/24, "fd00::1/64"]}}}
		  b: {kind: tap, roles: [server], interfaces: {eth1: {network: lan, address: [10.1.0.2/24, "fd00::2/64"]}}}
		  c: {kind: tap, interfaces: {eth1: {network: lan, mac: "52:54:00:00:00:03", address: [10.1.0.3/24, "fd00::3/64"]}}}
		  d: {kind: tap, interfaces: {eth1: {network: lan, address: [10.1.0.4/24, "fd00::4/64"]}}}
	EOF
}

build() {
	local node n=0
	write_topo
	mkdir "$WORK"/run.{host,a,b,c}
	ip link add lan type bridge
	ip addr add "$PEER/24" dev lan
	ip -6 addr add fd00::fe/64 dev lan nodad
	ip link set lan up
	for node in "${NODES[@]}"; do
		n=$((n + 1))
		ip netns add "$FLEET.$node"
		ip link add "port-$node" master lan up type veth peer name eth1 netns "$FLEET.$node" address "52:54:00:00:00:0$n"
		ip -n "$FLEET.$node" link set lo up
		ip -n "$FLEET.$node" addr add "10.1.0.$n/24" dev eth1
		ip -n "$FLEET.$node" addr add "fd00::$n/64" dev eth1 nodad
		ip -n "$FLEET.$node" link set eth1 up
	done
	# Address resolution fails within a second.
	for node in "${NODES[@]}"; do
		node_exec "$node" sh -c 'echo 200 | tee /proc/sys/net/ipv*/neigh/eth1/retrans_time_ms' >/dev/null
	done
	settle "${NODES[@]}"
}

# on NODE CMD...: as that machine; bg_on: in the background, as bg does
on() {
	local node=$1
	shift
	as_machine node_exec "$node" "$@"
}

bg_on() {
	local node=$1
	shift
	as_machine node_bg "$node" "$@"
}

as_machine() {
	local how=$1 node=$2
	shift 2
	# shellcheck disable=SC2016 # expanded by the inner shell
	"$how" "$node" unshare -mu --propagation private sh -c \
		'hostname "$1" && mount --bind "$2" /run && shift 2 && exec "$@"' sh "$node" "$WORK/run.$node" "$@"
}

# netsim NODE WORD...: NETSIM_TOPOLOGY names the topology, the host name the node
netsim() {
	NETSIM_TOPOLOGY=$TOPO on "$1" "$NETSIM" "${@:2}"
}

# found NODE: all that netsim changes at the interface
found() {
	ip -d -n "$FLEET.$1" link show | sed 's/ promiscuity.*//'
	tc -n "$FLEET.$1" qdisc show
	ip netns exec "$FLEET.$1" ethtool -k eth1
	find "$WORK/run.$1" -type f ! -name '*.lock'
}

destroy() {
	local node
	for node in "${NODES[@]}"; do
		ip netns delete "$FLEET.$node"
		ip link delete "port-$node"
	done
	ip link delete lan
}
