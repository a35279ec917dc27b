// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads `timeline:`: phases with their commands, duration, repetitions and sentences. */
#include <stdlib.h>
#include <string.h>

#include "netsim/config/scenario_parts.h"
#include "netsim/util/arena.h"
#include "netsim/util/name.h"

#define PHASES_MAX  1000
#define ENTRIES_MAX 1000000 /* of the plan, so that a small file cannot exhaust memory */

/* "9, 3s..6s apart" */
static bool parse_apart(const char *text, struct phase *phase)
{
	auto_free char *copy = strdup(text);
	char *end = copy ? strstr(copy, " apart") : NULL, *dots, *first = copy, *second;

	if (!end || end[strlen(" apart")])
		return false;
	*end = '\0';
	dots = strstr(copy, "..");
	second = dots ? dots + 2 : first;
	if (dots)
		*dots = '\0';
	return unit_parse_duration(first, &phase->pause_min, NULL) == 0 &&
	       unit_parse_duration(second, &phase->pause_max, NULL) == 0;
}

static bool bind_repeat(struct bind *b, const struct field *field, const struct doc_node *node,
			void *ret)
{
	const char *text = bind_string(b, field->name, node), *comma;
	struct phase *phase = ret;
	struct netsim_loc at = node->at;
	char number[16];
	uint64_t count;
	int length;

	if (!text)
		return false;
	comma = strchr(text, ',');
	length = comma ? (int)(comma - text) : (int)strlen(text);
	snprintf(number, sizeof(number), "%.*s", length, text);
	if (length >= (int)sizeof(number) ||
	    unit_parse_count(number, 1, SCENARIO_REPEAT_MAX, &count) < 0)
		return bind_refuse(b, &at, "write \"9\", or \"9, 3s..6s apart\"",
				   "%s: \"%s\" is not a whole number from 1 to %d", field->name,
				   shown(number), SCENARIO_REPEAT_MAX);
	phase->repeated = true;
	phase->repeat = (unsigned)count;
	if (!comma)
		return true;
	comma += 1 + strspn(comma + 1, " ");
	at = doc_within(node, (size_t)(comma - text));
	if (!parse_apart(comma, phase))
		return bind_refuse(b, &at, "write \"3s apart\", or \"3s..6s apart\"",
				   "%s: \"%s\" is not a pause", field->name, shown(comma));
	return phase->pause_min.ns <= phase->pause_max.ns ||
	       bind_refuse(b, &at, "write the shorter pause first", "%s: the range is empty",
			   field->name);
}

static bool bind_sentence(struct bind *b, const struct field *field, const struct doc_node *node,
			  void *ret)
{
	struct phase *phase = ret;
	struct scenario_expectation *x = arena_push(b->context, phase->expect, phase->expect_count);

	(void)field;
	return x ? scenario_read_expectation(b, b->context, node, x) : bind_oom(b);
}

static bool bind_expect(struct bind *b, const struct field *field, const struct doc_node *node,
			void *ret)
{
	return bind_each(b, field, node, bind_sentence, ret);
}

static const struct field phase_rows[] = {
	{FIELD(struct phase, lasts, "for", bind_duration), .nonzero = true, .unit = "s"},
	{.name = "repeat", .bind = bind_repeat},
	{.name = "expect", .bind = bind_expect},
	{0},
};

/* The mapping after the name of a phase that only waits. */
static const struct field wait_rows[] = {
	{FIELD(struct phase, lasts, "for", bind_duration), .required = true, .nonzero = true,
	 .unit = "s"},
	{0},
};

static bool bind_command(struct bind *b, const struct field *field, const struct doc_node *node,
			 void *ret)
{
	struct phase *phase = ret;
	struct scenario_command *command =
		arena_push(b->context, phase->commands, phase->command_count);

	(void)field;
	return command ? scenario_read_command(b, b->context, node, command) : bind_oom(b);
}

/* Reads the value of the key that is the phase's name. */
static bool read_commands(struct bind *b, const struct doc_entry *entry, struct phase *phase)
{
	const struct field field = {.name = phase->name};
	const struct scope scope = {.what = "a phase that waits", .at = &entry->at};

	if (doc_is_null(entry->value))
		return true;
	if (entry->value->kind == DOC_MAP)
		return bind_map(b, wait_rows, entry->value, &scope, phase);
	return bind_each(b, &field, entry->value, bind_command, phase);
}

