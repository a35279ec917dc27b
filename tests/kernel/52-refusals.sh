# needs: native bridge veth netns setpriv
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An object that cannot be examined, for lack of privilege or of open files, counts neither as
# foreign nor as absent: the message names the cause, and no hint gives harmful advice.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

FLEET=f
F=/run/f-$SUFFIX.yaml # readable for the user nobody
cat >"$F" <<'EOF'
fleet: f
networks: {lan: {}}
nodes:
  n-[1-4]: {interfaces: {eth1: {network: lan, address: "10.0.0.{n}/24"}}}
EOF
chmod 644 "$F"
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# blind NAME STATUS CAUSE CMD...: fails with the cause, and calls nothing foreign or absent
blind() {
	fails_with "$2" "$1" "${@:4}"
	like "$1: the cause" "$ERR" "$3"
	unlike "$1: nothing is to be deleted" "$ERR$OUT" 'did not make|ip netns delete|no fleet'
	one_line "$1: one line"
}

unprivileged() {
	local command
	for command in "plan $F" "up $F" "exec n-1 -- true" "down"; do
		# shellcheck disable=SC2086
		blind "${command% /*} without privilege" 5 "not permitted|ermission denied.*; run netsim as root" \
			"${nobody[@]}" "$NETSIM" $command
	done
	blind "doctor without privilege" 5 "not permitted; run netsim as root" \
		"${nobody[@]}" "$NETSIM" doctor
	is "all nodes are still there" "$(printf '%s\n' /run/netns/f.n-* | wc -l)" 4
}

# with_files LIMIT COMMAND: succeeds, or fails for the limit and says how to raise it
with_files() {
	# shellcheck disable=SC2086
	run prlimit --nofile="$1" "$NETSIM" $2
	words+="$ERR"$'\n'
	[[ $STATUS -eq 0 || $STATUS -eq 5 && $ERR == *"Too many open files; raise the limit"* ]] ||
		not_ok "$2 with $1 files" "$(caught "$2")"
}

# With any limit: the message depends on the file at which the limit is reached, but none takes a
# namespace for foreign.
few_files() {
	local limit command words=
	for limit in $(seq 4 18); do
		for command in "up $F" "plan $F" status; do
			with_files "$limit" "$command"
		done
	done
	for limit in $(seq 4 2 44); do
		with_files "$limit" "capture --for 10ms"
		with_files "$limit" "partition n-1"
		is "partition with $limit files: status lists it, or it failed" \
			"$("$NETSIM" status --json | jq '.fleets[0].faults | length')" "$((STATUS == 0))"
		"$NETSIM" heal -q
	done
	like "few files: some command lacks one" "$words" "Too many open files; raise the limit of open files"
	unlike "few files: no namespace is taken for foreign" "$words" 'did not make|delete'
	blind "down with few files" 5 "Too many open files" prlimit --nofile=9 "$NETSIM" down
	check "the fleet is as the file says" "$NETSIM" up "$F"
	is "of four nodes" "$(printf '%s\n' /run/netns/f.n-* | wc -l)" 4
}

# A limit on the stack is no reason to crash.
small_stack() {
	local command
	printf 'profile: p\nengine: edt\npairs: [{from: n-1, to: n-2, loss: 5%%}]\nclasses: {iscsi: {loss: 1%%}}\n' >"$WORK/p.yaml"
	echo "class-file: $(dirname "$TESTS")/profiles/classes.yaml" >>"$WORK/p.yaml"
	for command in "check $F" "plan $F" "up $F" status "partition n-1" heal "check $WORK/p.yaml" "apply $WORK/p.yaml" \
		"measure --for 50ms" "capture --for 50ms" "verify --quick --accept-unmeasured" clear; do
		# shellcheck disable=SC2086
		check "${command%% *} with a stack of 64 KiB" prlimit --stack=65536 "$NETSIM" $command
	done
}

