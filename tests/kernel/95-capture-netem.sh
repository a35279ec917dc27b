# needs: netem bridge veth netns
# SPDX-License-Identifier: GPL-2.0-or-later
#
# If packets are held and redirected through IFBs, each is captured once where its node sent
# it and once where it is delivered, but not if it is lost.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=held

cat >"$WORK/held.yaml" <<-'EOT'
	fleet: held
	networks: {lan: {address: 10.9.0.254/24}}
	nodes:
	  a: {interfaces: {eth0: {network: lan, address: 10.9.0.1/24}}}
	  b: {interfaces: {eth0: {network: lan, address: 10.9.0.2/24}}}
EOT
cat >"$WORK/slow.yaml" <<-'EOT'
	profile: slow
	engine: netem
	nodes:
	  a: {up: {delay: 40ms}, down: {rate: 10mbit}}
	  b: {up: {loss: 100%}, down: {delay: 20ms}}
EOT
check "up" "$NETSIM" up "$WORK/held.yaml"
wait_for 10 answers a 10.9.0.2 || not_ok "a reaches b"
check "held in both directions, lost on the way back" "$NETSIM" apply "$WORK/slow.yaml"

bg "$NETSIM" capture --filter icmp
capture=$BG
wait_for 20 bash -c '[[ $(grep -c " 0003 " /proc/net/packet) -eq 4 ]]'
node_exec a ping -q -c 5 -i 0.1 -W 1 10.9.0.2 >/dev/null
wait_for 10 bash -c "[[ \$(grep -c 'echo reply' $WORK/bg.$capture) -ge 5 ]]"
kill -INT "$capture"
wait "$capture"
said=$(<"$WORK/bg.$capture")

# seen NAME COUNT TEXT
seen() {
	is "$1" "$(grep -c "$3" <<<"$said")" "$2"
}
seen "requests where a sends" 5 'a/eth0 sent: a > b .*request'
seen "once each where b receives them" 5 'b/eth0 delivered: a > b .*request'
seen "answers where b sends" 5 'b/eth0 sent: b > a .*reply'
seen "which are lost" 0 'a/eth0 delivered: b > a'
seen "and no other packet" 15 'icmp icmp'
# From the sender's port, before any queueing, to the receiver's port, after it.
between "one-way delay of 60 ms" "$(awk '/a\/eth0 sent: a > b/ { split($1, t, ":"); sent = t[2] * 60 + t[3] }
	/b\/eth0 delivered: a > b/ { split($1, t, ":"); print int((t[2] * 60 + t[3] - sent + 3600) % 3600 * 1000 + .5); exit }' <<<"$said")" 59 90 ms
check "down" "$NETSIM" down
done_testing
