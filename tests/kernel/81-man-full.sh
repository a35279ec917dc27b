# needs: bridge veth netns tap clsact bpf netem fq tbf ifb mirred bonding 8021q vlan_filtering
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The examples of the pages that 80-man.sh skips: profiles, and the doctor.
# shellcheck shell=bash disable=SC2034
FULL=yes
. "$(dirname "${BASH_SOURCE[0]}")/80-man.sh"
