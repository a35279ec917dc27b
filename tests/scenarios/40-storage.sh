# needs: native etcd bridge veth netns clsact bpf libiscsi tgt
# limit: 360
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios of disks: the storage network is cut.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

PATH=$ROOT/build/unpacked/tgt/usr/sbin:$PATH

scenarios <<'EOT'
storage-isolation | 0 |                                       | ^ok: cut 1/2: blocks stall <= 8s: [3-7][.][0-9]+ s
storage-isolation | 1 | s/^  for: 3s$/  for: 9s/              | ^failed: cut[^:]*: blocks stall <= 8s: .* off by [0-9.]+ s, at [0-9.]+ s
storage-isolation | 6 | s/link down.*/fault "loss 100%" agent-1 --class dns/ | ^unproved: cut[^:]*: blocks stall <= 8s: a fault of this phase was not in effect
EOT
done_testing
