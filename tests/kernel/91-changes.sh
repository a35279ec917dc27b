# needs: native bridge veth netns
# limit: 180
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Captures and measurements follow ports that are down, come up, go down or are created again,
# and report them.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

FLEET=c$SUFFIX
cat >"$WORK/c.yaml" <<EOF
fleet: $FLEET
networks: {lan: {}}
nodes:
  a: {interfaces: {eth1: {network: lan, address: 10.1.0.1/24}}}
  b: {interfaces: {eth1: {network: lan, address: 10.1.0.2/24}}}
  c: {interfaces: {eth1: {network: lan, address: 10.1.0.3/24}}}
EOF

# said PID WORDS [COUNT]: true once COUNT lines (1) with WORDS have been printed
said() {
	[[ $(grep -c "$2" "$WORK/bg.$1") -ge ${3:-1} ]]
}

# In one command: a cable is down at the beginning, comes up, and is pulled in the node; then
# its port is deleted and created again.
changes() {
	local pid log
	check "$1: a cable is down" "$NETSIM" link -q down b/eth1
	bg "$NETSIM" "$@"
	pid=$BG log=$WORK/bg.$BG
	check "$1: reports that it is down" wait_for 10 said "$pid" "port b/eth1 is down"
	check "$1: it comes up" "$NETSIM" link -q up b/eth1
	check "$1: reports that it is up" wait_for 5 said "$pid" "port b/eth1 is up"
	check "$1: packets cross it" wait_for 5 answers a 10.1.0.2
	node_exec b ip link set eth1 down
	check "$1: reports that it has no carrier" wait_for 5 said "$pid" "port b/eth1 is down" 2
	node_exec b ip link set eth1 up
	check "$1: reports that it has one" wait_for 5 said "$pid" "port b/eth1 is up" 2
	node_exec b ip link del eth1
	check "$1: reports that it disappeared" wait_for 5 said "$pid" "port b/eth1 disappeared"
	check "$1: it is created again" "$NETSIM" up -q "$WORK/c.yaml"
	check "$1: reports that, too" wait_for 5 said "$pid" "port b/eth1 was created again"
	check "$1: packets cross it again" wait_for 5 answers c 10.1.0.2
	interrupt "$pid"
	is "$1: succeeds, as no port is missing at the end" "$STATUS" 0
	LOG=$(<"$log")
}

captured() {
	changes capture
	like "packets of when it was up are captured" "$LOG" "b/eth1 delivered: a > b "
	like "and those at the port created again" "$LOG" "b/eth1 delivered: c > b "
	like "the summary lists the changes" "${LOG##*changes of ports}" \
		", by time since the beginning.* b/eth1 is down.* b/eth1 is up.* b/eth1 disappeared.* b/eth1 was created again"
}

# events: of b/eth1 in JSON, where creating it again may show it down for a moment
events() {
	jq -r '[.changes[] | select(.port == "b/eth1" and .at_ns > 1e18) | .event] | join(" ")' <<<"$LOG"
}

measured() {
	changes measure --json
	LOG=$(sed -n '/^{/,/^}/p' <<<"$LOG")
	is "no port is missing" "$(jq .gone <<<"$LOG")" 0
	like "JSON lists the changes" "$(events)" "^down up down up (down )?gone new( down up)?$"
	is "the delay to the port is measured, before and after" \
		"$(jq -r '.one_way.rows[] | select(.to == "b" and .class == "icmp" and .delivered > 0) | .from' <<<"$LOG" | grep -x '[ac]' | sort -u | joined)" "a c"
}

# Only one port, and no other interface at which libpcap could open a socket.
alone() {
	local port=$FLEET.b.eth1
	ip link set "$port" down
	check "captures for a while at a port that is down" "$NETSIM" capture -j --for 1s b/eth1
	is "reports one change" "$(jq -c '[.changes[] | [.port, .event]], .ports[0].gone' <<<"$OUT" | xargs)" "[[b/eth1,down]] false"
	ip link set "$port" up
	check "and at one that is up" "$NETSIM" measure --for 200ms
	is "reports nothing without a change" "$ERR" ""
	unlike "nor lists any" "$OUT" "changes of ports"
	ip link set "$port" down
	check "measures beside a port that is down" "$NETSIM" measure --for 200ms
	like "which it was before" "$OUT" "changes of ports.*"$'\n'"  before  b/eth1 is down"
	ip link set "$port" up
}

