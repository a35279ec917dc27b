# needs: native bridge veth netns setpriv
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Mistakes are refused with their location and a remedy, and change nothing.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

F=$WORK/wrong.yaml
HEAD=$'fleet: f\nnetworks: {lan: {vlans: [100, 200]}}\nnodes:\n'

# same NAME: the kernel's state is unchanged
same() {
	is "$1: changes nothing" "$(dump)" "$BEFORE"
}

# refused NAME LINE:COLUMN REGEX: up of $F fails with a message of one line
refused() {
	fails_with 3 "$1" "$NETSIM" up "$F"
	like "$1: location and remedy" "$ERR" "^$F:$2: error: .*$3.*; .+"
	one_line "$1: one line"
	same "$1"
}

# node NAME LINE:COLUMN REGEX TEXT...: a file with these nodes is refused
node() {
	{
		printf '%s' "$HEAD"
		printf '  %s\n' "${@:4}"
	} >"$F"
	refused "$1" "$2" "$3"
}

# file_error NAME REGEX [PATH]: a file that cannot be read or parsed is refused
file_error() {
	run timeout 20 "$NETSIM" up "${3:-$F}"
	is "$1: exit status" "$STATUS" 3
	like "$1: location" "$ERR" "^${3:-$F}(:[0-9]+:[0-9]+)?: error: .*$2"
	one_line "$1: one line"
	same "$1"
}

topologies() {
	node "unknown key" 4:41 "adress" 'a: {interfaces: {eth1: {network: lan, adress: 10.0.0.1/24}}}'
	node "duplicate address" 5:50 "10.0.0.1" 'a: {interfaces: {eth1: {network: lan, address: 10.0.0.1/24}}}' \
		'b: {interfaces: {eth1: {network: lan, address: 10.0.0.1/24}}}'
	node "duplicate MAC" 5:46 "52:54:00:00:00:01" 'a: {interfaces: {eth1: {network: lan, mac: "52:54:00:00:00:01"}}}' \
		'b: {interfaces: {eth1: {network: lan, mac: "52:54:00:00:00:01"}}}'
	node "a name over 15 characters" 4:20 "characters" 'a: {interfaces: {sixteen-letters-x: {network: lan}}}'
	node "VLAN 4095" 4:64 "4095" 'a: {interfaces: {eth1: {network: lan}, v: {link: eth1, vlan: 4095}}}'
	node "bond without members" 4:52 "member" 'a: {interfaces: {eth1: {network: lan}, b: {bond: [], mode: active-backup, miimon: 1s}}}'
	node "loop of bonds" '4:[0-9]+' "b[12]" 'a: {interfaces: {b1: {bond: [b2], mode: active-backup, miimon: 1s}, b2: {bond: [b1], mode: active-backup, miimon: 1s}}}'
	node "unknown network" 4:36 "lam" 'a: {interfaces: {eth1: {network: lam}}}'
	node "prefix without host part" 4:50 "10.0.0.0/24" 'a: {interfaces: {eth1: {network: lan, address: 10.0.0.0/24}}}'
	node "empty range" 4:3 "range" 'a[3-1]: {interfaces: {eth1: {network: lan}}}'
}

profiles() {
	printf 'profile: p\ndefault: {delay: 50}\n' >"$F"
	fails_with 3 "a delay without a unit" "$NETSIM" check "$F"
	like "a delay without a unit: location and remedy" "$ERR" "^$F:2:18: error: .*50.*; .*50ms"
}

bytes() {
	head -c 100000 /dev/zero | tr '\0' '[' >"$F"
	file_error "100,000 brackets" "deep|nest"
	printf 'a: &a [x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n' >"$F"
	file_error "an alias bomb" "alias|anchor"
	printf '%sa: {interfaces: {e\0h: {}}}\n' "$HEAD" >"$F"
	file_error "a NUL" ""
	printf '%s  a: {roles: ["\xff\xfe"]}\n' "$HEAD" >"$F"
	file_error "not UTF-8" "UTF-8"
	: >"$F"
	file_error "an empty file" "empty|no "
	mkdir "$WORK/dir.yaml"
	file_error "a directory" "directory" "$WORK/dir.yaml"
	file_error "no file" "o such file" "$WORK/none.yaml"
}

# As another user, who has no permission to read the file.
unreadable() {
	echo "$HEAD" >"$F"
	chmod 755 "$WORK"
	chmod 000 "$F"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$NETSIM" check "$F"
	is "an unreadable file: exit status" "$STATUS" 3
	like "an unreadable file: the reason" "$ERR" "ermission denied"
	one_line "an unreadable file: one line"
	chmod 644 "$F"
}

