# needs: bridge veth netns clsact bpf netem fq ifb mirred iperf3 ethtool
# limit: 340
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Profiles and faults on machines that are nodes themselves, with both engines: the conditions are
# measured by pings and TCP between them.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../machines.sh"

write_profiles() {
	printf '%s\n' 'profile: links' 'default: {delay: 1ms}' 'nodes:' \
		'  a: {up: {rate: 5mbit, delay: 10ms}, down: {rate: 20mbit, delay: 20ms}}' >"$WORK/links.yaml"
	printf '%s\n' 'profile: paths' 'class-file: classes.yaml' 'default: {delay: 1ms}' \
		'pairs:' '  - {between: [a, b], delay: 40ms}' 'classes:' '  web: {delay: 15ms}' >"$WORK/paths.yaml"
	printf '%s\n' 'classes:' '  web: {tcp: 80}' >"$WORK/classes.yaml"
	printf '%s\n' 'time rate' '0s 8mbit' '1s' >"$WORK/link.trace"
	printf '%s\n' 'profile: traced' 'default: {trace: link.trace}' >"$WORK/traced.yaml"
}

# rtt_is NAME FROM ADDRESS LOW HIGH
rtt_is() {
	measured_between "$1" "$4" "$(($5 + 8))" ms rtt_of "$2" "$3"
}

# rate_is NAME MBIT [OPTION]...: TCP from a to the host has this rate
rate_is() {
	# shellcheck disable=SC2034 # for rates
	HOST=$PEER
	measured_rate "$1" "$(($2 * 84))e-2" "$(($2 * 110))e-2" rates 5300 "${@:3}" -- a
}

shaped() {
	check "apply, engine $1" netsim a apply "$WORK/links.yaml" --engine "$1"
	rtt_is "the entry of the host name holds, up and down" a "$PEER" 30 34
	rtt_is "for IPv6, too" a fd00::3 30 34
	check "status" netsim a status
	like "shows both ways" "$OUT" "profile links \($1.*up: 5mbit delay 10ms.*down: 20mbit delay 20ms"
	is "and no difference" "$(netsim a status --json | jq -r '.fleets[0].differs | length')" 0
	fails_with 6 "verify proves the delay" netsim a verify
	like "as a lower bound" "$OUT" "c +rtt +30.0 ms or more +[3-9][0-9][0-9.]* ms +ok.*rates and one-way delays need both ends"
	check "partition" netsim a partition c --for 6s
	check "cuts" not answers a 10.1.0.3
	check "and ends" wait_for 20 answers a 10.1.0.3
	rtt_is "the conditions stay" a "$PEER" 30 34
	rate_is "up" 5
	rate_is "down" 20 -R
	is "segmentation offload is off" "$(ip netns exec "$FLEET.a" ethtool -k eth1 | grep -c 'tcp-segmentation-offload: off')" 1
	check "clear eth1" netsim a clear eth1
	is "leaves everything as it was" "$(found a)" "$BEFORE_A"
	rtt_is "and delays nothing" a "$PEER" 0 4
}

named() {
	netsim a apply "$WORK/links.yaml" --engine netem >/dev/null
	tc -n "$FLEET.a" qdisc change dev eth1 root netem delay 1ms
	fails_with 1 "verify notices a delay that is too short" netsim a verify
	like "and names it" "$OUT" "c +rtt +30.0 ms or more +2[0-9.]+ ms +failed"
	netsim a down >/dev/null
	# shellcheck disable=SC2016 # expanded by the inner shell
	check "apply --as" on a sh -c 'hostname other && exec "$1" apply "$2" eth1 --topology "$3" --as a' sh "$NETSIM" "$WORK/links.yaml" "$TOPO"
	rtt_is "takes its entry" a "$PEER" 30 34
	check "apply in place" netsim a apply "$WORK/links.yaml" --engine edt
	rtt_is "moves to edt" a "$PEER" 30 34
	check "and back" netsim a apply "$WORK/links.yaml" --engine netem
	rtt_is "to netem" a "$PEER" 30 34
	check "down" netsim a down
	is "leaves everything as it was" "$(found a)" "$BEFORE_A"
}

