# needs: bridge veth netns clsact bpf
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim partition --matrix: exactly the directions of the file are cut, by counted arrivals, and
# by pings where both are.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=mx
NODES=(a b c d)
ALL=(a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 d=10.1.0.4 host=10.1.0.254)
FULL="a>b a>c a>d a>host b>a b>c b>d b>host c>a c>b c>d c>host d>a d>b d>c d>host host>a host>b host>c host>d"

cat >"$WORK/mx.yaml" <<-'EOF'
	fleet: mx
	networks: {lan: {address: 10.1.0.254/24}}
	nodes:
	  a: {roles: [server], interfaces: {eth1: {network: lan, address: 10.1.0.1/24}}}
	  b: {roles: [server], interfaces: {eth1: {network: lan, address: 10.1.0.2/24}}}
	  c: {roles: [agent], interfaces: {eth1: {network: lan, address: 10.1.0.3/24}}}
	  d: {roles: [agent], interfaces: {eth1: {network: lan, address: 10.1.0.4/24}}}
EOF

# matrix TEXT: writes the file
matrix() {
	printf '%s\n' "$1" >"$WORK/cuts.yaml"
}

# The reachability of the nodes that netsim status reports, in the format of reach
status_matrix() {
	"$NETSIM" status --json | jq -r '.fleets[0].nodes[] | "\(.name)>\(.reaches[])"' | LC_ALL=C sort | joined
}

# arrivals: "A>B" for each direction in which all of three pings arrive, and an error for one or two
arrivals() {
	local from to n=0 count
	for to in "${NODES[@]}"; do
		n=$((n + 1))
		for from in "${NODES[@]}"; do
			[[ $from != "$to" ]] || continue
			count=$(arrive "$from" "$to" "10.1.0.$n")
			[[ $count -eq 0 ]] || echo "$from>$to${count/#3/}"
		done
	done | LC_ALL=C sort | joined
}

# asked: how many ARP frames of a arrive at b while a looks for it
asked() {
	watch b eth1 "arp and ether src $(node_exec a ip -j link show eth1 | jq -r '.[0].address')"
	node_exec a ip neigh flush all
	node_exec a ping -n -q -c 2 -i 0.1 -W 0.2 10.1.0.2 >/dev/null
	frames "$BG"
}

both_ways() {
	matrix 'cut: {a: [b, c], b: a, c: [a, host], host: c}'
	check "check of the file" "$NETSIM" check "$WORK/cuts.yaml"
	is "names its kind" "$("$NETSIM" check -vj "$WORK/cuts.yaml" | jq -r .files[0].kind)" matrix
	check "a dry run" "$NETSIM" partition -n --matrix "$WORK/cuts.yaml"
	is "cuts nothing" "$(reach "${ALL[@]}" | LC_ALL=C sort | joined)" "$FULL"
	check "partition by a matrix" "$NETSIM" partition --matrix "$WORK/cuts.yaml" --name m --for 1h
	is "is described" "$OUT" "fault 1: matrix a -> b,c | b -> a | c -> a,host | host -> c, l2, for 3600 s"
	is "pings" "$(reach "${ALL[@]}" | LC_ALL=C sort | joined)" \
		"a>d a>host b>c b>d b>host c>b c>d d>a d>b d>c d>host host>a host>b host>d"
	is "status reports the same" "$(status_matrix)" "a>d b>c b>d c>b c>d d>a d>b d>c"
	is "and has every cut" "$("$NETSIM" status -j | jq -c '.fleets[0].faults[0] | [.name, .l2, (.cuts | map([.from, .to]))]')" \
		'["m",true,[[["a"],["b","c"]],[["b"],["a"]],[["c"],["a","host"]],[["host"],["c"]]]]'
	is "not even ARP passes" "$(asked)" 0
	check "heal" "$NETSIM" heal m
	is "healed" "$(reach "${ALL[@]}" | LC_ALL=C sort | joined)" "$FULL"
}

