# needs: netem tbf ifb mirred bridge veth netns
# limit: 600
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim verify on shaped fleets: correct links pass, and changes made behind netsim's back
# are reported with node and direction.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../verify.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=shaped

build() {
	cat >"$WORK/shaped.yaml" <<-'EOT'
		fleet: shaped
		networks: {lan: {}}
		nodes:
		  n100-[1-3]: {interfaces: {eth1: {network: lan, address: "192.168.100.1{n}/24"}}}
		  jetson-[1-2]: {interfaces: {eth1: {network: lan, address: "192.168.100.2{n}/24"}}}
	EOT
	check "up" "$NETSIM" up "$WORK/shaped.yaml"
}

# sorted WORD...: in the format of wrong()
sorted() {
	printf '%s\n' "$@" | LC_ALL=C sort | paste -sd , | sed 's/,/, /g'
}

measured() {
	jq -r --arg n "$1" --arg w "$2" '.rows[] | select(.node == $n and .what == $w) | .measured | split(" ")[0]' <<<"$OUT"
}

# handle_of DEVICE
handle_of() {
	tc qdisc show dev "$1" | awk '/netem/ { print $3 }'
}

lie() {
	tc qdisc change dev "$1" root handle "$(handle_of "$1")" netem limit 10000 "${@:2}"
}

# proved ROW...: each row is ok in at least one of several runs, or this machine is too busy
proved() {
	local missing seen=""
	for _ in 1 2 3 4 5; do
		seen+="$(jq -r '.rows[] | select(.verdict == "ok") | "\(.node) \(.what), "' <<<"$OUT" | tr -d '\n')"
		missing=$(comm -23 <(printf '%s\n' "$@" | LC_ALL=C sort) <(rows "$seen"))
		[[ -n $missing ]] || break
		run "$NETSIM" verify --json --quick
	done
	if [[ -n $missing ]]; then
		skip "slow rates are proved" "this machine is too busy"
	else
		ok "slow rates are proved"
	fi
}

constrained() {
	"$NETSIM" apply -q constrained
	all_right "constrained" --quick
	like "a row for each round trip and rate, and for TCP beside rates that fit" \
		"$(jq -r '[.rows[] | .what] | group_by(.) | map("\(length) \(.[0])") | join(", ")' <<<"$OUT")" \
		"^1 order, 5 rate down, 5 rate up, 1 reach, 5 rtt(, 1 tcp)?$"
	# Late timers only lengthen a round trip; the verdict allows for that.
	between "rtt of n100-3" "$(measured n100-3 rtt)" 19.5 1000 ms
	is "rates are within 6 % where they are ok" "$(jq -r '.rows[] | select((.what | test("rate")) and
		.verdict == "ok") | [.node, .what, .asked, .measured] | map(split(" ")[0]) | join(" ")' <<<"$OUT" |
		awk '$4 < 0.94 * $3 || $4 > 1.06 * $3')" ""
	proved "jetson-1 rate up" "jetson-1 rate down"
}

# Delays as in constrained, with rates that an emulated processor measures in less time.
slow() {
	cat >"$WORK/slow.yaml" <<-'EOT'
		profile: slow
		nodes:
		  n100-1: {rtt: 5ms, rate: 8mbit}
		  n100-2: {rtt: 10ms, rate: 8mbit}
		  n100-3: {rtt: 20ms, rate: 6mbit, overhead: 60B}
		  jetson-*: {rtt: 50ms, rate: 4mbit}
	EOT
	"$NETSIM" apply -q "$WORK/slow.yaml"
}

# Several changes at once, each on another link, and each larger than what late timers excuse.
lies() {
	slow
	lie "$(port_of n100-2)" delay 1ms rate 8mbit
	lie "$(port_of jetson-2)" delay 25ms rate 2mbit
	lie "$(port_of n100-3)" delay 10ms rate 6mbit 60 loss 12%
	lie "$(ifb_of "$(port_of jetson-1)")" delay 125ms rate 4mbit
	lie "$(port_of n100-1)" delay 2.5ms rate 8mbit duplicate 12%
	found "delays, a rate, a loss and copies, up and down" "$(sorted "jetson-2 rate down" \
		"n100-2 delay down" "n100-3 loss down" "jetson-1 delay up" "n100-1 duplicate down")"
	slow
	lie "$(port_of jetson-2)" delay 25ms rate 8mbit
	tc qdisc delete dev "$(port_of jetson-1)" root
	found "a higher rate, and no qdisc at all" \
		"$(sorted "jetson-2 rate down" "jetson-1 delay down" "jetson-1 rate down")"
	slow
}

partition() {
	"$NETSIM" partition -q n100-1
	all_right "a partition beside the profile" --quick
	is "has its row" "$(jq -r '.rows[] | select(.what == "cut") | "\(.asked): \(.measured)"' <<<"$OUT")" \
		"8 pairs: nothing passed"
	like "a node that is cut off is unproved" "$STATUS $OUT" "^6 .*n100-1.*unproved"
	"$NETSIM" heal -q
}

lossy() {
	"$NETSIM" apply -q lossy
	all_right "lossy" --quick
	is "a loss in both directions of jetson-1" "$(jq -r '.rows[] | select(.node == "jetson-1" and .what == "loss") | .asked' <<<"$OUT")" "3 %"
	between "rtt of n100-3" "$(measured n100-3 rtt)" 40 1000 ms
}

# The profile keeps packets in order; the changed qdisc reorders them.
order() {
	local port
	printf 'profile: p\ndefault: {delay: 8ms, jitter: 6ms}\n' >"$WORK/p.yaml"
	"$NETSIM" apply -q "$WORK/p.yaml"
	port=$(port_of n100-3)
	tc qdisc delete dev "$port" root
	tc qdisc add dev "$port" root handle 6e73: netem limit 10000 delay 8ms 6ms
	found "packets that overtake" "n100-3 order down"
}

