# needs: nfs ganesha bridge veth netns clsact bpf
# limit: 200
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios of an NFS share: its network is cut. The kernel is the client.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

UNPACKED=$ROOT/build/unpacked
PATH=$UNPACKED/nfs-ganesha/usr/bin:$PATH
GANESHA_PLUGINS=$(echo "$UNPACKED"/nfs-ganesha-vfs/usr/lib/*/ganesha)
LD_LIBRARY_PATH=$UNPACKED/nfs-ganesha/usr/lib/ganesha$(printf ':%s' "$UNPACKED"/{libntirpc4.3,liburcu8,libnfsidmap1,libwbclient0}/usr/lib/*-gnu)
export GANESHA_PLUGINS LD_LIBRARY_PATH

scenarios <<'EOT'
share-isolation | 0 |                                                        | ^ok: cut: blocks stall >= 3500ms: [3-9][.][0-9]+ s
share-isolation | 1 | s/server-1 --for 4s/server-1 --for 11s/                | ^failed: cut: blocks stall <= 10s: .* off by
share-isolation | 6 | s/partition agent-1 server-1/fault "loss 100%" agent-1 --class dns/ | ^unproved: cut: blocks stall >= 3500ms: a fault of this phase was not in effect
EOT
is "no share is mounted" "$(grep -c nfs4 /proc/mounts)" 0
done_testing