static bool is_key(const char *name)
{
	for (const struct field *row = phase_rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return true;
	return false;
}

static bool check_phase_name(struct bind *b, const struct scenario *s,
			     const struct doc_entry *entry)
{
	if (is_key(entry->key))
		return bind_refuse(b, &entry->at, "write \"- NAME: COMMAND\" first",
				   "a phase begins with its name, not with \"%s\"", entry->key);
	if (!name_is_plain(entry->key, SCENARIO_NAME_MAX))
		return bind_refuse(b, &entry->at,
				   "letters, digits, '.', '-' and '_', first a letter or digit",
				   "\"%s\" is not valid as the name of a phase", shown(entry->key));
	if (strcmp(entry->key, "run") == 0)
		return bind_refuse(b, &entry->at, "choose another name",
				   "\"run\" stands for what is expected of every run");
	for (size_t i = 0; i < s->phase_count; i++)
		if (strcmp(s->phases[i]->name, entry->key) == 0)
			return bind_refuse(b, &entry->at, "choose another name",
					   "there is a phase \"%s\" already, in line %u",
					   entry->key, s->phases[i]->at.line);
	return true;
}

/* A fault without --for ends with its phase; the kernel enforces the deadline. */
static void set_deadlines(struct phase *phase)
{
	for (size_t i = 0; i < phase->command_count; i++) {
		struct scenario_command *command = phase->commands[i];

		if (!command->text || !step_is_fault(&command->step) || *step_for(&command->step))
			continue;
		*step_for(&command->step) = phase->lasts.ns;
		command->phase_deadline = phase->lasts.ns;
	}
}

/* Each repetition is healed: without a duration or a program to wait for, no fault lasts. */
static bool ends_at_once(const struct phase *phase)
{
	bool fault = false;

	if (phase->lasts.ns)
		return false;
	for (size_t i = 0; i < phase->command_count; i++) {
		const struct step *step = &phase->commands[i]->step;

		if (step_takes_time(step))
			return false;
		fault |= step_is_fault(step);
	}
	return fault;
}

static bool check_phase(struct bind *b, const struct doc_node *node, const struct phase *phase)
{
	if (!phase->command_count && !phase->lasts.ns)
		return bind_refuse(b, &node->at, "give it a command, or \"for\"",
				   "the phase \"%s\" does nothing", phase->name);
	if (phase->repeated && ends_at_once(phase))
		return bind_refuse(b, &node->at, "give the phase \"for\"",
				   "the fault of \"%s\" is healed at once", phase->name);
	return true;
}

static bool read_phase(struct bind *b, struct scenario *s, const struct doc_node *node)
{
	struct doc_node rest = {.kind = DOC_MAP, .at = node->at};
	const struct scope scope = {.what = "a phase", .at = &node->at};
	struct phase *phase;
	bool good;

	if (node->kind != DOC_MAP || !node->count)
		return bind_refuse(b, &node->at, "write \"- NAME: COMMAND\"",
				   "a phase must be a mapping, not %s", doc_kind_name(node));
	if (!bind_spend(b, &node->at) || !check_phase_name(b, s, &node->entries[0]))
		return false;
	if (s->phase_count == PHASES_MAX)
		return bind_refuse(b, &node->at, NULL, "more than %d phases", PHASES_MAX);
	phase = arena_push(b->context, s->phases, s->phase_count);
	if (!phase)
		return bind_oom(b);
	phase->name = node->entries[0].key;
	phase->at = node->entries[0].at;
	phase->repeat = 1;
	good = read_commands(b, &node->entries[0], phase);
	rest.entries = node->entries + 1;
	rest.count = node->count - 1;
	if (phase->lasts.ns && doc_find(&rest, "for"))
		return bind_refuse(b, &doc_find(&rest, "for")->at, "remove one of them",
				   "\"for\" is given twice");
	good &= bind_map(b, phase_rows, &rest, &scope, phase);
	if (good)
		good = check_phase(b, node, phase);
	set_deadlines(phase);
	return good;
}

bool scenario_read_timeline(struct bind *b, struct scenario *s, const struct doc_node *list)
{
	size_t entries = 0;
	bool good = true;

	if (list->kind != DOC_LIST || !list->count)
		return bind_refuse(b, &list->at, "write \"- NAME: COMMAND\" for each phase",
				   "timeline: must be a list, not %s", doc_kind_name(list));
	for (size_t i = 0; i < list->count; i++)
		good &= read_phase(b, s, list->items[i]);
	for (size_t i = 0; i < s->phase_count; i++)
		entries += (s->phases[i]->command_count + 3) * s->phases[i]->repeat;
	if (entries > ENTRIES_MAX)
		good = bind_refuse(b, &list->at, "repeat less often",
				   "the timeline has more than %d commands", ENTRIES_MAX);
	return good;
}

static bool bind_abort(struct bind *b, const struct field *field, const struct doc_node *node,
		       void *ret)
{
	struct scenario *s = ret;
	struct scenario_expectation *x = arena_push(s, s->aborts, s->abort_count);

	(void)field;
	if (!x)
		return bind_oom(b);
	if (!scenario_read_expectation(b, s, node, x))
		return false;
	return !expectation_needs_end(x->e.quantity) ||
	       bind_refuse(b, &node->at, "write an outage, for example: \"api outage > 8s\"",
			   "abort: \"%s\" is known only at the end of a phase or of the run",
			   expectation_word(x->e.quantity));
}

bool scenario_read_abort(struct bind *b, struct scenario *s, const struct doc_node *node)
{
	const struct field field = {.name = "abort"};

	return bind_each(b, &field, node, bind_abort, s);
}
