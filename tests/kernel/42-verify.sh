# needs: native bridge veth netns clsact bpf
# limit: 200
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim verify on a fleet that is not shaped: reachability, partitions, losses, and the
# detection of changes made behind netsim's back.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../verify.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=plain

build() {
	cat >"$WORK/plain.yaml" <<-'EOT'
		fleet: plain
		networks: {lan: {address: 10.3.0.254/24}, six: {}}
		nodes:
		  n[1-4]:
		    interfaces:
		      eth1: {network: lan, address: "10.3.0.{n}/24"}
		  m[1-3]:
		    interfaces:
		      eth1: {network: six, address: "fd00:3::{n}/64"}
	EOT
	check "up" "$NETSIM" up "$WORK/plain.yaml"
}

# verdict STATUS NAME: checks the status of a quick run, which is repeated while it is unproved, as
# on a busy machine; its rows are in $ROWS, as "NODE/WHAT/VERDICT"
verdict() {
	for _ in 1 2 3 4 5; do
		run "$NETSIM" verify --quick --json
		[[ $STATUS -eq 6 ]] || break
	done
	is "$2" "$STATUS" "$1"
	read_rows
}

read_rows() {
	ROWS=$(jq -r '.rows[] | "\(.node)/\(.what)/\(.verdict)"' <<<"$OUT" | tr '\n' ' ')
}

passes() {
	verdict 0 "a fleet without a profile is as asked"
	is "everything passes, in order" "$ROWS" "all/order/ok all/reach/ok "
	is "with the host, and over IPv6" "$(jq -r '.rows[1].asked' <<<"$OUT")" "26 pairs"
	run "$NETSIM" verify --quick
	is "the last line has the totals" "${OUT##*$'\n'}" "2 of 2 as asked"
	is "stderr is empty" "$ERR" ""
	run "$NETSIM" verify --quick -q
	is "-q prints nothing then" "$OUT" ""
}

partitions() {
	"$NETSIM" partition -q n1
	verdict 0 "a partition is as asked"
	is "has its row" "$(jq -r '.rows[] | select(.what == "cut") | "\(.asked): \(.measured)"' <<<"$OUT")" \
		"6 pairs: nothing passed"
	tc filter delete dev "$(port_of n1)" egress
	verdict 1 "a program that was detached"
	is "is found, with its port" "$(wrong)" "n1 cut down"
	"$NETSIM" heal -q
	"$NETSIM" partition -q --one-way n2 n3
	verdict 0 "a one-way partition"
	is "leaves the other direction" "$(jq -r '.rows[] | select(.what == "cut" or .what == "reach") | .asked' <<<"$OUT" | joined)" \
		"25 pairs 1 pair"
	tc filter delete dev "$(port_of n3)" egress
	verdict 1 "without its program"
	is "names the port" "$(wrong)" "n3 cut down"
	"$NETSIM" heal -q
}

# received NODE: packets that its port has sent to it
received() {
	cat "/sys/class/net/$(port_of "$1")/statistics/tx_packets"
}

# Some nodes only: the others are not probed among themselves, and have no rows.
some_nodes() {
	local before
	before=$(received m1)
	run "$NETSIM" verify --quick --json --nodes n1
	read_rows
	is "of one node" "$STATUS $ROWS" "0 all/order/ok all/reach/ok "
	is "only its pairs are measured" "$(jq -r '.rows[] | select(.what == "reach") | .asked' <<<"$OUT")" "8 pairs"
	is "and a node of another network gets no probe" $(($(received m1) - before < 20)) 1
	run "$NETSIM" verify --quick --json --nodes 'm*,host' --nodes n1
	is "of several" "$(jq -r '.rows[] | select(.what == "reach") | .asked' <<<"$OUT")" "20 pairs"
	"$NETSIM" partition -q --one-way n2,n4 n3
	tc filter delete dev "$(port_of n3)" egress
	run "$NETSIM" verify --quick --json --nodes n2
	is "a wrong port of another node" "$STATUS $(wrong)" "1 n2 > n3 cut"
	run "$NETSIM" verify --quick --json --nodes n1
	is "does not concern the rest" "$STATUS $(wrong)" "0 "
	"$NETSIM" heal -q
	"$NETSIM" exec n4 ip addr flush dev eth1
	run "$NETSIM" verify --quick --json --nodes n4
	read_rows
	is "a node without an address is unproved" "$STATUS $ROWS" "6 n4/conditions/unproved "
	run "$NETSIM" verify --quick --json --nodes n3
	is "unless it is not named" "$STATUS" 0
	"$NETSIM" up -q "$WORK/plain.yaml"
	fails_with 2 "no node" "$NETSIM" verify --nodes n1,m9
	like "with the nearest name" "$ERR" "m9; did you mean m1"
}

# ifindex NODE: of its port; program: the id of the program at the ports
ifindex() {
	cat "/sys/class/net/$(port_of "$1")/ifindex"
}

