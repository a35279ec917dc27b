# needs: tap bridge veth netns clsact bpf
# limit: 400
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A tap that is created anew ROUNDS times under a flood, once with a new name each time, as libvirt
# does it, once with the same name, as microvm.nix does it: no frame escapes its conditions, and
# nothing grows.
# Environment: ROUNDS, MS.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=guests
MAC=52:54:00:12:34:01
ROUNDS=${ROUNDS:-200}
MS=${MS:-250}
cat >"$WORK/guests.yaml" <<-EOT
	fleet: guests
	networks: {lan: {name: guests-br}}
	nodes:
	  a: {interfaces: {eth1: {network: lan, address: 10.9.5.1/24}}}
	  libvirt: {kind: attached, interfaces: {eth0: {network: lan, port: "vnet*", mac: "$MAC"}}}
	  microvm: {kind: attached, interfaces: {eth0: {network: lan, port: vm1}}}
EOT
printf 'profile: deaf\ndefault: {loss: 0.001%%}\nnodes: {libvirt: {up: {loss: 100%%}}, microvm: {up: {loss: 100%%}}}\n' >"$WORK/deaf.yaml"
printf 'profile: open\ndefault: {loss: 0.001%%}\n' >"$WORK/open.yaml"

logged() {
	grep -qE "$1" "$WORK/bg.$WATCH"
}

# What can grow: IFBs and other links, attached programs, descriptors and memory of watch.
links() { ip -br link | wc -l; }
attached() { bpftool net show | grep -c ns_; }
descriptors() { find "/proc/$WATCH/fd" -mindepth 1 | wc -l; }
memory() { awk '/VmRSS/ { print $2 }' "/proc/$WATCH/status"; }

# flood HOW NAME ROUNDS: sets SENT and RECEIVED
flood() {
	local receiver
	node_bg a "$TESTS/tools/tapflood.py" receive eth1
	receiver=$BG
	wait_for 10 written ready "$WORK/bg.$receiver" || not_ok "a counts"
	SENT=$("$TESTS/tools/tapflood.py" "$1" "$2" guests-br "$MAC" "$3" "$MS" | sed -n 's/^sent //p')
	bg_end "$receiver"
	RECEIVED=$(sed -n 's/^received //p' "$WORK/bg.$receiver")
}

# times NODE: in ms, until each of its taps was shaped
times() {
	sed -nE "s~^$1/eth0: .* appeared, shaped after ([0-9.]+) (ms|s|us)\$~\1 \2~p" "$WORK/bg.$WATCH" |
		awk '{ print $2 == "s" ? $1 * 1000 : $2 == "us" ? $1 / 1000 : $1 }' | sort -g
}

# percentile NODE PART
percentile() {
	times "$1" | awk -v part="$2" '{ t[NR] = $1 } END { i = int(NR * part + 0.5); print t[i < 1 ? 1 : i] }'
}

# again NODE HOW NAME
again() {
	local node=$1 before
	"$NETSIM" apply -q "$WORK/open.yaml" 2>/dev/null
	flood "$2" "$3" 2
	between "$node: frames of a tap pass" "$RECEIVED" 1 "$SENT"
	"$NETSIM" apply -q "$WORK/deaf.yaml" 2>/dev/null
	flood "$2" "$3" 20
	is "$node: none of the first 20 taps, outside of its conditions" "$RECEIVED" 0
	before="$(links) links, $(attached) programs, $(descriptors) descriptors"
	memory=$(memory)
	flood "$2" "$3" "$ROUNDS"
	between "$node: $ROUNDS taps send frames" "$SENT" "$ROUNDS" 1000000000
	is "$node: none passes" "$RECEIVED" 0
	check "$node: the last tap is gone" wait_for 10 eval "logged '^$node/eth0: .* is gone' && [[ \$(links) == ${before%% *} ]]"
	is "$node: nothing has grown" "$(links) links, $(attached) programs, $(descriptors) descriptors" "$before"
	between "$node: the memory of watch has grown by" $(($(memory) - memory)) -100000 1024 kB
	is "$node: each tap was shaped" "$(times "$node" | wc -l)" $((ROUNDS + 22))
	between "$node: median until a tap is shaped" "$(percentile "$node" 0.5)" 0 50 ms
	between "$node: 99 of 100 within" "$(percentile "$node" 0.99)" 0 $((50 * 4)) ms
}

PROGRAMS=$(programs)
"$NETSIM" up -q "$WORK/guests.yaml" 2>/dev/null
"$NETSIM" apply -q "$WORK/open.yaml" 2>/dev/null
bg "$NETSIM" watch
WATCH=$BG
check "watch is ready" wait_for 10 logged "watching$|waiting"
again libvirt send vnet
again microvm again vm1
bg_end "$WATCH"
check "down" "$NETSIM" down -q
no_program_stays "$PROGRAMS"
done_testing
