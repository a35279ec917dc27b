# needs: native bridge veth netns tap clsact bpf
# limit: 300
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 at random times during up, apply, partition, heal and down: afterwards `up` builds
# the whole fleet, or `down` removes all of it, and foreign objects are unchanged.
# Environment: MOMENTS, SEED.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET='kill'
KILLAT=$(dirname "$TESTS")/build/${VARIANT:-release}/tests/tools/killat
SEED=${SEED:-$RANDOM}
TIME=25 # upper bound of the duration, in seconds
if [[ ${RING:-} == vm ]]; then
	MOMENTS=${MOMENTS:-60} TIME=20
else
	MOMENTS=${MOMENTS:-300}
fi
RANDOM=$SEED
NODES=(a b c d)
others=(2 3 4)

# True if the kernel supports bonds, VLANs and netem.
full() {
	unshare -n sh -c 'ip link add p0 type bond && ip link add p1 type bridge vlan_filtering 1 &&
		ip link add link p0 name p2 type vlan id 5 && tc qdisc add dev lo root netem' 2>/dev/null
}

write_topo() {
	cat >"$WORK/plain.yaml" <<-'EOF'
		fleet: kill
		networks: {lan: {address: 10.1.0.254/24}, back: {}, far: {}}
		nodes:
		  a: {interfaces: {eth1: {network: lan, address: 10.1.0.1/24}, eth2: {network: back, address: 10.2.0.1/24}}}
		  b: {interfaces: {eth1: {network: lan, address: 10.1.0.2/24}, eth2: {network: back, address: 10.2.0.2/24}}}
		  c: {interfaces: {eth1: {network: lan, address: 10.1.0.3/24, routes: [{to: default, via: 10.1.0.254}]}}}
		  d: {interfaces: {eth1: {network: lan, address: 10.1.0.4/24}}}
		  m1: {kind: tap, interfaces: {eth1: {network: lan, mac: "52:54:00:00:00:01"}}}
		  m2: {kind: tap, interfaces: {eth1: {network: back, mac: "52:54:00:00:00:02"}}}
		links: {wan: {between: [back, far]}}
	EOF
	cat >"$WORK/profile.yaml" <<-'EOF'
		profile: slow
		default: {rate: 50mbit, delay: 1ms}
	EOF
}

# Two bonded cables to each node, and VLANs on the bonds; those of the second one are bundled.
write_full() {
	local node n=0 mode
	{
		echo "fleet: kill"
		echo "networks: {lan: {vlans: [100, 200]}, back: {}, far: {}}"
		echo "links: {wan: {between: [back, far]}}"
		echo "nodes:"
		for node in "${NODES[@]}"; do
			n=$((n + 1))
			mode="active-backup, primary: eth1"
			[[ $n -ne 2 ]] || mode="802.3ad, lacp_rate: fast"
			cat <<-EOF
				  $node:
				    interfaces:
				      eth1: {network: lan}
				      eth2: {network: lan}
				      eth3: {network: back, address: 10.3.0.$n/24}
				      bond0: {bond: [eth1, eth2], mode: $mode, miimon: 50ms}
				      bond0.200: {vlan: 200, address: 10.1.0.$n/24}
				      bond0.100: {vlan: 100, address: 10.2.0.$n/24}
			EOF
		done
		echo '  m1: {kind: tap, interfaces: {eth1: {network: back, mac: "52:54:00:00:00:01"}}}'
	} >"$WORK/full.yaml"
}

# --- foreign objects

settled_strangers() {
	[[ $(ip -br addr | grep -c '^strange.* UP .*fe80:') -eq 3 ]]
}

make_foreign() {
	ip link add strange0 type bridge
	ip link add strange1 type veth peer name strange2
	ip link set strange1 master strange0
	ip link set strange0 up
	ip link set strange1 up
	ip link set strange2 up
	ip addr add 10.9.0.1/24 dev strange2
	# The kernel brings up the carrier, and assigns addresses, a little later.
	check "foreign links are up" wait_for 10 settled_strangers
	ip netns add kill.stranger
	ip netns add stranger
}

show_foreign() {
	ip -br addr | grep '^strange'
	ip -br link show master strange0 | grep -o '^strange1'
	nsenter --net=/run/netns/kill.stranger ip -br link
	[[ -e /run/netns/stranger ]] && echo stranger
}

remove_foreign() {
	ip link del strange1
	ip link del strange0
	ip netns del kill.stranger
	ip netns del stranger
}

# --- a single kill

