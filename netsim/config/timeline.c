// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes and prints the plan of a run. */
#include "netsim/config/timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/random.h"

__extension__ typedef unsigned __int128 u128;

#define MILLISECOND 1000000

struct planner {
	struct timeline *timeline;
	uint64_t state;
	bool failed;
};

/* Draws a pause from the range, with the same probability for each of its steps. */
static int64_t draw_pause(struct planner *p, const struct phase *phase)
{
	uint64_t range = (uint64_t)(phase->pause_max.ns - phase->pause_min.ns);
	uint64_t step = range < MILLISECOND ? 1 : MILLISECOND;
	uint64_t steps = range / step + 1;
	uint64_t drawn = (uint64_t)((u128)random_next(&p->state) * steps >> 64);

	return phase->pause_min.ns + (int64_t)(drawn * step);
}

static void add(struct planner *p, const struct timeline_entry *entry)
{
	struct timeline *t = p->timeline;
	struct timeline_entry *slot = array_push(t->list, t->count);

	if (!slot) {
		p->failed = true;
		return;
	}
	*slot = *entry;
	slot->at_ns = t->length_ns;
	slot->late = t->late;
	if (__builtin_add_overflow(t->length_ns, entry->lasts_ns, &t->length_ns))
		t->length_ns = INT64_MAX;
}

static void add_repetition(struct planner *p, const struct phase *phase, unsigned repetition)
{
	struct timeline_entry entry = {.phase = phase, .repetition = repetition};

	for (size_t i = 0; i < phase->command_count; i++) {
		entry.command = phase->commands[i];
		add(p, &entry);
		p->timeline->late |= step_takes_time(&entry.command->step);
	}
	entry.command = NULL;
	if (phase->lasts.ns) {
		entry.kind = TIMELINE_HOLD;
		entry.lasts_ns = phase->lasts.ns;
		add(p, &entry);
	}
	if (!phase->repeated)
		return;
	entry.kind = TIMELINE_HEAL;
	entry.lasts_ns = 0;
	add(p, &entry);
	if (!phase->pause_max.ns)
		return;
	entry.kind = TIMELINE_PAUSE;
	entry.lasts_ns = draw_pause(p, phase);
	add(p, &entry);
}

int timeline_plan(const struct scenario *s, struct timeline **ret)
{
	struct planner p = {.timeline = calloc(1, sizeof(*p.timeline)), .state = s->seed};

	if (!p.timeline)
		return -ENOMEM;
	for (size_t i = 0; i < s->phase_count; i++)
		for (unsigned n = 1; n <= s->phases[i]->repeat && !p.failed; n++)
			add_repetition(&p, s->phases[i], n);
	if (p.failed) {
		timeline_free(p.timeline);
		return -ENOMEM;
	}
	*ret = p.timeline;
	return 0;
}

void timeline_free(struct timeline *timeline)
{
	if (!timeline)
		return;
	free(timeline->list);
	free(timeline);
}

/* "     5.000  " or, where it is a lower bound, "    >5.000  " */
static void print_time(int64_t ns, bool late, FILE *out)
{
	char text[40];

	snprintf(text, sizeof(text), "%s%lld.%03lld", late ? ">" : "", (long long)(ns / 1000000000),
		 (long long)(ns / MILLISECOND % 1000));
	fprintf(out, "%10s  ", text);
}

static void write_command(const struct timeline_entry *entry, FILE *out)
{
	char time[UNIT_TEXT];

	for (const char *p = entry->command->text; *p; p++)
		fputc(*p == '\n' || *p == '\r' || *p == '\t' ? ' ' : *p, out);
	if (entry->command->phase_deadline)
		fprintf(out, " --for %s", unit_format_duration(entry->phase->lasts, time));
}

void timeline_write_entry(const struct timeline_entry *entry, FILE *out)
{
	char time[UNIT_TEXT];
	const char *duration = unit_format_duration((struct duration) {entry->lasts_ns}, time);

	switch (entry->kind) {
	case TIMELINE_COMMAND:
		write_command(entry, out);
		break;
	case TIMELINE_HOLD:
		fprintf(out, "hold for %s", duration);
		break;
	case TIMELINE_HEAL:
		fputs("heal", out);
		break;
	case TIMELINE_PAUSE:
		fprintf(out, "pause for %s", duration);
		break;
	}
}

static void print_entry(const struct timeline_entry *entry, FILE *out)
{
	char phase[96];

	if (entry->phase->repeated)
		snprintf(phase, sizeof(phase), "%s %u/%u", entry->phase->name, entry->repetition,
			 entry->phase->repeat);
	else
		snprintf(phase, sizeof(phase), "%s", entry->phase->name);
	print_time(entry->at_ns, entry->late, out);
	fprintf(out, "%-16s  ", phase);
	timeline_write_entry(entry, out);
	fputc('\n', out);
}

int timeline_print(const struct timeline *timeline, const struct scenario *s, FILE *out)
{
	fprintf(out, "scenario %s, fleet %s, seed %llu\n", s->name.s, s->topo->fleet,
		(unsigned long long)s->seed);
	if (s->varied)
		fprintf(out, "%s %s: %s\n", s->instead.key, s->instead.value, s->varied);
	for (size_t i = 0; i < timeline->count; i++)
		print_entry(&timeline->list[i], out);
	print_time(timeline->length_ns, timeline->late, out);
	fputs("end\n", out);
	return ferror(out) ? -EIO : 0;
}
