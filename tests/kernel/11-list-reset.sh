# needs: bridge veth netns ifb mirred tbf
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim list and check find files by name; netsim reset removes everything.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# The shipped files, and a profile and a class file of one's own.
lists() {
	mkdir -p "$WORK/here/profiles"
	cd "$WORK/here" || return
	printf '# Mine. Nobody else has it,\n# or ever will.\n\nprofile: lossy\ndefault: {loss: 1%%}\n' >profiles/lossy.yaml
	printf '# The first line, vnet0, ...\n# and the second\nprofile: b\ndefault: {}\n' >profiles/bare.yaml
	printf 'default: {}\n' >profiles/plain.yaml
	printf 'classes: {mine: {tcp: 7}, all: {udp: [1, 2]}}\n' >profiles/classes.yaml
	check "list profiles" "$NETSIM" list profiles
	is "a line for each, with the path of local ones" "$OUT" "bare   The first line, vnet0, ... and the second  (profiles/bare.yaml)
lossy  Mine  (profiles/lossy.yaml)
plain  (profiles/plain.yaml)"
	printf '# %s\nnodes: {}\n' "$(seq -s ' ' 100 140)" >profiles/wide.yaml
	script -qec "$NETSIM list" /dev/null >list
	rm profiles/wide.yaml
	is "on a terminal, long lines are wrapped" "$(tr -d '\r' <list | grep -A 1 wide | head -n 2)" \
		"profile   wide   $(seq -s ' ' 100 115)
                 $(seq -s ' ' 116 131)"
	run "$NETSIM" list profile lossy
	is "one profile is printed as it is" "$OUT" "$(<profiles/lossy.yaml)"
	run "$NETSIM" list classes
	is "classes in their order" "$OUT" "mine  tcp: 7
all   udp: [1, 2]"
	run "$NETSIM" list class all
	is "one class" "$OUT" "all: {udp: [1, 2]}"
	is "names only" "$("$NETSIM" list -q profiles | joined)" "bare lossy plain"
	is "JSON" "$("$NETSIM" list --json profiles | jq -c '.files[1]')" \
		'{"kind":"profile","name":"lossy","path":"profiles/lossy.yaml","summary":"Mine"}'
	is "JSON of one" "$("$NETSIM" list --json profile plain | jq -c 'del(.schema)')" \
		'{"kind":"profile","name":"plain","path":"profiles/plain.yaml","text":"default: {}\n"}'
	is "all kinds" "$("$NETSIM" list | cut -d ' ' -f 1 | uniq | joined)" "profile class"
	fails_with 2 "an unknown kind" "$NETSIM" list profles
	like "has a hint" "$ERR" "there is no kind profles; did you mean profiles\?"
	fails_with 2 "an unknown name" "$NETSIM" list profile losy
	is "has a hint" "$ERR" "netsim: no profile named losy; did you mean lossy?"
	fails_with 2 "an unknown class" "$NETSIM" list class your
	like "says so" "$ERR" "no class named your"
	fails_with 2 "a class with a mistyped name" "$NETSIM" list class al
	like "has a hint" "$ERR" "no class named al; did you mean all\?"
	printf 'classes: {x-a: {tcp: 7}, mine: {tcp: 8}, x-b: {udp: 9}}\n' >profiles/classes.yaml
	check "a family of classes" "$NETSIM" list class x
	is "is listed" "$OUT" "x-a: {tcp: 7}
x-b: {udp: 9}"
	is "JSON of a family" "$("$NETSIM" list --json class x | jq -c '[.files[].name]')" '["x-a","x-b"]'
	printf 'classes: {mine: {tcp: x}}\n' >profiles/classes.yaml
	fails_with 3 "a wrong class file" "$NETSIM" list classes
	like "has the place of the mistake" "$ERR" "^profiles/classes.yaml:1:23: error: "
}

checks() {
	printf 'fleet: lossy\nnetworks: {lan: {}}\nnodes: {a: {interfaces: {eth1: {network: lan}}}}\n' >"$WORK/topo.yaml"
	check "check by name" "$NETSIM" check lossy
	mkdir topo
	sed 's/lan}/wan}/' "$WORK/topo.yaml" >topo/lossy.yaml
	fails_with 3 "a name of several kinds means all" "$NETSIM" check lossy
	like "and the mistake has its file" "$ERR" "^topo/lossy.yaml:3:[0-9]+: error: "
	cp profiles/plain.yaml lossy
	check "a file here goes first" "$NETSIM" check lossy
	fails_with 2 "an unknown name" "$NETSIM" check losy plain
	is "has a hint" "$ERR" "netsim: no file losy, and no topology, profile, scenario or recipe of that name; did you mean lossy?"
	one_line "in one line"
	fails_with 3 "the path of one that is elsewhere" "$NETSIM" check my/profiles/plain.yaml
	is "has its name" "$ERR" \
		"my/profiles/plain.yaml: error: cannot open: No such file or directory; the one that netsim has is called plain"
	is "JSON" "$("$NETSIM" check --json losy 2>/dev/null | jq -c '.errors[0] | [.status, .hint]')" '[2,"did you mean lossy?"]'
}

# Two fleets with a fault; with netem, also an interface without a fleet.
everything() {
	local fleet
	for fleet in one two; do
		printf 'fleet: %s\nnetworks: {br-%s: {}}\nnodes: {"n-[1-2]": {interfaces: {eth1: {network: br-%s}}}}\n' \
			$fleet $fleet $fleet >"$WORK/$fleet.yaml"
		"$NETSIM" up -q "$WORK/$fleet.yaml"
	done
	check "a fault" "$NETSIM" partition -q -f one n-1
	[[ $SHAPED ]] || return 0
	printf 'default: {rate: 8mbit}\n' >"$WORK/slow.yaml"
	check "apply to an interface" "$NETSIM" apply -q "$WORK/slow.yaml" eth1 --as x
}

resets() {
	local before
	ip link add eth1 type veth peer name eth2
	ip link set eth1 up
	before=$(ip -o link | wc -l)
	SHAPED=
	# It can be tried only where it works.
	if tc qdisc add dev eth2 root netem 2>/dev/null; then
		tc qdisc del dev eth2 root
		SHAPED=yes
	else
		skip "an interface without a fleet" "this kernel has no sch_netem"
	fi
	everything
	check "reset -n" "$NETSIM" reset -n
	is "lists all" "$OUT" "- one: the fleet
- two: the fleet${SHAPED:+
- eth1: the shaping of the interface}"
	is "and removes nothing" "$(ip netns list | awk '{ print $1 }' | sort | joined)" "one.n-1 one.n-2 two.n-1 two.n-2"
	check "reset" "$NETSIM" reset
	is "says what it removed" "$OUT" "one: removed
two: removed${SHAPED:+
eth1: cleared}"
	is "no namespace is left" "$(ip netns list)" ""
	is "no qdisc" "$(tc qdisc show dev eth1 | grep -cE 'netem|ingress|clsact')" 0
	is "and only the foreign links" "$(ip -o link | wc -l)" "$before"
	check "reset again" "$NETSIM" reset
	is "has nothing to do" "$OUT" "nothing to remove"
	everything
	is "JSON" "$("$NETSIM" reset --json | jq -c 'del(.schema)')" "{\"fleets\":[\"one\",\"two\"],\"interfaces\":[${SHAPED:+\"eth1\"}]}"
	ip link del eth1
}

elsewhere || {
	lists
	checks
	cd / || exit
}
resets
done_testing
