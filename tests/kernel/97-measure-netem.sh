# needs: netem ifb mirred bridge veth netns tcpdump
# limit: 240
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim measure on links that delay, lose, double and reorder: one way as asked, and to
# the packet what tc and tcpdump count.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # lib.sh's
FLEET=far

build() {
	cat >"$WORK/far.yaml" <<-'EOT'
		fleet: far
		networks: {lan: }
		nodes:
		  a: {interfaces: {eth0: {network: lan, port: fra, address: 10.97.0.1/24}}}
		  b: {interfaces: {eth0: {network: lan, port: frb, address: 10.97.0.2/24}}}
	EOT
	# Nothing but what the test sends.
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
	check "up" "$NETSIM" up "$WORK/far.yaml"
	for node in a b; do
		node_exec $node sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	done
}

# with NAME CONDITIONS...: a profile
with() {
	printf '%s\n' "profile: far" "engine: netem" "${@:2}" >"$WORK/far.profile.yaml"
	check "$1" "$NETSIM" apply "$WORK/far.profile.yaml"
	answers a 10.97.0.2 -W 3
}

# What netem at a device dropped up to now.
dropped() {
	tc -s qdisc show dev "$1" | awk '/^qdisc/ { netem = $2 == "netem" }
		/dropped/ && netem { match($0, /dropped [0-9]+/); sum += substr($0, RSTART + 8, RLENGTH - 8) }
		END { print sum + 0 }'
}

# Nothing more comes into a file.
quiet_file() {
	local size
	size=$(stat -c %s "$1")
	sleep 0.5
	[[ $(stat -c %s "$1") -eq $size ]]
}

# measured PING_OPTIONS...: a ping from a to b, seen by measure and, where it is delivered, tcpdump
measured() {
	local dump
	start_listener 1 tcpdump -Z root -B 8192 -U --immediate-mode -n -i frb -w "$WORK/frb.pcap" 'icmp and src 10.97.0.1'
	dump=$BG
	start_listener 4 "$NETSIM" measure --json
	JSON=$WORK/bg.$BG
	node_exec a ping -q "$@" 10.97.0.2 >/dev/null
	interrupt "$BG"
	is "measure ends well" "$STATUS" 0
	wait_for 20 quiet_file "$WORK/frb.pcap"
	interrupt "$dump"
}

one_way() {
	jq "[.one_way.rows[] | select(.from == \"$1\" and .to == \"$2\" and .class == \"icmp\") | .$3] | add // 0" "$JSON"
}

# Of the echoes delivered to b by their numbers: "PACKETS TWICE LATE"
by_tcpdump() {
	tcpdump -n -r "$WORK/frb.pcap" 2>/dev/null | awk '
		match($0, /seq [0-9]+/) { seq = substr($0, RSTART + 4, RLENGTH - 4) + 0; all++
			if (seq in seen) { twice++; next }
			seen[seq] = 1; if (seq < most) late++; else most = seq }
		END { print all + 0, twice + 0, late + 0 }'
}

check_delay() {
	local try delay
	with "20 ms up, 30 ms down" 'nodes: {a: {up: {delay: 20ms}}, b: {down: {delay: 30ms}}}'
	# An emulated machine that stood still is late with half of them.
	for try in 1 2 3; do
		measured -c 50 -i 0.02
		delay=$(one_way a b 'delay.p50_ns / 1e6')
		! awk -v d="$delay" 'BEGIN { exit !(d >= 49 && d <= 51) }' || break
		echo "# try $try: $delay ms"
	done
	is "all arrive" "$(one_way a b delivered)" 50
	between "in 50 ms" "$delay" 49 51 ms
	between "at least" "$(one_way a b 'delay.min_ns / 1e6')" 49.5 51 ms
	between "and back at once" "$(one_way b a 'delay.p50_ns / 1e6')" 0 1 ms
}

check_loss() {
	local before
	with "2 % loss" 'nodes: {b: {down: {delay: 10ms, loss: 2%}}}'
	before=$(dropped frb)
	measured -c 1000 -i 0.002
	between "packets are lost" "$(one_way a b lost)" 1 100
	is "as many as tc counts" "$(one_way a b lost)" $(($(dropped frb) - before))
	is "and tcpdump misses" "$(one_way a b lost)" $((1000 - $(by_tcpdump | cut -d' ' -f1)))
}

check_disorder() {
	local all twice late
	with "doubled" 'nodes: {b: {down: {delay: 10ms, duplicate: 5%}}}'
	measured -c 1000 -i 0.002
	read -r all twice late <<<"$(by_tcpdump)"
	between "packets come twice" "$twice" 10 150
	is "as many as tcpdump sees" "$(one_way a b duplicated)" "$twice"
	is "and none is lost" "$(one_way a b lost) $(one_way a b delivered)" "0 1000"
	with "reordered" 'nodes: {b: {down: {delay: 50ms, reorder: 25%}}}'
	measured -c 1000 -i 0.002
	read -r all twice late <<<"$(by_tcpdump)"
	between "packets are overtaken" "$late" 50 1000
	is "as many as tcpdump sees" "$(one_way a b reordered)" "$late"
	is "and none is lost or doubled" "$(one_way a b lost) $(one_way a b duplicated) $all" "0 0 1000"
}

build
check_delay
check_loss
check_disorder
"$NETSIM" down -q
done_testing
