# needs: fq ifb bpf clsact bridge veth netns
# limit: 240
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ctrl-C and SIGTERM during verify, ping-matrix, iperf and measure: the results until then, with
# status 130, and nothing that was not measured.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../verify.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=stop

build() {
	cat >"$WORK/stop.yaml" <<-'EOT'
		fleet: stop
		networks: {lan: {}}
		nodes:
		  n[1-3]: {interfaces: {eth1: {network: lan, address: "10.44.0.{n}/24"}}}
	EOT
	cat >"$WORK/slow.yaml" <<-'EOT'
		profile: slow
		default: {rate: 20mbit, rtt: 40ms}
	EOT
	printf 'profile: far\ndefault: {rate: 20mbit, rtt: 40s}\n' >"$WORK/far.yaml"
	check "up" "$NETSIM" up "$WORK/stop.yaml"
	check "apply" "$NETSIM" apply --engine edt "$WORK/slow.yaml"
}

# to NODE: the counter of packets that its port has sent to it; bytes_to: of bytes; from NODE: of
# packets that it has sent
to() {
	echo "/sys/class/net/$(port_of "$1")/statistics/tx_packets"
}

bytes_to() {
	echo "/sys/class/net/$(port_of "$1")/statistics/tx_bytes"
}

from() {
	echo "/sys/class/net/$(port_of "$1")/statistics/rx_packets"
}

# interrupt_at FUNCTION NODE COUNT SIGNAL COMMAND...: signals it when so much has been counted, which
# is looked at often, and without a process. Its output is in OUT, its messages in ERR.
interrupt_at() {
	local counter before now
	counter=$("$1" "$2")
	read -r before <"$counter"
	setsid "${@:5}" >"$WORK/out" 2>"$WORK/err" </dev/null &
	BG=$!
	now=$before
	while ((now - before < $3)) && kill -0 "$BG" 2>/dev/null; do
		read -rt 0.02 -u "$SILENT"
		read -r now <"$counter"
	done
	kill "-$4" "$BG"
	# A signal before the command is prepared for it is ignored: it began in the background.
	until wait_for 10 ended "$BG"; do
		kill "-$4" "$BG"
	done
	STATUS=0
	wait "$BG" || STATUS=$?
	OUT=$(<"$WORK/out")
	ERR=$(<"$WORK/err")
}

# ended PID: the process is a zombie, or gone
ended() {
	local state
	! read -r _ _ state _ <"/proc/$1/stat" || [[ $state == Z ]]
}

reasons() {
	jq -r '[.rows[] | select(.verdict == "unproved" and .node == "'"$1"'") | "\(.what): \(.why)"] | sort | join(", ")' <<<"$OUT"
}

# No probe arrives before the signal: each takes 20 s. Two packets of n1 are its first probes, one to
# each of the others; it may have to resolve their addresses before. Twelve of a pair are enough for a
# verdict: if the signal was so late, all is repeated, three times at most.
verify_early() {
	"$NETSIM" apply -q --engine edt "$WORK/far.yaml"
	for _ in 1 2 3 4; do
		interrupt_at from n1 2 INT "$NETSIM" verify --json
		[[ $(jq .counts.passed <<<"$OUT") != 0 ]] || break
	done
	is "verify, at its first probes" "$STATUS $(jq .interrupted <<<"$OUT")" "130 true"
	is "says so" "$ERR" "netsim: interrupted: these are the results until then"
	is "nothing passes or fails" "$(jq -c '[.counts.passed, .counts.failed]' <<<"$OUT")" "[0,0]"
	is "what was asked is unproved" "$(reasons n1)" "conditions: interrupted before it was measured, rate down: interrupted before it was measured, rate up: interrupted before it was measured"
	is "and so are the pairs" "$(jq -r '[.rows[] | select(.node == "all") | "\(.what) \(.asked) \(.verdict)"] | sort | join(", ")' <<<"$OUT")" \
		"order 6 pairs unproved, reach 6 pairs unproved"
	"$NETSIM" apply -q --engine edt "$WORK/slow.yaml"
	# fq sends later packets of a flow after those that wait already.
	check "its probes leave the queues in the end" wait_for 25 drained
}

