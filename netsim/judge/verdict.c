// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict: windows, rows and summaries. */
#include "netsim/judge/blocks.h"
#include "netsim/judge/verdict_parts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/arena.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* --- windows */

static void reach(int64_t *end, int64_t time)
{
	if (time > *end)
		*end = time;
}

/* Finds the beginning and the end of the evidence. */
static void find_ends(struct judging *j)
{
	const struct evidence *ev = j->ev;

	j->end = INT64_MIN;
	for (size_t i = 0; i < ev->event_count; i++)
		reach(&j->end, ev->events[i].time);
	for (size_t i = 0; i < ev->sample_count; i++)
		reach(&j->end, ev->samples[i].sent);
	for (size_t i = 0; i < ev->operation_count; i++)
		reach(&j->end, ev->operations[i].end);
	for (size_t i = 0; i < ev->block_count; i++)
		reach(&j->end, ev->blocks[i].end);
	for (size_t i = 0; i < ev->member_count; i++)
		reach(&j->end, ev->members[i].time);
	if (j->end == INT64_MIN)
		j->end = 0;
	j->origin = ev->event_count ? ev->events[0].time : j->end;
	j->ret->duration = j->end - j->origin;
}

static struct window *begin_window(struct judging *j, const struct event *event)
{
	struct window *window = array_push(j->windows, j->window_count);

	if (!window)
		return NULL;
	*window = (struct window) {.phase = event->phase,
				   .repetition = event->repetition,
				   .begin = event->time,
				   .end = j->end,
				   .killed = true};
	return window;
}

/* Notes how late commands began, and how long after its command a fault did. */
static void note_lateness(struct window *window, const struct event *event, int64_t *command)
{
	if (event->kind == EVENT_STEP_BEGIN) {
		*command = event->time;
		if (event->lateness > window->lateness)
			window->lateness = event->lateness;
	}
	if (event->kind == EVENT_STEP_END || event->kind == EVENT_PHASE)
		*command = 0;
	if (event->kind == EVENT_FAULT_BEGIN) {
		window->fault = true;
		if (*command && event->time - *command > window->fault_lateness)
			window->fault_lateness = event->time - *command;
	}
}

static int find_windows(struct judging *j)
{
	struct window *open = NULL;
	int64_t command = 0;

	for (size_t i = 0; i < j->ev->event_count; i++) {
		const struct event *event = &j->ev->events[i];
		bool ends = event->kind == EVENT_RUN_END || event->kind == EVENT_ABORTED;

		j->ret->complete |= event->kind == EVENT_RUN_END;
		if (open && (ends || event->kind == EVENT_PHASE)) {
			open->end = event->time;
			open->killed = event->kind == EVENT_ABORTED;
			open = NULL;
		}
		if (event->kind == EVENT_PHASE) {
			open = begin_window(j, event);
			if (!open)
				return -ENOMEM;
		}
		if (open)
			note_lateness(open, event, &command);
	}
	if (j->window_count)
		j->windows[j->window_count - 1].last = true;
	return 0;
}

/* --- limits */

/* A fault that began later than this part of its phase leaves harm unproved. */
#define LATE_PART 20

static enum verdict_result compare(const struct claim *claim, const struct measure *m)
{
	bool above = m->low > claim->value;
	bool below = m->high < claim->value;

	switch (claim->op) {
	case OPERATOR_LE:
		return m->high <= claim->value ? VERDICT_OK :
		       above		       ? VERDICT_FAILED :
						 VERDICT_UNPROVED;
	case OPERATOR_LT:
		return below		      ? VERDICT_OK :
		       m->low >= claim->value ? VERDICT_FAILED :
						VERDICT_UNPROVED;
	case OPERATOR_GE:
		return m->low >= claim->value ? VERDICT_OK :
		       below		      ? VERDICT_FAILED :
						VERDICT_UNPROVED;
	case OPERATOR_GT:
		return m->low > claim->value   ? VERDICT_OK :
		       m->high <= claim->value ? VERDICT_FAILED :
						 VERDICT_UNPROVED;
	case OPERATOR_EQ:
		break;
	}
	return m->low == claim->value && m->high == claim->value ? VERDICT_OK :
	       above || below					 ? VERDICT_FAILED :
								   VERDICT_UNPROVED;
}

