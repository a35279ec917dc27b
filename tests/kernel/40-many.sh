# needs: bridge veth netns clsact bpf
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim partition with more groups than 64: 100 groups, and a ring of 70 nodes.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=many
SOME=()
for n in 1 64 65 100 101; do
	SOME+=("n-$n=10.1.0.$n")
done

cat >"$WORK/many.yaml" <<-'EOF'
	fleet: many
	networks: {lan: }
	nodes:
	  n-[1-101]: {interfaces: {eth1: {network: lan, address: "10.1.0.{n}/24"}}}
EOF

# reached COUNT: how many of the first nodes each of them reaches, as status reports it, added up
reached() {
	"$NETSIM" status --json | jq --argjson most "$1" '[.fleets[0].nodes[] | select(.name[2:] | tonumber <= $most)
		| .reaches[] | select(.[2:] | tonumber <= $most)] | length'
}

# meet NAME WANT NODE=ADDRESS...: these reach each other, as reach prints it, and no others. Who does
# not answer is asked again, because a hundred new nodes keep a slow machine busy.
meet() {
	local got='' want=$2
	for _ in 1 2 3 4; do
		got=$({ echo "$got" && reach "${@:3}" | joined; } | tr ' ' '\n' | sed '/^$/d' | LC_ALL=C sort -u | joined)
		[[ $got != "$want" ]] || break
	done
	is "$1" "$got" "$want"
}

groups() {
	local n names=()
	for n in {1..100}; do
		names+=("n-$n")
	done
	check "partition of 100 groups" "$NETSIM" partition "${names[@]}"
	like "its text is cut short" "$OUT" '^fault 1: partition n-1 \| n-2 \| .*\.\.\., until netsim heal$'
	meet "each of them reaches only the node in no group" \
		"n-100>n-101 n-101>n-1 n-101>n-100 n-101>n-64 n-101>n-65 n-1>n-101 n-64>n-101 n-65>n-101" "${SOME[@]}"
	is "status reports the same of all" "$(reached 100)" 0
	is "and of the other node" "$(reached 101)" 200
	check "a second partition beside it" "$NETSIM" partition n-101 n-65 --for 1h
	check "cuts off a node that the first spares" not answers n-65 10.1.0.101
	check "no other" wait_for 5 answers n-64 10.1.0.101
	check "a third of as many" "$NETSIM" partition -q "${names[@]}"
	fails_with 4 "one beyond the limit" "$NETSIM" partition "${names[@]}"
	like "names it" "$ERR" "the limit of 256 groups over all partitions is exceeded"
	"$NETSIM" heal -q
	is "healed" "$(reached 101)" $((101 * 100))
	check "all answer again" wait_for 5 all_answer
}

all_answer() {
	[[ $(reach "${SOME[@]}" | wc -l) -eq 20 ]]
}

# With 70 nodes, the majority is 36: a node, 18 before it and 17 after it.
ring() {
	local n names=()
	for n in {1..70}; do
		names+=("n-$n")
	done
	check "partition --ring of 70 nodes" "$NETSIM" partition --ring "${names[@]}"
	is "status: each hears from a majority" "$(reached 70)" $((70 * 35))
	meet "17 nodes away, pings are answered" "n-49>n-66 n-66>n-49" n-66=10.1.0.66 n-49=10.1.0.49
	is "18 nodes away, they are not" "$(reach n-66=10.1.0.66 n-48=10.1.0.48 | joined)" ""
	is "but requests to the later node arrive" "$(arrive n-48 n-66 10.1.0.66)" 3
	is "not those to the earlier one" "$(arrive n-66 n-48 10.1.0.48)" 0
	is "the first node follows the last" "$(arrive n-53 n-1 10.1.0.1) $(arrive n-1 n-53 10.1.0.53)" "3 0"
	"$NETSIM" heal -q
	is "healed" "$(reached 70)" $((70 * 69))
}

check "up of 101 nodes" "$NETSIM" up -q "$WORK/many.yaml"
groups
ring
check "down" "$NETSIM" down -q many
done_testing
