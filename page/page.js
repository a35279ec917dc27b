// SPDX-License-Identifier: GPL-2.0-or-later
// The page of a report on traffic: shows the output of netsim analyze --json -v as tables and
// plots. Omits lists that are missing.

const {title, version, report} = JSON.parse(document.getElementById('data').textContent);
const CHOSEN_MOST = 8;
const lasted = (report.last_ns - report.first_ns) / NS;

const end = (name) => name ?? 'many others';
const inside = (row) => row.inner ? 'in vxlan: ' : '';
// The class of a row, which distinguishes it from others between the same ends.
const kind = (row) => row.class ? `, ${inside(row)}${row.class}` : row.inner ? ', in vxlan' : '';

// Both directions of a row, each with its names; a class has one for both.
function directions(row) {
	if ('sent' in row)
		return [{row, way: row, from: end(row.from), to: end(row.to)}];
	if (row.both)
		return [{row, way: row.both, from: null, to: null}];
	const [a, b] = 'from_a' in row ? [row.a, row.b] : [row.client, row.server];
	const [out, back] = 'from_a' in row ? [row.from_a, row.from_b] : [row.from_client, row.from_server];
	return [
		{row, way: out, from: end(a), to: end(b), ports: [row.client_port, row.server_port]},
		{row, way: back, from: end(b), to: end(a), ports: [row.server_port, row.client_port], back: true},
	];
}

// --- the head

function headline() {
	const begin = report.first_ns, finish = report.last_ns;
	const files = report.files ?? [];
	const when = report.packets ? `${day(begin)} ${clock(begin, 3)} to ` +
		`${day(finish) === day(begin) ? '' : day(finish) + ' '}${clock(finish, 3)}, ${zone(begin)}` : '';
	document.title = `${title} – netsim`;
	document.getElementById('version').textContent = version;
	return element('header', {}, element('h1', {}, title), element('p.under', {}, when),
		files.length > 1 ? element('p.under', {}, files.join(', ')) : null);
}

function sums() {
	const classes = report.classes ?? [];
	const sum = (of) => classes.reduce((all, row) => all + of(row.both), 0);
	const list = [['Packets', whole(report.packets)], ['Bytes', bytes(report.bytes)],
		['Duration', duration(lasted * NS)], ['Mean rate', lasted > 0 ? rate(report.bytes * 8 / lasted) : '–'],
		['Connections', whole(report.connection_count ?? 0)], ['Retransmissions', whole(sum(resent))],
		['Gaps', whole((report.gaps ?? []).length + (report.gaps_not_listed ?? 0))]];
	return element('dl.sums', {}, ...list.map(([name, figure]) =>
		element('div', {}, element('dt', {}, name), element('dd', {}, figure))));
}

function notes() {
	const list = [];
	const many = (count, text) => count ? list.push(`${whole(count)} ${text}`) : 0;
	for (const problem of report.problems ?? [])
		list.push(`${problem.file}, offset ${problem.offset}: ${problem.what}. ` +
			'The report covers the part that could be read.');
	many(report.folded, 'connections have no separate row: there were too many at once.');
	many(report.missed, 'packets were missed: the machine was too busy, so the figures are too low.');
	many(report.gone, 'of the ports disappeared: their packets are missing from then on.');
	many(report.unordered, 'packets are earlier than the one before them.');
	many(report.inner_packets, 'of the packets carry another one in VXLAN; these inner packets have separate rows.');
	if (!report.packets)
		list.push('There are no packets.');
	return list.map((text) => element('p.note', {}, text));
}

// --- plots

// The lines of the plots for the selected one-way rows.
function oneWayLines(chosen) {
	const {edges, times, bin} = grid(chosen, report.one_way.first_ns, report.one_way.bin_ns, report.last_ns);
	const both = (mean, max) => mean === undefined ? '–' : `${duration(mean)} / ${duration(max)}`;
	return {
		edges, times,
		delays: chosen.filter(({way}) => way.delay).map((one) => ({...look(one), values: points(one.way, 'mean_ns'),
			high: points(one.way, 'max_ns'), whole: both(one.way.delay.mean_ns, one.way.delay.max_ns),
			at: (time) => both(bin(one.way, time)?.mean_ns, bin(one.way, time)?.max_ns)})),
		lost: chosen.filter(({way}) => way.lost).map((one) => ({...look(one), values: steps(one.way, ({lost}) => lost),
			whole: whole(one.way.lost), at: (time) => whole(bin(one.way, time)?.lost ?? 0)})),
	};
}

