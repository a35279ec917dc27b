# needs: vlan_filtering 8021q bridge veth netns clsact bpf nbdkit libnbd
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run: the storage VLAN of a node is cut, and the one of the cluster is not.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

make_memory

cat >"$WORK/vlan.yaml" <<'EOT'
scenario: vlan
fleet: vlans
start:
  disk: {use: nbd, node: server-1, interface: eth1.100}
  blocks: {use: block-ledger, node: agent-1, rate: 50/s}
probes:
  cluster: {from: agent-1, ping: "{address}", nodes: server-1, every: 100ms, timeout: 2s}
timeline:
- quiet: {for: 3s}
- cut: link down agent-1/eth1.100
  for: 2s
  expect: [cluster available 100%, blocks stall >= 1s, blocks stall <= 8s]
- after: {for: 6s}
  expect: [blocks lost = 0, blocks torn = 0, blocks stale = 0]
EOT
scenario_ends 0 "exit status" "$WORK/vlan.yaml" "$WORK/memory/vlan"
like "only frames of the VLAN are dropped" "$OUT" 'ok: cut: cluster available 100%: 100 %'
like "writes wait" "$OUT" 'ok: cut: blocks stall >= 1s: (at least )?[0-9.]+ s'
done_testing
