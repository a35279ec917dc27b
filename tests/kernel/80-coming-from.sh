# needs: nft bridge veth netns clsact bpf
# limit: 300
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the commands of the second columns in docs/coming-from.md, section by section, and checks
# that netsim refuses what the page says is not there. In the virtual machine with WHOLE=yes, all
# commands are run, otherwise those that need its kernel and are fast.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

ROOT=$(realpath "$(dirname "$TESTS")")
PAGE=$ROOT/docs/coming-from.md
FLEET=office

mkdir "$WORK/bin" "$WORK/page"
ln -s "$(realpath "$NETSIM")" "$WORK/bin/netsim"
PATH=$WORK/bin:$PATH
cd "$WORK/page" || exit 1
ln -s "$ROOT"/{topo,profiles,scenarios} .

# The blocks whose first line is "# NAME" are files.
write_files() {
	awk '/^```/ { on = !on; name = ""; next }
		on && name == "" { name = $2 }
		on { print > name }' "$PAGE"
}

# The rows of all tables: SECTION <tab> FIRST CELL <tab> COMMAND && COMMAND..., or "bad" for a
# row that has not three cells, or in the second one neither commands alone nor the word nothing.
rows() {
	awk -F ' [|] ' -v OFS='\t' '
		/^## / { section = substr($0, 4); next }
		!/^[|]/ || /^[|] (---|there )/ { next }
		{ there = substr($1, 3); commands = ""
			for (rest = $2; match(rest, /`netsim [^`]*`/); rest = substr(rest, RSTART + RLENGTH))
				commands = commands (commands == "" ? "" : " && ") substr(rest, RSTART + 1, RLENGTH - 2)
			gsub(/`netsim [^`]*`/, "", $2)
			if (NF != 3 || $2 !~ (commands == "" ? "^nothing$" : "^(; )*$"))
				commands = "bad"
			print section, there, commands }' "$PAGE"
}

# here_row SECTION COMMANDS: true for rows that a kernel without netem, fq and VLANs can run; $ROW
# has what it runs. Faults that need the first two are only checked.
here_row() {
	local timed='delay|rate |slot|hold |queue'
	ROW=$2
	[[ $1 != systemd-networkd && ! $2 =~ apply\ (home|wan-link|constrained|lossy|wifi|day) ]] || return
	[[ $2 =~ $timed ]] || return 0
	ROW=${2//netsim fault /netsim fault -n }
	[[ ! $2 =~ --name ]]
}

# vm_row SECTION COMMANDS: all rows, or those that only the virtual machine can run, but faults
# only of one section, because they take a second each
vm_row() {
	ROW=$2
	! elsewhere && return
	case $1 in
	containerlab) [[ $2 =~ netsim\ (up|fault|heal|down) ]] ;;
	netlab) [[ $2 =~ netsim\ (up|apply) ]] ;;
	systemd-networkd) [[ $2 =~ netsim\ (up|exec|diff|down) ]] ;;
	tc | tcconfig) [[ $2 =~ apply\ .*eth1|clear\ eth1 ]] ;;
	*) false ;;
	esac
}

chosen() {
	if in_vm; then vm_row "$@"; else here_row "$@"; fi
}

check_rows() {
	local section there commands last=""
	while IFS=$'\t' read -r section there commands <&3; do
		if [[ $commands == bad ]]; then
			not_ok "$section: $there: three cells, with commands or nothing in the second"
		elif [[ -n $commands ]] && chosen "$section" "$commands"; then
			[[ $section == "$last" ]] || netsim reset -q
			last=$section
			# Faults remain until a row sends packets.
			[[ ! $commands =~ ping|iperf ]] || netsim heal -q
			check "$section: $ROW" eval "$ROW"
		fi
	done 3< <(rows)
	netsim reset -q
}

# What the page says in words, on traffic.
check_words() {
	netsim up -q office.yaml
	netsim apply -q outside.yaml
	if in_vm; then
		netsim fault -q 'delay 10ms' 'server-[1-2]'
		measured_between "a delay of 10 ms at both ends is a round trip" 40 60 ms rtt_of server-1 10.0.0.2
		netsim heal -q
	fi
	ip addr add 203.0.113.7/32 dev lo
	check "an address outside answers" wait_for 5 answers server-1 203.0.113.7
	netsim partition -q server-1 host --class cloud
	check "a class by address is cut off" not answers server-1 203.0.113.7
	check "and the host is not" wait_for 5 answers server-1 10.0.0.254
	check "nor is another node" wait_for 5 answers server-2 203.0.113.7
}

# What the page says is not there.
check_refused() {
	local words key
	for words in 'loss 5% correlation 25%' 'loss 5% 25%' 'delay 10ms jitter 2ms 25%' 'rate 1mbit overhead 20' \
		'delay 10ms reorder 25% gap 5' 'loss 5% ecn' 'rate 1mbit burst 4kB peakrate 2mbit'; do
		fails_with 2 "no fault '$words'" netsim fault "$words" server-1
	done
	for key in image binds env startup-config; do
		printf '%s\n' 'fleet: x' 'networks: {lan: {}}' "nodes: {a: {$key: 1, interfaces: {}}}" >x.yaml
		fails_with 3 "no key $key of a node" netsim check x.yaml
		like "and the reason is the key" "$ERR" "$key"
	done
	printf '%s\n' 'fleet: x' 'networks: {lan: {}}' 'nodes: {a: {interfaces: {eth1: {network: lan,' \
		'address: 10.0.0.1/24, routes: [{to: default, via: 10.0.0.2, metric: 5}]}}}}' >x.yaml
	fails_with 3 "no metric of a route" netsim check x.yaml
	for key in ad_select fail_over_mac lp_interval packets_per_slave resend_igmp arp_all_targets tlb_dynamic_lb; do
		printf '%s\n' 'fleet: x' 'networks: {lan: {}}' \
			"nodes: {a: {interfaces: {eth1: {network: lan}, bond0: {bond: [eth1], miimon: 100ms, $key: 1}}}}" >x.yaml
		fails_with 3 "no key $key of a bond" netsim check x.yaml
		like "and the reason is the key" "$ERR" "$key"
	done
}

# An interface of the machine, for uplinks and for profiles without a fleet.
ip link set lo up
ip link add eth1 type veth peer name eth1.far
ip link set eth1 up
ip link set eth1.far up
ip addr add 192.0.2.1/24 dev eth1
write_files
check_rows
if ! elsewhere; then
	check_words
	check_refused
fi
netsim reset -q
ip link delete eth1
done_testing
