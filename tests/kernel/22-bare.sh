# needs: netem ifb mirred veth netns iperf3 ethtool
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim apply on an interface, without a fleet: the machine is the node.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

HOST=10.0.0.2
P=$WORK/p.yaml

# eth1 here, with its peer in a namespace.
build() {
	ip netns add world
	ip link add eth1 type veth peer name eth1 netns world
	ip addr add 10.0.0.1/24 dev eth1
	ip link set eth1 up
	ip -netns world addr add 10.0.0.2/24 dev eth1
	ip -netns world link set eth1 up
	printf '%s\n' 'profile: p' 'default: {delay: 1ms}' 'nodes:' '  n100-1: {delay: 11ms}' \
		'  jetson-1: {up: {rate: 5mbit, delay: 10ms}, down: {rate: 20mbit, delay: 20ms}}' >"$P"
}

# Offloads of eth1, which clear must restore.
offloads() {
	ethtool -k eth1 | grep -E 'offload|segmentation'
}

# rate NAME MBIT [OPTION]...: TCP from here to the world has this rate
rate() {
	measured_rate "$1" "$(($2 * 84))e-2" "$(($2 * 104))e-2" to_world "${@:3}"
}

# to_world [OPTION]...: "MEAN BEST", the rate of TCP and that of its best half second
to_world() {
	local receiver=$WORK/client
	bg ip netns exec world iperf3 -s -1 --forceflush -i 0.5 -f m
	wait_for 5 written listening "$WORK/bg.$BG"
	iperf3 -c $HOST -C cubic -t 2 -O 1 -i 0.5 -f m "$@" >"$WORK/client"
	bg_end "$BG"
	[[ " $* " == *" -R "* ]] || receiver=$WORK/bg.$BG
	awk '/ receiver/ && FNR != NR { mean = $7 }
		FNR == NR && $8 == "Mbits/sec" && !/receiver|sender|omitted/ && $7 > best { best = $7 }
		END { print mean, best }' "$receiver" "$WORK/client"
}

shaped() {
	check "apply --as" "$NETSIM" apply "$P" eth1 --as jetson-1
	measured_between "rtt" 30 34 ms rtt_of host $HOST
	rate "egress is up" 5
	rate "ingress is down" 20 -R
	is "delays on the interface and on its IFB" "$(tc qdisc show | grep -oE 'netem .* delay [0-9.]+ms' | sed 's/.* //' | joined)" "10ms 20ms"
	fails_with 2 "verify has no fleet" "$NETSIM" verify
	like "says what there is" "$ERR" "no fleet is up; eth1 is shaped without one, which only apply, clear and status know"
	run "$NETSIM" status
	like "status shows both" "$OUT" "eth1: up 5mbit delay 10ms, down 20mbit delay 20ms"
	# unshare, so that the machine keeps its hostname.
	check "apply by the host's name" unshare -u sh -c "hostname n100-1 && exec '$NETSIM' apply '$P' eth1"
	measured_between "takes its entry" 22 26 ms rtt_of host $HOST
	check "apply by a hostname without an entry" unshare -u sh -c "hostname else && exec '$NETSIM' apply '$P' eth1"
	measured_between "takes the default" 2 6 ms rtt_of host $HOST
}

cleared() {
	check "clear" "$NETSIM" clear eth1
	is "everything is as it was" "$(dump; ip -br link; offloads)" "$BEFORE"
	is "no filter is left" "$(tc filter show dev eth1 ingress)" ""
	measured_between "no delay either" 0 2 ms rtt_of host $HOST
	check "clear of an interface that is not shaped" "$NETSIM" clear eth1
	"$NETSIM" apply -q constrained eth1 --as n100-3
	check "clear of all interfaces" "$NETSIM" clear
	is "everything is as it was" "$(dump; ip -br link; offloads)" "$BEFORE"
}

refused() {
	fails_with 2 "lo" "$NETSIM" apply "$P" lo
	like "is named" "$ERR" "lo cannot be shaped"
	fails_with 2 "an unknown interface" "$NETSIM" apply "$P" eth7
	fails_with 2 "no interface" "$NETSIM" apply "$P"
	fails_with 0 "apply --dry-run" "$NETSIM" apply -n "$P" eth1
	is "change nothing" "$(dump; ip -br link; offloads)" "$BEFORE"
	tc qdisc replace dev eth1 root pfifo limit 7
	tc qdisc add dev eth1 clsact
	tc filter add dev eth1 ingress protocol ip prio 7 matchall action continue
	BEFORE=$(dump; ip -br link; offloads; tc filter show dev eth1 ingress)
	fails_with 4 "a foreign root qdisc" "$NETSIM" apply "$P" eth1
	like "is named" "$ERR" "eth1 .*pfifo"
	is "and stays" "$(dump; ip -br link; offloads; tc filter show dev eth1 ingress)" "$BEFORE"
	tc qdisc delete dev eth1 root
	BEFORE=$(dump; ip -br link; offloads; tc filter show dev eth1 ingress)
	check "apply beside a foreign filter" "$NETSIM" apply "$P" eth1 --as n100-1
	measured_between "shapes" 22 26 ms rtt_of host $HOST
	check "clear" "$NETSIM" clear eth1
	is "leaves the foreign filter" "$(dump; ip -br link; offloads; tc filter show dev eth1 ingress)" "$BEFORE"
}

build
BEFORE=$(dump; ip -br link; offloads)
shaped
cleared
refused
ip netns delete world
# Deleted with its peer, asynchronously.
wait_for 5 not ip link show eth1
done_testing
