// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The expectations of every run: steps were done, faults were in effect, workloads stayed alive,
 * everything was healed, nothing was left behind, and ledgers have no findings besides those that
 * expectations of the file are about.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "netsim/judge/verdict_parts.h"
#include "netsim/util/arena.h"
#include "netsim/util/err.h"

#define PHASE_RUN "run"

/* Finishes a row: result and reason. Returns 0 or -ENOMEM. */
static int finish(struct judging *j, struct verdict_row *row, enum verdict_result result,
		  const char *why)
{
	row->result = result;
	row->why = arena_strdup(j->ret, why);
	row->end = j->end - j->origin;
	return row->why ? verdict_set_line(j, row, row->why) : -ENOMEM;
}

static struct verdict_row *run_row(struct judging *j, const char *what, const char *subject)
{
	char text[256];

	err_format(text, sizeof(text), "%s%s%s", what, *subject ? " " : "", subject);
	return verdict_add_row(j, PHASE_RUN, text);
}

static struct window *window_at(struct judging *j, int64_t time)
{
	for (size_t i = j->window_count; i-- > 0;)
		if (j->windows[i].begin <= time)
			return &j->windows[i];
	return NULL;
}

/* --- steps */

static int step_rows(struct judging *j)
{
	for (size_t i = 0; i < j->ev->event_count; i++) {
		const struct event *event = &j->ev->events[i];
		struct window *window;
		struct verdict_row *row;
		char why[128];

		if (event->kind != EVENT_STEP_END || !event->status)
			continue;
		row = run_row(j, "step", verdict_name(j, event->subject));
		if (!row)
			return -ENOMEM;
		row->when = event->time - j->origin;
		if (event->text)
			err_format(why, sizeof(why), "%s", verdict_name(j, event->text));
		else
			err_format(why, sizeof(why), "%s", strerror((int)event->status));
		if (finish(j, row, VERDICT_UNPROVED, why) < 0)
			return -ENOMEM;
		window = window_at(j, event->time);
		if (window)
			window->doubt = "a step of this phase failed";
	}
	return 0;
}

/* --- faults */

static const struct event *end_of_fault(const struct judging *j, size_t begin)
{
	for (size_t i = begin + 1; i < j->ev->event_count; i++)
		if (j->ev->events[i].kind == EVENT_FAULT_END &&
		    j->ev->events[i].subject == j->ev->events[begin].subject)
			return &j->ev->events[i];
	return NULL;
}

/* Whether a fault was in effect; if not, why says the reason. */
static bool was_in_effect(const struct judging *j, const struct event *begin,
			  const struct event *end, char why[static 128])
{
	char from[VALUE_TEXT], to[VALUE_TEXT];

	if (!end) {
		err_format(why, 128, "its end is not in the evidence");
		return false;
	}
	if (!end->uncounted && !end->affected) {
		if (end->text)
			err_format(why, 128, "%s of %" PRId64 " packets",
				   verdict_name(j, end->text), end->offered);
		else if (end->offered)
			err_format(why, 128, "none of %" PRId64 " packet%s was affected",
				   end->offered, end->offered == 1 ? "" : "s");
		else
			err_format(why, 128, "no packet reached it");
		return false;
	}
	verdict_instant(begin->time - j->origin, from);
	verdict_instant(end->time - j->origin, to);
	if (end->uncounted)
		err_format(why, 128, "from %s to %s, without counters", from, to);
	else if (end->text)
		err_format(why, 128, "from %s to %s, %s of %" PRId64 " packets", from, to,
			   verdict_name(j, end->text), end->offered);
	else
		err_format(why, 128, "from %s to %s, %" PRId64 " of %" PRId64 " packets", from, to,
			   end->affected, end->offered);
	return true;
}

