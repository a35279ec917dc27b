# needs: bridge veth netns clsact bpf
# limit: 150
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Conditions of pairs and classes, measured by numbered frames between all nodes, by pings
# and by the time that connections take. On kernels without netem and fq, only losses are
# tested.
# shellcheck shell=bash disable=SC2034,SC2016 # FLEET is for lib.sh, $ for awk
. "$(dirname "$0")/../lib.sh"

FLEET=pairs
FLOOD=$HELPERS/flood
NODES=(a b c d e)
P=$WORK/profile.yaml
HOLDS=
! unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null || HOLDS=yes

write_topo() {
	local node n=0
	{
		printf 'fleet: pairs\nnetworks: {lan: {address: 10.1.0.254/24}}\nnodes:\n'
		for node; do
			n=$((n + 1))
			echo "  $node: {interfaces: {eth1: {network: lan, address: 10.1.0.$n/24}}}"
		done
	} >"$WORK/pairs.yaml"
}

# profile LINE...
profile() {
	printf 'profile: test\nengine: edt\n' >"$P"
	printf '%s\n' "$@" >>"$P"
}

# flood RATE SECONDS: writes the effect on each pair to $WORK/deeds
flood() {
	"$FLOOD" -r "$1" -t "$2" -o "$WORK/log" "$FLEET".{a,b,c,d,e}/eth1 >/dev/null
	"$FLOOD" -d "$WORK/log" >"$WORK/deeds"
}

