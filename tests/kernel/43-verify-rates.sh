# needs: native tbf bridge veth netns
# limit: 200
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim verify, rates and peaks, on any kernel with tbf: the test writes the request into netsim's
# record and shapes the ports. Senders are compared with a scratch link, and nothing fails
# because the machine is busy.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=rates

build() {
	cat >"$WORK/rates.yaml" <<-'EOT'
		fleet: rates
		networks: {lan: {}}
		nodes:
		  n[1-3]: {interfaces: {eth1: {network: lan, address: "10.43.0.{n}/24"}}}
	EOT
	check "up" "$NETSIM" up "$WORK/rates.yaml"
	mkdir -p /run/netsim
	jq -n --arg file "$WORK/p.yaml" --arg text \
		$'profile: p\npairs: [{from: n1, to: n2, rate: 8mbit, burst: 100kB, peak: 24mbit}]\n' '{engine: "auto",
		applied: [{profile: "p", file: $file, text: $text}], faults: []}' >/run/netsim/rates.json
	shape 8mbit
}

# shape RATE [PEAK]: towards n2; inside NODE RATE: a qdisc inside the sender
shape() {
	# shellcheck disable=SC2046 # words
	tc qdisc replace dev "$(port_of n2)" root tbf rate "$1" burst 100000 limit 150000 \
		$([[ ${2:-24mbit} == none ]] || echo peakrate "${2:-24mbit}" mtu 4500)
}

inside() {
	node_exec "$1" tc qdisc replace dev eth1 root tbf rate "$2" burst 3000 limit 30000
}

# row [WHAT]: the verdict of the pair's rate or peak, and the reason
row() {
	jq -r --arg what "${1:-rate}" '.rows[] | select(.what == $what and .node == "n1 > n2") | "\(.verdict): \(.why)"' <<<"$OUT"
}

# until_row REGEX: verifies until the row matches; on a busy machine it may be unproved at times
until_row() {
	for _ in 1 2 3 4 5; do
		run "$NETSIM" verify --quick --json
		[[ ! $(row) =~ $1 ]] || break
	done
}

counts() {
	jq -c '.counts' <<<"$OUT"
}

honest() {
	until_row '^ok: '
	like "a link that is shaped as requested does not fail" "$STATUS" '^[06]$'
	like "its row" "$(row)" '^(ok|unproved): '
	like "and that of its peak" "$(row peak)" '^(ok|unproved): '
	# TCP is measured only if the rate of UDP is right.
	if [[ $(row) == ok:* ]]; then
		is "--quick reports that TCP is left out" \
			"$(jq -r '.rows[] | select(.what == "tcp") | "\(.verdict): \(.why)"' <<<"$OUT")" \
			'left out: TCP for 1 rate left out by --quick'
	else
		skip "--quick reports that TCP is left out" "this machine is too busy"
	fi
	is "the counts agree with the rows" "$(counts)" "$(jq -c '[.rows[].verdict] as $v |
		[["passed", "ok"], ["failed", "failed"], ["unproved", "unproved"], ["left_out", "left out"]] |
		map(. as $p | {key: $p[0], value: ([$v[] | select(. == $p[1])] | length)}) | from_entries' <<<"$OUT")"
	run "$NETSIM" verify --json
	like "nor does it with TCP" "$STATUS" '^[06]$'
	like "which has no separate row then" "$(jq -r '[.rows[].what] | join(" ")' <<<"$OUT")" '^[^t]*rate[^t]*$'
}

slowed() {
	inside n1 2mbit
	until_row '^failed: '
	is "a sender that is slow inside its node fails" "$STATUS" 1
	like "with the place" "$(row)" \
		'^failed: n1 sends no more than .*, where this machine sends .*; inside n1, eth1 has a tbf'
	node_exec n1 tc qdisc delete dev eth1 root
	inside n3 2mbit
	run "$NETSIM" verify --quick --json
	like "a qdisc of another node does not matter" "$STATUS" '^[06]$'
	node_exec n3 tc qdisc delete dev eth1 root
}

wrong() {
	shape 7mbit
	until_row '^failed: '
	is "a rate an eighth too low" "$STATUS $(row)" "1 failed: "
	like "says nothing about the peak" "$(row peak)" '^(ok|unproved): '
	shape 9mbit none
	until_row '^failed: '
	is "or too high" "$STATUS $(row)" "1 failed: "
	is "and a burst that leaves at once" "$(row peak)" "failed: "
	shape 8mbit
}

# Two loops that keep the processors busy.
busy() {
	local try loops=()
	for try in 1 2; do
		bg sh -c 'while :; do :; done'
		loops+=("$BG")
	done
	for try in 1 2 3; do
		run "$NETSIM" verify --quick --json
		like "beside busy loops nothing fails, $try" "$STATUS" '^[06]$'
	done
	inside n1 2mbit
	run "$NETSIM" verify --quick --json
	like "nor does a slow sender pass" "$STATUS" '^[16]$'
	for try in "${loops[@]}"; do
		bg_end "$try"
	done
	node_exec n1 tc qdisc delete dev eth1 root
}

# A rate that this machine cannot send is not the fault of the fleet.
too_much() {
	sed -i 's/8mbit.*24mbit/900gbit/' /run/netsim/rates.json
	tc qdisc delete dev "$(port_of n2)" root
	fails_with 6 "a rate that this machine cannot send" "$NETSIM" verify --quick --json
	like "is unproved" "$(row)" '^unproved: this machine cannot send more than'
	fails_with 0 "unless that is accepted" "$NETSIM" verify --quick --accept-unmeasured
	like "and counted" "${OUT##*$'\n'}" ' 1 unproved'
}

build
honest
slowed
wrong
busy
too_much
check "down" "$NETSIM" down
done_testing
