# needs: netem tbf ifb mirred bridge veth netns
# limit: 200
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim verify on shaped fleets: correct links pass, and changes made behind netsim's back
# are reported with node and direction.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # lib.sh's
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

# The failed rows, as "NODE WHAT, ..."
wrong() {
	jq -r '[.rows[] | select(.verdict == "failed") | "\(.node) \(.what)"] | sort | join(", ")' <<<"$OUT"
}

# sorted WORD...: in the format of wrong()
sorted() {
	printf '%s\n' "$@" | LC_ALL=C sort | paste -sd , | sed 's/,/, /g'
}

# all_right NAME [OPTION...]: nothing fails; repeated once, because the machine may stall
all_right() {
	run "$NETSIM" verify --json "${@:2}"
	[[ $STATUS -ne 1 ]] || run "$NETSIM" verify --json "${@:2}"
	is "$1" "$STATUS $(wrong)" "0 "
}

# found NAME ROWS: these rows fail. On a busy machine others may as well, so that a second try
# without them counts.
found() {
	local missing
	run "$NETSIM" verify --json --quick
	[[ $(wrong) == "$2" ]] || run "$NETSIM" verify --json --quick
	missing=$(comm -23 <(rows "$2") <(rows "$(wrong)"))
	is "$1" "$STATUS $missing" "1 "
}

# rows LIST: a line for each
rows() {
	sed 's/, /\n/g' <<<"$1" | LC_ALL=C sort
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

# rate_of NODE WHAT MBIT: measured within 5 %, or said to be more than this machine sends
rate_of() {
	if [[ $(verdict "$1" "$2") == "not measured" ]]; then
		like "$2 of $1: more than this machine sends" "$OUT" "this machine cannot send more than"
	else
		between "$2 of $1" "$(measured "$1" "$2")" "$(($3 * 95))e-2" "$(($3 * 105))e-2" mbit
	fi
}

verdict() {
	jq -r --arg n "$1" --arg w "$2" '.rows[] | select(.node == $n and .what == $w) | .verdict' <<<"$OUT"
}

constrained() {
	local node way started=$EPOCHSECONDS
	"$NETSIM" apply -q constrained
	all_right "constrained" --quick
	between "time taken" "$((EPOCHSECONDS - started))" 0 400 s
	is "a row for each round trip and rate" \
		"$(jq -r '[.rows[] | .what] | group_by(.) | map("\(length) \(.[0])") | join(", ")' <<<"$OUT")" \
		"1 order, 5 rate down, 5 rate up, 1 reach, 5 rtt"
	between "rtt of n100-3" "$(measured n100-3 rtt)" 19.5 24 ms
	for way in up down; do
		for node in n100-1:100 n100-3:50 jetson-1:10; do
			rate_of "${node%:*}" "rate $way" "${node#*:}"
		done
	done
}

# Several changes at once, each on another link: exactly these are reported.
lies() {
	lie "$(port_of n100-2)" delay 15ms rate 100mbit
	lie "$(port_of n100-1)" delay 2.5ms rate 60mbit
	lie "$(port_of n100-3)" delay 10ms rate 50mbit loss 8%
	lie "$(ifb_of "$(port_of jetson-1)")" delay 45ms rate 10mbit
	lie "$(port_of jetson-2)" delay 25ms rate 10mbit duplicate 8%
	found "delays, a rate, a loss and copies, up and down" "$(sorted "n100-1 rate down" \
		"n100-2 delay down" "n100-3 loss down" "jetson-1 delay up" "jetson-2 duplicate down")"
	"$NETSIM" apply -q constrained
	lie "$(port_of n100-1)" delay 2.5ms rate 200mbit
	tc qdisc delete dev "$(port_of n100-2)" root
	found "a higher rate, and no qdisc at all" \
		"$(sorted "n100-1 rate down" "n100-2 delay down" "n100-2 rate down")"
	"$NETSIM" apply -q constrained
}

partition() {
	"$NETSIM" partition -q n100-1
	all_right "a partition beside the profile" --quick
	is "has its row" "$(jq -r '.rows[] | select(.what == "cut") | "\(.asked): \(.measured)"' <<<"$OUT")" \
		"8 pairs: nothing passed"
	like "a node that is cut off is not measured" "$OUT" "n100-1.*not measured"
	"$NETSIM" heal -q
}

lossy() {
	"$NETSIM" apply -q lossy
	all_right "lossy" --quick
	between "loss of jetson-1" "$(measured jetson-1 loss)" 0.5 8 %
	between "rtt of n100-3" "$(measured n100-3 rtt)" 40 62 ms
}

# The profile keeps packets in order; the changed qdisc reorders them.
order() {
	local port
	printf 'profile: p\ndefault: {delay: 8ms, jitter: 6ms}\n' >"$WORK/p.yaml"
	"$NETSIM" apply -q "$WORK/p.yaml"
	port=$(port_of n100-3)
	tc qdisc delete dev "$port" root
	tc qdisc add dev "$port" root handle 6e73: netem limit 10000 delay 8ms 6ms
	run "$NETSIM" verify --json --quick
	like "packets that overtake" "$(wrong)" "n100-3 order down"
}

mixed() {
	"$NETSIM" apply -q constrained
	"$NETSIM" clear -q n100-3
	run "$NETSIM" verify --quick
	is "nodes that were shaped differently are compared with that" "$STATUS" 0
	unlike "a cleared node has no conditions" "$OUT" "n100-3 +rtt"
}

build
constrained
lies
partition
lossy
order
mixed
check "down" "$NETSIM" down
done_testing