static int fault_rows(struct judging *j)
{
	for (size_t i = 0; i < j->ev->event_count; i++) {
		const struct event *begin = &j->ev->events[i], *end;
		struct window *window;
		struct verdict_row *row;
		char why[128];
		bool effect;

		if (begin->kind != EVENT_FAULT_BEGIN)
			continue;
		row = run_row(j, "in effect:", verdict_name(j, begin->subject));
		if (!row)
			return -ENOMEM;
		row->phase = begin->phase ? arena_strdup(j->ret, verdict_name(j, begin->phase)) :
					    row->phase;
		if (!row->phase)
			return -ENOMEM;
		row->repetition = begin->repetition;
		row->when = begin->time - j->origin;
		end = end_of_fault(j, i);
		effect = was_in_effect(j, begin, end, why);
		if (finish(j, row, effect ? VERDICT_OK : VERDICT_UNPROVED, why) < 0)
			return -ENOMEM;
		row->begin = row->when;
		if (end)
			row->end = end->time - j->origin;
		window = window_at(j, begin->time);
		if (window && !effect)
			window->doubt = end ? "a fault of this phase was not in effect" :
					      "the end of a fault is not in the evidence";
	}
	return 0;
}

/* --- workloads */

static bool is_first_start(const struct judging *j, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (j->ev->events[i].kind == EVENT_STARTED &&
		    j->ev->events[i].subject == j->ev->events[at].subject)
			return false;
	return true;
}

static const struct event *unasked_end(const struct judging *j, uint32_t subject)
{
	for (size_t i = 0; i < j->ev->event_count; i++) {
		const struct event *event = &j->ev->events[i];

		if (event->subject == subject && !event->asked &&
		    (event->kind == EVENT_EXITED || event->kind == EVENT_KILLED))
			return event;
	}
	return NULL;
}

static int workload_row(struct judging *j, uint32_t subject)
{
	struct verdict_row *row = run_row(j, "stays alive:", verdict_name(j, subject));
	const struct event *end = unasked_end(j, subject);
	char why[128], at[VALUE_TEXT];

	if (!row)
		return -ENOMEM;
	if (!end)
		return finish(j, row, j->ret->complete ? VERDICT_OK : VERDICT_UNPROVED,
			      j->ret->complete ? "" : "the run was killed");
	row->when = end->time - j->origin;
	err_format(why, sizeof(why), "%s %" PRId64 " at %s",
		   end->kind == EVENT_KILLED ? "ended by signal" : "exited with status",
		   end->status, verdict_instant(row->when, at));
	return finish(j, row, VERDICT_FAILED, why);
}

static int workload_rows(struct judging *j)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->ev->event_count; i++)
		if (j->ev->events[i].kind == EVENT_STARTED && is_first_start(j, i))
			r = workload_row(j, j->ev->events[i].subject);
	return r;
}

/* --- the end */

/* A row about the state after the run: good or bad, or neither was reported. */
static int state_row(struct judging *j, const char *text, enum event_kind good, enum event_kind bad)
{
	struct verdict_row *row = run_row(j, text, "");
	enum verdict_result result = VERDICT_UNPROVED;
	const char *why = "this was not read back";

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < j->ev->event_count; i++) {
		const struct event *event = &j->ev->events[i];

		if (event->kind != good && event->kind != bad)
			continue;
		result = event->kind == good ? VERDICT_OK : VERDICT_FAILED;
		why = verdict_name(j, event->text);
		row->when = event->kind == bad ? event->time - j->origin : -1;
	}
	return finish(j, row, result, why);
}

static int abort_rows(struct judging *j)
{
	bool known = j->ret->complete;

	for (size_t i = 0; i < j->ev->event_count; i++) {
		const struct event *event = &j->ev->events[i];
		struct verdict_row *row;

		if (event->kind != EVENT_ABORTED)
			continue;
		row = run_row(j, event->status ? "runs to its end" : "not aborted", "");
		if (!row)
			return -ENOMEM;
		row->when = event->time - j->origin;
		if (finish(j, row, event->status ? VERDICT_UNPROVED : VERDICT_FAILED,
			   verdict_name(j, event->text)) < 0)
			return -ENOMEM;
		known = true;
	}
	if (known)
		return 0;
	struct verdict_row *row = run_row(j, "runs to its end", "");

	return row ? finish(j, row, VERDICT_UNPROVED, "the run was killed, or still runs") :
		     -ENOMEM;
}

/* --- ledgers */

