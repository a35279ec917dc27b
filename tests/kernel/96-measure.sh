# needs: native bridge veth netns clsact bpf iperf3 ethtool tcpdump tshark
# limit: 180
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim measure on lossy links: its losses equal those between two tcpdumps and the drops of
# the programs at the ports, its retransmissions equal those of tshark at the sender, and an
# analysis of a capture of all ports gives the same result.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=seen

build() {
	cat >"$WORK/seen.yaml" <<-'EOT'
		fleet: seen
		networks: {lan: {address: 10.9.0.254/24}}
		nodes:
		  a: {interfaces: {eth0: {network: lan, port: sna, address: 10.9.0.1/24}}}
		  b: {interfaces: {eth0: {network: lan, port: snb, address: 10.9.0.2/24}}}
		  c: {interfaces: {eth0: {network: lan, port: snc, address: 10.9.0.3/24}}}
	EOT
	printf 'profile: loss\nengine: edt\ndefault: {loss: 1%%}\n' >"$WORK/loss.yaml"
	check "up" "$NETSIM" up "$WORK/seen.yaml"
	check "with loss" "$NETSIM" apply "$WORK/loss.yaml"
	for node in a b c; do
		node_exec $node ethtool -K eth0 tso off gso off gro off >/dev/null
		# IPv6 would send router solicitations, which would be counted.
		node_exec $node sysctl -q net.ipv6.conf.eth0.disable_ipv6=1
	done
}

# sights PORT FROM FILTER: the number of frames that tcpdump captured
sights() {
	tcpdump -n -r "$WORK/$1.pcap" "src host $2 and $3" 2>/dev/null | wc -l
}

# retransmissions PORT FROM: with out-of-order segments, because the distinction depends on
# microseconds, and the timestamps of each socket differ.
retransmissions() {
	tshark -r "$WORK/$1.pcap" -Y "ip.src == $2 && (tcp.analysis.retransmission ||
		tcp.analysis.out_of_order)" 2>/dev/null | wc -l
}

one_way() {
	jq "[.one_way.rows[] | select(.from == \"$1\" and .to == \"$2\" and .class == \"$3\") | .$4] | add // 0" "$JSON"
}

# quiet_file FILE: true if it does not grow for half a second
quiet_file() {
	local size
	size=$(stat -c %s "$1")
	sleep 0.5
	[[ $(stat -c %s "$1") -eq $size ]]
}

# True if no TCP connection is open.
all_closed() {
	local node
	for node in a b; do
		node_exec $node ss -Htan | awk '$1 != "LISTEN" && $1 != "TIME-WAIT" { open = 1 } END { exit open }' ||
			return 1
	done
}

traffic() {
	node_exec a iperf3 -c 10.9.0.2 -t 2 -b 20M -P 2
	node_exec a iperf3 -c 10.9.0.2 -u -t 1 -b 4M
}

run_all() {
	local dump=() server capture measure port
	for port in sna snb; do
		start_listener 1 tcpdump -Z root -B 65536 -U --immediate-mode -s 128 -i $port -w "$WORK/$port.pcap"
		dump+=("$BG")
	done
	start_listener 6 "$NETSIM" capture -q --buffer 32MiB -w "$WORK/both.pcapng"
	capture=$BG
	start_listener 6 "$NETSIM" measure --json --top 0
	measure=$BG
	node_bg b iperf3 -s
	server=$BG
	wait_for 5 node_exec b bash -c 'ss -Hltn sport = 5201 | grep -q .'
	traffic >/dev/null 2>&1
	wait_for 20 all_closed
	interrupt "$measure"
	JSON=$WORK/bg.$measure
	is "measure succeeds" "$STATUS" 0
	interrupt "$capture"
	# tcpdump discards packets that it has not read when it is ended.
	for port in sna snb; do
		wait_for 20 quiet_file "$WORK/$port.pcap"
	done
	for port in "${dump[@]}"; do
		interrupt "$port"
	done
	bg_end "$server"
}

