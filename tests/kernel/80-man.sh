# needs: native bridge veth netns tap clsact bpf
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the examples of the manual in order, page by page: lines with "# " or "$ " in the
# literal blocks of EXAMPLES. Pages with a comment .\" needs: ... require kernel features; they
# are run by 81-man-full.sh, which sources this file, the others here.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

ROOT=$(dirname "$TESTS")
FULL=${FULL:-}

# The command lines of a page.
lines_of() {
	awk '/^\.Sh / { examples = ($2 == "EXAMPLES") }
		examples && /^\.Bd -literal/ { on = 1; next }
		/^\.Ed/ { on = 0 }
		on && /^[#$] / { print substr($0, 3) }' "$1"
}

netsim() {
	"$NETSIM" "$@"
}

run_line() {
	eval "$1"
}

check_page() {
	local page=${1##*/} line lines
	mapfile -t lines < <(lines_of "$1")
	for line in "${lines[@]}"; do
		check "$page: $line" run_line "$line"
	done
	is "$page: no fleet is left" "$(netsim status)" "no fleet is up, and no interface is shaped"
}

check_pages() {
	local path
	for path in man/*; do
		if grep -q '^\.\\" needs:' "$path"; then
			[[ -z $FULL ]] || check_page "$path"
		else
			[[ -n $FULL ]] || check_page "$path"
		fi
	done
}

# completes WANTED WORD...: checks the completions of the last word
completes() {
	local wanted=$1 got
	shift
	got=$(
		# shellcheck source=/dev/null
		. cli/netsim.bash
		COMP_WORDBREAKS=" " COMP_WORDS=(netsim "$@") COMP_CWORD=$#
		COMP_LINE="netsim $*"
		COMP_POINT=${#COMP_LINE} COMPREPLY=()
		_netsim "$NETSIM" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
		printf '%s\n' "${COMPREPLY[@]}" | sort | xargs
	)
	is "completion: netsim $*" "$got" "$wanted"
}

check_completion() {
	netsim up simple >/dev/null
	netsim partition server-1 >/dev/null
	completes "server-1 server-2" exec s
	completes "@agent @server" partition @
	completes "agent-1,server-1 agent-1,server-2" partition agent-1,ser
	completes "host" partition h
	completes "simple" down ""
	completes "simple" status -f s
	netsim fault 'loss 1%' agent-1:server-1 --name wan >/dev/null
	completes "1 wan" heal ""
	completes "agent-1:server-1 agent-1:server-2" fault 'loss' agent-1:s
	completes "@agent" link down @a
	completes "agent-1" apply constrained agent-1
	netsim down >/dev/null
}

cd "$ROOT" || exit 1
# The examples use an interface eth1.
ip link add eth1 type veth peer name eth1.far
ip link set eth1 up
ip link set eth1.far up
check_pages
[[ -n $FULL ]] || check_completion
ip link delete eth1
done_testing
