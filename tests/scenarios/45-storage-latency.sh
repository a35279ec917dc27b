# needs: netem fq bridge veth netns clsact bpf nbdkit libnbd
# limit: 240
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios of disks: the storage network is slow.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
storage-latency | 0 |                                     | ^ok: slow: blocks latency median >= 200ms: 0[.][2-4][0-9]+ s
storage-latency | 1 | s/delay 100ms/delay 300ms/          | ^failed: slow: blocks latency p90 <= 500ms: 0[.][6-9][0-9]+ s, off by 0[.]
storage-latency | 6 | s/agent-1.eth2$/agent-1 --class dns/ | ^unproved: slow: blocks latency median >= 200ms: .*was not in effect
EOT
done_testing
