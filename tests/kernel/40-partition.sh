# needs: bridge veth netns clsact bpf
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim partition and heal: reachability, by pings and by counted arrivals.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET="cut"
ALL=(a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 d=10.1.0.4)
FULL="a>b a>c a>d b>a b>c b>d c>a c>b c>d d>a d>b d>c"

write_topo() {
	{
		cat <<-'EOF'
			fleet: cut
			networks: {lan: {address: [10.1.0.254/24, "fd00:1::fe/64"]}}
			nodes:
			  a: {roles: [server], interfaces: {eth1: {network: lan, address: [10.1.0.1/24, "fd00:1::1/64"]}}}
			  b: {roles: [server], interfaces: {eth1: {network: lan, address: [10.1.0.2/24, "fd00:1::2/64"]}}}
			  c: {roles: [agent], interfaces: {eth1: {network: lan, address: [10.1.0.3/24, "fd00:1::3/64"]}}}
			  d: {roles: [agent], interfaces: {eth1: {network: lan, address: [10.1.0.4/24, "fd00:1::4/64"]}}}
		EOF
		printf '  %s\n' "$@"
	} >"$WORK/cut.yaml"
}

# The reachability that netsim status reports, in the format of reach
status_matrix() {
	"$NETSIM" status --json | jq -r '.fleets[0].nodes[] | "\(.name)>\(.reaches[])"' | sort | joined
}

# cuts NAME WANT ARGUMENTS...: makes a partition, checks reachability, and heals.
cuts() {
	local got
	check "partition $1" "$NETSIM" partition "${@:3}"
	got=$(reach "${ALL[@]}" | joined)
	is "$1: pings" "$got" "$2"
	is "$1: status reports the same" "$(status_matrix)" "$2"
	"$NETSIM" heal -q
}

# same_text GROUP...: the fault has one text when it is made, in status and when it is healed
same_text() {
	local made
	made=$("$NETSIM" partition "$@" | sed 's/, until.*//')
	is "status says the same of $*" "$("$NETSIM" status | grep '^fault')" "$made"
	is "heal says the same of $*" "$("$NETSIM" heal)" "healed $made"
}

# Faults take the places of those that ended, but are listed by number.
order() {
	local first
	first=$("$NETSIM" partition --json a | jq .fault)
	"$NETSIM" partition -q b
	"$NETSIM" heal -q "$first"
	"$NETSIM" partition -q c
	is "status lists faults by number" "$("$NETSIM" status --json | jq -r '[.fleets[0].faults[].fault] | join(" ")')" \
		"$((first + 1)) $((first + 2))"
	is "heal, too" "$("$NETSIM" heal | cut -d ' ' -f 3 | joined)" "$((first + 1)): $((first + 2)):"
}

kinds() {
	is "all nodes reach each other" "$(reach "${ALL[@]}" | joined)" "$FULL"
	cuts "of one from the rest" "b>c b>d c>b c>d d>b d>c" a
	cuts "of groups, d in none of them" "a>b a>d b>a b>d c>d d>a d>b d>c" a,b c
	cuts "by patterns" "a>b b>a b>c b>d c>b c>d d>b d>c" 'a*' 'c*,d*'
	cuts "by roles" "a>b b>a c>d d>c" @server @agent
	cuts "of three groups" "a>b b>a" a,b c d
	cuts "of groups that overlap in b, d in none of them" "a>b a>d b>a b>c b>d c>b c>d d>a d>b d>c" a,b b,c
	cuts "of three groups that overlap" "a>b b>a b>c c>b c>d d>c" a,b b,c c,d
	"$NETSIM" partition -q a,b b,c,host c,d
	like "status shows the groups as they are" "$("$NETSIM" status)" "partition a,b \| b,c,host \| c,d"
	"$NETSIM" heal -q
	same_text a,d b,d
	same_text c,a b,c
	same_text d,c b,a
	same_text c,a
	cuts "with --isolate" "" --isolate
	cuts "with --isolate of two groups" "a>d b>d c>d d>a d>b d>c" --isolate a,b c
	is "healed" "$(reach "${ALL[@]}" | joined)" "$FULL"
}

# --- one way: arrivals are counted, because a ping needs both directions

# Permanent neighbour entries, so that only the pings can be lost, not ARP.
fixed_neighbours() {
	local a b
	a=$(node_exec a ip -j link show eth1 | jq -r '.[0].address')
	b=$(node_exec b ip -j link show eth1 | jq -r '.[0].address')
	node_exec a ip neigh replace 10.1.0.2 lladdr "$b" dev eth1 nud permanent
	node_exec b ip neigh replace 10.1.0.1 lladdr "$a" dev eth1 nud permanent
}

