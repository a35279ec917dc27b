// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of a page: figures with units, sortable tables, and plots over time that share
// cursor and zoom. They are independent of the content.

const NS = 1e9;

// --- elements

// element('p.note', {title: 'x'}, 'text', child...)
function element(name, attributes = {}, ...children) {
	const [tag, ...classes] = name.split('.');
	const made = document.createElement(tag);
	made.className = classes.join(' ');
	for (const [key, value] of Object.entries(attributes)) {
		if (key.startsWith('on'))
			made.addEventListener(key.slice(2), value);
		else if (value !== null && value !== undefined && value !== false)
			made.setAttribute(key, value === true ? '' : value);
	}
	made.append(...children.filter((child) => child !== null && child !== undefined));
	return made;
}

// --- figures

const THIN = '\u202f';

function digits(value) {
	const size = Math.abs(value);
	return value.toFixed(size >= 99.95 || size === 0 ? 0 : size >= 9.995 ? 1 : 2);
}

// Three digits and a unit: "18.0 MB".
function scaled(value, unit, prefixes = ['', 'k', 'M', 'G', 'T', 'P']) {
	let i = 0;
	while (value >= 999.5 && i < prefixes.length - 1) {
		value /= 1000;
		i++;
	}
	return (i ? digits(value) : String(Math.round(value))) + THIN + prefixes[i] + unit;
}

function duration(ns) {
	const units = ['ns', 'µs', 'ms', 's'];
	let i = 0;
	while (ns >= 999.5 && i < 3) {
		ns /= 1000;
		i++;
	}
	return (i ? digits(ns) : String(Math.round(ns))) + THIN + units[i];
}

// A label of an axis, as short as possible.
function short(text) {
	return text.replace(/\.0+(?=\D)/, '').replace(/(\.\d*[1-9])0+(?=\D)/, '$1');
}

const bytes = (value) => scaled(value, 'B');
const rate = (value) => scaled(value, 'bit/s', ['', 'k', 'm', 'g', 't', 'p']);
const whole = (value) => Math.round(value).toLocaleString('en');

function padded(value, width) {
	return String(value).padStart(width, '0');
}

// "06:29:49.619233", in the reader's time zone.
function clock(ns, places = 6) {
	const seconds = Math.floor(ns / 1e9);
	const date = new Date(seconds * 1000);
	const rest = padded(Math.floor((ns - seconds * 1e9) / 1e3), 6).slice(0, places);
	return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => padded(part, 2)).join(':') +
		(places ? '.' + rest : '');
}

function day(ns) {
	const date = new Date(ns / 1e6);
	return [date.getFullYear(), padded(date.getMonth() + 1, 2), padded(date.getDate(), 2)].join('-');
}

function zone(ns) {
	const minutes = -new Date(ns / 1e6).getTimezoneOffset();
	const size = Math.abs(minutes);
	return minutes === 0 ? 'UTC' : 'UTC' + (minutes < 0 ? '−' : '+') +
		padded(Math.floor(size / 60), 2) + ':' + padded(size % 60, 2);
}

// --- tables

const ROWS_AT_FIRST = 200;

function compare(a, b) {
	if (a === null || b === null)
		return (a === null) - (b === null);
	return typeof a === 'string' ? a.localeCompare(b, 'en', {numeric: true}) : b - a;
}

function cell(column, row) {
	const value = column.value(row);
	const nothing = value === null || value === undefined;
	const text = nothing ? (column.words ? '' : '–') : column.text ? column.text(row) : column.show ? column.show(value) : String(value);
	const made = element('td', {'data-value': nothing ? null : value});
	made.className = column.words ? 'words' : nothing || value === 0 ? 'none' : '';
	if (column.class)
		made.className += ' ' + column.class(row);
	if (column.words && text.length > 32)
		made.title = text;
	if (column.press && !nothing)
		made.append(element('button', {onclick: () => column.press(row)}, text));
	else
		made.textContent = text;
	return made;
}

// An element of SVG.
function drawing(name, attributes, ...children) {
	const made = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const [key, value] of Object.entries(attributes))
		made.setAttribute(key, value);
	made.append(...children);
	return made;
}

const LEFT = 8, RIGHT = 92; // per cent of a drawing's width: room for labels at both ends

