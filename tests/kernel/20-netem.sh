# needs: netem tbf ifb mirred bridge veth netns iperf3 ethtool
# limit: 280
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim apply and clear on a fleet of namespaces: the conditions that traffic meets.
# shellcheck shell=bash disable=SC2153 # LOST and the like are set by lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=shaped
HOST=192.168.100.1
NODES=(jetson-1 jetson-2 n100-1 n100-2 n100-3)
declare -A PORT IFB CONTROL IP=([n100-1]=192.168.100.10 [n100-2]=192.168.100.11 [n100-3]=192.168.100.12
	[jetson-1]=192.168.100.20 [jetson-2]=192.168.100.21)

build() {
	local node
	{
		printf 'fleet: shaped\nnetworks: {lan: {address: %s/24}}\nnodes:\n' "$HOST"
		for node in "${NODES[@]}"; do
			printf '  %s: {roles: [%s], interfaces: {eth1: {network: lan, address: %s/24}}}\n' \
				"$node" "${node%-*}" "${IP[$node]}"
		done
	} >"$WORK/shaped.yaml"
	check "up" "$NETSIM" up "$WORK/shaped.yaml"
	for node in "${NODES[@]}"; do
		PORT[$node]=$(port_of "$node")
	done
}

# profile LINE...: writes a profile to $P
profile() {
	P=$WORK/profile.yaml
	printf 'profile: test\n' >"$P"
	printf '%s\n' "$@" >>"$P"
}

# netem DEVICE FILTER: applies FILTER to the options of the device's netem, as tc shows them
netem() {
	tc -j qdisc show dev "$1" | jq -c "[.[] | select(.kind == \"netem\")][0].options | $2"
}

# delays: NODE=MS, the delay of each port's netem
delays() {
	local node
	tc qdisc show >"$WORK/.delays"
	for node in "${NODES[@]}"; do
		echo "${PORT[$node]} $node"
	done | awk 'NR == FNR { node[$1] = $2; next } /^qdisc netem/ && $5 in node {
		for (i = 6; i < NF; i++) if ($i == "delay") { sub(/ms/, "", $(i + 1)); printf "%s=%g\n", node[$5], $(i + 1) } }' \
		- "$WORK/.delays" | sort | joined
}

# --- the shipped profile

# control NODE...: sets $CONTROL[up] and [down] to the rate in mbit that the machine carries from and
# to each of these nodes at once, through links that are shaped to more than that
control() {
	profile 'default: {rate: 10gbit}'
	"$NETSIM" apply -q "$P"
	CONTROL[up]=$(rates 5220 -- "$@" | sort -n -k 3 | awk 'NR == 1 { print $3 }')
	CONTROL[down]=$(rates 5230 -R -- "$@" | sort -n -k 3 | awk 'NR == 1 { print $3 }')
	echo "# without limits: ${CONTROL[up]} up, ${CONTROL[down]} down"
}

# least DIRECTION REQUESTED: what a link has to carry. The speed of a machine varies by a factor of
# three, so a third of the control is enough if that is less than the requested rate.
least() {
	awk -v r="$2" -v c="${CONTROL[$1]}" 'BEGIN { print (r * 0.86 < c / 3) ? r * 0.86 : c / 3 }'
}

# asked_of NODE: sets $ASKED to its rate in the profile
asked_of() {
	case $1 in
	n100-[12]) ASKED=100 ;;
	n100-3) ASKED=50 ;;
	*) ASKED=10 ;;
	esac
}

# most REQUESTED: what a link may carry on average
most() {
	echo "$(($1 * 104))e-2"
}

# check_rates DIRECTION: every link carries the requested rate, and no more on average
check_rates() {
	local node mean best
	while read -r node mean best; do
		asked_of "$node"
		between "rate $1 of $node" "$best" "$(least "$1" "$ASKED")" 100000 mbit
		between "rate $1 of $node: not above" "$mean" 0 "$(most "$ASKED")" mbit
	done
}

# as_asked DIRECTION NODE MEAN BEST: whether the link carries what it has to
as_asked() {
	asked_of "$2"
	rate_in_bounds "$3" "$4" "$(least "$1" "$ASKED")" "$(most "$ASKED")"
}

# profile_rates DIRECTION FILE PORT [-R] -- NODE...: writes the rates of nodes in the profile to a file:
# for each the first of four that is as asked, or the last
profile_rates() {
	local -A line=()
	local node mean best more
	for _ in 1 2 3 4; do
		more=no
		while read -r node mean best; do
			# shellcheck disable=SC2086 # the words of a line
			[[ -n ${line[$node]} ]] && as_asked "$1" ${line[$node]} || line[$node]="$node $mean $best"
			# shellcheck disable=SC2086
			as_asked "$1" ${line[$node]} || more=yes
		done < <(rates "${@:3}")
		[[ $more == yes ]] || break
	done
	printf '%s\n' "${line[@]}" >"$2"
}

