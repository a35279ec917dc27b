# needs: native bridge veth netns python3 curl
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Workloads: commands in nodes, started without a shell, in cgroups; their logs, ends, pauses and
# readiness; that nothing survives the end of a run, or `netsim down` after a run was killed.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=work
CGROUPS=$(awk '$(NF - 2) == "cgroup2" { print $5 }' /proc/self/mountinfo | tail -n 1)
MINE=$CGROUPS/netsim@work@$(stat -L -c %i /proc/self/ns/net)

build() {
	cat >"$WORK/work.yaml" <<-'EOT'
		fleet: work
		networks: {lan: {}}
		nodes:
		  a: {interfaces: {eth1: {network: lan, address: 10.7.0.1/24}}}
		  b: {interfaces: {eth1: {network: lan, address: 10.7.0.2/24}}}
	EOT
	check "up" "$NETSIM" up "$WORK/work.yaml"
}

# --- the tool: one command per line, and one answer

tool_start() {
	rm -f "$WORK/in"
	mkfifo "$WORK/in"
	# shellcheck disable=SC2016 # for the inner shell
	bg bash -c 'exec "$0" work <"$1"' "$HELPERS/workload" "$WORK/in"
	TOOL=$BG LOG=$WORK/bg.$BG
	exec 7>"$WORK/in"
}

tool_end() {
	exec 7>&-
	wait "$TOOL"
}

answers_given() {
	grep -cE '^(done|error) ' "$LOG"
}

more_answers() {
	[[ $(answers_given) -gt $1 ]]
}

# say COMMAND...: sets $SAID to the answer
say() {
	local before
	before=$(answers_given)
	echo "$*" >&7
	wait_for 30 more_answers "$before" || not_ok "$* is answered"
	SAID=$(grep -E '^(done|error) ' "$LOG" | tail -n 1)
}

# told REGEX: the log has such a line
told() {
	grep -qE "$1" "$LOG"
}

# pids_of PATTERN: processes whose command line matches
pids_of() {
	pgrep -f -- "$1"
}

# --- parts

starting() {
	tool_start
	say env "COLOUR=blue and green"
	say folder /usr
	# Words are split at spaces by the tool only; no shell expands them.
	say add plain a "$WORK/plain.log" /bin/echo '$HOME' '*' ';' '>x'
	say start plain a
	check "a command ends by itself" wait_for 5 told '^exit plain a alone ended with exit status 0'
	is "it is run without a shell" "$(<"$WORK/plain.log")" '$HOME * ; >x'
	say add state b "$WORK/state.log" python3 -c \
		'import(os,sys)'
	say start state b
	wait_for 5 told '^exit state b'
	like "stderr goes to the log" "$(<"$WORK/state.log")" "SyntaxError"
	check "an exit status is reported" told '^exit state b alone ended with exit status 1'
	cat >"$WORK/inspect" <<-'EOT'
		#!/usr/bin/python3
		import os, signal
		print(os.getcwd(), os.environ["COLOUR"], sorted(map(int, os.listdir("/proc/self/fd")))[:3],
		      len(os.listdir("/proc/self/fd")), os.getsid(0) == os.getpid())
		blocked = [l for l in open("/proc/self/status") if l.startswith(("SigBlk", "SigIgn"))]
		print(["%016x" % (int(mask, 16) & ~(3 << 31)) for mask in "".join(blocked).split()[1::2]])
		print(sorted(os.listdir("/sys/class/net")))
		print(open("/proc/self/cgroup").read())
	EOT
	chmod +x "$WORK/inspect"
	say add inspect a "$WORK/inspect.log" "$WORK/inspect"
	say start inspect a
	wait_for 5 told '^exit inspect a'
	# python itself ignores SIGPIPE and SIGXFSZ; signals 32 and 33 are glibc's. The fourth
	# descriptor is that of listdir().
	like "folder, environment and descriptors" "$(sed -n 1p "$WORK/inspect.log")" \
		'^/usr blue \[0, 1, 2\] 4 True$'
	is "no signal is blocked, none ignored" "$(sed -n 2p "$WORK/inspect.log")" \
		"['0000000000000000', '0000000001001000']"
	is "/sys is that of the node" "$(sed -n 3p "$WORK/inspect.log")" "['eth1', 'lo']"
	like "it is in its cgroup" "$(<"$WORK/inspect.log")" "0::.*/netsim@work@[0-9]+/inspect@a"
}

