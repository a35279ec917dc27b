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

# edge SEED: searches, with the result in OUT
edge() {
	local bears not
	fails_with 0 "seed $1: an edge" "$NETSIM" run -j --seed "$1" --edge 'for 300ms..4s' --out "$WORK/memory/$1" "$WORK/silence.yaml"
	bears=$(jq '[.runs[] | select(.result == "ok").value] | max / 1e9' <<<"$OUT")
	not=$(jq '[.runs[] | select(.result == "failed").value] | min / 1e9' <<<"$OUT")
	explain "$(jq -r .text <<<"$OUT")"
	between "seed $1: silence that changes no leader" "$bears" 0.85 1.1 s
	between "seed $1: silence that does" "$not" 0.9 1.15 s
	rm -rf "${WORK:?}/memory/$1"
}

cd "$ROOT" || exit
edge 1
edge 2
done_testing
