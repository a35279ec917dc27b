# needs: tap bridge veth netns clsact bpf ethtool
# limit: 240
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nodes of kind attached: taps and bridges that another program makes and removes. netsim up and
# netsim watch shape them; none of their frames escapes its conditions.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=guests
MAC=52:54:00:12:34:01
cat >"$WORK/guests.yaml" <<-EOT
	fleet: guests
	networks: {lan: {name: guests-br, address: 10.9.5.254/24}}
	nodes:
	  a: {interfaces: {eth1: {network: lan, address: 10.9.5.1/24}}}
	  vm1: {kind: attached, roles: server, interfaces: {eth0: {network: lan, port: "vnet*", mac: "$MAC"}}}
	  vm2: {kind: attached, interfaces: {eth0: {network: lan, port: tap2}}}
EOT
printf 'profile: none\ndefault: {loss: 0%%}\n' >"$WORK/none.yaml"
printf 'profile: deaf\nnodes: {vm1: {up: {loss: 100%%}}}\n' >"$WORK/deaf.yaml"

# plug TAP BRIDGE [MAC]: a tap as libvirt makes it
plug() {
	ip tuntap add "$1" mode tap
	[[ -z ${3:-} ]] || ip link set "$1" address "$3"
	ip link set "$1" master "$2" up
}

is_up() {
	[[ $(ip -j link show "$1" | jq -r '.[0].flags | index("UP")') != null ]]
}

tso_of() {
	ethtool -k "$1" | sed -n 's/^tcp-segmentation-offload: //p'
}

alias_of() {
	ip -j link show "$1" | jq -r '.[0].ifalias // ""'
}

# shaped NODE: status shows a port of it
shaped() {
	"$NETSIM" status --json | jq -e --arg n "$1" '.fleets[0].nodes[] | select(.name == $n) | .ports | length == 1' >/dev/null
}

watch_start() {
	bg "$NETSIM" watch
	WATCH=$BG
	check "watch is ready" wait_for 10 logged "watching$|waiting"
}

building() {
	check "up without any tap" "$NETSIM" up "$WORK/guests.yaml"
	like "names the ports that are missing" "$ERR" \
		"not shaped: vm1/eth0: guests-br has no tap vnet\* with the guest $MAC.*vm2/eth0: guests-br has no tap tap2"
	check "status" "$NETSIM" status
	like "shows them unshaped" "$OUT" "vm1 +attached +unshaped"
	is "as JSON, too" "$("$NETSIM" status --json | jq -r '.fleets[0].missing[].link' | joined)" "vm1/eth0 vm2/eth0"
	check "apply" "$NETSIM" apply "$WORK/none.yaml"
	like "names them" "$ERR" "not shaped: vm1/eth0: .*not shaped: vm2/eth0: "
	plug vnet3 guests-br "fe${MAC#52}"
	plug tap2 guests-br
	like "a new tap is not claimed by status" "$("$NETSIM" status)" "vm1/eth0: vnet3 is new; netsim up or netsim watch"
	check "up claims them" "$NETSIM" up "$WORK/guests.yaml"
	is "and has no complaint" "$ERR" ""
	is "the tap has a mark" "$(alias_of vnet3)" "netsim:guests/vm1/eth0 @server attached"
	is "and keeps its group" "$(ip -j link show vnet3 | jq -r '.[0].group')" default
	check "both are shaped" eval "shaped vm1 && shaped vm2"
	check "up again" "$NETSIM" up "$WORK/guests.yaml"
	like "does nothing" "$OUT" "already up to date"
}

doubts() {
	plug vnet4 guests-br "fe${MAC#52}"
	check "up with two taps of one guest" "$NETSIM" up "$WORK/guests.yaml"
	like "names both" "$ERR" "vm1/eth0: vnet3 and vnet4 both match"
	is "and takes none" "$(alias_of vnet3)$(alias_of vnet4)" ""
	ip link del vnet4
	ip link set vnet3 nomaster
	check "up with a tap in no bridge" "$NETSIM" up "$WORK/guests.yaml"
	like "does not find it" "$ERR" "vm1/eth0: guests-br has no tap"
	ip link set vnet3 master guests-br alias mine
	check "up with a tap that has another alias" "$NETSIM" up "$WORK/guests.yaml"
	like "leaves it alone" "$ERR" "vm1/eth0: vnet3 has an alias of another program: mine"
	ip link set vnet3 alias ""
	fails_with 1 "watch --once with a port missing" sh -c "ip link del tap2; '$NETSIM' watch --once"
	like "names it" "$OUT" "vm2/eth0: not shaped: guests-br has no tap tap2"
	check "it claimed the other" shaped vm1
	plug tap2 guests-br
	check "watch --once with all ports" "$NETSIM" watch --once
}

