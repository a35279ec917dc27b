# needs: native chromium bridge veth netns clsact bpf iperf3 tcpdump jq strace
# limit: 180
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The page of netsim analyze in Chromium: its tables are the figures of --json, its plots
# are drawn and zoom together, and nothing is fetched from anywhere.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # lib.sh's
FLEET=page
PAGE=$WORK/page.html

build() {
	cat >"$WORK/page.yaml" <<-'EOT'
		fleet: page
		networks: {lan: {}}
		nodes:
		  a: {interfaces: {eth0: {network: lan, port: pga, address: 10.9.0.1/24}}}
		  b: {interfaces: {eth0: {network: lan, port: pgb, address: 10.9.0.2/24}}}
	EOT
	cat >"$WORK/loss.yaml" <<-'EOT'
		profile: loss
		engine: edt
		default: {loss: 2%}
	EOT
	echo 'classes: {peer: {tcp: 2380, gap: 200ms}, bulk: {tcp: 5201}}' >"$WORK/classes.yaml"
	check "up" "$NETSIM" up "$WORK/page.yaml"
	check "with loss" "$NETSIM" apply "$WORK/loss.yaml"
}

captured() {
	[[ $(stat -c %s "$WORK/page.pcap") -gt $1 ]]
}

# Two classes, retransmissions, and a silence in both: while nothing passes, TCP tries
# after 200 ms, and after 400 more.
traffic() {
	node_exec a iperf3 -c 10.9.0.2 -p 2380 -t 3 -b 5M -l 4K &
	node_exec a iperf3 -c 10.9.0.2 -t 3 -b 10M -R &
	wait_for 10 captured 100000
	"$NETSIM" partition a --for 400ms -q
	wait_children
}

capture() {
	local port tcpdump measure
	bg "$NETSIM" measure --json --html "$WORK/live.html"
	measure=$BG
	wait_for 10 grep -q . /proc/net/packet
	bg tcpdump -Z root -U -B 32768 -s 128 -i pga -w "$WORK/page.pcap"
	tcpdump=$BG
	wait_for 30 grep -q 'listening on' "$WORK/bg.$BG" || not_ok "tcpdump listens"
	for port in 2380 5201; do
		bg ip netns exec page.b iperf3 -s -p $port
		wait_for 5 node_exec b bash -c "ss -Hltn sport = $port | grep -q ."
	done
	traffic >/dev/null 2>&1
	kill -INT "$tcpdump"
	wait "$tcpdump" 2>/dev/null
	kill -INT "$measure"
	wait "$measure" 2>/dev/null
	cp "$WORK/bg.$measure" "$WORK/live.json"
}

