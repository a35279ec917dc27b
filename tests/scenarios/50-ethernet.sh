# needs: bonding 8021q vlan_filtering bridge veth netns clsact bpf
# limit: 600
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios of bonds and VLANs.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
bond-failover | 0 |                                                      | ^bond-failover: ok:
bond-failover | 1 | s/down server-1.eth1,/down server-1\/eth1 --for 4s,/ | ^failed: pull: cluster outage <= 1s: [0-9.]+ s .*off by
bond-failover | 6 | s/down server-1.eth1,/down server-1\/eth2,/          | ^unproved: run: step exec server-1 -- grep -q eth2
vlan-mismatch | 0 |                                                      | ^vlan-mismatch: ok:
vlan-mismatch | 1 | s/vlans-broken$/vlans/                               | ^failed: broken: cluster available <= 0%: 100 %, off by 100 %
vlan-mismatch | 6 | s/type vlan id 200/type vlan id 202/                 | ^unproved: mended: cluster recovers within 2s: cluster never succeeded
EOT
done_testing
