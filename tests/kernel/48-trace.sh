# needs: bridge veth netns clsact bpf
# limit: 120
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Traces are replayed by the kernel alone, measured by the traffic over time while no netsim
# runs. On kernels without netem and fq, only losses are tested.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=trace
FLOOD=$HELPERS/flood
P=$WORK/profile.yaml
HOLDS=
! unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null || HOLDS=yes

write_topo() {
	local node n=0
	printf 'fleet: trace\nnetworks: {lan: {}}\nnodes:\n'
	for node in a b c; do
		n=$((n + 1))
		echo "  $node: {interfaces: {eth1: {network: lan, address: 10.1.0.$n/24}}}"
	done
} >"$WORK/trace.yaml"

# trace NAME LINE...: writes a trace, and applies a profile that uses it from a to b
trace() {
	printf '%s\n' "${@:2}" >"$WORK/$1.trace"
	printf 'profile: %s\npairs: [{from: a, to: b, trace: %s.trace}]\n' "$1" "$1" >"$P"
	check "$1: apply" "$NETSIM" apply "$P"
	is "$1: no process of netsim runs" "$(pgrep -x netsim)" ""
}

# pings SECONDS [NODE ADDRESS]: pings, from a to b by default, and writes for each answer the
# time of its arrival, its number, and its round-trip time in ms
pings() {
	node_exec "${2:-a}" ping -n -D -i 0.01 -w "$1" "${3:-10.1.0.2}" |
		sed -nE 's/^\[([0-9.]+)\].*icmp_seq=([0-9]+) .*time=([0-9.]+).*/\1 \2 \3/p' >"$WORK/pings"
}

# runs LIMIT: splits the pings into runs of slow ones (over LIMIT ms, or lost) and fast ones.
# Prints the number of changes, and the median duration of slow and of fast runs, without the
# first and the last. Runs below 120 ms are ignored, because the machine may have stalled.
runs() {
	awk -v limit="$1" '
		function step(kind, at) {
			if (count && kind == kinds[count]) return
			if (count && at - since[count] < 120) {
				count--
				if (count && kind == kinds[count]) return
			}
			count++; kinds[count] = kind; since[count] = at
		}
		function median(kind,    i, j, n, v, t) {
			for (i = 2; i < count; i++)
				if (kinds[i] == kind) {
					t = since[i + 1] - since[i]
					for (j = ++n; j > 1 && v[j - 1] > t; j--) v[j] = v[j - 1]
					v[j] = t
				}
			return n ? v[int((n + 1) / 2)] : 0
		}
		{
			at = ($1 - $3 / 1000) * 1000
			if (NR > 1 && at - before > 150) step("slow", before)
			step($3 > limit ? "slow" : "fast", at)
			before = at
		}
		END { printf "%d %d %d\n", count - 1, median("slow"), median("fast") }' "$WORK/pings"
}

# --- losses, which all kernels support

losses() {
	local changes slow fast
	trace losses 'time loss' '0s 0%' '600ms 100%' '1s'
	pings 4
	read -r changes slow fast < <(runs 1000)
	between "losses: begin and end repeatedly" "$changes" 6 9 changes
	between "losses: their duration" "$slow" 350 470 ms
	between "losses: the time between them" "$fast" 530 650 ms
}

# Flaps and traces continue during unrelated changes.
survives() {
	local changes slow fast
	node_exec c ping -n -q -c 1 10.1.0.1 >/dev/null
	check "link flap of the third node" "$NETSIM" link --period 800ms --duty 50% flap c
	"$NETSIM" fault -q --name other 'loss 1%' c:b
	"$NETSIM" heal -q other
	pings 3
	read -r changes slow fast < <(runs 1000)
	between "a trace continues under faults of other pairs" "$changes" 4 7 changes
	pings 3 c 10.1.0.1
	read -r changes slow fast < <(runs 1000)
	between "a flap continues by itself" "$changes" 5 9 changes
	between "and is down for its share" "$slow" 350 470 ms
	"$NETSIM" heal -q
}

# --- delays and rates

delays() {
	local changes slow fast
	trace delays 'time delay' '0s 10ms' '600ms 60ms' '1s'
	pings 4
	read -r changes slow fast < <(runs 35)
	between "delays: alternate" "$changes" 6 9 changes
	between "delays: the long one lasts" "$slow" 340 460 ms
	between "delays: the short one lasts" "$fast" 540 660 ms
	between "delays: few values between them" \
		"$(awk '{ n += $3 < 10 || $3 > 18 && $3 < 60 } END { print 100 * n / NR }' "$WORK/pings")" 0 10 %
}

# carried SECONDS: the rate that b's port transmits in each tenth of a second, in kbit/s, while
# frames of 1500 bytes arrive at 3 mbit.
carried() {
	local port file before now end at last
	port=$(port_of b)
	file=/sys/class/net/$port/statistics/tx_bytes
	"$FLOOD" -r 500 -k 1 -s 1500 -t "$1" -o "$WORK/log" "$FLEET".{a,b}/eth1 >/dev/null &
	sleep 0.5
	before=$(<"$file") last=${EPOCHREALTIME/./} end=$((last + ($1 - 1) * 1000000))
	while [[ ${EPOCHREALTIME/./} -lt $end ]]; do
		sleep 0.1
		now=$(<"$file") at=${EPOCHREALTIME/./}
		echo "$(((now - before) * 8000 / (at - last)))"
		before=$now last=$at
	done
	wait $!
}

rates() {
	trace rates 'time rate' '0s 1200kbit' '1s 300kbit' '2s'
	carried 6 >"$WORK/carried"
	between "rates: the high one" "$(sort -n "$WORK/carried" | awk '{ v[NR] = $1 } END { print v[int(NR * 0.8)] }')" 1050 1400 kbit
	between "rates: the low one" "$(sort -n "$WORK/carried" | awk '{ v[NR] = $1 } END { print v[int(NR * 0.25)] }')" 230 370 kbit
	between "rates: changes" "$(awk '{ kind = $1 > 750; changes += NR > 1 && kind != was; was = kind } END { print changes }' "$WORK/carried")" 3 8 changes
}

# One packet of 1500 bytes per 20 ms, in Mahimahi's format.
deliveries() {
	trace deliveries 20 40 60 80 100
	"$FLOOD" -r 400 -k 1 -s 1500 -t 3 -o "$WORK/log" "$FLEET".{a,b}/eth1 >/dev/null
	between "deliveries: packets of 1500 bytes" "$("$FLOOD" -d "$WORK/log" | awk 'NR == 1 { print $14 }')" 48 52 "per second"
}

write_topo
check "up" "$NETSIM" up "$WORK/trace.yaml"
settle a b c
node_exec a ping -n -q -c 1 10.1.0.2 >/dev/null
in_vm || {
	losses
	survives
}
if [[ -n $HOLDS ]]; then
	delays
	rates
	deliveries
else
	skip "delays, rates, deliveries" "this kernel has no sch_fq"
fi
check "down" "$NETSIM" down
done_testing
