# needs: bridge veth netns clsact bpf
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim partition --bridge and --ring: reachability of three and five nodes, by pings.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=shapes
ALL=(a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 d=10.1.0.4 e=10.1.0.5)
FULL="a>b a>c a>d a>e b>a b>c b>d b>e c>a c>b c>d c>e d>a d>b d>c d>e e>a e>b e>c e>d"
RING="a>b a>e b>a b>c c>b c>d d>c d>e e>a e>d"
BRIDGED="a>b a>c b>a b>c c>a c>b c>d c>e d>c d>e e>c e>d"

cat >"$WORK/shapes.yaml" <<-'EOF'
	fleet: shapes
	networks: {lan: {address: 10.1.0.254/24}}
	nodes:
	  a: {roles: [server], interfaces: {eth1: {network: lan, address: 10.1.0.1/24}}}
	  b: {roles: [server], interfaces: {eth1: {network: lan, address: 10.1.0.2/24}}}
	  c: {roles: [server], interfaces: {eth1: {network: lan, address: 10.1.0.3/24}}}
	  d: {interfaces: {eth1: {network: lan, address: 10.1.0.4/24}}}
	  e: {interfaces: {eth1: {network: lan, address: 10.1.0.5/24}}}
EOF
echo '{recipe: db, command: [sleep, infinity], members: [cat, "{folder}/roles"]}' >"$WORK/db.yaml"
printf '%s\n' 'a follower' 'b leader' 'c follower' >"$WORK/roles"

# The reachability that netsim status reports, in the format of reach
status_matrix() {
	"$NETSIM" status --json | jq -r '.fleets[0].nodes[] | "\(.name)>\(.reaches[])"' | sort | joined
}

# cuts NAME WANT ARGUMENTS...: makes a partition, checks reachability, and heals.
cuts() {
	check "partition $1" "$NETSIM" partition "${@:3}"
	is "$1: pings" "$(reach "${ALL[@]}" | joined)" "$2"
	is "$1: status reports the same" "$(status_matrix)" "$2"
	"$NETSIM" heal -q
	is "$1: heal restores all" "$(reach "${ALL[@]}" | joined)" "$FULL"
}

check "up" "$NETSIM" up -q "$WORK/shapes.yaml"
cuts "--bridge of five" "$BRIDGED" --bridge c
WITHOUT=${FULL/a>c /}
cuts "--bridge of three" "${WITHOUT/c>a /}" --bridge b @server
cuts "--bridge of a selector" "${WITHOUT/c>a /}" --bridge 'leader(db)' @server --members "db=@server:$WORK/db.yaml"

cuts "--ring of five" "$RING" --ring
check "partition --ring of three" "$NETSIM" partition --ring @server
is "is described" "$OUT" "fault 5: ring a,b,c, until netsim heal"
is "no two of them have an answer" "$(reach "${ALL[@]}" | joined)" \
	"a>d a>e b>d b>e c>d c>e d>a d>b d>c d>e e>a e>b e>c e>d"
# requests FROM TO ADDRESS: how many of two echo requests of FROM arrive at TO
requests() {
	local before
	before=$(node_exec "$2" nstat -az IcmpInEchos | awk '/Echos/ { print $2 }')
	node_exec "$1" ping -q -c 2 -i 0.2 -W 0.2 "$3" >/dev/null
	node_exec "$2" nstat -az IcmpInEchos | awk -v before="$before" '/Echos/ { print $2 - before }'
}
is "each hears from the one before it" "$(requests a b 10.1.0.2) $(requests b c 10.1.0.3) $(requests c a 10.1.0.1)" "2 2 2"
is "and not from the one after it" "$(requests b a 10.1.0.1) $(requests c b 10.1.0.2) $(requests a c 10.1.0.3)" "0 0 0"
is "status reports the same" "$(status_matrix | tr ' ' '\n' | grep '[abc]>[abc]' | joined)" "a>b b>c c>a"
"$NETSIM" heal -q
check "partition --ring --l2" "$NETSIM" partition --ring @server --l2
like "is described" "$OUT" "ring a,b,c, l2"
"$NETSIM" heal -q

check "partition --bridge --for" "$NETSIM" partition --bridge c --for 1s
check "ends by itself" wait_for 20 answers a 10.1.0.4 -W 0.2
is "and all reach each other" "$(reach "${ALL[@]}" | joined)" "$FULL"
check "partition --bridge --dry-run" "$NETSIM" partition -n --bridge c
is "prints the halves" "$OUT" "would add: partition a,b | d,e"
is "and cuts nothing" "$(status_matrix)" "$FULL"

fails_with 2 "--bridge of several nodes" "$NETSIM" partition --bridge @server
like "names their number" "$ERR" "must be one node, but names 3"
fails_with 2 "--bridge of the host" "$NETSIM" partition --bridge host
fails_with 2 "--bridge with one other node" "$NETSIM" partition --bridge a a,b
fails_with 2 "--ring of two" "$NETSIM" partition --ring a,b
like "says how many" "$ERR" "needs at least three nodes"
fails_with 2 "--ring with --isolate" "$NETSIM" partition --ring --isolate
fails_with 2 "--bridge with --isolate" "$NETSIM" partition --bridge a --isolate
is "change nothing" "$(status_matrix)" "$FULL"
check "down" "$NETSIM" down
done_testing
