# needs: native tbf bridge veth netns
# limit: 200
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim verify and rates, on any kernel with tbf: the request is written into netsim's
# record, and the test itself shapes the ports. Who is slow is compared with a scratch
# link, and a busy machine makes nothing wrong.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # lib.sh's
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
		$'profile: p\npairs: [{from: n1, to: n2, rate: 8mbit}]\n' '{engine: "auto",
		applied: [{profile: "p", file: $file, text: $text}], faults: []}' >/run/netsim/rates.json
	shape 8mbit
}

# shape RATE: what n2 gets; inside NODE RATE: what a node sends
shape() {
	tc qdisc replace dev "$(port_of n2)" root tbf rate "$1" burst 15000 limit 150000
}

inside() {
	node_exec "$1" tc qdisc replace dev eth1 root tbf rate "$2" burst 3000 limit 30000
}

# row WHAT...: verdict of the pair's rate, and the reason
row() {
	jq -r '.rows[] | select(.what == "rate" and .node == "n1 > n2") | "\(.verdict): \(.why)"' <<<"$OUT"
}

counts() {
	jq -c '.counts' <<<"$OUT"
}

honest() {
	run "$NETSIM" verify --quick --json
	like "what is shaped as asked is not wrong" "$STATUS" '^[06]$'
	like "the row" "$(row)" '^(ok|unproved): '
	like "TCP is left out by --quick, and said to be" \
		"$(jq -r '.rows[] | select(.what == "tcp") | "\(.verdict): \(.why)"' <<<"$OUT")" \
		'^left out: TCP for 1 rate left out by --quick$'
	is "the counts agree with the rows" "$(counts)" "$(jq -c '[.rows[].verdict] as $v |
		[["passed", "ok"], ["failed", "failed"], ["unproved", "unproved"], ["left_out", "left out"]] |
		map(. as $p | {key: $p[0], value: ([$v[] | select(. == $p[1])] | length)}) | from_entries' <<<"$OUT")"
	run "$NETSIM" verify --json
	like "nor with TCP" "$STATUS" '^[06]$'
	like "which has no row of its own then" "$(jq -r '[.rows[].what] | join(" ")' <<<"$OUT")" '^[^t]*rate[^t]*$'
}

slowed() {
	inside n1 2mbit
	run "$NETSIM" verify --quick --json
	is "a sender that is slow inside its node is wrong" "$STATUS" 1
	like "and it is said where" "$(row)" \
		'^failed: n1 sends no more than .*, where this machine sends .*; inside n1, eth1 has a tbf'
	node_exec n1 tc qdisc delete dev eth1 root
	inside n3 2mbit
	run "$NETSIM" verify --quick --json
	like "another node's qdisc is none of this pair's business" "$STATUS" '^[06]$'
	node_exec n3 tc qdisc delete dev eth1 root
}

wrong() {
	shape 7mbit
	run "$NETSIM" verify --quick --json
	is "a rate an eighth too low" "$STATUS $(row)" "1 failed: "
	shape 9mbit
	run "$NETSIM" verify --quick --json
	is "or too high" "$STATUS $(row)" "1 failed: "
	shape 8mbit
}

# Two loops that take what they can.
busy() {
	local try loops=()
	for try in 1 2; do
		bg sh -c 'while :; do :; done'
		loops+=("$BG")
	done
	for try in 1 2 3; do
		run "$NETSIM" verify --quick --json
		like "beside busy loops nothing is wrong, $try" "$STATUS" '^[06]$'
	done
	inside n1 2mbit
	run "$NETSIM" verify --quick --json
	like "nor does what is slow pass" "$STATUS" '^[16]$'
	for try in "${loops[@]}"; do
		bg_end "$try"
	done
	node_exec n1 tc qdisc delete dev eth1 root
}

# More than any machine passes here: it is not the fleet's fault.
too_much() {
	sed -i 's/8mbit/900gbit/' /run/netsim/rates.json
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