giving_back() {
	tc filter add dev vnet3 ingress protocol all pref 7 u32 match u32 0 0 action pass 2>/dev/null
	like "down -n" "$("$NETSIM" down -n)" "- vnet3 [(]given back[)]"
	"$NETSIM" link -q down vm2
	check "down" "$NETSIM" down -q
	check "a pulled cable is plugged in" is_up tap2
	is "taps stay, without marks" "$(ip -br link show type tun | wc -l) $(alias_of vnet3)$(alias_of tap2)" "2 "
	unlike "the programs are gone" "$(tc filter show dev vnet3 egress)" ns_port
	unlike "and clsact" "$(tc qdisc show dev tap2)" clsact
	if [[ $(tc filter show dev vnet3 ingress) == *"pref 7"* ]]; then
		ok "a filter of another program stays"
	else
		skip "a filter of another program stays" "this kernel has no cls_u32"
	fi
	ip link del vnet3
	ip link del tap2
}

bridges() {
	ip link add virbr7 type bridge
	ip link set virbr7 up
	sed 's/name: guests-br.*/name: virbr7, attached: true}}/' "$WORK/guests.yaml" >"$WORK/virbr.yaml"
	plug vnet0 virbr7 "fe${MAC#52}"
	plug tap2 virbr7
	check "up on a bridge of another program" "$NETSIM" up -q "$WORK/virbr.yaml"
	is "marks it" "$(alias_of virbr7)" "netsim:guests/lan tso closed attached"
	ip addr add 10.9.5.253/24 dev virbr7
	guest vnet0 "$MAC" 10.9.5.9
	check "the host reaches a guest" wait_for 5 answers host 10.9.5.9
	check "the programs shape it" "$NETSIM" apply -q --engine edt "$WORK/deaf.yaml"
	check "also what it sends to the host" not answers host 10.9.5.9 -W 0.5
	bg_end "$BG"
	"$NETSIM" clear -q
	# netsim apply does this on a kernel that has netem.
	ethtool -K virbr7 tso off
	check "down" "$NETSIM" down -q
	is "gives it back" "$(alias_of virbr7)" ""
	is "with the offload" "$(tso_of virbr7)" on
	is "with the tap" "$(ip -j link show vnet0 | jq -r '.[0].master')" virbr7
	ip link del virbr7
	fails_with 4 "up without that bridge" "$NETSIM" up "$WORK/virbr.yaml"
	like "names the line" "$ERR" "virbr.yaml:2:[0-9]+: error: there is no bridge virbr7; start the program"
	is "and leaves nothing" "$(ip netns list)" ""
	ip link del vnet0
	ip link del tap2
}

# flood ROUNDS MS: sets SENT and RECEIVED, the frames that a receives from a tap that is created anew
# ROUNDS times
flood() {
	local receiver
	node_bg a "$TESTS/tools/tapflood.py" receive eth1
	receiver=$BG
	check "a counts" wait_for 10 written ready "$WORK/bg.$receiver"
	SENT=$("$TESTS/tools/tapflood.py" send vnet guests-br "$MAC" "$1" "$2" | sed -n 's/^sent //p')
	bg_end "$receiver"
	RECEIVED=$(sed -n 's/^received //p' "$WORK/bg.$receiver")
}

# appeared: how many taps of vm1 netsim watch has shaped
appeared() {
	logs '^vm1/eth0: vnet[0-9]+ appeared, shaped after'
}

watching() {
	local links known
	"$NETSIM" up -q "$WORK/guests.yaml" 2>/dev/null
	"$NETSIM" apply -q "$WORK/none.yaml" 2>/dev/null
	watch_start
	plug tap2 guests-br
	check "a tap that appears is shaped" wait_for 10 logged "^vm2/eth0: tap2 appeared, shaped after"
	ip link del tap2
	check "one that goes is reported" wait_for 10 logged "^vm2/eth0: tap2 is gone"
	flood 3 1500
	between "frames of a guest pass" "$RECEIVED" 1 "$SENT"
	"$NETSIM" apply -q "$WORK/deaf.yaml" 2>/dev/null
	links=$(ip -br link | wc -l)
	known=$(appeared)
	flood "${ROUNDS:-12}" 400
	between "a guest that sends while it is started" "$SENT" 1000 1000000000
	is "sends nothing outside of its conditions" "$RECEIVED" 0
	is "and each of its taps was shaped" $(($(appeared) - known)) "${ROUNDS:-12}"
	between "frames were dropped before the claim" "$("$NETSIM" status --json |
		jq '.fleets[0].nodes[] | select(.name == "a").dropped_unclaimed')" 1 1000000000
	check "all taps are gone" wait_for 10 not shaped vm1
	is "no link is left of them" "$(ip -br link | wc -l)" "$links"
}

# Faults wait for the tap.
faults() {
	"$NETSIM" apply -q "$WORK/none.yaml" 2>/dev/null
	check "a partition of a node without a tap" "$NETSIM" partition -q vm1 a
	flood 1 1000
	is "holds for its tap" "$RECEIVED" 0
	check "heal" "$NETSIM" heal -q
	flood 1 1500
	between "and ends" "$RECEIVED" 1 "$SENT"
}

