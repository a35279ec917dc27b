# needs: bridge veth netns clsact bpf iperf3
# limit: 150
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A node that forwards packets, between two sites: what the kernel says of it, what passes, and, with
# netem, delay and rate between the sites.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../verify.sh"

FLEET=two-sites
ROOT=$(dirname "$TESTS")

# forwards NODE: the settings of IPv4 and IPv6
forwards() {
	node_exec "$1" cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | joined
}

# crossing: which nodes of the west reach which of the east, and the other way
crossing() {
	reach west-1=10.1.0.1 west-2=10.1.0.2 east-1=10.2.0.1 east-2=10.2.0.2 | grep -cE '^(west.*east|east.*west)'
}

within() {
	reach west-1=10.1.0.1 west-2=10.1.0.2 east-1=10.2.0.1 east-2=10.2.0.2 | grep -cE '^(west.*west|east.*east)'
}

# sites LINE...: the topology with other lines for the router
sites() {
	sed '/^    forwarding:/d' "$ROOT/topo/two-sites.yaml" >"$WORK/two-sites.yaml"
	[[ $# -eq 0 ]] || sed -i "s/^  wan:\$/&\\n    $1/" "$WORK/two-sites.yaml"
}

forwarding() {
	check "up" "$NETSIM" up "$ROOT/topo/two-sites.yaml"
	is "the router forwards both families" "$(forwards wan)" "1 1"
	is "no other node does" "$(forwards west-1)" "0 0"
	is "all pairs of the two sites reach each other" "$(crossing) $(within)" "8 4"
	sed -E 's,to: 10.[12].0.0/24,to: default,' "$ROOT/topo/two-sites.yaml" >"$WORK/default.yaml"
	check "default routes to it" "$NETSIM" up "$WORK/default.yaml"
	check "ping-matrix follows them" "$NETSIM" ping-matrix --json -c 1
	is "between all nodes" "$(jq '[.pairs[] | select(.result == "answered")] | length' <<<"$OUT")" 20
	check "up again" "$NETSIM" up "$ROOT/topo/two-sites.yaml"
	is "each crosses the router" "$(node_exec west-1 ping -n -c 1 -R 10.2.0.1 | grep -c '10\.2\.0\.254')" 1
	is "up again does nothing" "$("$NETSIM" plan "$ROOT/topo/two-sites.yaml")" "already up to date"
	node_exec wan sysctl -qw net.ipv6.conf.all.forwarding=0
	fails_with 1 "a setting that was changed is a difference" "$NETSIM" diff "$ROOT/topo/two-sites.yaml"
	like "says which" "$OUT" "node wan: forwarding on"
	check "up mends it" "$NETSIM" up "$ROOT/topo/two-sites.yaml"
	is "it forwards again" "$(forwards wan)" "1 1"
	sites "forwarding: false"
	check "up without forwarding" "$NETSIM" up "$WORK/two-sites.yaml"
	like "says what it does" "$("$NETSIM" plan "$ROOT/topo/two-sites.yaml")" "~ node wan: forwarding on"
	is "nothing crosses" "$(forwards wan) $(crossing) $(within)" "0 0 0 4"
	node_exec wan sysctl -qw net.ipv4.ip_forward=1
	sites
	check "up of a file that does not say" "$NETSIM" up "$WORK/two-sites.yaml"
	is "leaves it" "$(forwards wan)" "1 0"
	check "up" "$NETSIM" up "$ROOT/topo/two-sites.yaml"
}

faults() {
	is "status counts what the router joins" "$("$NETSIM" status --json | jq -c '[.fleets[0].nodes[] | [.name, .forwarding, (.reaches | length)]] | sort')" \
		'[["east-1",false,4],["east-2",false,4],["wan",true,4],["west-1",false,4],["west-2",false,4]]'
	check "a partition of the router from a site" "$NETSIM" partition wan @east
	is "cuts the sites off from each other" "$(crossing) $(within)" "0 4"
	check "ping-matrix expects that" "$NETSIM" ping-matrix --json -c 1
	is "of all pairs of the sites, and of the router and the second" \
		"$(jq '[.pairs[] | select(.result == "cut")] | length' <<<"$OUT")" 12
	is "status says so" "$("$NETSIM" status --json | jq -c '[.fleets[0].nodes[] | [.name, (.reaches | length)]] | sort')" \
		'[["east-1",1],["east-2",1],["wan",2],["west-1",2],["west-2",2]]'
	"$NETSIM" heal -q
	check "a partition of the sites and the router" "$NETSIM" partition @west @east wan
	is "cuts them off, too" "$(crossing) $(within)" "0 4"
	"$NETSIM" heal -q
	fails_with 2 "a partition that the router passes by" "$NETSIM" partition west-1 @east
	like "is refused" "$ERR" "west-1 and east-1 have no network in common: what wan forwards comes from wan.*name wan, or a link of it"
	fails_with 2 "nor one way" "$NETSIM" partition --one-way @west @east
	fails_with 2 "a fault between the sites" "$NETSIM" fault 'loss 100%' '@west:@east'
	like "is refused as well" "$ERR" "have no network in common"
	fails_with 2 "a ring over both" "$NETSIM" partition --ring
	like "is refused, too" "$ERR" "have no network in common"
	is "no fault is in force" "$("$NETSIM" status --json | jq '.fleets[0].faults | length')" 0
	printf 'profile: across\nengine: edt\npairs:\n- {between: [west-1, west-2], loss: 1%%}\n- {between: [west-1, east-1], loss: 100%%}\n' >"$WORK/across.yaml"
	fails_with 3 "a pair of a profile" "$NETSIM" apply "$WORK/across.yaml"
	like "is refused at its place" "$ERR" "across.yaml:5:[0-9]+: error: west-1 and east-1 have no network in common: what wan forwards comes from wan; name wan"
	is "and nothing is shaped" "$("$NETSIM" status | grep -c profile)" 0
	check "a fault to the router" "$NETSIM" fault 'loss 100%' west-1:wan
	is "concerns what it forwards" "$(crossing)" 4
	"$NETSIM" heal -q
	check "a fault of one of its links" "$NETSIM" fault 'loss 100%' wan/east
	is "does, too" "$(crossing) $(within)" "0 4"
	"$NETSIM" heal -q
	check "its cable is pulled" "$NETSIM" link down wan/west --for 30s
	is "and so does that" "$(crossing) $(within)" "0 4"
	check "ping-matrix expects that, too" "$NETSIM" ping-matrix --json -c 1
	is "of the same pairs" "$(jq '[.pairs[] | select(.result == "down")] | length' <<<"$OUT")" 12
	"$NETSIM" heal -q
	is "healed" "$(crossing) $(within)" "8 4"
}

# A rate of 5 mbit, and 40 ms: measured through the router, and by verify on its links.
conditions() {
	if ! unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null; then
		skip "delay and rate between the sites" "this kernel has no sch_netem or sch_fq"
		return
	fi
	check "apply" "$NETSIM" apply two-sites
	measured_between "40 ms between the sites" 40 60 ms rtt_of west-1 10.2.0.1
	measured_between "none within one" 0 15 ms rtt_of west-1 10.1.0.2
	measured_between "5 mbit between the sites" 3.5 5 mbit throughput
	all_right "verify" --quick
	like "has the router's links" "$(jq -r '.rows[] | select(.what == "rtt") | .node' <<<"$OUT" | sort | joined)" "wan/east wan/west"
	"$NETSIM" clear -q
}

# throughput: of TCP between the sites, in mbit
throughput() {
	node_bg east-1 iperf3 -s -1
	wait_for 20 eval '[[ -n $(node_exec east-1 ss -Hltn "sport = :5201") ]]'
	node_exec west-1 iperf3 -J -c 10.2.0.1 -t 5 | jq '.end.sum_received.bits_per_second / 1e4 | round / 100'
	bg_end "$BG"
}

before=$(dump)
forwarding
elsewhere || faults
conditions
check "down" "$NETSIM" down
is "leaves nothing" "$(dump)" "$before"
done_testing
