# shellcheck shell=bash disable=SC2034,SC2119,SC2153,SC2154 # shared with the other files
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Building and removing fleets.

# batch_up NODES: the same fleet as commands of ip -batch. Configuring the inside of a
# namespace takes a process there.
batch_up() {
	local i
	echo "link add bbr type bridge"
	echo "link set bbr up"
	for ((i = 1; i <= $1; i++)); do
		printf 'addr add 10.0.%d.%d/16 dev eth0\nlink set lo up\nlink set eth0 up\n' \
			$((i / 250)) $((i % 250 + 1)) >"$work/inside.$i"
		echo "netns add bench.n$i"
		echo "link add bp$i master bbr up type veth peer name eth0 netns bench.n$i"
		echo "netns exec bench.n$i ip -batch $work/inside.$i"
	done
}

batch_down() {
	local i
	for ((i = 1; i <= $1; i++)); do
		echo "link del bp$i"
		echo "netns del bench.n$i"
	done
	echo "link del bbr"
}

# Deletes no cables: the kernel removes them with the namespaces, asynchronously.
batch_names() {
	local i
	for ((i = 1; i <= $1; i++)); do
		echo "netns del bench.n$i"
	done
	echo "link del bbr"
}

loop_up() {
	local i
	ip link add bbr type bridge
	ip link set bbr up
	for ((i = 1; i <= $1; i++)); do
		ip netns add "bench.n$i"
		ip link add "bp$i" type veth peer name eth0 netns "bench.n$i"
		ip link set "bp$i" master bbr up
		ip -n "bench.n$i" addr add "10.0.$((i / 250)).$((i % 250 + 1))/16" dev eth0
		ip -n "bench.n$i" link set lo up
		ip -n "bench.n$i" link set eth0 up
	done
}

loop_down() {
	local i
	for ((i = 1; i <= $1; i++)); do
		ip link del "bp$i"
		ip netns del "bench.n$i"
	done
	ip link del bbr
}

until_gone() {
	"$@"
	while ip -br link | grep -q '^bp'; do
		sleep 0.005
	done
}

# of_nodes NODES RUNS: the loop, and the deletion of each link, only up to 100 nodes
of_nodes() {
	local nodes=$1 runs=$2 run
	topology "$nodes" >"$work/topo.yaml"
	batch_up "$nodes" >"$work/up"
	batch_down "$nodes" >"$work/down"
	batch_names "$nodes" >"$work/names"
	for ((run = 1; run <= runs; run++)); do
		progress "build $nodes, $run of $runs"
		timed "up$nodes.netsim" "$NETSIM" up "$work/topo.yaml"
		settle
		timed "down$nodes.netsim" "$NETSIM" down bench
		settle
		timed "up$nodes.batch" ip -batch "$work/up"
		settle
		timed "down$nodes.names" until_gone ip -batch "$work/names"
		settle
		[[ $nodes -le 100 ]] || continue
		ip -batch "$work/up"
		settle
		timed "down$nodes.batch" ip -batch "$work/down"
		settle
		timed "up$nodes.loop" loop_up "$nodes"
		settle
		timed "down$nodes.loop" loop_down "$nodes"
		settle
	done
	title "$nodes nodes made, ms" "of netsim"
	row "netsim up" "up$nodes.netsim"
	row "ip -batch" "up$nodes.batch" "up$nodes.netsim"
	[[ $nodes -gt 100 ]] || row "loop of ip" "up$nodes.loop" "up$nodes.netsim"
	title "$nodes nodes removed, ms" "of netsim"
	row "netsim down" "down$nodes.netsim"
	row "ip -batch netns del, until links go" "down$nodes.names" "down$nodes.netsim"
	[[ $nodes -le 100 ]] || return 0
	row "ip -batch, each link and namespace" "down$nodes.batch" "down$nodes.netsim"
	row "loop of ip" "down$nodes.loop" "down$nodes.netsim"
}

bench_build() {
	of_nodes 100 "$RUNS"
	of_nodes 1000 1
}
