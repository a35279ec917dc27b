# needs: bridge veth netns clsact bpf
# limit: 180
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An MTU black hole: packets larger than a size are dropped, on a path, a link, of a class, by a
# fault or by a profile. Pings and TCP show what passes.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../verify.sh"

FLEET=hole
P=$WORK/profile.yaml
NETEM=yes
unshare -n sh -c 'tc qdisc add dev lo root netem && tc qdisc replace dev lo root fq' 2>/dev/null || NETEM=

build() {
	cat >"$WORK/hole.yaml" <<-'EOT'
		fleet: hole
		networks: {lan: {address: 10.1.0.254/24}}
		nodes:
		  n[1-3]: {interfaces: {eth1: {network: lan, address: ["10.1.0.{n}/24", "fd00:1::{n}/64"]}}}
	EOT
	check "up" "$NETSIM" up "$WORK/hole.yaml"
	settle n1 n2 n3
}

# passes FROM TO BYTES: an IPv4 packet of BYTES is answered; of larger ones, both ways count
passes() {
	node_exec "$1" ping -n -q -c 3 -i 0.1 -W 0.5 -M dont -s $(($3 - 28)) "10.1.0.${2#n}" >/dev/null
}

passes6() {
	node_exec "$1" ping -6 -n -q -c 3 -i 0.1 -W 0.5 -s $(($3 - 48)) "fd00:1::${2#n}" >/dev/null
}

# edge FROM TO BYTES [NAME]: packets of BYTES pass, and larger ones do not
edge() {
	check "${4:-$1 to $2}: $3 bytes pass" passes "$1" "$2" "$3"
	check "${4:-$1 to $2}: $(($3 + 1)) bytes do not" not passes "$1" "$2" $(($3 + 1))
}

# size_drops FROM TO: packets dropped for their size
size_drops() {
	"$NETSIM" top --json | jq --arg a "$1" --arg b "$2" \
		'[.flows[] | select(.from == $a and .to == $b) | .dropped.size] | add // 0'
}

# rate FROM TO [IPERF3 OPTIONS]: bytes that TCP delivers in a second; PORT and NET may be set
rate() {
	node_bg "$2" iperf3 -s -1 -p "${PORT:-5201}"
	local server=$BG
	wait_for 5 listens "$2" "${PORT:-5201}"
	node_exec "$1" timeout 20 iperf3 -J -c "${NET:-10.1.0}.${2#n}" -p "${PORT:-5201}" -t 1 "${@:3}" |
		jq '.end.sum_received.bytes // 0'
	bg_end "$server"
}

listens() {
	[[ -n $(node_exec "$1" ss -Hltn "sport = :$2") ]]
}

path() {
	check "a fault of a path" "$NETSIM" fault 'larger 1000B' n1:n2 --name hole
	edge n1 n2 1000
	check "IPv6: 1000 bytes pass" passes6 n1 n2 1000
	check "IPv6: 1001 bytes do not" not passes6 n1 n2 1001
	check "another path is whole" passes n1 n3 1500
	watch n1 eth1 'icmp[0] == 8 and src 10.1.0.2'
	passes n2 n1 1400
	is "the other direction is whole: requests arrive" "$(frames "$BG")" 3
	watch n1 eth1 'icmp[0] == 3'
	passes n1 n2 1400
	is "no ICMP error tells the sender" "$(frames "$BG")" 0
}

counters() {
	local before now
	before=$(size_drops n1 n2)
	passes n1 n2 1200
	now=$(size_drops n1 n2)
	is "top counts what was too large" $((now - before)) 3
	is "but nothing else" "$(size_drops n1 n3) $(size_drops n2 n1)" "0 0"
	like "status names the reason" "$("$NETSIM" status)" "n1 +netns +.* $now size"
	is "in JSON, too" "$("$NETSIM" status --json |
		jq -c '.fleets[0].nodes[0] | [.dropped_oversized, .ports[0].dropped_oversized, .dropped_by_conditions]')" \
		"[$now,$now,$now]"
	like "and as a metric" "$("$NETSIM" status --prometheus)" \
		"netsim_dropped_total\{[^}]*from=\"n1\",to=\"n2\",class=\"icmp\",reason=\"size\"\} $now"
}

# Segments count, not super-packets.
tcp() {
	local super
	node_exec n1 ethtool -K eth1 tso on gso on
	watch n2 eth1 'tcp and src 10.1.0.1 and greater 2000'
	super=$BG
	between "TCP with small segments passes" "$(rate n1 n2 -M 900)" 1000000 1e12 bytes
	between "in super-packets" "$(frames "$super")" 1 1e9
	between "TCP with large segments starves" "$(rate n1 n2)" 0 4000 bytes
	between "on another path it does not" "$(rate n1 n3)" 1000000 1e12 bytes
	node_exec n1 ethtool -K eth1 tso off
}

# The headers of a tunnel count: VXLAN adds 50 bytes to a packet.
tunnel() {
	local n
	if ! node_exec n1 ip link add vx0 type vxlan id 5 dev eth1 remote 10.1.0.2 dstport 8472; then
		skip "a tunnel" "this kernel has no vxlan"
		return
	fi
	node_exec n2 ip link add vx0 type vxlan id 5 dev eth1 remote 10.1.0.1 dstport 8472
	for n in 1 2; do
		node_exec "n$n" ip addr add "10.77.0.$n/24" dev vx0
		node_exec "n$n" ip link set vx0 up
	done
	between "TCP in packets of 1000 bytes passes a tunnel" "$(NET=10.77.0 rate n1 n2 -M 910)" 500000 1e12 bytes
	between "TCP in packets of 1001 bytes starves" "$(NET=10.77.0 rate n1 n2 -M 911)" 0 4000 bytes
	node_exec n1 ip link del vx0
	node_exec n2 ip link del vx0
}

