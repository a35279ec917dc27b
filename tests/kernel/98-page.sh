# needs: native chromium bridge veth netns clsact bpf iperf3 tcpdump jq strace
# limit: 180
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The HTML page of netsim analyze, rendered by Chromium: its tables have the values of --json,
# its plots are drawn and zoom together, and it fetches no resources.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2034 # for lib.sh
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

# Two classes with retransmissions and a gap in both: during a partition of 400 ms, TCP
# retransmits after 200 ms, and after 400 ms more.
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
	wait_for 10 written . /proc/net/packet
	bg tcpdump -Z root -U -B 32768 -s 128 -i pga -w "$WORK/page.pcap"
	tcpdump=$BG
	wait_for 30 written 'listening on' "$WORK/bg.$BG" || not_ok "tcpdump listens"
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

# A script that operates the page and reports as JSON: how many pixels of each canvas are
# painted, whether zooming into the first plot changed it, the effect of the buttons, and the
# tables.
cat >"$WORK/reader.html" <<'EOT'
<script>
const found = {};
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
	found.titles = [...document.querySelectorAll('.plot h3')].map((title) => title.firstChild.textContent);
	found.painted = canvases().map(painted);
	found.whole = whole();
	drag(document.querySelector('.u-over'), 0.3, 0.6);
	await frame();
	found.at = [...document.querySelectorAll('.plot .at')].map((one) => /^[0-9:.]+ .[+]/.test(one.textContent));
	found.zoomed = pictures().map((picture, i) => picture !== before[i]);
	found.zoomed_whole = whole();
	press('Pairs');
	await frame();
	found.pairs_whole = whole();
	found.pairs = [...document.querySelectorAll('.plot:first-child .legend span')].map((one) => one.textContent);
	press('Classes');
	await frame();
	press('Whole time');
	await frame();
	found.again = pictures().map((picture, i) => picture === before[i]);
	found.again_whole = whole();
	const rows = () => [...document.querySelectorAll('#classes tbody tr')].map((row) => row.cells[1].dataset.value);
	document.querySelectorAll('#classes th button')[1].click();
	found.down = rows();
	document.querySelectorAll('#classes th button')[1].click();
	found.up = rows();
	if ([...document.querySelectorAll('#plots button')].some((one) => one.textContent === 'One way')) {
		press('One way');
		await frame();
		found.one_way = [...document.querySelectorAll('.plot h3')].map((title) => title.firstChild.textContent);
		found.one_way_painted = canvases().map(painted);
	}
	found.fetched = performance.getEntriesByType('resource').map((one) => one.name);
}
read().catch((error) => { found.failed = String(error); }).finally(() => {
	const tables = {};
	for (const section of document.querySelectorAll('section[id]'))
		tables[section.id] = [...section.querySelectorAll('tbody tr')].map((row) =>
			Object.fromEntries([...row.cells].map((cell, i) => [section.querySelectorAll('th')[i].textContent, cell.dataset.value])));
	found.tables = tables;
	found.title = document.querySelector('h1').textContent;
	found.notes = [...document.querySelectorAll('.note')].map((note) => note.textContent);
	found.error = document.getElementById('error').textContent;
	document.body.replaceChildren('<<<' + btoa(unescape(encodeURIComponent(JSON.stringify(found)))) + '>>>');
});
</script>
EOT

# read_page FILE: runs the script in the page; its report is in $FOUND
read_page() {
	cat "$1" "$WORK/reader.html" >"$WORK/read.html"
	HOME=$WORK timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
		--user-data-dir="$WORK/chromium" --window-size=1280,2000 --virtual-time-budget=20000 --dump-dom \
		"file://$WORK/read.html" >"$WORK/dom" 2>"$WORK/chromium.log" </dev/null
	FOUND=$(sed -n 's/.*&lt;&lt;&lt;\([A-Za-z0-9+\/=]*\)&gt;&gt;&gt;.*/\1/p' "$WORK/dom" | base64 -d)
	[[ -n $FOUND ]] || explain "$(tail -n 5 "$WORK/chromium.log")"
}

# found FILTER: from the report
found() {
	jq -c "$1" <<<"$FOUND"
}

analyze() {
	"$NETSIM" analyze --topo "$WORK/page.yaml" --classes "$WORK/classes.yaml" "$@"
}

