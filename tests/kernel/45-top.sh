# needs: native bridge veth netns clsact bpf
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The counters of a fleet's traffic: netsim top on a terminal and as text, and the metrics for
# Prometheus, compared with the number of pings.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

FLEET=simple

netsim() {
	"$NETSIM" "$@"
}

# total FROM TO KEY [CLASS]: the sum over all classes, or the value of one
total() {
	netsim top --json | jq --arg from "$1" --arg to "$2" --arg class "${4:-}" \
		"[.flows[] | select(.from == \$from and .to == \$to and
			(\$class == \"\" or .class == \$class)) | .$3] | add // 0"
}

# metric SAMPLE: the sample's value
metric() {
	netsim status --prometheus | awk -v name="$1" 'index($0, name " ") == 1 { print $NF }'
}

# True if both readings agree; they may not if IPv6 multicast of a node is lost in between.
metric_agrees() {
	local name='netsim_dropped_total{fleet="simple",from="server-1",to="server-2",class="icmp",reason="loss"}' value
	value=$(metric "$name")
	((value >= 5)) && [[ $value == "$(total server-1 server-2 dropped.loss icmp)" ]]
}

attached() {
	tc filter show dev "$(port_of server-1)" egress | grep -c ns_port
}

check_counting() {
	is "no program is at the port at first" "$(attached)" 0
	check "a dry run" netsim top --dry-run
	run netsim status --prometheus --dry-run
	unlike "metrics without counters" "$OUT" 'netsim_packets_total[{]'
	is "neither attaches a program" "$(attached)" 0
	check "top starts counting" netsim top --json
	is "with a program at the port" "$(attached)" 1
	node_exec server-1 ping -q -c 10 -i 0.02 192.168.1.2 >/dev/null
	# IPv6 multicast that the nodes send is of this class, too.
	between "each echo is counted there" "$(total server-1 server-2 packets icmp)" 10 20
	between "and each answer back" "$(total server-2 server-1 packets icmp)" 10 20
	between "with their bytes" "$(total server-1 server-2 bytes icmp)" 980 2000
}

check_reasons() {
	netsim partition server-1 agent-1 >/dev/null
	node_exec server-1 ping -q -c 1 -W 0.1 192.168.1.3 >/dev/null
	between "packets dropped by a partition" "$(total server-1 agent-1 dropped.partition)" 1 10
	netsim heal >/dev/null
	netsim link down server-2 --for 300ms >/dev/null
	node_exec server-1 ping -q -c 1 -W 0.1 192.168.1.2 >/dev/null
	between "packets dropped by a link" "$(total server-1 server-2 dropped.down)" 1 10
	netsim heal >/dev/null
	netsim fault 'loss 100%' server-1:server-2 --name 'all' --for 20s >/dev/null
	node_exec server-1 ping -q -c 5 -i 0.02 -W 0.1 192.168.1.2 >/dev/null
	between "packets dropped by loss" "$(total server-1 server-2 dropped.loss)" 5 20
	between "by a fault" "$(total server-1 server-2 affected.loss)" 5 20
	check "the metric has the same value" wait_for 5 metric_agrees
	between "and the time left of the fault" \
		"$(metric 'netsim_fault_left_seconds{fleet="simple",fault="3",name="all",text="all: loss 100% on server-1:server-2"}')" 5 20
	netsim heal all >/dev/null
}

check_metrics() {
	run netsim status --prometheus
	is "every line is a comment or a sample" "$(grep -cvE \
		'^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+\{([a-z]+="([^"\\]|\\.)*",?)+\} [0-9]+(\.[0-9]+)?)$' <<<"$OUT")" 0
	is "no family is repeated" "$(grep '^# TYPE' <<<"$OUT" | sort | uniq -d)" ""
	fails_with 2 "JSON and metrics at once" netsim status --prometheus --json
}

check_text() {
	ping_start server-1 192.168.1.3 0.02
	check "one interval as text" netsim top --once --interval 500ms
	bg_end "$BG"
	like "the busiest pair comes first" "$(sed -n 3p <<<"$OUT")" '^(server-1 > agent-1|agent-1 > server-1) '
	between "its packets in a second" "$(sed -n 3p <<<"$OUT" | awk '{ print $4 }')" 3 55
	is "in 80 columns" "$(awk 'length > 80' <<<"$OUT")" ""
	check "a line for each class" netsim top --classes --interval 100ms
	like "names the class" "$OUT" 'icmp'
	fails_with 2 "an unknown fleet" netsim top nonesuch
}

# on_terminal CMD: runs CMD on a new terminal with the keys on stdin; the output is in
# $WORK/screen. The trap keeps the terminal's shell running after Ctrl-C, also where SIGINT is
# not ignored already.
on_terminal() {
	TERM=xterm timeout 60 script -qefc "trap : INT; stty rows 24 cols 80; stty -g; $1; echo status \$?; stty -g" \
		"$WORK/screen" >/dev/null 2>&1
}

# is_drawn: true once top has taken the terminal
is_drawn() {
	grep -q 'q quit' "$WORK/screen"
}

# drive CMD KEY...: presses the keys once CMD has drawn its first screen
drive() {
	rm -f "$WORK/screen"
	press "${@:2}" | on_terminal "$1"
}

press() {
	local key
	wait_for 5 is_drawn
	for key; do
		printf %b "$key"
		sleep 0.3
	done
}

# The number of times that stty printed the same modes: 2 if before and after are equal.
restored() {
	tr -d '\r' <"$WORK/screen" | grep -aoE '([0-9a-f]+:){20,}[0-9a-f]+' | sort | uniq -c | awk '{ print $1 }'
}

check_screen() {
	drive "$NETSIM top --interval 200ms" m c s '\033[B' '\033[6~' m q
	like "q ends it after other keys" "$(tr -d '\r' <"$WORK/screen")" 'status 0'
	like "the keys are named" "$(<"$WORK/screen")" 'q quit'
	is "the terminal is as before" "$(restored)" 2
	drive "$NETSIM top" m '\003'
	like "Ctrl-C ends it" "$(tr -d '\r' <"$WORK/screen")" 'status 0'
	is "and the terminal is as before" "$(restored)" 2
	rm -f "$WORK/screen"
	(wait_for 5 is_drawn && netsim down >/dev/null) &
	press m | on_terminal "$NETSIM top --interval 200ms"
	like "a fleet that is removed ends it" "$(tr -d '\r' <"$WORK/screen")" 'netsim: .*status 2'
	is "and leaves the terminal as before" "$(restored)" 2
	wait_children
}

netsim up simple >/dev/null
check_counting
check_reasons
check_metrics
check_text
check_screen
done_testing
