# needs: native bridge veth netns tcpdump tshark iperf3
# limit: 180
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Compares netsim capture with tcpdump at the same ports, to the packet; reads its files with
# tshark; and checks the files after every way in which a capture can end.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=seen

build() {
	cat >"$WORK/seen.yaml" <<-'EOT'
		fleet: seen
		networks: {lan: {address: 10.9.0.254/24}}
		nodes:
		  a: {interfaces: {eth0: {network: lan, port: sna, address: [10.9.0.1/24]}}}
		  b: {interfaces: {eth0: {network: lan, port: snb, address: [10.9.0.2/24]}}}
	EOT
	check "up" "$NETSIM" up "$WORK/seen.yaml"
	# Resolves the addresses before packets are counted.
	wait_for 5 answers a 10.9.0.2 || not_ok "a reaches b"
}

# sockets [PROTOCOL]: the number of packet sockets that the kernel lists
sockets() {
	awk -v protocol="${1:-}" 'NR > 1 && (protocol == "" || $4 == protocol) { n++ } END { print n + 0 }' \
		/proc/net/packet
}

# listening COUNT: true if there are COUNT sockets, all of which receive all protocols. netsim
# capture creates all sockets before it binds the first one.
listening() {
	[[ $(sockets) -ge $1 && $(sockets 0003) -eq $(sockets) ]]
}

# capture SOCKETS OPTIONS...: in the background; waits until it receives. Its process is in
# $CAPTURE.
capture() {
	local all
	all=$(($(sockets) + $1))
	shift
	bg "$NETSIM" capture "$@"
	CAPTURE=$BG
	wait_for 10 listening "$all" || not_ok "netsim capture listens"
}

# ended PID: waits for its end; sets $STATUS, and $SAID to its output
ended() {
	STATUS=0
	wait "$1" || STATUS=$?
	SAID=$(<"$WORK/bg.$1")
}

# stop PID [SIGNAL]: ends it with a signal, as a user does
stop() {
	kill "-${2:-INT}" "$1"
	ended "$1"
}

# count FILE [DISPLAY FILTER]
count() {
	tshark -r "$1" ${2:+-Y "$2"} -T fields -e frame.number 2>/dev/null | wc -l
}

# headers_of FILE [DISPLAY FILTER]: identifies each IP packet by header fields
headers_of() {
	tshark -r "$1" -Y "${2:-ip}" -T fields -e ip.src -e ip.id -e ip.proto -e frame.len \
		-e icmp.type -e icmp.seq -e udp.srcport 2>/dev/null | sort
}

# caught_up FILE COUNT: true once tcpdump has written COUNT packets
caught_up() {
	[[ $(count "$1") -ge $2 ]]
}

