# needs: native bridge veth netns tap clsact bpf iperf3
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim iperf and ping-matrix on a fleet that is not shaped.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=many

build() {
	cat >"$WORK/many.yaml" <<-'EOT'
		fleet: many
		networks: {lan: {address: 10.92.0.254/24}, six: {}, far: {}}
		nodes:
		  n[1-3]:
		    roles: [lan]
		    interfaces:
		      eth1: {network: lan, address: "10.92.0.{n}/24"}
		  m[1-2]:
		    interfaces:
		      eth1: {network: six, address: "fd00:92::{n}/64"}
		  apart:
		    interfaces:
		      eth1: {network: far, address: 10.92.0.9/24}
		  vm:
		    kind: tap
		    interfaces:
		      eth1: {network: lan, port: many-vm, mac: "52:54:00:12:34:01"}
	EOT
	check "up" "$NETSIM" up "$WORK/many.yaml"
}

# measure NAME ARGUMENT...: a second of iperf, as JSON in $OUT
measure() {
	local name=$1
	shift
	check "$name" "$NETSIM" iperf --time 1s --json "$@"
}

# of FILTER: applies FILTER to the JSON in $OUT; the result is on one line
of() {
	jq -r "$1" <<<"$OUT" | joined
}

# refused STATUS NAME REGEX ARGUMENT...: fails with a message of one line
refused() {
	local status=$1 name=$2 why=$3
	shift 3
	fails_with "$status" "$name" "$NETSIM" iperf --time 1s "$@"
	like "with the reason" "$ERR" "$why"
	one_line "in one line"
}

tcp() {
	measure "TCP" n1 n2
	is "has the documented keys" "$(of 'keys | join(",")')" "failed,fleet,interrupted,iperf,protocol,results,schema,seconds"
	is "as has a result" "$(of '.results[0] | keys | join(",")')" \
		"bytes,error,from,jitter_ms,loss_percent,rate_bps,retransmissions,rtt_ms,seconds,sent_bps,to"
	is "from and to" "$(of '.results[] | .from, .to')" "n1 n2"
	between "the rate" "$(of '.results[0].rate_bps / 1e6 | floor')" 100 1000000 mbit
	between "the round trip" "$(of '.results[0].rtt_ms.mean')" 0.001 50 ms
	is "iperf's reports are included" "$(of '.iperf[0] | .client.end.sum_sent.bytes > 0, .server.end.sum_received.bytes > 0')" \
		"true true"
	measure "--reverse and --parallel" n1 n2 --reverse --parallel 2
	is "reverses the direction" "$(of '.results[] | .from, .to')" "n2 n1"
	is "with two streams" "$(of '.iperf[0].client.end.streams | length')" 2
	is "with the sender's round trip" "$(of '.results[0].rtt_ms.mean > 0')" true
	measure "--both" n1 n2 --both
	is "gives two results" "$(of '.results[] | .from, .to, .rate_bps > 1e7')" "n1 n2 true n2 n1 true"
	for _ in 1 2 3 4 5 6; do
		measure "--rate, --mss, --congestion and --port" n1 n2 --rate 20mbit --mss 1000 \
			--congestion cubic --port 6000
		[[ $(of '.results[0].rate_bps > 18e6') != true ]] || break
	done
	between "are respected" "$(of '.results[0].rate_bps / 1e6')" 18 22 mbit
	is "by iperf" "$(of '.iperf[0].client | .end.sender_tcp_congestion, .start.connecting_to.port')" "cubic 6000"
	measure "IPv6, with an omitted second" m1 m2 --omit 1s
	between "passes" "$(of '.results[0].rate_bps / 1e6 | floor')" 100 1000000 mbit
	measure "to the host" n1 host
	measure "from the host" host n1
	between "passes, too" "$(of '.results[0].rate_bps / 1e6 | floor')" 100 1000000 mbit
	run "$NETSIM" iperf n1 n2 --time 1s
	like "as text" "$OUT" "^from +to +rate +sent +retransmissions +rtt .*"$'\n'"n1 +n2 +[0-9.]+ [gm]bit "
	is "stderr is empty" "$ERR" ""
}

