# needs: native bridge veth netns clsact bpf ethtool
# limit: 240
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Machines that are nodes themselves. Each runs its own netsim, which knows nothing of the others',
# and cuts itself off from them by their names. Who reaches whom is seen from outside.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../machines.sh"

# pairs: "a>b1" if a reaches b by IPv4, "a>bf" by IPv6; the host has addresses that no node has
pairs() {
	local node n=0 v4=() v6=()
	for node in "${NODES[@]}"; do
		n=$((n + 1))
		v4+=("$node=10.1.0.$n")
		v6+=("$node=fd00::$n")
	done
	{ reach "${v4[@]}" host=10.1.0.254 | sed 's/$/1/' && reach "${v6[@]}" host=fd00::fe | sed 's/$/f/'; } |
		sort | joined
}

# all_but PATTERN: what pairs prints if all reach each other, except the pairs that match
all_but() {
	local from to family
	for from in host "${NODES[@]}"; do
		for to in "${NODES[@]}" host; do
			for family in 1 f; do
				[[ $from == "$to" || "$from>$to$family" =~ ^($1)[1f]?$ ]] || printf '%s\n' "$from>$to$family"
			done
		done
	done | sort | joined
}

# reach_is NAME PATTERN: all reach each other, except the pairs that match
reach_is() {
	is "$1" "$(pairs)" "$(all_but "$2")"
}

# refused_by FROM PROTOCOL ADDRESS: the error of several attempts
refused_by() {
	local error rest
	# shellcheck disable=SC2034 # rest
	read -r error rest < <(node_exec "$1" "$HELPERS/refused" "$2" "$3" 7000 11)
	echo "$error"
}

rejecting() {
	local node servers=()
	for node in a b; do
		node_bg "$node" "$HELPERS/refused" serve 7000
		servers+=("$BG")
	done
	check "a and b know each other's addresses" wait_for 5 eval "answers a 10.1.0.2 && answers a fd00::2 && answers b 10.1.0.1 && answers b fd00::1"
	check "and serve" wait_for 5 eval '[[ $(refused_by a tcp 10.1.0.2)$(refused_by b tcp fd00::1) == nonenone ]]'
	check "partition --reject" netsim a partition b --reject
	is "what a sends is answered" "$(refused_by a tcp 10.1.0.2) $(refused_by a tcp fd00::2)" "ECONNREFUSED ECONNREFUSED"
	is "datagrams, too" "$(refused_by a udp 10.1.0.2) $(refused_by a udp fd00::2)" "EHOSTUNREACH EACCES"
	is "and what it receives" "$(refused_by b tcp 10.1.0.1) $(refused_by b tcp fd00::1)" "ECONNREFUSED ECONNREFUSED"
	is "datagrams, too" "$(refused_by b udp 10.1.0.1) $(refused_by b udp fd00::1)" "EHOSTUNREACH EACCES"
	is "others connect" "$(refused_by c tcp 10.1.0.1)" none
	check "heal" netsim a heal
	is "ends it" "$(refused_by a tcp 10.1.0.2)$(refused_by b tcp fd00::1)" nonenone
	bg_end "${servers[0]}"
	bg_end "${servers[1]}"
}

