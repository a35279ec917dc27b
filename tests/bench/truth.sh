# shellcheck shell=bash disable=SC2154 # $work, $build: run
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How accurate the figures of `netsim run` are. The outages of an etcd cluster whose leader is cut
# off 30 times, against those that an independent client sees (tests/tools/outages.c), which probes
# at the same pace; and how late 500 steps of a timeline begin, with all processors loaded.

OUTAGES=$build/tests/tools/outages
CUTS=30
EVERY=20 # ms between two probes
STEPS=500 # faults and heals

truth_fleet() {
	cat <<-EOT
		fleet: truth
		networks: {lan: {}}
		nodes:
		  s[1-3]: {roles: [server], interfaces: {eth1: {network: lan, address: "10.9.5.{n}/24"}}}
		  c: {interfaces: {eth1: {network: lan, address: 10.9.5.9/24}}}
	EOT
}

cuts_scenario() {
	cat <<-EOT
		scenario: cuts
		fleet: $work/truth.yaml
		seed: 1
		start:
		  etcd:
		    use: etcd
		    nodes: "@server"
		    env: {ETCD_HEARTBEAT_INTERVAL: 20, ETCD_ELECTION_TIMEOUT: 200}
		probes:
		  api: {from: c, http: "http://{address}:2379/health", nodes: "@server", every: ${EVERY}ms, timeout: 200ms}
		timeline:
		- quiet: {for: 1s}
		- cut: partition leader(etcd)
		  for: 1s
		  repeat: $CUTS, 700ms..1s apart
		  expect: api outage <= 20s
	EOT
}

steps_scenario() {
	cat <<-EOT
		scenario: steps
		fleet: $work/truth.yaml
		seed: 1
		timeline:
		- step: fault "loss 1%" c
		  for: 100ms
		  repeat: $((STEPS / 2)), 100ms apart
	EOT
}

# Prints "REPORTED SEEN", in ms, for each cut that was judged: the longest outage in its repetition of
# the phase. One that is unproved has no value, such as when the service had failed before the cut.
compare_outages() {
	local origin
	origin=$(jq -s 'map(select(.time))[0].time' "$work/cuts/events.jsonl")
	jq -r --argjson origin "$origin" '.rows[] | select(.text | startswith("api outage")) | select(.value != null) |
		[.begin_ns + $origin, .end_ns + $origin, .value] | @tsv' "$work/cuts/verdict.json" |
		awk 'FNR == NR { if ($1 + 0) { begin[++n] = $1; end[n] = $2 } next }
			{ seen = 0
			  for (i = 1; i <= n; i++) {
				from = begin[i] > $1 ? begin[i] : $1; to = end[i] < $2 ? end[i] : $2
				if (to - from > seen) seen = to - from
			  }
			  printf "%.3f %.3f\n", $3 / 1e6, seen / 1e6 }' "$work/client" -
}

# The lateness of the first step of each repetition, in ms.
lateness_of_steps() {
	jq -r 'select(.kind == "step begins") | (.lateness // 0) / 1e6' "$1/events.jsonl"
}

# bench_cuts [OPTION...]: of netsim run
bench_cuts() {
	local client judged
	cuts_scenario >"$work/cuts.yaml"
	progress "$CUTS cuts of a leader"
	ip netns exec truth.c "$OUTAGES" "$EVERY" 200 2379 /health 10.9.5.1 10.9.5.2 10.9.5.3 >"$work/client" &
	client=$!
	rm -rf "$work/cuts"
	"$NETSIM" run "$work/cuts.yaml" --out "$work/cuts" "$@" >"$work/output" 2>&1 || progress "$(tail -n 1 "$work/output")"
	kill "$client"
	wait "$client" || die "the client ended with $?"
	compare_outages >"$work/compared"
	judged=$(wc -l <"$work/compared")
	[[ $judged -ge $((CUTS / 2)) ]] || die "$(tail -n 3 "$work/output")"
	awk '$1 == "late" { print $2 / 1e6 }' "$work/client" >"$work/values.late"
	awk '{ print $1 }' "$work/compared" >"$work/values.reported"
	awk '{ print $2 }' "$work/compared" >"$work/values.seen"
	awk '{ d = $1 - $2; print d < 0 ? -d : d }' "$work/compared" >"$work/values.apart"
	title "outages, $judged of $CUTS cuts, ms${1:+, $1}" "" "    limit"
	row "as reported" reported
	row "as seen by another client" seen
	row "that client was late by up to" late
	row "difference" apart "" "$(printf '%9s' "$((EVERY + 5)).0")"
}

bench_steps() {
	local i burners=()
	steps_scenario >"$work/steps.yaml"
	for ((i = 0; i < $(nproc); i++)); do
		sh -c 'while :; do :; done' &
		burners+=($!)
	done
	progress "$STEPS steps under load"
	"$NETSIM" run "$work/steps.yaml" --out "$work/steps" >"$work/output" 2>&1 || progress "$(tail -n 1 "$work/output")"
	kill "${burners[@]}"
	wait "${burners[@]}" 2>/dev/null || :
	lateness_of_steps "$work/steps" | sort -g >"$work/values.steps"
	awk '{ v[NR] = $1 } END { print v[int(NR * 0.99 + 0.5)] }' "$work/values.steps" >"$work/values.p99"
	title "steps under load, lateness in ms" "" "    limit"
	row "$(wc -l <"$work/values.steps") steps" steps
	row "99th percentile" p99 "" "$(printf '%9s' 2.0)"
}

bench_truth() {
	PATH=$root/build/unpacked/etcd-server/usr/bin:$PATH
	command -v etcd >/dev/null || die "etcd is missing: tests/deps"
	# A busy disk holds up etcd.
	mount -t tmpfs -o size=1g none "$work"
	# shellcheck disable=SC2064 # now
	trap "cd /; umount '$work'; rm -rf '$work'" EXIT
	truth_fleet >"$work/truth.yaml"
	"$NETSIM" up -q "$work/truth.yaml"
	bench_cuts
	bench_cuts --traffic
	bench_steps
	"$NETSIM" down -q
}
