# needs: native etcd bridge veth netns clsact bpf python3 openssl
# limit: 180
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The ledger against three members of etcd: its rate, its record, a partition of the leader; the
# leader as members see it; requests that are indeterminate, and never sent twice.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
FLEET=ledger
ETCD=$TESTS/../build/unpacked/etcd-server/usr/bin/etcd
LEDGER=$HELPERS/ledger
MEMBERS=(s1=ledger.s1=http://10.9.1.1:2379 s2=ledger.s2=http://10.9.1.2:2379 s3=ledger.s3=http://10.9.1.3:2379)

build() {
	cat >"$WORK/ledger.yaml" <<-'EOT'
		fleet: ledger
		networks: {lan: {}}
		nodes:
		  s[1-3]: {interfaces: {eth1: {network: lan, address: "10.9.1.{n}/24"}}}
		  c: {interfaces: {eth1: {network: lan, address: 10.9.1.9/24}}}
	EOT
	check "up" "$NETSIM" up "$WORK/ledger.yaml"
}

start_etcd() {
	local n
	for n in 1 2 3; do
		node_bg s$n "$ETCD" --name s$n --data-dir "$WORK/data-$n" --logger zap --log-level error \
			--pre-vote=true --heartbeat-interval 100 --election-timeout 1000 \
			--listen-peer-urls http://10.9.1.$n:2380 --initial-advertise-peer-urls http://10.9.1.$n:2380 \
			--listen-client-urls http://10.9.1.$n:2379 --advertise-client-urls http://10.9.1.$n:2379 \
			--initial-cluster-state new --initial-cluster \
			s1=http://10.9.1.1:2380,s2=http://10.9.1.2:2380,s3=http://10.9.1.3:2380
	done
	check "etcd has a leader" wait_for 30 knows_leader
}

knows_leader() {
	LEADER=$("$LEDGER" leader 1000 "${MEMBERS[@]}" | sed -n 's/^leader //p')
	[[ -n $LEADER ]]
}

# count CONDITION: operations of the record for which the awk condition holds
count() {
	awk "BEGIN { n = 0 } $1 { n++ } END { print n }" "$WORK/record"
}

# The differences between the times at which operations were due.
due_steps() {
	awk '$1 ~ /^(put|get|cas|delete)$/ { print $6 }' "$WORK/record" | sort -n |
		awk 'NR > 1 { printf "%.3f\n", $1 - before } { before = $1 }' | sort -u
}

# Columns: 1 kind 2 client 3 endpoint 4 key 5 value 6 due 7 begin 8 end 9 outcome 10 succeeded
# 11 expected 12 revision 13 mod_revision 14 seen
quiet() {
	local left_out
	"$LEDGER" run 3 100 5 5000 ledger.c "${MEMBERS[@]}" >"$WORK/record"
	# A late machine leaves operations out, and says how many.
	is "an operation each 10 ms" "$(due_steps | grep -vE '^[0-9]*0\.000$')" ""
	left_out=$(awk '/^missed/ { print $2 }' "$WORK/record")
	check "for three seconds" test $(($(count '$1 ~ /^(put|get|cas|delete)$/') + left_out)) -ge 300
	check "nearly all in time" test "$left_out" -lt 100
	is "all succeed" "$(count '$1 ~ /^(put|get|cas|delete)$/ && $9 != "ok"')" 0
	check "all kinds take place" test "$(awk '{ print $1 }' "$WORK/record" | sort -u | grep -cE \
		'^(put|get|cas|delete|watch-put|watch-delete|watch-start|final)$')" -eq 8
	is "no value is written twice" "$(awk '$5 > 0 { print $5 }' "$WORK/record" | sort | uniq -d)" ""
	is "the operations of a client do not overlap" "$(sort -k2,2n -k7,7n "$WORK/record" | awk '
		$1 !~ /^(put|get|cas|delete)$/ { next }
		n++ && $2 == client && $7 < end { print } { client = $2; end = $8 }')" ""
	is "each acknowledged write has a revision of its own" "$(awk '
		$9 == "ok" && ($1 == "put" || ($1 == "cas" && $10) || ($1 == "delete" && $10)) { print $12 }' \
		"$WORK/record" | sort | uniq -d)" ""
	is "reads show values that were written" "$(awk '
		NR == FNR { if ($5 > 0) written[$5]; next }
		($1 == "get" || $1 == "final" || $1 ~ /^watch-p/) && $14 != 0 && !($14 in written) { print }' \
		"$WORK/record" "$WORK/record")" ""
	is "a comparison that fails reads the key" "$(count '$1 == "cas" && !$10 && $11 == $13')" 0
	# From its start to the last event that arrived before the end.
	awk '$1 ~ /^watch-[pd]/ { print $12 }' "$WORK/record" >"$WORK/watched"
	awk -v first="$(awk '$1 == "watch-start" { print $12 }' "$WORK/record")" -v last="$(tail -n 1 "$WORK/watched")" '
		$9 == "ok" && ($1 == "put" || ($1 == "cas" && $10) || ($1 == "delete" && $10)) &&
		$12 > first && $12 <= last { print $12 }' "$WORK/record" | sort -n >"$WORK/written"
	check "the watch shows each write, in order" cmp "$WORK/watched" "$WORK/written"
	check "up to the end" test "$(wc -l <"$WORK/watched")" -gt 100
	check "the members agree" wait_for 10 agree
}

several_nodes() {
	"$LEDGER" run 1 100 5 200 ledger.c,ledger.s1,- "${MEMBERS[@]}" >"$WORK/record"
	is "clients of three nodes" "$(awk '$1 ~ /^(put|get|cas|delete)$/ { print int($2 / 65) }' "$WORK/record" |
		sort -u | tr '\n' ' ')" "0 1 2 "
	is "the host has no way to them" "$(count 'int($2 / 65) == 2 && $9 == "ok"')" 0
	is "which certainly has no effect" "$(count 'int($2 / 65) == 2 && $1 !~ /watch/ && $9 != "failed"')" 0
}