# What a reader finds: of each canvas the share that is painted and whether zooming
# into the first plot changed it, and what its buttons do.
cat >"$WORK/reader.html" <<'EOT'
<script>
const told = {};
const canvases = () => [...document.querySelectorAll('.plot canvas')];
const frame = () => new Promise((done) => setTimeout(done, 50));
function painted(canvas) {
	const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
	let count = 0;
	for (let i = 3; i < all.length; i += 4)
		count += all[i] > 0;
	return count;
}
const press = (text) => [...document.querySelectorAll('#plots button')].find((one) => one.textContent === text).click();
const whole = () => ![...document.querySelectorAll('#plots button')].some((one) => one.textContent === 'Whole time' && !one.hidden);
const pictures = () => canvases().map((canvas) => canvas.toDataURL());
function drag(over, from, to) {
	const box = over.getBoundingClientRect();
	for (const [type, x] of [['mouseenter', from], ['mousemove', from], ['mousedown', from], ['mousemove', to], ['mouseup', to]])
		(type === 'mouseup' ? document : over).dispatchEvent(new MouseEvent(type, {bubbles: true, button: 0, buttons: 1,
			clientX: box.left + box.width * x, clientY: box.top + 20, movementX: 5, view: window}));
}
async function read() {
	await frame();
	const before = pictures();
	told.titles = [...document.querySelectorAll('.plot h3')].map((title) => title.firstChild.textContent);
	told.painted = canvases().map(painted);
	told.whole = whole();
	drag(document.querySelector('.u-over'), 0.3, 0.6);
	await frame();
	told.at = [...document.querySelectorAll('.plot .at')].map((one) => /^[0-9:.]+ .[+]/.test(one.textContent));
	told.zoomed = pictures().map((picture, i) => picture !== before[i]);
	told.zoomed_whole = whole();
	press('Pairs');
	await frame();
	told.pairs_whole = whole();
	told.pairs = [...document.querySelectorAll('.plot:first-child .legend span')].map((one) => one.textContent);
	press('Classes');
	await frame();
	press('Whole time');
	await frame();
	told.again = pictures().map((picture, i) => picture === before[i]);
	told.again_whole = whole();
	const rows = () => [...document.querySelectorAll('#classes tbody tr')].map((row) => row.cells[1].dataset.value);
	document.querySelectorAll('#classes th button')[1].click();
	told.down = rows();
	document.querySelectorAll('#classes th button')[1].click();
	told.up = rows();
	if ([...document.querySelectorAll('#plots button')].some((one) => one.textContent === 'One way')) {
		press('One way');
		await frame();
		told.one_way = [...document.querySelectorAll('.plot h3')].map((title) => title.firstChild.textContent);
		told.one_way_painted = canvases().map(painted);
	}
	told.fetched = performance.getEntriesByType('resource').map((one) => one.name);
}
read().catch((error) => { told.failed = String(error); }).finally(() => {
	const tables = {};
	for (const section of document.querySelectorAll('section[id]'))
		tables[section.id] = [...section.querySelectorAll('tbody tr')].map((row) =>
			Object.fromEntries([...row.cells].map((cell, i) => [section.querySelectorAll('th')[i].textContent, cell.dataset.value])));
	told.tables = tables;
	told.title = document.querySelector('h1').textContent;
	told.notes = [...document.querySelectorAll('.note')].map((note) => note.textContent);
	told.error = document.getElementById('error').textContent;
	document.body.replaceChildren('<<<' + btoa(unescape(encodeURIComponent(JSON.stringify(told)))) + '>>>');
});
</script>
EOT

# read_page FILE: what the reader tells, in $TOLD
read_page() {
	cat "$1" "$WORK/reader.html" >"$WORK/read.html"
	HOME=$WORK timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
		--user-data-dir="$WORK/chromium" --window-size=1280,2000 --virtual-time-budget=20000 --dump-dom \
		"file://$WORK/read.html" >"$WORK/dom" 2>"$WORK/chromium.log" </dev/null
	TOLD=$(sed -n 's/.*&lt;&lt;&lt;\([A-Za-z0-9+\/=]*\)&gt;&gt;&gt;.*/\1/p' "$WORK/dom" | base64 -d)
	[[ -n $TOLD ]] || explain "$(tail -n 5 "$WORK/chromium.log")"
}

# told FILTER: of what the reader told
told() {
	jq -c "$1" <<<"$TOLD"
}

analyze() {
	"$NETSIM" analyze --topo "$WORK/page.yaml" --classes "$WORK/classes.yaml" "$@"
}

check_drawn() {
	is "without a mistake" "$(told '[.error, .failed]')" '["",null]'
	is "there are four plots" "$(told .titles)" '["Throughput","Round-trip time","Retransmissions","Gaps"]'
	is "with something in each" "$(told '[.painted[] > 500]')" '[true,true,true,true]'
	is "nothing is fetched" "$(told '.fetched')" '[]'
	is "who zooms into one zooms into all" "$(told '[.whole, .zoomed, .zoomed_whole]')" '[true,[true,true,true,true],false]'
	is "and all say when the cursor is" "$(told .at)" '[true,true,true,true]'
	is "pairs have both directions" "$(told '.pairs[:2]')" '["a → b","b → a"]'
	is "at the same zoom" "$(told '.pairs_whole')" false
	is "and back" "$(told '[.again, .again_whole]')" '[[true,true,true,true],true]'
	is "a column sorts both ways" "$(told '[(.down | map(tonumber) | . == (sort | reverse)), (.down == (.up | reverse))]')" '[true,true]'
}

