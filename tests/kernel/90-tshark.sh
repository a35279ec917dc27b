# needs: native bridge veth netns clsact bpf iperf3 ethtool tcpdump tshark tcptrace
# limit: 180
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Compares netsim analyze with tshark and tcptrace, for each direction of each connection, to
# the packet: lossy traffic captured before and after the loss; and the same captures
# shuffled, with duplicates, tagged, merged, and as pcapng.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=seen
PCAPS=$HELPERS/pcaps

build() {
	cat >"$WORK/seen.yaml" <<-'EOT'
		fleet: seen
		networks: {lan: {address: 10.9.0.254/24}}
		nodes:
		  a: {interfaces: {eth0: {network: lan, port: sna, address: [10.9.0.1/24, "fd09::1/64"]}}}
		  b: {interfaces: {eth0: {network: lan, port: snb, address: [10.9.0.2/24, "fd09::2/64"]}}}
	EOT
	cat >"$WORK/loss.yaml" <<-'EOT'
		profile: loss
		engine: edt
		default: {loss: 1%}
	EOT
	check "up" "$NETSIM" up "$WORK/seen.yaml"
	check "with 1 % loss in each direction" "$NETSIM" apply "$WORK/loss.yaml"
	# Without segmentation offload, so that frames are as on a wire.
	for node in a b; do
		node_exec $node ethtool -K eth0 tso off gso off gro off >/dev/null
	done
}

knock() {
	node_exec a timeout 2 bash -c "echo >/dev/tcp/$1/9999" 2>/dev/null
}

traffic() {
	node_exec a iperf3 -c 10.9.0.2 -t 2 -b 20M -P 3
	node_exec a iperf3 -c fd09::2 -t 1 -b 10M -R
	node_exec a iperf3 -c 10.9.0.2 -u -t 1 -b 2M
	knock 10.9.0.2  # refused
	knock 10.9.0.77 # no such host
	node_exec a ping -c 3 -i 0.2 10.9.0.2
	return 0
}

capture() {
	local port tcpdumps=() server
	for port in sna snb; do
		bg tcpdump -Z root -U -B 32768 -s 128 -i "$port" -w "$WORK/$port.pcap"
		tcpdumps+=("$BG")
		wait_for 30 written 'listening on' "$WORK/bg.$BG" || not_ok "tcpdump listens"
	done
	bg ip netns exec seen.b iperf3 -s
	server=$BG
	wait_for 5 node_exec b bash -c 'ss -Hltn sport = 5201 | grep -q .'
	traffic >/dev/null 2>&1
	sleep 0.5
	for port in "${tcpdumps[@]}"; do
		kill -INT "$port"
		wait "$port" 2>/dev/null
	done
	bg_end "$server"
}

# Each direction of tshark's connections: endpoints, packets, bytes, data, fast, timeout and
# spurious retransmissions, out of order, duplicate acknowledgements, zero windows, resets.
# and keep-alives.
by_tshark() {
	local field fields=()
	for field in ip.src ipv6.src tcp.srcport ip.dst ipv6.dst tcp.dstport frame.len tcp.len \
		tcp.analysis.{fast_retransmission,retransmission,spurious_retransmission} \
		tcp.analysis.{out_of_order,duplicate_ack,zero_window} tcp.flags.reset tcp.analysis.keep_alive; do
		fields+=(-e "$field")
	done
	tshark -r "$1" -Y tcp -T fields -E separator=, -E occurrence=f "${fields[@]}" 2>/dev/null |
		awk -F, '{ key = $1 $2 "," $3 "," $4 $5 "," $6
			packets[key]++; bytes[key] += $7; data[key] += $8
			fast[key] += $9 != ""; timeout[key] += $10 != "" && $9 == "" && $11 == ""
			spurious[key] += $11 != ""; order[key] += $12 != ""
			acks[key] += $13 != ""; zero[key] += $14 != ""; resets[key] += $15
			kept[key] += $16 != "" }
			END { for (key in packets) print key "," packets[key] "," bytes[key] "," data[key] "," \
				fast[key] "," timeout[key] "," spurious[key] "," order[key] "," acks[key] "," \
				zero[key] "," resets[key] "," kept[key] }' | sort
}

