# shellcheck shell=bash disable=SC2034,SC2119,SC2153,SC2154 # shared with the other files
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The time to apply and change a large policy.

bench_load() {
	local run nodes=1000
	pairs 100000 "loss: 1%" >"$work/one"
	pairs 100000 "loss: 2%" >"$work/other"
	progress "load: making $nodes nodes"
	make_fleet "$nodes"
	for ((run = 1; run <= RUNS; run++)); do
		progress "load $run of $RUNS"
		timed load.check "$NETSIM" check "$work/one"
		timed load.first "$NETSIM" apply -q "$work/one"
		timed load.again "$NETSIM" apply -q "$work/other"
		timed load.fault "$NETSIM" fault -q 'loss 5%' n1:n2
		timed load.heal "$NETSIM" heal -q --all
		timed load.cut "$NETSIM" partition -q n1,n2,n3
		timed load.uncut "$NETSIM" heal -q --all
		timed load.clear "$NETSIM" clear
	done
	"$NETSIM" down -q bench
	settle
	title "$nodes nodes, 100,000 pairs, ms" "of apply"
	row "netsim apply, first profile" load.first load.first
	row "netsim apply, another profile" load.again load.first
	row "part of it: netsim check" load.check load.first
	row "netsim fault of one pair" load.fault load.first
	row "netsim heal" load.heal load.first
	row "netsim partition" load.cut load.first
	row "netsim heal" load.uncut load.first
	row "netsim clear" load.clear load.first
}