/* Whether a limit is missed because the service did better, as 100 % misses "available <= 5%". */
static bool is_better(const struct claim *claim, const struct measure *m)
{
	bool more_is_better = claim->quantity == CLAIM_AVAILABLE || claim->quantity == CLAIM_RATE ||
			      claim->quantity == CLAIM_PACKETS;

	return (m->value > claim->value) == more_is_better;
}

/*
 * The result in a window. Without the fault, or with one that a late machine let begin late, an
 * expected harm that did not come is no failure: it is as little proved as what passes. A harm that
 * came all the same is one; but a count that is too small because the run ended in the phase is
 * not.
 */
static enum verdict_result result_in(const struct window *window, const struct claim *claim,
				     struct measure *m)
{
	enum verdict_result result = compare(claim, m);
	bool late = window->fault_lateness > (window->end - window->begin) / LATE_PART;
	bool counts = claim->quantity == CLAIM_RATE || claim->quantity == CLAIM_PACKETS;
	char text[VALUE_TEXT];

	if (result == VERDICT_FAILED && window->killed && counts && m->value < claim->value) {
		doubt_it(m, "the run ended in this phase");
		return VERDICT_UNPROVED;
	}
	if (result != VERDICT_FAILED || (!window->doubt && !late) || !is_better(claim, m))
		return result;
	if (window->doubt)
		doubt_it(m, "%s", window->doubt);
	else
		doubt_it(m, "the machine was late: a fault began %s after its command",
			 verdict_instant(window->fault_lateness, text));
	return VERDICT_UNPROVED;
}

/* "1.28 s ± 0.02 s", "at least 8.00 s" */
static int show_value(struct judging *j, const struct claim *claim, const struct measure *m,
		      struct verdict_row *row)
{
	char value[VALUE_TEXT], room[VALUE_TEXT];
	double off = fmax(m->high - m->value, m->value - m->low);

	verdict_value(claim->quantity, m->value, value);
	if (m->at_least)
		row->shows = arena_printf(j->ret, "at least %s", value);
	else if (off > 0 && isfinite(off))
		row->shows = arena_printf(j->ret, "%s \xc2\xb1 %s", value,
					  verdict_value(claim->quantity, off, room));
	else
		row->shows = arena_strdup(j->ret, value);
	if (row->shows && *m->of)
		row->shows = arena_printf(j->ret, "%s (%s)", row->shows, m->of);
	return row->shows ? 0 : -ENOMEM;
}

/* Adds to a text that is cut where it has no more room. */
#define append(text, ...) \
	err_format((text) + strlen(text), sizeof(text) - strlen(text), __VA_ARGS__)

/*
 * Describes a row: value, distance from the limit, time. A reason comes before all that if the
 * row is unproved, because then it matters most.
 */
static int describe(struct judging *j, const struct claim *claim, struct verdict_row *row)
{
	char details[512] = "", text[VALUE_TEXT];
	double off = fabs(row->value - claim->value);

	if (!row->measured)
		return verdict_set_line(j, row, row->why);
	if (row->result == VERDICT_UNPROVED)
		append(details, "%s: ", row->why);
	append(details, "%s", row->shows);
	if (row->result == VERDICT_FAILED && claim->quantity == CLAIM_FINDING) {
		append(details, ": %s", row->why);
		return verdict_set_line(j, row, details);
	}
	if (row->result == VERDICT_FAILED && off > 0)
		append(details, ", off by %s", verdict_value(claim->quantity, off, text));
	if (row->result != VERDICT_OK && row->when >= 0)
		append(details, ", at %s", verdict_instant(row->when, text));
	if (row->result == VERDICT_FAILED && *row->why)
		append(details, "; %s", row->why);
	return verdict_set_line(j, row, details);
}