cutting() {
	local before=$BEFORE_A
	reach_is "all reach each other" none
	check "partition -n" netsim a partition b -n
	is "says what it would do" "$OUT" "would add: partition b | rest"
	is "and changes nothing" "$(found a)" "$before"
	check "partition b, on a" netsim a partition b
	is "says what it does" "$OUT" "fault 1: partition b | rest, until netsim heal"
	reach_is "cuts a off from b, both ways and families" 'a>b|b>a'
	check "status" netsim a status
	like "shows the machine" "$OUT" "^trio: this machine is a of 4 nodes, 1 fault"
	like "and whom it reaches" "$OUT" "a +machine +- +2 of 3 .*a  . x \+ \+.b  x . \? \?"
	check "partition c on b, which knows nothing of a's" netsim b partition c --name mine
	is "has its own numbers" "$OUT" "fault 1: partition c | rest, until netsim heal"
	reach_is "cuts b off from c, too" 'a>b|b>a|b>c|c>b'
	check "heal by name" netsim b heal mine
	check "down on b" netsim b down
	check "heal by number" netsim a heal 1
	reach_is "all reach each other again" none
	check "one way" netsim a partition --one-way a b
	is "from a to b" "$(sent a fd00::2; sent b fd00::1)" "0 3"
	check "heal" netsim a heal
	check "the other way" netsim a partition --one-way b a --l2
	is "from b to a" "$(sent a 10.1.0.2; sent b 10.1.0.1)" "3 0"
	check "heal" netsim a heal
	echo 'cut: {a: 10.1.0.2, c: [a, b]}' >"$WORK/cuts.yaml"
	check "partition by a matrix" netsim a partition --matrix "$WORK/cuts.yaml"
	is "cuts what the machine sends" "$(sent a 10.1.0.2; sent b 10.1.0.1)" "0 3"
	is "and what it receives, no more" "$(sent c 10.1.0.1)$(sent a 10.1.0.3)" "0 3 "
	echo 'cut: {b: c}' >"$WORK/cuts.yaml"
	check "heal" netsim a heal
	fails_with 2 "a matrix without the machine" netsim a partition --matrix "$WORK/cuts.yaml"
	like "is refused" "$ERR" "this machine is a, and can cut only itself off"
	check "partition of roles" netsim a partition @server c,d
	reach_is "cuts the machine's own group off" 'a>c|c>a'
	check "clear" netsim a clear
	is "leaves everything as it was" "$(found a)" "$before"
	reach_is "and cuts nothing" none
}

# sent NODE ADDRESS: how many of three pings arrive there, whether or not they are answered
sent() {
	local to pid
	case $2 in *1) to=a ;; *2) to=b ;; *) to=c ;; esac
	# A frame that the machine itself drops still arrives at its interface, so it is counted
	# above it, by the protocol.
	pid=$(counter "$to")
	node_exec "$1" ping -n -q -c 3 -i 0.1 -W 0.3 "$2" >/dev/null
	printf '%s ' $(($(counter "$to") - pid)) | sed 's/ $//'
	[[ $1 == b ]] || printf ' '
}

# Echo requests that a node has received, by IPv4 and IPv6
counter() {
	node_exec "$1" sh -c 'cat /proc/net/snmp /proc/net/snmp6' | awk '
		$1 == "Icmp:" { if ($2 ~ /[A-Za-z]/) { for (i = 2; i <= NF; i++) name[i] = $i } else
			for (i = 2; i <= NF; i++) if (name[i] == "InEchos") n += $i }
		$1 == "Icmp6InEchos" { n += $2 }
		END { print n }'
}

# What a sends to all nodes can only be dropped for all of them.
flooding() {
	local pid
	netsim a partition b >/dev/null
	watch b eth1 'ether src 52:54:00:00:00:01 and broadcast'
	pid=$BG
	node_exec a ping -q -b -c 3 -i 0.1 -W 0.1 10.1.0.255
	is "broadcasts pass while some node is not cut off" "$(frames "$pid")" 3
	netsim a partition a --name alone >/dev/null
	reach_is "alone, the machine reaches what is no node" 'a>[bc]|[bc]>a'
	watch b eth1 'ether src 52:54:00:00:00:01 and broadcast'
	pid=$BG
	node_exec a ping -q -b -c 3 -i 0.1 -W 0.1 10.1.0.255
	is "and sends nothing to all" "$(frames "$pid")" 0
	netsim a heal alone >/dev/null
	netsim a down >/dev/null
}