one_way() {
	fixed_neighbours
	check "partition --one-way" "$NETSIM" partition --one-way a b
	is "no ping from a arrives at b" "$(arrive a b 10.1.0.2)" 0
	is "all pings from b arrive at a" "$(arrive b a 10.1.0.1)" 3
	is "status reports the same" "$(status_matrix)" "${FULL/a>b /}"
	check "other pairs are not affected" wait_for 5 answers a 10.1.0.3
	"$NETSIM" heal -q
	node_exec a ip neigh flush all nud permanent
	node_exec b ip neigh flush all nud permanent
}

# --- all protocols are dropped: IPv6, ARP, multicast, others

# captured FILTER CMD...: how many matching frames of a arrive at b while a runs CMD
captured() {
	watch b eth1 "ether src $MAC_A and $1"
	node_exec a "${@:2}" >/dev/null 2>&1
	frames "$BG"
}

multicast() {
	captured "dst 224.0.0.1" ping -n -q -c 3 -i 0.01 -W 0.1 -I eth1 224.0.0.1
}

arp() {
	node_exec a ip neigh flush all
	captured arp ping -n -q -c 2 -i 0.1 -W 0.2 10.1.0.2
}

complete() {
	local ping
	MAC_A=$(node_exec a ip -j link show eth1 | jq -r '.[0].address')
	check "IPv6 before" wait_for 5 answers a fd00:1::2
	is "multicast before" "$(multicast)" 3
	between "ARP before" "$(arp)" 1 4
	"$NETSIM" partition -q a
	check "a cut node is not reached by IPv6" not answers a fd00:1::2
	is "nor by multicast" "$(multicast)" 0
	is "nor by ARP" "$(arp)" 0
	is "nor by anything else" "$(captured 'greater 1' ping -n -q -c 3 -i 0.01 -W 0.1 -b 10.1.0.255)" 0
	ping_start host 10.1.0.1 0.01
	ping=$BG
	check "the host still reaches it by IPv6" wait_for 5 ping -n -q -c 1 -W 1 fd00:1::1
	check "it still reaches the host" wait_for 5 answers a 10.1.0.254
	"$NETSIM" partition -q b
	"$NETSIM" heal -q
	ping_stop "$ping"
	is "and loses no packet while others are cut and healed" "$LOST $((PENDING > 1))" "0 0"
}

# --- the host

host() {
	check "partition of a from the host" "$NETSIM" partition a host
	is "stops both directions, and no other pair" "$(reach a=10.1.0.1 b=10.1.0.2 host=10.1.0.254 | joined)" "a>b b>a b>host host>b"
	"$NETSIM" heal -q
	is "healed" "$(reach a=10.1.0.1 b=10.1.0.2 host=10.1.0.254 | joined)" "a>b a>host b>a b>host host>a host>b"
}

# --- deadlines

# Enforced by the kernel: no process of netsim runs.
for_time() {
	local beat since
	check "partition --for an hour" "$NETSIM" partition --for 1h a
	is "status lists it" "$("$NETSIM" status --json | jq '.fleets[0].faults | length')" 1
	"$NETSIM" heal -q
	beat_start a/eth1 b/eth1
	beat=$BG
	since=$EPOCHREALTIME
	check "partition --for 1.5s" "$NETSIM" partition --for 1.5s a
	check "heals by itself" wait_for 20 answers a 10.1.0.2 -W 0.2
	beat_stop "$beat"
	check "in time" lasts lost 1.5 1 "$since"
	is "status no longer lists it" "$("$NETSIM" status --json | jq '.fleets[0].faults | length')" 0
	is "status shows all reached" "$(status_matrix)" "$FULL"
}

# --- several at a time

stacking() {
	order
	check "a first fault" "$NETSIM" partition a
	run "$NETSIM" partition --json b
	is "a second" "$STATUS" 0
	is "both in force" "$(reach "${ALL[@]}" | joined)" "c>d d>c"
	check "heal by number" "$NETSIM" heal "$(jq .fault <<<"$OUT")"
	is "leaves the first in force" "$(reach "${ALL[@]}" | joined)" "b>c b>d c>b c>d d>b d>c"
	fails_with 2 "heal of an unknown number" "$NETSIM" heal 9999
	check "one more" "$NETSIM" partition c
	check "heal" "$NETSIM" heal
	is "ends all" "$(reach "${ALL[@]}" | joined)" "$FULL"
}

