# needs: bridge veth netns clsact bpf
# limit: 120
# idle: yes
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

# --- losses, which every kernel can do

losses() {
	trace losses 'time loss' '0s 0%' '600ms 100%' '1s'
	beat_start a/eth1 b/eth1 -n 6 -s 60
	beat_wait "$BG"
	check "losses: last, over and over" lasts lost 0.4 2
	check "losses: pause" lasts fast 0.6 2
}

# Flaps and traces continue during unrelated changes.
survives() {
	check "link flap of the third" "$NETSIM" link --period 800ms --duty 50% flap c
	"$NETSIM" fault -q --name other 'loss 1%' c:b
	"$NETSIM" heal -q other
	beat_start a/eth1 b/eth1 -n 4 -s 60
	beat_wait "$BG"
	check "a trace goes on under faults of others" lasts lost 0.4
	beat_start c/eth1 a/eth1 -n 4 -s 60
	beat_wait "$BG"
	check "a flap goes on by itself" lasts lost 0.4
	check "and is up for its part" lasts fast 0.4
	"$NETSIM" heal -q
}

# --- delays and rates

delays() {
	trace delays 'time delay' '0s 10ms' '600ms 60ms' '1s'
	beat_start a/eth1 b/eth1 -d 59 -n 6 -s 60
	beat_wait "$BG"
	check "delays: the long one lasts" lasts slow 0.4 2
	check "delays: the short one lasts" lasts fast 0.6 2
	between "delays: the long one" "$(shortest slow)" 60 64 ms
	between "delays: the short one" "$(shortest fast)" 10 14 ms
}

# shortest FATE: the shortest time on the way, in ms
shortest() {
	awk -v fate="$1" '$1 == fate { print $7 }' "$WORK/beats" | sort -n | head -n 1
}

# The rate at which b receives in each fifth of a second, in kbit/s, by the kernel's time stamps of
# the arrivals, while frames of 1500 bytes are sent at 3 mbit.
carried() {
	local times flood
	"$FLOOD" -r 500 -k 1 -s 1500 -t "$1" -o "$WORK/log" "$FLEET".{a,b}/eth1 >/dev/null &
	flood=$!
	mapfile -t times < <(awk -v now="$EPOCHREALTIME" -v s="$1" 'BEGIN { for (t = 1; t < s; t += 0.2) printf "%.3f\n", now + t }')
	wait "$flood"
	"$FLOOD" -a "$WORK/log" "${times[@]}" |
		awk -v last="${#times[@]}" '$2 ~ /[.]a/ && $1 > 0 && $1 < last { print $4 * 12 / 0.2 }'
}

rates() {
	trace rates 'time rate' '0s 1200kbit' '1s 300kbit' '2s'
	# Packets that waited for a machine that stood still arrive at once.
	for _ in 1 2 3 4 5; do
		carried 6 >"$WORK/carried"
		[[ $(within 1050 1400) -lt 5 || $(within 1500 1000000) -gt 1 || $(changes) -gt 8 ]] || break
	done
	between "rates: the high one" "$(within 1050 1400)" 5 25 times
	between "rates: the low one" "$(within 230 370)" 5 25 times
	between "rates: nothing above" "$(within 1500 1000000)" 0 1 times
	between "rates: changes" "$(changes)" 3 8 changes
}

# changes: between the two rates
changes() {
	awk '{ kind = $1 > 750; changes += NR > 1 && kind != was; was = kind } END { print changes + 0 }' "$WORK/carried"
}

# within LOW HIGH: how many fifths of a second carried that many kbit/s
within() {
	awk -v low="$1" -v high="$2" '$1 >= low && $1 <= high' "$WORK/carried" | wc -l
}

# One packet of 1500 bytes each 20 ms, in the format of Mahimahi.
deliveries() {
	trace deliveries 20 40 60 80 100
	measured_between "deliveries: packets of 1500 bytes" 48 52 "per second" delivered
}

# delivered: the rate of those from a to b
delivered() {
	"$FLOOD" -r 400 -k 1 -s 1500 -t 3 -o "$WORK/log" "$FLEET".{a,b}/eth1 >/dev/null
	"$FLOOD" -d "$WORK/log" | awk 'NR == 1 { print $14 }'
}

write_topo
check "up" "$NETSIM" up "$WORK/trace.yaml"
settle a b c
node_exec a ping -n -q -c 1 10.1.0.2 >/dev/null
elsewhere || {
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