partition() {
	local before pid
	knows_leader
	before=$LEADER
	bg "$LEDGER" run 8 100 5 200 ledger.c "${MEMBERS[@]}"
	pid=$BG
	sleep 1
	check "partition of the leader" "$NETSIM" partition -q --for 4s "$before"
	check "the members have another leader" wait_for 10 eval 'knows_leader && [[ $LEADER != "'"$before"'" ]]'
	wait "$pid"
	cp "$WORK/bg.$pid" "$WORK/record"
	check "some operations are indeterminate" test "$(count '$9 == "indeterminate"')" -gt 0
	# Where too many are in flight, as on a busy machine, operations are left out.
	is "the rate is kept meanwhile" "$(due_steps | grep -vE '^[0-9]*0\.000$')" ""
	check "the majority goes on" went_on "$before"
	is "an operation takes no longer than its timeout" \
		"$(count '$1 ~ /^(put|get|cas|delete)$/ && $9 == "indeterminate" && $8 - $7 < 199 && /no answer/')" 0
	check "the members agree in the end" wait_for 10 agree
}

# went_on LEADER: the other members acknowledge more than 20 writes after the last one that LEADER
# acknowledged before the cut, and before it acknowledges one again.
went_on() {
	[[ $(sort -n -k 8 "$WORK/record" | awk -v old="$((${1#s} - 1))" '
		$9 != "ok" || $1 != "put" { next }
		$3 == old { if (run > most) most = run; run = 0; next }
		{ run++ }
		END { print (run > most ? run : most) }') -gt 20 ]]
}

# A member applies a write a moment after it is acknowledged, and later on a busy machine.
agree() {
	"$LEDGER" run 0.1 10 5 1000 ledger.c "${MEMBERS[@]}" | grep -q 'agrees yes'
}

lost_leader() {
	! "$LEDGER" leader 500 "${MEMBERS[@]}" >"$WORK/leader" && grep -q 's3: knows none' "$WORK/leader"
}

no_leader() {
	pkill -STOP -f 'etcd --name s[12]'
	# s3 leads, or follows one of them, until its election timeout.
	wait_for 10 lost_leader
	like "no leader: each member's answer" "$(<"$WORK/leader")" \
		'^error no leader: s1: no answer within 0.5 s; s2: no answer within 0.5 s; s3: knows none in term [0-9]+$'
	run "$LEDGER" ask 500 /v3/kv/put '{"key":"YQ==","value":"Yg=="}' "${MEMBERS[@]:2}"
	like "a write without a quorum is indeterminate" "$OUT" '^s3 indeterminate 0 .*no answer within 0.5 s'
	run "$LEDGER" ask 500 /v3/kv/put '{"key":"YQ==","value":"Yg=="}' x=ledger.c=http://10.9.1.9:1
	like "a refused connection is not" "$OUT" '^x failed 0 .*connection refused or failed'
	run "$LEDGER" ask 500 /v3/kv/put '{"key":"YQ==","value":"Yg=="}' y=ledger.nosuch=http://10.9.1.1:2379
	like "a node that does not exist" "$OUT" '^y failed 0 .*there is no network namespace ledger.nosuch'
	pkill -CONT -f 'etcd --name s[12]'
	check "they go on" wait_for 20 knows_leader
	run "$LEDGER" ask 1000 /v3/kv/range '{"key":"!"}' "${MEMBERS[@]:0:1}"
	like "an invalid request certainly fails" "$OUT" '^s1 failed 0 '
}

# A request whose kept connection is closed is not sent again: it could take effect twice.
once() {
	node_bg c "$HELPERS/httpd" 10.9.1.9 8080
	wait_for 5 written ready "$WORK/bg.$BG"
	NO_WATCH=yes "$LEDGER" run 1 20 5 200 ledger.c "w=ledger.c=http://10.9.1.9:8080/second?" >"$WORK/record"
	is "an answer of another server is indeterminate" "$(count '$9 == "ok"')" 0
	check "connections are closed instead of an answer" grep -q 'the connection was closed' "$WORK/record"
	# ledger_read() sends one more.
	is "each request arrives once" "$(node_exec c curl -s http://10.9.1.9:8080/seconds)" \
		$(($(count '$9 == "indeterminate"') + 1))
}

certificates() {
	(
		cd "$WORK" || exit
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.crt -subj /CN=ca
		printf '%s\n' 'subjectAltName=IP:127.0.0.1' 'extendedKeyUsage=serverAuth,clientAuth' >ext
		openssl req -newkey rsa:2048 -nodes -keyout s.key -out s.csr -subj /CN=s
		openssl x509 -req -in s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out s.crt -extfile ext
	) >"$WORK/openssl.log" 2>&1
	bg "$ETCD" --name t --data-dir "$WORK/data-t" --logger zap --log-level error \
		--listen-peer-urls http://127.0.0.1:3380 --listen-client-urls https://127.0.0.1:3379 \
		--advertise-client-urls https://127.0.0.1:3379 --client-cert-auth --trusted-ca-file "$WORK/ca.crt" \
		--cert-file "$WORK/s.crt" --key-file "$WORK/s.key"
	export ETCD_CA=$WORK/ca.crt ETCD_CERT=$WORK/s.crt ETCD_KEY=$WORK/s.key
	check "https with a client certificate" wait_for 20 "$LEDGER" leader 1000 t=-=https://127.0.0.1:3379
	unset ETCD_CERT ETCD_KEY
	fails_with 1 "without one" "$LEDGER" leader 1000 t=-=https://127.0.0.1:3379
	like "says so" "$OUT" '^error no leader: t: .*(certificate|alert|SSL|reset|closed)'
}

build
start_etcd
quiet
several_nodes
partition
no_leader
once
certificates
check "down" "$NETSIM" down ledger
done_testing