// columns: {name, value(row), show(value), text(row), class(row), words, about, rare, press(row)};
// rare ones are left out if they are empty. Numbers sort from the largest, words from A.
function table(columns, rows) {
	const used = columns.filter((column) => !column.rare || rows.some((row) => column.value(row)));
	const body = element('tbody');
	const more = element('p.more');
	let sorted = rows, limit = ROWS_AT_FIRST;

	function fill() {
		body.replaceChildren(...sorted.slice(0, limit).map((row) =>
			element('tr', {}, ...used.map((column) => cell(column, row)))));
		more.hidden = sorted.length <= limit;
	}
	function sort(column, head) {
		const before = head.getAttribute('aria-sort');
		const first = column.words ? 'ascending' : 'descending';
		const second = column.words ? 'descending' : 'ascending';
		const order = before === first ? second : first;
		for (const other of head.parentNode.children)
			other.removeAttribute('aria-sort');
		head.setAttribute('aria-sort', order);
		const keys = new Map(rows.map((row) => [row, column.value(row) ?? null]));
		sorted = [...rows].sort((a, b) => {
			const [x, y] = [keys.get(a), keys.get(b)];
			const missing = x === null || y === null;
			return compare(x, y) * (order === first || missing ? 1 : -1);
		});
		fill();
	}
	const heads = used.map((column) => {
		const head = element(column.words ? 'th.words' : 'th', {title: column.about, scope: 'col'});
		head.append(element('button', {onclick: () => sort(column, head)}, column.name));
		return head;
	});
	more.append(`The first ${whole(limit)} of ${whole(rows.length)} rows. `,
		element('button', {onclick: () => { limit = Infinity; fill(); }}, 'Show all'));
	fill();
	return element('div', {}, element('div.wide', {},
		element('table', {}, element('thead', {}, element('tr', {}, ...heads)), body)), more);
}

// --- plots over time

function colour(name) {
	return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}

const seriesColours = () => colour('series').split(',').map((one) => one.trim());
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const AXIS_WIDTH = 74;

// Merges overlapping spans, so that each is drawn once: [[begin, end]...]
function united(spans) {
	const list = [];
	for (const [begin, end] of [...spans].sort((a, b) => a[0] - b[0])) {
		const last = list[list.length - 1];
		if (last && begin <= last[1])
			last[1] = Math.max(last[1], end);
		else
			list.push([begin, end]);
	}
	return list;
}

// Paints each span over the given height, at least one line wide.
function paintSpans(u, spans, style, top, height) {
	const {left, width} = u.bbox;
	u.ctx.save();
	u.ctx.fillStyle = style;
	for (const [begin, end] of spans) {
		const from = Math.max(u.valToPos(begin, 'x', true), left);
		const to = Math.min(u.valToPos(end, 'x', true), left + width);
		if (to >= left && from <= left + width)
			u.ctx.fillRect(from, top, Math.max(to - from, devicePixelRatio), height);
	}
	u.ctx.restore();
}

// Paints labelled spans: shaded, with a line at the beginning and the end. [{begin, end, text}]
function paintMarks(u, marks) {
	const pixels = devicePixelRatio, {left, top, width, height} = u.bbox;
	paintSpans(u, united(marks.map(({begin, end}) => [begin, end])), colour('fault'), top, height);
	paintSpans(u, marks.flatMap(({begin, end}) => [[begin, begin], [end, end]]), colour('bad'), top, height);
	u.ctx.save();
	u.ctx.beginPath();
	u.ctx.rect(left, top, width, height);
	u.ctx.clip();
	u.ctx.font = FONT.replace('11px', 11 * pixels + 'px');
	u.ctx.fillStyle = colour('bad');
	u.ctx.textBaseline = 'top';
	marks.forEach(({begin, text}, i) => u.ctx.fillText(text, Math.max(u.valToPos(begin, 'x', true), left) + 4 * pixels,
		top + (2 + i % 4 * 13) * pixels));
	u.ctx.restore();
}

// Paints spans with a text inside: as much of it as there is room for.
function paintLabels(u, labels, top, height) {
	const {left, width} = u.bbox, pixels = devicePixelRatio;
	for (const {begin, end, text, style} of labels) {
		const from = Math.max(u.valToPos(begin, 'x', true), left), to = Math.min(u.valToPos(end, 'x', true), left + width);
		if (to < left || from > left + width)
			continue;
		paintSpans(u, [[begin, end]], style, top, height);
		u.ctx.save();
		u.ctx.beginPath();
		u.ctx.rect(from, top, Math.max(to - from - 2 * pixels, 0), height);
		u.ctx.clip();
		u.ctx.font = FONT.replace('11px', 11 * pixels + 'px');
		u.ctx.fillStyle = colour('text');
		u.ctx.textBaseline = 'middle';
		u.ctx.textAlign = 'left';
		u.ctx.fillText(text, from + 4 * pixels, top + height / 2);
		u.ctx.restore();
	}
}

