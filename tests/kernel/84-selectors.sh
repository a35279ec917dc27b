# needs: native etcd bridge veth netns clsact bpf curl tap dnsmasq
# limit: 90
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Selectors on the command line: leader(NAME) and others, by the command of a recipe and by etcd's
# gateway, beside a run of the same fleet.
# shellcheck shell=bash disable=SC2034 # FLEET is for lib.sh
. "$(dirname "$0")/../lib.sh"

PATH=$(realpath "$TESTS/../build/unpacked/etcd-server/usr/bin"):$PATH
FLEET=sel
make_memory

cat >"$WORK/sel.yaml" <<-'EOT'
	fleet: sel
	networks: {lan: {}}
	nodes:
	  s[1-5]: {roles: [server], interfaces: {eth1: {network: lan, address: "10.9.1.{n}/24"}}}
	  c: {interfaces: {eth1: {network: lan, address: 10.9.1.9/24}}}
EOT
cat >"$WORK/db.yaml" <<-'EOT'
	recipe: db
	command: [sleep, infinity]
	env: {ROLES: "{folder}/roles", DATA: "{data}"}
	members: [sh, -c, 'cat "$ROLES"; test -z "$DATA"']
EOT

# roles LEADER: the output of the recipe's command
roles() {
	local node
	for node in s1 s2 s3 s4 s5; do
		echo "$node $([[ $node == "$1" ]] && echo leader || echo follower)"
	done >"$WORK/roles"
}

# selects NAME WANT GROUP...: the partition that results
selects() {
	local name=$1 want=$2
	shift 2
	check "$name" "$NETSIM" partition "$@" --members "db=@server:$WORK/db.yaml"
	is "$name: text" "$OUT" "$want"
	"$NETSIM" heal -q
}

in_force() {
	"$NETSIM" status --json | jq -c '[.fleets[0].faults[].text]'
}

by_command() {
	roles s3
	check "up" "$NETSIM" up -q "$WORK/sel.yaml"
	selects "the leader" $'leader(db) is s3\nfault 1: partition s3 | rest, for 10 s' 'leader(db)' --for 10s
	selects "a minority" $'minority(db) is s1,s3\nfault 2: partition s1,s3 | rest, until netsim heal' 'minority(db)'
	roles s5
	selects "the leader now" $'leader(db) is s5\nfollowers(db) is s1,s2,s3,s4\nfault 3: partition s5,c | s1,s2,s3,s4, until netsim heal' \
		'c,leader(db)' 'followers(db)'
	check "fault of pairs" "$NETSIM" fault 'loss 3%' 'leader(db):majority(db)' --members "db=@server:$WORK/db.yaml"
	like "each pair" "$OUT" $'leader.db. is s5\nmajority.db. is s2,s3,s4\n.*loss 3% on s5:s2 s5:s3 s5:s4'
	check "link of the leader" "$NETSIM" link down 'leader(db)/eth1' --members "db=s[1-5]:$WORK/db.yaml"
	is "is down" "$OUT" $'leader(db) is s5\nlink s5/eth1 is down'
	"$NETSIM" link up -q s5
	"$NETSIM" heal -q
}

# json NAME WANT COMMAND [ARGUMENT...]: the selections that the object shows
json() {
	local before after name=$1 want=$2
	shift 2
	before=$(date +%s%N)
	check "$name" "$NETSIM" "$@" --json --members "db=@server:$WORK/db.yaml"
	after=$(date +%s%N)
	is "$name: nodes" "$(jq -c '(.selected // []) | map({(.selector): .nodes}) | add' <<<"$OUT")" "$want"
	is "$name: when" "$(jq --argjson a "$before" --argjson b "$after" '[.selected[]?.at_ns | . >= $a - 1e6 and . <= $b + 1e6] | all' <<<"$OUT")" true
	"$NETSIM" heal -q
}

as_json() {
	roles s2
	json "selectors in JSON" '{"leader(db)":["s2"],"followers(db)":["s1","s3","s4","s5"]}' partition 'leader(db)' 'followers(db)'
	json "that of a bridge" '{"@server":["s1","s2","s3","s4","s5"],"leader(db)":["s2"]}' partition @server --bridge 'leader(db)'
	json "patterns and roles" '{"s[3-4]":["s3","s4"],"c*":["c"]}' partition 's[3-4]' 's1,c*'
	json "names are no selection" null partition s1,s2 c
	json "targets" '{"s[1-2]":["s1","s2"],"leader(db)":["s2"]}' fault 'loss 3%' 's[1-2]:c' 'leader(db)'
	json "those of a link" '{"leader(db)":["s2"]}' link down 'leader(db)/eth1'
	"$NETSIM" link up -q s2
	check "the text is the same" "$NETSIM" fault 'loss 3%' 's[1-2]:c' --json
	is "as without JSON" "$(jq -r .text <<<"$OUT")" 'loss 3% on s[1-2]:c'
	fails_with 2 "a pattern of no node" "$NETSIM" partition 'x*' --json
	"$NETSIM" heal -q
}

# The old leader, which is cut off, still names itself.
by_majority() {
	local node
	sed 's/roles/roles-{node}/' "$WORK/db.yaml" >"$WORK/own.yaml"
	for node in s1 s2 s3 s4 s5; do
		echo "s4 leader" >"$WORK/roles-$node"
	done
	echo "s1 leader" >"$WORK/roles-s1"
	rm "$WORK/roles-s2"
	check "a leader that a majority names" "$NETSIM" partition 'leader(db)' --members "db=@server:$WORK/own.yaml"
	like "is not the one that names itself" "$OUT" "^leader.db. is s4"
	"$NETSIM" heal -q
	echo "s1 leader" >"$WORK/roles-s3"
	fails_with 1 "a leader that two of five name" "$NETSIM" partition 'leader(db)' --members "db=@server:$WORK/own.yaml"
	one_line "in one line"
}