refusals() {
	say add missing a "$WORK/missing.log" nosuchprogram -x
	say start missing a
	is "a missing program" "$SAID" "error cannot run nosuchprogram: No such file or directory"
	say add noexec a "$WORK/missing.log" "$WORK/work.yaml"
	say start noexec a
	is "a file that cannot be executed" "$SAID" "error cannot run $WORK/work.yaml: Permission denied"
	printf 'echo shell\n' >"$WORK/script"
	chmod +x "$WORK/script"
	say add script a "$WORK/script.log" "$WORK/script"
	say start script a
	is "a script without #! is not given to a shell" "$SAID" "error cannot run $WORK/script: Exec format error"
	say add nolog a "$WORK/none/x.log" true
	say start nolog a
	is "a log in a folder that is missing" "$SAID" "error cannot write $WORK/none/x.log: No such file or directory"
	say add nonode c "$WORK/c.log" true
	say start nonode c
	like "a node that does not exist" "$SAID" "^error cannot run true: there is no network namespace work.c"
	say pause missing a
	is "pausing what does not run" "$SAID" "error cannot pause missing in a: it does not run"
}

# Counts up each 10 ms, in a child that has left the session.
write_counter() {
	cat >"$WORK/counter" <<-'EOT'
		#!/usr/bin/python3
		import os, sys, time
		if os.fork() == 0:
		    os.setsid()
		    n = 0
		    while True:
		        n += 1
		        with open(sys.argv[1] + ".new", "w") as f: f.write(str(n))
		        os.rename(sys.argv[1] + ".new", sys.argv[1])
		        time.sleep(0.01)
		time.sleep(1000)
	EOT
	chmod +x "$WORK/counter"
}

counts_on() {
	[[ -s $WORK/count && $(<"$WORK/count") -gt $1 ]]
}

pausing() {
	local before
	write_counter
	say add counter a "$WORK/counter.log" "$WORK/counter" "$WORK/count"
	say start counter a
	check "it runs" wait_for 5 counts_on 3
	say start counter a
	is "a member is started once only" "$SAID" "error counter is already running in a"
	say pause counter a
	is "pause" "$SAID" "done pause"
	before=$(<"$WORK/count")
	# Each read of a frozen counter sees the same number; ten periods of the counter pass.
	sleep 0.1
	is "all processes stand still, also in a session of their own" "$(<"$WORK/count")" "$before"
	say continue counter a
	check "continue" wait_for 5 counts_on "$before"
	say pause counter a
	say kill KILL counter a
	is "a paused member can be killed" "$SAID" "done kill"
	check "its end is reported as requested" wait_for 5 told '^exit counter a requested was killed by SIGKILL'
	check "its child, too" not pids_of "$WORK/counter"
	rm -f "$WORK/count"
	say start counter a
	check "it can be started again" wait_for 5 counts_on 3
	say state counter a
	check "and is not paused" told '^state running'
	say kill TERM counter a
	check "other signals are sent to all its processes" wait_for 5 not pids_of "$WORK/counter"
	check "the end names the signal" wait_for 5 told '^exit counter a requested was killed by SIGTERM'
}

