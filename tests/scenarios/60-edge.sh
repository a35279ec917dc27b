# needs: native etcd bridge veth netns clsact bpf jq
# limit: 900
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The edge of etcd's election timeout: a follower that hears no heartbeat for this long tries to
# become leader (1 s by default, in steps of the heartbeat interval, 0.1 s; each follower waits
# between this and twice as long, so that several pauses are needed to see the shortest). The leader is
# paused instead of cut off, because TCP would stay silent after a cut until it sends again.
# shellcheck shell=bash
. "$(dirname "$0")/../scenarios.sh"

cat >"$WORK/silence.yaml" <<'EOT'
scenario: silence
why: A leader that is silent for less than the election timeout stays the leader.
fleet: simple
start:
  etcd: {use: etcd, nodes: ["@server", agent-1]}
timeline:
- quiet: {for: 1s}
- silent: pause etcd/leader(etcd)
  for: 500ms
  repeat: 10, 1200ms..1600ms apart
  expect: etcd leader changes = 0
EOT

# search SEED: the greatest time that is borne in BEARS, and the least that is not in NOT
search() {
	run "$NETSIM" run -j --seed "$1" --edge 'for 500ms..2500ms' --out "$WORK/memory/$1" "$WORK/silence.yaml"
	rm -rf "${WORK:?}/memory/$1"
	BEARS=$(jq '[.runs[] | select(.result == "ok").value] | max / 1e9' <<<"$OUT")
	NOT=$(jq '[.runs[] | select(.result == "failed").value] | min / 1e9' <<<"$OUT")
	explain "$(jq -r .text <<<"$OUT")"
}

# edge SEED: searches; a busy machine lets etcd's clock go slowly, so that it bears more. Then again.
edge() {
	search "$1"
	awk -v bears="$BEARS" 'BEGIN { exit !(bears > 1.1) }' && search "$1"
	is "seed $1: an edge" "$STATUS" 0
	between "seed $1: silence that changes no leader" "$BEARS" 0.85 1.1 s
	between "seed $1: silence that does" "$NOT" 0.9 1.15 s
}

cd "$ROOT" || exit
edge 1
edge 2
done_testing