as_tcpdump() {
	local port tcpdumps=() server lost=0
	for port in sna snb; do
		bg tcpdump -n -Z root -U --immediate-mode -B 16384 -i "$port" -w "$WORK/$port.pcap" 'icmp or udp port 5201'
		tcpdumps+=("$BG")
		wait_for 30 written "listening on" "$WORK/bg.$BG" || not_ok "tcpdump listens"
	done
	capture 4 -w "$WORK/all.pcapng" --buffer 32MiB --filter 'icmp or udp port 5201'
	local all=$CAPTURE
	capture 4 --dir "$WORK/each" --buffer 32MiB --filter 'icmp or udp port 5201'
	local each=$CAPTURE
	bg ip netns exec seen.b iperf3 -s
	server=$BG
	wait_for 5 node_exec b bash -c 'ss -Hltn sport = 5201 | grep -q .'
	check "ping" node_exec a ping -q -c 20 -i 0.01 10.9.0.2
	check "iperf3" node_exec a iperf3 -c 10.9.0.2 -u -t 1 -b 4M -l 500
	stop "$all"
	is "an interrupted capture succeeds" "$STATUS" 0
	stop "$each" TERM
	is "and so does a terminated one" "$STATUS" 0
	bg_end "$server"
	# tcpdump gets packets up to a second late, or more on a busy machine.
	wait_for 10 caught_up "$WORK/sna.pcap" "$(count "$WORK/each/seen.a.eth0.pcapng")"
	wait_for 10 caught_up "$WORK/snb.pcap" "$(count "$WORK/each/seen.b.eth0.pcapng")"
	for port in "${tcpdumps[@]}"; do
		kill -INT "$port"
		wait "$port" 2>/dev/null
		lost=$((lost + $(sed -n 's/ packets\? dropped by kernel//p' "$WORK/bg.$port")))
	done
	local node=a
	for port in sna snb; do
		headers_of "$WORK/$port.pcap" >"$WORK/theirs"
		headers_of "$WORK/all.pcapng" "frame.interface_name == \"$node/eth0\"" >"$WORK/ours"
		same "$port in one file: the packets of tcpdump" "$WORK/theirs" "$WORK/ours" "$lost"
		headers_of "$WORK/each/seen.$node.eth0.pcapng" >"$WORK/ours"
		same "$port in a separate file: the packets of tcpdump" "$WORK/theirs" "$WORK/ours" "$lost"
		node=b
	done
}

# same NAME A B [LOST]: both lists are equal and not empty; A may lack up to LOST lines
same() {
	if [[ ! -s $2 ]]; then
		not_ok "$1" "the list is empty"
	elif [[ ${4:-0} -gt 0 && -z $(comm -23 "$2" "$3") && $(comm -13 "$2" "$3" | wc -l) -le $4 ]]; then
		ok "$1, which lost $4"
	elif diff "$2" "$3" >"$WORK/diff"; then
		ok "$1 ($(wc -l <"$2") packets)"
	else
		not_ok "$1" "$(head -n 20 "$WORK/diff")"
	fi
}

as_tshark_reads() {
	local all=$WORK/all.pcapng
	tshark -r "$all" -T fields -e frame.time_epoch >"$WORK/times" 2>/dev/null
	check "times are in order" sort -c -s "$WORK/times"
	like "and have nanoseconds" "$(grep -v '000$' "$WORK/times" | head -n 1)" '\.[0-9]{9}$'
	is "requests of a: inbound at its port" \
		"$(count "$all" 'icmp.type == 8 && ip.src == 10.9.0.1 && frame.interface_name == "a/eth0" && frame.packet_flags_direction == 1')" 20
	is "and outbound at b's" \
		"$(count "$all" 'icmp.type == 8 && ip.src == 10.9.0.1 && frame.interface_name == "b/eth0" && frame.packet_flags_direction == 2')" 20
	is "addresses have names" "$(tshark -N n -r "$all" -Y 'icmp.type == 8' -T fields -e ip.src_host -e ip.dst_host 2>/dev/null | sort -u)" $'a\tb'
	run capinfos "$all"
	like "capinfos: ports" "$OUT" 'Name = a/eth0.*Name = b/eth0'
	like "capinfos: nanoseconds" "$OUT" 'Time precision = nanoseconds'
	like "capinfos: the filter" "$OUT" 'Filter string = icmp or udp port 5201'
	check "netsim analyze reads it" "$NETSIM" analyze "$all"
}