udp() {
	for _ in 1 2 3 4 5 6; do
		measure "UDP" n1 n2 --udp --rate 10mbit
		[[ $(of '.results[0] | .rate_bps > 9e6 and .loss_percent < 5') != true ]] || break
	done
	between "at its rate" "$(of '.results[0].rate_bps / 1e6')" 9 11 mbit
	between "loses few packets" "$(of '.results[0].loss_percent')" 0 5 %
	is "has jitter, and no retransmissions" "$(of '.results[0] | .jitter_ms >= 0, .retransmissions')" "true null"
}

by_address() {
	node_bg n2 iperf3 -s -1 -p 5300
	measure "an iperf3 server started separately" n1 --address 10.92.0.2 --port 5300
	is "is named by its address" "$(of '.results[0] | .from, .to')" "n1 10.92.0.2"
	node_bg n2 iperf3 -s --forceflush -p 5301
	local server=$BG
	wait_for 5 written listening "$WORK/bg.$server"
	refused 1 "a port that is taken" "Address already in use.*--port" n1 n2 --port 5301
	bg_end "$server"
}

errors() {
	refused 2 "an unknown node" "no node n4" n1 n4
	refused 2 "a node and itself" "two nodes" n1 n1
	refused 2 "a node alone" "two nodes" n1
	refused 2 "three nodes" "unexpected argument.*--matrix" n1 n2 n3
	refused 2 "UDP without a rate" "needs --rate" n1 n2 --udp
	refused 2 "two directions" "exclude" n1 n2 --both --reverse
	refused 2 "half a second" "whole seconds" n1 n2 --time 500ms
	refused 2 "a port out of range" "65535" n1 n2 --port 65536
	refused 2 "an invalid number of streams" "a number from 1" n1 n2 --parallel x
	refused 1 "an unknown congestion control" "congestion" n1 n2 --congestion nonesuch
	refused 1 "no server" "Connection refused.*iperf3 -s" n1 --address 10.92.0.2 --port 5300
	refused 1 "no network in common" "no network in common" n1 m1
	refused 2 "a guest as the first" "another machine" vm n1
	refused 1 "a guest of unknown address" "not known.*--address" n1 vm
	refused 2 "an unknown interface" "eth7" n1 n2 --interface eth7
	"$NETSIM" partition -q n1
	refused 1 "a partition" "n1 > n2: a partition cuts them off" n1 n2
	refused 1 "in the other direction, too" "n2 > n1: a partition cuts them off" n2 n1
	"$NETSIM" heal -q
	cp "$NETSIM" "$WORK/netsim"
	if [[ -e /usr/local/libexec/netsim/netsim-iperf ]]; then
		skip "without the helper" "it is installed"
	else
		fails_with 5 "without the helper" "$WORK/netsim" iperf n1 n2
		like "says how to get it" "$ERR" "netsim-iperf is missing.*make install"
		run "$WORK/netsim" doctor
		like "and so does doctor" "$OUT" "iperf +no .*iperf: the program netsim-iperf is missing"
	fi
	run "$NETSIM" doctor
	like "doctor finds it" "$OUT" $'\n'"iperf +ok "
}

matrix() {
	"$NETSIM" partition -q --one-way n1 n3
	measure "a matrix" --matrix @lan
	is "of all pairs except those that are cut off" "$(of '.results[] | select(.error == null) | "\(.from)\(.to)"')" \
		"n1n2 n2n1 n2n3 n3n2"
	is "which report an error" "$(of '.results[] | select(.error != null) | "\(.from)\(.to)"')" "n1n3 n3n1"
	"$NETSIM" heal -q
	run "$NETSIM" iperf --time 1s --matrix n1 n2
	like "as text" "$OUT" "^mbit +n1 +n2"$'\n'"n1 +[.] +[0-9.]+"$'\n'"n2 +[0-9.]+ +[.]$"
}

