# needs: bridge veth netns clsact bpf pfifo
# limit: 150
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim fault, heal and link: several faults on a path, deadlines, link states, and
# refusals.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=faults
P=$WORK/profile.yaml
HOLDS=
! unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null || HOLDS=yes
ALL="a>b a>c b>a b>c c>a c>b"

write_topo() {
	cat >"$WORK/faults.yaml" <<-'EOT'
		fleet: faults
		networks: {lan: {address: 10.1.0.254/24}}
		nodes:
		  a: {roles: [server], interfaces: {eth1: {network: lan, address: 10.1.0.1/24}}}
		  b: {roles: [agent], interfaces: {eth1: {network: lan, address: 10.1.0.2/24}}}
		  c: {roles: [agent], interfaces: {eth1: {network: lan, address: 10.1.0.3/24}}}
	EOT
}

reached() {
	reach a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 | joined
}

listed() {
	"$NETSIM" status --json | jq -r '.fleets[0].faults | length'
}

# doubled FROM ADDRESS: "yes" if pings arrive twice
doubled() {
	if [[ $(node_exec "$1" ping -n -c 2 -i 0.1 -W 1 "$2") == *DUP!* ]]; then echo yes; else echo no; fi
}

connects() {
	# A refusal is an answer.
	# shellcheck disable=SC2016 # for the inner shell
	node_exec "$1" timeout 0.5 bash -c '(: <>"/dev/tcp/$0/$1") 2>/dev/null; true' "$2" "$3"
}

# --- several faults at a time

stack() {
	printf 'profile: base\nengine: edt\npairs: [{from: a, to: b, duplicate: 100%%}]\n' >"$P"
	check "apply" "$NETSIM" apply "$P"
	is "the profile applies" "$(doubled a 10.1.0.2)" yes
	check "a fault" "$NETSIM" fault --name lossy 'loss 100%' a:b
	check "and another" "$NETSIM" fault --name single 'duplicate 0%' a:b
	is "the first one applies" "$(reached)" "a>c b>c c>a c>b"
	is "status lists both" "$(listed)" 2
	like "with names and targets" "$("$NETSIM" status)" "lossy: loss 100% on a:b.*single: duplicate 0% on a:b"
	is "and the path" "$("$NETSIM" status -j | jq -c '.fleets[0].paths[] | [.from, .to, .values.loss_percent, .values.duplicate_percent]')" \
		'["a","b",100,0]'
	check "heal by name" "$NETSIM" heal lossy
	is "ends that one" "$(reached)" "$ALL"
	is "and leaves the other" "$(doubled a 10.1.0.2)" no
	fails_with 2 "heal of one that has ended" "$NETSIM" heal lossy
	one_line "in one line"
	check "heal of the other" "$NETSIM" heal single
	is "leaves the profile" "$(doubled a 10.1.0.2)" yes
	is "status lists none" "$(listed)" 0
}

# The later fault wins, key by key.
keys() {
	[[ -n $HOLDS ]] || {
		skip "key by key: delays" "this kernel has no sch_fq"
		return
	}
	printf 'profile: base\npairs: [{from: a, to: b, delay: 10ms}]\nnodes: {b: {up: {delay: 5ms}}}\n' >"$P"
	check "apply delays" "$NETSIM" apply "$P"
	measured_between "the profile's delay" 15 18 ms rtt_of a 10.1.0.2
	"$NETSIM" fault -q --name first 'delay 50ms duplicate 100%' a:b
	"$NETSIM" fault -q --name second 'delay 30ms' a:b
	measured_between "the later fault's delay" 35 38 ms rtt_of a 10.1.0.2
	is "and the earlier fault's duplicates" "$(doubled a 10.1.0.2)" yes
	check "heal of the later one" "$NETSIM" heal second
	measured_between "the earlier fault's delay" 55 58 ms rtt_of a 10.1.0.2
	check "a fault of a node" "$NETSIM" fault 'delay 20ms' b
	measured_between "overrides that of its link" 40 43 ms rtt_of b 10.1.0.3
	check "heal of all" "$NETSIM" heal
	measured_between "the profile again" 15 18 ms rtt_of a 10.1.0.2
}

