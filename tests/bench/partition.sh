# shellcheck shell=bash disable=SC2034,SC2119,SC2153,SC2154 # shared with the other files
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Partitions of fleets into two halves under load.

# interleaved NODES: nodes of the two halves alternately, so that neighbours in the list are
# in different halves.
interleaved() {
	local i half=$(($1 / 2))
	for ((i = 1; i <= $1; i++)); do
		if [[ $i -le $half ]]; then
			printf 'bench.n%d/eth0\n' "$i"
			printf 'bench.n%d/eth0\n' $((i + half))
		elif [[ $i -gt $((2 * half)) ]]; then
			printf 'bench.n%d/eth0\n' "$i"
		fi
	done
}

first_half() {
	local i
	for ((i = 1; i <= $1 / 2; i++)); do
		printf '%s%d\n' "$2" "$i"
	done
}

ports_down_loop() {
	local port
	for port in "${ports[@]}"; do
		ip link set "$port" down
	done
}

ports_up() {
	sed 's/down$/up/' "$work/cut" | ip -batch -
}

# nft_rules NODES: drops frames between the first half and the rest. One rule per node and
# direction; one per pair would be N times as many.
nft_rules() {
	local port from half to
	half=$(first_half "$1" bp | paste -sd,)
	for port in "${ports[@]}"; do
		echo "add rule bridge bench cut iifname $port oifname != { $half } drop"
		echo "add rule bridge bench cut oifname $port iifname != { $half } drop"
	done
}

nft_ready() {
	nft -f - <<-END
		table bridge bench
		delete table bridge bench
		table bridge bench { chain cut { type filter hook forward priority 0; }; }
	END
}

nft_loop() {
	local rule
	while read -r rule; do
		nft "$rule"
	done <"$work/rules"
}

# A root qdisc affects only egress, so that every port needs one.
netem_loop() {
	local i
	for ((i = 1; i <= $1; i++)); do
		tc qdisc replace dev "bp$i" root netem loss 100%
	done
}

netem_heal() {
	local i
	for ((i = 1; i <= $1; i++)); do
		tc qdisc delete dev "bp$i" root
	done
}

# judge_cut NODES BEGIN END ROUND: "STRAYS SKEW DEAD AFTER". STRAYS: packets between the
# halves that arrive after the command began; AFTER: those after it returned; SKEW: ms
# between the last arrivals of the first and of the last pair, less the time ROUND within
# which pairs cut at once fall silent; DEAD: pairs within a half without packets after the
# command.
judge_cut() {
	"$FLOOD" -a "$work/log" "$2" "$3" | awk -v half=$(($1 / 2)) -v round="$4" '
		{ sub(/.*\.n/, "", $2); sub(/.*\.n/, "", $3); cross = ($2 + 0 <= half) != ($3 + 0 <= half) }
		$1 == 1 && cross {
			strays += $4
			at = $7 == "-" ? 0 : $7
			if (at > last) last = at
			if (!seen++ || at < first) first = at
		}
		$1 == 2 && cross && $4 { strays += $4; after += $4 }
		$1 == 2 && !cross && !$4 { dead++ }
		END { skew = (last - first - round) * 1000; print strays + 0, (skew > 0 ? skew : 0), dead + 0, after + 0 }'
}

# cut WHAT NODES CMD...: runs CMD under load and records its time and effect
cut() {
	local what=$1 nodes=$2 partners=9 begin end pid strays skew dead after
	shift 2
	[[ $nodes -le 10 ]] || partners=3
	[[ $partners -lt $nodes ]] || partners=$((nodes - 1))
	# shellcheck disable=SC2046 # words
	"$FLOOD" -r "$rate" -k "$partners" -o "$work/log" $(interleaved "$nodes") >"$work/flood" 2>&1 &
	pid=$!
	until grep -qs -e ready -e stuck "$work/flood"; do
		sleep 0.05
	done
	sleep 0.2
	begin=$EPOCHREALTIME
	timed "cut.$what" "$@"
	end=$EPOCHREALTIME
	sleep 0.4
	kill "$pid"
	wait "$pid" || die "flood: $(<"$work/flood")"
	read -r strays skew dead after < <(judge_cut "$nodes" "$begin" "$end" \
		"$(awk -v p=$((nodes * partners)) -v r="$rate" 'BEGIN { print p / r }')")
	record "strays.$what" "$strays"
	record "skew.$what" "$skew"
	record "dead.$what" "$dead"
	record "after.$what" "$after"
}

cut_row() {
	row "$1" "cut.$2" "cut.$3" "$(printf ' %6d %5d %6.1f %4d' "$(of "strays.$2" median)" "$(of "after.$2" max)" \
		"$(of "skew.$2" median)" "$(of "dead.$2" median)")"
}

cut_once() {
	local nodes=$1
	"$NETSIM" up -q "$work/topo.yaml"
	settle
	cut "first.$nodes" "$nodes" "$NETSIM" partition "$half"
	"$NETSIM" heal -q
	cut "again.$nodes" "$nodes" "$NETSIM" partition "$half"
	"$NETSIM" heal -q
	cut "batch.$nodes" "$nodes" ip -batch "$work/cut"
	ports_up
	settle
	cut "loop.$nodes" "$nodes" ports_down_loop
	ports_up
	if [[ $where == vm ]]; then
		settle
		cut "netem.$nodes" "$nodes" netem_loop "$nodes"
		netem_heal "$nodes"
	fi
	if command -v nft >/dev/null; then
		settle
		nft_ready
		cut "nft.$nodes" "$nodes" nft -f "$work/rules"
		nft_ready
		cut "nftloop.$nodes" "$nodes" nft_loop
		nft delete table bridge bench
	fi
	"$NETSIM" down -q bench
	settle
}

partition_of() {
	local nodes=$1 run half ports base=again.$1
	half=$(first_half "$nodes" n | paste -sd,)
	mapfile -t ports < <(first_half "$nodes" bp)
	first_half "$nodes" bp | sed 's/.*/link set & down/' >"$work/cut"
	nft_rules "$nodes" >"$work/rules"
	topology "$nodes" >"$work/topo.yaml"
	for ((run = 1; run <= cuts; run++)); do
		progress "partition of $nodes, $run of $cuts"
		cut_once "$nodes"
	done
	title "$nodes nodes cut in two, ms" "of netsim" " strays after   skew dead"
	cut_row "netsim partition, the first" "first.$nodes" "$base"
	cut_row "netsim partition, another" "$base" "$base"
	cut_row "ip -batch link set down" "batch.$nodes" "$base"
	cut_row "loop of ip link set down" "loop.$nodes" "$base"
	[[ $where != vm ]] || cut_row "loop of tc netem loss 100%" "netem.$nodes" "$base"
	command -v nft >/dev/null || return 0
	cut_row "nft -f, one transaction" "nft.$nodes" "$base"
	cut_row "loop of nft, one for each rule" "nftloop.$nodes" "$base"
}

bench_partition() {
	local nodes sizes=(3 10 100) rate=50000 cuts=3
	if [[ $where == vm ]]; then
		sizes=(3 10) rate=4000 cuts=1
	fi
	for nodes in "${sizes[@]}"; do
		partition_of "$nodes"
	done
	cat <<-EOF

		  ms: until the command returned; strays: packets between the halves that
		  arrive after it began; after: those after it returned; skew: ms between
		  the silence of the first and of the last pair; dead: pairs within a half
		  that were cut as well. Load: $rate packets per second.
	EOF
}
