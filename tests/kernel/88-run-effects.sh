# needs: bridge veth netns clsact bpf
# limit: 150
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run: each condition of a fault is proved by packets on which it acted, not by packets that
# crossed, nor by those that the profile lost or held up.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# scenario NAME WORKLOADS: the rest of the timeline is read from stdin. Without IPv6, only the
# workloads send, and ARP.
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: effects
		  networks: {lan: {}, other: {}}
		  nodes:
		    n[1-3]:
		      interfaces:
		        eth1: {network: lan, address: "10.9.4.{n}/24"}
		        eth2: {network: other, address: "10.9.5.{n}/24"}
		profile: $WORK/profile.yaml
		start: {$2}
		timeline:
		- off-1: exec n1 -- sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		- off-2: exec n2 -- sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		- off-3: exec n3 -- sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		- resolve: exec n1 -- ping -q -c 1 -w 10 10.9.4.2
		- quiet: {for: 1s}
	EOT
	cat >>"$WORK/$1.yaml"
}

# ran STATUS NAME: runs the scenario, with its output in OUT, and judges it again
ran() {
	scenario_ends "$1" "$2: exit status" "$WORK/$2.yaml" "$WORK/$2"
	check "$2: report judges the same" cmp <("$NETSIM" report --json "$WORK/$2") "$WORK/$2/verdict.json"
	# All of each line, of which the terminal has 100 columns.
	OUT=$(jq -r '.rows[].line' "$WORK/$2/verdict.json")
}

# line NAME TEXT: a line of the verdict
line() {
	like "$1" $'\n'"$OUT" $'\n'"$2"
}

losses() {
	echo 'default: {loss: 5%}' >"$WORK/profile.yaml"
	scenario losses 'pings: {node: n1, run: [ping, -q, -i, "0.01", 10.9.4.2]}' <<-'EOT'
		- none: fault "loss 0%" n1:n2
		  for: 1s
		- some: fault "loss 50%" n1:n2
		  for: 1s
		- part: fault "larger 40B loss 0%" n1:n2
		  for: 1s
		- both: fault "larger 40B" n1:n2
		  for: 1s
		- apart: fault "loss 100%" n1/eth2
		  for: 1s
	EOT
	ran 6 losses
	line "losses of the profile prove no fault" 'unproved: none: in effect: loss 0% on n1:n2: none of [1-9][0-9]* packets was affected'
	line "those of a fault do" 'ok: some: in effect: loss 50% on n1:n2: from [0-9.]+ s to [0-9.]+ s, [1-9][0-9]* of [1-9][0-9]+ packets'
	line "each condition must act" 'unproved: part: in effect: larger 40B loss 0% on n1:n2: loss 0, larger [1-9][0-9]* of [0-9]+ packets'
	line "a size" 'ok: both: in effect: larger 40B on n1:n2: .*, [1-9][0-9]* of [0-9]+ packets'
	line "traffic of another interface proves nothing" 'unproved: apart: in effect: loss 100% on n1/eth2: none of [1-9][0-9]+ packets was affected'
}

# One in the place of another has its targets, and ends it.
replaced() {
	echo 'default: {loss: 0%}' >"$WORK/profile.yaml"
	scenario replaced 'pings: {node: n1, run: [ping, -q, -i, "0.01", 10.9.4.2]}' <<-'EOT'
		- first: fault --name wan "loss 100%" n1:n2
		- waits: {for: 1s}
		- second: fault --name wan "larger 40B"
		  for: 1s
		- third: fault --name wan "loss 50%" n1:n2
		  for: 1s
	EOT
	ran 0 replaced
	line "the first acts until the second begins" 'ok: first: in effect: loss 100% on n1:n2: from [0-9.]+ s to [0-9.]+ s, [1-9][0-9]* of [0-9]+ packets'
	line "the second where the first did" 'ok: second: in effect: larger 40B on n1:n2: from [0-9.]+ s to [0-9.]+ s, [1-9][0-9]* of [0-9]+ packets'
	line "the third replaces none" 'ok: third: in effect: loss 50% on n1:n2: from'
	fails_with 6 "beside a run with faults without effect" "$NETSIM" report "$WORK/replaced" "$WORK/losses"
	like "those are said" "$OUT" $'\n'"b: unproved: none: in effect: loss 0% on n1:n2: none of "
	unlike "not the others" "$OUT" $'\n'"(a: |b: ok)[^/]*in effect"
	run "$NETSIM" report --json "$WORK/replaced" "$WORK/losses"
	is "as JSON, too" "$(jq -c '[(.a_others | length), (.b_others | length)]' <<<"$OUT")" "[0,3]"
}