static const char *reason_of(const struct window *window, const struct measure *m,
			     enum verdict_result result)
{
	if (result == VERDICT_UNPROVED)
		return *m->doubt   ? m->doubt :
		       m->at_least ? "it goes on after the phase" :
				     "the limit is within the uncertainty";
	if (result == VERDICT_OK && window->doubt)
		return window->doubt;
	if (result == VERDICT_OK && window->killed)
		return "the run ended in this phase";
	return m->doubt;
}

/* Describes a finding, without its kind if the sentence names it. */
static const char *first_finding(const struct judging *j, const struct claim *claim,
				 const struct finding *finding, char buf[static FINDING_TEXT])
{
	size_t skipped = strlen(finding_word(finding->kind)) + strlen(": ");

	finding_text(j->ev, finding, j->origin, buf);
	return claim->findings & (claim->findings - 1) ? buf : buf + skipped;
}

static struct verdict_row *claim_row(struct judging *j, size_t c, const struct window *window)
{
	const struct claim *claim = &j->claims[c];
	struct verdict_row *row = verdict_add_row(j, claim->phase, claim->text);

	if (!row)
		return NULL;
	row->claim = c;
	row->limit = claim->value;
	row->repetitions = claim->repetitions;
	if (!window)
		return row;
	row->repetition = window->repetition;
	row->begin = window->begin - j->origin;
	row->end = window->end - j->origin;
	return row;
}

static int judge_window(struct judging *j, size_t c, const struct window *window, int64_t since)
{
	const struct claim *claim = &j->claims[c];
	struct verdict_row *row = claim_row(j, c, window);
	struct measure m = {.when = INT64_MIN};
	char text[FINDING_TEXT];
	int r;

	if (!row)
		return -ENOMEM;
	r = verdict_measure(j, claim, window, since, &m);
	if (r < 0)
		return r;
	if (*m.why) {
		row->result = VERDICT_UNPROVED;
		row->why = arena_strdup(j->ret, m.why);
		return row->why ? verdict_set_line(j, row, row->why) : -ENOMEM;
	}
	row->measured = true;
	row->value = m.value;
	row->low = m.low;
	row->high = m.high;
	row->when = m.when == INT64_MIN ? -1 : m.when - j->origin;
	row->result = result_in(window, claim, &m);
	row->why = arena_strdup(j->ret, row->result == VERDICT_FAILED && m.finding ?
						first_finding(j, claim, m.finding, text) :
						reason_of(window, &m, row->result));
	if (!row->why)
		return -ENOMEM;
	if (row->result == VERDICT_OK && *row->why)
		row->result = VERDICT_UNPROVED;
	r = show_value(j, claim, &m, row);
	return r == 0 ? describe(j, claim, row) : r;
}

/* A row for a repetition that never began; repetition 0: the phase has none. */
static int judge_missing(struct judging *j, size_t c, unsigned repetition)
{
	struct verdict_row *row = claim_row(j, c, NULL);

	if (!row)
		return -ENOMEM;
	row->repetition = repetition;
	row->result = VERDICT_UNPROVED;
	row->why = "the run ended before this phase";
	return verdict_set_line(j, row, row->why);
}

static int judge_claim(struct judging *j, size_t c)
{
	const struct claim *claim = &j->claims[c];
	uint32_t phase = text_table_find(&j->ev->names, claim->phase);
	unsigned seen = 0, wanted = claim->repetitions ? claim->repetitions : 1;
	int64_t since = INT64_MIN;
	int r = 0;

	for (size_t i = 0; r == 0 && phase && i < j->window_count; i++) {
		const struct window *window = &j->windows[i];

		if (window->phase != phase)
			continue;
		r = judge_window(j, c, window, since);
		since = window->end;
		seen++;
	}
	for (; r == 0 && seen < wanted; seen++)
		r = judge_missing(j, c, claim->repetitions ? seen + 1 : 0);
	return r;
}

/* --- summaries */

static int compare_doubles(const void *va, const void *vb)
{
	double a = *(const double *)va, b = *(const double *)vb;

	return a < b ? -1 : a > b;
}

