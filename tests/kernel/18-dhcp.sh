# needs: bridge veth netns clsact bpf dnsmasq busybox tcpdump
# limit: 300
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# DHCP: netsim up runs dnsmasq in a node of its own and udhcpc in the nodes that ask; both are found,
# mended and ended by later calls, whichever process was killed, and a node that is cut off gets no
# lease.
# Environment: MOMENTS, SEED.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=dhcp-simple
TOPO=$(dirname "$TESTS")/topo/dhcp-simple.yaml
CGROUP=/sys/fs/cgroup/netsim@$FLEET@$(stat -Lc %i /proc/self/ns/net)
KILLAT=$(dirname "$TESTS")/build/${VARIANT:-release}/tests/tools/killat
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
MOMENTS=${MOMENTS:-25}

# address NODE [IFACE]: its IPv4 addresses
address() {
	node_exec "$1" ip -4 -o addr show dev "${2:-eth1}" | awk '{ print $4 }' | joined
}

has_address() {
	[[ $(address "$1" "${3:-eth1}") == "$2" ]]
}

# lifetime NODE [IFACE]: what is left of its lease, in seconds
lifetime() {
	node_exec "$1" ip -4 -o addr show dev "${2:-eth1}" | sed -n 's/.*valid_lft \([0-9]*\)sec.*/\1/p'
}

# service NAME@NODE...: the processes of a service
service() {
	cat "$CGROUP/$1/cgroup.procs" 2>/dev/null
}

# signal NAME NAME@NODE
signal() {
	service "$2" | xargs kill "-$1"
}

# steps FILE: what plan lists, without the sum
steps() {
	"$NETSIM" plan "$1" | grep '^[-+~] '
}

dnsmasq_runs() {
	[[ -n $(service dhcp:server@dhcp-lan) ]]
}

nothing_left() {
	is "$1: no process" "$(pgrep -l 'dnsmasq|busybox')" ""
	is "$1: no cgroup" "$(ls -d "$CGROUP" 2>/dev/null)" ""
	is "$1: no namespace" "$(ip netns list)" ""
	is "$1: no link" "$(ip -br link | grep -v '^lo ')" ""
	is "$1: no file" "$(find /run/netsim -type f ! -name '*.lock' 2>/dev/null)" ""
}

# --- leases

leases() {
	like "plan lists the programs" "$("$NETSIM" plan "$TOPO")" \
		"[+] dhcp-lan: dnsmasq, 192.168.1.254/24"$'\n'"[+] server-1: udhcpc on eth1"
	check "up" "$NETSIM" up "$TOPO"
	is "a reserved address" "$(address server-1) $(address server-2)" "192.168.1.1/24 192.168.1.2/24"
	like "an address of the pool" "$(address agent-1)" '^192\.168\.1\.1[0-9][0-9]/24$'
	unlike "another one for the other" "$(address agent-1)" "^$(address agent-2)$"
	between "the lease lasts 12 h" "$(lifetime agent-1)" 43100 43200 s
	is "the server has its address" "$(address dhcp-lan eth0)" 192.168.1.254/24
	is "the host has none" "$(ip -4 -o addr show scope global)" ""
	check "up again" "$NETSIM" up "$TOPO"
	like "does nothing" "$OUT" "already up to date"
	is "nor has plan anything" "$(steps "$TOPO")" ""
	check "nodes reach each other by these addresses" wait_for 5 answers server-1 "$(address agent-1 | cut -d/ -f1)"
	like "ping-matrix knows them" "$("$NETSIM" ping-matrix)" "12 pairs: 12 answered"
	check "status" "$NETSIM" status
	like "shows the server" "$OUT" "4 nodes,.*dhcp-lan +dhcp .*dhcp-lan: dnsmasq runs"
	is "as JSON, too" "$("$NETSIM" status --json | jq -r '.fleets[0].services[] | select(.runs) | .node' | sort | joined)" \
		"agent-1 agent-2 dhcp-lan server-1 server-2"
	is "/etc/resolv.conf is as before" "$(md5sum </etc/resolv.conf)" "$resolv"
}

# What passes on the wire while agent-2 asks anew.
wire() {
	local watcher
	node_bg dhcp-lan tcpdump -n -vvv -l -i eth0 udp port 67 or udp port 68
	watcher=$BG
	check "tcpdump listens" wait_for 10 written 'listening on' "$WORK/bg.$watcher"
	signal KILL dhcp:eth1@agent-2
	check "its client is gone" wait_for 5 eval '[[ -z $(service dhcp:eth1@agent-2) ]]'
	check "up starts a client that was killed" "$NETSIM" up "$TOPO"
	check "the answer is seen" wait_for 10 grep -q 'DHCP-Message.*: ACK' "$WORK/bg.$watcher"
	bg_end "$watcher"
	like "the lease time on the wire" "$(<"$WORK/bg.$watcher")" 'Lease-Time \(51\), length 4: 43200'
	like "the name of the client" "$(<"$WORK/bg.$watcher")" 'Hostname \(12\), length 7: "agent-2"'
	unlike "no router" "$(<"$WORK/bg.$watcher")" 'Default-Gateway \(3\), length'
	unlike "no name server" "$(<"$WORK/bg.$watcher")" 'Domain-Name-Server \(6\), length'
}

