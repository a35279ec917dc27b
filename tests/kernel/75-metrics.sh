# needs: native python3 bridge veth netns clsact bpf jq
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Metrics of workloads, from an endpoint whose values the timeline changes: sentences, evidence, the
# page, a report; an endpoint that hangs delays nothing.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

SERVER=$(realpath "$TESTS/tools/metrics.py")
TEXT=$WORK/text

cat >"$WORK/app.yaml" <<EOT
recipe: app
command: [python3, "$SERVER", "{address}", "9100", "$TEXT.{node}"]
ready: {log: ready}
metrics: "http://{address}:9100/metrics"
series: [app_kept_total]
EOT

# values NODE LEADERS ROOM FAST SLOW
cat >"$WORK/values" <<EOT
#!/bin/sh
cat >"$TEXT.new" <<END
# TYPE app_leaders_total counter
app_leaders_total \$2
# TYPE app_kept_total counter
app_kept_total 5
# TYPE app_other_total counter
app_other_total \$2
# TYPE app_room gauge
app_room{disk="a b",path="}"} \$3
# TYPE app_took_seconds histogram
app_took_seconds_bucket{le="0.1"} \$4
app_took_seconds_bucket{le="1"} \$5
app_took_seconds_bucket{le="+Inf"} \$5
app_took_seconds_sum \$4
app_took_seconds_count \$5
END
mv "$TEXT.new" "$TEXT.\$1"
EOT
chmod +x "$WORK/values"

# scenario NAME: the timeline is read from stdin
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: metrics
		  networks: {lan: {}}
		  nodes:
		    n[1-2]: {interfaces: {eth1: {network: lan, address: "10.9.4.{n}/24"}}}
		start: {app: {use: ./app.yaml, nodes: ["n1", "n2"]}}
		timeline:
	EOT
	cat >>"$WORK/$1.yaml"
}

# field FILTER FILE
field() {
	jq -r "$1" "$2"
}

sentences() {
	"$WORK/values" n1 1 7 0 0
	"$WORK/values" n2 4 7 0 0
	scenario said <<-EOT
		- quiet: {for: 2s}
		  expect: [app metric app_leaders_total increase = 0, app metric app_leaders_total max <= 4]
		- cut: ["partition n1", "exec n2 -- $WORK/values n2 6 3 90 100"]
		  for: 4s
		  expect:
		  - app metric app_leaders_total increase <= 2
		  - app metric app_leaders_total increase <= 1
		  - 'app metric app_room{disk="a b"} min >= 3'
		  - app metric app_took_seconds p90 <= 100ms
		  - app metric app_took_seconds mean <= 0.5
		  - app metric app_took_seconds p99 <= 0.5
		  - app metric app_missing_total last = 1
		- after: {for: 1s}
		  expect: app metric app_leaders_total last >= 1
	EOT
	# What is read late may be from before or after a change: the increase is uncertain then.
	for _ in 1 2 3 4; do
		rm -rf "$WORK/said"
		run "$NETSIM" run -v "$WORK/said.yaml" --out "$WORK/said"
		[[ $OUT =~ increase\ [^$'\n']*within\ the\ uncertainty || $OUT =~ increase\ \<=\ 2:\ 2\ ± ]] || break
		"$WORK/values" n2 4 7 0 0
	done
	is "a run with metrics" "$STATUS" 1
	like "no increase" "$OUT" 'ok: quiet: app metric app_leaders_total increase = 0: 0 [(]n[12][)]'
	like "the greatest" "$OUT" 'ok: quiet: app metric app_leaders_total max <= 4: 4 [(]n2[)]'
	like "an increase of one member" "$OUT" 'ok: cut: app metric app_leaders_total increase <= 2: 2 [(]n2[)]'
	like "that is too much" "$OUT" 'failed: cut: app metric app_leaders_total increase <= 1: 2 [(]n2[)], off by 1'
	like "a gauge with labels" "$OUT" 'ok: cut: app metric app_room[{]disk="a b"[}] min >= 3: 3 [(]n2[)]'
	like "a quantile" "$OUT" 'ok: cut: app metric app_took_seconds p90 <= 100ms: '
	like "a mean" "$OUT" 'failed: cut: app metric app_took_seconds mean <= 0.5: 0.9 [(]n2[)]'
	like "a quantile within the bucket of the limit" "$OUT" \
		'unproved: cut: app metric app_took_seconds p99 <= 0.5: the limit is within the uncertainty'
	like "a series that is missing" "$OUT" 'unproved: cut: app metric app_missing_total last = 1: no member has this'
	like "members that are cut off answer, too" "$OUT" 'ok: after: app metric app_leaders_total last >= 1: 1 [(]n1[)]'
	printf '%s\n' "$OUT" | grep ' app metric ' >"$WORK/first"
	fails_with 1 "a report" "$NETSIM" report -v "$WORK/said"
	is "judges the same" "$(grep ' app metric ' <<<"$OUT")" "$(<"$WORK/first")"
	is "verdict.json has the value" \
		"$(field '.rows[] | select(.text | test("increase <= 1")) | .value' "$WORK/said/verdict.json")" 2
}

