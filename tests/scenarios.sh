# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions of the tests of the shipped scenarios: source it first, as tests/lib.sh.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROOT=$(dirname "$TESTS")
PATH=$ROOT/build/unpacked/etcd-server/usr/bin:$PATH

make_memory

# ran STATUS FILE: runs a scenario; its output is in OUT. On a busy machine a run may prove nothing, or
# not go to its end, and is then repeated, unless that is wanted.
ran() {
	for _ in 1 2 3; do
		run timeout 200 "$NETSIM" run -v "$2" --out "$WORK/memory/out"
		rm -rf "$WORK/memory/out"
		[[ $1 -ne 6 ]] || break
		[[ $STATUS -eq 6 ]] || is_part || break
	done
	[[ $STATUS -eq $1 ]]
}

# A workload was not ready in its time, or a step failed: no member said who leads, for example.
is_part() {
	[[ $STATUS -eq 1 ]] && { ! grep -q '^failed: ' <<<"$OUT" || grep -q '^unproved: run: runs to its end' <<<"$OUT"; }
}

# Reads a table from stdin, and runs each line:
#
#   SCENARIO | STATUS | SUBSTITUTION | LINE
#
# The scenario as it is shipped, or a twin in which the substitution of sed has changed one line, and
# which repeats nothing, ends with the exit status, and prints a line that the regular expression
# matches.
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
	local file=$WORK/$1.yaml title=$1 out
	cp "scenarios/$1.yaml" "$file"
	if [[ -n $3 ]]; then
		title+=" with $3"
		sed -E 's/^  repeat: [0-9]+/  repeat: 1/' "$file" >"$file.once"
		sed -E "$3" "$file.once" >"$file"
		is "$title: one line differs" "$(diff "$file.once" "$file" | grep -c '^>')" 1
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

# five PROFILE...: the five conditions of the n3x suite under each profile, in one command; what proves
# nothing on a busy machine is run once more
five() {
	local names=(network-partition high-latency packet-loss bandwidth-limited combined-stress)
	local all=() name profile count
	cd "$ROOT" || exit
	for profile; do
		for name in "${names[@]}"; do
			all+=("$name-$profile")
		done
	done
	count=${#all[@]}
	run timeout 1500 "$NETSIM" run -v --profile "$(IFS=,; echo "$*")" --out "$WORK/memory/five" \
		--junit "$WORK/five.xml" "${names[@]}"
	if [[ $STATUS -eq 0 || $STATUS -eq 6 ]]; then
		ok "$count runs: none failed"
	else
		not_ok "$count runs: none failed" "$(grep -vE '^ok: ' <<<"$OUT"; echo "$ERR")"
	fi
	like "one table" "$OUT" $'\n'"$count scenarios: .* ok.*; evidence in "
	is "a line for each" "$(awk '$2 == "ok" || $2 == "unproved" { print $1 }' <<<"$OUT" | xargs)" "${all[*]}"
	is "one JUnit file with a suite for each" \
		"$(xmllint --xpath 'count(/testsuites/testsuite)' "$WORK/five.xml")" "$count"
	is_junit "$WORK/five.xml"
	for name in $(awk '$2 == "unproved" { print $1 }' <<<"$OUT"); do
		proved "${name%-*}" "${name##*-}"
	done
}

# proved NAME PROFILE: the scenario is ok now
proved() {
	rm -rf "$WORK/memory/five"
	run timeout 200 "$NETSIM" run -v --profile "$2" --out "$WORK/memory/five" "$1"
	if [[ $STATUS -eq 0 ]]; then
		ok "$1 under $2, once more: exit status 0"
	else
		not_ok "$1 under $2, once more: exit status 0" "$(grep -vE '^ok: ' <<<"$OUT"; echo "$ERR")"
	fi
}
