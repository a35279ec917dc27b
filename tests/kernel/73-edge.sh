# needs: native bridge veth netns clsact bpf chromium jq
# limit: 240
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run --edge: the length of an outage that a scenario bears; both ends, unproved values, what
# is varied, wrong use, and the page.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# scenario NAME: the rest of the file is read from stdin
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: edge
		  networks: {lan: {}}
		  nodes:
		    n[1-3]: {interfaces: {eth1: {network: lan, address: "10.9.5.{n}/24"}}}
		probes:
		  echo: {from: n1, ping: 10.9.5.2, every: 20ms, timeout: 100ms}
		  other: {from: n1, ping: 10.9.5.3, every: 20ms, timeout: 100ms}
		timeline:
	EOT
	cat >>"$WORK/$1.yaml"
}

# edge STATUS NAME FOLDER OPTION... FILE: searches an edge; a late machine leaves a value unproved,
# which may end the search, and is then tried again.
edge() {
	local want=$1 name=$2 folder=$3
	shift 3
	for _ in 1 2 3 4; do
		rm -rf "$folder"
		run "$NETSIM" run --out "$folder" "$@"
		[[ $want -ne 6 && ($STATUS -eq 6 || $OUT == *"unproved at"*) ]] || break
	done
	is "$name" "$STATUS" "$want"
}

# field FILTER: of the JSON in OUT
field() {
	jq -r "$1" <<<"$OUT"
}

# ms TEXT: "1.05s" -> 1050
ms() {
	awk -v t="$1" 'BEGIN { print t + 0 * 1 ~ /./ && t ~ /ms$/ ? t + 0 : 1000 * (t + 0) }'
}

# A second has 50 requests to n3.
found() {
	local bears not
	scenario cut <<-'EOT'
		- cut: partition n2
		  for: 5s
		  expect: packets n1:n3 <= 50
		- after: {for: 300ms}
	EOT
	edge 0 "an edge" "$WORK/found" --edge 'for 400ms..4s' --within 20% "$WORK/cut.yaml"
	like "both ends are tried first" "$OUT" $'^for 400ms: ok\nfor 4s: failed\nfor 1.26s: '
	like "in a table" "$OUT" $'\nvalue +verdict +time +what is not ok first\nfor 400ms +ok +[0-9.]+ s +-\n'
	like "with a result" "$OUT" $'\ncut: bears for [0-9.]+m?s, not [0-9.]+m?s; [0-9] runs; evidence in [^\n]*$'
	[[ $OUT =~ bears\ for\ ([0-9.]+m?s),\ not\ ([0-9.]+m?s) ]]
	bears=$(ms "${BASH_REMATCH[1]}") not=$(ms "${BASH_REMATCH[2]}")
	between "the value that it bears" "$bears" 700 1200 ms
	between "the one that it does not" "$not" 900 1500 ms
	between "are near each other" "$(awk -v a="$bears" -v b="$not" 'BEGIN { print (b - a) / b }')" 0 0.2
	is "each run is kept" "$(jq -r .result "$WORK/found/for-400ms/verdict.json" "$WORK/found/for-4s/verdict.json" | joined)" "ok failed"
	like "which says what was varied" "$(grep '"varied"' "$WORK/found/for-4s/events.jsonl")" '"text":"for 4s: phase cut"'
	check "nothing is left" not ls /run/netns/edge.*
}