# Of each list the sums of some columns, and each row of classes and gaps.
check_figures() {
	local json
	json=$(analyze --json "$WORK/page.pcap")
	is "classes are those of --json" \
		"$(told '[.tables.classes[] | [.class, .packets, .bytes, ."retr.", .p99]] | sort')" \
		"$(jq -c '[.classes[] | [.class] + ([.both | .packets, .bytes, .fast + .timeout + .spurious, .rtt.p99_ns] |
			map(if . == null then . else tostring end))] | sort' <<<"$json")"
	is "pairs, too" "$(told '[.tables.pairs[].bytes | tonumber] | sort')" \
		"$(jq -c '[.pairs[] | .from_a, .from_b | select(.packets > 0).bytes] | sort' <<<"$json")"
	is "and classes of pairs" "$(told '[.tables.flows[].packets | tonumber] | sort')" \
		"$(jq -c '[.flows[] | .from_a, .from_b | select(.packets > 0).packets] | sort' <<<"$json")"
	is "and connections" "$(told '[.tables.connections[] | [.from, .packets]] | sort')" \
		"$(jq -c 'def port(a; p): if .protocol == "tcp" or .protocol == "udp" then (if a | contains(":") then "[\(a)]" else a end) + ":\(p)" else a end;
			[.connections[] | [port(.client; .client_port), .from_client.packets], [port(.server; .server_port), .from_server.packets]
			| select(.[1] > 0) | .[1] |= tostring] | sort' <<<"$json")"
	is "and gaps" "$(told '[.tables.gaps[] | [.from, .to]]')" \
		"$(jq -c '[.gaps[] | ["\(.from):\(.from_port)", "\(.to):\(.to_port)"]]' <<<"$json")"
	# A browser's numbers are exact to 256 ns, since 1970.
	is "and how long they are" "$(told '[.tables.gaps[].lasts | tonumber / 1e5 | round]')" \
		"$(jq -c '[.gaps[] | (.end_ns - .begin_ns) / 1e5 | round]' <<<"$json")"
	is "and what their class tolerates" "$(told '[.tables.gaps[].limit] | unique')" '["200000000"]'
	between "the partition is one of them" "$(told '.tables.gaps | length')" 1 100
}

check_file() {
	run analyze -q --html "$PAGE" "$WORK/page.pcap"
	is "quietly, there is only the file" "$STATUS/$OUT/$ERR" "0//"
	is "no address in it is fetched" "$(grep -oiE '(src|href)=|@import|url\(|fetch\(|XMLHttpRequest|<link|<img' "$PAGE")" ""
	is "uPlot's licence is in it" "$(grep -c 'Permission is hereby granted' "$PAGE")" 1
	is "nobody can read less than umask lets them" "$(stat -c %a "$PAGE")" "$(printf '%o' $((0666 & ~0$(umask))))"
	check "beside the text" analyze --html "$PAGE" "$WORK/page.pcap"
	like "which is printed" "$OUT" "packets, .* connections"
	like "gaps with what their class tolerates" "$OUT" 'peer, limit 200 ms'
	check "or JSON" analyze --json --html "$PAGE" "$WORK/page.pcap"
	check "which is JSON" jq -e .packets "$WORK/.out"
}

# Ctrl-C when the first part of the page has been written.
check_interrupted() {
	fails_with 130 "Ctrl-C while the page is written" strace -qq -o "$WORK/trace" \
		-e inject=write:signal=INT:when=1 "$NETSIM" analyze -q --html "$WORK/ended.html" "$WORK/page.pcap"
	is "leaves nothing but the page" "$(cd "$WORK" && echo ended.html*)" ended.html
}