directions() {
	matrix $'cut:\n  a: [b, d]\n  "@agent": ["@agent", b]\n'
	check "partition by directions" "$NETSIM" partition --matrix "$WORK/cuts.yaml"
	like "is described" "$OUT" ': matrix a,c -> b,d \| d -> b,c, until netsim heal$'
	is "exactly these pings do not arrive" "$(arrivals)" "a>c b>a b>c b>d c>a d>a"
	is "status reports the same" "$(status_matrix)" "a>c b>a b>c b>d c>a d>a"
	check "address resolution passes in the direction that is cut" test "$(asked)" -gt 0
	"$NETSIM" heal -q
	check "with --l2" "$NETSIM" partition --matrix "$WORK/cuts.yaml" --l2
	like "says so" "$OUT" ', l2, until'
	is "it is cut, too" "$(asked)" 0
	"$NETSIM" heal -q
	is "healed" "$(reach "${ALL[@]}" | LC_ALL=C sort | joined)" "$FULL"
}

answered() {
	matrix 'cut: {a: b}'
	check "partition --matrix --reject" "$NETSIM" partition --matrix "$WORK/cuts.yaml" --reject
	like "answers at once" "$(node_exec a ping -n -c 1 -W 2 10.1.0.2)" 'From 10.1.0.2 .*(Packet filtered|Prohibited)'
	"$NETSIM" heal -q
	check "partition --matrix --class" "$NETSIM" partition --matrix "$WORK/cuts.yaml" --class ssh
	is "cuts only the class" "$(arrive a b 10.1.0.2)" 3
	"$NETSIM" heal -q
}

# refused STATUS PATTERN TEXT ARGUMENTS...
refused() {
	matrix "$3"
	fails_with "$1" "refused: $3 ${*:4}" "$NETSIM" partition --matrix "$WORK/cuts.yaml" "${@:4}"
	like "says why" "$ERR" "$2"
}

mistakes() {
	refused 3 'cuts.yaml:1:15: error: the fleet mx has no node agent-1$' 'cut: {a: [b,  agent-1]}'
	refused 3 'cuts.yaml:2:3: error: no node of the fleet mx matches @agnt; did you mean @agent[?]$' $'cut:\n  "@agnt": a'
	refused 3 'cuts.yaml:1:10: error: a: a node always reaches itself$' 'cut: {a: a}'
	refused 3 'cuts.yaml:1:33: error: "b" cannot send to "a" already; remove it$' 'cut: {"@server": [a, c], b: [d, a]}'
	refused 3 'cuts.yaml:1:7: error: .*not a node' 'cut: {a/eth1: b}'
	refused 3 $'cuts.yaml:2:3: error: .* node x\n.*cuts.yaml:3:6: error: .* node y$' $'cut:\n  x: a\n  a: y'
	refused 2 'takes no groups' 'cut: {a: b}' c
	refused 2 'exclude each other' 'cut: {a: b}' --isolate
	is "nothing is cut" "$(status_matrix)" "a>b a>c a>d b>a b>c b>d c>a c>b c>d d>a d>b d>c"
}

# A scenario finds the file beside it, and knows its nodes.
scenario() {
	mkdir "$WORK/s"
	sed 's/^/  /; 1i fleet:' "$WORK/mx.yaml" >"$WORK/s/run.yaml"
	echo 'cut: {a: b, b: a}' >"$WORK/s/cuts.yaml"
	cat >>"$WORK/s/run.yaml" <<-'EOF'
		scenario: run
		probes:
		  one: {from: a, ping: 10.1.0.2, every: 50ms}
		  other: {from: c, ping: 10.1.0.4, every: 50ms}
		timeline:
		- cut: partition --matrix cuts.yaml
		  for: 1s
		  expect: other available 100%
		- after: {for: 1s}
		  expect: one recovers within 900ms
	EOF
	scenario_ends 0 "a scenario with a matrix" "$WORK/s/run.yaml" "$WORK/s/out"
	echo 'cut: {a: b, b: [e, f, b]}' >"$WORK/s/cuts.yaml"
	fails_with 3 "wrong nodes in it" "$NETSIM" check "$WORK/s/run.yaml"
	like "are found before the run" "$ERR" 'cuts.yaml:1:17: error: the fleet mx has no node "e"'$'\n'
	like "all of them" "$ERR" 'cuts.yaml:1:20: error: the fleet mx has no node "f"'$'\n'
	like "and other mistakes" "$ERR" 'cuts.yaml:1:23: error: b: a node always reaches itself$'
}

check "up" "$NETSIM" up "$WORK/mx.yaml"
both_ways
directions
answered
mistakes
check "down" "$NETSIM" down
scenario
done_testing