timed() {
	local begin=${EPOCHREALTIME//[!0-9]/}
	"$@" >/dev/null || return
	took=$((${EPOCHREALTIME//[!0-9]/} - begin))
}

# The duration of each command when it is not killed, in microseconds.
measure() {
	local took
	declare -gA normal
	check "up" timed "$NETSIM" up "$TOPO"
	timed "$NETSIM" down
	timed "$NETSIM" up "$TOPO"
	normal[up]=$took
	timed "$NETSIM" partition a,b
	normal[partition]=$took
	timed "$NETSIM" heal
	normal[heal]=$took
	if [[ $kinds == *apply* ]]; then
		timed "$NETSIM" apply "$WORK/profile.yaml"
		normal[apply]=$took
	fi
	timed "$NETSIM" down
	normal[down]=$took
}

# Adds a foreign address to a node, which must persist as long as the node.
mark_node() {
	node_exec a ip addr add 10.8.0.1/24 dev lo 2>/dev/null
	marked=yes
}

# Kills a command at a random time within 1.2 times its duration; describes it in $what.
kill_one() {
	local kind=$1 at
	local -A arguments=([up]="up $TOPO" [partition]="partition a,b" [heal]=heal [down]=down
		[apply]="apply $WORK/profile.yaml")
	at=$((normal[$kind] * (RANDOM % 1200) / 1000))
	what="$kind killed after $((at / 1000)).$(printf '%03d' $((at % 1000))) ms"
	# shellcheck disable=SC2086 # words
	"$KILLAT" "$(printf '0.%06d' "$at")" "$NETSIM" ${arguments[$kind]} >/dev/null 2>&1
	[[ $? -ne 137 ]] || killed=$((killed + 1))
}

failed() {
	why="$what: $1${2:+
$2}"
	return 1
}

# proves NAME CMD: CMD succeeds, or sets $why to the reason
proves() {
	if "$2"; then
		ok "$1"
	else
		not_ok "$1" "$why"
	fi
}

# The first node reaches all others; bonds need a moment.
pings() {
	# shellcheck disable=SC2016 # for the inner shell
	node_exec a bash -c 'for n; do ping -n -q -c 1 -W 1 "10.1.0.$n" & done
		for n; do wait -n || exit; done' bash "${others[@]}"
}

converges() {
	run "$NETSIM" up "$TOPO"
	[[ $STATUS -eq 0 ]] || failed "the next up fails" "$(caught netsim up)" || return
	if [[ $kind == partition || $kind == heal ]]; then
		run "$NETSIM" heal
		[[ $STATUS -eq 0 ]] || failed "the next heal fails" "$(caught netsim heal)" || return
	fi
	if [[ $((RANDOM % 4)) -eq 0 ]]; then
		run "$NETSIM" up "$TOPO"
		[[ $OUT == *"already up to date"* ]] || failed "up left something to do" "$OUT" || return
	fi
	wait_for 10 pings || failed "not every node answers" || return
	[[ $marked == no ]] || node_exec a ip addr show lo | grep -q 10.8.0.1 ||
		failed "a foreign address has gone"
}

leftovers() {
	ip -br link | grep -v -e '^lo ' -e '^strange'
	find /run/netns /run/netsim /sys/fs/bpf -mindepth 1 ! -name '*stranger' ! -name '*.lock' ! -name '*.debug' 2>/dev/null
	tc qdisc show dev strange1 | grep clsact
}

leaves_nothing() {
	local left
	run "$NETSIM" down
	marked=no
	[[ $STATUS -eq 0 ]] || failed "the next down fails" "$(caught netsim down)" || return
	left=$(leftovers)
	[[ -z $left ]] || failed "the next down leaves" "$left"
}

# moment COMMAND: kills COMMAND and checks the outcome. The fleet exists before, except in half
# of the cases of `up`.
moment() {
	local kind=$1
	if [[ $kind == up && $((RANDOM % 2)) -eq 0 ]]; then
		leaves_nothing || return
	elif [[ $marked == no ]]; then
		"$NETSIM" up -q "$TOPO" || failed "up fails" || return
		mark_node
	fi
	[[ $kind != heal ]] || "$NETSIM" partition -q a,b || failed "partition fails" || return
	kill_one "$kind"
	# A killed down may have removed the node with the foreign address.
	[[ $kind != down ]] || marked=no
	if [[ $((RANDOM % 4)) -eq 0 ]]; then
		leaves_nothing || return
	else
		converges || return
	fi
	[[ $(show_foreign) == "$foreign" ]] || failed "foreign objects have changed" "$(show_foreign)"
}

moments() {
	local end=$((SECONDS + TIME)) order
	read -ra order <<<"$kinds"
	count=0 killed=0 marked=no
	while [[ $count -lt $MOMENTS && $SECONDS -lt $end ]]; do
		moment "${order[count % ${#order[@]}]}" || return
		count=$((count + 1))
	done
}

kinds="up partition heal down"
write_topo
TOPO=$WORK/plain.yaml
if full; then
	kinds="up apply partition heal down"
	NODES=(a b c) others=(2 3)
	write_full
	TOPO=$WORK/full.yaml
fi
make_foreign
foreign=$(show_foreign)
before=$(programs)
measure
echo "# seed $SEED; $kinds take $(for k in $kinds; do echo -n "$((normal[$k] / 1000)) "; done)ms"
proves "after any kill, the next up or down completes" moments
echo "# $count moments, in $killed of them the command was killed before its end"
between "moments" "$count" 4 "$MOMENTS"
what="at the end"
proves "down leaves nothing" leaves_nothing
is "foreign objects are unchanged" "$(show_foreign)" "$foreign"
no_program_stays "$before"
remove_foreign
done_testing
