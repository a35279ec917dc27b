# needs: netem tbf ifb mirred bridge veth netns
# limit: 150
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Peaks of bursts, with both engines: the parameters in the kernel, frames as long as the port's,
# faults with a peak, changes behind netsim's back, and what netsim verify measures.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../verify.sh"

FLEET=peaks
T=$WORK/peaks.yaml
P=$WORK/p.yaml

build() {
	cat >"$T" <<-'EOT'
		fleet: peaks
		networks: {lan: {mtu: 9000}}
		nodes:
		  n[1-3]: {interfaces: {eth1: {network: lan, address: "10.43.0.{n}/24"}}}
	EOT
	printf '%s\n' 'profile: p' 'nodes:' '  n2: {down: {rate: 8mbit, burst: 100kB, peak: 24mbit}}' \
		'  n3: {up: {rate: 4mbit, burst: 64kB, peak: 10mbit, overhead: 60B}}' >"$P"
	check "up" "$NETSIM" up "$T"
}

# tbf_of NODE UP|DOWN: the child of netsim's root, as tc shows it
tbf_of() {
	local device
	device=$(port_of "$1")
	[[ $2 == down ]] || device=$(ifb_of "$device")
	tc qdisc show dev "$device" | grep -o ' rate [^ ]*\| peakrate [^ ]*' | tr -d '\n'
}

# long_frames FROM TO: answers to frames of the whole MTU
long_frames() {
	node_exec "$1" ping -n -q -c 3 -i 0.2 -s 8972 -M 'do' -W 2 "10.43.0.${2#n}" | sed -n 's/.* \([0-9]*\) received.*/\1/p'
}

netem() {
	check "netem: apply" "$NETSIM" apply --engine netem "$P"
	is "netem: down, in the kernel" "$(tbf_of n2 down)" " rate 8Mbit peakrate 24Mbit"
	is "netem: up" "$(tbf_of n3 up)" " rate 4Mbit peakrate 10Mbit"
	is "netem: the largest frames pass" "$(long_frames n1 n2) $(long_frames n3 n1)" "3 3"
	is "netem: status" "$("$NETSIM" status --json |
		jq -c '[.fleets[0].nodes[] | select(.name == "n2") | .. | .peak_bps? // empty] | unique')" "[24000000]"
	check "netem: nothing differs" "$NETSIM" diff "$T"
	tc qdisc change dev "$(port_of n2)" handle 6e74: parent 6e73:1 tbf rate 8mbit burst 100000 limit 151400
	fails_with 1 "netem: diff sees a peak that is gone" "$NETSIM" diff "$T"
	found "netem: so does verify" "n2 peak down"
	for _ in 1 2 3 4 5 6; do
		run "$NETSIM" verify --json --quick --nodes n3
		[[ -z $(peaks "ok|unproved") ]] || break
	done
	is "netem: and measures the other peak" "$(peaks "ok|unproved")" "n3 peak up 10.0 mbit"
	check "netem: up repairs it" "$NETSIM" up "$T"
	is "netem: as before" "$(tbf_of n2 down)" " rate 8Mbit peakrate 24Mbit"
}

# peaks REGEX: the rows of peaks with such a verdict, and what was asked
peaks() {
	jq -r --arg v "$1" '[.rows[] | select((.what | test("peak")) and (.verdict | test($v))) | "\(.node) \(.what) \(.asked)"] | join(", ")' <<<"$OUT"
}

# fault_of: its conditions in the policy
fault_of() {
	"$NETSIM" status --json | jq -r '.fleets[0].faults[] | select(.name == "wan") | .values | "\(.burst_bytes) \(.peak_bps)"'
}

edt() {
	check "edt: apply" "$NETSIM" apply --engine edt "$P"
	is "edt: the largest frames pass" "$(long_frames n1 n2) $(long_frames n3 n1)" "3 3"
	check "edt: nothing differs" "$NETSIM" diff "$T"
	check "a fault with a peak" "$NETSIM" fault 'rate 4mbit burst 64kB peak 8mbit' n1 --name wan
	check "with another in its place" "$NETSIM" fault 'rate 4mbit burst 64kB peak 16mbit' n1 --name wan
	is "has that" "$(fault_of)" "64000 16000000"
	all_right "verify" --quick
	is "measures it and those of the profile" "$(peaks "")" \
		"n1 peak up 16.0 mbit, n1 peak down 16.0 mbit, n2 peak down 24.0 mbit, n3 peak up 10.0 mbit"
	check "heal" "$NETSIM" heal wan
	fails_with 2 "a peak without a rate" "$NETSIM" fault 'peak 5mbit' n1
	like "says so" "$ERR" "peak: there is no rate and burst to limit; add a rate and a burst"
	fails_with 2 "a peak below the rate" "$NETSIM" fault 'rate 8mbit burst 10kB peak 7mbit' n2
	like "says so, too" "$ERR" "peak: 7mbit is not more than the rate, 8mbit"
	fails_with 2 "a rate above the profile's peak" "$NETSIM" fault 'rate 30mbit' n2
	like "is the same" "$ERR" "peak: 24mbit is not more than the rate, 30mbit; add a peak above the rate"
	is "and none is in force" "$("$NETSIM" status --json | jq '.fleets[0].faults | length')" 0
}

build
netem
edt
check "down" "$NETSIM" down
is "leaves nothing" "$(ip -br link | awk '$1 != "lo"')" ""
done_testing
