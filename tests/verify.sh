# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions of the tests of netsim verify: source it after lib.sh. They read the JSON of a run
# in OUT.

# The failed rows, as "NODE WHAT, ..."
wrong() {
	jq -r '[.rows[] | select(.verdict == "failed") | "\(.node) \(.what)"] | sort | join(", ")' <<<"$OUT"
}

# all_right NAME [OPTION...]: nothing fails; on a busy machine something may be unproved.
# Repeated once, because the machine may stall.
all_right() {
	run "$NETSIM" verify --json "${@:2}"
	[[ $STATUS -ne 1 ]] || run "$NETSIM" verify --json "${@:2}"
	like "$1" "$STATUS $(wrong) $ERR" "^[06]  $"
}

# found NAME ROWS: these rows fail, on a busy machine perhaps not all in the same run, because
# some are unproved there, and perhaps others as well. OUT is that of the last run.
found() {
	local seen="" missing
	for _ in 1 2 3 4 5; do
		run "$NETSIM" verify --json --quick
		seen+="$(wrong), "
		missing=$(comm -23 <(rows "$2") <(rows "$seen"))
		[[ $STATUS -ne 1 || -n $missing ]] || break
	done
	is "$1" "$STATUS $missing" "1 "
}

# rows LIST: a line for each
rows() {
	sed 's/, /\n/g' <<<"$1" | LC_ALL=C sort -u
}