/* Returns the kinds of findings that expectations of the file are about. */
static unsigned claimed_findings(const struct judging *j, uint32_t ledger)
{
	unsigned kinds = 0;

	for (size_t c = 0; c < j->claim_count; c++)
		if (j->claims[c].quantity == CLAIM_FINDING &&
		    text_table_find(&j->ev->names, j->claims[c].subject) == ledger)
			kinds |= j->claims[c].findings;
	return kinds;
}

static int ledger_row(struct judging *j, const struct named_ledger *ledger)
{
	const struct ledger_verdict *verdict = &ledger->verdict;
	unsigned claimed = claimed_findings(j, ledger->name);
	struct verdict_row *row = run_row(j, "consistent:", verdict_name(j, ledger->name));
	const struct finding *first = NULL;
	size_t count = 0, elsewhere = 0;
	char why[FINDING_TEXT + 32], text[FINDING_TEXT];

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < verdict->finding_count; i++) {
		if (claimed & 1U << verdict->findings[i].kind) {
			elsewhere++;
			continue;
		}
		if (!count++)
			first = &verdict->findings[i];
	}
	if (first) {
		row->when = first->time - j->origin;
		err_format(why, sizeof(why), "%zu finding%s: %s", count, count == 1 ? "" : "s",
			   finding_text(j->ev, first, j->origin, text));
		return finish(j, row, VERDICT_FAILED, why);
	}
	if (!verdict->acknowledged)
		return finish(j, row, VERDICT_UNPROVED, "no operation was acknowledged");
	if (verdict->unread) {
		err_format(why, sizeof(why), "%zu blocks were not read back after their last write",
			   verdict->unread);
		return finish(j, row, VERDICT_UNPROVED, why);
	}
	err_format(why, sizeof(why), "%zu %s acknowledged, %zu of unknown outcome",
		   verdict->acknowledged, ledger->blocks ? "writes" : "operations",
		   verdict->unknown);
	if (elsewhere)
		err_format(why + strlen(why), sizeof(why) - strlen(why),
			   "; but for the %zu finding%s of its sentences", elsewhere,
			   elsewhere == 1 ? "" : "s");
	return finish(j, row,
		      verdict->unknown > verdict->acknowledged ? VERDICT_UNPROVED : VERDICT_OK,
		      why);
}

/* --- the network */

/* A network that was not as asked before anything began proves nothing about the request. */
static int verified_row(struct judging *j)
{
	const struct verdict_verified *first = NULL;
	enum verdict_result result;
	struct verdict_row *row;
	size_t counts[VERIFIED_LEFT_OUT + 1] = {0};
	char why[256];

	if (!j->ev->verified_count)
		return 0;
	for (size_t i = 0; i < j->ev->verified_count; i++)
		if (!counts[j->ev->verified[i].result]++ &&
		    j->ev->verified[i].result == VERIFIED_NOT_AS_ASKED)
			first = j->ret->verified[i];
	row = run_row(j, "network as asked before the timeline", "");
	if (!row)
		return -ENOMEM;
	result = first || !counts[VERIFIED_AS_ASKED] ? VERDICT_UNPROVED : VERDICT_OK;
	if (first)
		err_format(why, sizeof(why), "%s %s: %s asked, %s measured", first->subject,
			   first->what, *first->asked ? first->asked : "nothing",
			   *first->measured ? first->measured : "nothing");
	else
		err_format(why, sizeof(why), "%zu of %zu as asked%s", counts[VERIFIED_AS_ASKED],
			   j->ev->verified_count,
			   counts[VERIFIED_AS_ASKED] == j->ev->verified_count ?
				   "" :
				   ", the others not measured");
	return finish(j, row, result, why);
}

int verdict_run_rows(struct judging *j)
{
	int r = abort_rows(j);

	if (r == 0)
		r = verified_row(j);

	if (r == 0)
		r = step_rows(j);
	if (r == 0)
		r = fault_rows(j);
	if (r == 0)
		r = workload_rows(j);
	if (r == 0)
		r = state_row(j, "everything is healed", EVENT_HEALED, EVENT_NOT_HEALED);
	if (r == 0)
		r = state_row(j, "nothing is left behind", EVENT_CLEAN, EVENT_LEFT);
	for (size_t i = 0; r == 0 && i < j->ledger_count; i++)
		r = ledger_row(j, &j->ledgers[i]);
	return r;
}