const ofGap = (gap, {row, from, to, way}) => (!row.class || (gap.class === row.class && gap.inner === row.inner)) &&
	(way === row.both || (gap.from === from && gap.to === to));

class Traffic {
	constructor() {
		this.groups = [['classes', 'Classes', 5], ['pairs', 'Pairs', 2], ['flows', 'Classes of pairs', 2]]
			.map(([key, name, first]) => ({name, first, list: (report[key] ?? []).filter((row) =>
				directions(row)[0].way.series?.length)}))
			.concat({name: 'One way', first: 4, oneWay: true, list: (report.one_way?.rows ?? []).filter((row) => row.series)})
			.filter((group) => group.list.length);
		this.place = element('div');
		this.chips = element('div.chips', {role: 'group', 'aria-label': 'Rows to draw'});
		this.choose(this.groups[0]);
	}

	choose(group) {
		this.group = group;
		// A selected row keeps its colour.
		this.slots = group.list.slice(0, group.first);
		this.logarithmic = undefined;
	}

	name(row) {
		if (row.both)
			return inside(row) + row.class;
		if (this.group.oneWay)
			return `${end(row.from)} → ${end(row.to)}${kind(row)}`;
		return `${end(row.a)} ↔ ${end(row.b)}${kind(row)}`;
	}

	toggle(row) {
		const slot = this.slots.indexOf(row);
		const free = [...this.slots, undefined].indexOf(undefined);
		if (slot >= 0)
			this.slots[slot] = undefined;
		else if (free < CHOSEN_MOST)
			this.slots[free] = row;
		this.draw();
	}

	chosen() {
		const colours = seriesColours(), only = this.only?.value ?? 'both';
		return this.slots.flatMap((row, slot) => !row ? [] : directions(row)
			.filter(({way, back}) => row.both || this.group.oneWay || (way.packets && (only === 'both' || (only === 'back') === !!back)))
			.map((one) => ({...one, shade: colours[slot], name: row.both ? this.name(row) :
				`${one.from} → ${one.to}${kind(row)}`})));
	}

	drawChips() {
		const colours = seriesColours(), scrolled = this.chips.scrollTop;
		const full = this.slots.filter(Boolean).length >= CHOSEN_MOST;
		this.chips.replaceChildren(...this.group.list.map((row) => {
			const slot = this.slots.indexOf(row);
			const style = slot < 0 ? null : `background: ${colours[slot]}; border-color: ${colours[slot]}`;
			return element('button', {'aria-pressed': String(slot >= 0), disabled: slot < 0 && full,
				onclick: () => this.toggle(row)}, element('span.swatch', {style}), this.name(row));
		}));
		this.chips.scrollTop = scrolled;
	}

	// Removes the plots, and sets the spans that are shaded in all later ones.
	clear(chosen, spans) {
		this.plots.clear();
		this.plots.spans = spans;
		if (chosen.length === 0)
			this.place.append(element('p.empty', {}, 'Select above what to draw.'));
	}

	scale(lines) {
		this.logarithmic ??= spread(lines);
		return {logarithmic: this.logarithmic, ontoggle: () => { this.logarithmic = !this.logarithmic; this.draw(); }};
	}

	drawOneWay() {
		const chosen = this.chosen(), lines = oneWayLines(chosen), bin = duration(report.one_way.bin_ns);
		this.clear(chosen, []);
		if (lines.delays.length)
			this.plots.add({title: ['One-way delay', `line: mean, shaded up to the maximum, of each ${bin}`], x: lines.times,
				lines: lines.delays, show: duration, ...this.scale(lines.delays)});
		if (lines.lost.length)
			this.plots.add({title: ['Lost', `packets sent in each ${bin} that were not delivered`], x: lines.edges,
				lines: lines.lost, show: whole, unit: 'count', step: true, height: 150});
	}