# Frames that have no IP address are known by the MAC address: that of c is in the topology, that
# of b is learned when it resolves an address.
macs() {
	local since
	netsim a partition c >/dev/null
	beat_start_lost a/eth1 c/eth1
	netsim a down >/dev/null
	# What the machine itself has resolved before is known at once.
	node_exec a ip neigh flush dev eth1
	answers a 10.1.0.2
	netsim a partition b >/dev/null
	beat_start_lost a/eth1 b/eth1
	netsim a down >/dev/null
	netsim a partition c >/dev/null
	netsim a heal >/dev/null
	answers b 10.1.0.1
	node_exec b ip neigh flush dev eth1
	netsim a partition c >/dev/null
	answers b 10.1.0.1
	netsim a heal >/dev/null
	netsim a partition b >/dev/null
	beat_start_lost a/eth1 b/eth1
	netsim a heal >/dev/null
	beat_start a/eth1 c/eth1
	since=$EPOCHREALTIME
	check "partition for 1.5 s, killed at once" netsim a partition c --for 1.5s
	wait_for 10 answers a 10.1.0.3
	sleep 0.5
	beat_stop "$BG"
	check "ends by itself, in time" lasts lost 1.5 1 "$since"
	is "and is not listed any more" "$(netsim a status | grep -c fault.1)" 0
	netsim a down >/dev/null
}

# Frames without IP do not arrive: beat never says that it is ready.
beat_start_lost() {
	bg "$HELPERS/beat" "$FLEET.$1" "$FLEET.$2"
	sleep 0.7
	is "frames without IP from $1 to $2 are cut" "$(cat "$WORK/bg.$BG")" ""
	bg_end "$BG"
}

killed() {
	local state bad=0
	for _ in {1..30}; do
		NETSIM_TOPOLOGY=$TOPO on a "$HELPERS/killat" "0.0$((RANDOM % 60 + 10))" "$NETSIM" partition b --for 1s >/dev/null 2>&1
		state=$(netsim a status) || bad=$((bad + 1))
		[[ $state == "trio: this machine is a of "* || $state == "no fleet is up, and no interface is shaped" ]] ||
			bad=$((bad + 1))
		netsim a down >/dev/null || bad=$((bad + 1))
		[[ $(found a) == "$BEFORE_A" ]] || bad=$((bad + 1))
	done
	is "kill -9 at 30 moments: status and down work, and all is as it was" "$bad" 0
	netsim a partition b >/dev/null
	rm -r "$WORK/run.a/netsim"
	check "a lost /run: the partition holds" not answers a 10.1.0.2
	check "and is listed" netsim a status
	like "with its groups" "$OUT" "fault 1: partition b \| "
	check "the next command records the topology again" netsim a partition c --for 1h
	check "heal" netsim a heal
	check "down" netsim a down
	is "leaves everything as it was" "$(found a)" "$BEFORE_A"
}

# refuses ERROR WORD...: on b, exit status 2 with exactly this line
refuses() {
	fails_with 2 "${*:2}" netsim b "${@:2}"
	is "says why" "$ERR" "netsim: $1"
}

refused() {
	local before self="this machine is b, and can cut only itself off" own="this machine is b, and can change only its own links and paths"
	local at="run this on that machine" in="run this on a machine that is in one of the groups"
	before=$(found b)
	refuses "$self; $in" partition a c
	refuses "$self; $in" partition --one-way a c
	refuses "$self; $in" partition --isolate a c
	refuses "$self; the bridge keeps reaching both halves: run this on the others" partition --bridge b
	refuses "the fleet trio has no node e" partition e
	refuses "c: $own; $at; the path to it is b:c" fault 'loss 5%' c
	refuses "c:a: $own; $at" fault 'loss 5%' c:a
	refuses "c:a: $own; $at" fault 'loss 5%' c:a --class etcd
	refuses "c/eth1: $own; $at" link down c/eth1
	refuses "--as e: trio has no such node; say which node it is: --as a" partition c --as e
	is "nothing stays of all that" "$(found b)" "$before"
	netsim b partition c >/dev/null
	refuses "this machine is b of trio already; netsim down ends that" partition c --as a
	refuses "c is another machine, on which netsim cannot run commands; log in to it, for example by ssh, and run the command there" exec c -- true
	check "exec on the machine itself" netsim b exec b -- hostname
	is "runs there" "$OUT" b
	refuses "c > b: no program can be started in another machine; name it second, with --reverse to make it send" iperf c b
	netsim b down >/dev/null
	is "down leaves nothing, either" "$(found b)" "$before"
	NETSIM_TOPOLOGY='' fails_with 2 "no topology" on b "$NETSIM" partition c
	like "says so" "$ERR" "no fleet is up"
	fails_with 2 "--as without a topology" on b "$NETSIM" partition c --as b
	is "says so" "$ERR" "netsim: --as needs a topology; give --topology, or set NETSIM_TOPOLOGY"
	TOPO=nowhere fails_with 2 "an unknown topology" netsim b partition c
	fails_with 2 "a host that is no node" on host "$NETSIM" partition c --topology "$TOPO" --as a
	is "has no such interface" "$ERR" "netsim: this machine has no interface of a in trio: eth1; name the interface in the topology as this machine does, or give its MAC address"
	ip -n "$FLEET.b" link set eth1 alias mine
	fails_with 4 "an alias of another program" netsim b partition c
	is "says how to go on" "$ERR" "netsim: eth1 has an alias already, which netsim needs for its mark: mine; remove it with: ip link set eth1 alias ''"
	ip -n "$FLEET.b" link set eth1 alias ''
}