# Only the namespaces of a fleet are left: they alone show that it exists.
only_namespaces() {
	local link
	ip -o link show | sed -n 's/^[0-9]*: \([^:@]*\).*/\1/p' | grep -v '^lo$' | while read -r link; do
		ip link del "$link" 2>/dev/null
	done
	blind "status of bare namespaces without privilege" 5 "run netsim as root" \
		"${nobody[@]}" "$NETSIM" status
	blind "down of bare namespaces with few files" 5 "Too many open files" \
		prlimit --nofile=6 "$NETSIM" down
	check "down" "$NETSIM" down
	is "no namespace is left" "$(printf '%s\n' /run/netns/f.*)" "/run/netns/f.*"
}

# A tap device that cannot be opened is not one that the kernel lacks.
taps() {
	printf 'fleet: f\nnetworks: {lan: {}}\nnodes: {m: {kind: tap, interfaces: {e: {network: lan}}}}\n' >"$F"
	[[ -c /dev/net/tun ]] || { skip "/dev/net/tun" "there is none"; return; }
	: >"$WORK/tun"
	mount --bind "$WORK/tun" /dev/net/tun
	run "$NETSIM" up "$F"
	umount /dev/net/tun
	is "a /dev/net/tun that is another file: exit status" "$STATUS" 4
	unlike "a /dev/net/tun that is another file: no module is missing" "$ERR" modprobe
	run unshare -m sh -c 'mount -t tmpfs tmpfs /dev && exec "$@"' sh "$NETSIM" up "$F"
	is "no /dev/net/tun: exit status" "$STATUS" 5
	like "no /dev/net/tun: a module is missing" "$ERR" "No such file.*modprobe tun"
}

# A request that a command cannot fulfil is refused, with the right exit status.
statuses() {
	check "heal without a fleet" "$NETSIM" heal
	like "heal without a fleet: says so" "$OUT" "nothing to heal"
	fails_with 2 "heal of a fault without a fleet" "$NETSIM" heal 3
	printf 'fleet: w\nnetworks: {l: {}}\nnodes: {a: {interfaces: {e: {network: l}, f: {network: l}, b: {bond: [e, f], mode: active-backup}}}}\n' >"$WORK/w.yaml"
	check "check -j of a file with a warning only" "$NETSIM" check -j "$WORK/w.yaml"
	is "check -j: the status of a warning" "$(jq -c '[.errors[] | [.warning, .status]]' <<<"$OUT")" "[[true,0]]"
	check "up of the first fleet" "$NETSIM" up "$F"
	fails_with 127 "exec of no command" "$NETSIM" exec n-1 -- nosuchcmd
	like "exec of no command: says why" "$ERR" "cannot run nosuchcmd: No such file"
	fails_with 126 "exec of a file that cannot be executed" "$NETSIM" exec n-1 -- "$F"
	like "exec of a file that cannot be executed: says why" "$ERR" "Permission denied"
	is "exec: signals as before" "$(prlimit --fsize=100 "$NETSIM" exec n-1 -- grep SigIgn /proc/self/status)" \
		"$(grep SigIgn /proc/self/status)"
	fails_with 7 "exec: else the status of the command" "$NETSIM" exec n-1 -- sh -c 'exit 7'
	fails_with 2 "exec in no node" "$NETSIM" exec n-9 -- true
}

# Standard files that are closed: nothing printed goes into a file or socket that took their place.
closed() {
	local command words
	for command in status "measure --for 50ms --classes $TESTS/../profiles/classes.yaml" "partition n-1" heal; do
		read -ra words <<<"$command"
		# shellcheck disable=SC2016 # for the inner shell
		fails_with 5 "${words[0]} with all standard files closed" \
			bash -c '"$@" <&- >&- 2>&-' - "$NETSIM" "${words[@]}"
	done
	# shellcheck disable=SC2016
	run bash -c '"$@" >&-' - "$NETSIM" status
	is "status with standard output closed: says so" "$STATUS $ERR" "5 netsim: cannot write standard output"
	# shellcheck disable=SC2016
	is "exec: a closed file is closed for the command" \
		"$(bash -c '"$@" 2>&-' - "$NETSIM" exec n-1 -- sh -c '[ -e /proc/self/fd/2 ] || echo closed')" closed
	is "and nothing is left in force" "$("$NETSIM" status --json | jq '.fleets[0].faults | length')" 0
}