# rate DIRECTION NODE REQUESTED [-R]
rate() {
	measured_rate "rate $1" "$(least "$1" "$3")" "$(most "$3")" rates 5240 "${@:4}" -- "$2"
}

constrained() {
	local node want first=(n100-3 jetson-1) then=()
	if thorough "the rates of n100-1, n100-2 and jetson-2"; then
		first+=(n100-1)
		then=(n100-2 jetson-2)
	fi
	control "${first[@]}"
	check "apply constrained" "$NETSIM" apply constrained
	for node in "${NODES[@]}"; do
		case $node in n100-1) want=5 ;; n100-2) want=10 ;; n100-3) want=20 ;; *) want=50 ;; esac
		measured_between "rtt of $node" "$want" $((want + 4)) ms rtt_of "$node" "$HOST"
	done
	profile_rates up "$WORK/up" 5200 -- "${first[@]}"
	profile_rates down "$WORK/down" 5220 -R -- "${first[@]}"
	if [[ ${#then[@]} -gt 0 ]]; then
		profile_rates up "$WORK/up.then" 5210 -- "${then[@]}"
		profile_rates down "$WORK/down.then" 5230 -R -- "${then[@]}"
		cat "$WORK/up.then" >>"$WORK/up"
		cat "$WORK/down.then" >>"$WORK/down"
	fi
	check_rates up <"$WORK/up"
	check_rates down <"$WORK/down"
	like "senders build no super-packets" "$(node_exec n100-1 ethtool -k eth1)" "tcp-segmentation-offload: off"
}

asymmetric() {
	profile 'nodes: {n100-1: {up: {rate: 5mbit, delay: 40ms}, down: {rate: 20mbit, delay: 25ms}}}'
	check "apply up and down that differ" "$NETSIM" apply "$P"
	measured_between "rtt" 65 69 ms rtt_of n100-1 "$HOST"
	rate up n100-1 5
	rate down n100-1 20 -R
	measured_between "nodes without an entry are not delayed" 0 4 ms rtt_of n100-2 "$HOST"
}

# --- on a live fleet

sent() {
	tc -s -j qdisc show dev "$1" | jq '[.[] | select(.kind == "netem")][0].bytes'
}

live() {
	local ping before node
	profile 'default: {rate: 20mbit, rtt: 30ms, jitter: 2ms}'
	"$NETSIM" apply -q constrained
	IFB[n100-1]=$(ifb_of "${PORT[n100-1]}")
	ping_start n100-1 "$HOST" 0.01
	ping=$BG
	before="$(sent "${PORT[n100-1]}") $(sent "${IFB[n100-1]}")"
	for node in 1 2; do
		"$NETSIM" apply -q "$P"
		"$NETSIM" clear -q
		"$NETSIM" apply -q constrained
	done
	"$NETSIM" apply -q "$P"
	wait_for 3 node_exec n100-1 ping -n -q -c 20 -i 0.01 "$HOST"
	check "changes in place: the counters continue" test "$(sent "${PORT[n100-1]}")" -gt "${before% *}" -a \
		"$(sent "${IFB[n100-1]}")" -gt "${before#* }"
	ping_stop "$ping"
	is "a ping through seven changes loses nothing" "$LOST" 0
	between "and continues" "$PENDING" 0 8
}

cleared() {
	check "clear of one node" "$NETSIM" clear n100-1
	is "clears that one" "$(delays)" "jetson-1=15 jetson-2=15 n100-2=15 n100-3=15"
	check "clear" "$NETSIM" clear
	is "clears all" "$(delays)" ""
	measured_between "no delay is left" 0 4 ms rtt_of n100-1 "$HOST"
	measured_rate "no rate is left" 30 100000 rates 5200 -- jetson-1
	like "super-packets are allowed again" "$(node_exec n100-1 ethtool -k eth1)" "tcp-segmentation-offload: on"
	# Root qdiscs without conditions remain, so that the next apply replaces none.
	is "remaining qdiscs have no conditions" \
		"$(tc qdisc show | grep netem | grep -vE ' limit [0-9]+ ?$')" ""
}

# --- targets and entries

# target WANT TARGET...
target() {
	check "apply to ${*:2}" "$NETSIM" apply "$P" "${@:2}"
	is "shapes just that" "$(delays)" "$1"
	"$NETSIM" clear -q
}

targets() {
	profile 'default: {delay: 7ms}'
	target "n100-1=7" n100-1
	target "n100-2=7" n100-2/eth1
	target "n100-1=7 n100-2=7 n100-3=7" 'n100-*'
	target "jetson-1=7 jetson-2=7 n100-3=7" @jetson n100-3
	target "n100-2=7 n100-3=7" 'n100-[2-3]'
	fails_with 2 "apply to an unknown node" "$NETSIM" apply "$P" n100-4
	like "names the nearest" "$ERR" "n100-[123]"
	fails_with 2 "apply to an unknown interface" "$NETSIM" apply "$P" n100-1/eth9
	fails_with 2 "apply of an unknown profile" "$NETSIM" apply nonesuch
	is "shapes nothing" "$(delays)" ""
	profile 'default: {delay: 1ms}' 'nodes:' '  n100-3: {delay: 4ms}' '  n100-[2-3]: {delay: 3ms}' '  "@n100": {delay: 2ms}' '  jetson-2: {}'
	check "apply with entries by name, pattern and role" "$NETSIM" apply "$P"
	is "the most specific wins" "$(delays)" "jetson-1=1 jetson-2=1 n100-1=2 n100-2=3 n100-3=4"
	fails_with 0 "apply --dry-run" "$NETSIM" apply -n constrained
	is "changes nothing" "$(delays)" "jetson-1=1 jetson-2=1 n100-1=2 n100-2=3 n100-3=4"
}

new_node() {
	profile 'default: {delay: 9ms}'
	"$NETSIM" apply -q "$P"
	sed 's/jetson-2/jetson-9/; s/192.168.100.21/192.168.100.29/' "$WORK/shaped.yaml" >"$WORK/new.yaml"
	check "up with a new node while a profile is in force" "$NETSIM" up "$WORK/new.yaml"
	measured_between "shapes it" 18 22 ms rtt_of jetson-9 "$HOST"
	"$NETSIM" up -q "$WORK/shaped.yaml"
	PORT[jetson-2]=$(port_of jetson-2)
	"$NETSIM" clear -q
}

# --- all other conditions

settings() {
	profile 'nodes:' \
		'  n100-1: {loss: {model: gilbert-elliott, p: 1%, r: 10%, bad: 90%, good: 0.1%}}' \
		'  n100-2: {loss: {model: 4-state, p13: 1%, p31: 20%, p32: 80%, p23: 50%, p14: 0.2%}}' \
		'  n100-3: {delay: 5s, rate: 40gbit}' \
		'  jetson-1: {corrupt: 2%, duplicate: 3%, slot: {min: 1ms, max: 2ms, packets: 32, bytes: 64KiB}}' \
		'  jetson-2: {delay: 5ms, jitter: 1ms, distribution: pareto}'
	check "apply of all other conditions" "$NETSIM" apply "$P"
	is "gilbert-elliott" "$(netem "${PORT[n100-1]}" '."loss-gemodel" | [.p, .r, ."1-h", ."1-k"]')" '[0.01,0.1,0.9,0.001]'
	is "4-state" "$(netem "${PORT[n100-2]}" '."loss-state" | [.p13, .p31, .p32, .p23, .p14]')" '[0.01,0.2,0.8,0.5,0.002]'
	is "a delay and a rate beyond 32 bits" "$(netem "${PORT[n100-3]}" '[.delay.delay, .rate.rate]')" '[5,5000000000]'
	is "corrupt and duplicate" "$(netem "${PORT[jetson-1]}" '[.corrupt.corrupt, .duplicate.duplicate]')" '[0.02,0.03]'
	is "slot" "$(netem "${PORT[jetson-1]}" '.slot | [."min-delay", ."max-delay", .packets, .bytes]')" '[0.001,0.002,32,65536]'
	is "in both directions" "$(netem "$(ifb_of "${PORT[n100-1]}")" '."loss-gemodel".p')" 0.01
	printf '%s\n' -8192 0 8192 >"$WORK/table.dist"
	profile 'nodes:' '  n100-1: {delay: 10ms, jitter: 5ms, distribution: uniform}' '  n100-3: {delay: 10ms, jitter: 5ms, distribution: paretonormal}' \
		'  n100-2: {delay: 10ms, jitter: 5ms, distribution: ./table.dist}'
	check "apply of other distributions" "$NETSIM" apply "$P"
	is "conditions without an entry have gone" "$(netem "${PORT[jetson-1]}" '[.corrupt, .duplicate, .slot, .delay]') $(netem "${PORT[n100-1]}" '."loss-gemodel"')" \
		"[null,null,null,null] null"
	# Not n100-3, where packets still held by the old delay of 5 s hold up later ones.
	node_exec n100-2 ping -n -i 0.01 -c 120 "$HOST" | sed -n 's/.*time=\([0-9]*\).*/\1/p' | sort -n >"$WORK/seen"
	like "a table of three values: both ends are seen" "$(uniq "$WORK/seen" | joined)" '^1[0-4].* 1[5-9].* 2[0-4].* (2[5-9]|3[0-9])'
}

# --- queues

# burst NODE COUNT: how many of COUNT full-size pings sent at once are answered
burst() {
	ping -n -q -l "$2" -c "$2" -s 1472 -W 1 "${IP[$1]}" | sed -n 's/.* \([0-9]*\) received.*/\1/p'
}

queues() {
	profile 'nodes:' '  n100-1: {rate: 20mbit, delay: 50ms}' \
		'  n100-2: {down: {rate: 20mbit, queue: 20 packets}}' \
		'  n100-3: {rate: 10mbit, burst: 64KiB, up: {delay: 2ms}}'
	check "apply queues" "$NETSIM" apply "$P"
	ping -n -q -c 1 "${IP[n100-1]}" >/dev/null
	ping -n -q -c 1 "${IP[n100-2]}" >/dev/null
	# 20 mbit * 50 ms are 82 full packets each way.
	is "packets in flight and queued are not dropped" "$(burst n100-1 85)" 85
	# The queue drains while a slow machine sends.
	between "a queue of 20 packets drops the others" "$(burst n100-2 100)" 18 80
	is "a burst is a tbf below netem" \
		"$(tc -j qdisc show dev "${PORT[n100-3]}" | jq -c '.[] | select(.kind == "tbf") | [.parent, .options.rate, .options.burst]')" \
		'["6e73:1",1250000,65535]'
	thorough "the rates of a tbf" || return
	rate down n100-3 10 -R
	rate up n100-3 10
}

# --- refusals

refusals() {
	local before
	"$NETSIM" apply -q constrained
	before=$(dump)
	if [[ $(uname -r) =~ ^(5|6[.][0-6])[.] ]]; then
		profile 'default: {delay: 33ms}' 'nodes: {jetson-1: {seed: 7}}'
		fails_with 5 "a seed, which this kernel's netem does not know" "$NETSIM" apply "$P"
		like "names the location and the requirement" "$ERR" "^$P:3:[0-9]+: error: .*Linux 6[.]7"
		is "changes nothing" "$(dump)" "$before"
	fi
	tc qdisc replace dev "${PORT[n100-2]}" root pfifo limit 7
	before=$(dump)
	profile 'default: {delay: 33ms}'
	fails_with 4 "a foreign qdisc at a port" "$NETSIM" apply "$P"
	like "is named" "$ERR" "n100-2/[a-z0-9]+ has a pfifo at its root"
	like "and how to remove it" "$ERR" "tc qdisc delete dev ${PORT[n100-2]} root"
	is "changes nothing" "$(dump)" "$before"
	tc qdisc delete dev "${PORT[n100-2]}" root
	ip link add "$(ifb_of "${PORT[n100-3]}")x" type dummy
	check "apply without it" "$NETSIM" apply "$P"
	measured_between "works" 66 70 ms rtt_of n100-2 "$HOST"
	ip link delete "$(ifb_of "${PORT[n100-3]}")x"
}

# A profile with classes needs the other engine, and apply reports the change.
moved() {
	profile 'default: {delay: 3ms}'
	check "apply for netem" "$NETSIM" apply "$P"
	unlike "names no engine, as there is nothing beside the links" "$OUT" "engine"
	profile 'classes: {ssh: {loss: 1%}}'
	check "apply of classes" "$NETSIM" apply "$P"
	like "reports the move to edt" "$OUT" $'\nengine edt, netem before, 1 class$'
	is "netem's delay ends" "$(netem "${PORT[n100-1]}" .delay.delay) $(netem "$(ifb_of "${PORT[n100-1]}")" .delay.delay)" "null null"
	measured_between "and the round trip is short" 0 4 ms rtt_of n100-1 "$HOST"
	check "apply of classes again" "$NETSIM" apply -j "$P"
	is "is no move" "$(jq -c '[.engine, .moved, .pairs, .classes]' <<<"$OUT")" '["edt",false,0,1]'
	profile 'default: {delay: 3ms}'
	check "apply for netem again" "$NETSIM" apply -j "$P"
	is "is a move" "$(jq -c '[.engine, .moved]' <<<"$OUT")" '["netem",true]'
}

build
constrained
asymmetric
live
cleared
targets
new_node
settings
queues
moved
refusals
check "down" "$NETSIM" down
is "leaves nothing" "$(ip -br link | awk '$1 != "lo"')" ""
done_testing
