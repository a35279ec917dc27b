# needs: etcd bridge veth netns clsact bpf tcpdump tshark jq
# limit: 270
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real etcd cluster of three nodes that loses packets, with netem under the profile lossy: compares
# live measurement and capture analysis with tshark, and with gaps computed here from the same packets.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=etcd
ETCD=$TESTS/../build/unpacked/etcd-server/usr/bin/etcd

build() {
	cat >"$WORK/etcd.yaml" <<-'EOT'
		fleet: etcd
		networks: {lan: {}}
		nodes:
		  n100-[1-3]: {interfaces: {eth0: {network: lan, port: "p{n}", address: "10.9.0.{n}/24"}}}
	EOT
	echo 'classes: {etcd-client: {tcp: 2379}, etcd-peer: {tcp: 2380, gap: 100ms}}' >"$WORK/classes.yaml"
	check "up" "$NETSIM" up "$WORK/etcd.yaml"
	if has_netem; then
		check "lossy" "$NETSIM" apply lossy
	else
		printf 'profile: losing\nengine: edt\ndefault: {loss: 3%%}\n' >"$WORK/losing.yaml"
		check "losses" "$NETSIM" apply "$WORK/losing.yaml"
	fi
}

has_netem() {
	unshare -n tc qdisc add dev lo root netem 2>/dev/null
}

# Longer timeouts than etcd's defaults, which are too short for an emulated machine.
start_etcd() {
	local n peer client
	for n in 1 2 3; do
		peer=http://10.9.0.$n:2380 client=http://10.9.0.$n:2379
		bg ip netns exec etcd.n100-$n "$ETCD" --name n100-$n --data-dir "$WORK/data-$n" --logger zap \
			--heartbeat-interval 500 --election-timeout 5000 --listen-peer-urls "$peer" \
			--initial-advertise-peer-urls "$peer" --listen-client-urls "$client" \
			--advertise-client-urls "$client" --initial-cluster-state new --initial-cluster \
			n100-1=http://10.9.0.1:2380,n100-2=http://10.9.0.2:2380,n100-3=http://10.9.0.3:2380
	done
}

