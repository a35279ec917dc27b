# needs: bridge veth netns clsact bpf
# limit: 300
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A node loses its port and comes back: partitions and faults of every kind apply to it again
# from its first packet; a fault that cannot be restored is reported.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=back
T=$WORK/back.yaml
ALL=(a=10.1.0.1 b=10.1.0.2 c=10.1.0.3)
FULL="a>b a>c b>a b>c c>a c>b"

# write_topo INTERFACE [NODE]: c's interface has this name; NODE is left out
write_topo() {
	cat >"$T" <<-EOF
		fleet: back
		networks: {lan: {address: 10.1.0.254/24}}
		nodes:
		  a: {interfaces: {eth1: {network: lan, address: 10.1.0.1/24}}}
		  b: {roles: [x], interfaces: {eth1: {network: lan, address: 10.1.0.2/24}}}
		  c: {roles: [y], interfaces: {$1: {network: lan, address: 10.1.0.3/24}}}
	EOF
	[[ -z ${2:-} ]] || sed -i "/^  $2:/d" "$T"
}

reached() {
	reach "${ALL[@]}" | joined
}

fault_lines() {
	"$NETSIM" status | sed -n 's/^fault [0-9]*: //p' | sed 's/[0-9.]* s left/T/' | xargs -d '\n' | sed 's/ $//'
}

left() {
	"$NETSIM" status --json | jq '.fleets[0].faults[0].left'
}

# --- the ways in which a node loses its port, each ends with up

inside() {
	node_exec c ip link del eth1
	"$NETSIM" up "$T"
}

outside() {
	ip link del "$(port_of c)"
	"$NETSIM" up "$T"
}

namespace() {
	umount "/run/netns/$FLEET.c" && rm "/run/netns/$FLEET.c"
	wait_for 5 gone c
	"$NETSIM" up "$T"
}

gone() {
	[[ -z $(port_of "$1" "${2:-eth1}") ]]
}

renamed() {
	write_topo eth7
	"$NETSIM" up "$T"
}

removed() {
	write_topo eth1 c
	"$NETSIM" up "$T"
	write_topo eth1
	"$NETSIM" up "$T"
}

every_port() {
	local node
	for node in a b c; do
		ip link del "$(port_of "$node")"
	done
	"$NETSIM" up "$T"
}

# The state after a down that was killed: only the record of profile and faults is left
half_down() {
	local node
	ip link del group "$(ip -j -d link show "$FLEET-lan" | jq -r '.[0].group')"
	for node in a b c; do
		umount "/run/netns/$FLEET.$node" && rm "/run/netns/$FLEET.$node"
	done
	"$NETSIM" up "$T"
}

# comes_back NAME WANT PATTERN CMD...: CMD makes a fault; pings give WANT then, and again after each
# of WAYS, and status lists the fault as PATTERN
WAYS=(inside outside namespace renamed removed every_port half_down)
# An emulated machine is slow, and differs only in its kernel, so it tries fewer ways.
[[ -z ${IN_VM:-} ]] || WAYS=(inside namespace every_port half_down)
comes_back() {
	local way before after
	check "$1" "${@:4}"
	is "$1: in force" "$(reached)" "$2"
	for way in "${WAYS[@]}"; do
		before=$(left)
		check "$1, $way: up" "$way"
		is "$1, $way: holds" "$(reached)" "$2"
		like "$1, $way: status lists it" "$(fault_lines)" "^$3\$"
		after=$(left)
		[[ $before == null ]] || check "$1, $way: its deadline" awk -v b="$before" -v a="$after" \
			'BEGIN { exit !(a <= b && a > b - 60) }'
		check "$1, $way: nothing differs" "$NETSIM" diff "$T"
		[[ $way != renamed ]] || {
			write_topo eth1
			"$NETSIM" up -q "$T"
		}
	done
	"$NETSIM" heal -q
	is "$1: healed" "$(reached)" "$FULL"
}

# Not one packet crosses while the node comes back: a sends to its MAC address all the time.
first_packet() {
	local ping before mac
	mac=$(node_exec c ip -j link show eth1 | jq -r '.[0].address')
	node_exec a ip neigh replace 10.1.0.3 lladdr "$mac" dev eth1 nud permanent
	ping_start a 10.1.0.3 0.001
	ping=$BG
	check "a partition" "$NETSIM" partition c
	ECHOES=0
	ECHOES=$(echoes c)
	node_exec c ip link del eth1
	before=$(cut_of c)
	check "up while others send" "$NETSIM" up "$T"
	check "they still send" wait_for 5 more_cut $((before + 20))
	bg_end "$ping"
	is "but nothing came in" "$(echoes c)" 0
	node_exec a ip neigh del 10.1.0.3 dev eth1
	"$NETSIM" heal -q
}