# A server that is ready at once, later, or never.
readiness() {
	local server="$HELPERS/httpd"
	say add web b "$WORK/web.log" "$server" 10.7.0.2 8080
	say start web b
	say ready web b 5000 log ready
	is "ready: a line in the log" "$SAID" "done ready"
	say add late b "$WORK/late.log" sh -c "sleep" 1000
	say ready web b 5000 http http://10.7.0.2:8080/
	is "ready: status 200" "$SAID" "done ready"
	say ready web b 300 http http://10.7.0.2:8080/status/503
	like "not ready: another status" "$SAID" \
		"^error b: http://10.7.0.2:8080/status/503 answered with status 503 for 0[.][2-9] s; the last line of its log: ready$"
	say ready web b 300 http http://10.7.0.2:8080/hang
	like "not ready: no answer" "$SAID" "^error b: no answer from http://10.7.0.2:8080/hang for 0[.][3-9] s"
	say ready web b 0 http http://10.7.0.2:8080/hang
	like "nor when no time is left" "$SAID" "^error b: no answer from http://10.7.0.2:8080/hang for 0[.]"
	say ready web b 300 tcp 81
	like "not ready: refused" "$SAID" "^error b: port 81 refused for 0[.][3-9] s; the last line of its log: ready$"
	say ready web b 5000 run curl -sf http://10.7.0.2:8080/
	is "ready: a command, in the node" "$SAID" "done ready"
	say ready web b 300 run false
	like "not ready: a command" "$SAID" "^error b: false ended with exit status 1 for "
	say ready web b 300 run sleep 1000
	like "not ready: a command that hangs" "$SAID" "^error b: sleep did not end for "
	check "which is killed" not pids_of "^sleep 1000"
	say ready web b 300 log nosuchline
	like "not ready: a line" "$SAID" '^error b: no "nosuchline" in its log for '
	say add dies a "$WORK/dies.log" sh -c 'exit'
	say start dies a
	wait_for 5 told '^exit dies a'
	say ready dies a 20000 tcp 80
	like "not ready: it has ended" "$SAID" "^error a: ended with exit status 0; its log is empty$"
	say kill TERM web b
	check "a server ends" wait_for 5 told '^exit web b requested was killed by SIGTERM'
	say start web b
	say ready web b 5000 log ready
	is "after a restart, the log is searched from there" "$SAID" "done ready"
}

tree_gone() {
	[[ ! -e $MINE ]]
}

# Ignores SIGTERM, in a child, too.
write_stubborn() {
	cat >"$WORK/stubborn" <<-'EOT'
		#!/bin/bash
		trap '' TERM
		(trap '' TERM; while :; do sleep 1000; done) &
		echo ready
		while :; do sleep 1000; done
	EOT
	chmod +x "$WORK/stubborn"
}

ending() {
	local zombies
	write_stubborn
	say add stubborn a "$WORK/stubborn.log" "$WORK/stubborn"
	say start stubborn a
	say ready stubborn a 5000 log ready
	say pause web b
	say end 300
	check "one member had to be killed" told '^ended 1'
	check "the end of each is reported" told '^exit stubborn a requested was killed by SIGKILL'
	check "a paused one ends by SIGTERM" told '^exit web b requested was killed by SIGTERM'
	check "no process is left" not pids_of "$WORK/stubborn"
	check "no cgroup is left" tree_gone
	zombies=$(ps -o stat= --ppid "$(pgrep -x workload)" | grep -c Z)
	is "no zombie is left" "$zombies" 0
	tool_end
}

# 100 starts leave no descriptor behind.
leaks() {
	local i first
	tool_start
	say add short a "$WORK/short.log" true
	say add bad a "$WORK/short.log" nosuchprogram
	say descriptors
	first=$(grep '^descriptors' "$LOG" | tail -n 1)
	for ((i = 1; i <= 50; i++)); do
		say start bad a
		say start short a
		wait_for 5 ends_seen "$i" || break
	done
	is "each end is seen" "$(grep -c '^exit short' "$LOG")" 50
	say descriptors
	is "no descriptor leaks" "$(grep '^descriptors' "$LOG" | tail -n 1)" "$first"
	say end 300
	tool_end
}

