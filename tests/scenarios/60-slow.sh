# needs: netem etcd iperf3 bridge veth netns clsact bpf
# limit: 900
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios of slow links.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

scenarios <<'EOT'
high-latency      | 0 |                                       | ^high-latency: ok:
high-latency      | 1 | s/" n100-3$/" @server/                | ^failed: far: rtt n100-1:n100-2 <= 100ms: .*off by
high-latency      | 6 | s/" n100-3$/& --class dns/            | ^unproved: far: rtt n100-1:n100-3 >= 600ms: a fault of this phase was not in effect
bandwidth-limited | 0 |                                       | ^bandwidth-limited: ok:
bandwidth-limited | 1 | s/rate 10mbit/rate 100kbit/           | ^failed: narrow: 
bandwidth-limited | 6 | s/rate 10mbit" @server/& --class dns/ | ^unproved: narrow: api outage <= 3s: a fault of this phase was not in effect
EOT
done_testing