check_losses() {
	local lost
	lost=$(($(sights sna 10.9.0.1 'port 5201') - $(sights snb 10.9.0.1 'port 5201')))
	between "packets were lost" "$lost" 5 5000
	is "a > b: as many lost as between the two tcpdumps" "$(one_way a b iperf lost)" "$lost"
	is "and as dropped by the programs" "$(one_way a b iperf dropped.loss)" "$lost"
	is "as many sent as tcpdump captured" "$(one_way a b iperf sent)" "$(sights sna 10.9.0.1 'port 5201')"
	lost=$(($(sights snb 10.9.0.2 'port 5201') - $(sights sna 10.9.0.2 'port 5201')))
	is "b > a: as many lost as between the two tcpdumps" "$(one_way b a iperf lost)" "$lost"
	is "and as dropped by the programs" "$(one_way b a iperf dropped.loss)" "$lost"
	is "no packet was duplicated" "$(one_way a b iperf duplicated)" 0
	is "no number has rounding errors of binary fractions" "$(grep -E '[.][0-9]{10}' "$JSON")" ""
	is "each packet counts once" \
		"$(jq '[.flows[] | select(.class == "iperf") | .from_a.packets + .from_b.packets] | add' "$JSON")" \
		$(($(sights sna 10.9.0.1 'port 5201') + $(sights snb 10.9.0.2 'port 5201')))
}

sum_retransmissions() {
	jq "[.connections[] | select(.class == \"iperf\" and .protocol == \"tcp\") |
		.$1 | .fast + .timeout + .spurious + .reordered] | add" "$JSON"
}

check_retransmissions() {
	local found
	between "there are retransmissions" "$(sum_retransmissions from_client)" 5 5000
	# tshark tells a retransmission from a late packet by the time since the one before.
	found=$(retransmissions sna 10.9.0.1)
	between "as many as tshark finds at the sender" "$(sum_retransmissions from_client)" $((found - 2)) $((found + 2))
	found=$(retransmissions snb 10.9.0.2)
	between "and for the other direction" "$(sum_retransmissions from_server)" $((found - 2)) $((found + 2))
	is "nodes are named" "$(jq -r '[.connections[] | select(.class == "iperf") | .client] | unique[]' "$JSON")" a
}

# essence FILE: the results that do not depend on the timestamps of a capture
essence() {
	jq -S '{flows: [.flows[] | select(.class == "iperf") | {a, b, connections} + ([.from_a, .from_b] | map(
			{packets, bytes, payload, resent, resets}) | {ways: .})],
		one_way: [.one_way.rows[] | select(.class == "iperf") |
			{from, to, sent, delivered, lost, duplicated}] | sort_by(.from)}' "$1"
}

check_capture() {
	check "the capture of all ports is analyzed" "$NETSIM" analyze --json --top 0 "$WORK/both.pcapng"
	printf '%s\n' "$OUT" >"$WORK/analysis"
	essence "$JSON" >"$WORK/live"
	essence "$WORK/analysis" >"$WORK/later"
	check "with the same result" diff "$WORK/live" "$WORK/later"
	run "$NETSIM" analyze "$WORK/both.pcapng"
	like "also as text" "$OUT" $'\none way .*\na > b, iperf\n'
	is "in 80 columns" "$(awk 'length > 80' <<<"$OUT")" ""
}

