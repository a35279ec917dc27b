// SPDX-License-Identifier: GPL-2.0-or-later
// The page of a run: the verdict, plots on one time axis, and tables. Its data are verdict.json,
// the run over time (netsim/judge/chart.h), the scenario, and the traffic if it was measured.

const {title, version, report} = JSON.parse(document.getElementById('data').textContent);
const {verdict, chart, source, traffic} = report;
const LANES_AT_FIRST = 40;
const CLASSES = 5; // drawn: those with the most bytes
const WORDS = {ok: 'ok', failed: 'failed', unproved: 'unproved'};

// Times of the data are ns since the beginning of the run; plots need seconds since 1970.
const wall = (ns) => (verdict.begin_ns + ns) / NS;
const instant = (ns) => '+' + (ns / NS).toFixed(3) + THIN + 's';
const span = ([begin, finish]) => [wall(begin), wall(finish)];
const repeated = (name, repetition) => repetition ? `${name} ${repetition}` : name;
const perSecond = (value) => (value >= 99.95 ? whole(value) : digits(value)) + '/s';
const about = Object.fromEntries(chart.about.map(({name, value}) => [name, value]));

function shownValue(value, unit) {
	if (value === null || value === undefined)
		return '–';
	return unit === 'ns' ? duration(value) : unit === 'ratio' ? +(value * 100).toPrecision(5) + THIN + '%' :
		unit === 'rate' ? perSecond(value) : unit === 'metric' ? String(+value.toPrecision(4)) : whole(value);
}

const expectation = (row) => row.expectation === undefined ? undefined : chart.expectations[row.expectation];

// --- the head

function badge(result) {
	return element(`span.result.${result}`, {}, WORDS[result] ?? result);
}

function headline() {
	const begin = verdict.begin_ns;
	document.title = `${title}: ${WORDS[verdict.result]} – netsim`;
	document.getElementById('version').textContent = version;
	return element('header', {}, element('h1', {}, title, ' ', badge(verdict.result)),
		about.why ? element('p.why', {}, about.why) : null,
		element('p.under', {}, begin ? `${day(begin)} ${clock(begin, 0)}, ${zone(begin)}, on ${verdict.host || 'localhost'}` : ''));
}

function sums() {
	const count = (result) => verdict.rows.filter((row) => row.result === result).length;
	const list = [['Expectations ok', whole(count('ok'))], ['Failed', whole(count('failed'))], ['Unproved', whole(count('unproved'))],
		['Duration', duration(verdict.duration_ns)], ['Fleet', about.fleet], ['Profile', about.profile], ['Seed', about.seed], ['Varied', about.varied],
		['Kernel', about.kernel], ['netsim', about.netsim]];
	return element('dl.sums', {}, ...list.filter(([, value]) => value !== undefined).map(([name, value]) =>
		element('div', {}, element('dt', {}, name), element(name === 'Failed' && value !== '0' ? 'dd.bad' : 'dd', {title: value}, value))));
}

function notes() {
	const list = [];
	if (!verdict.complete)
		list.push('The run was killed: this is the evidence up to then.');
	for (const {kind, text} of chart.events)
		if (kind === 'aborted')
			list.push(`The timeline ended early: ${text}`);
	const left = (count, listed, things) => count > listed ? list.push(`${whole(count - listed)} more ${things} are not shown.`) : 0;
	left(chart.phase_count, chart.phases.length, 'phases');
	left(chart.fault_count, chart.faults.length, 'faults');
	left(chart.event_count, chart.events.length, 'events');
	left(verdict.findings_total, verdict.findings.length, 'findings');
	return list.map((text) => element('p.note', {}, text));
}

// --- the verdict

const ORDER = ['failed', 'unproved', 'ok'];

