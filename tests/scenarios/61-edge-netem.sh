# needs: netem bridge veth netns jq
# limit: 200
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run --edge with the delay and the rate of all links: an edge that is known.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# scenario NAME EXPECTATION
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: edge
		  networks: {lan: {}}
		  nodes:
		    n[1-3]: {interfaces: {eth1: {network: lan, address: "10.9.5.{n}/24"}}}
		probes: {echo: {from: n1, ping: 10.9.5.2, every: 10ms, timeout: 1s}}
		timeline: [{all: {for: 1500ms}, expect: [$2]}]
	EOT
}

# edge OF: of the JSON in OUT, the greatest value that is borne, or the least that is not, in ms
edge() {
	jq "[.runs[] | select(.result == \"$1\").value] | $2 / 1e6" <<<"$OUT"
}

# Each way crosses two links: a delay of 12.5 ms gives a round trip of 50 ms.
scenario trip "echo rtt median <= 50ms"
check "the edge of the delay" "$NETSIM" run -j --edge 'delay 1ms..100ms' --within 5% --out "$WORK/delay" "$WORK/trip.yaml"
between "it bears" "$(edge ok max)" 11.2 12.5 ms
between "and does not bear" "$(edge failed min)" 11.8 13.8 ms
check "that of the round trip of a link" "$NETSIM" run -j --edge 'rtt 200ms..2ms' --out "$WORK/rtt" "$WORK/trip.yaml"
between "it bears" "$(edge ok max)" 22 25 ms
between "and does not bear" "$(edge failed min)" 23 28 ms

# 84 bytes of IP in a frame of 98 take 39 ms on each of four ways at 20 kbit/s.
scenario narrow "echo rtt median <= 160ms"
sed -i 's/every: 10ms/every: 300ms/' "$WORK/narrow.yaml"
check "a rate, which is borne above its edge" "$NETSIM" run -j --edge 'rate 5kbit..1mbit' --out "$WORK/rate" "$WORK/narrow.yaml"
is "says which side is which" "$(jq -r .result <<<"$OUT")" found
between "it bears" "$(jq '[.runs[] | select(.result == "ok").value] | min / 1e3' <<<"$OUT")" 17 26 kbit
done_testing
