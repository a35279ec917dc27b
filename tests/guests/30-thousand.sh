# needs: tap bridge clsact bpf
# limit: 400
# SPDX-License-Identifier: GPL-2.0-or-later
#
# 1,000 taps of other programs in one network: netsim watch rests when nothing happens, and all taps
# are shaped soon after all have changed at once.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=many
COUNT=${COUNT:-1000}
cat >"$WORK/many.yaml" <<-EOT
	fleet: many
	networks: {lan: {name: many-br}}
	nodes:
	  a: {interfaces: {eth1: {network: lan, address: 10.9.5.1/24}}}
	  vm-[1-$COUNT]: {kind: attached, interfaces: {eth0: {network: lan, port: "t{n}"}}}
EOT
printf 'profile: some\ndefault: {up: {loss: 1%%}}\n' >"$WORK/some.yaml"

# batch PROGRAM COMMANDS: for each tap, in one process; % is its number
batch() {
	local n
	for ((n = 1; n <= COUNT; n++)); do
		echo "${2//%/$n}"
	done >"$WORK/batch"
	"$1" -batch "$WORK/batch"
}

# The taps that have the program of the fleet.
programmed() {
	bpftool net show | grep -cE '^t[0-9]+\([0-9]+\) clsact/egress ns_port'
}

# In clock ticks of 10 ms, of user and system time.
ticks() {
	awk '{ print $14 + $15 }' "/proc/$WATCH/stat"
}

logged() {
	grep -qE "$1" "$WORK/bg.$WATCH"
}

logged_all() {
	[[ $(grep -cE "$1" "$WORK/bg.$WATCH") -eq $COUNT ]]
}

# storm NAME LINE PROGRAM FORMAT: watch prints LINE for each tap. Its own processor time is what
# this takes on an idle machine; the time that passes depends on the load, too.
storm() {
	local begin used
	used=$(ticks)
	batch "$3" "$4"
	begin=${EPOCHREALTIME//[!0-9]/}
	check "$1: watch notices all" wait_for 60 logged_all "$2"
	echo "# all after $(((${EPOCHREALTIME//[!0-9]/} - begin) / 1000)) ms"
	between "$1: processor time of watch, in ticks of 10 ms" $(($(ticks) - used)) 0 100
	is "$1: all are shaped" "$(programmed)" "$COUNT"
}

# All go down and up again: nothing has to be done.
flap() {
	local used
	used=$(ticks)
	batch ip $'link set t% down\nlink set t% up'
	check "all go down and up: watch has looked" wait_for 20 rests
	between "all go down and up: processor time of watch" $(($(ticks) - used)) 0 200
	is "all go down and up: all are shaped" "$(programmed)" "$COUNT"
}

# True if watch has not run for a second, and not for want of a processor: it sleeps.
rests() {
	local used
	used=$(ticks)
	sleep 1 # the time that is looked at
	[[ $(ticks) -eq $used && $(awk '{ print $3 }' "/proc/$WATCH/stat") == S ]]
}

idle() {
	local used
	check "watch has done its work" wait_for 20 rests
	used=$(ticks)
	sleep 10 # the time that is measured
	between "watch rests: ticks of 10 ms during 10 s" $(($(ticks) - used)) 0 10
}

"$NETSIM" up -q "$WORK/many.yaml" 2>/dev/null
"$NETSIM" apply -q "$WORK/some.yaml" 2>/dev/null
bg "$NETSIM" watch
WATCH=$BG
check "watch is ready" wait_for 60 logged "watching$|waiting"
batch ip 'tuntap add t% mode tap'
storm "$COUNT taps appear" '^vm-[0-9]+/eth0: t[0-9]+ appeared, shaped after' ip 'link set t% master many-br up'
idle
storm "another program removes all filters" '^vm-[0-9]+/eth0: t[0-9]+: its program ns_port is missing; put back after' \
	tc 'qdisc del dev t% clsact'
flap
idle
bg_end "$WATCH"
check "down" "$NETSIM" down -q
is "no tap has a filter" "$(programmed)" 0
batch ip 'link del t%'
done_testing