const rowColumns = (time) => [
	{name: 'result', words: true, value: (row) => row.result, class: (row) => 'result ' + row.result},
	{name: 'phase', words: true, value: (row) => repeated(row.phase, row.repetition)},
	{name: 'expectation', words: true, value: (row) => row.text},
	{name: 'value', value: (row) => row.shows, about: 'with its uncertainty'},
	{name: 'limit', value: (row) => expectation(row) ? row.limit : null, text: (row) => shownValue(row.limit, expectation(row)?.unit)},
	{name: 'at', value: (row) => row.when_ns ?? (row.phase === 'run' ? null : row.begin_ns), show: instant, press: (row) => time.show(row.when_ns ?? row.begin_ns, row.end_ns),
		about: 'since the beginning of the run; press to see it in the plots'},
	{name: 'why', words: true, value: (row) => row.why},
];

function verdictSection(time) {
	const rows = verdict.rows.map((row, i) => [row, i]).sort(([a, i], [b, j]) =>
		ORDER.indexOf(a.result) - ORDER.indexOf(b.result) || i - j).map(([row]) => row);
	return element('section', {id: 'verdict'}, element('h2', {}, 'Verdict', element('small', {}, 'each expectation in each repetition')),
		table(rowColumns(time), rows));
}

// --- values over the repetitions

// A dot for each value, a tick at the median, and a line at the limit; from 0.
function dots(rows, median, unit) {
	const limit = rows[0].limit;
	const top = Math.max(limit ?? 0, ...rows.map((row) => row.high ?? row.value), 1e-9) * 1.05;
	const x = (value) => LEFT + (RIGHT - LEFT) * value / top + '%';
	const made = drawing('svg', {width: '100%', height: 58, role: 'img'},
		drawing('line', {x1: x(0), x2: x(top), y1: 30, y2: 30, class: 'axis'}),
		drawing('text', {x: x(0), y: 50, class: 'tick'}, '0'));
	for (const row of rows) {
		const dot = drawing('circle', {cx: x(row.value), cy: 30, r: 5, class: row.result}, drawing('title', {}, row.line));
		if (row.low !== null && row.high !== null)
			made.append(drawing('line', {x1: x(row.low), x2: x(row.high), y1: 30, y2: 30, class: 'bounds ' + row.result}));
		made.append(dot);
	}
	made.append(drawing('line', {x1: x(median), x2: x(median), y1: 20, y2: 40, class: 'median'}),
		drawing('text', {x: x(median), y: 14, class: 'tick'}, 'median ' + shownValue(median, unit)));
	if (limit !== undefined && limit !== null)
		made.append(drawing('line', {x1: x(limit), x2: x(limit), y1: 16, y2: 44, class: 'limit'}),
			drawing('text', {x: x(limit), y: 55, class: 'tick limit'}, 'limit ' + shownValue(limit, unit)));
	return made;
}

function distributionSection() {
	const parts = [];
	verdict.expectations.forEach((of) => {
		const rows = verdict.rows.filter((row) => row.expectation === of.expectation && row.value !== undefined);
		const {unit, phase, text} = chart.expectations[of.expectation];
		if (rows.length > 1 && unit === 'ns')
			parts.push(element('div.dots', {}, element('h3', {}, `${phase}: ${text}`,
				element('small', {}, `${rows.length} values: min, median, max ${of.shows}`)), dots(rows, of.median, unit)));
	});
	return parts.length ? element('section', {id: 'outages'}, element('h2', {}, 'Values over the repetitions',
		element('small', {}, 'a dot for each, with its uncertainty')), ...parts) : null;
}

// --- the network

const NETWORK = {rtt: 'round trip', loss: 'loss', duplicate: 'duplicates', corrupt: 'damage', rate: 'rate'};