# The cable that netsim link pulled out is that of the node, not of the tap.
cables() {
	plug tap2 guests-br
	check "a tap" wait_for 10 shaped vm2
	check "link down" "$NETSIM" link -q down vm2/eth0
	check "sets it down" not is_up tap2
	ip link del tap2
	check "it goes" wait_for 10 not shaped vm2
	plug tap2 guests-br
	check "the next one is set down, too" wait_for 10 not is_up tap2
	check "link up" wait_for 10 "$NETSIM" link -q up vm2/eth0
	check "sets it up" is_up tap2
	"$NETSIM" link -q down vm2/eth0
	check "up" "$NETSIM" up -q "$WORK/guests.yaml"
	check "sets it up, too" is_up tap2
	"$NETSIM" link -q down vm2/eth0
	ip link set tap2 nomaster
	check "a tap that leaves the bridge" wait_for 10 is_up tap2
	ip link del tap2
	"$NETSIM" up -q "$WORK/guests.yaml" 2>/dev/null
}

meddling() {
	local gone
	plug tap2 guests-br
	check "a tap" wait_for 10 shaped vm2
	tc qdisc del dev tap2 clsact
	check "removing the programs" wait_for 10 logged "^vm2/eth0: tap2: its program ns_port is missing; put back after"
	like "puts them back" "$(tc filter show dev tap2 egress)" ns_port
	bg sh -c 'while sleep 0.05; do tc qdisc del dev tap2 clsact 2>/dev/null; done'
	check "a program that does so all the time is left alone" wait_for 20 logged "^vm2/eth0: tap2: another program changes it again"
	bg_end "$BG"
	unlike "and it is said once" "$(logs "again and again")" 2
	check "up repairs it" "$NETSIM" up -q "$WORK/guests.yaml"
	like "at once" "$(tc filter show dev tap2 egress)" ns_port
	gone=$(logs "^vm2/eth0: tap2 is gone")
	ip link set tap2 nomaster
	check "a tap that leaves the bridge" wait_for 10 logged "^vm2/eth0: tap2 is gone" $((gone + 1))
	is "is given back" "$(alias_of tap2)" ""
	ip link set tap2 master guests-br
	check "one that comes back is shaped" wait_for 10 shaped vm2
	check "down beside watch" "$NETSIM" down -q
	check "watch waits for a fleet" wait_for 10 logged "^no fleet is up: waiting for one"
	"$NETSIM" up -q "$WORK/guests.yaml" 2>/dev/null
	ip link set tap2 master guests-br
	check "and goes on with it" wait_for 10 shaped vm2
	interrupt "$WATCH"
	is "it ends by a signal with status 0" "$STATUS" 0
	fails_with 1 "watch prints JSON" "$NETSIM" watch --once --json
	is "one object for each event" "$(jq -r .event <<<"$OUT" | joined)" "missing ready"
	ip link del tap2
	check "down" "$NETSIM" down -q
}

# rests: watch has not been woken up for a while
rests() {
	local before
	before=$(grep voluntary_ctxt "/proc/$WATCH/status")
	sleep 0.5 # the time that is looked at
	[[ $(grep voluntary_ctxt "/proc/$WATCH/status") == "$before" ]]
}

# What netsim up adds beside a watch is watched from then on.
growing() {
	"$NETSIM" up -q "$WORK/guests.yaml" 2>/dev/null
	"$NETSIM" apply -q "$WORK/none.yaml" 2>/dev/null
	watch_start
	sed 's/^networks: {/&more: {name: guests-more}, /' "$WORK/guests.yaml" >"$WORK/more.yaml"
	echo '  vm3: {kind: attached, interfaces: {eth0: {network: more, port: tap3}}}' >>"$WORK/more.yaml"
	check "watch has nothing to do" wait_for 20 rests
	"$NETSIM" up -q "$WORK/more.yaml" 2>/dev/null
	check "watch looks for the new node" wait_for 10 logged "^vm3/eth0: not shaped: guests-more has no tap tap3"
	plug tap3 guests-more
	check "and shapes it in the new network" wait_for 10 logged "^vm3/eth0: tap3 appeared, shaped after"
	ip link del tap3
}

# A pass that fails, over and over, is put off and reported once.
failing() {
	plug tap2 guests-br
	check "a tap" wait_for 10 shaped vm2
	cp /run/netsim/guests.json "$WORK/record"
	echo '{' >/run/netsim/guests.json
	for _ in {1..30}; do
		ip link set tap2 down
		ip link set tap2 up
	done
	check "watch reports a record that it cannot read" wait_for 10 logged "^problem: "
	cp "$WORK/record" /run/netsim/guests.json
	tc qdisc del dev tap2 clsact
	check "and repairs again, once it can" wait_for 10 logged "^vm2/eth0: tap2: its program ns_port is missing; put back after"
	is "it was said once" "$(logs "^problem: ")" 1
	bg_end "$WATCH"
	check "down" "$NETSIM" down -q
	ip link del tap2
}

PROGRAMS=$(programs)
building
doubts
giving_back
bridges
watching
faults
cables
meddling
growing
failing
no_program_stays "$PROGRAMS"
fails_with 2 "watch --once without a fleet" "$NETSIM" watch --once
done_testing