# Frames that no burst or queue can hold; classes of the profile in force.
profiles() {
	local key
	for key in burst queue; do
		printf 'profile: x\ndefault: {rate: 100mbit, %s: 1513B}\n' "$key" >"$WORK/x.yaml"
		fails_with 3 "a $key below a frame" "$NETSIM" apply "$WORK/x.yaml"
		like "a $key below a frame: place and remedy" "$ERR" "x.yaml:2:[0-9]+: error: $key: .*1500; at least 1514B"
	done
	printf 'classes: {p80: {tcp: 80}}\n' >"$WORK/own.yaml"
	printf 'profile: x\nclass-file: own.yaml\ndefault: {loss: 1%%}\n' >"$WORK/x.yaml"
	check "apply of a profile with its own class file" "$NETSIM" apply "$WORK/x.yaml"
	check "a fault of its class" "$NETSIM" fault 'loss 5%' n-1 --class p80
	fails_with 2 "a fault of a class that it does not have" "$NETSIM" fault 'loss 5%' n-1 --class etcd-peer
	check "heal" "$NETSIM" heal
	printf 'profile: x\nclass-file: own.yaml\nclasses: {p80: {loss: 1%%}}\npairs: [{between: [n-1, n-2], loss: 2%%}]\n' >"$WORK/x.yaml"
	check "apply of pairs and classes" "$NETSIM" apply "$WORK/x.yaml"
	like "says that there are some" "$OUT" "engine edt.*, 1 pair, 1 class"
	check "apply -j" "$NETSIM" apply -j "$WORK/x.yaml"
	is "apply -j: the same" "$(jq -c '[.engine, .pairs, .classes]' <<<"$OUT")" '["edt",1,1]'
	printf 'profile: x\npairs: [{between: [n-1, n-2], loss: 2%%}, {from: n-1, to: zz, loss: 2%%}]\n' >"$WORK/x.yaml"
	check "apply of a pair with a node that is not there" "$NETSIM" apply -j "$WORK/x.yaml"
	is "does not count it, and warns" "$(jq -c '[.pairs, .warnings[].what]' <<<"$OUT")" \
		'[1,"1 of 2 pairs are without effect, since the fleet has no zz"]'
	like "also on standard error" "$ERR" "^$WORK/x.yaml:2:[0-9]+: warning: 1 of 2 pairs are"
	check "clear" "$NETSIM" clear
}

# Without netem in the kernel, a profile that requests it is refused: no other engine replaces it.
no_netem() {
	if unshare -n tc qdisc add dev lo root netem 2>/dev/null; then
		skip "a profile that asks for netem" "this kernel has it"
		return
	fi
	printf 'profile: x\nengine: netem\ndefault: {loss: 1%%}\n' >"$WORK/x.yaml"
	fails_with 5 "a profile that asks for netem" "$NETSIM" apply "$WORK/x.yaml"
	like "a profile that asks for netem: says what is missing" "$ERR" "no netem"
	sed -i 's/netem/auto/' "$WORK/x.yaml"
	check "the same without asking" "$NETSIM" apply "$WORK/x.yaml"
	check "clear it" "$NETSIM" clear
}

# --as names an entry of the profile.
entries() {
	ip link add dummy7 type veth peer dummy8
	printf 'profile: x\ndefault: {loss: 1%%}\nnodes: {n100-1: {loss: 2%%}, "jetson-*": {loss: 3%%}}\n' >"$WORK/x.yaml"
	fails_with 2 "--as of no entry" "$NETSIM" apply -n "$WORK/x.yaml" dummy7 --as n100-2
	like "--as of no entry: the nearest" "$ERR" "n100-2: the profile has no entry.*; did you mean n100-1"
	fails_with 2 "--as of nothing alike" "$NETSIM" apply -n "$WORK/x.yaml" dummy7 --as zzzzzzzz
	like "--as of nothing alike: the entries" "$ERR" "its entries are n100-1, jetson-"
	check "--as of a pattern" "$NETSIM" apply -n "$WORK/x.yaml" dummy7 --as jetson-3
	like "--as of a pattern: its entry" "$OUT" "3%"
	ip link del dummy7
}

statuses
closed
profiles
no_netem
entries
unprivileged
few_files
small_stack
only_namespaces
taps
done_testing
