# needs: veth netns tap clsact bpf netem fq ifb mirred iperf3
# limit: 350
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Profiles on routed networks, by both engines: round trips and rates between nodes, and from and to
# the host; pairs, classes and faults; what is left when an engine takes over from the other.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=routed
# shellcheck disable=SC2034 # for rates
HOST=10.0.0.0
MAC=52:54:00:12:34:04

cat >"$WORK/routed.yaml" <<-EOT
	fleet: routed
	networks: {lan: {routed: true, address: [10.0.0.0/32, "fec0::/128"]}}
	nodes:
	  vm[1-3]: {interfaces: {eth1: {network: lan, port: "vm{n}", address: ["10.0.0.{n}/32", "fec0::{n}/128"]}}}
	  vm4: {kind: tap, interfaces: {eth1: {network: lan, port: vm4, mac: "$MAC", address: [10.0.0.4/32, "fec0::4/128"]}}}
EOT
cat >"$WORK/links.yaml" <<-EOT
	profile: links
	default: {delay: 5ms}
	nodes:
	  vm2: {up: {delay: 20ms}, down: {delay: 30ms}}
EOT
printf 'profile: slow\nnodes: {vm1: {rate: 10mbit}}\n' >"$WORK/slow.yaml"
cat >"$WORK/pairs.yaml" <<-EOT
	profile: pairs
	default: {delay: 5ms}
	pairs: [{between: [vm1, vm2], delay: 30ms}, {from: vm3, to: host, delay: 20ms}]
	classes: {etcd-peer: {delay: 60ms}}
EOT

# trip NAME FROM ADDRESS MS: the shortest round trip takes MS
trip() {
	measured_between "$1" "$4" "$(($4 + 5))" ms rtt_of "$2" "$3"
}

# Between nodes, packets cross two links each way; to and from the host, one.
links() {
	check "apply by $1" "$NETSIM" apply --engine "$1" "$WORK/links.yaml"
	trip "$1: between nodes" vm1 10.0.0.3 20
	trip "$1: to a slower one" vm1 10.0.0.2 60
	trip "$1: by IPv6" vm3 fec0::2 60
	trip "$1: to the host" vm2 10.0.0.0 50
	trip "$1: to the host by IPv6" vm2 fec0:: 50
	trip "$1: from the host" host 10.0.0.1 10
	trip "$1: to a guest" vm2 10.0.0.4 60
	trip "$1: from the host to a guest" host 10.0.0.4 10
	check "$1: verify" "$NETSIM" verify
	unlike "$1: all as asked" "$OUT" "unproved|failed"
	like "$1: among others the round trip to the guest" "$OUT" "vm4 +rtt"
	is "$1: diff" "$("$NETSIM" diff "$WORK/routed.yaml")" "routed: nothing differs"
}

# rate_to ADDRESS PORT [OPTIONS]: TCP from vm1, in mbit
rate_to() {
	node_exec vm1 iperf3 -c "$1" -p "$2" -C cubic -t 2 -O 1 -f m "${@:3}" | awk '/ receiver/ { print $7 }'
}

limits() {
	check "apply a rate by $1" "$NETSIM" apply --engine "$1" "$WORK/slow.yaml"
	measured_between "$1: up" 8.5 10.1 mbit rate_to 10.0.0.2 5301
	measured_between "$1: from the host" 8.5 10.1 mbit rate_to 10.0.0.0 5302 -R
	if thorough "$1: rates down, and to the host"; then
		measured_between "$1: down" 8.5 10.1 mbit rate_to 10.0.0.2 5301 -R
		measured_between "$1: to the host" 8.5 10.1 mbit rate_to 10.0.0.0 5302
	fi
	is "$1: the host builds no super-packets for the port" \
		"$(ethtool -k vm1 | sed -n 's/^tcp-segmentation-offload: //p')" off
}

paths() {
	check "apply pairs" "$NETSIM" apply "$WORK/pairs.yaml"
	trip "a pair" vm1 10.0.0.2 80
	trip "not others" vm1 10.0.0.3 20
	trip "one way, to the host" vm3 10.0.0.0 30
	trip "not others to the host" vm1 10.0.0.0 10
	node_bg vm3 python3 -m http.server 2380
	check "a class" wait_for 5 node_exec vm1 timeout 2 bash -c '>/dev/tcp/10.0.0.3/2380'
	measured_between "is delayed" 138 175 ms node_exec vm1 bash -c \
		's=${EPOCHREALTIME//[!0-9]/}; >/dev/tcp/10.0.0.3/2380; echo $(((${EPOCHREALTIME//[!0-9]/} - s) / 1000))'
	check "a fault" "$NETSIM" fault -q 'delay 50ms' vm1:vm3
	trip "adds its delay" vm1 10.0.0.3 70
	check "one towards the host" "$NETSIM" fault -q 'delay 50ms' vm2:host
	trip "adds its, too" vm2 10.0.0.0 60
	trip "and none to what the host routes" vm2 10.0.0.3 20
	"$NETSIM" heal -q
	trip "healed" vm2 10.0.0.0 10
}

check "up" "$NETSIM" up -q "$WORK/routed.yaml"
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
guest -6 fec0::4 -g 10.0.0.0 vm4 "$MAC" 10.0.0.4
before=$(reach vm1=10.0.0.1 vm2=10.0.0.2 vm3=10.0.0.3)
node_bg vm2 iperf3 -s -p 5301
bg iperf3 -s -p 5302
links netem
links edt
thorough "netem again" && links netem
limits netem
limits edt
paths
check "apply by netem after that" "$NETSIM" apply --engine netem "$WORK/links.yaml"
trip "takes over" vm2 10.0.0.0 50
check "a partition beside netem" "$NETSIM" partition vm1 vm2
check "cuts" not answers vm1 10.0.0.2 -W 0.3
trip "and delays the others once" vm1 10.0.0.3 20
"$NETSIM" heal -q
check "clear" "$NETSIM" clear
measured_between "removes the conditions" 0 4 ms rtt_of vm1 10.0.0.2
is "all reach all" "$(reach vm1=10.0.0.1 vm2=10.0.0.2 vm3=10.0.0.3)" "$before"
check "down" "$NETSIM" down -q
is "leaves no port" "$(ip -br link | grep -c -e '^vm' -e ifb)" 0
done_testing
