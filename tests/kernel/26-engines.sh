# needs: bridge veth netns clsact bpf iperf3 ethtool
# limit: 200
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A table of conditions and their effect on packets, for both engines and both directions:
# numbered frames cross one link each, and tests/tools/flood.c reports their fate. Conditions
# that the kernel does not support are skipped by name.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=both
FLOOD=$HELPERS/flood
NODES=16
declare -A RATE_SEEN # TCP's share of the rate in percent, by engine, or tbf

# Columns: needs netem or fq | name | conditions | expected effect. lost, copied and damaged
# (corrupt or lost): percent of all packets, within 4.5 standard deviations, times a spread if
# losses are correlated. The others have lower and upper bounds; late: percent of overtaken
# packets; burst: mean losses in a row; p1 .. p99: percentiles of the delay in ms; head, tail: the rate
# of the first and the last fifth of the arrivals.
SMALL='
no  | no conditions      | {}                                                    | lost 0, copied 0, late 0 0.7, damaged 0, p50 0 2
yes | delay              | {delay: 20ms}                                         | lost 0, copied 0, late 0 0.7, p1 20 22, p50 20 23
yes | jitter in order    | {delay: 20ms, jitter: 5ms, distribution: normal}      | lost 0, late 0 0.7, p1 7 19, p50 19 26, p90 22 36
yes | jitter             | {delay: 20ms, jitter: 5ms, reorder: allowed}          | lost 0, late 4 50, p1 15 17, p10 15.5 18, p50 19 23, p90 23 28
yes | reordering         | {delay: 20ms, reorder: 20%}                           | lost 0, late 25 70, p1 0 2, p10 0 2, p50 20 23
no  | loss               | {loss: 10%}                                           | lost 10, copied 0, late 0 0.7, burst 1 1.6
no  | Gilbert-Elliott    | {loss: {model: gilbert-elliott, p: 2%, r: 20%}}       | lost 9.09 2.85, burst 1.3 16
no  | mean and burst     | {loss: {model: gilbert-elliott, mean: 20%, burst: 3}} | lost 20 1.9, burst 1.5 6
no  | 4-state            | {loss: {model: 4-state, p13: 2%, p31: 25%, p14: 1%}}  | lost 8.26 2.6, burst 1.1 8
no  | duplicate          | {duplicate: 10%}                                      | lost 0, copied 10, late 0 0.7
no  | corrupt            | {corrupt: 10%}                                        | damaged 10, copied 0
yes | slot               | {slot: 40ms}                                          | lost 0, late 0 0.7, p10 1 14, p50 14 30, p90 30 55
yes | rate               | {rate: 48kbit}                                        | late 0 0.7, rate 95 105
yes | overhead           | {rate: 96kbit, overhead: 60B}                         | late 0 0.7, rate 95 105
yes | ATM                | {rate: 127.2kbit, overhead: 40B atm}                  | late 0 0.7, rate 95 105
yes | all together       | {rate: 10mbit, delay: 10ms, loss: 5%, duplicate: 5%}  | lost 5, copied 5, late 0 0.7, p1 10 12, p50 10 13'
# Full-size frames, faster than the link's rate.
FULL='
yes | rate               | {rate: 1mbit}                                         | late 0 0.7, rate 77 86
yes | queue in time      | {rate: 1mbit, queue: 200ms}                           | late 0 0.7, rate 77 86, p50 180 235, p90 185 260
yes | queue in packets   | {rate: 1mbit, queue: 20 packets}                      | late 0 0.7, rate 77 86, p50 220 275, p90 230 300
yes | queue in bytes     | {rate: 1mbit, delay: 20ms, queue: 30KiB}              | late 0 0.7, rate 77 86, p1 20 60
yes | burst and overhead | {rate: 1mbit, burst: 2kB, overhead: 486B}             | late 0 0.7, rate 60 65
yes | peak               | {rate: 500kbit, burst: 60kB, peak: 1mbit}             | late 0 0.7, head 76 86, tail 39 43'

build() {
	{
		printf 'fleet: %s\nnetworks: {lan: {}}\nnodes:\n' "$FLEET"
		printf '  n-[1-%d]: {interfaces: {eth1: {network: lan, address: "10.1.0.{n}/24"}}}\n' "$NODES"
	} >"$WORK/both.yaml"
	check "up" "$NETSIM" up "$WORK/both.yaml"
}

