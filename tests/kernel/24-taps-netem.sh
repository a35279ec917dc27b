# needs: netem ifb mirred tap bridge
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Profiles on taps, with guests simulated by tests/tools/guest.c.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

ROOT=$(dirname "$TESTS")
declare -A PID MAC=([n100-1]=01 [n100-2]=02 [n100-3]=03 [jetson-1]=10 [jetson-2]=11) \
	IP=([n100-1]=10 [n100-2]=11 [n100-3]=12 [jetson-1]=20 [jetson-2]=21)

# start NODE [OPTION...]
start() {
	[[ -z ${PID[$1]:-} ]] || bg_end "${PID[$1]}"
	guest "${@:2}" "tap-$1" "52:54:00:12:34:${MAC[$1]}" "192.168.100.${IP[$1]}"
	PID[$1]=$BG
}

constrained() {
	local node want
	check "apply constrained" "$NETSIM" apply constrained
	for node in "${!IP[@]}"; do
		wait_for 5 ping -q -c 1 -W 1 "192.168.100.${IP[$node]}"
		case $node in n100-1) want=5 ;; n100-2) want=10 ;; n100-3) want=20 ;; *) want=50 ;; esac
		measured_between "rtt of $node" "$want" $((want + 5)) ms rtt_of host "192.168.100.${IP[$node]}"
	done
}

# sending FROM TO COUNT SIZE PACE: UDP to the discard port; returns half a
# second after the last packet
sending() {
	start "$2"
	start "$1" -s "192.168.100.${IP[$2]},9,$3,$4,$5"
	wait_for 15 written sent "$WORK/bg.${PID[$1]}"
	wait_for 2 written "\"sent\":$3," "$WORK/bg.${PID[$1]}"
}

# rate FROM TO PACE: sends packets of 1500 bytes, faster than the link's rate; sets $RATE in mbit
rate() {
	local bytes ms
	sending "$1" "$2" "$3" 1500 "$3"
	bytes=$(counted "${PID[$2]}" bytes) ms=$(counted "${PID[$2]}" ms)
	RATE=$(awk -v b="$bytes" -v t="$ms" 'BEGIN { printf "%.2f", t ? (b - 1500) * 8 / t / 1000 : 0 }')
}

# has_rate FROM TO: of 10 mbit. 1200 packets a second are 14.4 mbit; repeated, because a stall of the
# machine spoils a measurement, but not always the next one
has_rate() {
	for _ in 1 2 3 4 5 6; do
		rate "$1" "$2" 1200
		! awk -v r="$RATE" 'BEGIN { exit !(9.5 <= r && r <= 10.5) }' || break
	done
	between "rate from $1 to $2" "$RATE" 9.5 10.5 mbit
}

rates() {
	has_rate jetson-1 n100-1
	has_rate n100-1 jetson-2
}

# loses FROM TO PERCENT: of 2000 packets; repeated, because a guest that is late loses some itself
loses() {
	local low high lost
	read -r low high < <(binomial 2000 "$3")
	for _ in 1 2 3 4 5 6; do
		sending "$1" "$2" 2000 100 4000
		lost=$((2000 - $(counted "${PID[$2]}" udp)))
		! awk -v n="$lost" -v h="$high" 'BEGIN { exit n > h }' || break
	done
	between "loss from $1 to $2" "$lost" "$low" "$high"
}

lossy() {
	check "apply lossy" "$NETSIM" apply lossy
	# Each packet crosses the sender's uplink and the receiver's downlink: 3 % and 0.1 %.
	loses jetson-1 n100-1 3.1
	loses n100-1 jetson-2 3.1
	check "clear" "$NETSIM" clear
	sending jetson-1 jetson-2 1000 100 4000
	is "after clear no packet is lost" "$(counted "${PID[jetson-2]}" udp)" 1000
}

check "up" "$NETSIM" up "$ROOT/topo/n3x.yaml"
for node in "${!IP[@]}"; do
	start "$node"
done
constrained
rates
lossy
for node in "${!IP[@]}"; do
	bg_end "${PID[$node]}"
done
check "down" "$NETSIM" down
is "leaves no link" "$(ip -br link | awk '$1 != "lo"')" ""
done_testing
