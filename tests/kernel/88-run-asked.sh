# needs: bridge veth netns clsact bpf jq
# limit: 150
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run: what was asked of the network beside what was measured while it ran, in verdict.json:
# losses by the counters, round trips by pings, rates by the bytes that passed; what was not
# measured says so. And --verify, before the timeline.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# scenario NAME PROFILE: the start and the timeline are read from stdin
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: asked
		  networks: {lan: {}}
		  nodes:
		    n[1-3]: {interfaces: {eth1: {network: lan, address: "10.9.4.{n}/24"}}}
		profile: {profile: base, $2}
	EOT
	cat >>"$WORK/$1.yaml"
}

# ran STATUS NAME [OPTION...]: again, if a late machine left the phase $PHASE out of what was asked
ran() {
	VERDICT=$WORK/$2/verdict.json
	for _ in 1 2 3 4; do
		run_scenario "$1" "$WORK/$2.yaml" "$WORK/$2" "${@:3}"
		[[ $(of 'select(.phase == env.PHASE) | true') == "[]" ]] || break
	done
	is "$2: exit status" "$STATUS" "$1"
	check "$2: report says the same" cmp <("$NETSIM" report --json "$WORK/$2") "$VERDICT"
}

# of FILTER: of the list of what was asked
of() {
	jq -c "[.asked[] | $1]" "$VERDICT"
}

losses() {
	scenario losses 'engine: edt, default: {loss: 2%}' <<-'EOT'
		start:
		  pings: {node: n1, run: [ping, -q, -i, "0.004", 10.9.4.2]}
		timeline:
		- quiet: {for: 3s}
		- some: fault "loss 20%" n1:n2
		  for: 3s
		  repeat: 2, 1s apart
		- short: fault "loss 30%" n1:n2
		  for: 500ms
		- over: fault "loss 40%" n1:n2 --for 1s
		  for: 3s
		- cut: partition n1
		  for: 2s
		- after: {for: 2s}
	EOT
	PHASE=some ran 0 losses --verify
	is "the losses asked of a pair, which include those of both links" \
		"$(of 'select(.from == "n1" and .to == "n2") | [.phase, .what, .asked_shows]')" \
		'[["quiet","loss","3.96 %"],["some","loss","23.2 %"],["after","loss","3.96 %"]]'
	is "are within the bounds of what was measured" \
		"$(of 'select(.value != null) | .low <= .asked and .asked <= .high and .low <= .value and .value <= .high') " \
		"$(of 'select(.value != null) | true') "
	is "which are those of the packets counted" \
		"$(of 'select(.phase == "some" and .from == "n1" and .to == "n2") | .count > 100 and .high - .low < 0.3')" '[true]'
	is "with too few packets, nothing is" \
		"$(of 'select(.from == "n2" and .to == "n3") | [.value, (.why | test("^only [0-9]+ packets? came$"))]' | jq -c unique)" \
		"$(of 'select(.from == "n2" and .to == "n3") | [null, true]' | jq -c unique)"
	# On a busy machine, one may be unproved.
	is "a verification comes first" \
		"$(jq -c '[.verified[] | select(.what == "loss") | [.result != "not as asked", .subject, .asked]]' "$VERDICT")" \
		'[[true,"n1","2 %"],[true,"n2","2 %"],[true,"n3","2 %"]]'
	is "and is a row of the verdict" \
		"$(jq -r '.rows[] | select(.text | startswith("network as asked")).result' "$VERDICT")" ok
	run "$NETSIM" report --json "$WORK/losses" "$WORK/losses"
	is "two runs side by side have it" \
		"$(jq -c '[.asked[] | select(.from == "n1" and .to == "n2" and .phase == "some") | [.what, .a.asked_shows, .a == .b]]' <<<"$OUT")" \
		'[["loss","23.2 %",true]]'
	run "$NETSIM" report -v "$WORK/losses" "$WORK/losses"
	like "as a table, too" "$OUT" $'\n'"some +n1 > n2 +loss +23[.]2 % +[0-9.]+ %.* +23[.]2 % +[0-9.]+ %"
}

delays() {
	scenario delays 'default: {rtt: 10ms}, nodes: {n3: {rate: 4mbit}}' <<-'EOT'
		start:
		  server: {node: n3, run: [iperf3, -s], ready: {tcp: 5201}}
		  client: {node: n2, run: [iperf3, -c, 10.9.4.3, -u, -b, 20M, -t, "60"]}
		  back: {node: n3, run: [ping, -q, -i, "0.2", 10.9.4.2]}
		probes:
		  ping: {from: n1, ping: "{address}", nodes: n2, every: 50ms, timeout: 1s}
		timeline:
		- quiet: {for: 4s}
		- slow: fault "delay 60ms" n1:n2
		  for: 4s
	EOT
	# A machine that is late begins the second phase too late for anything to be asked of it.
	for _ in 1 2 3; do
		ran 0 delays
		[[ $(of 'select(.phase == "slow") | true') == "[]" ]] || break
	done
	is "a round trip is asked of both directions, and all hops" \
		"$(of 'select(.what == "rtt" and .from == "n1" and .to == "n2") | [.phase, .asked_shows]')" '[["quiet","20.0 ms"],["slow","80.0 ms"]]'
	is "and measured by pings" \
		"$(of 'select(.what == "rtt" and .from == "n1" and .to == "n2") | .count > 20 and .value >= .asked and .low >= .asked * 0.98 and .low < .asked + 2e7')" \
		'[true,true]'
	is "not without any" \
		"$(of 'select(.what == "rtt" and .from == "n2" and .to == "n3") | [.value, .why]' | jq -c unique)" \
		'[[null,"no ping and no probe of a port between the two was answered"]]'
	is "a rate that is used up" "$(of 'select(.phase == "slow" and .what == "rate" and .from == "n2" and .to == "n3") |
		.asked == 4e6 and .value > 3.6e6 and .value < 4.4e6' | jq -c unique)" '[true]'
	is "and one that is not" "$(of 'select(.phase == "slow" and .what == "rate" and .from == "n3" and .to == "n2") |
		[.value, (.why | test("^only [0-9.e-]+mbit were sent between the two$"))]' | jq -c unique)" '[[null,true]]'
}

# netem loses packets without counting them for each pair.
uncounted() {
	scenario uncounted 'engine: netem, default: {loss: 5%, delay: 2ms, rate: 1mbit}' <<-'EOT'
		start:
		  pings: {node: n1, run: [ping, -q, -i, "0.01", 10.9.4.2]}
		timeline:
		- quiet: {for: 2s}
	EOT
	ran 0 uncounted
	is "what netem loses and holds up is not known for a pair" \
		"$(of 'select(.what != "rtt" and .from == "n1" and .to == "n2") | [.what, .value, .why]')" \
		'[["loss",null,"netem does it, and does not count it for each pair"],["rate",null,"netem does it, and does not count it for each pair"]]'
}

elsewhere || losses
# Delays and rates need fq.
if unshare -n sh -c "tc qdisc add dev lo root fq" 2>/dev/null; then
	delays
else
	skip "delays and rates" "this kernel has no sch_fq"
fi
if unshare -n sh -c "tc qdisc add dev lo root netem delay 1ms" 2>/dev/null; then
	uncounted
else
	skip "losses of netem" "this kernel has no sch_netem"
fi
is "no node is left" "$(ls /run/netns)" ""
done_testing
