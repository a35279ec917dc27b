# needs: native bridge veth netns clsact bpf
# limit: 240
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 of netsim run at random moments: `netsim report` shows the timeline and the verdict so
# far, and `netsim down` leaves no process, cgroup, link, namespace or program.
# Environment: MOMENTS (15), SEED.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET='dies'
KILLAT=$(dirname "$TESTS")/build/${VARIANT:-release}/tests/tools/killat
MOMENTS=${MOMENTS:-15}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
CGROUPS=$(awk '$(NF - 2) == "cgroup2" { print $5 }' /proc/self/mountinfo | tail -n 1)

cat >"$WORK/dies.yaml" <<-'EOT'
	scenario: dies
	fleet:
	  fleet: dies
	  networks: {lan: {}}
	  nodes:
	    n[1-3]: {interfaces: {eth1: {network: lan, address: "10.9.4.{n}/24"}}}
	start:
	  sleeper: {nodes: "n*", run: [sleep, "98764"]}
	probes:
	  echo: {from: n1, ping: 10.9.4.2, every: 20ms, timeout: 100ms}
	timeline:
	- quiet: {for: 100ms}
	- cut: partition n2
	  for: 100ms
	  repeat: 2, 100ms..200ms apart
	- frozen: [pause sleeper, fault 'loss 100%' n2 --for 600ms]
	- after: {for: 200ms}
EOT

failed() {
	why="killed after $at s: $1${2:+
$2}"
	return 1
}

# The report of a run that was killed has the events up to then.
reports() {
	[[ -e $WORK/run/events.jsonl ]] || return 0
	run "$NETSIM" report -v "$WORK/run"
	case $STATUS in
	0) [[ $killed == no || -e $WORK/run/verdict.json ]] || failed "an unfinished run is ok" "$OUT" ;;
	6)
		[[ $killed == yes ]] || return 0
		# If the run is killed while the fleet is being taken down, its timeline is complete.
		[[ $OUT == *"the run was killed"* || $OUT == *"was not read back"* ]] || failed "report does not say that it was killed" "$OUT$ERR" || return
		told=$((told + 1))
		cuts=$(grep -c '"kind":"fault begins"' "$WORK/run/events.jsonl")
		[[ $cuts -eq 0 || $OUT == *partition* ]] || failed "report does not show the cut" "$OUT"
		;;
	*) failed "report fails" "$(caught netsim report)" ;;
	esac
}

leftovers() {
	pgrep -af 'sleep 9876[4]'
	find "$CGROUPS" -name "netsim@dies@$(stat -L -c %i /proc/self/ns/net)"
	ip -br link | grep -v '^lo '
	find /run/netns /run/netsim /sys/fs/bpf -mindepth 1 ! -name '*.lock' ! -name '*.run' ! -name '*.debug' 2>/dev/null
}

leaves_nothing() {
	local left
	run "$NETSIM" down
	[[ $STATUS -eq 0 ]] || failed "down fails" "$(caught netsim down)" || return
	left=$(leftovers)
	[[ -z $left ]] || failed "down leaves" "$left"
}

moments() {
	count=0 deaths=0 told=0
	while [[ $count -lt $MOMENTS ]]; do
		at=$((RANDOM % (took * 11 / 10)))
		at=$(printf '%d.%03d' $((at / 1000)) $((at % 1000)))
		rm -rf "$WORK/run"
		killed=no
		"$KILLAT" "$at" "$NETSIM" run "$WORK/dies.yaml" --out "$WORK/run" >/dev/null 2>&1
		[[ $? -ne 137 ]] || killed=yes deaths=$((deaths + 1))
		reports || return
		leaves_nothing || return
		count=$((count + 1))
	done
}

before=$(programs)
begin=${EPOCHREALTIME//[!0-9]/}
check "a run that is not killed" "$NETSIM" run "$WORK/dies.yaml" --out "$WORK/run"
took=$(((${EPOCHREALTIME//[!0-9]/} - begin) / 1000))
echo "# seed $SEED; a run takes $took ms"
if moments; then
	ok "after any kill, the evidence tells, and down leaves nothing"
else
	not_ok "after any kill, the evidence tells, and down leaves nothing" "$why"
fi
echo "# $count moments, in $deaths of them the run was killed before its end; report shows $told as killed"
between "runs that were killed" "$deaths" $((MOMENTS / 3)) "$MOMENTS"
between "killed runs that report shows as such" "$told" $((MOMENTS / 6)) "$MOMENTS"
no_program_stays "$before"
done_testing
