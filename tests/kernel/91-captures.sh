# needs: native tshark python3
# limit: 240
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim analyze against tshark on many small captures of every link type: connections that lose,
# duplicate and reorder, are refused or half-open; captures that are truncated, or begin within a
# connection. And captures of a link type that is not supported.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

compared() {
	local out
	mkdir "$WORK/made"
	if out=$(python3 "$(dirname "$0")/../tools/captures.py" 1 200 "$WORK/made" "$NETSIM" 2>&1); then
		ok "as tshark counts: $out"
	else
		not_ok "as tshark counts" "$out"
	fi
	between "many were compared" "$(grep -o '[0-9]* directions,' <<<"$out" | grep -o '[0-9]*')" 500 2000
}

# The same packets with another link type in the header of the file.
of_type() {
	{ head -c 20 "$1"; printf '%b\0\0\0' "\\x$2"; tail -c +25 "$1"; } >"$WORK/typed.pcap"
}

unread() {
	local file count
	file=$(find "$WORK/made" -name '0*-ethernet' -size +4k | sort | head -n 1)
	count=$(tshark -r "$file" 2>/dev/null | wc -l)
	of_type "$file" dc # USB
	fails_with 3 "packets of a link type that is not read" "$NETSIM" analyze "$WORK/typed.pcap"
	like "are counted" "$ERR" "offset 24: $count packets of link type 220 count as other"
	is "in one line" "$(wc -l <<<"$ERR")" 1
	head -c 24 "$WORK/typed.pcap" >"$WORK/empty.pcap"
	check "of which there are none" "$NETSIM" analyze -q "$WORK/empty.pcap"
	fails_with 3 "also in JSON" "$NETSIM" analyze --json "$WORK/typed.pcap"
	is "there is one problem" "$(jq '.problems | length' <<<"$OUT")" 1
}

compared
unread
done_testing
