# shellcheck shell=bash disable=SC2034,SC2119,SC2153,SC2154 # shared with the other files
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The time per packet, by the number of pairs in force.

# pairs COUNT CONDITIONS: a profile with COUNT pairs of $nodes nodes, first n1 to n2
pairs() {
	printf 'profile: bench\nengine: edt\npairs:\n'
	awk -v count="$1" -v what="$2" -v nodes="$nodes" 'BEGIN {
		for (k = 1; k < nodes; k++)
			for (i = 0; i < nodes && n < count; i++) {
				n++
				printf "  - {from: n%d, to: n%d, %s}\n", i + 1, (i + k) % nodes + 1, what
			} }'
}

program() {
	tc filter show dev bp2 egress | sed -n 's/.* ns_port .* id \([0-9]*\) .*/\1/p' | head -n 1
}

bare() {
	local i
	for ((i = 1; i <= nodes; i++)); do
		echo "qdisc del dev bp$i clsact"
	done | tc -batch - 2>/dev/null || :
	calm
}

# Waits until the kernel has freed removed objects, which would slow down the next
# measurement.
calm() {
	sleep 2
}

# through WHAT: records ns per packet between two nodes, for a sender without rate limit
through() {
	record "path.$1" "$("$FLOOD" -r 0 -t "$seconds" bench.n1/eth0 bench.n2/eth0 |
		awk '/^sent/ { print $4 / $2 * 1e9 }')"
}

# runs WHAT [-h]: records ns per run of the program
runs() {
	local kind value
	while read -r kind value; do
		record "$kind.$1" "$value"
	done < <("$COST" "${@:2}" "$(program)")
}

# tree COUNT LEAF: htb with COUNT classes and u32 filters by source address; the matching
# filter is in the middle of the list
tree() {
	local mac i port peer
	for port in bp1 bp2; do
		peer=$([[ $port == bp1 ]] && echo n2 || echo n1)
		mac=$(ip -n "bench.$peer" -o link show dev eth0 | sed 's|.*link/ether \([^ ]*\).*|\1|')
		{
			echo "qdisc replace dev $port root handle 1: htb default ffff"
			for ((i = 1; i <= $1; i++)); do
				printf 'class add dev %s parent 1: classid 1:%x htb rate 10gbit quantum 60000\n' $port "$i"
				[[ -z $2 ]] || printf 'qdisc add dev %s parent 1:%x %s\n' $port "$i" "$2"
				printf 'filter add dev %s parent 1: protocol all prio 1 u32 match ether src %s flowid 1:%x\n' \
					$port "$([[ $i -eq $((($1 + 1) / 2)) ]] && echo "$mac" ||
						printf '02:ff:ff:ff:%02x:%02x' $((i / 256)) $((i % 256)))" "$i"
			done
		} | tc -batch -
	done
}

no_tree() {
	tc qdisc del dev bp1 root
	tc qdisc del dev bp2 root
	settle
}

through_trees() {
	local count
	for count in 1 100 1000; do
		tree "$count" ""
		through "tree$count"
		no_tree
		[[ $where == vm ]] || continue
		tree "$count" "netem delay 1us limit 10000"
		through "netem$count"
		no_tree
	done
}

# Bare ports in each run, because the machine's speed varies.
datapath_once() {
	local count
	bare
	through bare
	through_trees
	"$NETSIM" partition -q n3 n4
	through cut
	[[ $where == vm ]] || runs cut
	"$NETSIM" heal -q
	for count in "${counts[@]}"; do
		"$NETSIM" apply -q "$work/pairs.$count"
		calm
		through "pairs$count"
		[[ $where == vm ]] || runs "pairs$count"
		[[ $where == vm ]] || runs "held$count" -h
	done
	"$NETSIM" clear -q
	calm
}

# Subtracts the time of bare ports in the same run.
subtract_bare() {
	local what
	for what in "$work"/values.path.*; do
		paste "$what" "$work/values.path.bare" | awk '{ print $1 - $2 }' >"${what/path/added}"
	done
}

added() {
	row "$1" "added.$2" "added.$3"
}

show_traffic() {
	local count
	subtract_bare
	title "A bridge flooded by 1 CPU, ns a packet"
	row "bare ports" path.bare
	title "in addition to bare ports, ns" "of one pair"
	added "netsim, others cut, counters" cut pairs1
	for count in "${counts[@]}"; do
		added "netsim, $count pairs" "pairs$count" pairs1
	done
	for count in 1 100 1000; do
		added "htb, $count classes, u32" "tree$count" pairs1
	done
	[[ $where == vm ]] || return 0
	for count in 1 100 1000; do
		added "htb, $count classes, u32, netem" "netem$count" pairs1
	done
}

show_program() {
	local count
	title "netsim's program alone, ns a packet" "of one pair"
	row "others cut, counters" same.cut same.pairs1
	for count in "${counts[@]}"; do
		row "loss, $count pairs" "same.pairs$count" same.pairs1
	done
	for count in "${counts[@]}"; do
		row "delay, jitter, rate, loss, $count" "same.held$count" same.held1
	done
	title "the same, each packet of another pair" "of one pair"
	row "others cut, counters" each.cut each.pairs1
	for count in "${counts[@]}"; do
		row "loss, $count pairs" "each.pairs$count" each.pairs1
	done
	for count in "${counts[@]}"; do
		row "delay, jitter, rate, loss, $count" "each.held$count" each.held1
	done
}

bench_datapath() {
	local run runs=$((RUNS > 3 ? 3 : RUNS)) count nodes=1000 counts=(1 100 1000 100000) what="loss: 0.0001%" seconds=1
	if [[ $where == vm ]]; then
		nodes=4 counts=(1 12) what="delay: 1us, rate: 10gbit" runs=1
	fi
	for count in "${counts[@]}"; do
		pairs "$count" "$what" >"$work/pairs.$count"
	done
	progress "datapath: making $nodes nodes"
	make_fleet "$nodes"
	for ((run = 1; run <= runs; run++)); do
		progress "datapath $run of $runs"
		datapath_once
	done
	"$NETSIM" down -q bench
	settle
	show_traffic
	[[ $where == vm ]] || show_program
}
