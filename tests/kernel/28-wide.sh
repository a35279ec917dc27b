# needs: native bridge veth netns clsact bpf
# limit: 180
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Text output keeps to 80 columns, even for fleets of many nodes and for long conditions.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

FLEET=w$SUFFIX
cat >"$WORK/w.yaml" <<EOF
fleet: $FLEET
networks: {lan: {}, management: {}}
nodes:
  worker-[1-36]: {interfaces: {eth1: {network: lan, address: "10.1.0.{n}/24"}}}
  controller: {interfaces: {eth1: {network: lan, address: "10.1.0.100/24"}}}
  monitor: {interfaces: {eth1: {network: management, address: "10.2.0.1/24"}}}
EOF

# narrow NAME: no line of $OUT is wider than 80 columns
narrow() {
	is "$1: no line is wider than 80 columns" "$(awk 'length > 80' <<<"$OUT")" ""
}

# Compares the groups in the table of status with the lists of reached nodes in JSON.
groups() {
	"$NETSIM" partition -q controller,worker-1,worker-7 --name p
	check "status of a large fleet" "$NETSIM" status
	narrow "status"
	is "the table has groups of equal rows and columns" "$(sed -n '/^who reaches whom/,/^fault/p' <<<"$OUT" | sed '1d;$d')" \
		"         group 1  group 2  group 3
group 1        +        x        x
group 2        x        +        x
group 3        x        x        .
group 1, 3 nodes: worker-1, worker-7, controller
group 2, 34 nodes: worker-[2-6], worker-[8-36]
group 3, 1 node: monitor"
	is "and JSON has all nodes" "$("$NETSIM" status -j | jq -c '.fleets[0].nodes | [length, (map(.reaches | length) | add)]')" \
		"[38,$((3 * 2 + 34 * 33))]"
	"$NETSIM" heal -q p
}

# A partition between each two neighbours: with as many groups as nodes, groups do not help.
rows() {
	local i args=()
	for ((i = 1; i < 36; i++)); do
		args=("${args[@]}" "worker-$i|worker-$((i + 1))")
		"$NETSIM" partition -q "worker-$i" "worker-$((i + 1))"
	done
	check "status of nodes that all differ" "$NETSIM" status
	narrow "status of nodes that all differ"
	like "has a line for each" "$OUT" $'\nworker-1 +x: 2, [+]: 35\n'
	"$NETSIM" heal -q
}

pinged() {
	"$NETSIM" partition -q controller,worker-1,worker-7
	check "pings of a part that is large" "$NETSIM" ping-matrix -c 2 -i 20ms 'worker-[1-15]' controller
	narrow "ping-matrix"
	like "figures become ranges" "$OUT" $'\ngroup 2 +x +[0-9.]+-[0-9.]+( \\(-[0-9]+%\\))?\n'
	like "with the members" "$OUT" $'\ngroup 1, 3 nodes: worker-1, worker-7, controller\n'
	"$NETSIM" heal -q
	check "pings of a part that is small" "$NETSIM" ping-matrix -c 2 -i 20ms worker-1 worker-2
	like "have a column for each node" "$OUT" "rtt in ms +worker-1 +worker-2"
}

# Long conditions continue on the next line, below their column.
conditions() {
	cat >"$WORK/p.yaml" <<EOF
profile: p
engine: edt
nodes:
  worker-2: {rate: 123456kbit, burst: 64KiB, delay: 12.345ms, jitter: 1.234ms, loss: 1.25%, reorder: 1%, duplicate: 0.5%, corrupt: 0.25%, queue: 1234 packets}
EOF
	check "apply of long conditions" "$NETSIM" apply -n "$WORK/p.yaml"
	narrow "apply"
	like "no word is lost" "$(tr -s ' \n' ' ' <<<"$OUT")" \
		"123456kbit burst 64KiB queue 1234 packets delay 12345us jitter 1234us reorder 1% loss 1.25% duplicate 0.5% corrupt 0.25%"
}

check "up" "$NETSIM" up -q "$WORK/w.yaml"
groups
rows
pinged
conditions
check "down" "$NETSIM" down -q
done_testing