texts() {
	capture 1 a --direction sent --filter icmp --count 3
	node_exec a ping -q -c 3 -i 0.01 10.9.0.2 >/dev/null
	ended "$CAPTURE"
	is "a capture of three packets ends by itself" "$STATUS" 0
	is "a line for each" "$(grep -cE '^[0-9:]{8}\.[0-9]{9} a/eth0 sent: a > b icmp icmp echo request 98$' <<<"$SAID")" 3
	like "and the totals" "$SAID" 'seen: 3 packets, 294 B in'
	check "a capture with a duration" "$NETSIM" capture -w "$WORK/time.pcapng" --for 200ms
	like "ends after exactly that time" "$OUT" ' in 0\.2 s'
	is "with a readable file" "$(capinfos "$WORK/time.pcapng" >/dev/null 2>&1; echo $?)" 0
	capture 1 b -w "$WORK/b.pcap" -s 64B --filter ip --class icmp --class dns,api --direction delivered --json
	node_exec a ping -q -c 4 -i 0.01 10.9.0.2 >/dev/null
	stop "$CAPTURE"
	is "JSON" "$(jq -c '[.fleet, .packets, .dropped, .ports[0].port, .classes[0].class]' <<<"$SAID")" \
		'["seen",4,0,"b/eth0","icmp"]'
	is "pcap of one port, cut" "$(tshark -r "$WORK/b.pcap" -T fields -e frame.len -e frame.cap_len 2>/dev/null | sort -u)" $'98\t64'
	bash -c "$(printf '%q capture --count 2 --filter icmp -w - | tshark -r - -T fields -e frame.interface_name' "$NETSIM")" \
		>"$WORK/piped" 2>/dev/null &
	wait_for 10 listening 4
	node_exec a ping -q -c 2 -i 0.01 10.9.0.2 >/dev/null
	wait $!
	is "through a pipe" "$(wc -l <"$WORK/piped")" 2
}

# link_local NODE DEVICE
link_local() {
	node_exec "$1" ip -j -6 addr show dev "$2" scope link | jq -r '.[0].addr_info[0].local'
}

# Generated link-local addresses, an address added later, and the bridge's address.
link_locals() {
	local a b host
	settle a b host
	a=$(link_local a eth0) b=$(link_local b eth0) host=$(link_local host seen-lan)
	capture 4 -w "$WORK/locals.pcapng" --filter 'icmp6 and ip6[40] >= 128 and ip6[40] <= 129'
	local file=$CAPTURE
	capture 4 --filter 'icmp6 and ip6[40] >= 128 and ip6[40] <= 129'
	check "ping between nodes" node_exec a ping -q -c 1 "$b%eth0"
	check "ping to the bridge" node_exec a ping -q -c 1 "$host%eth0"
	check "an address that is added later" node_exec a ip addr add fe80::77/64 dev eth0 nodad
	check "ping from this address" node_exec a ping -q -c 1 -I fe80::77%eth0 "$b%eth0"
	stop "$CAPTURE"
	is "link-local addresses have names" \
		"$(sed -n 's/^[0-9:.]* \(.* echo re[a-z]*\) .*/\1/p' <<<"$SAID" | sort | uniq -c | sed 's/^ *//')" \
		"2 a/eth0 delivered: b > a icmp icmp6 echo reply
1 a/eth0 delivered: host > a icmp icmp6 echo reply
2 a/eth0 sent: a > b icmp icmp6 echo request
1 a/eth0 sent: a > host icmp icmp6 echo request
2 b/eth0 delivered: a > b icmp icmp6 echo request
2 b/eth0 sent: b > a icmp icmp6 echo reply"
	stop "$file"
	is "in files, too" "$(tshark -N n -r "$WORK/locals.pcapng" -Y "ipv6.src == $a" -T fields -e ipv6.src_host -e ipv6.dst_host 2>/dev/null | sort -u)" $'a\tb\na\thost'
}

