# needs: netem etcd curl bridge veth netns clsact bpf
# limit: 240
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run with links of limited rate, by netem: the leader of a real etcd is cut off; a limit
# that is kept is ok, one that is not fails, with a line that says by how much and when. All times
# are long, because the virtual machine is slow; and each phase waits until the cluster has a leader.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

PATH=$(realpath "$TESTS/../build/unpacked/etcd-server/usr/bin"):$PATH

make_memory

# Waits until a member that can be reached says that there is a leader.
cat >"$WORK/lead" <<-'EOT'
	#!/bin/sh
	until curl -sf -m 2 -o /dev/null http://192.168.1.1:2379/health ||
		curl -sf -m 2 -o /dev/null http://192.168.1.2:2379/health ||
		curl -sf -m 2 -o /dev/null http://192.168.1.3:2379/health; do sleep 0.2; done
EOT
chmod +x "$WORK/lead"

cat >"$WORK/slow.yaml" <<-EOT
	scenario: slow
	fleet: $TESTS/../topo/simple.yaml
	profile: $TESTS/../profiles/constrained.yaml
	start:
	  etcd:
	    use: $TESTS/../scenarios/recipes/etcd.yaml
	    nodes: ["@server", agent-1]
	    env: {ETCD_HEARTBEAT_INTERVAL: 500, ETCD_ELECTION_TIMEOUT: 5000}
	    within: 2min
	  ledger: {use: etcd-ledger, node: agent-2, rate: 2/s, timeout: 3s}
	probes:
	  api: {from: agent-2, http: "http://{address}:2379/health", nodes: ["@server", agent-1], every: 1s, timeout: 2s}
	timeline:
	- ready: exec agent-2 -- $WORK/lead
	- cut: [partition leader(etcd), exec agent-2 -- $WORK/lead]
	  for: 11s
	  expect: [api outage <= 60s, api outage <= 200ms, etcd leader changes <= 3]
	- after: exec agent-2 -- $WORK/lead
	  for: 3s
	  expect: [ledger lost = 0, ledger stale = 0, ledger phantom = 0]
EOT

cut() {
	# A machine that is too busy for an answer within 2 s cannot say who leads, and the run ends.
	for _ in 1 2 3; do
		rm -rf "$WORK/memory/slow"
		run "$NETSIM" run -v "$WORK/slow.yaml" --out "$WORK/memory/slow"
		grep -q '^unproved: run: runs to its end' <<<"$OUT" || break
	done
	is "a cut of the leader: exit status" "$STATUS" 1
	like "the long limit is kept" "$OUT" $'\n''ok: cut: api outage <= 60s: (at least )?[0-9.]+ s'
	like "the short one is not: by how much, and when" "$OUT" \
		$'\n''failed: cut: api outage <= 200ms: [^'$'\n'']*[0-9.]+ s.*, off by [0-9.]+ s, at [0-9.]+ s'
	like "the partition took effect" "$OUT" 'ok: cut: in effect: partition [^ ]* . rest: from '
	like "nothing is lost" "$OUT" $'\n''ok: after: ledger lost = 0: 0'
	like "nothing is stale" "$OUT" $'\n''ok: after: ledger stale = 0: 0'
	is "nothing else fails" "$(grep -c '^failed' <<<"$OUT")" 1
	is "no workload is left" "$(pgrep -f "etcd --name=")" ""
}

cut
done_testing
