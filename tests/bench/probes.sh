# shellcheck shell=bash disable=SC2154 # $work, $build: run
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The cost and lateness of 200 http probes, each ten times a second, from one node, idle and with
# all processors loaded; beside it, curl(1) once per probe.

PROBES=$build/tests/tools/probes
HTTPD=$build/tests/tools/httpd
SECONDS_OF_PROBES=10

# probes_for WHAT ARGUMENT...: records WHAT.cpu (% of one processor) and WHAT.late (p99, ms)
probes_for() {
	local what=$1 sum
	shift
	sum=$("$PROBES" -q -n bench.n1 -s "$SECONDS_OF_PROBES" -e 100 -t 1000 -c 200 "$@" | tail -n 1)
	[[ $(awk '{ print $2 - $4 }' <<<"$sum") -eq 0 ]] || die "$what: $sum"
	record "$what.cpu" "$(awk '{ print $13 }' <<<"$sum")"
	record "$what.late" "$(awk '{ print $7 }' <<<"$sum")"
}

# curl_for: records the processor time of curl(1), as % of one processor at 2,000 a second
curl_for() {
	local before after
	before=$(awk '{ print $16, $17 }' /proc/$$/stat)
	ip netns exec bench.n1 sh -c 'i=0; while [ $((i += 1)) -le 100 ]; do curl -s -o /dev/null "$0"; done' \
		http://10.0.0.3:8080/
	after=$(awk '{ print $16, $17 }' /proc/$$/stat)
	# shellcheck disable=SC2086 # two numbers each
	record curl.cpu "$(awk -v hz="$(getconf CLK_TCK)" 'BEGIN { print (ARGV[3] + ARGV[4] - ARGV[1] - ARGV[2]) / hz / 100 * 2000 * 100 }' \
		$before $after)"
}

bench_probes() {
	local i server burners=()
	make_fleet 2
	ip netns exec bench.n2 "$HTTPD" 10.0.0.3 8080 >"$work/httpd" &
	server=$!
	until grep -q ready "$work/httpd"; do sleep 0.05; done
	for ((i = 0; i < RUNS; i++)); do
		progress "probes, run $((i + 1)) of $RUNS"
		probes_for idle http://10.0.0.3:8080/
		curl_for
	done
	for ((i = 0; i < $(nproc); i++)); do
		sh -c 'while :; do :; done' &
		burners+=($!)
	done
	for ((i = 0; i < RUNS; i++)); do
		progress "probes under load, run $((i + 1)) of $RUNS"
		probes_for loaded http://10.0.0.3:8080/
	done
	kill "${burners[@]}" "$server"
	wait "${burners[@]}" "$server" 2>/dev/null || :
	"$NETSIM" down -q
	title "200 probes at 10 Hz: % of one CPU" "to netsim" "    limit"
	row "netsim" idle.cpu "" "$(printf '%9s' 10.0)"
	row "netsim, all processors loaded" loaded.cpu idle.cpu
	row "curl(1) once per probe" curl.cpu idle.cpu
	title "lateness, 99th percentile, ms" "" "    limit"
	row "netsim" idle.late "" "$(printf '%9s' 2.0)"
	row "netsim, all processors loaded" loaded.late "" "$(printf '%9s' 2.0)"
}