// Values without neighbours have no line and are drawn as points.
function lonely(u, index) {
	const values = u.data[index], list = [];
	for (let i = 0; i < values.length; i++)
		if (values[i] != null && values[i - 1] == null && values[i + 1] == null)
			list.push(i);
	return list;
}

// Ticks of a logarithmic scale: powers of ten, and 2 and 5 between them if there is room.
function decades(u, axis, min, max) {
	const list = [], steps = max / min > 1000 ? [1] : [1, 2, 5];
	for (let power = 10 ** Math.floor(Math.log10(min)); power <= max * 1.0001; power *= 10)
		list.push(...steps.map((step) => step * power).filter((tick) => tick >= min * 0.9999 && tick <= max * 1.0001));
	return list;
}

const DAY = 86400;

// Ticks as clock times, as precise as their distance requires.
function clockTicks(u, ticks, axis, space, step) {
	const places = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
	return ticks.map((tick) => step >= DAY ? day(tick * 1e9) :
		step >= 60 ? clock(tick * 1e9, 0).slice(0, 5) : clock((tick + 1e-6) * 1e9, places));
}

// Plots below each other, which share cursor, zoom and time axis. Times are in seconds since
// 1970; limits is [begin, end], and the cursor shows the time since origin; spans are shaded
// behind all plots, and marks are spans with a label.
class Plots {
	constructor(place, limits) {
		this.place = place;
		this.limits = limits;
		this.origin = limits[0];
		this.spans = [];
		this.marks = [];
		this.list = [];
		this.sync = uPlot.sync('time');
		new ResizeObserver(() => this.resize()).observe(place);
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.onrestyle?.());
		addEventListener('beforeprint', () => this.print(true));
		addEventListener('afterprint', () => this.print(false));
	}

	// On paper: light colours, and as wide as A4 in landscape.
	print(on) {
		document.documentElement.classList.toggle('print', on);
		this.paper = on ? 1020 : 0;
		this.onrestyle?.();
	}

	width() {
		return this.paper || Math.max(this.place.clientWidth, 200);
	}

	resize() {
		for (const {u} of this.list)
			if (u && u.width !== this.width())
				u.setSize({width: this.width(), height: u.height});
	}

	clear() {
		for (const {u} of this.list)
			u?.destroy();
		this.list = [];
		this.place.replaceChildren();
	}

	zoom(begin, end) {
		const [low, high] = this.limits;
		const range = {min: Math.max(low, begin), max: Math.min(high, end)};
		this.list[0]?.u.setScale('x', range.max > range.min ? range : {min: low, max: high});
	}

	reset() {
		this.zoom(...this.limits);
	}

	// Applies the zoom of one plot to all.
	zoomed(u) {
		const {min, max} = u.scales.x;
		if (this.moving || min == null)
			return;
		this.range = min > this.limits[0] || max < this.limits[1] ? [min, max] : null;
		this.moving = true;
		for (const {u: other} of this.list)
			if (other !== u && (other.scales.x.min !== min || other.scales.x.max !== max))
				other.setScale('x', {min, max});
		this.moving = false;
		this.onzoom?.(this.range);
	}

	options(height, axis, hooks) {
		const grid = {stroke: colour('grid'), width: 1};
		const common = {stroke: colour('quiet'), font: FONT, grid, ticks: {...grid, size: 4}};
		return {
			width: this.width(), height, padding: [6, 14, 0, 0], legend: {show: false},
			cursor: {y: false, points: {show: false}, drag: {x: true, y: false, setScale: true},
				sync: {key: this.sync.key, setSeries: false, scales: ['x', null]}},
			axes: [{...common, size: 26, gap: 3, space: 84, values: clockTicks,
				grid: {show: false}}, {...common, size: AXIS_WIDTH, gap: 4, ...axis}],
			hooks: {...hooks, setScale: [(u, key) => key === 'x' && this.zoomed(u)], setCursor: [(u) => this.read(u)],
				drawClear: [(u) => paintSpans(u, this.spans, colour('band'), u.bbox.top, u.bbox.height),
					(u) => paintMarks(u, this.marks)]},
		};
	}

	scaleX() {
		return {time: true, min: this.limits[0], max: this.limits[1],
			range: (u, min, max) => [Math.max(min ?? this.limits[0], this.limits[0]),
				Math.min(max ?? this.limits[1], this.limits[1])]};
	}

	// lines: {name, colour, back, at(time) -> text, whole -> text, values, high}: the area
	// between values and high is filled. x: the times of the values.
	add({title, unit, x, lines, show, step, logarithmic, ontoggle, height = 190}) {
		const data = [x], series = [{}], bands = [];
		const paths = step ? uPlot.paths.stepped({align: 1}) : uPlot.paths.linear();
		for (const line of lines) {
			const common = {stroke: line.colour, paths, spanGaps: false,
				points: {show: true, size: 4, width: 1, fill: line.colour, filter: lonely}};
			data.push(line.values);
			series.push({...common, width: 1.5, dash: line.back ? [5, 3] : undefined,
				fill: step && lines.length === 1 ? line.colour + '22' : undefined});
			if (!line.high)
				continue;
			data.push(line.high);
			series.push({...common, width: 0.75, stroke: line.colour + 'a0', dash: line.back ? [5, 3] : undefined});
			bands.push({series: [data.length - 1, data.length - 2], fill: line.colour + '24'});
		}
		const axis = {values: (u, ticks) => ticks.map((tick) => tick === null ? '' : short(show(tick)))};
		if (logarithmic)
			Object.assign(axis, {splits: decades, filter: (u, ticks) => ticks});
		if (unit === 'count')
			axis.incrs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 1e6];
		const options = this.options(height, axis, {});
		const y = logarithmic ? {distr: 3, log: 10, range: (u, min, max) => min > 0 && max > 0 ?
			[10 ** Math.floor(Math.log10(min)), 10 ** Math.ceil(Math.log10(max * 1.0001))] : [1, 10]} :
			{range: (u, min, max) => [0, Math.max(max * 1.06, unit === 'count' ? 1 : 1e-9) || 1]};
		this.show(title, {...options, series, bands, scales: {x: this.scaleX(), y}}, data, lines,
			ontoggle ? element('button', {'aria-pressed': String(!!logarithmic), onclick: ontoggle},
				logarithmic ? 'Linear scale' : 'Logarithmic scale') : null);
	}

	// lanes: {name, colour, spans: [[begin, end]...], lighter: spans that matter less}: draws
	// the spans of each in a lane. under: the colour of lighter spans; labels: spans with a
	// text and a style each; ticks: times that are marked across all lanes.
	addLanes({title, lanes, ticks = []}) {
		const lane = 30;
		const draw = (u) => lanes.forEach(({name, colour: style, spans = [], lighter = [], under, labels = []}, i) => {
			const top = u.bbox.top + i * lane * devicePixelRatio;
			u.ctx.save();
			u.ctx.font = FONT.replace('11px', 11 * devicePixelRatio + 'px');
			u.ctx.fillStyle = colour('quiet');
			u.ctx.textBaseline = 'top';
			u.ctx.textAlign = 'left';
			u.ctx.fillText(name, u.bbox.left + 4 * devicePixelRatio, top + 2 * devicePixelRatio);
			u.ctx.restore();
			paintSpans(u, lighter, under ?? style + '50', top + 16 * devicePixelRatio, 9 * devicePixelRatio);
			paintSpans(u, spans, style, top + 16 * devicePixelRatio, 9 * devicePixelRatio);
			paintLabels(u, labels, top + 14 * devicePixelRatio, 14 * devicePixelRatio);
		});
		const drawTicks = (u) => paintSpans(u, ticks.map((time) => [time, time]), colour('text'), u.bbox.top, u.bbox.height);
		const options = this.options(lanes.length * lane + 36, {values: () => [], grid: {show: false}, ticks: {show: false}},
			{draw: [draw, drawTicks]});
		this.show(title, {...options, series: [{}, {show: true, paths: () => null, points: {show: false}}],
			scales: {x: this.scaleX(), y: {range: [0, 1]}}}, [this.limits, [0, 0]], [], null);
	}

	show([name, about], options, data, lines, button) {
		const legend = element('ul.legend', {}, ...lines.map((line) => {
			line.figure = element('b', {}, line.whole);
			return element(line.back ? 'li.back' : 'li', {}, element('i', {style: `border-color: ${line.colour}`}),
				element('span', {}, line.name), line.figure);
		}));
		const at = element('span.at');
		const canvas = element('div');
		this.place.append(element('div.plot', {}, element('div.title', {}, element('h3', {}, name,
			element('small', {}, about)), button, at), lines.length ? legend : null, canvas));
		const one = {lines, at};
		this.list.push(one);
		one.u = new uPlot(options, data, canvas);
		if (this.range)
			one.u.setScale('x', {min: this.range[0], max: this.range[1]});
	}

	// The legend shows the values at the cursor, or without a cursor the totals.
	read(u) {
		const one = this.list.find((other) => other.u === u);
		if (!one)
			return;
		const {left} = u.cursor;
		const time = left >= 0 ? u.posToVal(left, 'x') : null;
		for (const line of one.lines)
			line.figure.textContent = time === null ? line.whole : line.at(time);
		one.at.textContent = time === null ? '' :
			`${clock(time * 1e9, 3)} (+${duration((time - this.origin) * 1e9)})`;
	}
}

