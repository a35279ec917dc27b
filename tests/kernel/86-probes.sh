# needs: native bridge veth netns clsact bpf python3
# limit: 120
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Probes of http, tcp, ping and commands from nodes: results, schedule, timeouts, connections.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=probe
WEB=http://10.8.0.2:8080

build() {
	cat >"$WORK/probe.yaml" <<-'EOT'
		fleet: probe
		networks: {lan: {}}
		nodes:
		  a: {interfaces: {eth1: {network: lan, address: 10.8.0.1/24}}}
		  b: {interfaces: {eth1: {network: lan, address: 10.8.0.2/24}}}
	EOT
	check "up" "$NETSIM" up "$WORK/probe.yaml"
	node_bg b "$HELPERS/httpd" 10.8.0.2 8080
	check "a server" wait_for 5 written ready "$WORK/bg.$BG"
}

# probe ARGUMENT...: from node a; the samples are in $WORK/samples
probe() {
	run "$HELPERS/probes" -n probe.a "$@"
	[[ $STATUS -eq 0 ]] || not_ok "probes $*" "$(caught probes "$@")"
	cp "$WORK/.out" "$WORK/samples"
}

# results [PROBE]: "RESULT STATUS ERROR COUNT", for each kind
results() {
	awk -v probe="${1:-0}" '$1 == probe { n[$5 " " $6 " " $7]++ }
		END { for (k in n) print k }' "$WORK/samples" | sort
}

field() {
	awk -v n="$1" '/^sum/ { print $n }' "$WORK/samples"
}

kinds() {
	probe -s 0.5 -t 2000 "$WEB/" tcp:10.8.0.2:8080 ping:10.8.0.2 "run:true" tcp:10.8.0.2:81 \
		"$WEB/status/503" "run:false" "http://10.8.0.2:81/"
	is "http" "$(results 0)" "ok 200 0"
	is "tcp" "$(results 1)" "ok 0 0"
	is "ping" "$(results 2)" "ok 0 0"
	is "a command" "$(results 3)" "ok 0 0"
	is "tcp, refused" "$(results 4)" "error 0 111"
	is "http, another status" "$(results 5)" "wrong 503 0"
	is "a command that fails" "$(results 6)" "wrong 1 0"
	is "http, refused" "$(results 7)" "error 0 111"
	probe -s 0.3 -t 2000 -S 503 "$WEB/status/503"
	is "the status expected" "$(results)" "ok 503 0"
	probe -s 0.3 -t 2000 -B "status 200" "$WEB/status/200" "$WEB/"
	is "the body expected" "$(results 0)" "ok 200 0"
	is "another body" "$(results 1)" "wrong 200 0"
	probe -s 0.3 -t 2000 -B chunked "$WEB/chunked"
	is "a body in chunks, after another status" "$(results)" "ok 200 0"
	probe -s 0.3 -t 2000 -B closed "$WEB/closed"
	is "a body that ends with its connection" "$(results)" "ok 200 0"
	probe -s 0.3 -t 2000 "$WEB/short"
	is "a body that is cut off" "$(results)" "error 200 104"
	probe -s 0.3 -t 2000 "$WEB/garbage"
	is "an answer that is not HTTP" "$(results)" "error 0 74"
	probe -s 0.3 -t 2000 "$WEB/second"
	is "a kept connection that the server closes" "$(results)" "ok 200 0"
	run "$HELPERS/probes" -s 0.3 tcp:127.0.0.1:1
	cp "$WORK/.out" "$WORK/samples"
	is "from the namespace of the caller" "$(results)" "error 0 111"
	run "$HELPERS/probes" -s 0.3 -t 2000 ping:::1
	cp "$WORK/.out" "$WORK/samples"
	is "ping by IPv6" "$(results)" "ok 0 0"
}

refusals() {
	fails_with 1 "a name that cannot be resolved" "$HELPERS/probes" -n probe.a tcp:nosuch.invalid:80
	like "names it" "$ERR" "^probe tcp:nosuch.invalid.*: cannot resolve nosuch.invalid: "
	fails_with 1 "a URL that is none" "$HELPERS/probes" "http://10.8.0.2:99999/"
	like "is shown" "$ERR" "^probe http://10.8.0.2:99999/: http://10.8.0.2:99999/: "
	fails_with 1 "a node that does not exist" "$HELPERS/probes" -n probe.c ping:10.8.0.2
	like "is named" "$ERR" "there is no network namespace probe.c"
}