# columns FILE NAME...: columns of netsim's CSV, for the directions of TCP connections with packets
columns() {
	local file=$1
	shift
	"$NETSIM" analyze --by connection --top 0 --csv "$file" | awk -F, -v wanted="$*" '
		NR == 1 { n = split(wanted, name, " "); for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["protocol"] == "tcp" && $at["packets"] {
			for (i = 1; i <= n; i++) printf "%s%s", $at[name[i]], i < n ? "," : "\n" }' | sort
}

# The handshake of each connection that opened, in ns, by the client's port.
handshakes_by_tshark() {
	tshark -r "$1" -Y 'tcp.flags.syn == 1 && tcp.flags.ack == 0' -T fields -e tcp.stream -e tcp.srcport 2>/dev/null |
		sort -u >"$WORK/streams"
	tshark -r "$1" -Y 'tcp.analysis.initial_rtt && tcp.port == 5201' -T fields -e tcp.stream \
		-e tcp.analysis.initial_rtt 2>/dev/null | sort -u |
		awk 'NR == FNR { port[$1] = $2; next } $1 in port { printf "%s,%.0f\n", port[$1], $2 * 1e9 }' \
			"$WORK/streams" - | sort -u
}

# same NAME A B: both lists are equal and not empty
same() {
	if [[ ! -s $2 ]]; then
		not_ok "$1" "the list is empty"
	elif diff "$2" "$3" >"$WORK/diff"; then
		ok "$1 ($(wc -l <"$2") directions)"
	else
		not_ok "$1" "$(head -n 20 "$WORK/diff")"
	fi
}

# as_tshark FILE [together]: if an acknowledgement is captured before its data, tshark counts
# segments that are out of order or resent as fast retransmissions. Then, with together,
# compares the sum of fast, timeout and out of order. A byte of iperf3 that the capture has late may
# also be a keep-alive, which does not count.
as_tshark() {
	local name=${1##*/}
	by_tshark "$1" >"$WORK/theirs"
	columns "$1" from from_port to to_port packets bytes payload fast timeout spurious reordered \
		dup_acks zero_windows resets >"$WORK/ours"
	if [[ ${2:-} == together ]]; then
		for list in theirs ours; do
			awk -F, -v OFS=, '{ $8 += $9 + $11; $9 = $11 = "-" } 1' "$WORK/$list" >"$WORK/both"
			mv "$WORK/both" "$WORK/$list"
		done
		awk -F, -v OFS=, '{ key = $1 "," $2 "," $3 "," $4 }
			NR == FNR { sum[key] = $8; next }
			key in sum && sum[key] > $8 && sum[key] <= $8 + $15 { $8 = sum[key] } 1' \
			"$WORK/ours" "$WORK/theirs" >"$WORK/both"
		mv "$WORK/both" "$WORK/theirs"
	fi
	sed -i 's/,[0-9]*$//' "$WORK/theirs"
	same "$name: as tshark counts" "$WORK/theirs" "$WORK/ours"
}

handshakes_as_tshark() {
	handshakes_by_tshark "$1" >"$WORK/theirs"
	columns "$1" from_port to_port handshake_ns | awk -F, '$2 == 5201 && $3 != "" { print $1 "," $3 }' |
		sort >"$WORK/ours"
	same "${1##*/}: handshakes as tshark measures" "$WORK/theirs" "$WORK/ours"
}

# as_tcptrace FILE: compares endpoints, packets, data, segments with bytes seen before (which
# excludes retransmissions that only fill holes), and resets.
as_tcptrace() {
	# tcptrace writes fd09::0001 for fd09::1.
	tcptrace -n -l -r --csv "$1" 2>/dev/null | sed 's/::000/::/g' | awk -F, '/^#/ || !NF { next }
		!at["host_a"] { for (i = 1; i <= NF; i++) { gsub(/ /, "", $i); at[$i] = i }; next }
		{ gsub(/ /, "")
		  print $at["host_a"] "," $at["port_a"] "," $at["host_b"] "," $at["port_b"] "," $at["total_packets_a2b"] "," \
			$at["actual_data_bytes_a2b"] "," $at["rexmt_data_pkts_a2b"] "," $at["resets_sent_a2b"]
		  print $at["host_b"] "," $at["port_b"] "," $at["host_a"] "," $at["port_a"] "," $at["total_packets_b2a"] "," \
			$at["actual_data_bytes_b2a"] "," $at["rexmt_data_pkts_b2a"] "," $at["resets_sent_b2a"] }' |
		awk -F, '$5' | sort >"$WORK/theirs"
	columns "$1" from from_port to to_port packets payload resent resets >"$WORK/ours"
	same "${1##*/}: as tcptrace counts" "$WORK/theirs" "$WORK/ours"
}

# Packets of other protocols than TCP count, too.
all_counted() {
	run "$NETSIM" analyze --json --top 0 "$1"
	is "${1##*/}: every packet counts" "$(jq .packets <<<"$OUT")" "$(tshark -r "$1" 2>/dev/null | wc -l)"
	is "${1##*/}: the packets of the classes add up" "$(jq '[.classes[].both.packets] | add' <<<"$OUT")" "$(jq .packets <<<"$OUT")"
}

variants() {
	local seed
	for seed in 1 2 3; do
		"$PCAPS" shuffle $seed "$WORK/sna.pcap" "$WORK/shuffled-$seed.pcap"
		as_tshark "$WORK/shuffled-$seed.pcap" together
	done
	"$PCAPS" tag "$WORK/snb.pcap" "$WORK/tagged.pcap"
	as_tshark "$WORK/tagged.pcap"
	tshark -r "$WORK/snb.pcap" -F pcapng -w "$WORK/snb.pcapng" 2>/dev/null
	as_tshark "$WORK/snb.pcapng"
	handshakes_as_tshark "$WORK/snb.pcapng"
	tshark -r "$WORK/sna.pcap" -F nsecpcap -w "$WORK/nano.pcap" 2>/dev/null
	as_tshark "$WORK/nano.pcap"
}

# Two halves of a capture give the same result as the whole, in any order.
merged() {
	local half
	half=$(($(tshark -r "$WORK/sna.pcap" 2>/dev/null | wc -l) / 2))
	editcap -r "$WORK/sna.pcap" "$WORK/first.pcap" "1-$half"
	editcap "$WORK/sna.pcap" "$WORK/second.pcap" "1-$half"
	"$NETSIM" analyze --csv "$WORK/sna.pcap" >"$WORK/whole"
	"$NETSIM" analyze --csv "$WORK/second.pcap" "$WORK/first.pcap" >"$WORK/merged"
	check "halves are merged by time" diff "$WORK/whole" "$WORK/merged"
	check "standard input is read" bash -c "'$NETSIM' analyze --csv - <'$WORK/sna.pcap' | diff '$WORK/whole' -"
	check "and a pipe" bash -c "cat '$WORK/sna.pcap' | '$NETSIM' analyze --csv - | diff '$WORK/whole' -"
}

reports() {
	local second
	run "$NETSIM" analyze --topo "$WORK/seen.yaml" "$WORK/sna.pcap"
	like "nodes are named" "$OUT" $'\na > b, iperf\n'
	is "in 80 columns" "$(awk 'length > 80' <<<"$OUT")" ""
	run "$NETSIM" analyze --by connection --topo "$WORK/seen.yaml" --top 0 "$WORK/sna.pcap"
	like "connections are listed" "$OUT" "a:[0-9]+ > b:5201  iperf, opened in "
	like "a refused one is listed" "$OUT" "> b:9999  other, refused"
	run "$NETSIM" analyze --json -v "$WORK/sna.pcap"
	is "the series add up to the totals" "$(jq '[.classes[] | (.both.bytes - ([.both.series[].bytes] | add))] | add' <<<"$OUT")" 0
	run "$NETSIM" analyze --json --from 1s --to 2s "$WORK/sna.pcap"
	second=$(tshark -r "$WORK/sna.pcap" -Y 'frame.time_relative >= 1 && frame.time_relative < 2' -T fields -e frame.time_relative |
		awk 'NR == 1 { first = $1 } { last = $1 } END { printf "%.6f", last - first }')
	is "a second of the capture" "$(printf %.6f "$(jq '(.last_ns - .first_ns) / 1e9' <<<"$OUT")")" "$second"
}

damaged() {
	head -c 100001 "$WORK/sna.pcap" >"$WORK/cut.pcap"
	fails_with 3 "a truncated capture" "$NETSIM" analyze "$WORK/cut.pcap"
	like "is read up to its end" "$OUT" "^[0-9]+ packets"
	like "and the offset is reported" "$ERR" "cut.pcap: error: offset [0-9]+: the file ends within "
	is "in one line" "$(wc -l <<<"$ERR")" 1
	gzip -k "$WORK/sna.pcap"
	fails_with 3 "a compressed capture" "$NETSIM" analyze "$WORK/sna.pcap.gz"
	like "with a hint how to read it" "$ERR" "zcat FILE"
	fails_with 3 "no file" "$NETSIM" analyze "$WORK/nowhere.pcap"
	fails_with 2 "unknown rows" "$NETSIM" analyze --by port "$WORK/sna.pcap"
	fails_with 2 "an invalid time" "$NETSIM" analyze --from yesterday "$WORK/sna.pcap"
	fails_with 2 "a time in 1970" "$NETSIM" analyze --from 5 "$WORK/sna.pcap"
	like "with a hint about the unit" "$ERR" 'write 5s'
	fails_with 2 "a time after the last packet" "$NETSIM" analyze --from 1h "$WORK/sna.pcap"
	like "is reported with the times of the packets" "$ERR" 'the first packet is at [0-9]{10}[.][0-9]{6} s since 1970, the last one [0-9.]+ s later'
	fails_with 2 "a time before the first one" "$NETSIM" analyze --to 1000000000 "$WORK/sna.pcap"
	fails_with 2 "a time that ends before it begins" "$NETSIM" analyze --from 2s --to 1s "$WORK/sna.pcap"
	ln "$WORK/sna.pcap" "$WORK/linked.pcap"
	fails_with 2 "a page that would overwrite a capture" "$NETSIM" analyze --html "$WORK/sna.pcap" "$WORK/sna.pcap"
	check "which is unchanged" capinfos "$WORK/sna.pcap"
	fails_with 2 "a page without a name" "$NETSIM" analyze --html '' "$WORK/sna.pcap"
	fails_with 2 "a file that is given twice" "$NETSIM" analyze "$WORK/sna.pcap" "$WORK/snb.pcap" "$WORK/linked.pcap"
	like "is named" "$ERR" 'sna.pcap and .*linked.pcap are the same file'
}

build
capture
for file in "$WORK"/sna.pcap "$WORK"/snb.pcap; do
	as_tshark "$file"
	handshakes_as_tshark "$file"
	as_tcptrace "$file"
	all_counted "$file"
done
variants
merged
reports
damaged
"$NETSIM" down -q
done_testing