# drained: no packet waits at a port
drained() {
	! tc -s qdisc show | grep -q 'backlog [1-9]'
}

# 6 pairs, 2 of which lead to a node, each with a probe in 40 ms for 4 s: 200 packets.
verify_late() {
	interrupt_at to n2 60 TERM "$NETSIM" verify --json
	is "verify, by SIGTERM amid the delays" "$STATUS" 130
	is "what was measured is right" "$(verdicts ok)" "all order, all reach, n1 rtt, n2 rtt, n3 rtt"
	is "the rates are unproved" "$(verdicts unproved)" \
		"n1 rate down, n1 rate up, n2 rate down, n2 rate up, n3 rate down, n3 rate up"
	# A wrong link, in a measurement that is not repeated.
	"$NETSIM" partition -q n1 n3
	tc filter delete dev "$(port_of n3)" egress
	interrupt_at to n2 60 INT "$NETSIM" verify
	is "what failed once is no verdict" "$STATUS" 130
	like "but is shown" "$OUT" "not as asked, but interrupted before it was measured again"
	unlike "without one" "$OUT" " failed"
	"$NETSIM" heal -q
	"$NETSIM" apply -q --engine edt "$WORK/slow.yaml"
}

pings() {
	interrupt_at to n2 20 INT "$NETSIM" ping-matrix --json -c 1000 -i 50ms
	is "ping-matrix" "$STATUS $(jq -c '[.interrupted, .failed]' <<<"$OUT")" "130 [true,0]"
	is "each pair has the answers to what it sent" \
		"$(jq -c '[.pairs[] | select(.from != .to) | .result == "answered" and .sent < 1000 and .sent == .received] | all' <<<"$OUT")" true
	interrupt_at to n2 20 TERM "$NETSIM" ping-matrix -c 1000 -i 50ms
	like "as a table" "$STATUS $OUT" "^130 .*6 pairs: 6 answered"
}

throughput() {
	# n1 > n2 is first; n3 gets bytes when n1 > n3 is measured, for as long as it was.
	interrupt_at bytes_to n3 500000 INT "$NETSIM" iperf --matrix --json --time 2s
	is "iperf of all pairs" "$STATUS $(jq -c '[.interrupted, .failed]' <<<"$OUT")" "130 [true,0]"
	is "has the rates of the first and the second" "$(jq -c '[.results[] | "\(.from)\(.to) \(.rate_bps != null)"]' <<<"$OUT")" \
		'["n1n2 true","n1n3 true","n2n1 false","n2n3 false","n3n1 false","n3n2 false"]'
	like "and why there are no others" "$(jq -r '.results[2].error, .results[3].error' <<<"$OUT" | joined)" "interrupted"
	interrupt_at bytes_to n2 500000 INT "$NETSIM" iperf n1 n2 --time 60s --json
	is "iperf of a pair has the rate until then" \
		"$STATUS $(jq -c '[.results[] | .rate_bps > 0 and .sent_bps > 0 and .seconds > 0 and .seconds < 9]' <<<"$OUT")" \
		"130 [true]"
	interrupt_at bytes_to n2 500000 INT "$NETSIM" iperf n1 n2 --both --time 60s --json
	is "each direction has one" "$STATUS $(jq -c '[.results[] | "\(.from)\(.to) \(.rate_bps > 0 and .sent_bps > 0)"]' <<<"$OUT")" \
		'130 ["n1n2 true","n2n1 true"]'
	check "no process is left" not pgrep -x netsim-iperf
}

live() {
	local ping
	bg "$NETSIM" exec n1 -- ping -q -i 0.05 10.44.0.2
	ping=$BG
	interrupt_at to n2 20 INT "$NETSIM" measure --for 600s --json
	is "measure for a time" "$STATUS $(jq '.packets > 0' <<<"$OUT")" "130 true"
	interrupt_at to n2 20 INT "$NETSIM" measure --json
	is "which ends with Ctrl-C otherwise" "$STATUS" 0
	bg_end "$ping"
}

build
verify_early
verify_late
pings
throughput
live
check "down" "$NETSIM" down
done_testing
