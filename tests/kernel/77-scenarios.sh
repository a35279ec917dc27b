# needs: native etcd bridge veth netns clsact bpf
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two of the shipped scenarios; tests/scenarios has all of them, and their twins.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
quorum-loss       | 0 | | ^quorum-loss: ok:
rejoin-disruption | 0 | | ^rejoin-disruption: ok:
EOT
done_testing
