/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads scenarios and makes their plans. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/api/run_parts.h"
#include "netsim/config/scenario.h"
#include "netsim/config/timeline.h"
#include "netsim/util/arena.h"
#include "netsim/util/auto.h"

int run_load(const char *path, const struct netsim_run_opts *o, struct scenario **ret,
	     struct timeline **ret_plan, struct netsim_diags *diags)
{
	auto_free char *instead = o->instead ? strdup(o->instead) : NULL;
	char *value = instead ? strchr(instead, ' ') : NULL;
	struct scenario_instead change = {.profile = o->profile};
	int r;

	if (value) {
		*value = '\0';
		change.key = instead;
		change.value = value + 1;
	}
	r = scenario_load(path, &change, ret, diags);
	if (r < 0)
		return r;
	if (o->seeded)
		(*ret)->seed = o->seed;
	return timeline_plan(*ret, ret_plan);
}

/* Collects what is written into a text of the plan. */
struct written {
	char *data;
	size_t size;
	FILE *out;
};

static FILE *open_text(struct written *text)
{
	*text = (struct written) {NULL, 0, NULL};
	text->out = open_memstream(&text->data, &text->size);
	return text->out;
}

static const char *close_text(struct written *text, struct netsim_run_plan *plan)
{
	bool good = text->out && fclose(text->out) == 0;
	const char *copy = good ? arena_strdup(plan, text->data) : NULL;

	free(text->data);
	return copy;
}

static int add_step(struct netsim_run_plan *plan, const struct timeline_entry *entry)
{
	struct netsim_plan_step *step = arena_push(plan, plan->steps, plan->step_count);
	struct written text;

	if (!step)
		return -ENOMEM;
	step->at_ns = entry->at_ns;
	step->at_least = entry->late;
	step->phase = arena_strdup(plan, entry->phase->name);
	if (entry->phase->repeated) {
		step->repetition = entry->repetition;
		step->repetitions = entry->phase->repeat;
	}
	if (open_text(&text))
		timeline_write_entry(entry, text.out);
	step->text = close_text(&text, plan);
	return step->phase && step->text ? 0 : -ENOMEM;
}

static int fill(struct netsim_run_plan *plan, const struct scenario *s,
		const struct timeline *timeline)
{
	struct written text;
	int r = 0;

	plan->scenario = arena_strdup(plan, s->name.s);
	plan->fleet = arena_strdup(plan, s->topo->fleet);
	plan->seed = s->seed;
	plan->length_ns = timeline->length_ns;
	plan->at_least = timeline->late;
	for (size_t i = 0; r == 0 && i < timeline->count; i++)
		r = add_step(plan, &timeline->list[i]);
	if (open_text(&text))
		timeline_print(timeline, s, text.out);
	plan->text = close_text(&text, plan);
	return plan->scenario && plan->fleet && plan->text ? r : -ENOMEM;
}

int netsim_run_plan(const char *path, const struct netsim_run_opts *opts,
		    struct netsim_run_plan **ret, struct netsim_diags *diags,
		    struct netsim_err *err)
{
	struct netsim_run_plan *plan = arena_new(sizeof(*plan));
	struct netsim_run_opts o;
	struct timeline *timeline = NULL;
	struct scenario *s = NULL;
	int r = plan ? opts_read(&o, sizeof(o), opts, err) : -ENOMEM;

	if (r == 0)
		r = run_load(path, &o, &s, &timeline, diags);
	if (r == 0)
		r = fill(plan, s, timeline);
	if (r == -ENOMEM)
		err_oom(err);
	timeline_free(timeline);
	scenario_free(s);
	if (r < 0)
		arena_free(plan);
	else
		*ret = plan;
	return r;
}

void netsim_run_plan_free(struct netsim_run_plan *plan)
{
	arena_free(plan);
}