# The last one takes a while to end, and the first one, which it may use, runs until then.
reversed() {
	tool_start
	# shellcheck disable=SC2016 # for the shell of the workload
	printf '#!/bin/bash\ntrap "sleep 0.5; exit" TERM\necho ready\nwhile :; do sleep 1000 & wait $!; done\n' >"$WORK/slow"
	chmod +x "$WORK/slow"
	say add first a "$WORK/first.log" sleep 1000
	say add first b "$WORK/first.log" sleep 1000
	say add last a "$WORK/last.log" "$WORK/slow"
	say start first a
	say start first b
	say start last a
	say ready last a 5000 log ready
	say end 5000
	check "they end in reverse" told '^ended 0'
	is "the last one first" "$(awk '$1 == "exit" { print $2; exit }' "$LOG")" last
	tool_end
}

ends_seen() {
	[[ $(grep -c '^exit short' "$LOG") -ge $1 ]]
}

# A run that is killed; another fleet of the same name in another namespace is left alone.
killed() {
	local other=$CGROUPS/netsim@work@1 survivors listed
	tool_start
	write_counter
	say add counter a "$WORK/counter.log" "$WORK/counter" "$WORK/count"
	say add stubborn b "$WORK/stubborn.log" "$WORK/stubborn"
	say add local host "$WORK/stubborn.log" "$WORK/stubborn"
	say start counter a
	say start stubborn b
	say start local host
	say ready stubborn b 5000 log ready
	say processes
	like "survivors are listed" "$(grep '^process' "$LOG")" "process stubborn@b [0-9]+"
	say pause counter a
	kill -KILL "$(pgrep -x workload)"
	exec 7>&-
	wait "$TOOL" 2>/dev/null
	mkdir -p "$other/x@y"
	check "workloads survive kill -9" pids_of "$WORK/stubborn"
	survivors=$(cat "$MINE"/*/cgroup.procs | sort)
	listed=$("$NETSIM" down -n work | sed -n 's/^- process \([0-9]*\) (workload .*/\1/p' | sort)
	like "down -n lists them with their members" "$("$NETSIM" down -n work)" \
		'- process [0-9]+ [(]workload stubborn/b[)]'
	like "also those on the host" "$("$NETSIM" down -n work)" \
		'- process [0-9]+ [(]workload local/host[)]'
	is "each survivor is listed once" "$listed" "$survivors"
	is "and none is killed" "$(cat "$MINE"/*/cgroup.procs | sort)" "$survivors"
	is "would_remove has each" "$("$NETSIM" down -n --json work | grep -o '"- process [^"]*"' | wc -l)" \
		"$(wc -l <<<"$survivors")"
	check "down" "$NETSIM" down work
	check "kills them" not pids_of "$WORK/(stubborn|counter)"
	check "removes their cgroups" tree_gone
	check "not those of another network namespace" test -d "$other/x@y"
	rmdir "$other/x@y" "$other"
}

# Without cgroup2 there is an error, and down works all the same.
without() {
	local text
	"$NETSIM" up -q "$WORK/work.yaml"
	text=$(echo "add plain a $WORK/plain.log true" |
		unshare -m sh -c 'while umount -l -t cgroup2 -a; do :; done 2>/dev/null
			for mount in $(awk "\$(NF - 2) == \"cgroup2\" { print \$5 }" /proc/self/mountinfo); do
				umount -l "$mount"
			done 2>/dev/null
			"$0" work' "$HELPERS/workload")
	is "without cgroup2, a clear error" "$text" \
		"error workloads need cgroups (v2), and no cgroup2 filesystem is mounted"
	check "down does not need it" unshare -m sh -c 'for mount in $(awk "\$(NF - 2) == \"cgroup2\" { print \$5 }" \
			/proc/self/mountinfo); do umount -l "$mount"; done 2>/dev/null; "$0" down work' "$NETSIM"
}

build
starting
refusals
pausing
readiness
ending
reversed
leaks
killed
without
done_testing