check_drawn() {
	is "without an error" "$(found '[.error, .failed]')" '["",null]'
	is "there are four plots" "$(found .titles)" '["Throughput","Round-trip time","Retransmissions","Gaps"]'
	is "none of which is empty" "$(found '[.painted[] > 500]')" '[true,true,true,true]'
	is "no resource is fetched" "$(found '.fetched')" '[]'
	is "zooming into one zooms into all" "$(found '[.whole, .zoomed, .zoomed_whole]')" '[true,[true,true,true,true],false]'
	is "and all show the time at the cursor" "$(found .at)" '[true,true,true,true]'
	is "pairs have both directions" "$(found '.pairs[:2]')" '["a → b","b → a"]'
	is "at the same zoom" "$(found '.pairs_whole')" false
	is "and back" "$(found '[.again, .again_whole]')" '[[true,true,true,true],true]'
	is "a column sorts in both directions" "$(found '[(.down | map(tonumber) | . == (sort | reverse)), (.down == (.up | reverse))]')" '[true,true]'
}

# Compares some columns of each list, and all gaps.
check_figures() {
	local json
	json=$(analyze --json "$WORK/page.pcap")
	is "classes are those of --json" \
		"$(found '[.tables.classes[] | [.class, .packets, .bytes, ."retr.", .p99]] | sort')" \
		"$(jq -c '[.classes[] | [.class] + ([.both | .packets, .bytes, .fast + .timeout + .spurious, .rtt.p99_ns] |
			map(if . == null then . else tostring end))] | sort' <<<"$json")"
	is "pairs, too" "$(found '[.tables.pairs[].bytes | tonumber] | sort')" \
		"$(jq -c '[.pairs[] | .from_a, .from_b | select(.packets > 0).bytes] | sort' <<<"$json")"
	is "and classes of pairs" "$(found '[.tables.flows[].packets | tonumber] | sort')" \
		"$(jq -c '[.flows[] | .from_a, .from_b | select(.packets > 0).packets] | sort' <<<"$json")"
	is "and connections" "$(found '[.tables.connections[] | [.from, .packets]] | sort')" \
		"$(jq -c 'def port(a; p): if .protocol == "tcp" or .protocol == "udp" then (if a | contains(":") then "[\(a)]" else a end) + ":\(p)" else a end;
			[.connections[] | [port(.client; .client_port), .from_client.packets], [port(.server; .server_port), .from_server.packets]
			| select(.[1] > 0) | .[1] |= tostring] | sort' <<<"$json")"
	is "and gaps" "$(found '[.tables.gaps[] | [.from, .to]]')" \
		"$(jq -c '[.gaps[] | ["\(.from):\(.from_port)", "\(.to):\(.to_port)"]]' <<<"$json")"
	# A browser's numbers are exact to 256 ns, since 1970.
	is "and their durations" "$(found '[.tables.gaps[].lasts | tonumber / 1e5 | round]')" \
		"$(jq -c '[.gaps[] | (.end_ns - .begin_ns) / 1e5 | round]' <<<"$json")"
	is "and the limit of their class" "$(found '[.tables.gaps[].limit] | unique')" '["200000000"]'
	between "the partition is one of them" "$(found '.tables.gaps | length')" 1 100
}

check_file() {
	run analyze -q --html "$PAGE" "$WORK/page.pcap"
	is "with -q, there is no output" "$STATUS/$OUT/$ERR" "0//"
	is "the page refers to no resource" "$(grep -oiE '(src|href)=|@import|url\(|fetch\(|XMLHttpRequest|<link|<img' "$PAGE")" ""
	is "uPlot's licence is in it" "$(grep -c 'Permission is hereby granted' "$PAGE")" 1
	is "its mode is that of the umask" "$(stat -c %a "$PAGE")" "$(printf '%o' $((0666 & ~0$(umask))))"
	check "the page and text" analyze --html "$PAGE" "$WORK/page.pcap"
	like "the text is printed" "$OUT" "packets, .* connections"
	like "gaps with the limit of their class" "$OUT" 'peer, limit 200 ms'
	check "the page and JSON" analyze --json --html "$PAGE" "$WORK/page.pcap"
	check "the output is JSON" jq -e .packets "$WORK/.out"
}