evidence() {
	local file=$WORK/said/metrics.jsonl
	is "kept are the series that are named" \
		"$(field 'select(.record == "metric") | .series | sub("[{].*"; "")' "$file" | sort -u | joined)" \
		"app_kept_total app_leaders_total app_room app_took_seconds_bucket app_took_seconds_count app_took_seconds_sum"
	is "once, unless they change" \
		"$(field 'select(.series == "app_leaders_total" and .member == "n2") | .value' "$file" | joined)" "4 6"
	between "each member is asked once a second, and at phases" "$(wc -l <"$TEXT.n1.asked")" 9 \
		"$(($(jq '.duration_ns / 1e9 | floor' "$WORK/said/verdict.json") + 10))"
	sed -n 's/.*<script type="application.json" id="data">\(.*\)<\/script>.*/\1/p' "$WORK/said/report.html" >"$WORK/data.json"
	is "the page has them" \
		"$(field '[.report.chart.metrics[] | .name + " " + .member + " " + .shows] | sort | join(", ")' "$WORK/data.json")" \
		"app_kept_total n1 increase, app_kept_total n2 increase, app_leaders_total n1 increase, app_leaders_total n2 increase, app_room n1 value, app_room n2 value, app_took_seconds n1 mean, app_took_seconds n2 mean"
	is "over time" \
		"$(field '.report.chart.metrics[] | select(.name == "app_leaders_total" and .member == "n2").values | map(select(. != null)) | unique | join(" ")' "$WORK/data.json")" "0 2"
}

hanging() {
	echo hang >"$TEXT.n2"
	scenario hangs <<-EOT
		- all: {for: 5s}
		  expect: [app metric app_leaders_total increase = 0, "packets n1:n2 >= 0"]
		- more: {for: 1s}
	EOT
	sed -i 's/^timeline:/probes: {echo: {from: n1, ping: 10.9.4.2, every: 20ms, timeout: 100ms}}\n&/' "$WORK/hangs.yaml"
	fails_with 6 "an endpoint that hangs" "$NETSIM" run -v "$WORK/hangs.yaml" --out "$WORK/hangs"
	like "is unproved" "$OUT" 'unproved: all: app metric app_leaders_total increase = 0: n2 had no metrics from '
	between "and delays no other" \
		"$(field 'select(.record == "scrape" and .member == "n1" and .failed == null) | .sent' "$WORK/hangs/metrics.jsonl" | wc -l)" 6 14
	between "no step" "$(field 'select(.kind == "phase begins") | .time' "$WORK/hangs/events.jsonl" |
		awk 'NR == 1 { a = $1 } NR == 2 { print ($1 - a) / 1e9 }')" 4.95 5.5 s
	check "nothing is left" not ls /run/netns/metrics.*
}

# One member that is beyond the limit ends the run, although the other one hangs.
aborting() {
	"$WORK/values" n1 1 7 0 0
	echo hang >"$TEXT.n2"
	scenario aborts <<-EOT
		- all: {for: 2s}
		- more: exec n1 -- $WORK/values n1 9 7 0 0
		  for: 20s
		abort: [app metric app_leaders_total increase > 8, app metric app_leaders_total increase > 7]
	EOT
	fails_with 1 "a metric that aborts" "$NETSIM" run "$WORK/aborts.yaml" --out "$WORK/aborts"
	like "says what it was" "$OUT" 'failed: run: not aborted: app metric app_leaders_total increase > 7: 8 [(]n1[)]'
	between "soon" "$(field 'select(.kind == "phase begins" or .kind == "aborted") | .time' "$WORK/aborts/events.jsonl" |
		awk '{ t[NR] = $1 } END { print (t[3] - t[2]) / 1e9 }')" 0 3 s
}

sentences
evidence
hanging
aborting
done_testing