can_hold() {
	unshare -n sh -c "tc qdisc add dev lo root netem && { [ $1 = netem ] || tc qdisc replace dev lo root fq; }" 2>/dev/null
}

# rows ENGINE TABLE: the rows supported on this kernel, without blanks around the bars
rows() {
	local engine=$1 holds
	can_hold "$engine" && holds='yes|no' || holds=no
	[[ $engine == edt || $holds != no ]] || return 0
	sed -nE "s/ *\| */|/g; s/^($holds)\|//p" <<<"$2"
}

# profile DIRECTION FIRST: entries for the rows on stdin. The first row is for the link from
# n-FIRST to the next node: up at its beginning or down at its end.
profile() {
	local way=$1 at=$2 name conditions
	while IFS='|' read -r name conditions _; do
		[[ $way == up ]] && echo "  n-$at: {up: $conditions}" || echo "  n-$((at % NODES + 1)): {down: $conditions}"
		at=$((at + 1))
	done
}

nodes() {
	seq -f "$FLEET.n-%g/eth1" "$@"
}

# --- judging

# judge_all LABEL FIRST: judges the rows on stdin, for the links from n-FIRST on. A single awk,
# because each process takes 50 ms in the emulated machine.
judge_all() {
	awk -v label="$1" -v at="$2" -v fleet="$FLEET" '
		function within(key, expect, n,    percent, spread, m, d) {
			low = expect[2]; high = expect[3]; unit = "ms"
			if (key == "late") unit = "%"
			if (key == "rate" || key == "head" || key == "tail") unit = "per second"
			if (key == "burst") unit = "packets"
			if (key != "lost" && key != "copied" && key != "damaged") return
			unit = "of " n; percent = expect[2]; spread = expect[3] == "" ? 1 : expect[3]
			m = n * percent / 100; d = 4.5 * spread * sqrt(m * (1 - percent / 100)) + (percent > 0)
			low = m > d ? m - d : 0; high = m + d
		}
		NR == FNR { deed[$1] = $0; next }
		{
			split($0, field, "|"); split(deed[fleet ".n-" at++], d, " ")
			split("p1 p10 p50 p90 p99 rate head tail", names, " ")
			for (i in names) v[names[i]] = d[i + 8]
			v["lost"] = d[3] - d[4]; v["copied"] = d[6]; v["damaged"] = d[3] - d[4] + d[8]
			v["late"] = d[4] ? 100 * d[7] / d[4] : "none"; v["burst"] = d[5] ? v["lost"] / d[5] : 0
			count = split(field[3], wanted, / *, */)
			for (i = 1; i <= count; i++) {
				split("", expect); split(wanted[i], expect, " ")
				within(expect[1], expect, d[3])
				got = v[expect[1]]; good = got ~ /^[0-9]/ && got + 0 >= low + 0 && got + 0 <= high + 0
				printf "%s, %s: %s|%s|%s|%s|%s|%d\n", label, field[1], expect[1], got, low, high, unit, good
			}
		}' "$WORK/deeds" - >>"$WORK/judged"
}

# flooded LABEL:FIRST[:ROWS]... -- OPTIONS...: floods and judges. On failure, repeats everything, five
# times at most, until each row was right once: pauses of the machine do not always fall on the same
# row, a defect does. Before that the queues empty and the bursts fill again, which takes 3.4 s at the
# slowest rate.
flooded() {
	local name value low high unit good try label first rows judges=()
	while [[ $1 != -- ]]; do
		judges+=("$1")
		shift
	done
	shift
	for try in 1 2 3 4 5 6; do
		"$FLOOD" -k 1 -t 2 -o "$WORK/log" "$@" >/dev/null
		"$FLOOD" -d "$WORK/log" >"$WORK/deeds"
		: >"$WORK/judged"
		for label in "${judges[@]}"; do
			IFS=: read -r label first rows <<<"$label"
			judge_all "$label" "$first" <"${rows:-$WORK/rows}"
		done
		[[ $try -gt 1 ]] || cp "$WORK/judged" "$WORK/kept"
		awk 'NR == FNR { kept[FNR] = $0; next } { print kept[FNR] ~ /[|]1$/ ? kept[FNR] : $0 }' \
			"$WORK/kept" "$WORK/judged" >"$WORK/merged"
		mv "$WORK/merged" "$WORK/kept"
		grep -q '|0$' "$WORK/kept" || break
		grep '|0$' "$WORK/kept" | sed "s/^/# try $try: /"
		[[ $try -eq 6 ]] || sleep 4
	done
	while IFS='|' read -r name value low high unit good; do
		if [[ $good -eq 1 ]]; then
			ok "$name ($value $unit)"
		else
			not_ok "$name" "got ${value:-nothing} $unit, wanted $low .. $high $unit"
		fi
	done <"$WORK/kept"
}