# Ways to say which node this machine is.
naming() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	check "--topology and --as" on b sh -c 'hostname other && exec "$1" partition a --topology "$2" --as b' sh "$NETSIM" "$TOPO"
	check "cut" not answers b 10.1.0.1
	check "down" on b "$NETSIM" down
	# shellcheck disable=SC2016 # expanded by the inner shell
	check "a file in /etc/netsim" on b sh -c 'mount -t tmpfs none /etc && mkdir /etc/netsim && cp "$1" /etc/netsim/machine.yaml &&
		"$2" partition a' sh "$TOPO" "$NETSIM"
	check "cut" not answers b 10.1.0.1
	check "down" netsim b down
	# The same interface under another name.
	ip -n "$FLEET.b" link set eth1 down
	ip -n "$FLEET.b" link set eth1 name ens3
	ip -n "$FLEET.b" link set ens3 up
	fails_with 2 "an interface of another name" netsim b partition a
	sed -i 's/eth1: {network: lan, address: \[10.1.0.2/eth1: {network: lan, mac: "52:54:00:00:00:02", address: [10.1.0.2/' "$TOPO"
	check "is found by its MAC address" netsim b partition a
	check "cut" not answers b 10.1.0.1
	check "down" netsim b down
	is "no mark is left" "$(ip -n "$FLEET.b" -j link show ens3 | jq -r '.[0].ifalias // ""')" ""
}

# What crosses the interface, with the names of the peers.
watching() {
	local pid
	netsim a partition b >/dev/null
	bg_on a "$NETSIM" capture --count 2 --class icmp --filter 'icmp and net 10.1.0.0/24'
	pid=$BG
	wait_for 10 more_listeners_at a
	# It may begin to receive a moment later.
	wait_for 10 eval "answers a 10.1.0.3 && group_gone $pid"
	like "capture: what the machine sends, and what it gets" "$(cat "$WORK/bg.$pid")" \
		"a/eth1 sent: a > c icmp.*echo request.*a/eth1 delivered: c > a icmp.*echo reply"
	bg_on a "$NETSIM" measure --for 3s --json
	pid=$BG
	wait_for 10 more_listeners_at a
	# The first ones may be sent before the counters are read.
	node_exec a ping -q -c 15 -i 0.1 10.1.0.3 >/dev/null
	wait_for 20 group_gone "$pid"
	sed -n '/^{/,/^}/p' "$WORK/bg.$pid" >"$WORK/measured"
	is "measure: no one-way figures" "$(jq -c '[.one_end, ([.one_way[] | arrays | length] | add)]' "$WORK/measured")" '[true,0]'
	like "says why" "$(cat "$WORK/bg.$pid")" "one-way delay and loss are not measured: that needs the packets at both ends"
	between "and counts by peer" "$(jq '[.counters[] | select(.from == "a" and .to == "c" and .class == "icmp") | .packets] | add' "$WORK/measured")" 8 15
	node_exec a ping -q -c 3 -i 0.1 -W 0.1 10.1.0.2 >/dev/null
	run netsim a top --once
	like "top: by peer" "$OUT" "a > c .*a > b "
	fails_with 1 "ping-matrix: from the machine to the others" netsim a ping-matrix
	like "d does not exist" "$OUT" "a +\. +x +[0-9.]+ +lost"
	like "says what was not tried" "$OUT" "not tried: 9: nothing can be started in the sender, another machine"
	fails_with 6 "verify: a peer that does not answer is unproved" netsim a verify
	like "what passes, and what does not" "$OUT" "b +cut +nothing passes +0 of 10 answered +ok.c +reach +all pass +10 of 10 answered +ok.d +reach .* unproved"
	netsim a fault 'loss 10%' eth1 --name worse >/dev/null
	fails_with 6 "verify: losses" netsim a verify
	like "as a lower bound" "$OUT" "c +loss +19 % or more +[0-9.]+ % [(][0-9]+ of [0-9]+[)] +ok"
	netsim a heal worse >/dev/null
	tc -n "$FLEET.a" filter delete dev eth1 egress
	tc -n "$FLEET.a" filter delete dev eth1 ingress
	fails_with 1 "verify: a cut that leaks" netsim a verify
	like "is named" "$OUT" "b +cut +nothing passes +10 of 10 answered +failed"
	netsim a down >/dev/null
}