# More changes in a row than the kernel keeps notifications for: the final state is found all the
# same.
many() {
	local i port=$FLEET.a.eth1
	ip link set "$port" down
	bg "$NETSIM" measure --json
	check "a measurement begins" wait_for 10 said "$BG" "port a/eth1 is down"
	kill -STOP "$BG"
	for ((i = 0; i < 150; i++)); do
		ip link add "x$SUFFIX" type veth peer name "y$SUFFIX"
		ip link del "x$SUFFIX"
	done
	node_exec b ip link del eth1
	check "meanwhile a port is created again" "$NETSIM" up -q "$WORK/c.yaml"
	is "the kernel could not keep all notifications" "$(awk '$2 == 0 && $9 > 0' /proc/net/netlink | wc -l)" 1
	kill -CONT "$BG"
	check "it is followed" wait_for 10 said "$BG" "port b/eth1 was created again"
	check "packets cross it" wait_for 5 answers c 10.1.0.2
	interrupt "$BG"
	ip link set "$port" up
	LOG=$(sed -n '/^{/,/^}/p' "$WORK/bg.$BG")
	is "and are measured" "$(jq '[.one_way.rows[] | select(.to == "b" and .from == "c" and .class == "icmp") | .delivered] | add > 0' <<<"$LOG")" true
}

# drawn CMD...: the lines of progress that it draws on a terminal of 60 columns, in $WORK/drawn;
# sets $TENTHS to the time that it took, rounded up.
drawn() {
	local begin=${EPOCHREALTIME//[!0-9]/}
	TERM=xterm run timeout 60 script -qefc "stty cols 60; $*" /dev/null
	TENTHS=$(((${EPOCHREALTIME//[!0-9]/} - begin) / 100000 + 1))
	tr '\r\n' '\n\n' <<<"$OUT" | sed -n 's/^\x1b\[K//p' | sed '/^$/d' >"$WORK/drawn"
}

# ping-matrix expects no answer from a node whose interface is down, and reports no pairs of a fleet
# that was removed meanwhile.
matrix() {
	node_exec b ip link set eth1 down
	check "ping-matrix beside an interface that is down" "$NETSIM" ping-matrix --json -c 1
	is "calls its pairs down" "$(jq '[.pairs[] | select(.result == "down")] | length' <<<"$OUT")" 4
	node_exec b ip link set eth1 up
	bg "$NETSIM" ping-matrix -c 600
	wait_for 5 pings
	check "the fleet is removed meanwhile" "$NETSIM" down -q
	fails_with 2 "ping-matrix fails" wait "$BG"
	check "and names it" written "netsim: there is no fleet $FLEET" "$WORK/bg.$BG"
	check "up again" "$NETSIM" up -q "$WORK/c.yaml"
}

# pings: echo requests arrive at a
pings() {
	[[ $(node_exec a nstat -azs IcmpInEchos | awk '/IcmpInEchos/ { print $2 }') -gt 5 ]]
}

# Progress is drawn when it changes, ten times a second at most.
progress() {
	drawn "$NETSIM" ping-matrix --count 100 --interval 10ms
	between "progress is drawn" "$(wc -l <"$WORK/drawn")" 2 $((TENTHS + 1)) "times in $TENTHS tenths of a second"
	is "only where it changed" "$(uniq -d "$WORK/drawn")" ""
	drawn "$NETSIM" measure --for 2s
	like "measure draws the seconds" "$(<"$WORK/drawn")" "^measuring: [0-9]+ s, [0-9]+ packet"
	is "only where they changed" "$(uniq -d "$WORK/drawn")" ""
	drawn "$NETSIM" measure --for 1s --quiet
	is "quiet commands draw none" "$(<"$WORK/drawn")" ""
}

check "up" "$NETSIM" up -q "$WORK/c.yaml"
captured
measured
alone
many
matrix
progress
check "down" "$NETSIM" down -q
done_testing
