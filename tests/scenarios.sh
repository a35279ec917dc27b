# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions of the tests of the shipped scenarios: source it first, as tests/lib.sh.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROOT=$(dirname "$TESTS")
PATH=$ROOT/build/unpacked/etcd-server/usr/bin:$PATH

# A busy disk holds up etcd.
mkdir "$WORK/memory"
mount -t tmpfs -o size=1g none "$WORK/memory"
trap 'umount "$WORK/memory"; at_exit' EXIT

# ran STATUS FILE: runs a scenario; its output is in OUT. On a busy machine a run may prove nothing,
# and is then repeated, unless that is wanted.
ran() {
	for _ in 1 2 3; do
		run timeout 200 "$NETSIM" run -v "$2" --out "$WORK/memory/out"
		rm -rf "$WORK/memory/out"
		[[ $STATUS -eq 6 && $1 -ne 6 ]] || break
	done
	[[ $STATUS -eq $1 ]]
}

# Reads a table from stdin, and runs each line:
#
#   SCENARIO | STATUS | SUBSTITUTION | LINE
#
# The scenario as it is shipped, or a twin in which the substitution of sed has changed one line,
# ends with the exit status, and prints a line that the regular expression matches.
scenarios() {
	local name status change line
	cd "$ROOT" || exit
	while IFS='|' read -r name status change line; do
		read -r name <<<"$name"
		read -r change <<<"$change"
		read -r line <<<"$line"
		[[ -z $name || $name == '#'* ]] || scenario "$name" $((status)) "$change" "$line"
	done
}

# scenario NAME STATUS SUBSTITUTION LINE
scenario() {
	local shipped=scenarios/$1.yaml file=$WORK/$1.yaml title=$1 out
	if [[ -n $3 ]]; then
		title+=" with $3"
		sed -E "$3" "$shipped" >"$file"
		is "$title: one line differs" "$(diff "$shipped" "$file" | grep -c '^>')" 1
	else
		cp "$shipped" "$file"
	fi
	if ran "$2" "$file"; then
		ok "$title: exit status $2"
	else
		not_ok "$title: exit status $2" "$(caught netsim run "$1")"
	fi
	out=$OUT
	if grep -qE -- "$4" <<<"$out"; then
		ok "$title: $4"
	else
		not_ok "$title: $4" "$out"
	fi
}