# Attempts that hang delay no other: each has its timeout, and others are sent meanwhile.
hanging() {
	probe -s 1 -e 20 -t 200 "$WEB/hang" "$WEB/"
	is "hung attempts time out" "$(results 0)" "timeout 0 0"
	is "those of another probe do not" "$(results 1)" "ok 200 0"
	check "all attempts are sent" test "$(awk '$1 == 0' "$WORK/samples" | wc -l)" -ge 50
	is "each at its time: 20 ms after the one before" "$(due_steps 0)" 20.000
	check "none before its time, each with its timeout" awk '
		$1 == 0 { n++ } $1 == 0 && ($3 < $2 || $4 - $3 < 200) { bad++ } END { exit bad > 0 || !n }' "$WORK/samples"
	probe -s 0.5 -e 20 -t 1000 "$WEB/slow/100"
	is "five in flight are answered" "$(results)" "ok 200 0"
	probe -s 0.5 -e 20 -t 100 "run:sleep 1000"
	is "a command that hangs" "$(results)" "timeout 0 0"
	check "is killed" not pgrep -f '^sleep 1000'
}

# The differences between the times at which attempts are due.
due_steps() {
	awk -v probe="$1" '$1 == probe { print $2 }' "$WORK/samples" | sort -n |
		awk 'NR > 1 { printf "%.3f\n", $1 - before } { before = $1 }' | sort -u
}

# gap_is PROBE MS: the longest gap between answers lasts MS or longer
gap_is() {
	sort -n -k 3 "$WORK/samples" | awk -v probe="$1" -v want="$2" '
		$1 != probe || $5 != "ok" { next }
		seen && $4 - sent > gap { gap = $4 - sent }
		{ sent = $3; seen = 1 }
		END { exit gap < want }'
}

# arrived: how many packets have arrived at a. more_than COUNT: true if there are more
arrived() {
	node_exec a ip -s -j link show eth1 | jq '.[0].stats64.rx.packets'
}

more_than() {
	[[ $(arrived) -gt $1 ]]
}

# A cut is seen as timeouts, from one attempt to another, by probes of all kinds.
partition() {
	local pid before
	before=$(arrived)
	node_bg host "$HELPERS/probes" -n probe.a -s 6 -e 20 -t 500 "$WEB/" tcp:10.8.0.2:8080 ping:10.8.0.2
	pid=$BG
	check "several attempts of each" wait_for 5 more_than $((before + 60))
	check "partition for a second" "$NETSIM" partition -q --for 1s a
	wait "$pid"
	cp "$WORK/bg.$pid" "$WORK/samples"
	for known in 0 1 2; do
		is "probe $known: ok, timeouts, ok" "$(awk -v p="$known" '$1 == p { print $2, $5 }' "$WORK/samples" |
			sort -n | awk '{ print $2 }' | uniq | tr '\n' ' ')" "ok timeout ok "
		check "probe $known: the outage is seen" gap_is "$known" 500
	done
}

# Connections are kept, and shared with no other probe.
connections() {
	local before count
	# An attempt that is not done when the next one is due has another connection.
	for _ in 1 2 3 4 5 6; do
		before=$(accepted)
		probe -s 2 -e 300 -t 2000 "$WEB/" "$WEB/" "$WEB/"
		count=$(($(accepted) - before))
		[[ $count -gt 4 ]] || break
	done
	is "each probe has a connection" "$count" 4 # including that of accepted()
	before=$(accepted)
	probe -s 0.5 -e 50 -t 2000 -f "$WEB/"
	is "fresh connections" $(($(accepted) - before)) $(($(field 2) + 1))
}

accepted() {
	node_exec a curl -s "$WEB/accepted"
}

build
kinds
refusals
hanging
partition
connections
check "down" "$NETSIM" down probe
done_testing
