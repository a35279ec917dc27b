# needs: native etcd chromium bridge veth netns clsact bpf jq
# limit: 120
# idle: yes
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The page of a run, rendered by Chromium: the table of the verdict, plots with the windows of
# faults, values of repetitions; wide, narrow and dark; also of evidence that ends early.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

PATH=$(realpath "$TESTS/../build/unpacked/etcd-server/usr/bin"):$PATH
DIR=$WORK/memory/run

make_memory

cat >"$WORK/run.yaml" <<-'EOT'
	scenario: drawn
	why: A page for <b>others</b> & me.
	fleet:
	  fleet: drawn
	  networks: {lan: {}}
	  nodes:
	    s[1-3]: {roles: [server], interfaces: {eth1: {network: lan, address: "10.9.1.{n}/24"}}}
	    c: {interfaces: {eth1: {network: lan, address: 10.9.1.9/24}}}
	seed: 7
	start:
	  etcd: {use: etcd, nodes: "@server"}
	  ledger: {use: etcd-ledger, node: c, rate: 100/s}
	probes:
	  api: {from: c, http: "http://{address}:2379/health", nodes: "@server", every: 20ms, timeout: 200ms}
	timeline:
	- cut: partition leader(etcd)
	  for: 2s
	  repeat: 2, 2s..3s apart
	  expect: [api outage <= 1ms]
	- after: {for: 1s}
	  expect: [ledger lost = 0]
EOT