mistakes() {
	: >"$WORK/roles"
	fails_with 1 "a leader that cannot be learnt" "$NETSIM" partition 'leader(db)' --members "db=@server:$WORK/db.yaml"
	is "one line" "$ERR" 'netsim: leader(db): no leader: no majority of the members names the same one (command `members`)'
	is "and no fault" "$(in_force)" '[]'
	fails_with 1 "etcd that does not run" "$NETSIM" partition 'leader(etcd)' --members etcd=s1,s2
	like "has the answer of each member" "$ERR" '^netsim: leader.etcd.: no leader: s1: .*; s2: '
	is "and no fault" "$(in_force)" '[]'
	fails_with 2 "a cluster without --members" "$NETSIM" partition 'leader(etcd)'
	like "names the option" "$ERR" 'the members of etcd are not given.*--members etcd=NODES'
	fails_with 2 "a wrong selector" "$NETSIM" partition 'boss(etcd)' --members etcd=@server
	fails_with 2 "an unknown node" "$NETSIM" partition 'leader(etcd)' --members etcd=s9
	check "down" "$NETSIM" down
}

# The leader as curl sees it: etcd's own IDs are compared.
leader_by_curl() {
	local i reply
	for i in 1 2 3; do
		reply=$(node_exec s$i curl -sf -m 1 -d '{}' "http://10.9.1.$i:2379/v3/maintenance/status") || continue
		jq -e '.leader == .header.member_id' <<<"$reply" >/dev/null && echo "s$i"
	done
}

beside_a_run() {
	local leader
	cat >"$WORK/beside.yaml" <<-EOT
		scenario: beside
		fleet: "$WORK/sel.yaml"
		start: {etcd: {use: etcd, nodes: "s[1-3]"}}
		probes: {echo: {from: c, ping: 10.9.1.1, every: 50ms}}
		timeline: [{quiet: {for: 4s}}]
	EOT
	bg "$NETSIM" run "$WORK/beside.yaml" --out "$WORK/memory/beside"
	check "etcd has a leader" wait_for 20 eval '[[ $(leader_by_curl) == s? ]]'
	leader=$(leader_by_curl)
	check "a partition beside a run" "$NETSIM" partition 'leader(etcd)' --members 'etcd=s[1-3]' --for 300ms
	like "cuts off the leader" "$OUT" "^leader.etcd. is $leader"$'\n'"fault [0-9]+: partition $leader . rest, for 0.3 s$"
	check "by a URL" "$NETSIM" partition -n 'members(etcd)' --members 'etcd=s1,s2,s3:http://{address}:2379'
	is "of its members" "$OUT" $'members(etcd) is s1,s2,s3\nwould add: partition s1,s2,s3 | rest'
	wait "$BG"
	like "the run has ended" "$(<"$WORK/bg.$BG")" 'beside: '
	check "nothing is left" not ls /run/netns/sel.*
}

# The addresses of virtual machines are those in the topology, before any of them has started.
of_guests() {
	local node
	cat >"$WORK/guests.yaml" <<-'EOT'
		fleet: sel
		networks: {lan: {address: 10.9.1.254/24, dhcp: {server: 10.9.1.253/24}}}
		nodes:
		  s1: {kind: tap, roles: server, interfaces: {eth1: {network: lan, port: sel-s1, mac: "52:54:00:12:34:01", address: 10.9.1.1/24}}}
		  s2: {kind: tap, roles: server, interfaces: {eth1: {network: lan, port: sel-s2, mac: "52:54:00:12:34:02", address: dhcp, reserve: 10.9.1.2}}}
		  s3: {kind: attached, roles: server, interfaces: {eth1: {network: lan, port: sel-s3, mac: "52:54:00:12:34:03", address: 10.9.1.3/24}}}
		  s4: {kind: tap, interfaces: {eth1: {network: lan, port: sel-s4, mac: "52:54:00:12:34:04"}}}
	EOT
	cat >"$WORK/db.yaml" <<-'EOT'
		recipe: db
		command: [sleep, infinity]
		members: [sh, -c, 'echo {address} >{folder}/address-{node}; echo {node} leader']
	EOT
	"$NETSIM" up -q "$WORK/guests.yaml" 2>/dev/null
	for node in s1 s2 s3; do
		check "the leader of one virtual machine" "$NETSIM" partition -n 'leader(db)' --members "db=$node:$WORK/db.yaml"
		like "is found" "$OUT" "^leader.db. is $node"
	done
	is "at the addresses in the topology" "$(cat "$WORK"/address-s[123] | joined)" "10.9.1.1 10.9.1.2 10.9.1.3"
	fails_with 3 "one without an address" "$NETSIM" partition -n 'leader(db)' --members "db=s4:$WORK/db.yaml"
	like "says how it gets one" "$ERR" "netsim knows no address of s4.*write it in the topology"
	check "down" "$NETSIM" down -q
	is "no record stays" "$(find /run/netsim -name '*.yaml' 2>/dev/null)" ""
}

by_command
as_json
by_majority
mistakes
of_guests
beside_a_run
done_testing
