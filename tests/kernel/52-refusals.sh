# needs: native bridge veth netns setpriv
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What cannot be examined, for lack of privilege or of open files, is neither foreign nor
# absent: the message names the cause, and nothing is advised that would do harm.
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

# Any limit: what is said depends on the file that is one too many, what is not said does not.
few_files() {
	local limit command words=
	for limit in $(seq 4 18); do
		for command in "up $F" "plan $F" status; do
			# shellcheck disable=SC2086
			run prlimit --nofile="$limit" "$NETSIM" $command
			words+="$ERR"$'\n'
			[[ $STATUS -eq 0 || $ERR == *"Too many open files"* ]] ||
				not_ok "$command with $limit files" "$(caught "$command")"
		done
	done
	like "few files: some command lacks one" "$words" "Too many open files; raise the limit of open files"
	unlike "few files: no namespace is taken for foreign" "$words" 'did not make|delete'
	blind "down with few files" 5 "Too many open files" prlimit --nofile=9 "$NETSIM" down
	check "the fleet is as the file says" "$NETSIM" up "$F"
	is "of four nodes" "$(printf '%s\n' /run/netns/f.n-* | wc -l)" 4
}

# Only namespaces are left of a fleet: they alone say that there is one.
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

check "up" "$NETSIM" up "$F"
unprivileged
few_files
only_namespaces
taps
done_testing