	drawPlots() {
		const chosen = this.chosen(), lines = linesOf(report, chosen), bin = duration(report.bin_ns);
		const gaps = report.gaps ?? [];
		const spans = (list) => united(list.map((gap) => [gap.begin_ns / NS, gap.end_ns / NS]));
		const lanes = chosen.map((one) => {
			const own = gaps.filter((gap) => ofGap(gap, one));
			return {name: one.name, colour: one.shade, spans: spans(own.filter((gap) => gap.whole)),
				lighter: spans(own.filter((gap) => !gap.whole))};
		}).filter((lane) => lane.spans.length || lane.lighter.length);
		this.clear(chosen, united(lanes.flatMap((lane) => lane.spans)));
		if (lines.throughput.length)
			this.plots.add({title: ['Throughput', `mean of each ${bin}`], x: lines.edges, lines: lines.throughput,
				show: rate, step: true});
		if (lines.trips.length)
			this.plots.add({title: ['Round-trip time', `line: p50, shaded up to p99, of each ${bin}`], x: lines.times,
				lines: lines.trips, show: duration, ...this.scale(lines.trips)});
		if (lines.resent.length)
			this.plots.add({title: ['Retransmissions', `segments in each ${bin}`], x: lines.edges, lines: lines.resent,
				show: whole, unit: 'count', step: true, height: 150});
		if (lanes.length)
			this.plots.addLanes({title: ['Gaps', 'silent for longer than the class tolerates: shaded, all of the class between two nodes; lighter, only a connection'], lanes});
	}

	draw() {
		this.drawChips();
		if (this.group.oneWay)
			this.drawOneWay();
		else
			this.drawPlots();
		this.switches.querySelectorAll('button').forEach((button, i) =>
			button.setAttribute('aria-pressed', String(this.groups[i] === this.group)));
		this.only.hidden = !!this.group.list[0].both || !!this.group.oneWay;
	}

	section() {
		const again = element('button', {hidden: true, onclick: () => this.plots.reset()}, 'Whole time');
		this.switches = element('span.segments', {role: 'group', 'aria-label': 'Rows'}, ...this.groups.map((group) =>
			element('button', {onclick: () => { this.choose(group); this.draw(); }}, group.name)));
		this.only = element('select', {'aria-label': 'Direction', onchange: () => this.draw()},
			element('option', {value: 'both'}, 'Both directions'), element('option', {value: 'out'}, 'First to second →'),
			element('option', {value: 'back'}, '← Second to first'));
		const begin = report.first_ns / NS;
		this.plots = new Plots(this.place, [begin, Math.max(report.last_ns / NS, begin + report.bin_ns / NS / 100)]);
		this.plots.marks = (report.faults ?? []).map(({fault, text, begin_ns: from, end_ns: to}) =>
			({begin: from / NS, end: (to ?? report.last_ns) / NS, text: `fault ${fault}: ${text}`}));
		this.plots.onrestyle = () => this.draw();
		this.plots.onzoom = (range) => { again.hidden = !range; };
		this.made = element('section', {id: 'plots'}, element('div.choice', {}, element('h2', {}, 'Over time'), this.switches, this.only,
			element('span.end', {}, again)), this.chips, this.place);
		return this.made;
	}

	show(gap) {
		const [begin, finish] = [gap.begin_ns / NS, gap.end_ns / NS], room = Math.max(finish - begin, report.bin_ns / NS * 4);
		this.plots.zoom(begin - room, finish + room);
		this.made.scrollIntoView({behavior: 'smooth'});
	}
}

// --- tables

const figure = (name, value, about, more) => ({name, value, about, show: whole, ...more});
const time = (name, value, about, more) => ({name, value, about, show: duration, ...more});
const words = (name, value, more) => ({name, value, words: true, ...more});

