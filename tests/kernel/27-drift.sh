# needs: bridge veth netns clsact bpf
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Changes by other programs: status marks them, diff and plan list them, up and apply repair them.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=drift
T=$WORK/drift.yaml
P=$WORK/p.yaml
NETEM=
! unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null || NETEM=yes

write_topo() {
	cat >"$T" <<-'EOF'
		fleet: drift
		networks: {lan: {address: 10.1.0.254/24}}
		nodes:
		  a: {interfaces: {eth1: {network: lan, address: 10.1.0.1/24}}}
		  b: {interfaces: {eth1: {network: lan, address: 10.1.0.2/24}}}
	EOF
}

# drifts NAME TEXT CMD...: after CMD, TEXT is marked and listed; up repairs it
drifts() {
	local name=$1 text=$2
	check "$name: nothing differs before" "$NETSIM" diff "$T"
	check "$name" "${@:3}"
	like "$name: status" "$("$NETSIM" status)" "differs: $text"
	is "$name: in JSON" "$("$NETSIM" status --json | jq --arg t "$text" '.fleets[0].differs | map(select(test($t))) | length > 0')" true
	fails_with 1 "$name: diff" "$NETSIM" diff "$T"
	like "$name: lists it" "$OUT" "~ $text"
	check "$name: plan" "$NETSIM" plan "$T"
	like "$name: lists it, too" "$OUT" "~ $text"$'\n'"(.*)[0-9]+ steps?$"
	check "$name: up" "$NETSIM" up "$T"
	unlike "$name: does something" "$OUT" "already up to date"
	check "$name: nothing differs" "$NETSIM" diff "$T"
	unlike "$name: nothing is marked" "$("$NETSIM" status)" differs
}

# topology NAME MARK CMD...: CMD makes the fleet differ from the file; status prints MARK
topology() {
	check "$1" "${@:3}"
	like "$1: status" "$("$NETSIM" status)" "$2"
	fails_with 1 "$1: diff" "$NETSIM" diff "$T"
	is "$1: from the file" "$("$NETSIM" diff --json "$T" | jq -r '[.differences[].from] | unique | join(" ")')" topology
	check "$1: up" "$NETSIM" up "$T"
	check "$1: nothing differs" "$NETSIM" diff "$T"
}

links() {
	topology "a port down" "no carrier" ip link set "$(port_of a)" down
	topology "a port without bridge" "differs: a/eth1: it is in no bridge" ip link set "$(port_of a)" nomaster
	ip link add other type bridge
	topology "a port in another bridge" "differs: a/eth1: it is in a bridge that is not the fleet's" \
		ip link set "$(port_of a)" master other
	ip link del other
	topology "an MTU" "differs: a/eth1: the two ends of its cable have different MTUs" \
		ip link set "$(port_of a)" mtu 1400
	topology "an interface that is down" $'a +netns +no carrier +0 of [0-9]+ .*\n(.*\n)*'"differs: a/eth1: the node's end of its cable is down" \
		node_exec a ip link set eth1 down
	topology "a node without its port" $'b +netns +no port .*\ndiffers: b/eth1: it has no port; netsim up makes it again' \
		ip link del "$(port_of b)"
	check "an address removed" node_exec a ip addr flush dev eth1
	fails_with 6 "ping-matrix has nothing to try" "$NETSIM" ping-matrix -c 1
	like "and says why" "$OUT" "not tried: 2: a node has no port or no address; netsim diff"
	check "up gives it back" "$NETSIM" up "$T"
	check "ping-matrix tries again" "$NETSIM" ping-matrix -c 1
	fails_with 3 "diff of a file with mistakes" "$NETSIM" diff /dev/null
	fails_with 2 "diff without a file" "$NETSIM" diff
	printf 'fleet: other\nnetworks: {lan: {}}\nnodes: {a: {interfaces: {eth1: {network: lan}}}}\n' >"$WORK/other.yaml"
	fails_with 1 "diff of a fleet that is not up" "$NETSIM" diff "$WORK/other.yaml"
	like "lists all" "$OUT" $'^\\+ other-lan: bridge.*\n\\+ node a'
	# shellcheck disable=SC2016 # for the other shell
	fails_with 5 "differences that cannot be written" \
		bash -c '"$0" diff "$1" >/dev/full' "$NETSIM" "$WORK/other.yaml"
}

no_ports() {
	! ip -o link show | grep -q 'alias netsim:lost/n-'
}