# Reports as JSON: how many pixels of each canvas are painted; how many lines in the colour of
# faults cross the plot of round trips; the tables; the background; and whether the page is too wide.
cat >"$WORK/reader.html" <<'EOT'
<script>
const found = {};
const canvases = () => [...document.querySelectorAll('.plot canvas')];
const pixels = (canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
function painted(canvas) {
	const all = pixels(canvas);
	let count = 0;
	for (let i = 3; i < all.length; i += 4)
		count += all[i] > 0;
	return count;
}
function lines(canvas) {
	const {width, height} = canvas, all = pixels(canvas);
	const [r, g, b] = getComputedStyle(document.documentElement).getPropertyValue('--bad').trim().match(/[0-9a-f]{2}/g).map((two) => parseInt(two, 16));
	const full = (x) => {
		let count = 0;
		for (let y = 0; y < height; y++) {
			const i = (y * width + x) * 4;
			count += Math.abs(all[i] - r) + Math.abs(all[i + 1] - g) + Math.abs(all[i + 2] - b) < 60 && all[i + 3] > 100;
		}
		return count > height / 2;
	};
	let count = 0;
	for (let x = 1; x < width; x++)
		count += full(x) && !full(x - 1);
	return count;
}
async function read() {
	await new Promise((done) => setTimeout(done, 50));
	found.titles = [...document.querySelectorAll('.plot h3')].map((title) => title.firstChild.textContent);
	found.painted = canvases().map(painted);
	found.lines = lines(canvases()[found.titles.indexOf("Round-trip time of api")]);
	found.dots = [...document.querySelectorAll('#outages svg')].map((one) => one.querySelectorAll('circle').length);
	const before = canvases().map((canvas) => canvas.toDataURL());
	[...document.querySelectorAll('#verdict td button')][0].click();
	await new Promise((done) => setTimeout(done, 50));
	found.zoomed = canvases().map((canvas, i) => canvas.toDataURL() !== before[i]);
	found.fetched = performance.getEntriesByType('resource').map((one) => one.name);
}
read().catch((error) => { found.failed = String(error); }).finally(() => {
	const tables = {};
	for (const section of document.querySelectorAll('section[id]'))
		tables[section.id] = [...section.querySelectorAll('tbody tr')].map((row) =>
			Object.fromEntries([...row.cells].map((cell, i) => [section.querySelectorAll('th')[i].textContent, cell.textContent])));
	found.tables = tables;
	found.title = document.querySelector('h1').textContent;
	found.why = document.querySelector('.why').textContent;
	found.notes = [...document.querySelectorAll('.note')].map((note) => note.textContent);
	found.sums = Object.fromEntries([...document.querySelectorAll('.sums div')].map((one) => [one.children[0].textContent, one.children[1].textContent]));
	found.source = document.querySelector('#source pre')?.textContent;
	found.error = document.getElementById('error').textContent;
	found.too_wide = document.documentElement.scrollWidth > innerWidth;
	found.dark = matchMedia('(prefers-color-scheme: dark)').matches;
	found.back = getComputedStyle(document.body).backgroundColor;
	document.body.replaceChildren('<<<' + btoa(unescape(encodeURIComponent(JSON.stringify(found)))) + '>>>');
});
</script>
EOT

# read_page FILE WIDTH [OPTION...]: runs the script in the page; its report is in $FOUND
read_page() {
	local file=$1 width=$2
	shift 2
	cat "$file" "$WORK/reader.html" >"$WORK/read.html"
	HOME=$WORK timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
		--enable-logging=stderr --user-data-dir="$WORK/chromium" --window-size="$width",2000 \
		--virtual-time-budget=20000 --dump-dom "$@" "file://$WORK/read.html" >"$WORK/dom" 2>"$WORK/chromium.log" </dev/null
	FOUND=$(sed -n 's/.*&lt;&lt;&lt;\([A-Za-z0-9+\/=]*\)&gt;&gt;&gt;.*/\1/p' "$WORK/dom" | base64 -d)
	[[ -n $FOUND ]] || explain "$(tail -n 5 "$WORK/chromium.log")"
}

# found FILTER: from the report
found() {
	jq -c "$1" <<<"$FOUND"
}

# data_of FILE: the data of a page, with targets sorted by name: a page has them in the order in
# which they appeared.
data_of() {
	sed -n 's/.*id="data">\(.*\)<\/script>/\1/p' "$1" | jq -S '.report.chart.probes[].targets |= sort_by(.name)'
}

TITLES='["Timeline","Availability","Leader of etcd","Throughput of ledger","Round-trip time of api"]'
# Of the traffic; retransmissions and gaps are drawn if there are any.
TRAFFIC='["Traffic","Round-trip time of TCP"]'

check_drawn() {
	is "$1: without an error" "$(found '[.error, .failed]')" '["",null]'
	# Chromium warns that the reader above would be faster with willReadFrequently, and of its own
	# fonts if they are late.
	is "$1: nothing is written to the console" \
		"$(grep CONSOLE "$WORK/chromium.log" | grep -vE 'willReadFrequently|Slow network.*chrome://')" ""
	is "$1: nothing is fetched" "$(found .fetched)" '[]'
	is "$1: the plots" "$(found '.titles[:5]')" "$TITLES"
	is "$1: those of the traffic" "$(found '.titles[5:7]')" "$TRAFFIC"
	is "$1: none of which is empty" "$(found '[.painted[] > 500] | unique')" '[true]'
	is "$1: which show the begin and end of each fault" "$(found .lines)" 4
	is "$1: and not more than the width of the window" "$(found .too_wide)" false
}

check_wide() {
	read_page "$DIR/report.html" 1280
	check_drawn "wide"
	is "the title has the verdict" "$(found .title)" '"drawn failed"'
	is "the reason of the scenario is text" "$(found .why)" '"A page for <b>others</b> & me."'
	is "what was asked" "$(found '.sums | [.Fleet, .Profile, .Seed, .Kernel]')" "[\"drawn\",\"none\",\"7\",\"$(uname -r)\"]"
	is "the table of the verdict" "$(found '[.tables.verdict[] | [.result, .expectation]] | sort')" \
		"$(jq -c '[.rows[] | [.result, .text]] | sort' "$DIR/verdict.json")"
	is "failures come first, with repetition, value and limit" \
		"$(found '[.tables.verdict[] | select(.result == "failed") | [.result, .phase, .value, (.limit | sub("\u202f"; " "))]]')" \
		"$(jq -c '[.rows[] | select(.result == "failed") | ["failed", "cut \(.repetition)", .shows, "1.00 ms"]]' "$DIR/verdict.json")"
	is "which are above all others" "$(found '.tables.verdict[0].result')" '"failed"'
	is "the faults" "$(found '[.tables.faults[].fault]')" \
		"$(jq -sc '[.[] | select(.kind == "fault begins").subject]' "$DIR/events.jsonl")"
	is "the outage of each repetition is a dot" "$(found .dots)" \
		"$(jq -c '[[.rows[] | select(.expectation == 0 and has("value"))] | length | select(. > 1)]' "$DIR/verdict.json")"
	is "pressing a time zooms all plots" "$(found '.zoomed | unique')" '[true]'
	is "leaders changed" "$(found '.tables.changes | length > 0')" true
	is "the scenario" "$(found .source)" "$(jq -Rsc . "$WORK/run.yaml")"
	is "is not dark" "$(found .dark)" false
}

# Evidence without its last lines, as after SIGKILL; and with figures of the network.
check_killed() {
	local cut file
	mkdir "$WORK/killed"
	cp "$DIR/scenario.yaml" "$WORK/killed/"
	cut=$(grep -n '"phase begins".*"phase":"cut","repetition":2' "$DIR/events.jsonl" | cut -d: -f1)
	head -n "$((cut + 2))" "$DIR/events.jsonl" >"$WORK/killed/events.jsonl"
	for file in samples history; do
		head -c "$(($(stat -c %s "$DIR/$file.jsonl") / 2))" "$DIR/$file.jsonl" >"$WORK/killed/$file.jsonl"
	done
	cat >"$WORK/asked.jsonl" <<-'EOT'
		{"record":"asked","from":"c","to":"s1","phase":"cut","begin":1,"end":1000000001,"loss":0.5,"bursts":1,"packets":990,"lost":10}
		{"record":"asked","from":"s1","to":"c","phase":"cut","begin":1,"end":1000000001,"rate":1000000,"bytes":5}
	EOT
	cat "$WORK/asked.jsonl" "$WORK/killed/samples.jsonl" >"$WORK/joined"
	mv "$WORK/joined" "$WORK/killed/samples.jsonl"
	run "$NETSIM" report -q "$WORK/killed" --html "$WORK/killed.html"
	read_page "$WORK/killed.html" 1280
	is "killed: without an error" "$(found '[.error, .failed]')" '["",null]'
	is "killed: the page says so" "$(found '.notes[0]')" '"The run was killed: this is the evidence up to then."'
	is "killed: the plots" "$(found .titles)" "$TITLES"
	is "what was asked of the network, and measured" "$(found '.tables.asked | map([.from, .to, .what, .asked, .measured, .why])')" \
		'[["c","s1","loss","50 %","1 % (0.369 .. 2.68)",""],["s1","c","rate","1mbit","–","not measured: only 4e-05mbit were sent between the two"]]'
}

run "$NETSIM" run -q --traffic "$WORK/run.yaml" --out "$DIR"
is "limits that cannot be kept" "$STATUS" 1
check "report draws the page again" not "$NETSIM" report -q "$DIR" --html "$WORK/again.html"
is "with the same data" "$(data_of "$WORK/again.html")" "$(data_of "$DIR/report.html")"
check_wide
read_page "$DIR/report.html" 500 --blink-settings=preferredColorScheme=0
check_drawn "narrow and dark"
is "dark colours are used" "$(found '[.dark, .back]')" '[true,"rgb(18, 22, 28)"]'
check_killed
fails_with 4 "a folder that is missing" "$NETSIM" report -q "$DIR" --html "$WORK/nowhere/page.html"
done_testing