static int show_summary(struct judging *j, struct verdict_summary *summary)
{
	enum claim_quantity quantity = j->claims[summary->claim].quantity;
	char min[VALUE_TEXT], median[VALUE_TEXT], max[VALUE_TEXT];

	summary->shows = summary->count ?
				 arena_printf(j->ret, "%s, %s, %s",
					      verdict_value(quantity, summary->min, min),
					      verdict_value(quantity, summary->median, median),
					      verdict_value(quantity, summary->max, max)) :
				 "";
	return summary->shows ? 0 : -ENOMEM;
}

static int summarise(struct judging *j, size_t c)
{
	struct verdict_summary *summary =
		arena_push(j->ret, j->ret->summaries, j->ret->summary_count);
	auto_free double *values = calloc(j->ret->row_count + 1, sizeof(*values));

	if (!summary || !values)
		return -ENOMEM;
	summary->claim = c;
	for (size_t i = 0; i < j->ret->row_count; i++) {
		const struct verdict_row *row = j->ret->rows[i];

		if (row->claim != c)
			continue;
		summary->ok += row->result == VERDICT_OK;
		summary->failed += row->result == VERDICT_FAILED;
		summary->unproved += row->result == VERDICT_UNPROVED;
		if (row->measured)
			values[summary->count++] = row->value;
	}
	qsort(values, summary->count, sizeof(*values), compare_doubles);
	if (summary->count) {
		size_t middle = summary->count / 2;

		summary->min = values[0];
		summary->max = values[summary->count - 1];
		summary->median = summary->count % 2 ? values[middle] :
						       (values[middle - 1] + values[middle]) / 2;
	}
	return show_summary(j, summary);
}

/* --- ledgers */

static int add_findings(struct judging *j, const struct named_ledger *ledger)
{
	char text[FINDING_TEXT];

	j->ret->finding_total += ledger->verdict.finding_count;
	for (size_t i = 0; i < ledger->verdict.finding_count && i < VERDICT_FINDINGS; i++) {
		const struct finding *from = &ledger->verdict.findings[i];
		struct verdict_finding *finding;

		finding = arena_push(j->ret, j->ret->findings, j->ret->finding_count);
		if (!finding)
			return -ENOMEM;
		finding->when = from->time - j->origin;
		finding->kind = finding_word(from->kind);
		finding->ledger = arena_strdup(j->ret, verdict_name(j, ledger->name));
		finding->line = arena_strdup(j->ret, finding_text(j->ev, from, j->origin, text));
		if (!finding->ledger || !finding->line)
			return -ENOMEM;
	}
	return 0;
}

/* Judges a ledger, unless it was judged before. */
static int judge_ledger(struct judging *j, uint32_t name, bool blocks)
{
	struct named_ledger *ledger;
	int r;

	if (verdict_ledger(j, name))
		return 0;
	ledger = array_push(j->ledgers, j->ledger_count);
	if (!ledger)
		return -ENOMEM;
	ledger->name = name;
	ledger->blocks = blocks;
	r = blocks ? blocks_judge(j->ev, name, j->ret->complete, &ledger->verdict, j->err) :
		     ledger_judge(j->ev, name, j->ret->complete, &ledger->verdict, j->err);
	return r == 0 ? add_findings(j, ledger) : r;
}

static int judge_ledgers(struct judging *j)
{
	uint32_t last = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->ev->operation_count; i++) {
		if (j->ev->operations[i].ledger != last)
			r = judge_ledger(j, j->ev->operations[i].ledger, false);
		last = j->ev->operations[i].ledger;
	}
	last = 0;
	for (size_t i = 0; r == 0 && i < j->ev->block_count; i++) {
		if (j->ev->blocks[i].ledger != last)
			r = judge_ledger(j, j->ev->blocks[i].ledger, true);
		last = j->ev->blocks[i].ledger;
	}
	return r;
}

/* --- the network */