# ended SIGNAL: the helpers end with netsim when it is killed by SIGNAL
ended() {
	bg "$NETSIM" iperf n1 n2 --time 60s
	wait_for 5 both_run "$BG"
	is "two helpers run" "$(ps -o comm= -g "$BG" | sort | joined)" "netsim netsim-iperf netsim-iperf"
	kill "-$1" "$BG"
	check "and end with netsim by SIG$1" wait_for 2 group_gone "$BG"
	wait "$BG" 2>/dev/null
}

both_run() {
	[[ $(ps -o comm= -g "$1" | grep -c netsim-iperf) -eq 2 ]]
}

# pings STATUS NAME ARGUMENT...: the JSON of ping-matrix in $OUT
pings() {
	local status=$1 name=$2
	shift 2
	fails_with "$status" "$name" "$NETSIM" ping-matrix --json --interval 20ms "$@"
}

# pairs RESULT: the pairs with this result
pairs() {
	of "[.pairs[] | select(.result == \"$1\") | \"\(.from)>\(.to)\"] | sort | .[]"
}

ping_matrix() {
	pings 0 "ping-matrix" n1 n2 n3
	is "reaches all nodes" "$(pairs answered)" "n1>n2 n1>n3 n2>n1 n2>n3 n3>n1 n3>n2"
	is "without a loss" "$(of '[.pairs[] | .sent == 10 and .received == 10] | all')" true
	between "in less than 100 ms" "$(of '[.pairs[].rtt_ms.max] | max')" 0.001 100 ms
	pings 0 "IPv6, and networks apart" m1 m2 apart n1
	is "pass, or are not tried" "$(pairs answered) / $(pairs none | wc -w)" "m1>m2 m2>m1 / 10"
	"$NETSIM" partition -q --one-way n1 n2
	pings 0 "a one-way partition" @lan host --count 3
	is "cuts the answers of both" "$(pairs cut)" "n1>n2 n2>n1"
	is "and of no other pair" "$(pairs answered | wc -w)" 10
	run "$NETSIM" ping-matrix @lan --count 2
	like "as text" "$OUT" $'\n'"n1 +[.] +x +[0-9.]+"$'\n'".*6 pairs: 4 answered, 2 cut off"
	tc filter delete dev "$(port_of n2)" egress
	pings 1 "a partition without its program" @lan
	is "is reported as leaking" "$(pairs leaked)" "n1>n2 n2>n1"
	"$NETSIM" heal -q
	ip link set "$(port_of n3)" down
	pings 0 "a pulled cable" @lan --count 2
	is "is reported as down" "$(pairs down)" "n1>n3 n2>n3 n3>n1 n3>n2"
	ip link set "$(port_of n3)" up
	node_exec n3 sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	pings 1 "a node that does not answer" @lan --count 2
	is "is reported as silent" "$(pairs silent)" "n1>n3 n2>n3"
	run "$NETSIM" ping-matrix -q @lan --count 1
	like "-q names them" "$OUT" "n1 > n3: no answer from 10.92.0.3"
	node_exec n3 sysctl -qw net.ipv4.icmp_echo_ignore_all=0
	fails_with 2 "an unknown node" "$NETSIM" ping-matrix n1 n4
	one_line "is one line"
	fails_with 2 "one node" "$NETSIM" ping-matrix n1
	one_line "is one line"
}

guests() {
	guest many-vm 52:54:00:12:34:01 10.92.0.10
	wait_for 5 ping -q -c 1 -W 1 10.92.0.10
	pings 0 "a guest" n1 vm host
	is "answers, but does not ping" "$(pairs answered)" "host>n1 host>vm n1>host n1>vm"
	bg_end "$BG"
}

build
tcp
udp
by_address
errors
matrix
ended KILL
ended TERM
ping_matrix
guests
check "down" "$NETSIM" down
fails_with 2 "without a fleet" "$NETSIM" iperf n1 n2
fails_with 2 "neither pings" "$NETSIM" ping-matrix
done_testing