# SIGINT, as by Ctrl-C, at the first write().
check_interrupted() {
	fails_with 130 "Ctrl-C while the page is written" strace -qq -o "$WORK/trace" \
		-e inject=write:signal=INT:when=1 "$NETSIM" analyze -q --html "$WORK/ended.html" "$WORK/page.pcap"
	is "leaves no temporary file" "$(cd "$WORK" && echo ended.html*)" ended.html
}

check_errors() {
	fails_with 4 "a missing folder" analyze -q --html "$WORK/nowhere/page.html" "$WORK/page.pcap"
	like "with the kernel's message" "$ERR" "nowhere/page.html: error: cannot write the page .kernel: No such file or directory"
	mount -t tmpfs -o size=64k small /mnt
	echo before >/mnt/page.html
	fails_with 4 "a full disk" analyze -q --html /mnt/page.html "$WORK/page.pcap"
	like "with its message, too" "$ERR" "No space left on device"
	is "leaves the earlier file, and no other" "$(ls /mnt)=$(cat /mnt/page.html)" "page.html=before"
	umount /mnt
	check_interrupted
	fails_with 4 "a folder, refused before packets are read" analyze -q --html "$WORK" "$WORK/nothing.pcap"
	run bash -c "'$NETSIM' analyze -q --html /dev/stdout '$WORK/page.pcap' | tail -n 1"
	is "the page is written to a pipe" "$OUT" "</html>"
	echo before >"$WORK/led.html"
	ln -s led.html "$WORK/link.html"
	check "a page through a symbolic link" analyze -q --html "$WORK/link.html" "$WORK/page.pcap"
	is "keeps the link" "$(readlink "$WORK/link.html")" led.html
	check "and writes to its target" cmp -s "$WORK/led.html" "$PAGE"
}

# The page of a live measurement also has one-way delay and loss.
check_live() {
	read_page "$WORK/live.html"
	is "live: the partition is among the faults" "$(found '[.tables.faults[].what]')" '["partition a | rest"]'
	between "which has its duration in --json" \
		"$(jq '.faults[] | (.end_ns - .begin_ns) / 1e6' "$WORK/live.json")" 1 400 ms
	is "live: without an error" "$(found '[.error, .failed]')" '["",null]'
	is "one-way delay and loss are drawn" "$(found .one_way)" '["One-way delay","Lost"]'
	is "none of which is empty" "$(found '[.one_way_painted[] > 500]')" '[true,true]'
	is "their rows are those of --json" "$(found '[.tables.one_way[] | [.from, .to, .class, .sent, .lost]] | sort')" \
		"$(jq -c '[.one_way.rows[] | [.from, .to, .class, (.sent, .lost | tostring)]] | sort' "$WORK/live.json")"
}

# Each row has the reasons of drops: loss, and the partition.
check_dropped() {
	local sums='[.[] | select(. != null) | split(", ")[] | split(" ") | {key: .[0], value: (.[1] | gsub(","; "") | tonumber)}]
		| group_by(.key) | map({key: .[0].key, value: (map(.value) | add)}) | from_entries'
	is "live: the drops by reason, as in --json" "$(found "[.tables.one_way[].\"dropped by\"] | $sums")" \
		"$(jq -Sc '[.one_way.rows[].dropped | to_entries[] | select(.value > 0)] | group_by(.key) |
			map({key: .[0].key, value: (map(.value) | add)}) | from_entries' "$WORK/live.json")"
	like "loss and partition are among them" "$(found '[.tables.one_way[]."dropped by"] | add')" 'loss.*partition|partition.*loss'
}

# File names are escaped, damaged files are reported, and an empty capture has no plots.
check_odd() {
	local name="it's <b>&lt;"
	head -c -7 "$WORK/page.pcap" >"$WORK/$name"
	fails_with 3 "a damaged file has a page" analyze -q --html "$PAGE" "$WORK/$name"
	is "where a name cannot inject HTML" "$(grep -c '<b>' "$PAGE")" 0
	read_page "$PAGE"
	is "but is shown" "$(found '[.title, .error]')" "[\"$name\",\"\"]"
	like "with the damage" "$(found .notes)" "offset [0-9]+: the file ends within"
	head -c 24 "$WORK/page.pcap" >"$WORK/empty.pcap"
	check "an empty capture has a page" analyze -q --html "$PAGE" "$WORK/empty.pcap"
	read_page "$PAGE"
	is "which reports this" "$(found '[.error, .notes]')" '["",["There are no packets."]]'
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