# put COUNT: sequential requests to the HTTP API, from n100-1 to n100-3
put() {
	# shellcheck disable=SC2016 # for the inner shell
	node_exec n100-1 timeout 60 bash -c 'exec 3<>/dev/tcp/10.9.0.3/2379 || exit
		body="{\"key\": \"Zm9v\", \"value\": \"YmFy\"}"
		for ((i = 0; i < '"$1"'; i++)); do
			printf "POST /v3/kv/put HTTP/1.1\r\nHost: n100-3\r\nContent-Length: %d\r\n\r\n%s" ${#body} "$body" >&3
			read -r version status rest <&3 || exit
			while read -r line <&3 && [[ $line != $'"'\\r'"' ]]; do
				[[ $line != Content-Length:* ]] || length=${line//[!0-9]/}
			done
			read -r -N "$length" rest <&3
			[[ $status == 200 ]] || exit
		done
		exit 0'
}

traffic() {
	bg tcpdump -Z root -U -B 16384 -s 192 -i p3 -w "$WORK/p3.pcap" tcp
	TCPDUMP=$BG
	wait_for 30 written 'listening on' "$WORK/bg.$TCPDUMP" || not_ok "tcpdump listens"
	bg "$NETSIM" measure --json --top 0 --classes "$WORK/classes.yaml"
	MEASURE=$BG
	start_etcd
	wait_for 60 put 1 || not_ok "etcd answers"
	check "20 values are written" put 20
	"$NETSIM" partition n100-3 --for 2s -q
	sleep 3
	wait_for 30 put 1 || not_ok "etcd answers after the partition"
	kill -INT "$MEASURE" "$TCPDUMP"
	wait "$TCPDUMP" "$MEASURE" 2>/dev/null
}

# What tshark says of each segment captured at n100-3, read once: an emulated machine takes seconds.
read_by_tshark() {
	local field fields=()
	for field in frame.time_epoch ip.src tcp.srcport ip.dst tcp.dstport tcp.flags.fin tcp.flags.reset \
		tcp.analysis.{retransmission,fast_retransmission,spurious_retransmission,out_of_order}; do
		fields+=(-e "$field")
	done
	tshark -r "$WORK/p3.pcap" -T fields -E separator=, "${fields[@]}" 2>/dev/null >"$WORK/segments"
}

# segments PORT [resent]: how many have this port; those that were sent again, or are out of order,
# which differs by microseconds
segments() {
	awk -F, -v port="$1" -v resent="${2:-}" '($3 == port || $5 == port) && (!resent || $8 $9 $10 $11 != "") { n++ }
		END { print n + 0 }' "$WORK/segments"
}

# Gaps of connections that are neither closed nor reset, in us.
gaps_by_hand() {
	awk -F, '$3 != 2380 && $5 != 2380 { next }
		{ split($1, t, "."); us = t[1] * 1000000 + substr(t[2], 1, 6); way = $2 "," $3 "," $4 "," $5
		  both = $2 < $4 ? way : $4 "," $5 "," $2 "," $3 }
		$6 == 1 || $7 == 1 || $6 == "True" || $7 == "True" { over[both] = 1 }
		way in last && us - last[way] > 100000 { n++; gap[n] = way; of[n] = both; from[n] = last[way]; to[n] = us }
		{ last[way] = us }
		END { for (i = 1; i <= n; i++) if (!(of[i] in over)) printf "%s,%.0f,%.0f\n", gap[i], from[i], to[i] }' \
		"$WORK/segments" | sort
}

# The gaps found by netsim, for the connections in the list of gaps_by_hand.
gaps_by_netsim() {
	jq -r '.gaps[] | select(.class == "etcd-peer") |
		"\(.from),\(.from_port),\(.to),\(.to_port),\(.begin_ns / 1000 | round),\(.end_ns / 1000 | round)"' "$WORK/p3.json" |
		awk -F, 'NR == FNR { open[$1, $2, $3, $4]; next } ($1, $2, $3, $4) in open' "$WORK/theirs" - | sort
}

check_capture() {
	local class
	check "the capture is analyzed" "$NETSIM" analyze --json -v --top 0 --classes "$WORK/classes.yaml" "$WORK/p3.pcap"
	cp "$WORK/.out" "$WORK/p3.json"
	read_by_tshark
	for class in client:2379 peer:2380; do
		is "etcd-${class%:*}: packets" "$(jq ".classes[] | select(.class == \"etcd-${class%:*}\").both.packets" "$WORK/p3.json")" \
			"$(segments "${class#*:}")"
		is "etcd-${class%:*}: retransmissions" \
			"$(jq ".classes[] | select(.class == \"etcd-${class%:*}\").both | .fast + .timeout + .spurious + .reordered" "$WORK/p3.json")" \
			"$(segments "${class#*:}" resent)"
	done
	gaps_by_hand >"$WORK/theirs"
	gaps_by_netsim >"$WORK/ours"
	check "every gap over 100 ms ($(wc -l <"$WORK/theirs"))" diff "$WORK/theirs" "$WORK/ours"
	between "the partition among them" "$(awk -F, '$6 - $5 > 1900000' "$WORK/theirs" | wc -l)" 1 1000
	is "all of them are on the page" "$("$NETSIM" analyze -q --html /dev/stdout --top 0 --classes "$WORK/classes.yaml" "$WORK/p3.pcap" |
		sed -n 's/.*<script[^>]*id="data"[^>]*>\(.*\)/\1/p' | sed 's/<\/script>.*//' | jq '.report.gaps | length')" \
		"$(jq '.gaps | length' "$WORK/p3.json")"
}

check_live() {
	local json=$WORK/bg.$MEASURE
	between "live: packets of etcd-client" "$(jq '.classes[] | select(.class == "etcd-client").both.packets' "$json")" 60 100000 packets
	between "and of etcd-peer" "$(jq '.classes[] | select(.class == "etcd-peer").both.packets' "$json")" 200 1000000 packets
	between "with retransmissions" "$(jq '.classes[] | select(.class == "etcd-peer").both | .fast + .timeout + .spurious' "$json")" 1 100000
	# The round-trip time is the sum of both links': 5 and 50 ms, with jitter.
	! has_netem || between "median one-way delay from n100-1 to n100-3" \
		"$(jq '.one_way.rows[] | select(.from == "n100-1" and .to == "n100-3" and .class == "etcd-client").delay.p50_ns / 1e6' "$json")" 20 60 ms
	is "drops of the partition are one-way losses" \
		"$(jq '[.one_way.rows[] | select((.dropped.partition // 0) > 0) | .lost >= .dropped.partition] | (length > 0) and all' "$json")" true
}

build
traffic
check_capture
check_live
"$NETSIM" down -q
done_testing