const askedColumns = (rows) => [
	{name: 'phase', words: true, value: ({phase}) => phase},
	{name: 'from', words: true, value: ({from}) => from}, {name: 'to', words: true, value: ({to}) => to},
	...rows.some((row) => row.class) ? [{name: 'class', words: true, value: (row) => row.class ?? ''}] : [],
	{name: 'what', words: true, value: ({what}) => NETWORK[what] ?? what},
	{name: 'asked', value: ({asked}) => asked, text: (row) => row.asked_shows},
	{name: 'measured', value: (row) => row.value ?? null, text: ({shows}) => shows, class: (row) => row.differs ? 'result failed' : '',
		about: 'round trips: median, minimum and maximum; shares: with their 99.9 % interval, and red if what was asked is outside of it'},
	{name: 'of', value: (row) => row.count ?? null, show: whole, about: 'round trips or packets'},
	{name: 'why', words: true, value: ({shows, why}) => shows ? why : 'not measured: ' + why},
];

const VERIFIED = [{name: 'result', words: true, value: ({result}) => result, class: ({result}) => ({'as asked': 'result ok', 'not as asked': 'result failed'})[result] ?? 'result unproved'},
	...['subject', 'what', 'asked', 'measured', 'why'].map((name) => ({name, words: true, value: (row) => row[name]}))];

function askedSection() {
	const {asked, verified, asked_left_out: leftOut} = verdict, order = (row) => row.differs ? 0 : row.shows ? 1 : 2;
	const rows = asked.map((row, i) => [row, i]).sort(([a, i], [b, j]) => order(a) - order(b) || i - j).map(([row]) => row);
	const parts = [];
	if (verified.length)
		parts.push(element('h3', {}, 'Before the timeline', element('small', {}, 'by a verification')), table(VERIFIED, verified));
	if (rows.length)
		parts.push(element('h3', {}, 'During the phases', element('small', {}, 'by what the run itself sent: pings, probes of ports, and the counters at the ports')),
			table(askedColumns(rows), rows));
	if (leftOut)
		parts.push(element('p.more', {}, `${whole(leftOut)} more are not listed.`));
	return parts.length ? element('section', {id: 'asked'}, element('h2', {}, 'Asked and measured', element('small', {}, 'of the network')), ...parts) : null;
}

// --- over time

const edges = Array.from({length: binCount() + 1}, (unused, i) => wall(Math.min(chart.from_ns + i * chart.bin_ns, chart.to_ns)));

function binCount() {
	return Math.floor((chart.to_ns - chart.from_ns) / chart.bin_ns) + 1;
}

const binAt = (time) => Math.floor((time - wall(chart.from_ns)) * NS / chart.bin_ns);
const stepped = (values) => [...values, values[values.length - 1]];
const byName = (list) => [...list].sort((a, b) => a.name.localeCompare(b.name, 'en', {numeric: true}));

// The labels of a series, without its name.
const labelsOf = (series) => series.includes('{') ? ' ' + series.slice(series.indexOf('{')) : '';

class Time {
	constructor() {
		this.place = element('div');
		this.again = element('button', {hidden: true, onclick: () => this.plots.reset()}, 'Whole time');
		this.made = element('section', {id: 'plots'}, element('div.choice', {}, element('h2', {}, 'Over time',
			element('small', {}, 'drag to zoom')), element('span.end', {}, this.again)), this.place);
		this.plots = new Plots(this.place, [wall(chart.from_ns), wall(chart.to_ns)]);
		this.plots.marks = chart.faults.map(({begin_ns: begin, end_ns: finish}) =>
			({begin: wall(begin), end: wall(finish ?? chart.to_ns), text: ''}));
		this.plots.origin = wall(0);
		this.plots.onrestyle = () => this.draw();
		this.plots.onzoom = (range) => { this.again.hidden = !range; };
	}

