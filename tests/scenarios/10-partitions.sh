# needs: native etcd bridge veth netns clsact bpf
# limit: 900
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios that cut members of an etcd cluster off.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
leader-cut        | 0 |                                                               | ^leader-cut: ok:
leader-cut        | 1 | s/outage <= 3s/outage <= 100ms/                               | ^failed: cut[^:]*: api outage <= 100ms: [0-9.]+ s .*off by
leader-cut        | 6 | s/partition leader.*/fault "loss 100%" @agent --class dns/    | ^unproved: cut[^:]*: api outage <= 3s: a fault of this phase was not in effect
network-partition | 0 |                                                               | ^network-partition: ok:
network-partition | 1 | s/partition n100-1/&,jetson-1/                                | ^failed: cut: majority outage <= 12s: .*off by
network-partition | 6 | s/partition n100-1/fault "loss 100%" @agent --class dns/      | ^unproved: cut: minority available <= 20%: a fault of this phase was not in effect
quorum-loss       | 0 |                                                               | ^quorum-loss: ok:
quorum-loss       | 1 | s/--isolate members/leader/                                   | ^failed: cut: api available <= 5%: [0-9.]+ % .*off by
quorum-loss       | 6 | s/partition --isolate.*/fault "loss 100%" @agent --class dns/ | ^unproved: cut: api available <= 5%: a fault of this phase was not in effect
EOT
done_testing