# What the kernel no longer has, the record of the topology knows.
lost() {
	local port
	cat >"$WORK/lost.yaml" <<-'EOF'
		fleet: lost
		networks: {one: {}, two: {}}
		nodes:
		  n-[1-2]:
		    interfaces:
		      eth1: {network: one, address: "10.5.0.{n}/24"}
		      eth2: {network: two, address: "10.6.0.{n}/24"}
	EOF
	check "a fleet with two networks" "$NETSIM" up "$WORK/lost.yaml"
	port=$(FLEET=lost port_of n-2)
	check "a qdisc of another program" tc qdisc add dev "$port" root tbf rate 1mbit burst 10kb latency 10ms
	like "status shows it, though no profile needs the root" "$("$NETSIM" status lost)" \
		$'\n'"differs: n-2/eth1: a foreign qdisc is at its root, tbf "
	fails_with 1 "diff, too" "$NETSIM" diff "$WORK/lost.yaml"
	is "up leaves it" "$("$NETSIM" up "$WORK/lost.yaml")" "lost: 2 nodes, 2 networks, already up to date"
	tc qdisc del dev "$port" root
	check "one of two ports is deleted" ip -n lost.n-1 link del eth2
	like "status misses it" "$("$NETSIM" status lost)" $'\n'"differs: n-1/eth2: it has no port; netsim up makes it again$"
	fails_with 1 "verify --quick" "$NETSIM" verify --quick lost
	like "misses it, too" "$OUT" $'\n''n-1/eth2 +port +there +missing +failed'
	check "verify of the other node" "$NETSIM" verify --quick --nodes n-2 lost
	check "up" "$NETSIM" up "$WORK/lost.yaml"
	unlike "makes it again" "$("$NETSIM" status lost)" "differs"
	ip netns del lost.n-1
	ip netns del lost.n-2
	check "no port is left" wait_for 5 no_ports
	is "status says what that looks like" "$("$NETSIM" status lost | tail -n 1)" \
		"differs: lost: no node is there, as after an up that was killed; netsim up makes them"
	check "down" "$NETSIM" down lost
}

programs() {
	check "a partition" "$NETSIM" partition b
	drifts "the port's filters" "a/eth1: its program ns_port is missing" tc qdisc del dev "$(port_of a)" clsact
	check "the partition holds" not answers a 10.1.0.2
	tc qdisc del dev "$(port_of b)" clsact
	is "status knows that others reach the node without the program, and that it reaches none" \
		"$("$NETSIM" status --json | jq -c '[.fleets[0].nodes[] | select(.name == "b") | .reaches] + ([.fleets[0].nodes[] | select(.name != "b" and (.reaches | index("b"))) | .name] | [length > 0])')" \
		'[[],true]'
	check "up again" "$NETSIM" up "$T"
	"$NETSIM" heal -q
	printf 'profile: p\nengine: edt\ndefault: {duplicate: 100%%}\n' >"$P"
	check "apply" "$NETSIM" apply "$P"
	drifts "a port's filter" "a/eth1: its program ns_port is missing" tc filter del dev "$(port_of a)" egress
	drifts "the bridge's filters" "drift-lan: its program ns_host is missing" tc qdisc del dev drift-lan clsact
	check "another's" tc qdisc del dev "$(port_of b)" clsact
	check "apply mends, too" "$NETSIM" apply "$P"
	check "nothing differs" "$NETSIM" diff "$T"
	check "clear" "$NETSIM" clear
}

netem() {
	local root
	printf 'profile: p\nengine: netem\ndefault: {delay: 10ms, rate: 20mbit}\n' >"$P"
	check "apply with netem" "$NETSIM" apply "$P"
	root=$(tc qdisc show dev "$(port_of a)")
	drifts "a qdisc deleted" "a/eth1: its netem is missing" tc qdisc del dev "$(port_of a)" root
	is "as before" "$(tc qdisc show dev "$(port_of a)")" "$root"
	drifts "a netem changed" "a/eth1: its netem differs" \
		tc qdisc change dev "$(port_of a)" root handle 6e73: netem delay 1ms
	drifts "the way from the node" "b/eth1: its netem is missing" \
		tc qdisc del dev "$(ifb_of "$(port_of b)")" root
	drifts "the redirect" "b/eth1: the redirect to its IFB is missing" tc filter del dev "$(port_of b)" ingress
	drifts "the IFB" "b/eth1: its IFB is missing" ip link del "$(ifb_of "$(port_of b)")"
	check "a qdisc deleted" tc qdisc del dev "$(port_of a)" root
	check "apply mends it" "$NETSIM" apply "$P"
	check "nothing differs" "$NETSIM" diff "$T"
	check "a foreign qdisc" tc qdisc replace dev "$(port_of a)" root pfifo
	like "is marked" "$("$NETSIM" status)" "differs: a/eth1: a foreign qdisc is at its root"
	fails_with 4 "up leaves it" "$NETSIM" up "$T"
	like "and says so" "$ERR" "a/eth1 has a pfifo at its root that netsim did not make"
	tc qdisc del dev "$(port_of a)" root
	check "up without it" "$NETSIM" up "$T"
}

fq() {
	printf 'profile: p\nengine: edt\ndefault: {delay: 10ms}\n' >"$P"
	check "apply with edt" "$NETSIM" apply "$P"
	drifts "the qdiscs of a port" "a/eth1: its netem is missing" tc qdisc del dev "$(port_of a)" root
	measured_between "its delay" 40 400 ms rtt_of a 10.1.0.2
	drifts "the IFB of the bridge" "drift-lan: its IFB is missing" \
		ip link del "$(ifb_of drift-lan)"
	measured_between "the delay to the host" 20 200 ms rtt_of a 10.1.0.254
}

before=$(dump)
write_topo
check "up" "$NETSIM" up "$T"
like "diff of nothing" "$("$NETSIM" diff "$T")" "^drift: nothing differs$"
is "diff -q" "$("$NETSIM" diff -q "$T")" ""
if [[ -n $NETEM ]]; then
	netem
	fq
else
	skip "qdiscs" "this kernel has no sch_netem or sch_fq"
fi
elsewhere || {
	links
	lost
	programs
}
check "down" "$NETSIM" down
is "leaves nothing" "$(dump)" "$before"
done_testing