check_errors() {
	fails_with 4 "no such folder" analyze -q --html "$WORK/nowhere/page.html" "$WORK/page.pcap"
	like "in the kernel's words" "$ERR" "nowhere/page.html: error: cannot write the page .kernel: No such file or directory"
	mount -t tmpfs -o size=64k small /mnt
	echo before >/mnt/page.html
	fails_with 4 "a full disk" analyze -q --html /mnt/page.html "$WORK/page.pcap"
	like "in its words, too" "$ERR" "No space left on device"
	is "leaves what was there, and nothing else" "$(ls /mnt)=$(cat /mnt/page.html)" "page.html=before"
	umount /mnt
	check_interrupted
	fails_with 4 "before any packet is looked at" analyze -q --html "$WORK" "$WORK/nothing.pcap"
	run bash -c "'$NETSIM' analyze -q --html /dev/stdout '$WORK/page.pcap' | tail -n 1"
	is "a pipe is written to" "$OUT" "</html>"
	echo before >"$WORK/led.html"
	ln -s led.html "$WORK/link.html"
	check "a link" analyze -q --html "$WORK/link.html" "$WORK/page.pcap"
	is "stays one" "$(readlink "$WORK/link.html")" led.html
	check "the page is where it leads" cmp -s "$WORK/led.html" "$PAGE"
}

# What was measured live has delay and loss one way.
check_live() {
	read_page "$WORK/live.html"
	is "live: the partition is among the faults" "$(told '[.tables.faults[].what]')" '["partition a | rest"]'
	between "which --json has for as long as it took" \
		"$(jq '.faults[] | (.end_ns - .begin_ns) / 1e6' "$WORK/live.json")" 350 410 ms
	is "live: without a mistake" "$(told '[.error, .failed]')" '["",null]'
	is "delay and loss one way are drawn" "$(told .one_way)" '["One-way delay","Lost"]'
	is "with something in each" "$(told '[.one_way_painted[] > 500]')" '[true,true]'
	is "their rows are those of --json" "$(told '[.tables.one_way[] | [.from, .to, .class, .sent, .lost]] | sort')" \
		"$(jq -c '[.one_way.rows[] | [.from, .to, .class, (.sent, .lost | tostring)]] | sort' "$WORK/live.json")"
}

# Why packets were dropped is told for each row: by loss, and by the partition.
check_dropped() {
	local sums='[.[] | select(. != null) | split(", ")[] | split(" ") | {key: .[0], value: (.[1] | gsub(","; "") | tonumber)}]
		| group_by(.key) | map({key: .[0].key, value: (map(.value) | add)}) | from_entries'
	is "live: what was dropped by what, as in --json" "$(told "[.tables.one_way[].\"dropped by\"] | $sums")" \
		"$(jq -Sc '[.one_way.rows[].dropped | to_entries[] | select(.value > 0)] | group_by(.key) |
			map({key: .[0].key, value: (map(.value) | add)}) | from_entries' "$WORK/live.json")"
	like "loss and partition are among it" "$(told '[.tables.one_way[]."dropped by"] | add')" 'loss.*partition|partition.*loss'
}

# A name is no code, a damaged file is named, and without packets there are no plots.
check_odd() {
	local name="it's <b>&lt;"
	head -c 100001 "$WORK/page.pcap" >"$WORK/$name"
	fails_with 3 "a damaged file has a page" analyze -q --html "$PAGE" "$WORK/$name"
	is "where no name can end the data" "$(grep -c '<b>' "$PAGE")" 0
	read_page "$PAGE"
	is "but is shown" "$(told '[.title, .error]')" "[\"$name\",\"\"]"
	like "with what is wrong" "$(told .notes)" "is damaged: at offset [0-9]+, the file ends within"
	head -c 24 "$WORK/page.pcap" >"$WORK/empty.pcap"
	check "an empty capture has one" analyze -q --html "$PAGE" "$WORK/empty.pcap"
	read_page "$PAGE"
	is "which says so" "$(told '[.error, .notes]')" '["",["There is no packet in it."]]'
}

build
capture
check_file
read_page "$PAGE"
check_drawn
check_figures
check_live
check_dropped
check_errors
check_odd
"$NETSIM" down -q
done_testing
