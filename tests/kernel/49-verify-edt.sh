# needs: netem fq ifb bpf clsact bridge veth netns
# limit: 600
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim verify with the edt engine: different pairs and classes pass, and changes made behind
# netsim's back are reported.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../verify.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=edt
NODES=(a-1 a-2 b-1 b-2 c-1)

build() {
	cat >"$WORK/edt.yaml" <<-'EOT'
		fleet: edt
		networks: {lan: {address: 10.49.0.254/24}}
		nodes:
		  a-[1-2]: {interfaces: {eth1: {network: lan, address: "10.49.0.1{n}/24"}}}
		  b-[1-2]: {interfaces: {eth1: {network: lan, address: "10.49.0.2{n}/24"}}}
		  c-1:     {interfaces: {eth1: {network: lan, address: "10.49.0.31/24"}}}
	EOT
	check "up" "$NETSIM" up "$WORK/edt.yaml"
}

# pairs NODE...: all directed pairs of these, no two alike in delay, loss or rate
pairs() {
	local from to i=0
	printf 'profile: pairs\npairs:\n'
	for from; do
		for to; do
			[[ $from != "$to" ]] || continue
			i=$((i + 1))
			echo "  - {from: $from, to: $to, delay: $((5 + 3 * i))ms," \
				"loss: $((i % 10)).$((1 + i / 2 % 10))%, rate: $((2000 + 250 * i))kbit}"
		done
	done
}

# names NAME REGEX NODE...: verify fails; all rows that fail are of nodes that match REGEX, and
# each NODE has one, on a busy machine after further runs for those that have none
names() {
	local nodes="" others missing only=()
	for _ in 1 2 3 4 5; do
		run "$NETSIM" verify --json --quick "${only[@]}"
		nodes=$(jq -r '.rows[] | select(.verdict == "failed") | .node' <<<"$OUT")
		others=$(grep -vE "$2" <<<"$nodes" | sort -u)
		missing=$(for node in "${@:3}"; do grep -q "$node" <<<"$nodes" || echo "$node"; done)
		[[ -z $others && -n $missing ]] || break
		only=(--nodes "$(paste -sd , <<<"$missing")")
	done
	is "$1" "$STATUS $others $missing" "1  "
}

# row NODE WHAT: asked, measured, verdict and why
row() {
	jq -r --arg n "$1" --arg w "$2" '.rows[] | select(.node == $n and .what == $w) |
		"\(.asked); \(.measured); \(.verdict); \(.why)"' <<<"$OUT"
}

ifindex() {
	cat "/sys/class/net/$(port_of "$1")/ifindex"
}

program() {
	tc filter show dev "$(port_of a-1)" egress | sed -n 's/.* id \([0-9]*\).*/\1/p' | head -n 1
}

# meddle_pair FROM TO WHAT NUMBER
meddle_pair() {
	"$HELPERS/meddle" "$(program)" pair "$(ifindex "$1")" "$(ifindex "$2")" "$3" "$4"
}