program() {
	tc filter show dev "$(port_of n1)" egress | sed -n 's/.* id \([0-9]*\).*/\1/p' | head -n 1
}

# Losses drawn by the programs, also after changes behind netsim's back.
losses() {
	cat >"$WORK/loss.yaml" <<-'EOT'
		profile: loss
		pairs:
		  - {from: n1, to: n2, loss: 30%}
		  - {from: n2, to: n1, loss: 10%}
		  - {from: n3, to: n1, loss: 20%}
		classes:
		  iscsi: {loss: 40%}
	EOT
	"$NETSIM" apply -q "$WORK/loss.yaml"
	verdict 0 "pairs that lose"
	is "each has its row, a class has one" "$(grep -o 'n[0-9] > n[0-9][^/]*/loss/ok' <<<"$ROWS" |
		grep -v iscsi | joined), $(grep -o 'iscsi/[a-z]*/ok' <<<"$ROWS" | joined)" \
		"n1 > n2/loss/ok n2 > n1/loss/ok n3 > n1/loss/ok, iscsi/loss/ok"
	is "pairs are counted once" "$(jq -r '.rows[] | select(.what == "reach") | .asked' <<<"$OUT")" "26 pairs"
	"$HELPERS/meddle" "$(program)" pair "$(ifindex n2)" "$(ifindex n1)" loss $((3 << 30))
	verdict 1 "another loss of one pair"
	is "names the pair" "$(wrong)" "n2 > n1 loss"
	"$NETSIM" apply -q "$WORK/loss.yaml"
	"$NETSIM" fault -q 'loss 50%' n2:n3
	ends_meanwhile
	is "a fault, and one that ends during the measurement" "$STATUS" 6
	like "has its row" "$ROWS" "n2 > n3/loss/ok"
	like "and the other is unproved" "$ROWS" "n3 > n2/conditions/unproved"
	ends_meanwhile --accept-unmeasured
	is "which is accepted on request" "$STATUS" 0
	"$NETSIM" heal -q
	"$NETSIM" clear -q
}

# asked WHAT: what was asked of the row, and measured
asked() {
	jq -r --arg what "$1" '.rows[] | select(.what == $what) | "\(.node) \(.asked): \(.measured)"' <<<"$OUT" | joined
}

# Pairs and links on which nothing arrives, because that was asked.
mute() {
	"$NETSIM" fault -q 'loss 100%' n1:n2
	verdict 0 "a pair that loses all"
	like "has its row" "$(asked loss)" "^n1 > n2 100.0 %: 100.00 % \(9[0-9.]+ .. 100.0\)$"
	is "and does not count as one that passes" "$(asked reach)" "all 25 pairs: all pass"
	"$NETSIM" heal -q
	printf 'profile: mute\npairs: [{from: n1, to: n2, loss: 100%%}]\n' >"$WORK/mute.yaml"
	"$NETSIM" apply -q "$WORK/mute.yaml"
	verdict 0 "the same from a profile"
	like "has its row" "$(asked loss)" "^n1 > n2 100.0 %: 100.00 %"
	"$HELPERS/meddle" "$(program)" pair "$(ifindex n1)" "$(ifindex n2)" loss 0
	verdict 1 "if it loses nothing"
	is "its row fails" "$(wrong)" "n1 > n2 loss"
	"$NETSIM" clear -q
	"$NETSIM" fault -q 'loss 99%' n1:n2
	verdict 0 "a pair that loses nearly all"
	like "has its row, too" "$(asked loss)" "^n1 > n2 99.0 %: (9[0-9.]+|100.00) % "
	"$NETSIM" heal -q
	"$NETSIM" fault -q 'loss 100%' n1
	verdict 0 "a link that loses all"
	like "has its row" "$(asked loss)" "^n1 100.0 %: 100.00 %"
	is "and its pairs do not pass" "$(asked reach)" "all 18 pairs: all pass"
	"$NETSIM" heal -q
	"$NETSIM" fault -q 'corrupt 100%' n1:n2
	verdict 0 "a pair that damages all"
	like "loses all" "$(asked loss)" "^n1 > n2 100.0 %: 100.00 %"
	"$NETSIM" heal -q
}

# ends_meanwhile [OPTION]: verifies, and heals a fault as soon as the probes have their sockets.
# On a busy machine the loss of the other fault may need more than one run.
ends_meanwhile() {
	local try verify
	for try in 1 2 3; do
		"$NETSIM" fault -q --name "ends-$try" 'loss 100%' n3:n2
		bg "$NETSIM" verify --quick --json "$@"
		verify=$BG
		wait_for 10 probing n3
		"$NETSIM" heal -q "ends-$try"
		STATUS=0
		wait "$verify" || STATUS=$?
		OUT=$(<"$WORK/bg.$verify")
		read_rows
		[[ $ROWS != *"n2 > n3/loss/ok"* ]] || break
	done
}

