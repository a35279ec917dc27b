# needs: native bridge veth netns clsact bpf
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The record of profile and faults, and the kernel: both change, or neither. Links with
# netsim's group but without its mark are left alone.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

FLEET=record
RECORD=/run/netsim/record.json
ALL=(a=10.1.0.1 b=10.1.0.2)

write_topo() {
	cat >"$WORK/record.yaml" <<-'EOF'
		fleet: record
		networks: {lan: {address: 10.1.0.254/24}}
		nodes:
		  a: {interfaces: {eth1: {network: lan, address: 10.1.0.1/24}}}
		  b: {interfaces: {eth1: {network: lan, address: 10.1.0.2/24}}}
	EOF
	printf 'profile: p\nengine: edt\ndefault: {loss: 0%%}\n' >"$WORK/p.yaml"
}

reached() {
	reach "${ALL[@]}" | joined
}

ids() {
	"$NETSIM" status --json | jq -r '[.fleets[0].faults[].fault] | join(" ")'
}

# nothing_new NAME CMD...: fails in one line, and nothing is in force
nothing_new() {
	fails_with 4 "$1" timeout 10 "${@:2}"
	one_line "$1: in one line"
	is "$1: nothing in force" "$(reached)" "a>b b>a"
}

# --- no room

no_room() {
	local ids
	check "apply" "$NETSIM" apply "$WORK/p.yaml"
	check "a fault" "$NETSIM" fault --name old 'loss 0%' a:b
	ids=$(ids)
	nothing_new "partition beyond the limit of a file's size" prlimit --fsize=100 "$NETSIM" partition a
	like "says that the limit is the cause" "$ERR" "cannot write $RECORD: File too large"
	is "nor in the record" "$(ids)" "$ids"
	mount -t tmpfs -o size=16k tmpfs /mnt
	cp -a /run/netsim/. /mnt
	mount --bind /mnt /run/netsim
	umount /mnt
	dd if=/dev/zero of=/run/netsim/filler bs=4k status=none 2>/dev/null
	ids=$(ids)
	nothing_new "partition without room" "$NETSIM" partition a
	like "says why" "$ERR" "cannot write $RECORD: No space left on device"
	nothing_new "again" "$NETSIM" partition a
	nothing_new "a fault without room" "$NETSIM" fault 'loss 100%' a:b
	nothing_new "a link fault without room" "$NETSIM" link down --for 60s a
	nothing_new "a pulled link without room" "$NETSIM" link down a
	is "status lists what there was" "$(ids)" "$ids"
	is "nothing is left over" "$(ls /run/netsim)" "$(printf 'filler\nrecord.json\nrecord.lock\nrecord.yaml')"
	check "heal needs no room" "$NETSIM" heal old
	is "and heals" "$(ids)" ""
	is "in the record, too" "$(jq -c .faults "$RECORD")" "[]"
	rm /run/netsim/filler
	check "partition with room" "$NETSIM" partition a
	is "in force" "$(reached) $(ids)" " $(ids)"
	"$NETSIM" heal -q
	umount /run/netsim
	"$NETSIM" heal -q
	"$NETSIM" clear -q
}

# A fleet of which nothing could be built leaves nothing, not even its lock.
no_room_for_namespaces() {
	"$NETSIM" down -q
	mount -t tmpfs -o nr_inodes=2 tmpfs /run/netns
	fails_with 4 "up without room for namespaces" "$NETSIM" up "$WORK/record.yaml"
	like "says why" "$ERR" "in /run/netns: No space left on device"
	one_line "in one line"
	is "leaves nothing there" "$(ls -A /run/netns /run/netsim 2>/dev/null)" "/run/netns:"
	umount /run/netns
	fails_with 5 "up with few files" prlimit --nofile=7 "$NETSIM" up "$WORK/record.yaml"
	is "leaves nothing either" "$(dump)$(ls -A /run/netsim 2>/dev/null)" "$before"
	check "up with room" "$NETSIM" up "$WORK/record.yaml"
}

read_only() {
	local command
	mount -o remount,ro /run
	for command in "up $WORK/record.yaml" "partition a" heal "apply $WORK/p.yaml" down; do
		# shellcheck disable=SC2086 # words
		fails_with 5 "${command%% *} with a read-only /run" "$NETSIM" $command
		like "${command%% *}: says so" "$ERR" "cannot write /run/netsim/record.lock: Read-only file system"
		one_line "${command%% *}: in one line"
	done
	check "status with a read-only /run" "$NETSIM" status
	mount -o remount,rw /run
	is "nothing has changed" "$(ids) $(reached)" " a>b b>a"
}

