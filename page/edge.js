// SPDX-License-Identifier: GPL-2.0-or-later
// The page of a search for the edge: the values that were tried, and what was measured with each.

const {title, version, report} = JSON.parse(document.getElementById('data').textContent);
const {range, result, text, runs} = report;
const key = range.split(' ')[0];
const HEIGHT = 150;
const TOP = 24, BOTTOM = 112; // of what is measured

const sorted = [...runs].sort((a, b) => a.value - b.value);
const logarithmic = sorted.length > 0 && sorted[0].value > 0;

// The place of a value between the ends of the range, in per cent of the width.
function place(value) {
	const scale = logarithmic ? Math.log : (number) => number;
	const [low, high] = [scale(sorted[0].value), scale(sorted[sorted.length - 1].value)];
	return LEFT + (RIGHT - LEFT) * (high > low ? (scale(value) - low) / (high - low) : 0.5) + '%';
}

// The verdict with each value, on one line.
function verdicts() {
	const made = drawing('svg', {width: '100%', height: 70, role: 'img'}, drawing('line', {x1: LEFT + '%', x2: RIGHT + '%', y1: 30, y2: 30, class: 'axis'}));
	sorted.forEach((run, i) => made.append(
		drawing('circle', {cx: place(run.value), cy: 30, r: 6, class: run.result}, drawing('title', {}, `${run.text}: ${run.result}`)),
		drawing('text', {x: place(run.value), y: i % 2 ? 14 : 54, class: 'tick'}, run.text)));
	return made;
}

// A dot for each value that an expectation had, and a line at its limit.
function measured(name, rows) {
	const limit = rows[0].row.limit;
	const most = Math.max(limit ?? 0, ...rows.map(({row}) => row.value), 1e-9) * 1.05;
	const y = (value) => BOTTOM - (BOTTOM - TOP) * value / most;
	const made = drawing('svg', {width: '100%', height: HEIGHT, role: 'img'},
		drawing('line', {x1: LEFT + '%', x2: RIGHT + '%', y1: BOTTOM, y2: BOTTOM, class: 'axis'}),
		drawing('line', {x1: LEFT + '%', x2: RIGHT + '%', y1: y(limit), y2: y(limit), class: 'limit'}));
	for (const {run, row} of rows)
		made.append(drawing('circle', {cx: place(run.value), cy: y(row.value), r: 5, class: row.result}, drawing('title', {}, `${key} ${run.text}: ${row.shows}`)));
	for (const run of [sorted[0], sorted[sorted.length - 1]])
		made.append(drawing('text', {x: place(run.value), y: BOTTOM + 20, class: 'tick'}, run.text));
	return element('div.dots', {}, element('h3', {}, name, element('small', {}, `over ${key}; the line is the limit`)), made);
}

function measurements() {
	const groups = new Map();
	for (const run of runs)
		for (const row of run.values) {
			const name = `${row.phase}: ${row.text}`;
			groups.set(name, [...groups.get(name) ?? [], {run, row}]);
		}
	return [...groups].map(([name, rows]) => measured(name, rows));
}

const COLUMNS = [
	{name: key, value: ({value}) => value, text: (run) => run.text},
	{name: 'result', words: true, value: (run) => run.result, class: (run) => 'result ' + run.result},
	{name: 'seconds', value: ({seconds}) => seconds, show: (seconds) => seconds.toFixed(1)},
	{name: 'what is not ok first', words: true, value: ({why}) => why === '-' ? '' : why},
	{name: 'folder', words: true, value: ({folder}) => folder ?? ''},
];

function build() {
	const page = document.getElementById('page');
	document.title = `${title}: ${text} – netsim`;
	document.getElementById('version').textContent = version;
	page.append(element('header', {}, element('h1', {}, title), element('p.why', {}, text),
		element('p.under', {}, `asked: ${range}; ${result}, after ${whole(runs.length)} run${runs.length === 1 ? '' : 's'}`)),
	element('section', {id: 'values'}, element('h2', {}, 'Values', element('small', {}, 'that were tried, with the verdict of each run')), element('div.dots', {}, verdicts()),
		table(COLUMNS, runs)),
	element('section', {id: 'measured'}, element('h2', {}, 'Measured', element('small', {}, 'a dot for each value of an expectation')), ...measurements()));
}

build();