page() {
	chromium --headless --no-sandbox --disable-gpu --dump-dom "file://$WORK/found/edge.html" >"$WORK/dom" 2>/dev/null
	is "the page has a row for each run" "$(grep -oE '<td class="[^"]*result (ok|failed|unproved)' "$WORK/dom" | wc -l)" \
		"$(find "$WORK/found" -name 'for-*' | wc -l)"
	like "and the result" "$(<"$WORK/dom")" '<p class="why">bears for [0-9.]+m?s, not [0-9.]+m?s</p>'
	check "with a dot for each" grep -q '<circle [^>]*class="failed"' "$WORK/dom"
	check "without an error" grep -q '<p id="error" role="alert" hidden=""></p>' "$WORK/dom"
}

ends() {
	scenario short <<-'EOT'
		- cut: partition n2
		  for: 5s
		- after: {for: 100ms}
	EOT
	edge 0 "a range that is borne" "$WORK/all" -j --edge 'for 400ms..1s' "$WORK/short.yaml"
	is "says so" "$(field '.result + ", " + .text + ", " + (.runs | length | tostring)')" \
		"bears all, bears for 400ms and 1s, 2"
	is "with the verdicts" "$(field '[.runs[] | .text + " " + .result] | join(", ")')" "400ms ok, 1s ok"
	sed -i 's/^- after.*/&\n  expect: echo available <= 1%/' "$WORK/short.yaml"
	edge 1 "one that is not" "$WORK/none" --edge 'for 1s..2s' "$WORK/short.yaml"
	like "says so, too" "$OUT" 'short: bears neither for 1s nor 2s; 2 runs'
	scenario nobody <<-'EOT'
		- cut: fault "loss 100%" n3 --class etcd-client
		  for: 5s
	EOT
	fails_with 6 "a value that is unproved" "$NETSIM" run --edge 'for 100ms..300ms' --out "$WORK/un" "$WORK/nobody.yaml"
	like "ends the search" "$OUT" 'nobody: for: no edge; unproved at 100ms; 1 run; '
	sed -i 's/^timeline:/start: {w: {node: n1, run: [sleep, 98763], ready: {tcp: 7}, within: 100ms}}\n&/' "$WORK/nobody.yaml"
	fails_with 1 "a workload that is not ready" "$NETSIM" run --edge 'for 1s..2s' --out "$WORK/late" "$WORK/nobody.yaml"
	like "does not bear the value" "$OUT" 'nobody: bears neither for 1s nor 2s'
}

# What is varied, as the plan shows it.
varied() {
	scenario fault <<-'EOT'
		- slow: ['fault "loss 0% delay 3ms" n1:n2', fault 'delay 5ms' n2:n1 --class etcd, partition n3 --for 1s]
		  for: 2s
		- wait: {for: 3s}
	EOT
	check "plans of both ends" "$NETSIM" run -n --edge 'delay 1ms..40ms' "$WORK/fault.yaml"
	is "show the faults that have the key" "$(grep -c 'delay 40ms' <<<"$OUT")" 3
	like "and what was replaced" "$OUT" $'\ndelay 40ms: fault "loss 0% delay 40ms" n1:n2, fault \'delay 40ms\' n2:n1 --class etcd\n'
	is "in JSON, too" "$("$NETSIM" run -n -j --edge 'delay 1ms..40ms' "$WORK/fault.yaml" |
		jq -c '[.plans[] | .instead, (.steps | length > 0)]')" '["delay 1ms",true,"delay 40ms",true]'
	check "lengths of phases" "$NETSIM" run -n --edge 'for 7s..9s' "$WORK/fault.yaml"
	like "that have commands" "$OUT" $'\nfor 9s: phase slow\n.* 9.000 +wait +hold for 3s\n'
	check "other conditions" "$NETSIM" run -n --edge 'rate 10mbit..1mbit' "$WORK/fault.yaml"
	like "are those of all links" "$OUT" $'\nrate 1mbit: the default of the profile none\n'
	sed -i 's/^timeline:/profile: constrained\n&/' "$WORK/fault.yaml"
	check "also with a profile" "$NETSIM" run -n --edge 'rtt 10ms..1s' "$WORK/fault.yaml"
	like "of which one condition is replaced" "$OUT" $'\nrtt 1s: the default of the profile constrained\n'
}

# Of two sizes of packets, the larger one is always dropped, so that the fault is in effect.
sizes() {
	local bears not
	scenario size <<-'EOT'
		- drop: fault "larger 1000B" n1:n2
		  for: 4s
		  expect: middle available >= 50%
	EOT
	sed -i 's/^timeline:/start: {large: {node: n1, run: [ping, -q, -i, "0.05", -s, "1452", 10.9.5.2]}}\n&/
		s/^  echo:.*/  middle: {from: n1, run: [ping, -q, -c, "1", -W, "1", -s, "472", 10.9.5.2], every: 200ms, timeout: 1s}/' "$WORK/size.yaml"
	edge 0 "the edge of a size" "$WORK/size" --edge 'larger 1400B..100B' --within 30% "$WORK/size.yaml"
	like "in bytes" "$OUT" $'\nsize: bears larger [0-9]+B, not [0-9]+B; [0-9] runs; '
	[[ $OUT =~ bears\ larger\ ([0-9]+)B,\ not\ ([0-9]+)B ]]
	bears=${BASH_REMATCH[1]} not=${BASH_REMATCH[2]}
	between "the size that it bears" "$bears" 500 714 B
	between "the one that it does not" "$not" 350 499 B
}

# refused MESSAGE ARGUMENT...
refused() {
	local message=$1
	shift
	fails_with 2 "refused: $*" "$NETSIM" run "$@" "$WORK/fault.yaml"
	like "says why" "$ERR" "^netsim: run: $message; try netsim help run\$"
}

wrong() {
	refused '--edge: "delay" is no range; write for example delay 10ms..500ms' --edge delay
	refused '--edge: "slot" has no edge; write delay, rtt, .*' --edge 'slot 1ms..2ms'
	refused '--edge: "10" is no value of delay: .*' --edge 'delay 10..20ms'
	refused '--within: write a share between 0% and 100%, such as 5%' --edge 'delay 1ms..2ms' --within 0
	refused '--within belongs to --edge' --within 5%
	refused '--edge takes one scenario' --edge 'delay 1ms..2ms' "$WORK/cut.yaml"
	refused '--edge and --junit exclude each other' --edge 'delay 1ms..2ms' --junit x
	refused '--edge and --keep exclude each other' --edge 'delay 1ms..2ms' --keep
	fails_with 3 "a value that is not valid here" "$NETSIM" run -n --edge 'for 0s..2s' "$WORK/short.yaml"
	sed '/^  for/d' "$WORK/short.yaml" >"$WORK/endless.yaml"
	fails_with 3 "a scenario without the key" "$NETSIM" run --edge 'for 1s..2s' --out "$WORK/no" "$WORK/endless.yaml"
	like "is refused at its place" "$ERR" 'endless.yaml:[0-9]+:1: error: no phase with a command has "for"'
}

found
page
ends
sizes
varied
wrong
done_testing