check_gaps() {
	printf 'classes: {talk: {udp: 7777, gap: 500ms}}\n' >"$WORK/talk.yaml"
	"$NETSIM" clear -q
	start_listener 6 "$NETSIM" measure --json --classes "$WORK/talk.yaml"
	# shellcheck disable=SC2016 # for the other shell
	node_exec a bash -c 'exec 3<>/dev/udp/10.9.0.2/7777; echo 1 >&3; sleep 1; echo 2 >&3 || echo 2 >&3' 2>/dev/null
	JSON=$WORK/bg.$BG
	interrupt "$BG"
	is "a silent direction is a single gap" "$(jq -c '[.gaps[] | select(.class == "talk") | [.from, .to]]' "$JSON")" '[["a","b"]]'
	is "with the limit of its class" "$(jq -c '[.gaps[] | select(.class == "talk") | .limit_ns]' "$JSON")" '[500000000]'
	between "and its duration" \
		"$(jq '[.gaps[] | select(.class == "talk") | (.end_ns - .begin_ns) / 1e9][0]' "$JSON")" 0.95 5 s
}

packets_of() {
	node_exec "$1" ip -s -j link show eth0 | jq '.[0].stats64.tx.packets'
}

# has_sent NODE COUNT
has_sent() {
	[[ $(packets_of "$1") -ge $2 ]]
}

# A measurement during traffic that begins before and ends after it.
check_window() {
	local server client before
	before=$(packets_of a)
	node_bg b iperf3 -s
	server=$BG
	wait_for 5 node_exec b bash -c 'ss -Hltn sport = 5201 | grep -q .'
	node_bg a iperf3 -c 10.9.0.2 -u -t 8 -b 20M
	client=$BG
	wait_for 5 has_sent a $((before + 500))
	sed 's/1%/10%/' "$WORK/loss.yaml" >"$WORK/more.yaml"
	check "with more loss" "$NETSIM" apply "$WORK/more.yaml"
	check "a measurement while there is traffic" "$NETSIM" measure --json --for 1s
	printf '%s\n' "$OUT" >"$WORK/window"
	JSON=$WORK/window
	between "packets are lost" "$(one_way a b iperf lost)" 50 5000
	between "the programs dropped as many in the same time" \
		"$(($(one_way a b iperf dropped.loss) - $(one_way a b iperf lost)))" -20 20
	bg_end "$client"
	bg_end "$server"
}

# Losses towards a silent node, whose addresses are seeded from the fleet and the bridge.
check_silent() {
	local capture
	"$NETSIM" clear -q
	node_exec b sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	node_exec b ip link add mv0 link eth0 address 02:00:00:00:00:77 type macvlan
	node_exec b ip link set mv0 up
	node_exec b ip address add 10.9.0.77/24 dev mv0
	check "the bridge learns an address" node_exec b ping -q -c 1 -I mv0 10.9.0.1
	node_exec a ip neigh replace 10.9.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent
	node_exec a ip neigh replace 10.9.0.2 dev eth0 nud permanent \
		lladdr "$(node_exec b ip -j link show eth0 | jq -r '.[0].address')"
	"$NETSIM" partition -q --one-way a b
	start_listener 6 "$NETSIM" capture -q -w "$WORK/silent.pcapng" -F 'dst port 7777'
	capture=$BG
	start_listener 6 "$NETSIM" measure --json
	JSON=$WORK/bg.$BG
	# shellcheck disable=SC2016 # for the other shell
	node_exec a bash -c 'for to in 2 77; do
		for i in {1..25}; do echo $i >/dev/udp/10.9.0.$to/7777; done; done'
	interrupt "$BG"
	is "packets to a silent node are lost" "$(one_way a b other lost)" 50
	is "as counted by the programs" "$(one_way a b other dropped.partition)" 50
	interrupt "$capture"
	check "the capture is analyzed" "$NETSIM" analyze --json "$WORK/silent.pcapng"
	printf '%s\n' "$OUT" >"$WORK/silent"
	JSON=$WORK/silent
	is "and attributes the losses by the addresses in the file" "$(one_way a b other lost)" 25
	"$NETSIM" heal -q
}

