# needs: native etcd curl bridge veth netns tap clsact bpf
# limit: 240
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the examples of the manual in order, page by page: lines with "# " or "$ " in the
# literal blocks of EXAMPLES. Pages with a comment .\" needs: ... require kernel features; they
# are run by 81-man-full.sh, which sources this file, the others here.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

ROOT=$(realpath "$(dirname "$TESTS")")
PATH=$ROOT/build/unpacked/etcd-server/usr/bin:$PATH
FULL=${FULL:-}

# The command lines of a page.
lines_of() {
	awk '/^\.Sh / { examples = ($2 == "EXAMPLES") }
		examples && /^\.Bd -literal/ { on = 1; next }
		/^\.Ed/ { on = 0 }
		on && /^[#$] / { print substr($0, 3) }' "$1"
}

# A program, not a function: an example ends one by its process number.
mkdir "$WORK/bin"
ln -s "$(realpath "$NETSIM")" "$WORK/bin/netsim"
PATH=$WORK/bin:$PATH

# A run on a busy machine may prove less than was asked.
run_line() {
	local status=0
	eval "$1" || status=$?
	[[ $status -eq 0 || ( $status -eq 6 && $1 =~ ^netsim\ (run|report) ) ]]
}

# A folder like the root of the tree, in memory, in which two scenarios are shorter and ask less.
make_root() {
	mkdir "$WORK/root"
	mount -t tmpfs -o size=1g none "$WORK/root"
	trap 'cd /; umount "$WORK/root"; at_exit' EXIT
	cd "$WORK/root" || exit 1
	ln -s "$ROOT"/* .
	rm scenarios
	cp -r "$ROOT/scenarios" .
	sed -i -E -e 's/for: 3s/for: 1s/; s/for: [468]s/for: 3s/; s/repeat: 9, 1s..3s/repeat: 1, 1s..2s/' \
		-e 's/outage <= (3s|500ms)/outage <= 60s/; s/available 100%/available 1%/; s/>= 90/>= 1/' \
		-e 's/changes = [01]/changes <= 9/; s/etcd agrees within 5s, //; s/> 8s/> 90s/' \
		scenarios/{leader-cut,rejoin-disruption}.yaml
}

# Prerequisites of the examples: members of etcd, evidence of runs.
prepare() {
	case $1 in
	*--members*)
		bg ip netns exec simple.server-1 etcd --data-dir "$WORK/root/data" \
			--listen-client-urls http://192.168.1.1:2379 --advertise-client-urls http://192.168.1.1:2379
		check "etcd answers" wait_for 30 ip netns exec simple.server-1 \
			curl -sf -o /dev/null http://192.168.1.1:2379/health
		;;
	"netsim report before after")
		mv evidence before
		cp -r netsim-run-leader-cut-2* after
		;;
	"netsim report netsim-run-"*) mv netsim-run-leader-cut-2* "${1##* }" ;;
	esac
}

check_page() {
	local page=${1##*/} line lines
	mapfile -t lines < <(lines_of "$1")
	for line in "${lines[@]}"; do
		prepare "$line"
		check "$page: $line" run_line "$line"
	done
	is "$page: no fleet is left" "$(netsim status)" "no fleet is up, and no interface is shaped"
}

# Checks a page here or in 81-man-full.sh.
check_path() {
	if grep -q '^\.\\" needs:' "$1"; then
		[[ -z $FULL ]] || check_page "$1"
	else
		[[ -n $FULL ]] || check_page "$1"
	fi
}

# The run first: other pages need its evidence.
check_pages() {
	local path first=man/netsim-run.8
	check_path "$first"
	for path in man/*; do
		[[ $path == "$first" ]] || check_path "$path"
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
		printf '%s\n' "${COMPREPLY[@]}" | sort | joined
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

make_root
# The examples use an interface eth1.
ip link add eth1 type veth peer name eth1.far
ip link set eth1 up
ip link set eth1.far up
ip addr add 192.0.2.1/24 dev eth1
check_pages
[[ -n $FULL ]] || check_completion
ip link delete eth1
done_testing