# probing NODE: a process has a packet socket there
probing() {
	[[ $(node_exec "$1" cat /proc/net/packet | wc -l) -gt 1 ]]
}

# The intent file has the partition that the programs no longer enforce.
forgotten() {
	local port
	"$NETSIM" partition -q n1
	"$HELPERS/meddle" "$(program)" flip
	verdict 1 "the previous policy"
	is "lets packets of cut pairs through" "$(wrong)" "n1 cut down, n2 cut down, n3 cut down, n4 cut down"
	"$HELPERS/meddle" "$(program)" flip
	for port in $(ip -o link show type veth | sed -n 's/^[0-9]*: \([^:@]*\).*netsim:plain.*/\1/p'); do
		tc filter delete dev "$port" egress 2>/dev/null
	done
	verdict 1 "without any program"
	like "the intended partition is known" "$(wrong)" "n1 cut down"
	"$NETSIM" heal -q
}

cable() {
	ip link set "$(port_of m2)" down
	verdict 1 "a pulled cable"
	is "affects both directions" "$(wrong)" "m2 reach, m2 reach"
	is "with the reason" "$(jq -r '.rows[] | select(.verdict == "failed") | .why' <<<"$OUT" | sort -u)" \
		"the link of m2 is down"
	is "ping-matrix shows it" "$(down_pairs)" "m1>m2 m2>m1 m2>m3 m3>m2"
	ip link set "$(port_of m2)" up
	wait_for 5 "$NETSIM" verify --quick
	verdict 0 "after it is repaired"
}

down_pairs() {
	"$NETSIM" ping-matrix -c 1 --json m1 m2 m3 | jq -r '.pairs[] | select(.result == "down") | "\(.from)>\(.to)"' | joined
}

# All commands agree about a cable, however netsim took it down.
down() {
	local how
	for how in "" "--for 60s"; do
		# shellcheck disable=SC2086 # words
		"$NETSIM" link -q down m2 $how
		verdict 0 "netsim link down $how is as asked"
		is "and nothing passes" "$(jq -r '.rows[] | select(.what == "cut") | "\(.asked): \(.measured)"' <<<"$OUT")" \
			"4 pairs: nothing passed"
		run "$NETSIM" ping-matrix -c 1 m1 m2 m3
		is "ping-matrix agrees" "$STATUS ${OUT##*$'\n'}" "0 6 pairs: 2 answered, 4 with a link down (down)"
		is "in JSON" "$(down_pairs)" "m1>m2 m2>m1 m2>m3 m3>m2"
		is "and so does status" "$("$NETSIM" status --json | jq -r '.fleets[0].nodes[] | select(.name == "m2") | .reaches | length')" 0
		"$NETSIM" link -q up m2
	done
	verdict 0 "plugged in again"
	"$NETSIM" link -q down m2
	"$NETSIM" up -q "$WORK/plain.yaml"
	ip link set "$(port_of m2)" down
	verdict 1 "what netsim up plugged in, and another pulled out"
	ip link set "$(port_of m2)" up
	wait_for 5 "$NETSIM" verify --quick
}

# br_netfilter passes frames to a firewall that drops them, as on hosts with Docker.
firewall() {
	if [[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] ||
		! nft add table ip filter 2>/dev/null; then
		skip "a firewall on the bridges" "needs br_netfilter and nft"
		return
	fi
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
	nft 'add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'
	verdict 1 "a firewall that drops"
	like "is named as the reason" "$(jq -r '.rows[] | select((.node | test("^n1")) and .verdict == "failed") | .why' <<<"$OUT" | sort -u)" \
		"br_netfilter .* chain FORWARD of the table ip filter drops"
	run "$NETSIM" up "$WORK/plain.yaml"
	like "up warns" "$ERR" "^netsim: warning: br_netfilter .* FORWARD"
	run "$NETSIM" doctor --json
	like "doctor finds it" "$(jq -r '.findings[] | select(.what == "no bridge filter") | "\(.ok): \(.detail)"' <<<"$OUT")" \
		"^false: br_netfilter"
	echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables
	run "$NETSIM" up "$WORK/plain.yaml"
	is "up says nothing while bridges bypass it" "$ERR" ""
	nft delete table ip filter
}

usage() {
	fails_with 2 "an unknown fleet" "$NETSIM" verify nonesuch
	one_line "is one line"
	fails_with 2 "two fleets" "$NETSIM" verify a b
}

build
passes
partitions
some_nodes
losses
mute
forgotten
cable
down
firewall
usage
dump >"$WORK/before"
"$NETSIM" verify -q --quick
dump | diff "$WORK/before" - >"$WORK/changed"
is "verify changes nothing" "$(grep -v '"preferred_life\|ifcache' "$WORK/changed")" ""
check "down" "$NETSIM" down
fails_with 2 "without a fleet" "$NETSIM" verify
done_testing
