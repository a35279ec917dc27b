# needs: netem etcd iperf3 xmllint bridge veth netns clsact bpf
# limit: 1200
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Five scenarios on the n3x topology, whose links two profiles shape, in one command.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

five constrained lossy
done_testing
