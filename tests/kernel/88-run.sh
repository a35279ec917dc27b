# needs: native etcd bridge veth netns clsact bpf xmllint
# limit: 160
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run against three members of etcd: the leader is cut off, the verdict is ok; a limit that
# cannot be kept fails; the evidence is judged again.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

PATH=$(realpath "$TESTS/../build/unpacked/etcd-server/usr/bin"):$PATH

make_memory

# scenario NAME FOR REPEAT LIMIT
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: $1
		  networks: {lan: {}}
		  nodes:
		    s[1-3]: {roles: [server], interfaces: {eth1: {network: lan, address: "10.9.1.{n}/24"}}}
		    c: {interfaces: {eth1: {network: lan, address: 10.9.1.9/24}}}
		seed: 42
		start:
		  etcd:
		    use: etcd
		    nodes: "@server"
		    env: {ETCD_HEARTBEAT_INTERVAL: 150, ETCD_ELECTION_TIMEOUT: 1500}
		  ledger: {use: etcd-ledger, node: c, rate: 100/s}
		probes:
		  api: {from: c, http: "http://{address}:2379/health", nodes: "@server", every: 20ms, timeout: 1s}
		timeline:
		- quiet: {for: 1s}
		  expect: [api available 100%]
		- cut: partition leader(etcd)
		  for: $2
		  repeat: $3, 3s..4s apart
		  expect: [api outage <= $4, etcd leader changes <= 2]
		- after: {for: 2s}
		  expect: [etcd agrees within 30s, ledger lost = 0, ledger stale = 0]
		abort: api outage > 30s
	EOT
}

nothing_left() {
	is "$1: no workload is left" "$(pgrep -f "etcd --name=s[1-3]")" ""
	check "$1: no node is left" not ls "/run/netns/$1".*
	check "$1: no record is left" not ls /run/netsim
	check "$1: no data is left" not ls "$WORK/memory/$1/data"
}

leader_cut() {
	scenario whole 4s 2 20s
	# A late machine leaves something unproved, or fails before a cut.
	for _ in 1 2 3 4; do
		rm -rf "$WORK/memory/whole"
		run "$NETSIM" run -v --traffic "$WORK/whole.yaml" --out "$WORK/memory/whole" --junit "$WORK/j.xml"
		[[ $OUT == *"unproved: "* || $OUT == *"failed: quiet: api available"* ]] || break
	done
	[[ $STATUS -eq 0 ]] && ok "two cuts of the leader" || not_ok "two cuts of the leader" "$(caught netsim run)"
	like "each outage, and their distribution" "$OUT" \
		'ok: cut 2/2: api outage <= 20s: ([0-9.]+ s ± [0-9.]+ s|at least [0-9.]+ s).*cut: api outage <= 20s: min, median, max of 2: '
	like "each cut is proved" "$OUT" \
		'ok: cut 1: in effect: partition s[123] . rest: from [0-9.]+ s to [0-9.]+ s, [1-9][0-9]* of '
	like "a summary" "$OUT" $'\n''whole: ok: [0-9]+ ok; [0-9.]+ s; evidence in '
	is "no line is wider than 100 columns, but the summary" \
		"$(LC_ALL=C.UTF-8 awk 'length > 100 && !/^whole: /' <<<"$OUT")" ""
	is_junit "$WORK/memory/whole/junit.xml" "$WORK/j.xml"
	is "without failures" "$(grep -cE '<(failure|error)' "$WORK/j.xml")" 0
	is "the leader of each cut is in the events" \
		"$(grep -c '"kind":"selected","subject":"leader(etcd)","text":"s[123]"' "$WORK/memory/whole/events.jsonl")" 2
	cmp -s "$WORK/whole.yaml" "$WORK/memory/whole/scenario.yaml" || not_ok "the file as read"
	"$NETSIM" run -n "$WORK/whole.yaml" >"$WORK/plan"
	check "another profile does not change the plan" \
		cmp "$WORK/plan" <("$NETSIM" run -n --profile constrained "$WORK/whole.yaml")
	fails_with 2 "an unknown profile" "$NETSIM" run -n --profile nosuch "$WORK/whole.yaml"
	check "the plan as printed with -n" cmp "$WORK/plan" "$WORK/memory/whole/plan.txt"
	nothing_left whole
	evidence_of_traffic
	cp "$WORK/memory/whole/verdict.json" "$WORK/first.json"
	check "report judges it again" "$NETSIM" report --json "$WORK/memory/whole"
	is "with the same verdict" "$OUT" "$(<"$WORK/first.json")"
	fails_with 2 "a folder is used once" "$NETSIM" run "$WORK/whole.yaml" --out "$WORK/memory/whole"
}

# The figures of the traffic, and a line for each fault.
evidence_of_traffic() {
	local run=$WORK/memory/whole
	is "the classes of the traffic" "$(jq -r '[.classes[].class] | sort | map(select(startswith("etcd"))) | join(" ")' "$run/measure.json")" \
		"etcd-client etcd-peer"
	is "its retransmissions are those of the cuts" "$(jq '[.classes[] | select(.class == "etcd-peer") | .both | .fast + .timeout] | add > 0' "$run/measure.json")" true
	is "with both faults" "$(jq -r '[.faults[].text] | length' "$run/measure.json")" 2
	check "a page of the traffic" grep -q '<title>netsim' "$run/traffic.html"
	check "packets are not kept where all is ok" not ls "$run/packets"
	check "annotations of the faults" "$NETSIM" report --annotations "$WORK/notes" "$run"
	is "have a time in ms, a text and tags" "$(jq -rs 'map("\(.timeEnd - .time > 3500) \(.timeEnd - .time < 4500) \(.text | split(" ")[0]) \(.tags | join(","))") | unique | .[]' "$WORK/notes")" \
		"true true partition netsim,whole"
}

too_slow() {
	scenario strict 3s 1 1ms
	# What fails before the cut, because the machine is late, leaves the outage unproved.
	for _ in 1 2 3 4; do
		rm -rf "$WORK/memory/strict"
		run "$NETSIM" run --traffic "$WORK/strict.yaml" --out "$WORK/memory/strict"
		[[ $OUT == *"failed before the fault"* ]] || break
	done
	is "a limit that is not kept: exit status" "$STATUS" 1
	like "one line says by how much, and when" "$OUT" \
		'(^|'$'\n'')failed: cut 1/1: api outage <= 1ms: [^'$'\n'']*[0-9.]+ s.*, off by [0-9.]+ s, at [0-9.]+ s'
	is "and as many failures in JUnit's XML" \
		"$(grep -c '<failure' "$WORK/memory/strict/junit.xml")" "$(grep -c '^failed: ' <<<"$OUT")"
	like "the packets are kept where something failed" "$(tcpdump -nr "$WORK/memory/strict/packets/"*-00001.pcapng -c 200 'tcp port 2380' 2>/dev/null | wc -l)" "^200$"
	fails_with 1 "both side by side" "$NETSIM" report "$WORK/memory/whole" "$WORK/memory/strict"
	like "shows both verdicts" "$OUT" '^a: [^ ]*whole: whole: ok'$'\n''b: [^ ]*strict: strict: failed'
	nothing_left strict
}

leader_cut
too_slow
done_testing
