# needs: native bridge veth netns clsact bpf
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A fleet's policy is replaced at once: under load no packet may meet one hop of
# the old one and another hop of the new one. In each of three profiles another
# hop between a and b stops everything, and another one between c and d doubles
# everything: a packet that sees two of them may get through, or come alone.
# shellcheck shell=bash disable=SC2034,SC2016 # FLEET is for lib.sh, $ for awk
. "$(dirname "$0")/../lib.sh"

FLEET=flip
FLOOD=$HELPERS/flood
RATE=60000

write_topo() {
	local node n=0
	printf 'fleet: flip\nnetworks: {lan: {}}\nnodes:\n'
	for node in a b c d; do
		n=$((n + 1))
		echo "  $node: {interfaces: {eth1: {network: lan, address: 10.1.0.$n/24}}}"
	done
} >"$WORK/flip.yaml"

write_profiles() {
	cat >"$WORK/0.yaml" <<-'EOT'
		profile: first
		engine: edt
		nodes: {a: {up: {loss: 100%}}, c: {up: {duplicate: 100%}}}
		pairs: [{from: a, to: d, loss: 0%}]
	EOT
	cat >"$WORK/1.yaml" <<-'EOT'
		profile: second
		engine: edt
		pairs: [{from: a, to: b, loss: 100%}, {from: c, to: d, duplicate: 100%}]
	EOT
	cat >"$WORK/2.yaml" <<-'EOT'
		profile: third
		engine: edt
		nodes: {b: {down: {loss: 100%}}, d: {down: {duplicate: 100%}}}
		classes: {etcd-peer: {loss: 50%}}
	EOT
}

# flips SECONDS: how many
flips() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000)) n=0
	while [[ ${EPOCHREALTIME/./} -lt $end ]]; do
		n=$((n + 1))
		"$NETSIM" apply -q "$WORK/$((n % 3)).yaml" || return
	done
	echo "$n"
}

# Where this machine itself loses packets nothing can be said: once more, slower.
under_flood() {
	local try count machine=1
	for try in 1 2 3; do
		"$NETSIM" apply -q "$WORK/0.yaml"
		"$FLOOD" -r "$RATE" -t 5 -o "$WORK/log" "$FLEET".{a,b,c,d}/eth1 >"$WORK/flood" &
		sleep 0.5
		count=$(flips 4)
		wait $!
		machine=$(awk '/^machine/ { print $2 }' "$WORK/flood")
		echo "# $(grep sent "$WORK/flood"), $count flips"
		[[ $machine -ne 0 ]] || break
		RATE=$((RATE / 2))
	done
	is "sockets and queues hold all that passes" "$machine" 0
	between "the policy is replaced under it" "${count:-0}" 12 100000 times
	"$FLOOD" -d "$WORK/log" >"$WORK/deeds"
}

# deed FROM TO FIELDS
deed() {
	awk -v from="$FLEET.$1" -v to="$FLEET.$2" '$1 == from && $2 == to { print '"$3"' }' "$WORK/deeds"
}

write_topo
write_profiles
check "up" "$NETSIM" up "$WORK/flip.yaml"
under_flood
is "a to b: not one gets through" "$(deed a b '$4')" 0
is "c to d: not one is lost" "$(deed c d '$3 - $4')" 0
is "c to d: not one comes alone, or three times" "$(deed c d '$6 - $4')" 0
is "b to c: all, once each" "$(deed b c '$3 - $4, $6')" "0 0"
check "down" "$NETSIM" down
done_testing
