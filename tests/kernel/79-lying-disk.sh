# needs: native bridge veth netns python3 libnbd
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run with disks that lie once (tests/tools/lying_disk.py), each written by a block ledger:
# every lie is found, by the right sentence, with its block, and nothing else is; a disk that
# never lies, and one whose connections break, are not accused.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# The sentence that must fail for each fault.
declare -A wanted=(
	[lost-write]=lost [zeroed-write]=lost [reverted-write]="stale|lost"
	[torn-write]=torn [torn-sector]=torn [flipped-bit]=torn [swapped-sectors]=torn
	[misdirected-write]="torn|lost" [misdirected-read]=torn [torn-read]=torn
	[old-read]=stale [empty-read]=stale)

DISK=$(realpath "$TESTS")/tools/lying_disk.py
mapfile -t faults < <("$DISK" list | sort)
is "each fault is known to this test" "$(printf '%s\n' "${!wanted[@]}" | sort)" "$(printf '%s\n' "${faults[@]}")"

# A recipe for each fault: all disks are in one node, on ports of their own.
scenario() {
	local port=10900 fault kind
	cat <<-EOT
		scenario: lies
		fleet:
		  fleet: lies$SUFFIX
		  networks: {lan: {}}
		  nodes:
		    store: {interfaces: {eth1: {network: lan, address: 10.9.7.9/24}}}
		    client: {interfaces: {eth1: {network: lan, address: 10.9.7.1/24}}}
		start:
	EOT
	for fault; do
		port=$((port + 1))
		cat >"$WORK/$fault.yaml" <<-EOT
			recipe: $fault
			command: ["$DISK", "$port", "$fault"]
			ready: {log: ready}
			store: block
			url: "nbd://{address}:$port"
		EOT
		echo "  $fault: {use: ./$fault.yaml, node: store}"
		echo "  $fault-blocks: {use: block-ledger, node: client, of: $fault, rate: 60/s}"
	done
	printf 'timeline:\n- all:\n  for: 12s\n  expect:\n'
	for fault; do
		for kind in lost torn stale; do
			echo "  - $fault-blocks $kind = 0"
		done
	done
}

judged() {
	local fault=$1 block failed
	block=$(sed -n "s/^planted $fault //p" "$WORK/out/logs/$fault@store.log")
	check "$fault is planted" test -n "$block"
	failed=$(grep -oE "^failed: all: $fault-blocks (lost|torn|stale)" <<<"$said" | sed 's/.* //' | sort -u | paste -sd '|')
	like "$fault: the right sentence fails" "$failed" "^(${wanted[$fault]}|lost.torn)$"
	like "$fault: its block is named" "$(grep "^finding: $fault-blocks: " <<<"$said")" ": block $block shows "
}

scenario "${faults[@]}" honest unsteady >"$WORK/lies.yaml"
run "$NETSIM" run -v "$WORK/lies.yaml" --out "$WORK/out"
is "lies fail" "$STATUS" 1
said=$OUT
for fault in "${faults[@]}"; do
	judged "$fault"
done
for fault in honest unsteady; do
	like "$fault is judged" "$said" "ok: run: consistent: $fault-blocks: [0-9]+ writes acknowledged"
	is "$fault is not accused" "$(grep -E "^(failed|finding|unproved)[^ ]* .*$fault-blocks" <<<"$said")" ""
done
like "connections that break leave outcomes unknown" "$said" \
	'ok: run: consistent: unsteady-blocks: [0-9]+ writes acknowledged, [1-9][0-9]* of unknown'
run "$NETSIM" report -v "$WORK/out"
is "the history is judged again alike" "$STATUS $(grep ^failed: <<<"$OUT")" "1 $(grep ^failed: <<<"$said")"
done_testing