	// Phases and faults.
	drawTimeline() {
		const colours = seriesColours(), bad = colour('bad');
		const phases = chart.phases.map(({name, repetition, begin_ns: begin, end_ns: finish}, i) =>
			({begin: wall(begin), end: wall(finish), text: repeated(name, repetition), style: colours[0] + (i % 2 ? '55' : '88')}));
		const faults = chart.faults.map(({text, begin_ns: begin, end_ns: finish}) =>
			({begin: wall(begin), end: wall(finish ?? chart.to_ns), text, style: bad + '99'}));
		this.plots.addLanes({title: ['Timeline', 'phases, and faults in force, which are shaded in all plots'],
			lanes: [{name: 'phases', labels: phases}, {name: 'faults', labels: faults}]});
	}

	drawProbes() {
		const bad = colour('bad'), good = colour('good'), all = [span([chart.from_ns, chart.to_ns])];
		const lanes = chart.probes.flatMap(({name, need, targets, outages}) => [
			...targets.length > 1 ? [{name: `${name}: ${need === 'any' ? 'any target' : need === 'all' ? 'all targets' : 'a majority'}`, strong: true,
				lighter: all, spans: outages.map(span)}] : [],
			...byName(targets).map((target) => ({name: target.name ? `${name} ${target.name}` : name, lighter: all, spans: target.down.map(span)})),
		]).map((lane) => ({...lane, colour: bad, under: good}));
		if (lanes.length)
			this.plots.addLanes({title: ['Availability', 'red: outages, from the sending of the first probe that failed to the first that succeeded'],
				lanes: lanes.slice(0, LANES_AT_FIRST)});
		if (lanes.length > LANES_AT_FIRST)
			this.place.append(element('p.more', {}, `${whole(lanes.length - LANES_AT_FIRST)} more strips are not drawn.`));
	}

	drawLeaders() {
		const colours = seriesColours(), none = colour('warn-line');
		for (const {name, members, changes, change_count: count} of chart.clusters) {
			const lanes = byName(members).map((member, i) => ({name: member.name, colour: colours[i % colours.length], under: none,
				spans: member.leads.map(span), lighter: member.leaderless.map(span)}));
			this.plots.addLanes({title: [`Leader of ${name}`, `dark: the member reports that it leads; yellow: that it knows no leader; ${
				whole(count)} change${count === 1 ? '' : 's'}, marked`], lanes: lanes.slice(0, LANES_AT_FIRST),
				ticks: changes.map(({at_ns: at}) => wall(at))});
		}
	}

	drawLedgers() {
		const colours = seriesColours(), bad = colour('bad');
		const speeds = (counts) => counts.map((count) => count / (chart.bin_ns / NS));
		const line = (name, counts, style) => {
			const sum = counts.reduce((all, one) => all + one, 0), values = speeds(counts);
			return {name, colour: style, values: stepped(values), whole: whole(sum), at: (time) => perSecond(values[binAt(time)] ?? 0)};
		};
		chart.ledgers.forEach(({name, answered, unanswered}, i) => this.plots.add({title: [`Throughput of ${name}`,
			`operations a second, mean of each ${duration(chart.bin_ns)}`], x: edges, show: perSecond, step: true, height: 150,
		lines: [line('answered', answered, colours[i % colours.length]), line('failed or unanswered', unanswered, bad)]}));
	}

	// The stalls and the latency of writes to disks.
	drawDisks() {
		const disks = chart.ledgers.filter(({stalls}) => stalls), bad = colour('bad'), good = colour('good');
		if (!disks.length)
			return;
		this.plots.addLanes({title: ['Stalls', 'red: a write waited for 100 ms or longer, and none was acknowledged'],
			lanes: disks.map(({name, stalls}) => ({name, colour: bad, under: good, lighter: [span([chart.from_ns, chart.to_ns])], spans: stalls.map(span)}))});
		for (const disk of disks)
			this.drawTimes(`Latency of writes of ${disk.name}`, [{...disk, name: ''}], disk.name);
	}

	drawTrips() {
		for (const {name, targets} of chart.probes)
			this.drawTimes(`Round-trip time of ${name}`, byName(targets), name);
	}

