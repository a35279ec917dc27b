// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The timeline: each entry of the plan at its time. Times are absolute: a step that takes a few
 * milliseconds delays no other. One that waits for a program (exec, start) does; and one on a
 * busy machine that takes longer than LATE delays its phase and all later ones as a whole, which
 * would be shortened otherwise, to nothing in the end.
 */
#include <errno.h>
#include <string.h>

#include "netsim/api/run_parts.h"
#include "netsim/run/thread.h"

#define LATE 100000000LL
/* How long before the end of a hold the packets of pairs are counted for the last time. */
#define PAIRS_AHEAD 100000000LL

struct clockwork {
	struct run *run;
	int64_t phase_begin; /* of the present repetition */
	int64_t due;	     /* of the next entry */
	const struct phase *phase;
	unsigned repetition;
};

/* --- waiting */

/* What is read during a wait, ahead of its end. */
struct ahead {
	int64_t faults, asked, pairs; /* when; INT64_MAX: not, or done */
	int64_t counted;	      /* when pairs are read for the last time */
};

/* Half of the time that is left, again and again: a machine that stops shortly before the end loses
 * only the time since the reading before. */
static int64_t next_look(int64_t last)
{
	int64_t now = run_now(), left = last - now;

	return left > PAIRS_AHEAD ? now + left / 2 : last;
}

/*
 * The counters of faults are read ahead of a command, which may add a fault: so early that the
 * command is not late. Those of pairs are read during a hold, and ahead of its end. What is asked
 * is read at its beginning, once the faults of the phase before are over, and ahead of its end.
 */
static struct ahead look_ahead(const struct timeline_entry *entry, const struct run *run,
			       int64_t until)
{
	const struct timeline_entry *next = entry + 1, *end = run->plan->list + run->plan->count;
	struct ahead ahead = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
	int64_t now = run_now(), half = (until - now) / 2;

	if (next < end && next->kind == TIMELINE_COMMAND && half > LOOK_AHEAD / 10)
		ahead.faults = until - (half < LOOK_AHEAD ? half : LOOK_AHEAD);
	if (entry->kind == TIMELINE_HOLD) {
		ahead.counted = until - (half < PAIRS_AHEAD ? half : PAIRS_AHEAD);
		ahead.pairs = next_look(ahead.counted);
	}
	if (entry->kind == TIMELINE_HOLD && until - now >= ASKED_LEAST)
		ahead.asked = now + ASKED_AFTER;
	return ahead;
}

/* Waits until a time; records the ends of faults meanwhile, and reads counters. */
static bool wait_until(struct run *run, int64_t until, struct ahead ahead)
{
	for (;;) {
		int64_t next = faults_expire(run);

		next = next < until ? next : until;
		next = ahead.faults < next ? ahead.faults : next;
		next = ahead.asked < next ? ahead.asked : next;
		next = ahead.pairs < next ? ahead.pairs : next;
		if (!run_sleep(run, next))
			return false;
		if (next == ahead.faults) {
			faults_look(run);
			ahead.faults = INT64_MAX;
		} else if (next == ahead.asked) {
			asked_begin(run, run->entry);
			ahead.asked = INT64_MAX;
		} else if (next == ahead.counted) {
			pairs_look(run);
			pairs_end(run);
			asked_end(run);
			ahead.pairs = ahead.counted = INT64_MAX;
		} else if (next == ahead.pairs) {
			pairs_look(run);
			ahead.pairs = next_look(ahead.counted);
		} else if (next == until) {
			return true;
		}
	}
}

/* --- entries */

static struct event event_of(const struct timeline_entry *entry, struct run *run,
			     enum event_kind kind)
{
	return (struct event) {.kind = (uint8_t)kind,
			       .phase = recorder_name(run->rec, entry->phase->name),
			       .repetition = entry->phase->repeated ? entry->repetition : 0};
}

static void begin_phase(struct clockwork *c, const struct timeline_entry *entry)
{
	c->phase = entry->phase;
	c->repetition = entry->repetition;
	if (run_now() - c->due > LATE)
		c->due = run_now();
	c->phase_begin = c->due;
	pairs_end(c->run);
	if (!c->phase->lasts.ns)
		pairs_begin(c->run, INT64_MAX);
	recorder_event(c->run->rec, event_of(entry, c->run, EVENT_PHASE), entry->phase->name, NULL);
	metrics_look(c->run);
}

