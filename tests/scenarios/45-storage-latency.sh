# needs: netem fq bridge veth netns clsact bpf nbdkit libnbd
# limit: 300
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios of disks: the storage network is slow, or stands still.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
storage-latency | 0 |                                               | ^ok: slow: blocks latency median >= 200ms: 0[.][2-4][0-9]+ s
storage-latency | 1 | /^- slow:/s/delay 100ms/delay 300ms/          | ^failed: slow: blocks latency p90 <= 500ms: [0-9.]+ s, off by
storage-latency | 6 | /^- slow:/s/agent-1.eth2/agent-1 --class dns/ | ^unproved: slow: blocks latency median >= 200ms: .*was not in effect
storage-hold    | 0 |                                               | ^ok: held: loss agent-1:server-1 class longhorn-data = 0%: 0 %
storage-hold    | 1 | s/fault hold/fault "loss 100%"/               | ^failed: held: loss agent-1:server-1 class longhorn-data = 0%: [0-9.]+ %, off by
storage-hold    | 6 | s/agent-1.eth2 --for/agent-1 --class dns --for/ | ^unproved: held: blocks stall >= 3500ms: .*was not in effect
EOT
done_testing