# The programs are held by their filters, and pinned nowhere.
no_bpffs() {
	umount /sys/fs/bpf
	check "partition without a bpffs" "$NETSIM" partition a
	is "in force" "$(reached)" ""
	check "heal without a bpffs" "$NETSIM" heal
	is "healed" "$(reached)" "a>b b>a"
	mount -t bpf bpf /sys/fs/bpf
}

# --- a file that netsim did not write

# stands NAME REASON: another object is in the record's place
stands() {
	nothing_new "$1: partition" "$NETSIM" partition a
	like "$1: says so" "$ERR" "$RECORD $2; remove it"
	nothing_new "$1: fault" "$NETSIM" fault 'loss 100%' a:b
	nothing_new "$1: link" "$NETSIM" link down a
	nothing_new "$1: apply" "$NETSIM" apply "$WORK/p.yaml"
	nothing_new "$1: up" "$NETSIM" up "$WORK/record.yaml"
	check "$1: status" timeout 10 "$NETSIM" status
	like "$1: says so, too" "$OUT" "profile and faults are unknown: $RECORD $2"
	rm -rf "$RECORD"
}

other_files() {
	mkdir -p "$RECORD"
	stands "a directory" "is not a regular file"
	mkfifo "$RECORD"
	stands "a FIFO" "is not a regular file"
	ln -s "$WORK/p.yaml" "$RECORD"
	stands "a link" "is not a regular file"
	echo '{}' >"$RECORD" && chown 1234 "$RECORD"
	stands "a file of another user" "belongs to another user"
	echo '{}' >"$RECORD" && chmod 666 "$RECORD"
	stands "a file that others can write" "can be written by other users"
	echo '{"applied": [' >"$RECORD"
	stands "half a file" "is not a record of netsim"
	: >"$RECORD"
	stands "an empty file" "is not a record of netsim"
	check "partition after that" "$NETSIM" partition a
	is "in force" "$(reached)" ""
	"$NETSIM" heal -q
	rm -f /run/netsim/record.lock
	mkfifo /run/netsim/record.lock
	nothing_new "a FIFO as the lock" "$NETSIM" partition a
	rm /run/netsim/record.lock
}

names() {
	"$NETSIM" down -q
	mkfifo /run/netns/record.a
	fails_with 4 "up: a FIFO as a namespace" timeout 10 "$NETSIM" up "$WORK/record.yaml"
	one_line "in one line"
	check "status with it" timeout 10 "$NETSIM" status
	rm /run/netns/record.a
	ln -s /nowhere /run/netns/record.a
	fails_with 4 "up: a link as a namespace" timeout 10 "$NETSIM" up "$WORK/record.yaml"
	rm /run/netns/record.a
	check "up after that" "$NETSIM" up "$WORK/record.yaml"
}

# --- links of others in the link group

foreign_links() {
	local group
	group=$(ip -d -j link show record-lan | jq -r '.[0].group')
	ip link add mine type bridge
	ip link set mine group "$group" alias "mine, nobody else's"
	ip link add doomed type bridge
	ip link set doomed group $((group | 0x1000000)) alias "mine, too"
	check "up beside a link in the group" "$NETSIM" up "$WORK/record.yaml"
	sed '/^  b:/d' "$WORK/record.yaml" >"$WORK/less.yaml"
	check "up that removes a node" "$NETSIM" up "$WORK/less.yaml"
	check "down" "$NETSIM" down
	is "leaves both" "$(ip -br link show type bridge | awk '{ print $1 }' | joined)" "mine doomed"
	is "and nothing of its own" "$(ip -o link | grep -c netsim:)" 0
	ip link del doomed
	check "up again" "$NETSIM" up "$WORK/record.yaml"
	check "down again" "$NETSIM" down
	is "leaves it" "$(ip -br link show type bridge | awk '{ print $1 }')" "mine"
	ip link del mine
}

before=$(dump)
write_topo
check "up" "$NETSIM" up "$WORK/record.yaml"
no_room
no_room_for_namespaces
read_only
no_bpffs
other_files
names
foreign_links
is "leaves nothing" "$(dump)" "$before"
done_testing