paths() {
	check "pairs and classes" netsim a apply "$WORK/paths.yaml" eth1
	rtt_is "a pair: what a sends to b is delayed" a 10.1.0.2 42 46
	rtt_is "for IPv6, too" a fd00::2 42 46
	rtt_is "other paths are not" a 10.1.0.3 2 6
	check "the same on b" netsim b apply "$WORK/paths.yaml"
	rtt_is "delays what b sends, too" a 10.1.0.2 84 88
	netsim b down >/dev/null
	check "a fault on the path to c" netsim a fault 'delay 25ms' a:c --name to-c
	rtt_is "delays one way" a 10.1.0.3 27 31
	check "and one on the way back" netsim a fault 'delay 35ms' c:a --for 1h
	rtt_is "the other way" a 10.1.0.3 62 66
	rtt_is "the pair's conditions stay" a 10.1.0.2 42 46
	check "heal" netsim a heal to-c
	rtt_is "ends the first" a 10.1.0.3 37 41
	check "a fault on the link" netsim a fault 'delay 51ms' eth1 --for 15s
	rtt_is "delays both ways" a "$PEER" 102 106
	check "link down" netsim a link down eth1
	check "cuts all" not answers a "$PEER"
	is "with the carrier" "$(ip -n "$FLEET.a" -j link show eth1 | jq -r '.[0].operstate')" UP
	check "link up" netsim a link up eth1
	check "passes again" wait_for 5 answers a "$PEER"
	check "the fault on the link ends by itself" wait_for 40 fast
	check "losing all of c's" netsim a fault 'loss 100%' c:a
	check "loses" not answers a 10.1.0.3
	check "heal" netsim a heal
	check "a trace" netsim a apply "$WORK/traced.yaml"
	rate_is "limits the rate" 8
	check "down" netsim a down
	is "leaves everything as it was" "$(found a)" "$BEFORE_A"
}

fast() {
	awk -v rtt="$(rtt_of a "$PEER")" 'BEGIN { exit rtt > 6 }'
}

killed() {
	local bad=0 moments=15
	thorough "kill -9 at more moments" || moments=4
	for ((; moments > 0; moments--)); do
		NETSIM_TOPOLOGY=$TOPO on a "$HELPERS/killat" "0.$((RANDOM % 40 + 10))" "$NETSIM" apply "$WORK/paths.yaml" >/dev/null 2>&1
		netsim a status >/dev/null || bad=$((bad + 1))
		netsim a down >/dev/null || bad=$((bad + 1))
		[[ $(found a) == "$BEFORE_A" ]] || bad=$((bad + 1))
	done
	is "kill -9 at any moment: down leaves everything as it was" "$bad" 0
}

refused() {
	tc -n "$FLEET.a" qdisc replace dev eth1 root pfifo limit 7
	fails_with 4 "a foreign root qdisc" netsim a apply "$WORK/links.yaml"
	like "is named" "$ERR" "pfifo at its root that netsim did not make"
	is "and nothing stays" "$(ip -n "$FLEET.a" -j link show eth1 | jq -r '.[0].ifalias // ""')" ""
	tc -n "$FLEET.a" qdisc delete dev eth1 root
	check "apply without a topology" on a "$NETSIM" apply "$WORK/links.yaml" eth1
	fails_with 2 "then a partition" netsim a partition b
	is "is refused" "$ERR" "netsim: eth1 is shaped without a topology; end that with \`netsim clear eth1\`, and apply the profile again afterwards"
	check "clear" on a "$NETSIM" clear eth1
	is "nothing stays" "$(found a)" "$BEFORE_A"
}

build
write_profiles
BEFORE_A=$(found a)
shaped netem
thorough "links shaped by edt" && shaped edt
named
paths
killed
refused
destroy
done_testing
