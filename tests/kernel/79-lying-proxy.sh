# needs: native etcd bridge veth netns python3
# limit: 150
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run with proxies between ledgers and a real etcd, each of which lies once
# (tests/tools/liar.py): every lie is found, with its key and operation, and nothing else; a
# proxy that never lies, and one whose outcomes are often unknown, are not accused.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

PATH=$(realpath "$TESTS/../build/unpacked/etcd-server/usr/bin"):$PATH

make_memory

# The finding that each fault must give. A write that is not there is lost to the next reader of its
# key, unless another write comes first: then only the watch missed it.
declare -A wanted=(
	[lost-put]="(lost|watch gap)" [failed-put]="(lost|watch gap)" [lost-delete]="(lost|watch gap)"
	[lost-cas]="(lost|watch gap)"
	[doubled-put]=doubled [undone-delete]=doubled
	[stale-value]=stale [stale-member]=stale [torn-read]=stale [absent-read]=stale
	[phantom-read]=phantom [other-key]=phantom [early-put]=phantom
	[silent-delete]=phantom [rogue-delete]=phantom [watch-phantom]=phantom
	[late-put]=revived [refused-put]=revived [applied-cas]=revived
	[refused-cas]=swapped [two-holders]=swapped
	[swapped-puts]=lost [put-back]="(reordered|doubled)" [read-back]=reordered
	[watch-gap]="watch gap" [watch-silent]="watch gap"
	[watch-double]="watch double" [watch-swap]="watch back")

# settled LOGS COUNT: waits until COUNT proxies have lied, and then let more operations pass.
cat >"$WORK/settled" <<-'EOT'
	#!/bin/bash
	until [[ $(grep -lx settled "$1"/*@*.log | wc -l) -ge $2 ]]; do
		sleep 0.1
	done
EOT
chmod +x "$WORK/settled"

# scenario NAME FAULT...: a proxy in a node of its own and a ledger for each
scenario() {
	local name=$1 fault kind address=10
	shift
	cat <<-EOT
		scenario: $name
		fleet:
		  fleet: $name
		  networks: {lan: {}}
		  nodes:
		    c[1-2]: {interfaces: {eth1: {network: lan, address: "10.9.7.{n}/24"}}}
		    store: {interfaces: {eth1: {network: lan, address: 10.9.7.9/24}}}
	EOT
	for fault; do
		echo "    $fault: {interfaces: {eth1: {network: lan, address: 10.9.7.$((address++))/24}}}"
	done
	printf 'seed: 1\nstart:\n  etcd: {use: etcd, node: store}\n'
	for fault; do
		echo "  $fault: {use: ./liar.yaml, node: $fault}"
		echo "  $fault-ledger: {use: etcd-ledger, nodes: [c1, c2], of: $fault, rate: 20/s}"
	done
	echo "timeline:"
	if [[ $name != truth ]]; then
		echo "- lies: exec c1 -- $WORK/settled $WORK/memory/$name/logs $(($# - 1))"
	fi
	printf -- '- all:\n  for: 5s\n  expect:\n'
	for fault; do
		for kind in lost stale phantom reordered; do
			echo "  - $fault-ledger $kind = 0"
		done
	done
}

# The ledger writes below netsim/FAULT-ledger/; the planted line has operation, key and value.
judged() {
	local fault=$1 planted key operation lines
	planted=$(grep -h '^planted' "$WORK/memory/$2/logs/$fault@$fault.log" | tail -n 1)
	read -r _ _ operation key _ <<<"$planted"
	[[ $operation != watch ]] || operation=event
	lines=$(grep -E "^failed: (all|run: consistent): $fault-ledger" <<<"$OUT")
	# On a busy machine outcomes become unknown, or operations late, which can excuse the store: a
	# read may give the old value as long as the write of the new one is in progress.
	if [[ -z $final ]] && { [[ -z $lines ]] ||
		grep -qE -e "$fault-ledger: [0-9]+ operations acknowledged, [1-9]" \
			-e "$fault-ledger: [0-9]+ operations were skipped: too many" <<<"$OUT"; }; then
		again+=("$fault")
		return
	fi
	like "$fault: a verdict of its ledger fails" "$lines" "failed: "
	lines=$(grep "^finding: $fault-ledger: " <<<"$OUT")
	like "$fault: its ${wanted[$fault]} key is named, with the operation" "$lines" \
		"(^|"$'\n'")finding: $fault-ledger: ${wanted[$fault]}: key ${key##*/}[ ,][^"$'\n'"]*(put|get|cas|delete|event) at [0-9.]+ s"
	[[ -n $planted ]] || not_ok "$fault is planted" "$OUT"
}

# start NAME FAULT...: a run in the background
start() {
	scenario "$@" >"$WORK/$1.yaml"
	bg "$NETSIM" run -v "$WORK/$1.yaml" --out "$WORK/memory/$1"
	runs[$1]=$BG
}

# ends NAME STATUS: waits until the run ends; its output is in OUT
ends() {
	local status=0
	wait "${runs[$1]}" || status=$?
	OUT=$(<"$WORK/bg.${runs[$1]}")
	is "$1: exit status" "$status" "$2"
}

# liars NAME FAULT...: a run with these faults, and an honest proxy beside them
liars() {
	local name=$1 fault
	shift
	ends "$name" 1
	for fault; do
		judged "$fault" "$name"
	done
	unlike "$name: the honest one is not accused" "$OUT" '(failed|finding)[^'$'\n'']*honest'
}

# few COUNT TRY FAULT...: COUNT at a time, so that one processor does not delay them
few() {
	local i count=$1 try=$2 list=("${@:3}")
	for ((i = 0; i < ${#list[@]}; i += count)); do
		start "lies-$try-$i" honest "${list[@]:i:count}"
		liars "lies-$try-$i" "${list[@]:i:count}"
	done
}

honest() {
	scenario truth honest unsteady >"$WORK/truth.yaml"
	scenario_ends 0 "truth: exit status" "$WORK/truth.yaml" "$WORK/memory/truth"
	like "one leaves outcomes unknown" "$OUT" \
		'ok: run: consistent: unsteady-ledger: [0-9]+ operations acknowledged, [1-9][0-9]* of unknown'
}

declare -A runs
again=() final=
sed "s|LIAR|$TESTS/tools/liar.py|" >"$WORK/liar.yaml" <<-'EOT'
	recipe: liar
	command: [LIAR, "{address}:2379", "10.9.7.9:2379", "{node}"]
	ready: {log: ready}
	store: etcd
	url: "http://{address}:2379"
EOT
mapfile -t faults < <("$TESTS/tools/liar.py" list)
is "each fault is known to this test" "$(printf '%s\n' "${!wanted[@]}" | sort)" "$(printf '%s\n' "${faults[@]}" | sort)"
honest
few 7 1 "${faults[@]}"
for try in 2 3 4; do
	list=("${again[@]}") again=()
	[[ $try -lt 4 ]] || final=1
	few 2 "$try" "${list[@]}"
done
done_testing
