# shellcheck shell=bash disable=SC2034,SC2119,SC2153,SC2154 # shared with the other files
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Errors of the measured conditions: netem and tbf, set by hand at the port, and the eBPF
# programs. From n1 to n2, in one direction only.

N2=10.0.0.3

# by_hand QDISC...
by_hand() {
	tc qdisc replace dev bp2 root "$@"
}

by_edt() {
	printf 'profile: bench\nengine: edt\npairs:\n  - {from: n1, to: n2, %s}\n' "$1" >"$work/profile"
	"$NETSIM" apply -q "$work/profile"
}

by_hand_end() {
	tc qdisc del dev bp2 root
}

by_edt_end() {
	"$NETSIM" clear -q
}

# pinged WHAT REQUESTED JITTER: records the errors of mean and standard deviation
pinged() {
	nsenter --net=/run/netns/bench.n1 ping -n -q -i 0.01 -c 80 "$N2" >"$work/ping" || :
	read -r mean sd < <(sed -n 's|^rtt .* = [^/]*/\([^/]*\)/[^/]*/\([^ ]*\) ms.*|\1 \2|p' "$work/ping")
	record "mean.$1" "$(awk -v m="$mean" -v a="$2" 'BEGIN { print m - a }')"
	record "sd.$1" "$(awk -v s="$sd" -v j="$3" 'BEGIN { print s - j / sqrt(3) }')"
}

# delay MS JITTER
delay() {
	local jitter=() words=
	if [[ $2 -gt 0 ]]; then
		jitter=("$2ms") words=", jitter: $2ms, reorder: allowed"
	fi
	by_hand netem limit 100000 delay "$1ms" "${jitter[@]}"
	pinged "netem.$1.$2" "$1" "$2"
	by_hand_end
	by_edt "delay: $1ms$words"
	pinged "edt.$1.$2" "$1" "$2"
	by_edt_end
}

# lost WHAT REQUESTED: records the error of the loss, in percent of the packets
lost() {
	"$FLOOD" -r 6000 -t 3 -o "$work/log" bench.n1/eth0 bench.n2/eth0 >/dev/null || :
	record "loss.$1" "$("$FLOOD" -a "$work/log" | awk -v asked="$2" '
		$2 ~ /n1$/ { all += $4 + $5; lost += $5 } END { print 100 * lost / all - asked }')"
}

# loss NAME REQUESTED NETEM EDT
loss() {
	# shellcheck disable=SC2086 # words
	by_hand netem limit 100000 loss $3
	lost "netem.$1" "$2"
	by_hand_end
	by_edt "loss: $4"
	lost "edt.$1" "$2"
	by_edt_end
}

# carried WHAT MBIT [OPTIONS]: records the error of the rate, in percent. iperf3 counts the
# payload of TCP or UDP; qdiscs count whole frames.
carried() {
	local got share=1448/1514 pid
	[[ ${3:-} != -u ]] || share=1400/1442
	nsenter --net=/run/netns/bench.n2 iperf3 -s -1 --forceflush >"$work/server" 2>&1 &
	pid=$!
	until grep -q listening "$work/server"; do
		sleep 0.02
	done
	nsenter --net=/run/netns/bench.n1 timeout 15 iperf3 -c "$N2" -t 2 -O 1 -f k "${@:3}" >"$work/client" 2>&1 || :
	kill "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
	got=$(awk '/ receiver/ { print $7 }' "$work/client")
	[[ -n $got ]] || die "iperf3: $(tail -n 3 "$work/client")"
	record "rate.$1" "$(awk -v got="$got" -v mbit="$2" "BEGIN { print 100 * got / (mbit * 1000 * $share) - 100 }")"
}