dry_run() {
	local before
	before=$(dump a)
	check "partition --dry-run" "$NETSIM" partition -n a
	is "cuts nothing" "$(status_matrix)" "$FULL"
	check "a still reaches b" wait_for 5 answers a 10.1.0.2
	is "changes nothing" "$(dump a)" "$before"
	"$NETSIM" partition -q a
	check "heal --dry-run" "$NETSIM" heal -n
	check "heals nothing" not answers a 10.1.0.2
	"$NETSIM" heal -q
}

wrong() {
	fails_with 2 "partition of an unknown node" "$NETSIM" partition agent-9
	fails_with 2 "partition without arguments" "$NETSIM" partition
	fails_with 2 "a node in two groups, one way" "$NETSIM" partition --one-way a,b b,c
	fails_with 2 "groups that cut nobody off" "$NETSIM" partition a,b b,c a,c
	like "say so" "$ERR" "overlap so far that no node is cut off"
	fails_with 2 "nothing left for the rest" "$NETSIM" partition '*'
	fails_with 2 "--one-way with one group" "$NETSIM" partition --one-way a
	fails_with 2 "--isolate with one node" "$NETSIM" partition --isolate a
	fails_with 2 "--for without a unit" "$NETSIM" partition --for 5 a
	fails_with 2 "--for zero" "$NETSIM" partition --for 0s a
	is "changes nothing" "$(status_matrix)" "$FULL"
}

# --- up while a partition is in force

new_node() {
	"$NETSIM" partition -q a
	write_topo 'e: {interfaces: {eth1: {network: lan, address: 10.1.0.5/24}}}'
	check "up with a new node, while a is cut from the rest" "$NETSIM" up "$WORK/cut.yaml"
	is "the new node belongs to the rest" "$(reach a=10.1.0.1 b=10.1.0.2 e=10.1.0.5 | joined)" "b>e e>b"
	"$NETSIM" heal -q
	is "healed" "$(reach a=10.1.0.1 e=10.1.0.5 | joined)" "a>e e>a"
}

# --- a node with as many roles as a topology allows

every_role() {
	local roles=({a..z} {A..Z} z{a..l})
	FLEET=roles
	cat >"$WORK/roles.yaml" <<-EOF
		fleet: roles
		networks: {lan: }
		nodes:
		  a: {roles: [$(IFS=,; echo "${roles[*]}")], interfaces: {eth1: {network: lan, address: 10.4.0.1/24}}}
		  b: {interfaces: {eth1: {network: lan, address: 10.4.0.2/24}}}
	EOF
	check "up of a node with ${#roles[@]} roles" "$NETSIM" up "$WORK/roles.yaml"
	check "partition by its last role" "$NETSIM" partition @zl
	is "cuts it off" "$(reach a=10.4.0.1 b=10.4.0.2 | joined)" ""
	check "down" "$NETSIM" down roles
}

# --- routed by the host, between two networks

routed_topo() {
	cat >"$WORK/routed.yaml" <<-'EOF'
		fleet: routed
		networks: {x: {address: 10.2.0.254/24}, y: {address: 10.3.0.254/24}}
		nodes:
		  a: {interfaces: {eth1: {network: x, address: 10.2.0.1/24, routes: [{to: default, via: 10.2.0.254}]}}}
		  b: {interfaces: {eth1: {network: y, address: 10.3.0.1/24, routes: [{to: default, via: 10.3.0.254}]}}}
		  c: {interfaces: {eth1: {network: y, address: 10.3.0.2/24, routes: [{to: default, via: 10.3.0.254}]}}}
	EOF
}

routed() {
	FLEET=routed
	routed_topo
	echo 1 >/proc/sys/net/ipv4/ip_forward
	check "up of two networks with the host between" "$NETSIM" up "$WORK/routed.yaml"
	is "a reaches b through the host" "$(reach a=10.2.0.1 b=10.3.0.1 c=10.3.0.2 | wc -l)" 6
	check "partition of a from b" "$NETSIM" partition a b
	is "cuts the way through the host" "$(reach a=10.2.0.1 b=10.3.0.1 c=10.3.0.2 | joined)" "a>c b>c c>a c>b"
	is "but not to the host" "$(reach host=10.2.0.254 a=10.2.0.1 b=10.3.0.1 | joined)" "a>host b>host host>a host>b"
	"$NETSIM" heal -q
	check "healed" wait_for 5 answers a 10.3.0.1
	check "down" "$NETSIM" down routed
}

write_topo
check "up" "$NETSIM" up "$WORK/cut.yaml"
kinds
one_way
complete
host
for_time
stacking
dry_run
wrong
new_node
check "down" "$NETSIM" down
every_role
routed
done_testing