class() {
	check "a fault of a class" "$NETSIM" fault --class etcd-peer 'loss 100%' a:b
	check "other classes pass" connects a 10.1.0.2 3260
	check "and pings" wait_for 5 answers a 10.1.0.2
	check "the class does not pass" not connects a 10.1.0.2 2380
	check "but passes between other nodes" connects a 10.1.0.3 2380
	"$NETSIM" heal -q
	check "healed" connects a 10.1.0.2 2380
}

targets() {
	check "a fault of a role" "$NETSIM" fault 'loss 100%' @agent
	is "stops its nodes" "$(reached)" ""
	"$NETSIM" heal -q
	check "a fault from all nodes to b" "$NETSIM" fault 'loss 100%' '*:b' host:b
	is "stops that direction" "$(reach a=10.1.0.1 b=10.1.0.2 c=10.1.0.3 host=10.1.0.254 | joined)" "a>c a>host c>a c>host host>a host>c"
	"$NETSIM" heal -q
}

# --- deadlines, enforced by the kernel

# ended NAME CMD...: frames from a to b while CMD, which cuts for 4 s, is killed
ended() {
	local name=$1 beat pid since
	shift
	beat_start a/eth1 b/eth1
	beat=$BG
	since=$EPOCHREALTIME
	bg "$@"
	pid=$BG
	check "$name: in force" wait_for 5 not answers a 10.1.0.2 -W 0.1
	kill -KILL "$pid" 2>/dev/null
	{ wait "$pid"; } 2>/dev/null
	is "$name: no process of netsim runs" "$(pgrep -x netsim)" ""
	check "$name: ends by itself" wait_for 20 answers a 10.1.0.2 -W 0.2
	beat_stop "$beat"
	check "$name: healed in time" lasts lost 8 1 "$since"
	is "$name: status no longer lists it" "$(listed)" 0
}

deadline() {
	ended "fault --for 8s" "$NETSIM" fault --for 8s 'loss 100%' a:b
	ended "link down --for 8s" "$NETSIM" link --for 8s down b
	"$NETSIM" fault -q --for 1s --name short 'loss 100%' a:b
	"$NETSIM" fault -q --name long 'loss 100%' a:c
	check "of two, one ends" wait_for 20 answers a 10.1.0.2 -W 0.2
	is "and the other does not" "$(reached)" "a>b b>a b>c c>b"
	"$NETSIM" heal -q
}

# --- in the place of another

in_place() {
	check "a fault with a name" "$NETSIM" fault --name wan --for 60s 'loss 100%' a:b
	check "another in its place" "$NETSIM" fault --name wan 'duplicate 100%'
	like "says so" "$OUT" "^fault [0-9]+: duplicate 100% on a:b, in place of fault [0-9]+, for (59|60|[0-9.]+) s$"
	is "the first one is gone" "$(reached)" "$ALL"
	is "the other one applies" "$(doubled a 10.1.0.2)" yes
	is "status lists one" "$(listed)" 1
	check "with targets and a deadline" "$NETSIM" fault --name wan --for 9s --json 'loss 100%' a:c
	like "as asked" "$(jq -r '"\(.text) \(.for) \(.replaces)"' <<<"$OUT")" "^loss 100% on a:c 9 [0-9]+$"
	is "applies there" "$(reached)" "a>b b>a b>c c>b"
	refuses 2 "there is no class nosuch|no class named nosuch" "a class that is not there" fault --name wan --class nosuch 'loss 1%' a:b
	is "leaves the first one" "$(reached)" "a>b b>a b>c c>b"
	refuses 2 "no fault named lan is in force" "without targets, if there is no such fault" fault --name lan 'loss 1%'
	check "a partition with a name" "$NETSIM" partition --name split a
	refuses 2 "a fault named split is already in force" "not in the place of a partition" fault --name split 'loss 1%' a:b
	"$NETSIM" heal -q
}