# echoes NODE: the pings that it received since ECHOES were counted
echoes() {
	# shellcheck disable=SC2016 # for awk
	echo $(($(node_exec "$1" awk '/^Icmp:/ { for (i = 2; i <= NF; i++) if (!n) at[i] = $i
		else if (at[i] == "InEchos") print $i; n = 1 }' /proc/net/snmp) - ECHOES))
}

cut_of() {
	"$NETSIM" status --json | jq --arg n "$1" '.fleets[0].nodes[] | select(.name == $n).dropped_by_partitions'
}

more_cut() {
	[[ $(cut_of c) -gt $1 ]]
}

# --- the profile, and a fault whose target is gone

profile() {
	printf 'profile: p\nengine: edt\ndefault: {duplicate: 100%%}\npairs: [{from: a, to: c, loss: 100%%}]\n' >"$WORK/p.yaml"
	check "apply" "$NETSIM" apply "$WORK/p.yaml"
	is "the profile" "$(reached)" "a>b b>a b>c c>b"
	for way in inside namespace renamed every_port half_down; do
		check "the profile, $way: up" "$way"
		is "the profile, $way: holds" "$(reached)" "a>b b>a b>c c>b"
		like "the profile, $way: status" "$("$NETSIM" status)" "profile p \(edt.*c +netns +duplicate 100%"
		[[ $way != renamed ]] || {
			write_topo eth1
			"$NETSIM" up -q "$T"
		}
	done
	check "clear" "$NETSIM" clear
	is "cleared" "$(reached)" "$FULL"
}

said() {
	check "link down of an interface" "$NETSIM" link down --for 60s c/eth1
	write_topo eth7
	fails_with 4 "up without it" "$NETSIM" up "$T"
	like "up says so" "$ERR" "^netsim: fault [0-9]+ is not wholly in force: link c/eth1 down: c/eth1 has no port"
	one_line "in one line"
	like "status says so" "$("$NETSIM" status)" "link c/eth1 down, [0-9.]+ s left; not wholly in force: c/eth1 has no port"
	is "in JSON, too" "$("$NETSIM" status --json | jq -r '.fleets[0].faults[0].problem')" "c/eth1 has no port"
	fails_with 1 "diff" "$NETSIM" diff "$T"
	like "diff says so" "$OUT" "^~ fault [0-9]+ \(link c/eth1 down\) is not wholly in force: c/eth1 has no port$"
	is "in JSON, with its number" "$("$NETSIM" diff --json "$T" | jq -r '.differences[] | "\(.from) \(.fault)"')" \
		"fault $("$NETSIM" status --json | jq '.fleets[0].faults[0].fault')"
	write_topo eth1
	check "up with it" "$NETSIM" up "$T"
	is "it holds again" "$(reached)" "a>b b>a"
	"$NETSIM" heal -q
}

before=$(dump)
write_topo eth1
check "up" "$NETSIM" up "$T"
comes_back "a partition" "a>b b>a" 'partition c | rest, T' "$NETSIM" partition --for 300s c
WAYS=(inside every_port)
comes_back "one way" "a>b b>a b>c c>b" 'one-way a -> c' "$NETSIM" partition --one-way a c
echo 'cut: {a: c, c: [a, b]}' >"$WORK/cuts.yaml"
comes_back "a matrix" "a>b b>a" 'matrix a -> c \| c -> a,b, T' "$NETSIM" partition --matrix "$WORK/cuts.yaml" --for 300s
comes_back "a pair's fault" "a>b b>a b>c c>b" 'only: loss 100% on c:a, T' \
	"$NETSIM" fault --name only --for 300s 'loss 100%' c:a
comes_back "a node's fault" "a>b b>a" 'loss 100% on @y' "$NETSIM" fault 'loss 100%' @y
comes_back "a class's fault" "a>b b>a" 'loss 100% on c, class icmp' "$NETSIM" fault --class icmp 'loss 100%' c
comes_back "a link down" "a>b b>a" 'link c down, T' "$NETSIM" link down --for 300s c
first_packet
profile
said
check "down" "$NETSIM" down
is "leaves nothing" "$(dump)" "$before"
done_testing
