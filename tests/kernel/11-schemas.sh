# needs: native curl bridge veth netns clsact bpf
# limit: 200
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every command with --json prints one object, or an object in each line, whose schema is what its
# manual says, and errors in one shape.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=s
MAN=$(dirname "$0")/../../man

# unknown COMMAND: members that neither its page nor one to which it refers for them has. Those of
# conditions are listed in netsim-status(8), those of iperf by iperf.
unknown() {
	local key pages=("$MAN/netsim-$1.8")
	[[ $1 != measure ]] || pages+=("$MAN/netsim-analyze.8")
	for key in $(jq -r 'walk(if type == "object" then del(.values, .up_values, .down_values, .iperf) else . end)
		| [.. | objects | keys_unsorted[]] | unique[]' "$WORK/out"); do
		grep -qE "(^|[^a-z_])$key([^a-z_]|\$)" "${pages[@]}" || echo "$key"
	done
}

# prints COMMAND [ARGUMENT...]: its schema is the first member, and in the manual page, as all others
prints() {
	"$NETSIM" "$1" --json "${@:2}" >"$WORK/out" 2>"$WORK/err" || :
	is "$1: first member" "$(jq -c 'to_entries[0] | [.key, .value]' "$WORK/out" | sort -u)" \
		"[\"schema\",\"netsim-$1-1\"]"
	check "$1: in the manual" grep -q "^\.Li netsim-$1-1 \." "$MAN/netsim-$1.8"
	is "$1: so are all members" "$(unknown "$1" | joined)" ""
	seen+=" $1"
}

# refuses COMMAND: wrong usage is an object with one error
refuses() {
	"$NETSIM" "$1" --json --nonesuch >"$WORK/out" 2>"$WORK/err" || :
	is "$1: an error" "$(jq -c '[keys_unsorted, .schema, .errors[0].status, .errors[0].warning]' "$WORK/out")" \
		"[[\"schema\",\"errors\"],\"netsim-$1-1\",2,false]"
}

results() {
	local pinging
	printf 'fleet: s\nnetworks: {lan: {address: 10.3.0.254/24}}\nnodes:\n  n[1-2]: {interfaces: {eth1: {network: lan, address: "10.3.0.{n}/24"}}}\n' >"$WORK/s.yaml"
	printf 'profile: p\npairs:\n  - {from: n1, to: n2, loss: 30%%}\n' >"$WORK/p.yaml"
	prints plan "$WORK/s.yaml"
	prints up "$WORK/s.yaml"
	prints diff "$WORK/s.yaml"
	prints check "$WORK/s.yaml"
	prints list
	prints list profile lossy
	prints status
	prints apply "$WORK/p.yaml"
	prints clear
	prints fault 'loss 10%' n1:n2
	is "fault: conditions as numbers" "$(jq -c .values "$WORK/out")" '{"loss_percent":10}'
	prints partition n1
	prints link down n2
	prints status
	prints heal
	prints link up n2
	prints verify --quick
	prints iperf n1 n2 --time 1s
	prints ping-matrix -c 1
	bg "$NETSIM" exec n1 -- ping -q -i 0.02 -s 100 10.3.0.2
	pinging=$BG
	node_bg n2 "$HELPERS/httpd" 10.3.0.2 2379
	wait_for 5 written ready "$WORK/bg.$BG"
	bg "$NETSIM" exec n1 -- bash -c 'while :; do curl -s http://10.3.0.2:2379/ >/dev/null; done'
	prints measure --for 2s -v
	check "measure: has rows of all kinds" jq -e 'any(.connections[]; .from_client.rtt.count? > 0) and
		any(.one_way.rows[]; .delay.p99_ns? > 0) and any(.pairs[]; .from_a.packets > 0) and (.counters | length) > 0' "$WORK/out"
	bg_end "$BG"
	bg_end "$pinging"
	prints capture --for 100ms -w "$WORK/c.pcapng"
	prints analyze "$WORK/c.pcapng"
	prints top
	prints doctor
	prints down
	prints reset
}

streams() {
	"$NETSIM" up -q "$WORK/s.yaml"
	bg "$NETSIM" events --json
	wait_for 10 test -s "$WORK/bg.$BG"
	"$NETSIM" fault -q 'loss 10%' n1
	wait_for 10 written '"fault"' "$WORK/bg.$BG"
	bg_end "$BG"
	is "events: each line" "$(jq -r .schema "$WORK/bg.$BG" | sort -u)" netsim-events-1
	check "events: in the manual" grep -q "^\.Li netsim-events-1 \." "$MAN/netsim-events.8"
	bg "$NETSIM" watch --json
	wait_for 10 test -s "$WORK/bg.$BG"
	bg_end "$BG"
	is "watch: each line" "$(jq -r .schema "$WORK/bg.$BG" | sort -u)" netsim-watch-1
	check "watch: in the manual" grep -q "^\.Li netsim-watch-1 \." "$MAN/netsim-watch.8"
	"$NETSIM" down -q
	seen+=" events watch"
}

runs() {
	cat >"$WORK/r.yaml" <<-'EOT'
		scenario: r
		fleet:
		  fleet: r
		  networks: {lan: {}}
		  nodes:
		    n[1-2]: {interfaces: {eth1: {network: lan, address: "10.9.3.{n}/24"}}}
		timeline:
		  - quiet:
		    for: 500ms
	EOT
	run "$NETSIM" run --json --out "$WORK/r" "$WORK/r.yaml"
	is "run: the verdict" "$(jq -r .schema <<<"$OUT")" netsim-verdict-1
	check "as in its file" cmp <(printf '%s\n' "$OUT") "$WORK/r/verdict.json"
	is "report: the same" "$("$NETSIM" report --json "$WORK/r" | jq -r .schema)" netsim-verdict-1
	run "$NETSIM" run --json --out "$WORK/rr" "$WORK/r.yaml" "$WORK/r.yaml"
	is "several runs" "$(jq -r .schema <<<"$OUT")" netsim-run-1
	run "$NETSIM" run --json -n "$WORK/r.yaml"
	is "a plan" "$(jq -c '[.schema, .plans[0].scenario, .plans[0].seconds, .plans[0].steps[0].does]' <<<"$OUT")" \
		'["netsim-run-1","r",0.5,"hold for 500ms"]'
	seen+=" run report"
}

errors() {
	local command
	for command in $seen; do
		refuses "$command"
	done
	run "$NETSIM" apply --json nonesuch
	is "without a fleet" "$(jq -r '.errors | length' <<<"$OUT")" 1
	echo 'fleet: 7: 8' >"$WORK/bad.yaml"
	run "$NETSIM" up --json "$WORK/bad.yaml"
	is "a file with mistakes" "$STATUS $(jq -c '[.schema, .errors[0].status, .errors[0].line]' <<<"$OUT")" \
		'3 ["netsim-up-1",3,1]'
	is "all commands were tried, except exec and help" \
		"$("$NETSIM" help | sed -n 's/^  \([a-z-]*\) .*/\1/p' | sort -u | joined)" \
		"$(printf '%s\n' $seen exec help | sort -u | joined)"
}

seen=""
results
streams
runs
errors
done_testing
