# needs: netem ifb mirred bridge veth netns
# limit: 300
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim iperf and ping-matrix on shaped links, and a partition during a measurement.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=thin

build() {
	cat >"$WORK/thin.yaml" <<-'EOT'
		fleet: thin
		networks: {lan: }
		nodes:
		  n[1-4]:
		    interfaces:
		      eth1: {network: lan, address: "10.93.0.{n}/24"}
	EOT
	cat >"$WORK/thin.profile.yaml" <<-'EOT'
		profile: thin
		default: {rate: 20mbit, delay: 10ms}
		nodes:
		  n3: {down: {loss: 20%}}
		  n4: {down: {rate: 2mbit}}
	EOT
	check "up" "$NETSIM" up "$WORK/thin.yaml"
	check "apply" "$NETSIM" apply "$WORK/thin.profile.yaml"
}

# of FILTER: applies FILTER to the JSON in $OUT; the result is on one line
of() {
	jq -r "$1" <<<"$OUT" | joined
}

rates() {
	check "iperf" "$NETSIM" iperf n1 n2 --time 3s --omit 1s --congestion cubic --json
	between "TCP has the link's rate" "$(of '.results[0].rate_bps / 1e6')" 10 20 mbit
	between "and its round trip" "$(of '.results[0].rtt_ms.min')" 39 400 ms
	# Ten times the rate of the link, if the machine can send it. Random loss would also delay
	# iperf's control connection, by TCP's timeouts.
	check "UDP beyond the rate" "$NETSIM" iperf n1 n4 --udp --rate 20mbit --time 2s --json
	between "is lost" "$(of '.results[0].loss_percent')" 40 99 %
}

pings() {
	for _ in 1 2 3 4 5 6; do
		check "ping-matrix" "$NETSIM" ping-matrix --json --count 50
		[[ $(of '.pairs[] | select(.from == "n1" and .to == "n2") | .rtt_ms.min < 44') != true ]] || break
	done
	between "round trips" "$(of '.pairs[] | select(.from == "n1" and .to == "n2") | .rtt_ms.min')" 39 44 ms
	between "no loss on this pair" "$(of '.pairs[] | select(.from == "n1" and .to == "n2") | .received')" 50 50
	between "loss on the link of n3" \
		"$(of '.pairs[] | select(.from == "n1" and .to == "n3") | .loss_percent')" 2 50 %
	run "$NETSIM" ping-matrix --count 100 --interval 20ms n1 n3
	like "is shown" "$OUT" $'\n'"n1 .*[0-9] [(]-[0-9]+%[)]"
}

# Server and client cannot reach each other for the rest of the measurement. The first partition
# loads the programs, which can take longer in the emulated machine than the measurement itself.
midway() {
	local before
	check "a partition before" "$NETSIM" partition -q n1
	check "and its end" "$NETSIM" heal -q
	before=$(sent_by n1)
	# shellcheck disable=SC2016 # for the inner shell
	bg bash -c 'TIMEFORMAT="cpu %U %S"; time "$0" iperf n1 n2 --time 12s' "$NETSIM"
	check "the transfer is on its way" wait_for 5 has_sent n1 $((before + 200000))
	check "a partition midway" "$NETSIM" partition -q n1
	wait "$BG"
	is "fails" "$?" 1
	like "with one line" "$(<"$WORK/bg.$BG")" "^netsim: n1 > n2: no result .*"
	# libiperf 3.12 would compute from the end of the transfer to that of the wait.
	between "and waits without computing: processor time" \
		"$(awk '/^cpu/ { print $2 + $3 }' "$WORK/bg.$BG")" 0 10 s
	is "and leaves no process" "$(ps -o comm= -g "$BG")" ""
	"$NETSIM" heal -q
}

sent_by() {
	node_exec "$1" ip -s -j link show eth1 | jq '.[0].stats64.tx.bytes'
}

# has_sent NODE BYTES
has_sent() {
	[[ $(sent_by "$1") -gt $2 ]]
}

build
rates
pings
midway
check "down" "$NETSIM" down
done_testing
