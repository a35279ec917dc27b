# needs: native bridge veth netns clsact bpf make gcc g++ python3 pkg-config
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The installed library: builds and runs the programs of examples/; options of older and newer
# programs; progress functions that stop a call.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=lib
ROOT=$(dirname "$TESTS")
STAGE=$WORK/stage
WARN=(-Wall -Wextra -pedantic -Werror)

write_files() {
	cat >"$WORK/lib.yaml" <<-'EOT'
		fleet: lib
		networks: {lan: {}}
		nodes:
		  a: {interfaces: {eth1: {network: lan, address: 10.6.0.1/24}}}
		  b: {interfaces: {eth1: {network: lan, address: 10.6.0.2/24}}}
		  c: {interfaces: {eth1: {network: lan, address: 10.6.0.3/24}}}
	EOT
	# Without delay and rate, so that it does not need netem.
	printf '%s\n' 'profile: lose' 'engine: edt' 'default: {up: {loss: 30%}}' >"$WORK/lose.yaml"
	sed 's/lan: {}/lan: {colour: red}/' "$WORK/lib.yaml" >"$WORK/wrong.yaml"
}

install_library() {
	check "the build is up to date" make -s -q -C "$ROOT" all
	check "make install" make -s -C "$ROOT" install DESTDIR="$STAGE" PREFIX=/usr/local
	export PKG_CONFIG_PATH=$STAGE/usr/local/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$STAGE
	export LD_LIBRARY_PATH=$STAGE/usr/local/lib
	is "pkg-config knows the version" "$(pkg-config --modversion libnetsim)" \
		"$("$NETSIM" --version | sed 's/.* //')"
	read -ra FLAGS <<<"$(pkg-config --cflags --libs libnetsim)"
	unlike "pkg-config does not refer to the source folder" "${FLAGS[*]}" "$ROOT/"
	# In another folder, so that headers of the source are not found.
	cp "$ROOT"/examples/* "$TESTS/kernel/82-library.c" "$WORK"
	mkdir "$WORK/profiles"
	cp "$ROOT/profiles/classes.yaml" "$WORK/profiles"
	cd "$WORK" || exit 1
}

build() {
	check "the C example builds" gcc -std=c11 "${WARN[@]}" -o up_apply_verify up_apply_verify.c "${FLAGS[@]}"
	check "the C++ example builds" g++ -std=c++17 "${WARN[@]}" -o status status.cc "${FLAGS[@]}"
	check "the program for options builds" gcc -std=c11 "${WARN[@]}" -o library 82-library.c "${FLAGS[@]}"
	like "programs need the soname" "$(ldd ./status)" "libnetsim[.]so[.]0 => $STAGE"
}

# --- the examples

is_shaped() {
	tc filter show dev "$(port_of a)" egress | grep -q ns_port
}

nothing_left() {
	[[ -z $(find /run/netns -name 'lib.*') && $(ip -br link | awk '$1 != "lo"') == "" ]]
}

# The fleet exists while the program verifies it.
up_apply_verify() {
	local status=0 run
	bg ./up_apply_verify lib.yaml lose.yaml
	run=$BG
	check "the C example builds the fleet" wait_for 10 test -e /run/netns/lib.c
	check "and shapes its ports" wait_for 10 is_shaped
	wait "$run" || status=$?
	is "and finds it as requested" "$status" 0
	like "and prints it" "$(<"$WORK/bg.$run")" " a: loss up: asked 30.0 %, measured [0-9.]+ %"
	check "and removes it" nothing_left
	fails_with 2 "and refuses a file with a mistake" ./up_apply_verify "$WORK/wrong.yaml" lose.yaml
	like "which it names" "$ERR" "^$WORK/wrong.yaml:2:[0-9]+: .*colour"
	fails_with 2 "and refuses an unknown name" ./up_apply_verify nonesuch lose
	like "with a hint" "$ERR" "nonesuch; looked for "
	check "and leaves no fleet" nothing_left
}

status_of() {
	check "the C++ example" ./status
	is "prints the number of reached nodes" "$OUT" "$(printf '%s\n' "lib: profile none" "$@")"
}

status() {
	"$NETSIM" up -q lib.yaml
	status_of "  a reaches 2 of 2" "  b reaches 2 of 2" "  c reaches 2 of 2"
	"$NETSIM" partition -q c
	status_of "  a reaches 1 of 2" "  b reaches 1 of 2" "  c reaches 0 of 2"
	"$NETSIM" heal -q
	fails_with 2 "it refuses an unknown fleet" ./status lip
	is "with a hint" "$ERR" "there is no fleet lip; did you mean lib?"
}

# has_more PID COUNT: a ping has more answers than these
has_more() {
	[[ $(grep -c time= "$WORK/bg.$1") -gt $2 ]]
}

partition() {
	local ping cut answered status=0
	ping_start a 10.6.0.2 0.01
	ping=$BG
	bg python3 partition.py a
	cut=$BG
	check "the Python example cuts" wait_for 10 not answers a 10.6.0.2 -W 0.2
	check "only the node that it names" wait_for 5 answers b 10.6.0.3
	wait "$cut" || status=$?
	is "succeeds" "$status" 0
	is "prints the fault and its end" "$(<"$WORK/bg.$cut")" \
		"$(printf '%s\n' "fault 2: partition a | rest" "healed: partition a | rest")"
	check "heals" wait_for 5 answers a 10.6.0.2
	answered=$(grep -c time= "$WORK/bg.$ping")
	check "the ping is answered again" wait_for 10 has_more "$ping" "$answered"
	ping_stop "$ping"
	between "after two seconds" "$GAP" 1950 20000 ms
	fails_with 1 "it refuses an unknown node" python3 partition.py d
	is "with the library's message" "$ERR" "the fleet lib has no node d"
}

# --- options, progress and handles

# result NAME
result() {
	sed -n "s/^$1 //p" <<<"$RESULTS"
}

options() {
	check "the program for options" ./library a "$WORK/many.pcap" "$ROOT/profiles/classes.yaml" "$WORK/wrong.yaml"
	RESULTS=$OUT
	is "options of an older program are read to their end" "$(result older)" 0
	is "and have the same meaning" "$(result older-fault)" "partition a | rest"
	check "a is cut" not answers a 10.6.0.2 -W 0.2
	check "b is not" wait_for 5 answers b 10.6.0.3
	is "an option that the library does not know is refused" "$(result newer)" E2BIG
	is "with an error" "$(result newer-err)" "1 this libnetsim does not know all options of the program"
	is "and no result" "$(result newer-result)" untouched
	is "if it is zero, the call succeeds" "$(result newer-zero)" 0
	is "and the other options are read" "$(result newer-zero-faults)" 1
	is "options without a size are refused" "$(result no-size)" EINVAL
	is "a profile that a port cannot have is refused" "$(result refused)" EINVAL
	is "at its line" "$(result refused-err)" "1 burst.yaml:2"
	is "and gives no result" "$(result refused-result)" untouched
	is "progress stops pings, with the results so far" "$(result stop-pings)" 0
	is "at its first call" "$(result stop-pings-calls)" "1 1"
	is "progress stops an analysis" "$(result stop-analysis)" ECANCELED
	is "at its first call" "$(result stop-analysis-calls)" 1
	is "without it, the analysis reaches its end" "$(result analysis) $(result analysis-packets)" "0 1"
	is "a wrong file is refused" "$(result wrong-file)" EINVAL
	is "in diags, not in err" "$(result wrong-file-diags)" "1 1"
	is "which may both be NULL" "$(result wrong-file-null)" EINVAL
	is "open raises the limit of files" "$(result limit)" raised
	is "calls return to the network namespace" "$(result namespace)" same
	is "close closes all" "$(result descriptors)" same
}

write_files
install_library
build
up_apply_verify
status
partition
options
check "down" "$NETSIM" down lib
done_testing
