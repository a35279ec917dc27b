# needs: native bridge veth netns clsact bpf
# limit: 180
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Partitions under load, by the arrivals of numbered packets between all pairs of five nodes.
# Once `netsim partition` has returned, no packet may cross; within a group, none may be lost
# at any time.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

FLEET=flood
FLOOD=$(dirname "$TESTS")/build/${VARIANT:-release}/tests/tools/flood
RATE=100000 # packets per second, of all pairs together
[[ ${RING:-} != vm ]] || RATE=2000

write_topo() {
	local node n=0
	{
		echo "fleet: $FLEET"
		echo "networks: {lan: {}}"
		echo "nodes:"
		for node in a b c d e; do
			n=$((n + 1))
			echo "  $node: {interfaces: {eth1: {network: lan, address: 10.1.0.$n/24}}}"
		done
	} >"$WORK/flood.yaml"
}

# --- the flood

flood_start() {
	bg "$FLOOD" -r "$1" -o "$WORK/log" "$FLEET".{a,b,c,d,e}/eth1
	! wait_for 15 written ready "$WORK/bg.$BG" || return 0
	not_ok "the flood starts" "$(<"$WORK/bg.$BG")"
	"$NETSIM" down -q
	done_testing
}

# Ends the flood and evaluates it; $MACHINE: packets that the machine dropped itself.
flood_stop() {
	kill -TERM "$BG"
	wait "$BG"
	MACHINE=$(awk '/^machine/ { print $2 }' "$WORK/bg.$BG")
	RAN_AT=$(awk '/^sent/ { printf "%d", $2 / $4 }' "$WORK/bg.$BG")
	"$FLOOD" -a "$WORK/log" "${times[@]}" >"$WORK/cells"
}

note_time() {
	times+=("$EPOCHREALTIME")
}

# under_flood CMD...: runs CMD, which records times, under load. If sockets or queues of a busy
# machine overflowed, the result is invalid: repeats at half the rate.
under_flood() {
	local rate=$RATE try
	for try in 1 2 3; do
		times=()
		flood_start "$rate"
		sleep 0.3
		"$@"
		sleep 0.5
		flood_stop
		[[ $MACHINE -ne 0 ]] || break
		echo "# try $try: the machine lost $MACHINE packets itself at $RAN_AT a second"
		rate=$((rate / 2))
	done
	echo "# $RAN_AT packets a second"
	is "sockets and queues do not overflow" "$MACHINE" 0
}

# --- evaluation

# cells STRETCH CUT EXPRESSION: prints the pairs for which EXPRESSION, in awk with received,
# lost, first, last and gap, is false, and fails if there are any. STRETCH: a number or all;
# CUT: yes, no or all. $CUTS lists the pairs that are cut, as "a>b".
cells() {
	awk -v stretch="$1" -v want="$2" -v cuts=" $CUTS " '
		{
			from = substr($2, index($2, ".") + 1); to = substr($3, index($3, ".") + 1)
			cut = index(cuts, " " from ">" to " ") ? "yes" : "no"
			received = $4; lost = $5; first = $6; last = $7; gap = $8
			if ((stretch == "all" || stretch == $1) && (want == "all" || want == cut) && !('"$3"'))
				{ print; n++ }
			looked += stretch == "all" || stretch == $1
		}
		END { if (!looked) print "no such stretch"; exit n > 0 || !looked }' "$WORK/cells"
}

# all_cells NAME STRETCH CUT EXPRESSION
all_cells() {
	local bad
	if bad=$(cells "${@:2}"); then
		ok "$1"
	else
		not_ok "$1" "$(printf '%s\n' "not so: $4" "stretch from to received lost first last gap" \
			"$(head -n 20 <<<"$bad")")"
	fi
}

# --- a partition and its end

cut_and_heal() {
	note_time
	check "${label}: partition" "$NETSIM" partition "${arguments[@]}"
	note_time
	sleep 1
	note_time
	check "${label}: heal" "$NETSIM" heal
	note_time
}

# proves LABEL CUTS ARGUMENTS...
proves() {
	local label=$1 arguments=("${@:3}")
	CUTS=$2
	under_flood cut_and_heal
	all_cells "$label: all pairs pass before" 0 all 'received > 0'
	all_cells "$label: no packet crosses once the command has returned" 2 yes 'received == 0'
	all_cells "$label: traffic within the groups continues" 2 no 'received > 0'
	all_cells "$label: and never loses a packet" all no 'lost == 0'
	all_cells "$label: cut pairs lose packets only from the command on" 0 yes 'lost == 0 || last > 0.2'
	all_cells "$label: all packets pass once heal has returned" 4 all 'received > 0 && lost == 0'
}

# --- a deadline: 2 s after a time between start and return of the command

cut_for_two_seconds() {
	note_time
	check "a deadline: partition --for 2s" "$NETSIM" partition a,b --for 2s
	note_time
	times+=("$(awk -v t="${times[0]}" 'BEGIN { printf "%.6f", t + 2 }')"
		"$(awk -v t="${times[1]}" 'BEGIN { printf "%.6f", t + 2 }')")
	check "a deadline: the command takes less than 2 s" awk -v a="${times[1]}" -v b="${times[2]}" 'BEGIN { exit a > b }'
	sleep 2.5
}

# Packets are counted by the time of sending, so a sender that the machine delays proves less,
# but never anything false.
deadline() {
	CUTS=$SPLIT
	under_flood cut_for_two_seconds
	all_cells "a deadline: no packet crosses before it" 2 yes 'received == 0'
	all_cells "a deadline: every pair passes after it, and loses nothing" 4 yes 'received > 0 && lost == 0'
	all_cells "a deadline: no packet is lost within the groups" all no 'lost == 0'
	like "a deadline: no fault is left to heal" "$("$NETSIM" heal)" "nothing to heal"
}

# --- a fault in the place of another

replace_often() {
	local i
	"$NETSIM" fault -q --name cut 'loss 100%' a:b
	note_time
	for i in {1..20}; do
		"$NETSIM" fault -q --name cut "loss 100% duplicate $i%" || times+=(failed)
	done
	note_time
}

replaced() {
	CUTS="a>b"
	under_flood replace_often
	is "in place: all commands succeed" "${#times[@]}" 2
	all_cells "in place: no packet meets neither fault" 1 yes 'received == 0'
	all_cells "in place: no other packet is lost" all no 'lost == 0'
	like "in place: one fault is left to heal" "$("$NETSIM" heal)" '^healed fault [0-9]+: cut: loss 100% duplicate 20% on a:b$'
}

SPLIT="a>c a>d a>e b>c b>d b>e c>a c>b d>a d>b e>a e>b"
write_topo
check "up" "$NETSIM" up "$WORK/flood.yaml"
proves "a,b from the rest" "$SPLIT" a,b
proves "three groups" "a>b a>c a>d b>a b>c b>d c>a c>b d>a d>b" a b c,d
proves "groups that overlap" "a>d a>e b>d b>e d>a d>b e>a e>b" a,b,c c,d,e
proves "isolated" "a>b a>c a>d a>e b>a b>c b>d b>e c>a c>b c>d c>e d>a d>b d>c d>e e>a e>b e>c e>d" --isolate
proves "one way" "a>c a>d b>c b>d" --one-way a,b c,d
echo 'cut: {a: [b, c], b: a, d: c, e: c}' >"$WORK/cuts.yaml"
proves "a matrix" "a>b a>c b>a d>c e>c" --matrix "$WORK/cuts.yaml"
deadline
replaced
check "down" "$NETSIM" down
done_testing
