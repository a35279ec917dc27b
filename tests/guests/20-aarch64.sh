# needs: native qemu arm64 tap bridge clsact bpf
# limit: 240
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An aarch64 guest, jetson-1 of topo/n3x.yaml, shapes its own interface, on one bridge with an x86
# guest; netsim on the host shapes and cuts off both.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

ROOT=$(dirname "$TESTS")
JETSON=192.168.100.20 N100=192.168.100.10

# arguments LINK: of QEMU, as netsim up prints them
arguments() {
	jq -r --arg link "$1" '.taps[] | select(.link == $link).qemu' "$WORK/up.json"
}

# guest ARCH LINK ADDRESS SCRIPT: it gets the interface eth1, as in the fleet
guest() {
	ARCH=$1 bg "$ROOT/tests/vm/boot" -c 1 -m 512M -t 900 -w "$WORK" -q "$(arguments "$2")" -- \
		bash -c "modprobe virtio_net
			ip link set eth0 name eth1
			ip addr add $3/24 dev eth1
			ip link set eth1 up
			touch '$WORK/$1.up'
			$4
			until [[ -e '$WORK/end' ]]; do sleep 0.5; done"
}

# in_jetson NAME CMD: waits until the guest has run it
in_jetson() {
	echo "$2" >"$WORK/todo.new"
	mv "$WORK/todo.new" "$WORK/todo"
	check "$1" wait_for 60 test -e "$WORK/done"
	rm -f "$WORK/done"
	is "$1: exit status" "$(<"$WORK/status")" 0
	OUT=$(<"$WORK/said")
}

# Runs what in_jetson asks for.
# shellcheck disable=SC2016 # for the guest's shell
loop='until [[ -e $WORK/end ]]; do
	if [[ -e $WORK/todo ]]; then
		bash "$WORK/todo" >"$WORK/said" 2>&1
		echo $? >"$WORK/status"
		rm "$WORK/todo"
		touch "$WORK/done"
	fi
	sleep 0.2
done'

# rtt ADDRESS: the minimum of pings from the host, in ms
rtt() {
	ping -n -q -c 10 -i 0.2 -W 2 "$1" | sed -n 's,^rtt [^=]*= \([^/]*\)/.*,\1,p'
}

answers() {
	ping -q -c 1 -W 2 "$1"
}

check "up" "$NETSIM" up --json "$ROOT/topo/n3x.yaml"
echo "$OUT" >"$WORK/up.json"
guest amd64 n100-1/eth1 $N100 ""
n100=$BG
guest arm64 jetson-1/eth1 $JETSON "export WORK='$WORK'
	$loop"
jetson=$BG
check "the x86 guest is there" wait_for 60 answers $N100
check "the aarch64 guest is there" wait_for 60 answers $JETSON
in_jetson "the guest is an aarch64 machine" "uname -m"
is "by its own word" "$OUT" aarch64

before=$(rtt $JETSON)
between "before, its round trip is short" "$before" 0.1 24
in_jetson "netsim apply constrained eth1 --as jetson-1, in the guest" \
	"$ROOT/build/arm64/bin/netsim apply constrained eth1 --as jetson-1"
like "prints the conditions" "$OUT" "eth1 .*10mbit delay 25ms"
between "its round trip is 50 ms longer" "$(rtt $JETSON)" 50 "$(awk "BEGIN { print 75 + $before }")" ms
between "that of the x86 guest is not" "$(rtt $N100)" 0.1 24 ms
in_jetson "the x86 guest is reached from it" "ping -c 3 -W 3 $N100"

check "the host cuts it off" "$NETSIM" partition jetson-1
in_jetson "it does not reach the x86 guest any more" "! ping -c 3 -W 1 $N100"
check "heal" "$NETSIM" heal
in_jetson "and does again" "ping -c 3 -W 3 $N100"
in_jetson "netsim clear, in the guest" "$ROOT/build/arm64/bin/netsim clear"
between "its round trip is short again" "$(rtt $JETSON)" 0.1 24 ms

touch "$WORK/end"
check "both guests end" wait_for 30 not kill -0 "$n100" "$jetson"
bg_end "$n100"
bg_end "$jetson"
check "down" "$NETSIM" down
done_testing
