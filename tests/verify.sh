# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions of the tests of netsim verify: source it after lib.sh. They read the JSON of a run
# in OUT.

# verdicts WORD: the rows with this verdict, as "NODE WHAT, ..."
verdicts() {
	jq -r --arg v "$1" '[.rows[] | select(.verdict == $v) | "\(.node) \(.what)"] | sort | join(", ")' <<<"$OUT"
}

wrong() {
	verdicts failed
}

# all_right NAME [OPTION...]: nothing fails; on a busy machine something may be unproved.
all_right() {
	run "$NETSIM" verify --json "${@:2}"
	like "$1" "$STATUS $(wrong) $ERR" "^[06]  $" || explain "$(jq -c '.rows[] | select(.verdict == "failed")' <<<"$OUT")"
}

# found NAME ROWS: each of these rows fails. On a busy machine it may be unproved in a run: then its
# nodes are measured again, but it is never ok. OUT is that of the last run.
found() {
	local seen="" missing passed only=()
	for _ in 1 2 3 4 5; do
		run "$NETSIM" verify --json --quick "${only[@]}"
		seen+="$(wrong), "
		missing=$(comm -23 <(rows "$2") <(rows "$seen"))
		passed=$(comm -12 <(rows "$2") <(rows "$(verdicts ok)"))
		[[ -n $missing && -z $passed ]] || break
		only=(--nodes "$(nodes_of "$missing")")
	done
	is "$1" "$STATUS not found: ${missing:-none}, passed: ${passed:-none}" "1 not found: none, passed: none"
}

# nodes_of ROWS: their nodes, separated by commas; a row of a pair has two
nodes_of() {
	awk '{ print $1; if ($2 == ">") print $3 }' <<<"$1" | sed 's,/.*,,' | sort -u | paste -sd ,
}

# rows LIST: a line for each
rows() {
	sed 's/, /\n/g' <<<"$1" | LC_ALL=C sort -u
}