rotated() {
	capture 2 a -w "$WORK/size.pcapng" --rotate 10kB --filter icmp
	node_exec a ping -q -c 40 -i 0.005 -s 1000 10.9.0.2 >/dev/null
	stop "$CAPTURE"
	local files=("$WORK"/size-*.pcapng) file all=0
	between "files of 10 kB" "${#files[@]}" 8 10
	for file in "${files[@]}"; do
		all=$((all + $(count "$file")))
	done
	is "they have all captured packets" "$all" 80
	between "none is larger" "$(stat -c %s "$WORK"/size-*.pcapng | sort -n | tail -n 1)" 9000 11600
	capture 2 a -w "$WORK/keep.pcapng" --rotate 10kB --keep 2 --filter icmp
	node_exec a ping -q -c 40 -i 0.005 -s 1000 10.9.0.2 >/dev/null
	stop "$CAPTURE"
	files=("$WORK"/keep-*.pcapng)
	is "two are kept" "${#files[@]}" 2
	like "the last ones" "${files[0]}" 'keep-0000[789].pcapng$'
	capture 2 a -w "$WORK/second.pcapng" --rotate 300ms --filter icmp
	node_exec a ping -q -c 8 -i 0.1 10.9.0.2 >/dev/null
	stop "$CAPTURE"
	files=("$WORK"/second-*.pcapng)
	between "a file each 300 ms" "${#files[@]}" 2 8
	# Pings before, during and after the capture, often enough for the end to be visible.
	node_bg a ping -q -i 0.0005 10.9.0.2
	local ping=$BG
	capture 2 a -w "$WORK/third.pcapng" --rotate 500ms --for 1500ms --filter icmp
	ended "$CAPTURE"
	bg_end "$ping"
	files=("$WORK"/third-*.pcapng)
	# On a busy machine, no packet may come in one of the periods.
	between "three files in three times the period" "${#files[@]}" 2 3
	like "which took that time" "$SAID" ' in 1\.5 s, [23] files'
}

# The socket buffers overflow while the capture is stopped.
drops() {
	capture 2 a -w "$WORK/drops.pcapng" --buffer 1MiB --filter icmp --json
	kill -STOP "$CAPTURE"
	node_exec a ping -q -f -c 2000 -s 1400 10.9.0.2 >"$WORK/flood"
	kill -CONT "$CAPTURE"
	stop "$CAPTURE"
	is "a capture with drops fails" "$STATUS" 1
	like "and reports them" "$SAID" 'netsim: dropped [0-9]+ of 4000 packets at a/eth0: they arrived faster .*--buffer'
	SAID=${SAID%netsim:*}
	is "the file has all other packets" "$(count "$WORK/drops.pcapng")" \
		"$(jq '.received - .dropped' <<<"$SAID")"
}

# Packets at a low rate must reach the file soon, although they fill no buffer and the capture
# is never idle.
kept_up() {
	capture 1 a -w "$WORK/slow.pcapng" --direction sent --filter icmp
	bg ip netns exec seen.a ping -q -c 200 -i 0.05 10.9.0.2
	check "captured packets reach the file" wait_for 8 larger "$WORK/slow.pcapng" 2500
	check "while more comes" kill -0 "$BG"
	bg_end "$BG"
	stop "$CAPTURE"
}