# rate MBIT NAME [OPTIONS]
rate() {
	local queue=$(($1 * 1000000 / 8 / 20)) burst=$(($1 * 1000))
	[[ $queue -ge 150000 ]] || queue=150000
	by_hand netem limit 1000 rate "$1mbit"
	carried "netem.$2.$1" "$1" "${@:3}"
	by_hand_end
	# A burst of 8 ms, which covers two ticks of the kernel's clock, and at least ten full
	# frames.
	[[ $burst -ge 15140 ]] || burst=15140
	by_hand tbf rate "$1mbit" burst "$burst" limit "$queue"
	carried "tbf.$2.$1" "$1" "${@:3}"
	by_hand_end
	by_edt "rate: $1mbit, queue: ${queue}B"
	carried "edt.$2.$1" "$1" "${@:3}"
	by_edt_end
}

# error_rows TEXT KIND KEY [ENGINE...]
error_rows() {
	local engine
	for engine in "${@:4}"; do
		printf '  %-26s %-10s %8.2f %8.2f %8.2f\n' "$1" "$engine" "$(of "$2.$engine.$3" min)" \
			"$(of "$2.$engine.$3" median)" "$(of "$2.$engine.$3" max)"
	done
}

error_title() {
	progress
	printf '\n%-39s %8s %8s %8s\n' "$1" min median max
}

DELAYS=("1 0" "10 0" "50 0" "200 0" "10 5" "50 10" "200 50")

# Subtracts the round-trip time without delay, which is not an error of the engine.
show_delays() {
	local ms jitter pair engine base
	base=$(of mean.none median)
	error_title "delay, error in ms"
	for pair in "${DELAYS[@]}"; do
		read -r ms jitter <<<"$pair"
		for engine in netem edt; do
			awk -v b="$base" '{ print $1 - b }' "$work/values.mean.$engine.$ms.$jitter" >"$work/values.delay.$engine.$ms.$jitter"
		done
		error_rows "$ms ms$([[ $jitter == 0 ]] || echo " +- $jitter ms")" delay "$ms.$jitter" netem edt
	done
	printf '  (less the round trip without delay, %.2f ms)\n' "$base"
	error_title "standard deviation, error in ms"
	for pair in "${DELAYS[@]}"; do
		read -r ms jitter <<<"$pair"
		error_rows "$ms ms$([[ $jitter == 0 ]] || echo " +- $jitter ms")" sd "$ms.$jitter" netem edt
	done
}

show_rates() {
	local mbit
	error_title "rate, error in %"
	for mbit in 1 10 50 100; do
		error_rows "$mbit mbit, TCP" rate "tcp.$mbit" netem tbf edt
	done
	for mbit in 1 10 50 100; do
		error_rows "$mbit mbit, UDP" rate "udp.$mbit" netem tbf edt
	done
}

show_losses() {
	error_title "loss, error in percentage points"
	error_rows "1 %" loss 1 netem edt
	error_rows "5 %" loss 5 netem edt
	error_rows "gilbert-elliott 1 % 10 %" loss ge netem edt
	echo "  (chance: 0.1, 0.2 and 1.0 of 18,000 packets)"
}

shaping_once() {
	local pair
	pinged none 0 0
	for pair in "${DELAYS[@]}"; do
		# shellcheck disable=SC2086 # two words
		delay $pair
	done
	loss 1 1 1% 1%
	loss 5 5 5% 5%
	loss ge 9.0909 "gemodel 1% 10%" "{model: gilbert-elliott, p: 1%, r: 10%}"
}

bench_shaping() {
	local run mbit mean sd
	make_fleet 4
	nsenter --net=/run/netns/bench.n1 ethtool -K eth0 tso off gso off >/dev/null 2>&1 || :
	nsenter --net=/run/netns/bench.n1 ping -n -q -c 3 -i 0.2 "$N2" >/dev/null
	for ((run = 1; run <= RUNS; run++)); do
		shaping_once
	done
	for mbit in 1 10 50 100; do
		rate "$mbit" tcp -C cubic
		rate "$mbit" udp -u -b "$((mbit * 12 / 10 + 1))m" -l 1400
	done
	"$NETSIM" down -q bench
	show_delays
	show_losses
	show_rates
}