# --- changes of the profile below faults

survives() {
	"$NETSIM" fault -q --name stay 'loss 100%' a:b
	printf 'profile: other\nengine: edt\ndefault: {duplicate: 100%%}\n' >"$P"
	check "apply of another profile" "$NETSIM" apply "$P"
	is "leaves the fault in force" "$(reached)" "a>c b>c c>a c>b"
	is "and applies" "$(doubled a 10.1.0.3)" yes
	check "clear" "$NETSIM" clear
	is "leaves the fault" "$(reached)" "a>c b>c c>a c>b"
	is "but not the profile" "$(doubled a 10.1.0.3)" no
	check "a partition beside it" "$NETSIM" partition c
	is "both in force" "$(reached)" ""
	check "heal of the fault" "$NETSIM" heal stay
	is "leaves the partition" "$(reached)" "a>b b>a"
	"$NETSIM" heal -q
	is "healed" "$(reached)" "$ALL"
}

# --- cables

flap() {
	check "link flap" "$NETSIM" link --period 600ms --duty 50% flap b
	beat_start a/eth1 b/eth1 -n 5 -s 60
	beat_wait "$BG"
	check "is down again and again, for half of a period" lasts lost 0.3 2
	check "and up for the other half" lasts fast 0.3 2
	check "link up" "$NETSIM" link up b
	is "ends it" "$(listed) $(node_exec a ping -n -q -i 0.02 -c 50 10.1.0.2 | sed -n 's/.* \([0-9]*\) received.*/\1/p')" "0 50"
}

cable() {
	check "link down" "$NETSIM" link down b/eth1
	like "the node has no carrier" "$(node_exec b ip link show eth1)" NO-CARRIER
	is "no node reaches it" "$(reached)" "a>c c>a"
	is "heal leaves it, and says so" "$("$NETSIM" heal | joined)" "nothing to heal b/eth1 is down; netsim link up b/eth1 brings it up"
	check "link up" "$NETSIM" link up b/eth1
	check "reaches again" wait_for 3 answers a 10.1.0.2
}

bond() {
	if ! unshare -n ip link add p0 type bond 2>/dev/null; then
		skip "link down of a bond's member, and of a VLAN" "this kernel has no bonding"
		return
	fi
	FLEET=bonding-vlans
	check "up with bonds" "$NETSIM" up "$(dirname "$TESTS")/topo/bonding-vlans.yaml"
	ping_start server-1 192.168.200.4 0.02
	check "link down of the active member" "$NETSIM" link down server-1/eth1
	check "the other takes over" wait_for 3 active server-1 eth2
	check "and carries" wait_for 3 answers server-1 192.168.200.4
	check "link up" "$NETSIM" link up server-1/eth1
	check "the first one is active again" wait_for 3 active server-1 eth1
	ping_stop "$BG"
	between "the silence" "$GAP" 0 5000 ms
	check "link down of a VLAN" "$NETSIM" link down server-1/bond0.100
	check "no packet passes there" not answers server-1 192.168.100.4 -W 0.3
	check "nor towards it" not answers agent-2 192.168.100.1 -W 0.3
	check "other nodes use that VLAN" wait_for 5 answers server-2 192.168.100.4
	check "and the node its other VLAN" wait_for 5 answers server-1 192.168.200.4
	check "link up of a VLAN" "$NETSIM" link up server-1/bond0.100
	check "passes again" wait_for 3 answers server-1 192.168.100.4
	check "down" "$NETSIM" down
	FLEET=faults
}

active() {
	[[ $(node_exec "$1" ip -d -o link show bond0) == *" active_slave $2 "* ]]
}

# --- refusals