more_listeners_at() {
	[[ $(node_exec "$1" sh -c "awk 'NR > 1 && \$4 != \"ffff\" && \$5 && \$6' /proc/net/packet" | wc -l) -gt 0 ]]
}

# Without a topology, the peers are addresses; with one, addresses stand for their nodes.
addresses() {
	local here=(on a "$NETSIM")
	check "partition of an address" "${here[@]}" partition 10.1.0.2 --for 1h
	is "names it by the address" "$OUT" "fault 1: partition 10.1.0.2 | rest, for 3600 s"
	check "cuts it off" not answers a 10.1.0.2
	check "and no other" wait_for 5 answers a 10.1.0.3
	check "of IPv6 and a MAC address" "${here[@]}" partition fd00::2,52:54:00:00:00:03
	reach_is "cuts both off" 'a>b|b>a|a>c|c>a'
	check "of a prefix" "${here[@]}" partition 10.1.0.0/24
	check "cuts off what is in it" not answers a "$PEER"
	like "status" "$("${here[@]}" status)" "machine: this machine is a of 5 nodes, 3 faults"
	check "heal" "${here[@]}" heal 1 2
	check "the prefix includes the first" not answers a 10.1.0.2
	check "but no address of IPv6" wait_for 5 answers a fd00::3
	check "a fault on a path" "${here[@]}" fault 'loss 100%' a:fd00--2
	check "loses" not answers a fd00::2
	fails_with 2 "an address in a prefix" "${here[@]}" partition 10.1.0.9
	is "says which" "$ERR" "netsim: 10.1.0.9/32 is in 10.1.0.0/24, which is a node already; netsim down forgets all nodes"
	check "down" "${here[@]}" down
	is "leaves everything as it was" "$(found a)" "$BEFORE_A"
	fails_with 4 "an address without a route" "${here[@]}" partition 11.0.0.1
	is "says so" "$ERR" "netsim: there is no route to 11.0.0.1: Network is unreachable"
	fails_with 2 "an own address" "${here[@]}" partition 10.1.0.1
	is "says so" "$ERR" "netsim: 10.1.0.1 is this machine's own address"
	fails_with 2 "an address and an unknown name" "${here[@]}" partition 10.1.0.2,x
	is "leaves nothing" "$(found a)" "$BEFORE_A"
	check "with a topology" netsim a partition 10.1.0.2,fd00::3
	is "names the nodes" "$OUT" "fault 1: partition b,c | rest, until netsim heal"
	reach_is "and cuts them off" 'a>b|b>a|a>c|c>a'
	check "down" netsim a down
}

PROGRAMS=$(programs)
build
BEFORE_A=$(found a)
cutting
rejecting
flooding
macs
killed
refused
watching
addresses
naming
destroy
no_program_stays "$PROGRAMS"
done_testing
