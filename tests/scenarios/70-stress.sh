# needs: netem etcd bridge veth netns clsact bpf
# limit: 900
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios that combine conditions with a cut.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
combined-stress | 0 |                                                            | ^combined-stress: ok:
combined-stress | 1 | s/outage <= 15s/outage <= 2s/                              | ^failed: cut: api outage <= 2s: [0-9.]+ s .*off by
combined-stress | 6 | s/partition leader.*/fault "loss 100%" @agent --class dns/ | ^unproved: cut: api outage <= 15s: a fault of this phase was not in effect
EOT
done_testing
