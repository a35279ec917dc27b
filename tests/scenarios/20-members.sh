# needs: native etcd bridge veth netns clsact bpf
# limit: 600
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios of members of an etcd cluster that reach only some of the others, or return.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
asymmetric-partition | 0 |                                                                       | ^asymmetric-partition: ok:
asymmetric-partition | 1 | s/--one-way (leader.*)/--one-way \1 --for 200ms/                      | ^failed: mute: etcd leader changes = 1: 0
asymmetric-partition | 6 | s/partition --one-way leader.*/fault "loss 100%" @agent --class dns/  | ^unproved: mute: etcd leader changes = 1: a fault of this phase was not in effect
non-transitive       | 0 |                                                                       | ^non-transitive: ok:
non-transitive       | 1 | s/PRE_VOTE: "true"/PRE_VOTE: "false"/                                 | ^failed: by-[^:]*: etcd leader changes = 0: [1-9]
non-transitive       | 6 | s/partition --bridge server-1.*/fault "loss 100%" @agent --class dns/ | ^unproved: by-server-1: api outage <= 1s: a fault of this phase was not in effect
rejoin-disruption    | 0 |                                                                       | ^rejoin-disruption: ok:
rejoin-disruption    | 1 | s/PRE_VOTE: "true"/PRE_VOTE: "false"/                                 | ^failed: return: api outage <= 500ms: [0-9.]+ s .*off by
rejoin-disruption    | 6 | s/partition leader.*/fault "loss 100%" @agent --class dns/            | ^unproved: cut: etcd leader changes = 1: a fault of this phase was not in effect
EOT
done_testing