# A fault shorter than the interval at which faults are polled.
check_faults() {
	start_listener 6 "$NETSIM" measure --json
	JSON=$WORK/bg.$BG
	"$NETSIM" partition -q --for 30ms --name blip c
	node_exec a ping -q -c 3 -i 0.1 10.9.0.2 >/dev/null
	interrupt "$BG"
	is "a short fault is reported" "$(jq -c '[.faults[].text]' "$JSON")" '["blip: partition c | rest"]'
	# It begins a moment after its deadline is set.
	between "with its end" "$(jq '.faults[] | (.end_ns - .begin_ns) / 1e6' "$JSON")" 1 30 ms
}

check_rows() {
	start_listener 6 "$NETSIM" measure c
	node_exec a ping -q -c 3 -i 0.05 10.9.0.2 >/dev/null
	node_exec a ping -q -c 3 -i 0.05 10.9.0.3 >/dev/null
	interrupt "$BG"
	OUT=$(<"$WORK/bg.$BG")
	like "a target has rows" "$OUT" $'\na > c, icmp\n'
	unlike "others have none" "$OUT" $'\na > b, icmp\n'
	check "measure with a duration" "$NETSIM" measure --for 100ms -q
	check "a dry run" "$NETSIM" measure --dry-run
	fails_with 2 "an unknown node" "$NETSIM" measure nobody --for 1s
	fails_with 2 "an unknown fleet" "$NETSIM" measure --fleet nothing --for 1s
	fails_with 2 "unknown rows" "$NETSIM" measure --by port --for 1s
	fails_with 4 "a page in a missing folder" timeout 5 "$NETSIM" measure --html "$WORK/nowhere/page.html"
	like "is refused at once" "$ERR" 'nowhere/page.html: error: cannot write the page'
}

# Multicasts have one row per class, unless -v lists each group.
check_multicast() {
	start_listener 6 "$NETSIM" capture -q -w "$WORK/all.pcapng" --for 3s
	node_exec a ping -q -c 2 -i 0.05 10.9.0.2 >/dev/null
	node_exec a ping -q -c 1 -W 1 -I eth0 224.0.0.1 >/dev/null
	node_exec b ping -q -c 1 -W 1 -I eth0 224.0.0.251 >/dev/null
	wait "$BG"
	run "$NETSIM" analyze "$WORK/all.pcapng"
	OUT=${OUT#*$'\nbetween'}
	unlike "multicast groups have no separate rows" "$OUT" ' > (224|ff)'
	like "but one row per class, after all others" "$OUT" $'\na > b, icmp\n.*\nseveral > multicast, icmp\n   > +[2-9]'
	run "$NETSIM" analyze -v "$WORK/all.pcapng"
	like "-v has a row for each group" "$OUT" $'\nb > 224.0.0.251, icmp\n'
	unlike "and no row with their sum" "$OUT" ' > multicast'
	is "as has JSON" "$("$NETSIM" analyze --json "$WORK/all.pcapng" |
		jq -c '[.flows[] | select(.b == "224.0.0.251") | [.a, .from_a.packets]]')" '[["b",1]]'
}

# The fleet goes down while it is measured.
check_gone() {
	start_listener 6 timeout 20 "$NETSIM" measure --json --html "$WORK/gone.html"
	JSON=$WORK/bg.$BG
	node_exec a ping -q -c 3 -i 0.05 10.9.0.2 >/dev/null
	"$NETSIM" down -q
	STATUS=0
	wait "$BG" || STATUS=$?
	is "a measurement without remaining ports ends, and fails" "$STATUS" 1
	like "and reports this" "$(<"$JSON")" '3 of 3 ports disappeared'
	sed -i '/^netsim: /d' "$JSON"
	is "in JSON, too" "$(jq .gone "$JSON")" 3
	is "with the packets until then" "$(one_way a b icmp sent)" 3
	like "and on the page" "$(grep -o '"gone":[0-9]*' "$WORK/gone.html")" ':3'
}

build
run_all
check_losses
check_retransmissions
check_capture
check_gaps
check_window
check_silent
check_faults
check_rows
check_multicast
check_gone
done_testing
