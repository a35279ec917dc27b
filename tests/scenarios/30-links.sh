# needs: native etcd bridge veth netns clsact bpf
# limit: 600
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios of links that lose packets, flap, or are deleted.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
packet-loss        | 0 |                                                     | ^packet-loss: ok:
packet-loss        | 1 | s/loss 5%/loss 60%/                                 | ^failed: much:
packet-loss        | 6 | s/loss 5%" @server/& --class dns/                   | ^unproved: much: api outage <= 5s: a fault of this phase was not in effect
flapping-link      | 0 |                                                     | ^flapping-link: ok:
flapping-link      | 1 | s/outage <= 5s/outage <= 200ms/                     | ^failed: flap: api outage <= 200ms: [0-9.]+ s .*off by
flapping-link      | 6 | s/link flap.*/fault "loss 100%" @agent --class dns/ | ^unproved: flap: api outage <= 5s: a fault of this phase was not in effect
node-restart       | 0 |                                                     | ^node-restart: ok:
node-restart       | 1 | s/--name lossy/--for 5s/                            | ^failed: after: loss agent-2:agent-1 >= 3%: 0 %, off by
node-restart       | 6 | s/ip link del eth1/ip link del eth9/                | ^unproved: run: step exec agent-1 -- ip link del eth9: ip ended with exit status 1
large-packets-only | 0 |                                                     | ^large-packets-only: ok:
large-packets-only | 1 | s/larger 1000B/larger 100B/                         | ^failed: large: health outage <= 500ms: .*off by
large-packets-only | 6 | s/larger 1000B/larger 1500B/                        | ^unproved: large: metrics available <= 20%: a fault of this phase was not in effect
EOT
done_testing