// --- traffic over time: the rows of netsim analyze --json -v

const resent = (way) => way.fast + way.timeout + way.spurious;

// The times of a series: the edges of its bins for steps, the middles for lines, and a
// function from time to bin. The last bin ends with the capture.
function grid(chosen, first_ns, bin_ns, last_ns) {
	const begin = first_ns / NS, width = bin_ns / NS, last = last_ns / NS;
	const count = Math.max(0, ...chosen.map(({way}) => way.series.length));
	const edges = Array.from({length: count + 1}, (unused, i) => begin + i * width);
	const middles = edges.slice(0, -1).map((time) => (time + Math.max(time, Math.min(time + width, last))) / 2);
	return {edges, width, times: [begin, ...middles, edges[count]],
		bin: (way, time) => way.series[Math.floor((time - begin) / width)]};
}

// Steps need a value at the last edge, too; lines need none at the edges.
const steps = (way, of) => {
	const values = way.series.map(of);
	return [...values, values[values.length - 1]];
};
const points = (way, key) => [null, ...way.series.map((bin) => bin[key] ?? null), null];
const look = ({name, shade, back}) => ({name, colour: shade, back});

// The lines of the plots for the selected directions of a report.
function linesOf(report, chosen) {
	const lasted = (report.last_ns - report.first_ns) / NS;
	const {edges, times, width, bin} = grid(chosen, report.first_ns, report.bin_ns, report.last_ns);
	const seconds = (i) => Math.max(Math.min(width, report.last_ns / NS - edges[i]), width / 100);
	const at = (way, of) => (time) => {
		const one = bin(way, time);
		return one ? of(one, way.series.indexOf(one)) : '–';
	};
	const speed = (one, i) => one.bytes * 8 / seconds(i);
	const trip = (p50, p99) => p50 === undefined ? '–' : `${duration(p50)} / ${duration(p99)}`;
	return {
		edges, times,
		throughput: chosen.map((one) => ({...look(one), values: steps(one.way, speed),
			at: at(one.way, (one, i) => rate(speed(one, i))),
			whole: lasted > 0 ? rate(one.way.bytes * 8 / lasted) : '–'})),
		trips: chosen.filter(({way}) => way.rtt).map((one) => ({...look(one),
			values: points(one.way, 'rtt_p50_ns'), high: points(one.way, 'rtt_p99_ns'),
			at: at(one.way, ({rtt_p50_ns: p50, rtt_p99_ns: p99}) => trip(p50, p99)),
			whole: trip(one.way.rtt.p50_ns, one.way.rtt.p99_ns)})),
		resent: chosen.filter(({way}) => resent(way)).map((one) => ({...look(one),
			values: steps(one.way, ({retransmissions}) => retransmissions),
			at: at(one.way, ({retransmissions}) => whole(retransmissions)), whole: whole(resent(one.way))})),
	};
}

// True if values are so far apart that they need a logarithmic scale.
function spread(lines) {
	const values = lines.flatMap((line) => [...line.values, ...line.high]).filter((value) => value > 0).sort((a, b) => a - b);
	return values.length > 0 && values[values.length - 1] > 20 * values[Math.floor(values.length / 10)];
}
