# needs: bonding 8021q vlan_filtering bridge veth netns clsact bpf
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A shipped scenario that needs bonds and VLANs; tests/scenarios has all of them, and their twins.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
bond-failover | 0 | | ^bond-failover: ok:
EOT
done_testing