cut_short() {
	capture 4 -w "$WORK/killed.pcapng" --filter icmp
	node_exec a ping -q -c 50 -i 0.01 10.9.0.2 >/dev/null
	wait_for 5 larger "$WORK/killed.pcapng" 20000
	kill -KILL "$CAPTURE"
	wait "$CAPTURE" 2>/dev/null
	check "after kill -9, the file can be read" "$NETSIM" analyze "$WORK/killed.pcapng"
	between "and has the packets written before" "$(count "$WORK/killed.pcapng")" 100 200
	bg prlimit --fsize=20000 "$NETSIM" capture -w "$WORK/limited.pcapng" --filter icmp
	wait_for 10 listening 4
	node_exec a ping -q -c 50 -i 0.01 -s 1000 10.9.0.2 >/dev/null
	ended "$BG"
	is "the limit of a file's size ends it" "$STATUS" 4
	like "as an error" "$SAID" 'cannot write .*limited.pcapng: File too large'
	check "the file has complete packets" "$NETSIM" analyze "$WORK/limited.pcapng"
	mkdir "$WORK/full"
	mount -t tmpfs -o size=200k none "$WORK/full"
	capture 4 -w "$WORK/full/a.pcapng" --filter icmp
	node_exec a ping -q -f -c 500 -s 1000 10.9.0.2 >/dev/null
	ended "$CAPTURE"
	is "a full disk ends it" "$STATUS" 4
	like "with the kernel's message" "$SAID" 'cannot write .*a.pcapng: No space left on device'
	check "the file has complete packets" "$NETSIM" analyze "$WORK/full/a.pcapng"
	between "as many as fit" "$(count "$WORK/full/a.pcapng")" 100 210
	rm "$WORK/full/a.pcapng"
	printf 'what was there before' >"$WORK/full/b"
	# shellcheck disable=SC2016 # for the other shell
	bg bash -c 'exec "$1" capture -w - --filter icmp >>"$2"' - "$NETSIM" "$WORK/full/b"
	wait_for 10 listening 4
	node_exec a ping -q -f -c 500 -s 1000 10.9.0.2 >/dev/null
	ended "$BG"
	is "a full disk ends it on standard output, too" "$STATUS" 4
	is "earlier content of that file is kept" "$(head -c 21 "$WORK/full/b")" "what was there before"
	tail -c +22 "$WORK/full/b" >"$WORK/b.pcapng"
	check "with complete packets after it" "$NETSIM" analyze "$WORK/b.pcapng"
	umount "$WORK/full"
}

# The statistics of an empty capture have the time at which they were taken.
empty() {
	local before=$EPOCHSECONDS high low
	check "an empty capture" "$NETSIM" capture a -w "$WORK/empty.pcapng" --for 100ms \
		--filter 'ip proto 254'
	# The last block: 20 bytes, of which the time begins at 12, three options, and its length.
	read -r high low < <(tail -c 52 "$WORK/empty.pcapng" | od -An -tu4 -j 12 -N 8)
	between "has the time of its statistics" $((((high << 32) + low) / 1000000000)) \
		"$before" "$EPOCHSECONDS"
}

# The reader of a pipe keeps it open without reading.
stalled() {
	local reader
	mkfifo "$WORK/pipe"
	exec {reader}<>"$WORK/pipe"
	# shellcheck disable=SC2016 # for the other shell
	bg bash -c 'exec "$1" capture -w - --filter icmp >"$2"' - "$NETSIM" "$WORK/pipe"
	wait_for 10 listening 4
	node_exec a ping -q -f -c 500 -s 1000 10.9.0.2 >/dev/null
	sleep 0.5
	kill -TERM "$BG"
	check "a capture whose reader does not read ends" wait_for 5 group_gone "$BG"
	kill -KILL "$BG" 2>/dev/null
	ended "$BG"
	is "and fails" "$STATUS" 4
	like "with the reason" "$SAID" 'cannot write standard output: timed out waiting for the reader'
	dd if="$WORK/pipe" of="$WORK/pipe.pcapng" iflag=nonblock 2>/dev/null
	exec {reader}<&-
	between "written packets can be read" "$(count "$WORK/pipe.pcapng")" 20 64
}

larger() {
	[[ $(stat -c %s "$1") -gt $2 ]]
}