static int heal(struct run *run, struct netsim_err *err)
{
	const struct netsim_heal_opts all = NETSIM_OPTS(struct netsim_heal_opts, .fleet = NULL);
	int r = faults_heal(run, &all, err);

	return r == 0 ? work_continue_all(run, err) : r;
}

/* Does a command or a heal, and records it. A step that fails ends the timeline. */
static void do_step(struct clockwork *c, const struct timeline_entry *entry)
{
	struct run *run = c->run;
	const char *text = entry->command ? entry->command->text : "heal";
	struct event begin = event_of(entry, run, EVENT_STEP_BEGIN);
	struct event done = event_of(entry, run, EVENT_STEP_END);
	int64_t now = run_now();
	struct netsim_err err = {0};
	int r;

	begin.time = now;
	begin.lateness = now > c->due ? now - c->due : 0;
	recorder_event(run->rec, begin, text, NULL);
	r = entry->command ? step_run(run, entry, c->phase_begin + entry->phase->lasts.ns, &err) :
			     heal(run, &err);
	done.status = r < 0 ? -r : 0;
	recorder_event(run->rec, done, text, r < 0 ? err.what : NULL);
	if (r < 0)
		run_halt(run, false, "%s: %s", text, err.what);
}

/* Sets when the entry after a step is due; base is when the step was. */
static void go_on(struct clockwork *c, const struct timeline_entry *entry, int64_t base)
{
	int64_t now = run_now();
	bool takes_time = entry->command && step_takes_time(&entry->command->step);
	bool late = now - base > LATE;

	c->due = (takes_time && now > base) || late ? now : base;
	if (!takes_time && late)
		c->phase_begin += now - base;
}

static bool do_entry(struct clockwork *c, const struct timeline_entry *entry)
{
	struct run *run = c->run;
	int64_t base;

	pthread_mutex_lock(&run->lock_shared);
	run->entry = entry;
	pthread_mutex_unlock(&run->lock_shared);
	if (entry->phase != c->phase || entry->repetition != c->repetition)
		begin_phase(c, entry);
	base = c->due;
	switch (entry->kind) {
	case TIMELINE_COMMAND:
	case TIMELINE_HEAL:
		/* Right after a command, the entry is due when that has ended. */
		if (entry > run->plan->list && entry[-1].kind == TIMELINE_COMMAND &&
		    run_now() > c->due)
			c->due = run_now();
		do_step(c, entry);
		go_on(c, entry, base);
		return !run_is_halted(run);
	case TIMELINE_HOLD:
		if (c->phase_begin + entry->lasts_ns > c->due)
			c->due = c->phase_begin + entry->lasts_ns;
		pairs_begin(run, c->due);
		break;
	case TIMELINE_PAUSE:
		c->due += entry->lasts_ns;
		break;
	}
	return wait_until(run, c->due, look_ahead(entry, run, c->due));
}

/* Records that the timeline has ended, and why, if it is early. */
static void record_end(struct run *run)
{
	struct event event = {.kind = EVENT_ABORTED};
	bool halted;

	pthread_mutex_lock(&run->lock_shared);
	halted = run->halt;
	event.status = run->by_abort ? 0 : ECANCELED;
	run->entry = NULL;
	pthread_mutex_unlock(&run->lock_shared);
	pairs_end(run);
	asked_end(run);
	if (halted)
		recorder_event(run->rec, event, NULL, run->why);
	recorder_event(run->rec, (struct event) {.kind = EVENT_RUN_END}, NULL, NULL);
	metrics_look(run);
}

void timeline_run(struct run *run)
{
	struct clockwork c = {.run = run};
	bool goes_on;

	faults_look(run);
	goes_on = probes_settle(run);
	if (!thread_make_realtime())
		run_note(run, "real-time priority is not permitted: steps run without it");
	c.due = run_now();
	pthread_mutex_lock(&run->lock_shared);
	run->begin = c.due;
	pthread_mutex_unlock(&run->lock_shared);
	for (size_t i = 0; goes_on && i < run->plan->count; i++)
		goes_on = do_entry(&c, &run->plan->list[i]);
	record_end(run);
}