# refuses STATUS PATTERN NAME ARGUMENTS...: refused with a message of one line
refuses() {
	fails_with "$1" "$3" "$NETSIM" "${@:4}"
	like "$3: the message" "$ERR" "$2"
	one_line "$3: in one line"
}

# mistake PATTERN NAME LINE...: a profile that is refused
mistake() {
	printf 'profile: bad\n' >"$WORK/bad.yaml"
	printf '%s\n' "${@:3}" >>"$WORK/bad.yaml"
	refuses 3 "^$WORK/bad.yaml:[0-9]+:[0-9]+: error: .*$1" "$2" apply "$WORK/bad.yaml"
}

wrong() {
	local before
	before=$(dump)
	mistake "rtt" "rtt with delay" 'default: {rtt: 20ms, delay: 10ms}'
	mistake "two|between" "a pair of one node" 'pairs: [{between: [a], delay: 10ms}]'
	mistake "etcd-pear" "an unknown class" 'classes: {etcd-pear: {delay: 10ms}}'
	mistake "100000000000tbit" "a rate above 64 bits" 'default: {rate: 100000000000tbit}'
	mistake "101%" "a probability over 100 %" 'default: {loss: 101%}'
	mistake "engine|ebpf" "an unknown engine" 'engine: ebpf'
	mistake "netem" "pairs with netem" 'engine: netem' 'pairs: [{between: [a, b], loss: 1%}]'
	printf 'time delay\n0s 10ms\n2s 20ms\n1s 30ms\n3s\n' >"$WORK/back.trace"
	printf 'profile: bad\ndefault: {trace: back.trace}\n' >"$WORK/bad.yaml"
	refuses 3 "^$WORK/back.trace:4:" "a trace that goes back in time" apply "$WORK/bad.yaml"
	refuses 2 "rtt" "fault: rtt with delay" fault 'rtt 20ms delay 10ms' a
	refuses 2 "two" "fault: a pair of one node" fault 'loss 1%' a:a
	refuses 2 "etcd-pear" "fault: an unknown class" fault --class etcd-pear 'loss 1%' a:b
	refuses 2 "101%" "fault: a probability over 100 %" fault 'loss 101%' a:b
	refuses 2 "nobody" "fault: an unknown node" fault 'loss 1%' nobody:b
	refuses 2 "jitter" "fault: jitter without delay" fault 'jitter 5ms' a:b
	dry_run
	refuses 2 "conditions come first: netsim fault 'loss 5%' a:b" "fault: the target first" fault a:b 'loss 5%'
	refuses 2 "did you mean a:b" "fault: a pair with a dash" fault 'loss 5%' a-b
	refuses 2 "no node 203.0.113.7; .*class with this address.* --class" "fault: an address of no node" \
		fault 'loss 5%' 203.0.113.7
	refuses 2 "separate the names by blanks" "fault: targets with a comma" fault 'loss 5%' a,b
	refuses 2 "nothing" "heal of an unknown name" heal nothing
	refuses 2 "netsim partition" "link: a pair" link down a:b
	refuses 2 "sideways" "link: an unknown state" link sideways a
	refuses 2 "eth9" "link: an unknown interface" link down a/eth9
	refuses 2 "period|flap" "link: a period without flapping" link --period 1s down a
	[[ -n $HOLDS ]] || lacking
	is "changes nothing" "$(dump)" "$before"
	foreign
	is "all nodes reach each other" "$(reached)" "$ALL"
}

