# shellcheck shell=bash disable=SC2034,SC2119,SC2153,SC2154 # shared with the other files
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions shared by the benchmarks. $work is a private folder; stdout is the table.

die() {
	echo "tests/bench/run: $1" >&2
	exit 1
}

# shellcheck disable=SC2119,SC2120 # a word is optional
progress() {
	[[ ! -t 2 ]] || printf '\r\033[K%s' "${1:-}" >&2
}

# --- numbers

# record WHAT VALUE
record() {
	echo "$2" >>"$work/values.$1"
}

# timed WHAT CMD...: records the time that CMD takes, in ms
timed() {
	local what=$1 begin
	shift
	begin=${EPOCHREALTIME//[!0-9]/}
	"$@" >"$work/output" 2>&1 || die "$what: $(tail -n 3 "$work/output")"
	record "$what" "$(((${EPOCHREALTIME//[!0-9]/} - begin) / 10))e-2"
}

# of WHAT min|median|max
of() {
	sort -g "$work/values.$1" | awk -v which="$2" '{ v[NR] = $1 }
		END { print which == "min" ? v[1] : which == "max" ? v[NR] : v[int((NR + 1) / 2)] }'
}

# ratio WHAT BASE: the ratio of their medians
ratio() {
	awk -v a="$(of "$1" median)" -v b="$(of "$2" median)" 'BEGIN { if (b > 0) printf "%.2f x", a / b; else print "-" }'
}

# row TEXT WHAT [BASE [MORE]]: min, median, max, and the ratio to BASE's median
row() {
	printf '  %-35s %8.1f %8.1f %8.1f %9s%s\n' "$1" "$(of "$2" min)" "$(of "$2" median)" \
		"$(of "$2" max)" "$([[ -z ${3:-} ]] || ratio "$2" "$3")" "${4:-}"
}

# title TEXT [BASE [MORE]]
title() {
	progress
	printf '\n%-37s %8s %8s %8s %9s%s\n' "$1" min median max "${2:-}" "${3:-}"
}

# --- fleets

# topology NODES: one bridge; each node has one cable and one address
topology() {
	local i
	echo "fleet: bench"
	echo "networks: {lan: {name: bbr}}"
	echo "nodes:"
	for ((i = 1; i <= $1; i++)); do
		echo "  n$i: {interfaces: {eth0: {network: lan, port: bp$i, address: 10.0.$((i / 250)).$((i % 250 + 1))/16}}}"
	done
}

# make_fleet NODES
make_fleet() {
	topology "$1" >"$work/topo.yaml"
	"$NETSIM" up -q "$work/topo.yaml"
	[[ $1 -lt 200 ]] || hush "$1"
}

# hush NODES: stops the flooding of multicast. Otherwise the IPv6 multicast of a thousand
# new ports would be a million packets, which disturb the measurement.
hush() {
	local i
	for ((i = 1; i <= $1; i++)); do
		echo "link set bp$i type bridge_slave mcast_flood off"
	done | ip -batch -
	sleep 4
}

# Waits until the kernel has torn down namespaces, which it does in the background and which
# would slow down the next command.
settle() {
	sleep 0.7
}