# SIGUSR1 makes udhcpc renew at once.
renewal() {
	local before
	node_exec agent-1 ip addr replace "$(address agent-1)" dev eth1 valid_lft 1000 preferred_lft 1000
	before=$(address agent-1)
	signal USR1 dhcp:eth1@agent-1
	check "a renewal extends the lifetime" wait_for 10 eval '(($(lifetime agent-1) > 43000))'
	is "of the same address" "$(address agent-1)" "$before"
}

# --- faults

cut_off() {
	local watcher began
	check "cut agent-1 off" "$NETSIM" partition -q agent-1
	node_bg dhcp-lan tcpdump -n -l -e -i eth0 ether src 52:54:00:01:01:03
	watcher=$BG
	check "tcpdump listens" wait_for 10 written 'listening on' "$WORK/bg.$watcher"
	signal KILL dhcp:eth1@agent-1
	check "its client is gone" wait_for 5 eval '[[ -z $(service dhcp:eth1@agent-1) ]]'
	node_exec agent-1 ip addr flush dev eth1 dynamic
	began=${EPOCHREALTIME//[!0-9]/}
	fails_with 4 "up with a node that can get no lease" "$NETSIM" up "$TOPO"
	between "does not wait for it" $(((${EPOCHREALTIME//[!0-9]/} - began) / 1000)) 0 9000 ms
	like "names the cause" "$ERR" \
		'agent-1/eth1: no address by DHCP: a partition cuts it off from dhcp-lan; end it with .netsim heal.'
	one_line "in one line"
	is "it has no address" "$(address agent-1)" ""
	check "the fleet stays" wait_for 5 answers server-1 192.168.1.2
	bg_end "$watcher"
	unlike "no frame of it reached the server" "$(<"$WORK/bg.$watcher")" "52:54:00:01:01:03 >"
	check "heal" "$NETSIM" heal -q
	check "then it gets one, without a command" wait_for 10 eval '[[ -n $(address agent-1) ]]'
	check "up is content" "$NETSIM" up "$TOPO"
	like "and finds all running" "$OUT" "already up to date"
	"$NETSIM" fault -q 'loss 100%' agent-1
	signal KILL dhcp:eth1@agent-1
	check "its client is gone" wait_for 5 eval '[[ -z $(service dhcp:eth1@agent-1) ]]'
	node_exec agent-1 ip addr flush dev eth1 dynamic
	fails_with 4 "up with a node that gets no answer" "$NETSIM" up "$TOPO"
	like "names it, and what its client said" "$ERR" \
		'agent-1/eth1: no address by DHCP within 10 s; udhcpc: broadcasting discover; see whether a fault'
	"$NETSIM" heal -q
	check "then it gets one, too" wait_for 10 eval '[[ -n $(address agent-1) ]]'
}

conditions() {
	printf 'profile: slow\ndefault: {loss: 1%%}\n' >"$WORK/slow.yaml"
	check "apply" "$NETSIM" apply -q "$WORK/slow.yaml"
	is "the default leaves the server alone" \
		"$("$NETSIM" status --json | jq -r '.fleets[0].nodes[] | .ports[0].up.conditions' | joined)" "loss 1% loss 1% loss 1% loss 1%"
	printf 'nodes: {dhcp-lan: {loss: 2%%}}\n' >>"$WORK/slow.yaml"
	check "apply, with its name" "$NETSIM" apply -q "$WORK/slow.yaml"
	like "shapes it" "$("$NETSIM" status)" "dhcp-lan +dhcp +loss 2%"
	check "clear" "$NETSIM" clear -q
}

# --- processes

killed() {
	local before
	before=$(address agent-1)
	signal KILL dhcp:server@dhcp-lan
	check "dnsmasq is gone" wait_for 5 not dnsmasq_runs
	like "status says so" "$("$NETSIM" status)" "dhcp-lan: dnsmasq does not run; netsim up starts it"
	is "plan, too" "$(steps "$TOPO")" "+ dhcp-lan: dnsmasq, 192.168.1.254/24"
	check "up" "$NETSIM" up "$TOPO"
	like "starts it" "$OUT" "1 step"
	check "it runs" dnsmasq_runs
	signal KILL dhcp:eth1@agent-1
	check "the client is gone" wait_for 5 eval '[[ -z $(service dhcp:eth1@agent-1) ]]'
	like "status says so" "$("$NETSIM" status)" "agent-1/eth1: udhcpc does not run"
	check "up" "$NETSIM" up -q "$TOPO"
	is "the lease was remembered" "$(address agent-1)" "$before"
	node_exec dhcp-lan ip link del eth0
	check "up after the server's link was removed" "$NETSIM" up -q "$TOPO"
	signal USR1 dhcp:eth1@agent-1
	node_exec agent-1 ip addr replace "$before" dev eth1 valid_lft 1000 preferred_lft 1000
	signal USR1 dhcp:eth1@agent-1
	check "it answers again" wait_for 10 eval '(($(lifetime agent-1) > 43000))'
	ip netns del "$FLEET.agent-1"
	check "up after a node was removed" "$NETSIM" up -q "$TOPO"
	is "its lease is the same" "$(address agent-1)" "$before"
}

converging() {
	local server client
	server=$(service dhcp:server@dhcp-lan)
	client=$(service dhcp:eth1@agent-1)
	sed 's/lease: 12h/lease: 2h, router: 192.168.1.254/' "$TOPO" >"$WORK/changed.yaml"
	is "plan of another lease" "$(steps "$WORK/changed.yaml")" \
		"~ dhcp-lan: dnsmasq, 192.168.1.254/24: restarted, it ran with other settings"
	check "up" "$NETSIM" up -q "$WORK/changed.yaml"
	unlike "restarts dnsmasq" "$(service dhcp:server@dhcp-lan)" "^$server$"
	is "the clients run on" "$(service dhcp:eth1@agent-1)" "$client"
	kill -USR1 "$client"
	check "the next renewal has the new lease" wait_for 10 eval '(($(lifetime agent-1) < 7201))'
	check "and the route" wait_for 10 eval "node_exec agent-1 ip route | grep -q '^default via 192.168.1.254 dev eth1'"
	sed -i '/agent-2:/,$s/address: dhcp/address: 192.168.1.9\/24/' "$WORK/changed.yaml"
	is "plan of an address instead of DHCP" "$(steps "$WORK/changed.yaml" | LC_ALL=C sort | xargs -d '\n')" \
		"+ agent-2 eth1: address 192.168.1.9/24 - agent-2: udhcpc on eth1 ~ dhcp-lan: dnsmasq, 192.168.1.254/24: restarted, it ran with other settings"
	check "up" "$NETSIM" up -q "$WORK/changed.yaml"
	is "the leased address is gone" "$(address agent-2)" 192.168.1.9/24
	is "with its client" "$(service dhcp:eth1@agent-2)" ""
	sed -i 's/^    dhcp:.*/    mtu: 1500/; s/address: dhcp.*}/address: "192.168.1.{n}\/24"}/; /agent-1:/,/eth1/s/{n}/7/' "$WORK/changed.yaml"
	check "up without DHCP" "$NETSIM" up "$WORK/changed.yaml"
	is "ends the server" "$(pgrep -l 'dnsmasq|busybox')" ""
	is "its leases" "$(ls /run/netsim)" "$FLEET.lock
$FLEET.yaml"
	is "and its node" "$(ip netns list | grep -c dhcp-lan)" 0
	check "up with it again" "$NETSIM" up -q "$TOPO"
}

# --- refusals

missing() {
	local program
	mkdir "$WORK/bin"
	for program in dnsmasq busybox; do
		rm -f "$WORK/bin/"*
		for tool in ip busybox dnsmasq; do
			[[ $tool == "$program" ]] || ln -s "$(command -v $tool)" "$WORK/bin/$tool"
		done
		PATH=$WORK/bin fails_with 5 "up without $program" "$NETSIM" up "$TOPO"
		like "says what to install" "$ERR" "DHCP needs the program $program; apt install (dnsmasq-base|busybox)"
		one_line "in one line"
		nothing_left "without $program"
	done
}

# A server that cannot start: another one has its port.
taken() {
	local rival
	"$NETSIM" up -q "$TOPO"
	signal KILL dhcp:server@dhcp-lan
	check "dnsmasq has left its port" wait_for 5 not eval "node_exec dhcp-lan ss -Hlun sport = 67 | grep -q ."
	node_bg dhcp-lan python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 67)); time.sleep(600)'
	rival=$BG
	check "another program has port 67" wait_for 10 eval "node_exec dhcp-lan ss -Hlun sport = 67 | grep -q ."
	fails_with 4 "up" "$NETSIM" up "$TOPO"
	like "has dnsmasq's words" "$ERR" "dhcp-lan: dnsmasq ended with exit status 2: failed to .*: Address already in use"
	one_line "in one line"
	bg_end "$rival"
	check "up, once it is free" "$NETSIM" up -q "$TOPO"
	check "down" "$NETSIM" down -q
}

# A dnsmasq that ends at once, on a fleet that is not up yet.
half_built() {
	rm -f "$WORK/bin/"*
	printf '#!/bin/sh\necho "dnsmasq: no luck today" >&2\nexit 3\n' >"$WORK/bin/dnsmasq"
	chmod +x "$WORK/bin/dnsmasq"
	PATH=$WORK/bin:$PATH fails_with 4 "up with a dnsmasq that fails" "$NETSIM" up "$TOPO"
	like "has its words" "$ERR" "dhcp-lan: dnsmasq ended with exit status 3: no luck today"
	nothing_left "after that"
}

# --- VLANs

vlans() {
	cat >"$WORK/vlans.yaml" <<-'EOT'
		fleet: dhcp-simple
		networks:
		  lan:
		    vlans: [100, 200]
		    dhcp:
		      - {server: 10.0.0.254/24, pool: 10.0.0.10-10.0.0.20}
		      - {server: 10.1.0.254/24, pool: 10.1.0.10-10.1.0.20, vlan: 100}
		nodes:
		  a:
		    interfaces:
		      eth1: {network: lan, address: dhcp, reserve: 10.0.0.1}
		      v100: {vlan: 100, link: eth1, address: dhcp, reserve: 10.1.0.1}
		  b: {interfaces: {eth1: {network: lan, access: 100, address: [dhcp, 10.9.0.1/24]}}}
	EOT
	check "up with a server for each VLAN" "$NETSIM" up "$WORK/vlans.yaml"
	is "an address in the untagged network" "$(address a)" 10.0.0.1/24
	is "and in the VLAN" "$(address a v100)" 10.1.0.1/24
	like "a port in the VLAN, with an address of its own" "$(address b)" '^10\.9\.0\.1/24 10\.1\.0\.1[0-9]/24$'
	check "down" "$NETSIM" down -q
	nothing_left "VLANs"
}

# --- kill -9 of netsim

killed_netsim() {
	local i at bad='' full begin=${EPOCHREALTIME//[!0-9]/}
	"$NETSIM" up -q "$TOPO"
	full=$((${EPOCHREALTIME//[!0-9]/} - begin))
	"$NETSIM" down -q
	for ((i = 0; i < MOMENTS && ${#bad} == 0; i++)); do
		at=$((full * (RANDOM % 1200) / 1000))
		"$KILLAT" "$(printf '%d.%06d' $((at / 1000000)) $((at % 1000000)))" "$NETSIM" up -q "$TOPO" >/dev/null 2>&1
		if ((i % 2)); then
			"$NETSIM" up -q "$TOPO" || bad="up after $at us"
			[[ $(address server-2) == 192.168.1.2/24 && -n $(address agent-2) ]] || bad="no address after $at us"
			[[ $(service dhcp:server@dhcp-lan | wc -l) -eq 1 ]] || bad="not one dnsmasq after $at us"
		fi
		"$NETSIM" down -q || bad="down after $at us"
		[[ -z $(pgrep 'dnsmasq|busybox')$(ip netns list)$(find /run/netsim -type f ! -name '*.lock' 2>/dev/null) ]] ||
			bad="something is left after $at us"
	done
	is "$MOMENTS kills at random times, seed $SEED" "$bad" ""
	nothing_left "after all"
}

# udhcpc renews when half of the lease is over: dnsmasq's shortest lease is 2 min.
short_lease() {
	printf 'fleet: short\nnetworks: {lan: {dhcp: {server: 10.3.0.254/24, pool: 10.3.0.1-10.3.0.9, lease: 2min}}}
nodes: {n: {interfaces: {eth1: {network: lan, address: dhcp}}}}\n' >"$WORK/short.yaml"
	check "up with a lease of 2 min" "$NETSIM" up -q "$WORK/short.yaml"
}

renewed() {
	check "the lease runs" wait_for 60 eval '(($(lifetime n) < 100))'
	check "it is renewed when half of it is over" wait_for 90 eval '(($(lifetime n) > 100))'
	check "down" "$NETSIM" down -q short
}

resolv=$(md5sum </etc/resolv.conf)
if in_vm; then
	# What the kernel decides: addresses, frames, VLANs. The rest is about processes.
	leases
	wire
	cut_off
	conditions
	check "down" "$NETSIM" down -q
	nothing_left "down"
	vlans
	done_testing
fi
missing
leases
wire
renewal
cut_off
killed
converging
conditions
check "down" "$NETSIM" down -q
nothing_left "down"
taken
half_built
if unshare -n ip link add p0 type bridge vlan_filtering 1 2>/dev/null; then
	vlans
else
	skip "a server for each VLAN" "this kernel's bridges cannot filter VLANs"
fi
killed_netsim
FLEET=short
short_lease
renewed
done_testing