	drawTimes(title, targets, name) {
		const colours = seriesColours();
		const lines = targets.slice(0, colours.length).map((target, i) => {
			const both = (time) => [target.p50_ns[binAt(time)], target.max_ns[binAt(time)]];
			const most = Math.max(...target.max_ns.filter((value) => value !== null), 0);
			return {name: target.name || name, colour: colours[i], values: [null, ...target.p50_ns, null], high: [null, ...target.max_ns, null],
				whole: 'max ' + duration(most), at: (time) => both(time).map((value) => value === null || value === undefined ? '–' : duration(value)).join(' / ')};
		});
		const middles = edges.slice(0, -1).map((edge, i) => (edge + edges[i + 1]) / 2);
		this.logarithmic ??= {};
		const logarithmic = this.logarithmic[name] ?? true;
		if (lines.length)
			this.plots.add({title: [title, `line: p50, shaded up to the maximum, of each ${duration(chart.bin_ns)}`],
				x: [edges[0], ...middles, edges[edges.length - 1]], lines, show: duration, logarithmic,
				ontoggle: () => { this.logarithmic[name] = !logarithmic; this.draw(); }});
	}

	// The classes of the traffic at all ports; traffic.html has the rest.
	drawTraffic() {
		const colours = seriesColours();
		const chosen = (traffic?.classes ?? []).filter(({both}) => both.series?.length).slice(0, CLASSES)
			.map((row, i) => ({row, way: row.both, shade: colours[i], name: (row.inner ? 'in vxlan: ' : '') + row.class}));
		if (!chosen.length)
			return;
		const lines = linesOf(traffic, chosen), bin = duration(traffic.bin_ns);
		this.plots.add({title: ['Traffic', `mean of each ${bin}, by class`], x: lines.edges, lines: lines.throughput, show: rate,
			step: true, height: 150});
		this.logarithmic ??= {};
		const logarithmic = this.logarithmic.traffic ?? spread(lines.trips);
		if (lines.trips.length)
			this.plots.add({title: ['Round-trip time of TCP', `line: p50, shaded up to p99, of each ${bin}, by class`], x: lines.times,
				lines: lines.trips, show: duration, logarithmic,
				ontoggle: () => { this.logarithmic.traffic = !logarithmic; this.draw(); }});
		if (lines.resent.length)
			this.plots.add({title: ['Retransmissions', `segments in each ${bin}, by class`], x: lines.edges, lines: lines.resent,
				show: whole, unit: 'count', step: true, height: 150});
		const lanes = chosen.map((one) => ({...one, gaps: (traffic.gaps ?? []).filter((gap) => gap.class === one.row.class && !gap.inner === !one.row.inner)}))
			.filter(({gaps}) => gaps.length).map(({name, shade, gaps}) => {
				const spans = (all) => united(gaps.filter((gap) => !gap.whole === !all).map((gap) => [gap.begin_ns / NS, gap.end_ns / NS]));
				return {name, colour: shade, spans: spans(true), lighter: spans(false)};
			});
		if (lanes.length)
			this.plots.addLanes({title: ['Gaps', 'silent for longer than the class tolerates: dark, all of the class between two nodes; lighter, only a connection'], lanes});
	}

	// A plot for each metric of a workload, with a line for each member.
	drawMetrics() {
		const colours = seriesColours();
		const what = {increase: 'increase since the beginning', value: 'value', mean: `mean of what was counted in each ${duration(chart.bin_ns)}`};
		const groups = new Map();
		for (const one of chart.metrics) {
			const title = one.workload + ' ' + one.name;
			groups.set(title, [...groups.get(title) ?? [], one]);
		}
		for (const [title, list] of groups) {
			const {shows, name} = list[0], seconds = shows === 'mean' && name.endsWith('_seconds');
			const shown = (value) => value === null || value === undefined ? '–' : seconds ? duration(value) : Number.isInteger(value) ? whole(value) : digits(value);
			const lines = list.map((one) => ({...one, name: one.member + labelsOf(one.series), values: one.values.map((value) => value !== null && seconds ? value * NS : value)}))
				.sort((a, b) => a.name.localeCompare(b.name, 'en', {numeric: true})).slice(0, colours.length)
				.map((one, i) => ({name: one.name, colour: colours[i], values: stepped(one.values), whole: 'max ' + shown(Math.max(...one.values, 0)),
					at: (time) => shown(one.values[binAt(time)])}));
			this.plots.add({title: [title, what[shows]], x: edges, lines, show: shown, unit: seconds ? undefined : 'count', step: true, height: 150});
		}
	}