const COUNTS = [
	figure('packets', ({way}) => way.packets),
	{name: 'bytes', value: ({way}) => way.bytes, show: bytes, about: 'on the wire'},
];
const EVENTS = [
	figure('retr.', ({way}) => resent(way), 'retransmissions of all kinds'),
	figure('fast', ({way}) => way.fast, 'retransmissions that duplicate acknowledgements asked for', {rare: true}),
	figure('timeout', ({way}) => way.timeout, 'other retransmissions', {rare: true}),
	figure('spurious', ({way}) => way.spurious, 'retransmissions of acknowledged data', {rare: true}),
	figure('out of order', ({way}) => way.reordered, '', {rare: true}),
	figure('dup. acks', ({way}) => way.dup_acks, 'duplicate acknowledgements', {rare: true}),
	figure('zero win.', ({way}) => way.zero_windows, 'zero windows', {rare: true}),
	figure('resets', ({way}) => way.resets, '', {rare: true}),
	figure('gaps', ({way}) => way.gaps, 'silences of a connection beyond the limit of its class', {rare: true}),
];
const TRIPS = [
	time('rtt p50', ({way}) => way.rtt?.p50_ns, 'round trips: data sent this way until acknowledged'),
	time('p90', ({way}) => way.rtt?.p90_ns),
	time('p99', ({way}) => way.rtt?.p99_ns),
	time('max', ({way}) => way.rtt?.max_ns),
];
const MEAN_RATE = {name: 'rate', about: 'over the whole time', show: rate,
	value: ({way}) => lasted > 0 && way.packets > 1 ? way.bytes * 8 / lasted : null};
const ENDS = [words('from', ({from}) => from), words('to', ({to}) => to)];
const CLASS = words('class', ({row}) => inside(row) + row.class);
const OPENING = [
	time('opened p50', ({row}) => row.handshake?.p50_ns, "TCP's handshake", {rare: true}),
	figure('unanswered', ({row}) => row.unanswered, 'connection attempts without an answer', {rare: true}),
	figure('refused', ({row}) => row.refused, 'connections refused by a reset', {rare: true}),
];

const withPort = (name, port) => !port ? name : name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
const hasPorts = (row) => row.protocol === 'tcp' || row.protocol === 'udp';
const state = (row) => row.unanswered ? 'unanswered' : row.refused ? 'refused' : row.closed ? 'closed' : '';
const CONNECTION = [
	words('from', ({row, from, ports}) => hasPorts(row) ? withPort(from, ports[0]) : from),
	words('to', ({row, to, ports}) => hasPorts(row) ? withPort(to, ports[1]) : to),
	CLASS,
	words('protocol', ({row}) => row.protocol + (row.vlan ? `, vlan ${row.vlan}` : '')),
	words('state', ({row}) => state(row), {rare: true}),
	{name: 'begins', value: ({row}) => row.first_ns - report.first_ns, show: (ns) => '+' + duration(ns), about: 'since the first packet'},
	time('lasts', ({row}) => row.last_ns - row.first_ns),
	...COUNTS,
	{name: 'rate', about: "over the connection's own time", show: rate, value: ({row, way}) =>
		row.last_ns > row.first_ns && way.packets > 1 ? way.bytes * 8 / (row.last_ns - row.first_ns) * NS : null},
	...EVENTS,
	time('rtt mean', ({way}) => way.rtt?.mean_ns),
	time('min', ({way}) => way.rtt?.min_ns),
	time('max', ({way}) => way.rtt?.max_ns),
	time('opened in', ({row}) => row.handshake?.min_ns, "TCP's handshake", {rare: true}),
];
// "loss 172, queue 3"; null if nothing was dropped.
const reasons = (dropped) => Object.entries(dropped ?? {}).filter(([, count]) => count)
	.map(([name, count]) => `${name} ${whole(count)}`).join(', ') || null;
const ONE_WAY = [
	words('from', ({from}) => end(from)), words('to', ({to}) => end(to)),
	words('class', (row) => row.class === undefined || row.class === null ? '' : inside(row) + row.class, {rare: true}),
	...['sent', 'delivered', 'lost'].map((name) => figure(name, (row) => row[name])),
	{name: 'loss', value: (row) => row.sent ? row.lost / row.sent * 100 : null, show: (value) => value.toFixed(2) + THIN + '%'},
	figure('in flight', (row) => row.flying, 'sent, but not yet due when the capture ended', {rare: true}),
	figure('duplicated', (row) => row.duplicated, '', {rare: true}), figure('reordered', (row) => row.reordered, '', {rare: true}),
	figure('dropped', (row) => row.dropped && Object.values(row.dropped).reduce((all, one) => all + one, 0),
		"by the ports' programs, as they counted", {rare: true}),
	words('dropped by', ({dropped}) => reasons(dropped), {rare: true}),
	...[['delay p50', 'p50_ns'], ['p90', 'p90_ns'], ['p99', 'p99_ns'], ['min', 'min_ns'], ['mean', 'mean_ns'], ['max', 'max_ns'], ['jitter', 'jitter_ns']]
		.map(([name, key]) => time(name, ({delay}) => delay?.[key])),
];