delays() {
	echo 'default: {delay: 2ms}' >"$WORK/profile.yaml"
	scenario delays 'pings: {node: n1, run: [ping, -q, -i, "0.05", 10.9.4.2]}' <<-'EOT'
		- slow: fault "delay 50ms" n1:n2
		  for: 1s
		- varied: fault "jitter 1ms" n1/eth1
		  for: 1s
		- slots: fault "slot 20ms" n1:n2
		  for: 1s
		- apart: fault "delay 50ms" n1/eth2
		  for: 1s
		- silent: fault "delay 50ms" n1:n3
		  for: 1s
	EOT
	ran 6 delays
	line "a delay is proved by packets that it postponed" 'ok: slow: in effect: delay 50ms on n1:n2: from .*, [1-9][0-9]* of [0-9]+ packets'
	line "a jitter by those whose delay it varied" 'ok: varied: in effect: jitter 1ms on n1/eth1: from .*, [1-9][0-9]* of [0-9]+ packets'
	line "slots by those that waited" 'ok: slots: in effect: slot 20ms on n1:n2: from .*, [1-9][0-9]* of [0-9]+ packets'
	line "traffic of another interface proves nothing" 'unproved: apart: in effect: delay 50ms on n1/eth2: none of [1-9][0-9]+ packets was affected'
	line "nor does no traffic" 'unproved: silent: in effect: delay 50ms on n1:n3: no packet reached it'
}

# Pings of 8000 bytes are six packets at once; small ones wait for no other.
rates() {
	echo 'default: {rtt: 4ms, jitter: 1ms, rate: 100mbit}' >"$WORK/profile.yaml"
	scenario rates 'large: {node: n1, run: [ping, -q, -i, "0.1", -s, "8000", 10.9.4.2]},
		small: {node: n1, run: [ping, -q, -i, "0.1", 10.9.4.3]}' <<-'EOT'
		- narrow: fault "rate 10mbit" n1:n2
		  for: 2s
		  expect: ["loss n1:n2 <= 0%"]
		- idle: fault "rate 1gbit" n1:n3
		  for: 2s
		- wide: fault "rate 1gbit" n1:n2
		  for: 2s
		- both: fault "rate 10mbit delay 10ms" n1:n3
		  for: 2s
	EOT
	ran 6 rates
	line "a rate is proved by packets that waited" 'ok: narrow: in effect: rate 10mbit on n1:n2: from .*, [1-9][0-9]* of [0-9]+ packets'
	line "without a drop" 'ok: narrow: loss n1:n2 <= 0%: 0'
	line "not by packets that crossed" 'unproved: idle: in effect: rate 1gbit on n1:n3: none of [1-9][0-9]* packets was affected'
	line "nor by waiting for a slower link of the profile" 'unproved: wide: in effect: rate 1gbit on n1:n2: none of [1-9][0-9]* packets was affected'
	line "with a delay, it must still act" 'unproved: both: in effect: rate 10mbit delay 10ms on n1:n3: rate 0, delay [1-9][0-9]* of [0-9]+ packets'
}

# Faults that only change a quality of the profile's conditions.
qualities() {
	echo 'default: {delay: 20ms, jitter: 8ms, rate: 10mbit, queue: 1s}' >"$WORK/profile.yaml"
	scenario qualities 'pings: {node: n1, run: [ping, -q, -i, "0.01", 10.9.4.2]},
		large: {node: n1, run: [ping, -q, -i, "0.1", -s, "30000", 10.9.4.2]}' <<-'EOT'
		- ordered: fault "reorder 0%" n1/eth1
		  for: 2s
		- mixed: fault "delay 5ms reorder 50%" n1/eth1
		  for: 2s
		- allowed: fault "reorder allowed" n1/eth1
		  for: 2s
		- shaped: fault "distribution normal" n1/eth1
		  for: 2s
		- short: fault "queue 5ms" n1/eth1
		  for: 2s
		- long: fault "queue 10s" n1/eth1
		  for: 2s
		- silent: fault "distribution normal" n1/eth2
		  for: 2s
	EOT
	ran 6 qualities
	line "packets that did overtake" 'ok: mixed: in effect: delay 5ms reorder 50% on n1/eth1: from .*, delay [1-9][0-9]*, reorder'
	line "none" 'unproved: ordered: in effect: reorder 0% on n1/eth1: none of [1-9][0-9]+ packets was affected'
	line "that were allowed to" 'ok: allowed: in effect: reorder allowed on n1/eth1: from .*, [1-9][0-9]* of [0-9]+ packets'
	line "a jitter of another shape" 'ok: shaped: in effect: distribution normal on n1/eth1: from .*, [1-9][0-9]* of [0-9]+ packets'
	line "a queue that was full" 'ok: short: in effect: queue 5ms on n1/eth1: from .*, [1-9][0-9]* of [0-9]+ packets'
	line "one that was not" 'unproved: long: in effect: queue 10s on n1/eth1: none of [1-9][0-9]+ packets was affected'
	line "not by packets of another interface" 'unproved: silent: in effect: distribution normal on n1/eth2: none of [1-9][0-9]+ packets was affected'
}

elsewhere || {
	losses
	replaced
}
# Delays and rates need fq.
if unshare -n sh -c "tc qdisc add dev lo root fq" 2>/dev/null; then
	delays
	rates
	qualities
else
	skip "delays and rates" "this kernel has no sch_fq"
fi
is "no node is left" "$(ls /run/netns)" ""
done_testing