wrong() {
	fails_with 2 "a wrong filter" "$NETSIM" capture --filter 'icmpp' -w "$WORK/none.pcapng"
	like "is quoted" "$ERR" 'the filter icmpp: .*syntax error'
	check "and creates no file" not test -e "$WORK/none.pcapng"
	fails_with 2 "two filters in one" "$NETSIM" capture --filter 'ip) or (tcp'
	fails_with 2 "an unknown class" "$NETSIM" capture --class icpm
	like "has a suggestion" "$ERR" 'did you mean icmp'
	fails_with 2 "an empty class" "$NETSIM" capture --for 100ms --class ''
	fails_with 2 "packets and JSON into one pipe" "$NETSIM" capture --for 100ms -w - --json
	fails_with 2 "an unknown class among several" "$NETSIM" capture --for 100ms --class icpm --class icmp
	fails_with 2 "a snap length without ports" "$NETSIM" capture --for 100ms -s 63B
	like "has a minimum" "$ERR" '63B is too short: addresses and ports need 64B'
	fails_with 2 "a buffer that is too small" "$NETSIM" capture --for 100ms --buffer 1MB
	like "has a minimum, too" "$ERR" '1MB is too small: the minimum is 1MiB'
	fails_with 2 "an unknown node" "$NETSIM" capture c
	fails_with 2 "an unknown port" "$NETSIM" capture a/eth7
	fails_with 2 "pcap of two ports" "$NETSIM" capture -w "$WORK/two.pcap"
	fails_with 2 "--keep alone" "$NETSIM" capture --keep 2
	fails_with 4 "no such folder" "$NETSIM" capture -w "$WORK/no/such.pcapng"
	mkdir -p "$WORK/half/seen.b.eth0.pcapng"
	fails_with 4 "a file that cannot be created" "$NETSIM" capture --dir "$WORK/half"
	check "leaves no other file" not test -e "$WORK/half/seen.a.eth0.pcapng"
	# shellcheck disable=SC2016 # for the other shell
	fails_with 5 "a summary that cannot be written fails" \
		bash -c '"$0" capture -w "$1" --for 100ms >/dev/full' "$NETSIM" "$WORK/some.pcapng"
	ping_start a 10.9.0.2 0.01
	# shellcheck disable=SC2016
	fails_with 5 "packets that cannot be written end it" \
		timeout 60 bash -c '"$0" capture --filter icmp --for 100s >/dev/full' "$NETSIM"
	like "and say so" "$ERR" 'cannot write standard output$'
	bg_end "$BG"
	# shellcheck disable=SC2016
	fails_with 5 "so does an analysis" bash -c '"$0" analyze "$1" >/dev/full' "$NETSIM" "$WORK/all.pcapng"
	# shellcheck disable=SC2016
	check "EPIPE on standard output is no failure" bash -c 'set -o pipefail; "$0" capture -w "$1" --for 100ms | true' \
		"$NETSIM" "$WORK/some.pcapng"
	check "-n captures nothing" "$NETSIM" capture -n a
	is "but prints the ports" "$OUT" "would capture at a/eth0"
}

gone() {
	capture 4 --for 1500ms -w "$WORK/left.pcapng"
	check "a port is deleted" ip link del sna
	ended "$CAPTURE"
	is "a capture continues without a port, and fails" "$STATUS" 1
	like "after its full duration" "$SAID" ' in 1\.5 s.*error: 1 of 2 ports disappeared'
	check "down" "$NETSIM" down
	build
	capture 4 -w "$WORK/last.pcapng"
	check "a port is deleted at the end" ip link del sna
	stop "$CAPTURE"
	is "which also is a failure" "$STATUS" 1
	check "down" "$NETSIM" down
	build
	capture 4 -w "$WORK/gone.pcapng"
	check "down" "$NETSIM" down
	ended "$CAPTURE"
	is "a capture without remaining ports fails" "$STATUS" 1
	like "and reports this" "$SAID" 'port a/eth0 (disappeared|is down).*error: 2 of 2 ports disappeared'
	fails_with 2 "no fleet" "$NETSIM" capture
}

# The terminal is closed: all packets are written, and the counts of dropped ones.
hung_up() {
	capture 4 -w "$WORK/hung.pcapng" --filter icmp
	node_exec a ping -q -c 20 -i 0.01 10.9.0.2 >/dev/null
	stop "$CAPTURE" HUP
	is "a capture whose terminal is closed succeeds" "$STATUS" 0
	is "and has all packets" "$(count "$WORK/hung.pcapng" 'icmp.type == 8')" 40
}

build
as_tcpdump
as_tshark_reads
texts
link_locals
rotated
drops
empty
hung_up
stalled
kept_up
cut_short
wrong
gone
done_testing
