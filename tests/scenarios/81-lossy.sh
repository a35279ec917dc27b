# needs: netem etcd iperf3 xmllint bridge veth netns clsact bpf
# limit: 600
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Five scenarios in one command on the n3x topology, whose links the profile lossy shapes.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

five lossy
done_testing