measured() {
	check "verify" "$NETSIM" verify --quick
	like "proves it" "$OUT" "n1 > n2 +size +1000 B +1000 B pass, 1001 B do not +ok"
	tc filter del dev "$(port_of n2)" egress
	fails_with 1 "without its program" "$NETSIM" verify --quick
	like "larger ones pass" "$OUT" "n1 > n2 +size +1000 B +[0-9]+ of [0-9]+ of 1001 B passed +failed"
	check "heal by name" "$NETSIM" heal hole
	check "everything passes again" passes n1 n2 1500
	"$NETSIM" fault -q 'larger 1500B' n1:n2
	fails_with 6 "what no packet exceeds" "$NETSIM" verify --quick
	like "is unproved" "$OUT" "n1 > n2 size: no packet of its links is larger"
	"$NETSIM" heal -q
	"$NETSIM" fault -q 'larger 80B' n1:n2
	fails_with 6 "what is smaller than a probe" "$NETSIM" verify --quick
	like "is unproved, too" "$OUT" "the probes are larger than what passes"
	"$NETSIM" heal -q
}

links() {
	check "a fault of a link" "$NETSIM" fault 'larger 600B' n1
	edge n1 n2 600 "from it"
	edge n2 n1 600 "to it"
	check "other links are whole" passes n2 n3 1500
	check "verify" "$NETSIM" verify --quick
	like "proves both directions" "$OUT" "all +size +[0-9]+ pairs, 600 B +600 B pass, 601 B do not +ok"
	"$NETSIM" heal -q
	"$NETSIM" fault -q 'larger 30B' n1
	node_exec n2 ip neigh flush all
	check "addresses are resolved" passes n2 n1 28
	check "though ARP has more bytes than pass" not passes n2 n1 31
	"$NETSIM" heal -q
}

classes() {
	check "a fault of a class" "$NETSIM" fault 'larger 1000B' n1 n2 --class etcd-peer
	check "other traffic passes" passes n1 n2 1500
	between "the class starves" "$(PORT=2380 rate n1 n2)" 0 4000 bytes
	between "but for small segments" "$(PORT=2380 rate n1 n2 -M 900)" 1000000 1e12 bytes
	"$NETSIM" heal -q
}

comes_back() {
	local end
	check "a fault with a deadline" "$NETSIM" fault 'larger 1000B' n1:n2 --for 4s
	end=$((${EPOCHREALTIME//[!0-9]/} + 4000000))
	ip link del "$(port_of n2)"
	check "up again" "$NETSIM" up "$WORK/hole.yaml"
	check "the port that came back drops, too" not passes n1 n2 1001
	[[ ${EPOCHREALTIME//[!0-9]/} -lt $end ]] || skip "in time" "the machine is too slow"
	wait_for 10 passes n1 n2 1500
	between "until the deadline" $(((${EPOCHREALTIME//[!0-9]/} - end) / 1000)) -300 4000 ms
}

profiles() {
	printf 'profile: holes\nnodes: {n1: {up: {larger: 700B}}}\npairs: [{from: n2, to: n3, larger: 800B}]\n' >"$P"
	check "apply a profile" "$NETSIM" apply "$P"
	watch n2 eth1 'icmp[0] == 0 and src 10.1.0.1'
	passes n2 n1 701
	is "what n1 sends is limited" "$(frames "$BG")" 0
	edge n2 n3 800
	all_right "verify" --quick
	printf 'profile: hole\nnodes: {n1: {larger: 700B}}\n' >"$P"
	fails_with 3 "netem cannot" "$NETSIM" apply "$P" --engine netem
	like "says where" "$ERR" "profile.yaml:2:[0-9]+: error: the netem engine does not support larger"
	check "but clear" "$NETSIM" clear
}

# The profile stays with netem, and both apply.
engines() {
	local engine
	if [[ -z $NETEM ]]; then
		skip "with a profile, on both engines" "this kernel has no netem or fq"
		return
	fi
	for engine in netem edt; do
		printf 'profile: slow\ndefault: {delay: 5ms}\n' >"$P"
		check "$engine: a profile" "$NETSIM" apply "$P" --engine "$engine"
		check "$engine: a fault of a path" "$NETSIM" fault 'larger 1000B' n1:n2
		check "$engine: of a link" "$NETSIM" fault 'larger 1200B' n3
		like "$engine: stays" "$("$NETSIM" status)" "profile slow \($engine"
		edge n1 n2 1000 "$engine, path"
		edge n1 n3 1200 "$engine, link"
		measured_between "$engine: delays" 20 30 ms rtt_of n1 10.1.0.2 -s 900
		check "$engine: verify" "$NETSIM" verify --quick
		like "$engine: sizes" "$OUT" "n1 > n2 +size"
		"$NETSIM" heal -q
		check "$engine: healed" passes n1 n2 1500
		"$NETSIM" clear -q
	done
}

before=$(dump)
build
elsewhere || {
	path
	counters
	tcp
	tunnel
	measured
	links
	classes
	comes_back
	profiles
}
engines
check "down" "$NETSIM" down
is "leaves nothing" "$(dump)" "$before"
done_testing