# --- the table

# small_frames ENGINE DIRECTION
small_frames() {
	rows "$1" "$SMALL" >"$WORK/rows"
	{ echo "profile: small"; echo "nodes:"; profile "$2" 1 <"$WORK/rows"; } >"$WORK/small.yaml"
	check "$1: apply $2" "$NETSIM" apply --engine "$1" "$WORK/small.yaml"
	# shellcheck disable=SC2046 # words
	flooded "$1 $2:1" -- -r 3000 $(nodes 1 "$NODES")
}

# Both directions, on separate links, and a peak of tc(8) inside a node. Each is flooded alone, since a
# busy machine sends to few links fast enough.
full_frames() {
	rows "$1" "$FULL" >"$WORK/rows"
	{ echo "profile: full"; echo "nodes:"; profile up 1 <"$WORK/rows"; profile down 7 <"$WORK/rows"; } >"$WORK/full.yaml"
	check "$1: apply up and down" "$NETSIM" apply --engine "$1" "$WORK/full.yaml"
	# shellcheck disable=SC2046 # words
	flooded "$1 up:1" -- -r 950 -s 1514 $(nodes 1 7)
	# shellcheck disable=SC2046 # words
	flooded "$1 down:7" -- -r 950 -s 1514 $(nodes 7 13)
	if thorough "$1: the peak of tc beside it"; then
		grep '^peak|' "$WORK/rows" >"$WORK/peak"
		node_exec n-14 tc qdisc add dev eth1 root tbf rate 500kbit burst 60000 peakrate 1mbit mtu 1540 limit 151400
		# shellcheck disable=SC2046 # words
		flooded "tc:14:$WORK/peak" -- -r 270 -s 1514 $(nodes 14 15)
		node_exec n-14 tc qdisc delete dev eth1 root
	fi
}

engine() {
	if [[ -z $(rows "$1" "$SMALL") ]]; then
		skip "$1" "this kernel has no sch_netem"
		return
	fi
	small_frames "$1" up
	# Packets still queued at the slow link would hold up later ones.
	! can_hold "$1" || sleep 1.5
	small_frames "$1" down
	if can_hold "$1"; then
		full_frames "$1"
	else
		skip "$1: delay, rate, slot, reorder" "this kernel has no sch_fq"
	fi
}

# --- reproducibility by seed

fates() {
	"$NETSIM" apply -q --engine "$1" "$2" || not_ok "$1: apply a seed"
	"$FLOOD" -r 1200 -t 0.6 -o "$WORK/log" "$FLEET".n-{1,2}/eth1 >/dev/null
	"$FLOOD" -l "$WORK/log" >"$WORK/fates.$3"
	"$FLOOD" -d "$WORK/log" | awk '{ print $3 - 5; exit }' >"$WORK/sent.$3"
}

# common RUN: the fate, in this run, of the packets that both runs sent
common() {
	local sent
	sent=$(cat "$WORK/sent.1" "$WORK/sent.2" | sort -n | head -n 1)
	awk -v sent="$sent" '{ for (i = 1; i <= NF; i++) if (i < 3 || $i + 0 < sent) printf "%s ", $i; print "" }' "$WORK/fates.$1"
}

