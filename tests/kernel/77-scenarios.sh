# needs: native etcd bridge veth netns clsact bpf
# limit: 210
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two of the shipped scenarios, with the limits of a busy machine; tests/scenarios has all of them as
# they are shipped, and their twins.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

# patient SCENARIO: how fast etcd is does not matter here, but what it acknowledges and loses.
patient() {
	sed -E 's/available 100%/available 50%/; s/within [56]s/within 60s/; s/outage <= 500ms/outage <= 30s/; s/>= 40/>= 5/; s/changes = [01]/changes <= 9/' \
		"$ROOT/scenarios/$1.yaml" >"$WORK/$1.yaml"
	cd "$ROOT" || exit
	if ran 0 "$WORK/$1.yaml"; then
		ok "$1"
	else
		not_ok "$1" "$(caught netsim run "$1")"
	fi
	like "$1: its verdict" "$OUT" "(^|"$'\n'")$1: ok:"
}

patient quorum-loss
patient rejoin-disruption
done_testing