const gapColumns = (traffic) => [
	{name: 'begins', value: (gap) => gap.begin_ns, show: clock, words: true, press: traffic ? (gap) => traffic.show(gap) : undefined,
		about: 'press to see it in the plots'},
	{name: 'since the start', value: (gap) => gap.begin_ns - report.first_ns, show: (ns) => '+' + duration(ns)},
	time('lasts', (gap) => gap.end_ns - gap.begin_ns),
	time('limit', (gap) => gap.limit_ns, 'what the class tolerates'),
	words('from', (gap) => withPort(gap.from ?? '–', gap.from_port)),
	words('to', (gap) => withPort(gap.to ?? '–', gap.to_port)),
	words('class', (gap) => inside(gap) + gap.class),
	words('others of class and pair', (gap) => gap.whole ? 'silent, too' : 'were not silent'),
];

const FAULT = [
	figure('fault', ({fault}) => fault), words('what', ({text}) => text),
	{name: 'begins', value: ({begin_ns: begin}) => Math.max(begin - report.first_ns, 0), show: (ns) => '+' + duration(ns), about: 'since the first packet'},
	{name: 'ends', value: ({end_ns: end}) => end && Math.max(end - report.first_ns, 0), show: (ns) => '+' + duration(ns)},
];

function section(id, name, list, columns, about) {
	if (!list?.length)
		return null;
	return element('section', {id}, element('h2', {}, name, element('small', {}, about)), table(columns, list));
}

// The number of rows shown out of all, if some are left out.
function shown(list, count, hint) {
	return list && count > list.length ? `${whole(list.length)} of ${whole(count)}, those with most bytes${hint ?? '; --top shows more'}` : '';
}

function flat(list) {
	return (list ?? []).flatMap(directions).filter(({row, way}) => row.both || way.packets);
}

function build() {
	const page = document.getElementById('page');
	const {classes, pairs, flows, connections, gaps} = report;
	page.append(headline(), sums(), ...notes());
	const traffic = [classes, pairs, flows].some((list) => list?.some((row) => directions(row)[0].way.series?.length)) ?
		new Traffic() : null;
	if (traffic)
		page.append(traffic.section());
	const parts = [
		section('one_way', 'One way', report.one_way?.rows, ONE_WAY, 'between the ports of two nodes, without their cooperation'),
		section('classes', 'Classes', flat(classes), [CLASS, ...COUNTS, MEAN_RATE, ...EVENTS, ...TRIPS, ...OPENING],
			shown(classes, report.class_count)),
		section('pairs', 'Pairs', flat(pairs), [...ENDS, words('inside', ({row}) => row.inner ? 'vxlan' : null, {rare: true}), ...COUNTS, MEAN_RATE, ...EVENTS, ...TRIPS, ...OPENING],
			shown(pairs, report.pair_count)),
		section('flows', 'Classes of pairs', flat(flows), [...ENDS, CLASS, ...COUNTS, MEAN_RATE, ...EVENTS, ...TRIPS, ...OPENING],
			shown(flows, report.flow_count)),
		section('gaps', 'Gaps', gaps, gapColumns(traffic), 'silent for longer than the class tolerates' +
			(report.gaps_not_listed ? `; ${whole(report.gaps_not_listed)} more are not listed` : '')),
		section('faults', 'Faults', report.faults, FAULT, 'in force during the measurement; marked in the plots'),
		section('connections', 'Connections', flat(connections), CONNECTION,
			shown(connections, report.connection_count, report.folded ? '' : undefined)),
	];
	page.append(...parts.filter(Boolean));
	traffic?.draw();
}

build();