seed() {
	printf 'profile: seed\ndefault: {loss: 10%%, duplicate: 5%%, seed: %s}\n' 42 >"$WORK/seed.yaml"
	printf 'profile: seed\ndefault: {loss: 10%%, duplicate: 5%%, seed: %s}\n' 43 >"$WORK/seed2.yaml"
	if [[ $1 == netem ]] && ! can_hold netem; then
		return
	fi
	if [[ $1 == netem && $(uname -r) =~ ^(5|6[.][0-6])[.] ]]; then
		fails_with 5 "netem: a seed, which this kernel does not know" "$NETSIM" apply --engine netem "$WORK/seed.yaml"
		return
	fi
	for node in n-1 n-2; do
		node_exec "$node" sysctl -q net.ipv6.conf.all.disable_ipv6=1
	done
	# Tried again: a packet that a node's kernel sends of its own accord takes a number, too.
	for _ in 1 2 3 4 5 6; do
		fates "$1" "$WORK/seed.yaml" 1
		fates "$1" "$WORK/seed.yaml" 2
		[[ $(common 1) != "$(common 2)" ]] || break
	done
	is "$1: the same packets are lost and doubled" "$(common 1)" "$(common 2)"
	between "$1: not none of them" "$(wc -w <"$WORK/fates.1")" 20 1000
	fates "$1" "$WORK/seed2.yaml" 2
	unlike "$1: other packets with another seed" "$(common 1)" "$(common 2)"
}

# --- one TCP connection

# tcp NAME ENGINE [CONDITION]: records the rate on the wire from n-1 to n-2, in percent
tcp() {
	local server
	printf 'profile: tcp\nnodes: {n-1: {up: {rate: 50mbit, delay: 20ms%s}}}\n' "${3:-}" >"$WORK/tcp.yaml"
	check "$1: apply 50mbit and 20 ms" "$NETSIM" apply --engine "$2" "$WORK/tcp.yaml"
	node_bg n-2 iperf3 -s -1 --forceflush
	server=$BG
	wait_for 5 written listening "$WORK/bg.$server"
	node_exec n-1 ping -n -q -c 1 -W 1 10.1.0.2 >/dev/null
	node_exec n-1 iperf3 -c 10.1.0.2 -C cubic -O 2 -t 3 -J >"$WORK/iperf"
	bg_end "$server"
	RATE_SEEN[$1]=$(jq '.end.sum_received.bits_per_second * 1514 / 1448 / 500000' "$WORK/iperf")
}

# off VALUE WANTED: the relative error, in percent
off() {
	awk -v v="$1" -v want="$2" 'BEGIN { d = (v - want) / want * 100; print d < 0 ? -d : d }'
}

delay_of() {
	printf 'profile: one\nnodes: {n-1: {up: {delay: 20ms}}}\n' >"$WORK/one.yaml"
	"$NETSIM" apply -q --engine "$1" "$WORK/one.yaml"
	"$FLOOD" -r 600 -k 1 -t 1 -o "$WORK/log" "$FLEET".n-{1,2}/eth1 >/dev/null
	"$FLOOD" -d "$WORK/log" | awk '{ print $11; exit }'
}

compare() {
	local netem edt
	if ! can_hold edt; then
		skip "edt: TCP at 50mbit, errors beside netem's and tbf's" "this kernel has no sch_fq"
		return
	fi
	netem=$(off "$(delay_of netem)" 20)
	edt=$(off "$(delay_of edt)" 20)
	between "edt: the error of a delay beside netem's $netem %" "$edt" 0 "$(awk -v n="$netem" 'BEGIN { print n + 5 }')" %
	tcp netem netem
	tcp tbf netem ', burst: 32KiB'
	tcp edt edt
	echo "# TCP: netem ${RATE_SEEN[netem]} %, tbf ${RATE_SEEN[tbf]} %, edt ${RATE_SEEN[edt]} %"
	between "edt: one TCP connection fills the link" "${RATE_SEEN[edt]}" 85 100.5 %
	for other in netem tbf; do
		between "edt: the error of a rate beside $other's" "$(off "${RATE_SEEN[edt]}" 100)" 0 \
			"$(awk -v n="$(off "${RATE_SEEN[$other]}" 100)" 'BEGIN { print n + 10 }')" %
	done
}

build
engine netem
engine edt
seed netem
seed edt
thorough "the errors of edt beside those of netem and tbf" && compare
check "clear" "$NETSIM" clear
check "down" "$NETSIM" down
is "leaves nothing" "$(ip -br link | awk '$1 != "lo"')" ""
done_testing