	draw() {
		this.plots.clear();
		this.drawTimeline();
		this.drawProbes();
		this.drawLeaders();
		this.drawLedgers();
		this.drawDisks();
		this.drawTrips();
		this.drawTraffic();
		this.drawMetrics();
	}

	show(begin, finish) {
		const room = Math.max(Math.min(finish - begin, 10 * NS), 2 * NS);
		this.plots.zoom(wall(begin - room / 2), wall(begin + room));
		this.made.scrollIntoView({behavior: 'smooth'});
	}
}

// --- tables

function section(id, name, list, columns, text) {
	return list.length ? element('section', {id}, element('h2', {}, name, element('small', {}, text)), table(columns, list)) : null;
}

const since = (name, of) => ({name, value: of, show: instant});
const word = (name, value, more) => ({name, value, words: true, ...more});

const FAULTS = [since('begins', ({begin_ns: begin}) => begin), since('ends', ({end_ns: finish}) => finish ?? null),
	{name: 'lasts', value: (row) => row.end_ns === undefined ? null : row.end_ns - row.begin_ns, show: duration},
	word('fault', ({text}) => text), word('phase', ({phase, repetition}) => repeated(phase ?? '', repetition)),
	{name: 'affected', value: ({affected}) => affected ?? null, show: whole, about: 'packets that it dropped, delayed or changed; of several conditions, by the one that did least'},
	{name: 'of packets', value: ({offered}) => offered ?? null, show: whole}];
const CHANGES = [since('at', ({at_ns: at}) => at), word('cluster', ({cluster}) => cluster), word('from', ({from}) => from), word('to', ({to}) => to),
	{name: 'term', value: ({term}) => term, show: whole}];
const EVENTS = [since('at', ({at_ns: at}) => at), word('event', ({kind}) => kind),
	word('subject', ({subject}) => subject), word('text', ({text}) => text, {rare: true}),
	word('phase', ({phase, repetition}) => repeated(phase, repetition)),
	{name: 'late', value: ({late_ns: late}) => late ?? null, show: duration, about: 'from the time in the plan to the beginning'},
	{name: 'status', value: ({status}) => status ?? null, show: String, rare: true}];
const FINDINGS = [since('at', ({when_ns: when}) => when), word('ledger', ({ledger}) => ledger), word('kind', ({kind}) => kind), word('finding', ({line}) => line)];

function build() {
	const page = document.getElementById('page');
	const time = new Time();
	page.append(headline(), sums(), ...notes(), verdictSection(time), time.made);
	const parts = [distributionSection(), askedSection(),
		section('findings', 'Findings', verdict.findings, FINDINGS, 'of the ledgers: contradictions in what the store answered'),
		section('faults', 'Faults', chart.faults, FAULTS, 'as the kernel enforced them'),
		section('changes', 'Leader changes', chart.clusters.flatMap(({name, changes}) => changes.map((one) => ({...one, cluster: name}))), CHANGES,
			'when a member first reported them'),
		section('events', 'Events', chart.events, EVENTS, ''),
		source ? element('section', {id: 'source'}, element('h2', {}, 'Scenario', element('small', {}, 'the file as it was read')), element('pre', {}, source)) : null];
	page.append(...parts.filter(Boolean));
	time.draw();
}

build();