static int copy_verified(struct judging *j)
{
	for (size_t i = 0; i < j->ev->verified_count; i++) {
		const struct verified *from = &j->ev->verified[i];
		struct verdict_verified *row =
			arena_push(j->ret, j->ret->verified, j->ret->verified_count);

		if (!row)
			return -ENOMEM;
		row->subject = arena_strdup(j->ret, verdict_name(j, from->subject));
		row->what = arena_strdup(j->ret, verdict_name(j, from->what));
		row->asked = arena_strdup(j->ret, verdict_name(j, from->asked));
		row->measured = arena_strdup(j->ret, verdict_name(j, from->measured));
		row->why = arena_strdup(j->ret, verdict_name(j, from->why));
		row->result = verified_word((enum verified_result)from->result);
		if (!row->subject || !row->what || !row->asked || !row->measured || !row->why)
			return -ENOMEM;
	}
	return 0;
}

/* --- all of it */

/* The first event of a kind, with this subject unless it is NULL; or one without anything. */
static const struct event *find_event(const struct judging *j, enum event_kind kind,
				      const char *subject)
{
	static const struct event none;

	for (size_t i = 0; i < j->ev->event_count; i++) {
		const struct event *event = &j->ev->events[i];

		if (event->kind == kind &&
		    (!subject || strcmp(verdict_name(j, event->subject), subject) == 0))
			return event;
	}
	return &none;
}

static const char *copy_name(const struct judging *j, uint32_t name)
{
	return name ? arena_strdup(j->ret, verdict_name(j, name)) : "";
}

static int describe_run(struct judging *j)
{
	const struct event *begin = find_event(j, EVENT_RUN_BEGIN, NULL);
	struct verdict *ret = j->ret;

	ret->scenario = copy_name(j, begin->subject);
	ret->host = copy_name(j, begin->text);
	ret->wall = begin->wall;
	ret->profile = copy_name(j, find_event(j, EVENT_ABOUT, "profile")->text);
	ret->seed = copy_name(j, find_event(j, EVENT_ABOUT, "seed")->text);
	return ret->scenario && ret->host && ret->profile && ret->seed ? 0 : -ENOMEM;
}

static void judging_done(struct judging *j)
{
	for (size_t i = 0; i < j->series_count; i++)
		sample_series_done(&j->series[i].series);
	for (size_t i = 0; i < j->ledger_count; i++)
		ledger_done(&j->ledgers[i].verdict);
	free(j->series);
	free(j->ledgers);
	free(j->windows);
}

static int judge_all(struct judging *j)
{
	int r;

	find_ends(j);
	r = describe_run(j);
	if (r == 0)
		r = find_windows(j);
	if (r == 0)
		r = judge_ledgers(j);
	if (r == 0)
		r = asked_make(j->ev, j->ret, &j->ret->asked);
	if (r == 0)
		r = copy_verified(j);
	if (r == 0)
		r = verdict_run_rows(j);
	for (size_t c = 0; r == 0 && c < j->claim_count; c++)
		r = judge_claim(j, c);
	for (size_t c = 0; r == 0 && c < j->claim_count; c++)
		r = summarise(j, c);
	for (size_t i = 0; i < j->ret->row_count; i++) {
		enum verdict_result result = j->ret->rows[i]->result;

		if (result == VERDICT_FAILED || j->ret->result == VERDICT_OK)
			j->ret->result = result;
	}
	return r == -ENOMEM ? err_oom(j->err) : r;
}

int verdict_make(const struct evidence *ev, const struct claim *claims, size_t claim_count,
		 struct verdict **ret, struct netsim_err *err)
{
	struct verdict *verdict = arena_new(sizeof(*verdict));
	struct judging j = {
		.ev = ev, .claims = claims, .claim_count = claim_count, .ret = verdict, .err = err};
	int r = verdict ? judge_all(&j) : err_oom(err);

	judging_done(&j);
	if (r < 0)
		verdict_free(verdict);
	else
		*ret = verdict;
	return r;
}

void verdict_free(struct verdict *verdict)
{
	arena_free(verdict);
}
