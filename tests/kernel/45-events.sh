# needs: bridge veth netns clsact bpf
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim events: what it reports beside what was done, in its order.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

printf 'fleet: f\nnetworks: {lan: {}}\nnodes: {"n-[1-3]": {interfaces: {eth1: {network: lan}}}}\n' >"$WORK/f.yaml"
printf 'fleet: g\nnetworks: {wan: {}}\nnodes: {"m-[1-2]": {interfaces: {eth1: {network: wan}}}}\n' >"$WORK/g.yaml"
printf 'profile: lossy\npairs: [{between: [n-1, n-2], loss: 1%%}]\n' >"$WORK/lossy.yaml"

# reported PID REGEX: such a line, after the time
reported() {
	grep -qE "^[0-9:]{8}[.][0-9]{3} ($2)$" "$WORK/bg.$1"
}

# begins NAME REGEX COMMAND...: after the command, the line is reported
begins() {
	check "${*:3}" "$NETSIM" "${@:3}"
	check "$1" wait_for 10 reported "$EVENTS" "$2"
}

# The time between two lines, in ms: apart REGEX REGEX
apart() {
	awk -v a="$1" -v b="$2" '
		function ms(t, p) { split(t, p, /[:.]/); return ((p[1] * 60 + p[2]) * 60 + p[3]) * 1000 + p[4] }
		$0 ~ a { from = ms($1) }
		$0 ~ b { print (ms($1) - from + 86400000) % 86400000 }' "$WORK/bg.$EVENTS"
}

follows() {
	bg "$NETSIM" events
	EVENTS=$BG
	bg "$NETSIM" events --json g
	ONLY_G=$BG
	begins "a fleet that comes up" "f: up" up -q "$WORK/f.yaml"
	begins "another one" "g: up" up -q "$WORK/g.yaml"
	begins "a profile" "f: profile lossy" apply -f f "$WORK/lossy.yaml"
	begins "a fault" "f: fault 1: wan: loss 10% on n-1:n-2" fault -q -f f "loss 10%" n-1:n-2 --name wan
	begins "one with a deadline" "f: fault 2: partition n-1 [|] rest, [0-9.]+ s left" partition -q -f f n-1 --for 1500ms
	begins "one in the other fleet" "g: fault 1: partition m-1 [|] rest" partition -q -f g m-1
	begins "one in its place" "f: fault 3: wan: loss 20% on n-1:n-2" fault -q -f f "loss 20%" n-1:n-2 --name wan
	check "which was replaced" reported "$EVENTS" "f: fault 1: wan: loss 10% on n-1:n-2: replaced"
	begins "one that is healed" "f: fault 3: wan: loss 20% on n-1:n-2: healed" heal -q -f f wan
	check "one that expires" wait_for 10 reported "$EVENTS" "f: fault 2: partition n-1 [|] rest: expired"
	# Begin and end are the kernel's deadline apart, however late the command is.
	between "at its deadline" "$(apart "fault 2:.* left" "fault 2:.* expired")" 1 1500 ms
	begins "a port that is set down" "f: n-2/eth1 is down" link -q -f f down n-2
	begins "and up" "f: n-2/eth1 is up" link -q -f f up n-2
	check "a port that is deleted" ip -n f.n-2 link del eth1
	check "is gone" wait_for 10 reported "$EVENTS" "f: n-2/eth1 is gone"
	begins "and appears" "f: n-2/eth1 appeared" up -q "$WORK/f.yaml"
	begins "no profile" "f: no profile" clear -q -f f
}

ends() {
	bg "$NETSIM" events --json f
	check "another one begins with what is there" wait_for 10 written fleet-up "$WORK/bg.$BG"
	interrupt "$BG"
	is "in JSON" "$(jq -c '[.event, .already, .fleet]' "$WORK/bg.$BG" | head -n 1)" '["fleet-up",true,"f"]'
	begins "a fleet that is removed" "f: down" down -q f
	begins "the other one" "g: down" down -q g
	begins "a fleet that comes again" "f: up" up -q "$WORK/f.yaml"
	interrupt "$EVENTS"
	is "ends by a signal with status 0" "$STATUS" 0
	interrupt "$ONLY_G"
	is "the other one had its fleet only" "$(jq -r .event "$WORK/bg.$ONLY_G" | joined)" "fleet-up fault-begin fleet-down"
	is "a fault in JSON" "$(jq -c 'select(.fault) | [.fault, .text, .already]' "$WORK/bg.$ONLY_G")" '[1,"partition m-1 | rest",null]'
	check "down" "$NETSIM" down -q
}

follows
ends
done_testing
