# needs: native bridge veth netns clsact bpf tcpdump jq nbdkit libnbd libiscsi tgt
# limit: 180
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netsim run with block ledgers: on an NBD server and an iSCSI target whose network is cut, as
# another process sees the same disks (tests/tools/diskgaps); on a server that is killed and
# started again; on a file; and what is said where something is missing.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

PATH=$(realpath "$TESTS/../build/unpacked/tgt/usr/sbin"):$PATH

make_memory

# scenario NAME: workloads and timeline are read from stdin
scenario() {
	cat >"$WORK/$1.yaml" <<-EOT
		scenario: $1
		fleet:
		  fleet: disks$SUFFIX
		  networks: {lan: {}, storage: {}}
		  nodes:
		    s: {interfaces: {eth1: {network: lan, address: 10.9.5.1/24}, eth2: {network: storage, address: 10.9.6.1/24}}}
		    c: {interfaces: {eth1: {network: lan, address: 10.9.5.2/24}, eth2: {network: storage, address: 10.9.6.2/24}}}
	EOT
	cat >>"$WORK/$1.yaml"
}

# ran STATUS NAME: runs the scenario, with its output in OUT
ran() {
	scenario_ends "$1" "$2: exit status" "$WORK/$2.yaml" "$WORK/memory/$2"
}

# line NAME TEXT: a line of the verdict
line() {
	like "$1" $'\n'"$OUT" $'\n'"$2"
}

# value TEXT KEY: value, low or high of the row of "cut" with this text, in seconds
value() {
	jq -r --arg text "$1" --arg key "$2" '.rows[] | select(.phase == "cut" and .text == $text) | .[$key] / 1e9' \
		"$WORK/memory/cut/verdict.json"
}

# The time of each segment with data that arrives from a port of the server, once there is a fleet.
cat >"$WORK/answers" <<'EOT'
#!/bin/bash
until ip netns exec "$1" true 2>/dev/null && ip -n "$1" link show eth2 up 2>/dev/null | grep -q UP; do
	sleep 0.05
done
exec ip netns exec "$1" tcpdump -ttnl -i eth2 "src host 10.9.6.1 and tcp src port $2 and
	(ip[2:2] - ((ip[0] & 0xf) << 2)) - ((tcp[12] & 0xf0) >> 2) != 0"
EOT
chmod +x "$WORK/answers"

# stop PID: ends a program of bg that may have ended with the fleet, and waits for its output
stop() {
	kill "$1" 2>/dev/null
	wait "$1"
}

# same_stall KIND: others see the longest stall alike, within 50 ms. Behind a cut, TCP sends requests
# and answers again at times of their own: a stall lasts until the disk has got a write, and until an
# answer has arrived.
same_stall() {
	local disk wire low high
	disk=$(awk '$1 == "gap" && $3 - $2 > most { most = $3 - $2 } END { printf "%.3f", most }' "$WORK/bg.${disks[$1]}")
	wire=$(awk '$1 !~ /^[0-9.]+$/ { next } last && $1 - last > most { most = $1 - last } { last = $1 }
		END { printf "%.3f", most }' "$WORK/bg.${wires[$1]}")
	low=$(value "$1-blocks stall >= 1s" value)
	high=$(value "$1-blocks stall >= 1s" high)
	echo "$1: stall from $low s to $high s; no answer for $wire s; no write for $disk s"
	awk -v low="$low" -v high="$high" -v wire="$wire" -v disk="$disk" \
		'BEGIN { seen = wire > disk ? wire : disk
			exit !(seen >= low - 0.05 && seen <= high + 0.05 && high - low <= 0.05) }'
}

declare -A disks wires ports=([nbd]=10809 [iscsi]=3260)
cut_once() {
	local kind
	rm -rf "$WORK/memory/cut"
	for kind in nbd iscsi; do
		bg "$HELPERS/diskgaps" "$WORK/memory/cut/data/$kind@s/disk" 500
		disks[$kind]=$BG
		bg "$WORK/answers" "disks$SUFFIX.c" "${ports[$kind]}"
		wires[$kind]=$BG
	done
	ran 0 cut
	for kind in nbd iscsi; do
		stop "${disks[$kind]}"
		stop "${wires[$kind]}"
	done
}

cut_off() {
	local try seen
	scenario cut <<-'EOT'
		start:
		  nbd: {use: nbd, node: s, interface: eth2}
		  iscsi: {use: iscsi, node: s, interface: eth2}
		  nbd-blocks: {use: block-ledger, node: c, of: nbd, rate: 50/s}
		  iscsi-blocks: {use: block-ledger, node: c, of: iscsi, rate: 50/s}
		probes:
		  lan: {from: c, ping: "{address}", nodes: s, every: 20ms, timeout: 1s}
		timeline:
		- quiet: {for: 2s}
		  expect: [nbd-blocks rate >= 20/s, iscsi-blocks rate >= 20/s, nbd-blocks latency median <= 1s]
		- cut: link down c/eth2 --for 1500ms
		  for: 5s
		  expect:
		  - lan available 100%
		  - nbd-blocks stall >= 1s
		  - iscsi-blocks stall >= 1s
		  - nbd-blocks stall <= 8s
		  - iscsi-blocks stall <= 8s
		  - iscsi-blocks latency max >= 1s
		- after: {for: 6s}
		  expect: [nbd-blocks lost = 0, nbd-blocks torn = 0, nbd-blocks stale = 0, iscsi-blocks lost = 0,
		    iscsi-blocks torn = 0, iscsi-blocks stale = 0, nbd-blocks stall <= 8s]
	EOT
	# Beside others, the server or the watchers may be late.
	for try in 1 2 3 4 5; do
		cut_once
		seen=$(same_stall nbd) && seen+=$'\n'$(same_stall iscsi) && break
		explain "try $try: $seen"
		seen=
	done
	check "stalls are as others see them" test -n "$seen"
	explain "$seen"
	run "$NETSIM" report -v "$WORK/memory/cut"
	line "nothing is lost" 'ok: run: consistent: nbd-blocks: [0-9]+ writes acknowledged, 0 of unknown outcome'
	is "each operation is in the history" "$(grep -c '"record":"block","ledger":"nbd-blocks","kind":"write".*"result":"ok"' \
		"$WORK/memory/cut/history.jsonl")" "$(sed -n 's/.*consistent: nbd-blocks: \([0-9]*\) writes.*/\1/p' <<<"$OUT")"
	check "report judges it again" cmp <("$NETSIM" report --json "$WORK/memory/cut") "$WORK/memory/cut/verdict.json"
}