# A node has one line if its directions are alike, else two, in 80 columns.
table() {
	printf 'profile: lossy\nengine: edt\ndefault: {loss: 3%%, duplicate: 1%%}\nnodes: {b: {up: {loss: 5%%}, down: {loss: 6%%}}}\n' >"$P"
	check "apply different conditions" "$NETSIM" apply "$P"
	like "prints both directions" "$OUT" $'\nb/eth1 +up: .*loss 5%.*\n +down: .*loss 6%.*\nc/eth1 +[^:]*loss 3%'
	run "$NETSIM" status
	like "so does status" "$OUT" $'\na +netns +[^:]*loss 3%[^:]* 2 of 2  [^:]*\nb +netns +up: .*loss 5%[^\n]*  2 of 2 .*\n +down: [^\n]*loss 6%'
	is "in 80 columns" "$(awk 'length > 80' <<<"$OUT")" ""
	"$NETSIM" clear -q
}

# Refused faults do not consume numbers.
foreign() {
	local number
	number=$("$NETSIM" fault --json 'loss 0%' a:b | jq .fault)
	tc qdisc add dev "$(port_of b)" root pfifo
	refuses 4 "b/eth1 has a pfifo at its root" "fault: a foreign qdisc" fault 'delay 10ms' a:b
	tc qdisc del dev "$(port_of b)" root
	refuses 2 "jitter" "another mistake" fault 'jitter 5ms' a:b
	check "the next fault" "$NETSIM" fault --json 'loss 0%' a:c
	is "has the next number" "$(jq .fault <<<"$OUT")" $((number + 1))
	fails_with 2 "heal of a mistyped name" "$NETSIM" heal wam
	like "heal of a mistyped name: the nearest" "$ERR" "no fault wam is in force; netsim status"
	check "a fault with a name" "$NETSIM" fault --name wan 'loss 0%' a:b
	fails_with 2 "heal of a mistyped name" "$NETSIM" heal wam
	like "heal of a mistyped name: the nearest" "$ERR" "no fault wam is in force; did you mean wan"
	fails_with 2 "another fault in place of a mistyped one" "$NETSIM" fault --name wann 'loss 20%'
	like "another fault in place of a mistyped one: the nearest" "$ERR" "no fault named wann is in force; did you mean wan"
	check "a dry run of one in its place" "$NETSIM" fault -n --name wan 'loss 20%'
	"$NETSIM" heal -q
}

# A dry run refuses what the command refuses.
dry_run() {
	local flag
	for flag in --dry-run --quiet; do
		refuses 2 "peak: 2mbit is not more than the rate, 4mbit" "fault $flag: a peak below the rate" \
			fault $flag 'rate 4mbit burst 64kB peak 2mbit' a
		refuses 2 "peak: there is no rate and burst" "fault $flag: a peak alone" fault $flag 'peak 8mbit' a
		refuses 2 "peak: there is no burst" "fault $flag: a peak without burst" fault $flag 'rate 4mbit peak 8mbit' a
		refuses 2 "jitter: there is no delay" "fault $flag: jitter without delay" fault $flag 'jitter 5ms' a:b
	done
	check "fault --dry-run: a peak" "$NETSIM" fault -n 'rate 4mbit burst 64kB peak 8mbit' a
}

# Conditions that need fq are refused on kernels without it.
lacking() {
	printf 'profile: far\nengine: edt\npairs: [{between: [a, b], delay: 10ms}]\n' >"$P"
	fails_with 5 "a delay without sch_fq" "$NETSIM" apply "$P"
	like "names the missing modules and the remedy" "$ERR" "needs sch_fq and sch_netem: modprobe them.*doctor"
	fails_with 5 "a fault with a delay without sch_fq" "$NETSIM" fault 'delay 10ms' a:b
	like "names them and the port" "$ERR" "a/eth1: .*(sch_fq|sch_netem)"
	is "no fault is left" "$(listed)" 0
}

before=$(dump)
write_topo
check "up" "$NETSIM" up "$WORK/faults.yaml"
settle a b c
stack
keys
deadline
elsewhere || {
	class
	targets
	in_place
	survives
	flap
	cable
	table
	wrong
}
"$NETSIM" fault -q 'loss 100%' a:b
check "down while a fault is in force" "$NETSIM" down
bond
is "leaves nothing" "$(dump)" "$before"
done_testing
