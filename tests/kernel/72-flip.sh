# needs: native bridge veth netns clsact bpf
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A fleet's policy is replaced atomically: under load, no packet may meet a hop of the old
# policy and another hop of the new one. Three profiles are applied in turn; in each, a
# different hop from a to b drops all packets, and a different hop from c to d duplicates
# all. A packet that meets hops of two profiles may pass, or arrive once or three times.
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

# flips SECONDS: replaces the policy repeatedly; prints how many times
flips() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000)) n=0
	while [[ ${EPOCHREALTIME/./} -lt $end ]]; do
		n=$((n + 1))
		"$NETSIM" apply -q "$WORK/$((n % 3)).yaml" || return
	done
	echo "$n"
}

# If the machine itself lost packets, the result is invalid: repeats at half the rate.
under_flood() {
	local try count machine=1
	for try in 1 2 3; do
		"$NETSIM" apply -q "$WORK/0.yaml"
		"$FLOOD" -r "$RATE" -t 5 -o "$WORK/log" "$FLEET".{a,b,c,d}/eth1 >"$WORK/flood" &
		wait_for 5 written ready "$WORK/flood"
		count=$(flips 4)
		wait $!
		machine=$(awk '/^machine/ { print $2 }' "$WORK/flood")
		echo "# $(grep sent "$WORK/flood"), $count flips"
		[[ $machine -ne 0 ]] || break
		RATE=$((RATE / 2))
	done
	is "sockets and queues do not overflow" "$machine" 0
	between "the policy is replaced under load" "${count:-0}" 1 100000 times
	"$FLOOD" -d "$WORK/log" >"$WORK/deeds"
}

# deed FROM TO FIELDS: prints fields of the pair's result
deed() {
	awk -v from="$FLEET.$1" -v to="$FLEET.$2" '$1 == from && $2 == to { print '"$3"' }' "$WORK/deeds"
}

write_topo
write_profiles
check "up" "$NETSIM" up "$WORK/flip.yaml"
under_flood
is "a to b: no packet passes" "$(deed a b '$4')" 0
is "c to d: no packet is lost" "$(deed c d '$3 - $4')" 0
is "c to d: every packet arrives exactly twice" "$(deed c d '$6 - $4')" 0
is "b to c: every packet arrives exactly once" "$(deed b c '$3 - $4, $6')" "0 0"
check "down" "$NETSIM" down
done_testing