# What a killed server had acknowledged is in its file; NBD has no recovery, so that writes fail.
killed() {
	scenario killed <<-'EOT'
		start:
		  disk: {use: nbd, node: s}
		  blocks: {use: block-ledger, node: c, rate: 50/s}
		timeline:
		- quiet: {for: 2s}
		- crash: kill -9 disk
		  for: 1s
		- back: start disk
		  for: 6s
		  expect: [blocks lost = 0, blocks torn = 0, blocks stale = 0, blocks rate >= 20/s]
		- stall: {for: 1s}
		  expect: blocks stall <= 1s
	EOT
	ran 0 killed
	check "writes fail while it is away" grep -q '"kind":"write".*"result":"failed"' "$WORK/memory/killed/history.jsonl"
}

# A server that is away at the end proves nothing about its content.
away() {
	scenario away <<-'EOT'
		start:
		  disk: {use: nbd, node: s}
		  blocks: {use: block-ledger, node: c, rate: 50/s, timeout: 1s}
		timeline:
		- quiet: {for: 2s}
		- crash: kill -9 disk
		  for: 1s
		  expect: [blocks lost = 0, blocks stall <= 8s, blocks stall <= 100ms]
	EOT
	ran 1 away
	line "no last reads" 'unproved: crash: blocks lost = 0: [0-9]+ blocks were not read back after their last write'
	line "a stall that goes on" 'unproved: crash: blocks stall <= 8s: it goes on after the phase: at least [0-9.]+ s'
	line "one that is too long already" 'failed: crash: blocks stall <= 100ms: at least [0-9.]+ s, off by'
}

# A paused server answers nothing: a stall without a fault of the network.
file_and_pause() {
	scenario file <<-EOT
		start:
		  disk: {use: nbd, node: s}
		  blocks: {use: block-ledger, node: c, of: disk, rate: 50/s}
		  own: {use: block-ledger, node: host, file: $WORK/memory/own, rate: 100/s}
		timeline:
		- held: pause disk
		  for: 2s
		  expect: [blocks stall >= 1900ms, blocks stall <= 4s, own rate >= 50/s, own stall <= 8s]
		- after: continue disk
		  for: 3s
		  expect: [blocks lost = 0, own lost = 0, own torn = 0, own stale = 0]
	EOT
	ran 0 file
	is "a file gets the size that is needed" "$(stat -c %s "$WORK/memory/own")" 1048576
	like "and is written" "$(od -An -tx8 -N8 "$WORK/memory/own")" '[1-9a-f]'
}

# A file on a mount that only its workload sees, until it is killed.
mounted() {
	cat >"$WORK/mount.yaml" <<-'EOT'
		recipe: mount
		command: [sh, -c, mount -t tmpfs netsim-share /mnt && echo mounted && exec sleep infinity]
		ready: {log: mounted}
		store: block
		url: "file:///mnt/blocks"
	EOT
	scenario mounted <<-EOT
		start:
		  share: {use: $WORK/mount.yaml, node: c}
		  blocks: {use: block-ledger, node: c, rate: 100/s}
		timeline:
		- write: {for: 2s}
		  expect: [blocks rate >= 50/s]
		- crash: kill -9 share
		- after: {for: 1s}
		  expect: [blocks lost = 0, blocks torn = 0, blocks stale = 0]
	EOT
	ran 0 mounted
	is "netsim does not see the mount" "$(grep -c netsim-share /proc/mounts)" 0
	is "nor its file" "$([[ ! -e /mnt/blocks ]] && echo none)" none
}

missing() {
	scenario missing <<-'EOT'
		start:
		  disk: {use: nbd, node: s}
		  blocks: {use: block-ledger, node: c}
		timeline:
		- quiet: {for: 1s}
	EOT
	local library
	library=$(echo /usr/lib/*/libnbd.so.0)
	mount --bind /dev/null "$(realpath "$library")"
	ran 5 missing
	umount "$(realpath "$library")"
	like "a library that is missing" "$ERR" 'cannot load libnbd\.so\.0: .*; install the package that has libnbd\.so\.0'
	scenario folder <<-EOT
		start:
		  blocks: {use: block-ledger, node: c, file: $WORK}
		timeline:
		- quiet: {for: 1s}
	EOT
	ran 3 folder
	like "a folder" "$ERR" "$WORK is neither a file nor a block device"
	is "nothing is left" "$("$NETSIM" status --json | jq '.fleets | length')" 0
}

cut_off
killed
away
file_and_pause
mounted
missing
done_testing