# all_pairs NAME RATE SECONDS EXPRESSION: EXPRESSION is true for each pair in a flood. It is in awk,
# with n (the pair's number, from 1), sent, lost, p50 and rate. On failure the flood is repeated, five
# times at most, until each pair was right once: pauses of the machine do not always fall on the same
# pair, a defect does.
all_pairs() {
	local bad good=""
	for _ in 1 2 3 4 5 6; do
		flood "$2" "$3"
		bad=$(awk -v good="$good" '{ n = NR; sent = $3; lost = $3 - $4; p50 = $11; rate = $14
			if (!('"$4"') && index(good, " " n " ") == 0) print n, $0 }' "$WORK/deeds")
		good=$(awk -v bad="$bad" 'BEGIN { split(bad, rows, "\n"); for (i in rows) { split(rows[i], f, " "); wrong[f[1]] } }
			{ if (!(NR in wrong)) printf " %d ", NR }' "$WORK/deeds")
		[[ -n $bad ]] || break
		sleep 1
	done
	is "$1" "$bad" ""
}

# --- all twenty pairs

# pair_entries CONDITIONS: an entry for each pair; K in CONDITIONS is the pair's number
pair_entries() {
	local from to k=0
	echo "profile: twenty"
	echo "pairs:"
	for from in "${NODES[@]}"; do
		# In the order of tests/tools/flood.c, the next node first.
		for to in ${AFTER[$from]}; do
			k=$((k + 1))
			echo "  - {from: $from, to: $to, ${1//K/$k}}"
		done
	done
}

declare -A AFTER=([a]="b c d e" [b]="c d e a" [c]="d e a b" [d]="e a b c" [e]="a b c d")

twenty() {
	pair_entries "loss: K%" >"$P"
	check "apply twenty losses" "$NETSIM" apply "$P"
	is "status lists the pairs" "$("$NETSIM" status --json | jq -r '.fleets[0].paths | length')" 20
	all_pairs "each pair has a separate loss" 2400 2 \
		'(m = sent * n / 100) && (s = 4.8 * sqrt(m) + 1) && lost >= m - s && lost <= m + s'
	if [[ -z $HOLDS ]]; then
		skip "each pair has a separate delay and rate" "this kernel has no sch_fq"
		return
	fi
	pair_entries "delay: K0ms" >"$P"
	check "apply twenty delays" "$NETSIM" apply "$P"
	all_pairs "each pair has a separate delay" 2400 1.2 'p50 >= 10 * n && p50 < 10 * n + 2'
	# A frame is 480 bits: 7.2 to 26.2 kbit are 15 to 54.6 frames a second.
	pair_entries "rate: Kkbit, queue: 200ms" | awk '/rate/ { k++; sub(/[0-9]+kbit/, 6200 + 1000 * k "bit") } 1' >"$P"
	check "apply twenty rates" "$NETSIM" apply "$P"
	all_pairs "each pair has a separate rate" 2000 2 \
		'(want = (6200 + 1000 * n) / 480) && rate > want * 0.95 && rate < want * 1.05'
}

# --- pairs with the host

host() {
	if [[ -n $HOLDS ]]; then
		profile 'nodes: {a: {up: {delay: 20ms}, down: {delay: 40ms}}}' \
			'pairs:' '  - {from: a, to: host, delay: 10ms}' '  - {from: host, to: b, delay: 30ms}'
		check "apply delays to and from the host" "$NETSIM" apply "$P"
		measured_between "host and a: link and path, each way" 70 77 ms rtt_of host 10.1.0.1
		measured_between "host and b: one way" 30 36 ms rtt_of host 10.1.0.2
		measured_between "host and c" 0 5 ms rtt_of host 10.1.0.3
		measured_between "a to b: no path of the host's" 60 67 ms rtt_of a 10.1.0.2
	fi
	profile 'pairs:' '  - {from: a, to: host, loss: 100%}' '  - {from: host, to: b, loss: 100%}'
	check "apply losses to and from the host" "$NETSIM" apply "$P"
	is "only these pairs are stopped" \
		"$(reach host=10.1.0.254 a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 | joined)" "a>b a>c b>a b>c c>a c>b c>host host>c"
}

# --- classes

# connect NODE ADDRESS PORT: the time until the connection is refused, in ms, the minimum of
# three; "none" if that takes too long
connect() {
	# shellcheck disable=SC2016 # for the inner shell
	node_exec "$1" timeout "${CONNECT_WITHIN:-2}" bash -c '
		for try in 1 2 3; do
			begin=${EPOCHREALTIME/./}
			{ : <>"/dev/tcp/$0/$1"; } 2>/dev/null
			took=$(((${EPOCHREALTIME/./} - begin) / 1000))
			((best = try == 1 || took < best ? took : best))
		done
		echo "$best"' "$2" "$3" || echo none
}

# prime ADDRESS...: resolves the addresses, so that measurements do not include ARP
prime() {
	local to
	for to; do
		node_exec a ping -n -q -c 1 -W 2 "$to" >/dev/null
	done
}

classes() {
	if [[ -n $HOLDS ]]; then
		profile 'classes: {etcd-peer: {delay: 200ms}}'
		check "apply a delay of etcd-peer" "$NETSIM" apply "$P"
		prime 10.1.0.2
		measured_between "etcd-peer: a connection takes both delays" 400 440 ms connect a 10.1.0.2 2380
		measured_between "iSCSI: a connection takes none" 0 40 ms connect a 10.1.0.2 3260
		measured_between "nor does a ping" 0 5 ms rtt_of a 10.1.0.2
	fi
	profile 'classes: {etcd-peer: {loss: 100%}}'
	check "apply a loss of etcd-peer" "$NETSIM" apply "$P"
	is "etcd-peer: no connection" "$(CONNECT_WITHIN=0.5 connect a 10.1.0.2 2380)" none
	measured_between "iSCSI: a connection" 0 100 ms connect a 10.1.0.2 3260
	check "and pings" wait_for 5 answers a 10.1.0.2
	is "all nodes reach each other" "$(reach a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 host=10.1.0.254 | wc -l)" 12
}

# --- combined conditions

composition() {
	profile 'nodes: {a: {up: {loss: 20%}}, b: {down: {loss: 10%}}}' 'pairs: [{from: a, to: b, loss: 30%}]'
	check "apply a loss to both links and the path" "$NETSIM" apply "$P"
	all_pairs "the losses combine" 4000 1.5 '(m = sent * (n == 1 ? 0.496 : n < 5 ? 0.2 : $2 ~ /[.]b$/ ? 0.1 : 0)) > -1 &&
		(s = 4.8 * sqrt(m)) > -1 && lost >= m - s && lost <= m + s'
	[[ -n $HOLDS ]] || return 0
	profile 'nodes: {a: {up: {delay: 10ms}}, b: {down: {delay: 5ms}}}' \
		'pairs: [{from: a, to: b, delay: 20ms, loss: 0%}, {between: ["*", "*"], delay: 1ms}]' \
		'classes: {etcd-peer: {delay: 40ms}}'
	check "apply delays of links, path and class" "$NETSIM" apply "$P"
	prime 10.1.0.2 10.1.0.3
	measured_between "of links and path: the sum" 36 42 ms rtt_of a 10.1.0.2
	measured_between "a name before a pattern" 12 18 ms rtt_of a 10.1.0.3
	measured_between "the class in place of the pair" 95 135 ms connect a 10.1.0.2 2380
}

# A profile for netem, which a port with a foreign qdisc, or the kernel, refuses.
refused() {
	profile 'pairs: [{from: a, to: b, loss: 100%}]'
	check "apply a pair" "$NETSIM" apply "$P"
	tc qdisc add dev "$(port_of a)" root tbf rate 1mbit burst 32k latency 50ms
	printf 'engine: netem\ndefault: {delay: 1ms}\n' >"$WORK/refused.yaml"
	check "a profile that is refused" not "$NETSIM" apply "$WORK/refused.yaml"
	is "leaves the one before in force" "$(reach a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 | joined)" "a>c b>c c>a c>b"
	tc qdisc del dev "$(port_of a)" root
}

# --- converge, clear

converge() {
	profile 'default: {duplicate: 100%}' "pairs: [{between: [a, b], loss: 100%}]"
	check "apply to all nodes and a pair" "$NETSIM" apply "$P"
	like "status: the engine and the reason" "$("$NETSIM" status)" 'profile test \(edt: [a-z ]*\)'
	is "in JSON" "$("$NETSIM" status --json | jq -r '.fleets[0].engine')" edt
	write_topo "${NODES[@]}" f
	check "up with one more node" "$NETSIM" up "$WORK/pairs.yaml"
	is "the pair is as before" "$(reach a=10.1.0.1 b=10.1.0.2 f=10.1.0.6 | joined)" "a>f b>f f>a f>b"
	like "the new node's link is shaped" "$(node_exec f ping -n -c 2 -i 0.2 10.1.0.3)" "DUP!"
	write_topo "${NODES[@]}"
	check "up without it" "$NETSIM" up "$WORK/pairs.yaml"
	is "the pair is as before" "$(reach a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 | joined)" "a>c b>c c>a c>b"
}

cleared() {
	check "clear" "$NETSIM" clear
	is "all nodes reach each other" "$(reach a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 d=10.1.0.4 e=10.1.0.5 host=10.1.0.254 | wc -l)" 30
	unlike "nothing arrives twice" "$(node_exec a ping -n -c 3 -i 0.1 10.1.0.2)" "DUP!"
	is "traffic to the host is not redirected" "$(tc filter show dev pairs-lan ingress | grep -c Redirect)" 0
	unlike "status: no profile" "$("$NETSIM" status)" "profile test"
	is "no conditions" "$("$NETSIM" status --json | jq -c '.fleets[0] | [.paths, [.nodes[].ports[] | .up.conditions, .down.conditions | select(. != "")]]')" '[[],[]]'
}

# --- a class that is a VLAN

vlans() {
	local net
	if ! unshare -n sh -c 'ip link add p0 type bridge vlan_filtering 1 && ip link add link p0 name p2 type vlan id 5' 2>/dev/null; then
		skip "a class that is a VLAN" "this kernel has no 8021q"
		return
	fi
	FLEET=vlans
	check "up with VLANs" "$NETSIM" up "$(dirname "$TESTS")/topo/vlans.yaml"
	printf 'classes: {storage: {vlan: 100}}\n' >"$WORK/own.yaml"
	profile 'class-file: own.yaml' 'classes: {storage: {loss: 100%}}'
	check "apply a loss of a VLAN" "$NETSIM" apply "$P"
	for net in 100 200; do
		reach "server-1=192.168.$net.1" "server-2=192.168.$net.2" "agent-1=192.168.$net.3" "agent-2=192.168.$net.4" | wc -l
	done | joined >"$WORK/reached"
	is "stops that VLAN only" "$(<"$WORK/reached")" "0 12"
	if [[ -n $HOLDS ]]; then
		profile 'class-file: own.yaml' 'classes: {storage: {delay: 50ms}}'
		check "apply a delay of a VLAN" "$NETSIM" apply "$P"
		measured_between "delays that VLAN" 100 104 ms rtt_of server-1 192.168.100.2
		measured_between "and no other" 0 4 ms rtt_of server-1 192.168.200.2
	fi
	check "down" "$NETSIM" down
}

before=$(dump)
write_topo "${NODES[@]}"
check "up" "$NETSIM" up "$WORK/pairs.yaml"
twenty
host
classes
composition
refused
elsewhere || {
	converge
	cleared
}
"$NETSIM" apply -q "$P"
check "down while a profile is in force" "$NETSIM" down
vlans
is "leaves nothing" "$(dump)" "$before"
done_testing