usage() {
	fails_with 2 "an unknown command" "$NETSIM" upp
	like "names the nearest" "$ERR" "did you mean up"
	fails_with 2 "an option before the command" "$NETSIM" --json verify
	like "says where options go" "$ERR" "options follow the command: netsim verify --json"
	fails_with 2 "help of a kind of files" "$NETSIM" help topology
	like "names the manual page" "$ERR" "netsim-topology\(5\)"
	fails_with 2 "verify of a node" "$NETSIM" verify n-1
	like "names the option" "$ERR" "there is no fleet n-1; .*--nodes n-1"
	fails_with 2 "up without a file" "$NETSIM" up
	(cd "$WORK" && : >mine.yaml)
	fails_with 2 "up of a file without its ending" env -C "$WORK" "$NETSIM" up mine
	like "names the file" "$ERR" "no topology named mine; did you mean mine.yaml"
	fails_with 2 "an unknown option" "$NETSIM" up --force x.yaml
	fails_with 2 "one that is like another" "$NETSIM" apply --enigne edt lossy
	is "has a suggestion" "$ERR" "netsim: apply: unknown option --enigne; did you mean --engine?"
	fails_with 2 "a long option after one dash" "$NETSIM" partition -for 10s a
	is "has one, too" "$ERR" "netsim: partition: unknown option -for; did you mean --for?"
	fails_with 2 "help of a mistyped command" "$NETSIM" help falut
	is "names the command" "$ERR" "netsim: help: unknown command falut; did you mean fault?"
	fails_with 2 "a comma and a blank between nodes" "$NETSIM" partition a, b
	is "is not taken for two groups" "$ERR" \
		'netsim: partition: a name is missing in "a,"; write a,b for one group of two nodes, and a b for two groups'
	fails_with 2 "JSON of a usage error" "$NETSIM" partition --nmae x -j
	is "has it as any other error" "$(jq -r '.schema, (.errors[] | .status, .hint)' <<<"$OUT")" $'netsim-partition-1\n2\ndid you mean --name?'
	fails_with 2 "a wrong exec of a command with -j" "$NETSIM" exec --nonesuch -- ls -j
	is "is no wish for JSON" "$OUT" ""
	fails_with 2 "an argument too many" "$NETSIM" up a.yaml b.yaml
	fails_with 2 "status of an unknown fleet" "$NETSIM" status nonesuch
	fails_with 2 "apply without a fleet" "$NETSIM" apply constrained
	fails_with 2 "partition without a fleet" "$NETSIM" partition a
	fails_with 2 "heal of an unknown fault" "$NETSIM" heal x
	same "wrong usage"
}

# Files of another kind than the command reads: one line, which names the command for them.
kinds() {
	printf 'profile: p\nnodes: {a: {loss: 1%%}}\ndefault: {}\n' >"$WORK/profile.yaml"
	printf 'fleet: f\nnetworks: {lan: {}}\nnodes: {a: {roles: [backup], interfaces: {eth1: {network: lan}}}}\n' >"$WORK/topo.yaml"
	printf 'scenario: s\nfleet: topo.yaml\ntimeline: [{a: {for: 1s}}]\n' >"$WORK/scenario.yaml"
	fails_with 3 "up of a profile" "$NETSIM" up "$WORK/profile.yaml"
	is "says what it is" "$ERR" "$WORK/profile.yaml:3:1: error: this is a profile, not a topology; put it in force with netsim apply"
	fails_with 3 "up of a scenario" "$NETSIM" up "$WORK/scenario.yaml"
	is "says what it is, too" "$ERR" "$WORK/scenario.yaml:3:1: error: this is a scenario, not a topology; run it with netsim run"
	fails_with 3 "run of a topology" "$NETSIM" run "$WORK/topo.yaml"
	is "likewise" "$ERR" "$WORK/topo.yaml:2:1: error: this is a topology, not a scenario; build it with netsim up"
	check "a fleet" "$NETSIM" up "$WORK/topo.yaml"
	fails_with 3 "apply of a topology" "$NETSIM" apply "$WORK/topo.yaml"
	is "and here" "$ERR" "$WORK/topo.yaml:2:1: error: this is a topology, not a profile; build it with netsim up"
	fails_with 2 "a role that no node has" "$NETSIM" partition @bakcup
	like "is close to one" "$ERR" "no node of the fleet f matches @bakcup; did you mean @backup[?]$"
	check "down" "$NETSIM" down
	same "files of another kind"
}

# --- mistakes that only the kernel detects

# kernel NAME LINE:COLUMN REGEX NETWORK NODE...: refused by the kernel, and undone
kernel() {
	{
		printf 'fleet: f\nnetworks: {lan: %s}\nnodes:\n' "$4"
		printf '  %s\n' "${@:5}"
	} >"$F"
	fails_with 4 "$1" "$NETSIM" up "$F"
	like "$1: location and the kernel's message" "$ERR" "^$F:$2: error: .*\(kernel: .*$3"
	one_line "$1: one line"
	same "$1"
}

refusals() {
	local good='a: {interfaces: {eth1: {network: lan, address: 10.0.0.1/24}}}'
	# Disables IPv6 on links that are created from now on, a setting that no file shows.
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	kernel "an IPv6 address where IPv6 is off" 2:27 "IPv6 is disabled" '{address: "fd00::1/64"}' "$good"
	echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	# On a fleet that is up, up leaves the fleet unchanged.
	printf 'fleet: f\nnetworks: {lan: }\nnodes:\n  %s\n' "$good" >"$F"
	check "up" "$NETSIM" up "$F"
	FLEET=f
	settle a
	echo 1 >/proc/sys/net/ipv6/conf/f-lan/disable_ipv6
	BEFORE=$(dump; dump a)
	sed -i 's,lan: ,&{address: "fd00::1/64"},' "$F"
	echo '  b: {interfaces: {eth1: {network: lan, address: 10.0.0.2/24}}}' >>"$F"
	fails_with 4 "the same on a fleet that is up" "$NETSIM" up "$F"
	is "leaves the fleet as it was" "$(dump; dump a)" "$BEFORE"
	check "down" "$NETSIM" down
}

BEFORE=$(dump)
topologies
profiles
bytes
unreadable
usage
kinds
refusals
done_testing
