# needs: netem ifb mirred bridge veth netns tcpdump
# limit: 180
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim measure on links that delay, lose, duplicate and reorder: one-way delays as requested,
# and the same counts as tc and tcpdump, to the packet.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=far

build() {
	cat >"$WORK/far.yaml" <<-'EOT'
		fleet: far
		networks: {lan: }
		nodes:
		  a: {interfaces: {eth0: {network: lan, port: fra, address: 10.97.0.1/24}}}
		  b: {interfaces: {eth0: {network: lan, port: frb, address: 10.97.0.2/24}}}
	EOT
	# Without IPv6, so that only the test sends packets.
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
	check "up" "$NETSIM" up "$WORK/far.yaml"
	for node in a b; do
		node_exec $node sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	done
}

# with NAME CONDITIONS...: applies a profile
with() {
	printf '%s\n' "profile: far" "engine: netem" "${@:2}" >"$WORK/far.profile.yaml"
	check "$1" "$NETSIM" apply "$WORK/far.profile.yaml"
	answers a 10.97.0.2 -W 3
}

# dropped DEVICE: the number of packets that its netem has dropped
dropped() {
	tc -s qdisc show dev "$1" | awk '/^qdisc/ { netem = $2 == "netem" }
		/dropped/ && netem { match($0, /dropped [0-9]+/); sum += substr($0, RSTART + 8, RLENGTH - 8) }
		END { print sum + 0 }'
}

# quiet_file FILE: true if it does not grow for half a second
quiet_file() {
	local size
	size=$(stat -c %s "$1")
	sleep 0.5
	[[ $(stat -c %s "$1") -eq $size ]]
}

# measured PING_OPTIONS...: pings from a to b; netsim measure, and tcpdump at b's port, observe it
measured() {
	local dump
	start_listener 1 tcpdump -Z root -B 8192 -U --immediate-mode -n -i frb -w "$WORK/frb.pcap" 'icmp and src 10.97.0.1'
	dump=$BG
	start_listener 4 "$NETSIM" measure --json
	JSON=$WORK/bg.$BG
	node_exec a ping -q "$@" 10.97.0.2 >/dev/null
	interrupt "$BG"
	is "measure succeeds" "$STATUS" 0
	wait_for 20 quiet_file "$WORK/frb.pcap"
	interrupt "$dump"
}

one_way() {
	jq "[.one_way.rows[] | select(.from == \"$1\" and .to == \"$2\" and .class == \"icmp\") | .$3] | add // 0" "$JSON"
}

# "PACKETS TWICE LATE" of the echo requests delivered to b, by their sequence numbers
by_tcpdump() {
	tcpdump -n -r "$WORK/frb.pcap" 2>/dev/null | awk '
		match($0, /seq [0-9]+/) { seq = substr($0, RSTART + 4, RLENGTH - 4) + 0; all++
			if (seq in seen) { twice++; next }
			seen[seq] = 1; if (seq < most) late++; else most = seq }
		END { print all + 0, twice + 0, late + 0 }'
}

check_delay() {
	with "20 ms up, 30 ms down" 'nodes: {a: {up: {delay: 20ms}}, b: {down: {delay: 30ms}}}'
	# A pause of the machine can delay packets, even all of them, but no packet is early.
	for _ in 1 2 3 4 5 6; do
		measured -c 50 -i 0.02
		[[ $(one_way a b 'delay.min_ns < 51e6') != true || $(one_way b a 'delay.min_ns < 1e6') != true ]] || break
	done
	is "all packets arrive" "$(one_way a b delivered)" 50
	between "with a minimum of 50 ms" "$(one_way a b 'delay.min_ns / 1e6')" 49.5 51 ms
	between "with a median not below" "$(one_way a b 'delay.p50_ns / 1e6')" 49.5 1000 ms
	between "and no delay back" "$(one_way b a 'delay.min_ns / 1e6')" 0 1 ms
}

check_loss() {
	local before
	with "2 % loss" 'nodes: {b: {down: {delay: 10ms, loss: 2%}}}'
	before=$(dropped frb)
	measured -c 500 -i 0.002
	between "packets are lost" "$(one_way a b lost)" 1 60
	is "as many as tc counts" "$(one_way a b lost)" $(($(dropped frb) - before))
	is "and as tcpdump misses" "$(one_way a b lost)" $((500 - $(by_tcpdump | cut -d' ' -f1)))
}

check_disorder() {
	local all twice late
	with "duplicates" 'nodes: {b: {down: {delay: 10ms, duplicate: 5%}}}'
	measured -c 500 -i 0.002
	read -r all twice late <<<"$(by_tcpdump)"
	between "packets arrive twice" "$twice" 4 100
	is "as many as tcpdump sees" "$(one_way a b duplicated)" "$twice"
	is "and none is lost" "$(one_way a b lost) $(one_way a b delivered)" "0 500"
	with "reordered" 'nodes: {b: {down: {delay: 50ms, reorder: 25%}}}'
	measured -c 500 -i 0.002
	read -r all twice late <<<"$(by_tcpdump)"
	between "packets are overtaken" "$late" 30 500
	is "as many as tcpdump sees" "$(one_way a b reordered)" "$late"
	is "and none is lost or duplicated" "$(one_way a b lost) $(one_way a b duplicated) $all" "0 0 500"
}

build
check_delay
check_loss
check_disorder
"$NETSIM" down -q
done_testing