all_different() {
	local nodes=(a-1 a-2 b-1 c-1) count
	if thorough "twenty pairs in place of twelve"; then
		nodes=("${NODES[@]}")
	fi
	count=$((${#nodes[@]} * (${#nodes[@]} - 1)))
	pairs "${nodes[@]}" >"$WORK/pairs.yaml"
	check "a profile of pairs" "$NETSIM" apply -q "$WORK/pairs.yaml"
	all_right "pairs that are all different" --quick
	is "three rows each" "$(jq -r '[.rows[] | select(.node | test(">")) | .what] | group_by(.) |
		map("\(length) \(.[0])") | join(", ")' <<<"$OUT")" "$count delay, $count loss, $count rate"
	meddle_pair a-2 b-1 rate $((6000000 / 8))
	meddle_pair b-1 a-1 delay 5000000
	meddle_pair c-1 a-1 loss $((1 << 30))
	found "one value of each of three pairs" "a-2 > b-1 rate, b-1 > a-1 delay, c-1 > a-1 loss"
}

traffic() {
	cat >"$WORK/traffic.yaml" <<-'EOT'
		profile: traffic
		default: {delay: 10ms}
		pairs:
		  - {between: [a-1, b-1], delay: 30ms}
		classes:
		  iscsi: {rate: 4mbit}
		  flannel: {rate: 5mbit, overhead: 40B atm, delay: 5ms}
		  etcd-peer: {loss: 20%}
	EOT
	check "classes" "$NETSIM" apply -q "$WORK/traffic.yaml"
	all_right "each with a separate rate" --quick
	like "measured by UDP" "$(jq -r '.rows[] | select(.node | test("flannel$")) | "\(.what) \(.asked)"' <<<"$OUT")" \
		"rate 5.00 mbit"
	like "measured by TCP" "$(jq -r '.rows[] | select(.node | test("iscsi$")) | "\(.what) \(.measured)"' <<<"$OUT")" \
		"rate tcp [0-9]"
	like "other pairs are left out" "$(row "all iscsi" rate)" "left out; [0-9]+ more pairs left out by --quick"
	is "pairs are counted once" "$(row all reach)" "30 pairs; all pass; ok; "
	like "a class that loses" "$(jq -r '.rows[] | select(.node | test("etcd-peer$")) | .what' <<<"$OUT")" loss
}

# Changes behind netsim's back, with delays of pairs and of links.
lies() {
	printf 'profile: p\ndefault: {delay: 8ms}\npairs: [{from: a-1, to: c-1, delay: 20ms}]\n' >"$WORK/p.yaml"
	"$NETSIM" apply -q "$WORK/p.yaml"
	tc filter delete dev "$(port_of b-1)" egress
	tc qdisc delete dev "$(port_of a-2)" root
	names "no program at a port, no qdisc that holds packets at another" "(^|> )(b-1|a-2)$" b-1 a-2
	"$NETSIM" apply -q "$WORK/p.yaml"
	ip link delete "$(ip -o link show type ifb | sed -n 's/^[0-9]*: \([^:@]*\).*/\1/p' | head -n 1)"
	names "no IFB that holds packets to the host" "(^|> )host$" host
	"$NETSIM" apply -q "$WORK/p.yaml"
}

faults() {
	check "a fault of a pair" "$NETSIM" fault -q 'delay 60ms' a-2:b-2
	"$NETSIM" fault -q --for 4s 'delay 40ms' b-1:c-1
	all_right "and one that ends during the measurement" --quick
	like "has its row" "$(row "a-2 > b-2" delay)" "^76[.][0-9] ms; .*; ok"
	"$NETSIM" heal -q
}

traces() {
	printf 'time rate delay\n0s 20mbit 10ms\n1s 10mbit 20ms\n2s\n' >"$WORK/t.trace"
	cat >"$WORK/trace.yaml" <<-'EOT'
		profile: trace
		nodes: {a-1: {trace: t.trace}}
		pairs: [{from: b-1, to: b-2, trace: t.trace}]
	EOT
	check "traces" "$NETSIM" apply -q "$WORK/trace.yaml"
	all_right "conditions that they vary are left out" --quick
	is "with the reason, for a node" "$(row a-1 conditions)" "; ; unproved; a trace varies them"
	is "and for a pair" "$(row "b-1 > b-2" conditions)" "; ; unproved; a trace varies them"
}

shipped() {
	"$NETSIM" apply -q --engine edt lossy
	all_right "lossy" --quick
}

# A sender that is slow inside its node, at a rate of a pair.
inside() {
	printf 'profile: p\npairs: [{from: a-1, to: c-1, rate: 8mbit}]\n' >"$WORK/p.yaml"
	"$NETSIM" apply -q "$WORK/p.yaml"
	node_exec a-1 tc qdisc add dev eth1 root tbf rate 2mbit burst 3000 limit 30000
	found "a sender that is slow inside its node" "a-1 > c-1 rate"
	like "and where" "$(row "a-1 > c-1" rate)" \
		"a-1 sends no more than .* this machine sends .*inside a-1, eth1 has a tbf"
	node_exec a-1 tc qdisc delete dev eth1 root
}

# The queue of one port is gone: its delay is missing, however late timers are.
missing() {
	printf 'profile: p\ndefault: {rtt: 5ms}\n' >"$WORK/p.yaml"
	"$NETSIM" apply -q --engine edt "$WORK/p.yaml"
	tc qdisc delete dev "$(port_of a-2)" root
	names "a delay that is missing" a-2 a-2
	"$NETSIM" apply -q --engine edt "$WORK/p.yaml"
}

build
all_different
inside
thorough "a missing delay" && missing
traffic
lies
thorough "a fault that ends during the measurement" && faults
thorough "traces" && traces
thorough "losses of the profile lossy" && shipped
check "down" "$NETSIM" down
done_testing