mixed() {
	slow
	"$NETSIM" clear -q n100-3
	all_right "nodes that were shaped differently are compared with that" --quick
	is "a cleared node has no conditions" "$(measured n100-3 rtt)" ""
}

# A sender that is slow inside its node, and delay where none belongs.
inside() {
	slow
	node_exec jetson-1 tc qdisc add dev eth1 root tbf rate 1mbit burst 3000 limit 30000
	found "a sender that is slow inside its node" "jetson-1 rate up"
	like "and where" "$(jq -r '.rows[] | select(.verdict == "failed") | .why' <<<"$OUT")" \
		"jetson-1 sends no more than .* this machine sends .*inside jetson-1, eth1 has a tbf"
	node_exec jetson-1 tc qdisc delete dev eth1 root
	node_exec jetson-1 tc qdisc add dev eth1 root netem delay 115ms
	found "a delay inside a node" "jetson-1 delay up"
	like "and where" "$(jq -r '.rows[] | select(.verdict == "failed") | .why' <<<"$OUT")" \
		"inside jetson-1, eth1 has a netem"
	node_exec jetson-1 tc qdisc delete dev eth1 root
}

# A delay that is missing is not excused by late timers.
missing() {
	local loop
	printf 'profile: p\ndefault: {rtt: 10ms}\n' >"$WORK/p.yaml"
	"$NETSIM" apply -q "$WORK/p.yaml"
	bg sh -c 'while :; do :; done'
	loop=$BG
	tc qdisc delete dev "$(port_of n100-2)" root
	found "a delay that is missing, on a busy machine" "n100-2 delay down"
	bg_end "$loop"
	slow
}

# The clock of an emulated machine is its own, so it can be set.
clock_set() {
	local steps begin=$EPOCHSECONDS up=$SECONDS
	if [[ -z ${IN_VM:-} ]]; then
		skip "the clock is set" "only in a virtual machine"
		return
	fi
	bg sh -c 'while sleep 0.1; do date -s "+2 seconds"; done'
	steps=$BG
	fails_with 5 "the clock is set during the measurement" "$NETSIM" verify --quick --nodes n100-1
	bg_end "$steps"
	date -s "@$((begin + SECONDS - up))" >/dev/null
	like "and why nothing is known" "$ERR" "the machine's clock was set during the measurement"
	one_line "in one line"
}

# VLANs on a bond share its links: rows of pairs name the interface.
vlans() {
	if ! unshare -n sh -c 'ip link add p0 type bridge vlan_filtering 1 && ip link add link p0 name p2 type vlan id 5' 2>/dev/null; then
		skip "VLANs on one cable" "this kernel has no 8021q"
		return
	fi
	cat >"$WORK/tagged.yaml" <<-'EOT'
		fleet: tagged
		networks: {trunk: {vlans: [100, 200]}}
		nodes:
		  s-[1-2]:
		    interfaces:
		      eth1: {network: trunk}
		      eth1.100: {vlan: 100, address: "10.100.0.{n}/24"}
		      eth1.200: {vlan: 200, address: "10.200.0.{n}/24"}
		      eth1.100.7: {vlan: 7, link: eth1.100, address: "10.7.0.{n}/24"}
		  a-1: {interfaces: {eth1: {network: trunk, access: 100, address: 10.100.0.3/24}}}
	EOT
	check "up with VLANs" "$NETSIM" up "$WORK/tagged.yaml"
	printf 'profile: p\npairs: [{from: s-1, to: s-2, delay: 20ms}]\n' >"$WORK/p.yaml"
	"$NETSIM" apply -q --fleet tagged "$WORK/p.yaml"
	run "$NETSIM" verify tagged --json --quick
	is "a row for each interface of a pair" \
		"$(jq -r '.rows[] | select(.what == "delay") | .node' <<<"$OUT" | sort | paste -sd ,)" \
		"s-1/eth1.100 > s-2/eth1.100,s-1/eth1.100.7 > s-2/eth1.100.7,s-1/eth1.200 > s-2/eth1.200"
	like "with the access port" "$(jq -r '.rows[] | select(.what == "reach") | .asked' <<<"$OUT")" "^10 pairs"
	is "ping-matrix finds VLANs in VLANs" \
		"$("$NETSIM" ping-matrix --fleet tagged -c 1 -I eth1.100.7 s-1 s-2 | tail -n 1)" "2 pairs: 2 answered"
	# Full frames with an 802.1ad and an inner tag, on a bridge with VLANs.
	cat >"$WORK/tagged.yaml" <<-'EOT'
		fleet: tagged
		networks: {trunk: {vlans: [100]}}
		nodes:
		  q-[1-2]:
		    interfaces:
		      eth1: {network: trunk}
		      s: {vlan: 100, link: eth1, protocol: 802.1ad}
		      s.5: {vlan: 5, address: "10.5.0.{n}/24"}
	EOT
	check "up with 802.1ad" "$NETSIM" up "$WORK/tagged.yaml"
	# shellcheck disable=SC2034 # for lib.sh
	FLEET=tagged
	check "full frames with two tags arrive" node_exec q-1 ping -M 'do' -c 2 -i 0.3 -W 1 -s 1472 10.5.0.2
	FLEET=shaped
	check "down" "$NETSIM" down tagged
}

build
constrained
lies
inside
thorough "a missing delay beside a busy loop" && missing
thorough "a partition beside a profile" && partition
thorough "losses of the profile lossy" && lossy
thorough "packets that overtake" && order
thorough "nodes that were shaped differently" && mixed
clock_set
thorough "VLANs in VLANs" && vlans
check "down" "$NETSIM" down shaped
done_testing
