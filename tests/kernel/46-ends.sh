# needs: bridge veth netns clsact bpf python3
# limit: 120
# idle: yes
# vm: test-kernels
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Classes by address and by the port of one end: faults of what is outside of the fleet, of requests
# without their answers, and of a part of a prefix.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=ends

build() {
	cat >"$WORK/ends.yaml" <<-'EOT'
		fleet: ends
		networks: {lan: {address: [10.1.0.254/24, "fd00:1::fe/64"]}}
		nodes:
		  n[1-2]:
		    interfaces:
		      eth1:
		        network: lan
		        address: ["10.1.0.{n}/24", "fd00:1::{n}/64"]
		        routes: [{to: default, via: 10.1.0.254}, {to: "::/0", via: "fd00:1::fe"}]
	EOT
	cat >"$WORK/classes.yaml" <<-'EOT'
		classes:
		  registry: {address: [203.0.113.7, "2001:db8::7"]}
		  cloud: {address: [203.0.113.0/24, "2001:db8::/32"]}
		  ask: {protocol: 17, to-port: 7000}
		  answer: {from-port: 7000}
	EOT
	printf 'profile: plain\nclass-file: classes.yaml\n' >"$WORK/plain.yaml"
	check "up" "$NETSIM" up "$WORK/ends.yaml"
	check "apply" "$NETSIM" apply "$WORK/plain.yaml"
}

# A registry and another address of a cloud, which the nodes reach through the host.
build_outside() {
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	ip netns add cloud
	ip link add uplink type veth peer name eth0 netns cloud
	ip address add 203.0.113.1/24 dev uplink
	ip address add 2001:db8::1/64 dev uplink nodad
	ip -n cloud address add 203.0.113.7/24 dev eth0
	ip -n cloud address add 203.0.113.8/24 dev eth0
	ip -n cloud address add 2001:db8::7/64 dev eth0 nodad
	ip -n cloud address add 2001:db8::8/64 dev eth0 nodad
	ip link set uplink up
	ip -n cloud link set eth0 up
	ip -n cloud route add default via 203.0.113.1
	ip -n cloud route add default via 2001:db8::1
	check "the nodes reach the cloud" wait_for 10 eval '[[ $(seen n1) == "7 8 7 8 host n2" && $(seen n2) == "7 8 7 8 host" ]]'
}

# seen NODE: what answers its pings
seen() {
	local there=() address
	for address in 203.0.113.7 203.0.113.8 2001:db8::7 2001:db8::8; do
		! answers "$1" "$address" -W 0.3 || there+=("${address: -1}")
	done
	! answers "$1" 10.1.0.254 -W 0.3 || there+=(host)
	[[ $1 != n1 ]] || ! answers "$1" 10.1.0.2 -W 0.3 || there+=(n2)
	echo "${there[*]}"
}

outside() {
	check "a fault of the registry" "$NETSIM" fault 'loss 100%' --class registry
	is "cuts it off, in both families" "$(seen n1) $(seen n2)" "8 8 host n2 8 8 host"
	"$NETSIM" heal -q
	check "of the registry, for one node" "$NETSIM" fault 'loss 100%' n1 --class registry
	is "concerns that one" "$(seen n1) $(seen n2)" "8 8 host n2 7 8 7 8 host"
	"$NETSIM" heal -q
	check "of the rest of the cloud" "$NETSIM" fault 'loss 100%' --class cloud
	is "leaves the registry, whose class comes first" "$(seen n1)" "7 7 host n2"
	"$NETSIM" heal -q
	check "a partition from it, by way of the host" "$NETSIM" partition n2 host --class cloud
	is "cuts one node off" "$(seen n1) $(seen n2)" "7 8 7 8 host n2 7 7 host"
	"$NETSIM" heal -q
}

# With other classes in force, an address that only the old ones have is in none.
replaced() {
	printf 'classes:\n  cloud: {address: 203.0.113.8}\n' >"$WORK/classes.yaml"
	check "apply other classes" "$NETSIM" apply "$WORK/plain.yaml"
	check "a fault of the cloud" "$NETSIM" fault 'loss 100%' --class cloud
	is "concerns what the cloud is now" "$(seen n1)" "7 7 8 host n2"
	"$NETSIM" heal -q
}

# Without the profile, its classes are no longer in force, unless a fault is.
shipped() {
	"$NETSIM" fault -q 'loss 1%' --class cloud
	check "clear while a fault of a class is in force" "$NETSIM" clear
	fails_with 2 "keeps the classes" "$NETSIM" fault 'loss 1%' --class etcd-client
	"$NETSIM" heal -q
	"$NETSIM" apply -q "$WORK/plain.yaml"
	check "clear without one" "$NETSIM" clear
	check "brings back the shipped classes" "$NETSIM" fault 'loss 1%' --class etcd-client
	fails_with 2 "and only these" "$NETSIM" fault 'loss 1%' --class cloud
	"$NETSIM" heal -q
}

# packets FROM TO CLASS: by the ports' counters
packets() {
	"$NETSIM" top --json | jq --arg a "$1" --arg b "$2" --arg c "$3" \
		'[.flows[] | select(.from == $a and .to == $b and .class == $c) | .packets] | add // 0'
}

# ask: sends three datagrams to port 7000 of n2, which answers each; prints how many answers arrive
ask() {
	node_exec n1 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.5)
got = 0
for _ in range(3):
    s.sendto(b"?", ("10.1.0.2", 7000))
    try:
        s.recv(16)
        got += 1
    except TimeoutError:
        pass
print(got)'
}

# shellcheck disable=SC2016 # for the inner shell
directions() {
	node_bg n2 python3 -uc '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.1.0.2", 7000))
print("ready")
while True:
    _, peer = s.recvfrom(16)
    print("asked")
    s.sendto(b"!", peer)'
	SERVER=$BG
	check "a server" wait_for 10 written ready "$WORK/bg.$SERVER"
	is "answers" "$(ask)" 3
	is "requests are of one class" "$(packets n1 n2 ask) $(packets n2 n1 ask)" "3 0"
	is "and answers of another" "$(packets n2 n1 answer) $(packets n1 n2 answer)" "3 0"
	check "a fault of the answers" "$NETSIM" fault 'loss 100%' --class answer
	is "lets no answer arrive" "$(ask)" 0
	is "but all requests" "$(grep -c asked "$WORK/bg.$SERVER")" 6
	"$NETSIM" heal -q
	check "a fault of the requests" "$NETSIM" fault 'loss 100%' --class ask
	is "lets none arrive" "$(ask) $(grep -c asked "$WORK/bg.$SERVER")" "0 6"
	"$NETSIM" heal -q
	bg_end "$SERVER"
}

unmeasured() {
	printf 'profile: far\nclass-file: classes.yaml\nengine: edt\nclasses: {answer: {loss: 1%%}, cloud: {loss: 1%%}}\n' >"$WORK/far.yaml"
	check "apply with conditions of classes" "$NETSIM" apply "$WORK/far.yaml"
	fails_with 6 "verify cannot measure them" "$NETSIM" verify --quick
	like "says so of each" "$OUT" "class cloud  *conditions .*unproved.*class answer  *conditions .*unproved.*no TCP or UDP probe between nodes is in it"
	"$NETSIM" clear -q
}

build
build_outside
outside
directions
unmeasured
replaced
shipped
ip netns del cloud
check "down" "$NETSIM" down
done_testing
