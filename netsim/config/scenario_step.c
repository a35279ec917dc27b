// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the commands of a timeline, and checks their words against the scenario. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/conditions.h"
#include "netsim/config/matrix.h"
#include "netsim/config/scenario_parts.h"
#include "netsim/util/arena.h"
#include "netsim/util/name.h"
#include "netsim/words/selector.h"

/* A command while its words are checked. */
struct step_check {
	struct bind *b;
	struct scenario *s;
	struct scenario_command *command;
	const struct doc_node *node;
};

/* The place in the file of one of the command's words, or of a part of it. */
static struct place place_of(const struct step_check *c, const char *word)
{
	return (struct place) {c->node, step_offset(&c->command->step, word)};
}

static const char *nearest_interface(const struct step_check *c, const char *word,
				     const bool *marks)
{
	const struct topo *topo = c->s->topo;
	auto_free const char **names = NULL;
	size_t count = 0;

	for (size_t n = 0; n < topo->node_count; n++)
		count += topo->nodes[n].iface_count;
	names = calloc(count + 1, sizeof(*names));
	count = 0;
	for (size_t n = 0; names && n < topo->node_count; n++)
		for (size_t i = 0; marks[n] && i < topo->nodes[n].iface_count; i++)
			names[count++] = topo->nodes[n].ifaces[i].name;
	return names ? bind_nearest(c->b, word, names, count) : NULL;
}

/* Checks NODE/INTERFACE: one of the nodes has this interface. */
static bool check_interface(const struct step_check *c, const char *target, struct place at)
{
	const char *slash = strchr(target, '/');
	auto_free char *word = strndup(target, (size_t)(slash - target));
	auto_free bool *marks = calloc(c->s->topo->node_count + 1, sizeof(*marks));
	const char *near;

	if (!word || !marks)
		return bind_oom(c->b);
	if (selector_is(word))
		return scenario_check_word(c->b, c->s, word, &at, false);
	if (!scenario_mark_nodes(c->b, c->s, word, &at, marks))
		return false;
	if (c->s->any_node)
		return true;
	for (size_t n = 0; n < c->s->topo->node_count; n++)
		for (size_t i = 0; marks[n] && i < c->s->topo->nodes[n].iface_count; i++)
			if (strcmp(c->s->topo->nodes[n].ifaces[i].name, slash + 1) == 0)
				return true;
	at.offset += (size_t)(slash + 1 - target);
	near = nearest_interface(c, slash + 1, marks);
	return scenario_refuse(c->b, &at, near ? hint_f("did you mean \"%s\"?", near) : NULL,
			       "%s has no interface \"%s\"", shown(word), shown(slash + 1));
}

/*
 * Checks the words between separators, each a name, pattern, @role, host or selector; in a group,
 * also NODE/INTERFACE.
 */
static bool check_list(const struct step_check *c, const char *words, char separator, bool host)
{
	bool good = true;

	for (const char *begin = words; begin;) {
		const char *end = strchr(begin, separator);
		auto_free char *word = end ? strndup(begin, (size_t)(end - begin)) : strdup(begin);
		const struct place at = place_of(c, begin);

		if (!word)
			return bind_oom(c->b);
		if (separator == ',' && strchr(word, '/'))
			good &= check_interface(c, word, at);
		else
			good &= *word ? scenario_check_word(c->b, c->s, word, &at, host) :
					scenario_refuse(c->b, &at, "name nodes, @ROLE or host",
							"a name is missing in \"%s\"",
							shown(words));
		begin = end ? end + 1 : NULL;
	}
	return good;
}

/*
 * Marks each node of this group, and the host after the last node. The words have been checked.
 * Returns false for a selector, whose nodes are not known yet.
 */
static bool mark_group(const struct step_check *c, const char *words, bool *marks)
{
	size_t nodes = c->s->topo->node_count;
	auto_free char *copy = strdup(words);
	char *save = NULL;

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; word;
	     word = strtok_r(NULL, ",", &save)) {
		if (selector_is(word))
			return false;
		word[strcspn(word, "/")] = '\0';
		if (strcmp(word, "host") == 0)
			marks[nodes] = true;
		else
			scenario_mark_nodes(c->b, c->s, word, &(struct place) {c->node, 0}, marks);
	}
	return copy;
}

/* Whether two nodes have no group in common, of those that have any; marks: nodes of each group */
static bool any_is_cut_off(const bool *marks, size_t groups, size_t nodes)
{
	for (size_t g = 0; g < groups; g++)
		for (size_t a = 0; a < nodes; a++)
			for (size_t b = 0; marks[g * nodes + a] && b < nodes; b++) {
				bool held = false, together = false;

				for (size_t i = 0; i < groups && !together; i++) {
					held |= marks[i * nodes + b];
					together = marks[i * nodes + a] && marks[i * nodes + b];
				}
				if (held && !together)
					return true;
			}
	return false;
}

/* The two groups of --one-way must not overlap, one group alone must leave a rest, and several must
 * cut someone off. */
static bool check_overlaps(const struct step_check *c)
{
	const struct netsim_partition_opts *cut = &c->command->step.partition;
	size_t nodes = c->s->topo->node_count, held = 0;
	auto_free bool *marks = calloc((nodes + 1) * (cut->group_count + 1), sizeof(*marks));

	if (!marks)
		return bind_oom(c->b);
	for (size_t i = 0; i < cut->group_count; i++) {
		const struct place at = place_of(c, cut->groups[i]);
		bool *group = marks + i * (nodes + 1);

		if (!mark_group(c, cut->groups[i], group))
			return true;
		for (size_t n = 0; n <= nodes; n++)
			if (cut->one_way && i > 0 && group[n] && marks[n])
				return scenario_refuse(
					c->b, &at, NULL, "partition: %s is in two groups",
					n < nodes ? c->s->topo->nodes[n].name : "host");
	}
	for (size_t n = 0; n < nodes; n++)
		held += marks[n];
	if (cut->group_count == 1 && held == nodes)
		return scenario_refuse(c->b, &(struct place) {c->node, 0}, NULL,
				       "partition: the group contains every node; there "
				       "is no rest to cut off");
	if (cut->group_count > 1 && !any_is_cut_off(marks, cut->group_count, nodes + 1))
		return scenario_refuse(c->b, &(struct place) {c->node, 0}, NULL,
				       "partition: the groups overlap so far that no node is cut "
				       "off from another");
	return true;
}

/* The bridge is one node, and not the host. */
static bool check_bridge(const struct step_check *c)
{
	const char *word = c->command->step.partition.bridge;
	size_t nodes = c->s->topo->node_count, count = 0;
	auto_free bool *marks = calloc(nodes + 1, sizeof(*marks));
	const struct place at = place_of(c, word);

	if (!marks)
		return bind_oom(c->b);
	if (selector_is(word))
		return scenario_check_word(c->b, c->s, word, &at, false);
	if (!scenario_mark_nodes(c->b, c->s, word, &at, marks))
		return false;
	for (size_t n = 0; n < nodes; n++)
		count += marks[n];
	return count == 1 ||
	       scenario_refuse(c->b, &at, NULL,
			       "partition: --bridge %s: must be one node, but names %zu",
			       shown(word), count);
}

/* Marks the nodes that a word of a matrix names, the host last. */
static int mark_members(const void *arg, const char *word, bool *marks, struct netsim_err *err)
{
	const struct scenario *s = arg;
	struct netsim_diags diags = {0};
	struct bind b = {.diags = &diags};
	const struct doc_node node = {.kind = DOC_TEXT};

	if (strcmp(word, "host") == 0) {
		marks[s->topo->node_count] = true;
		return 1;
	}
	if (scenario_mark_nodes(&b, s, word, &(struct place) {&node, 0}, marks))
		return 1;
	return err_first_mistake(&diags, err);
}

/* Reads the matrix, too: its mistakes are found before the run. */
static bool check_matrix(const struct step_check *c)
{
	const struct matrix_nodes nodes = {c->s->topo->node_count, mark_members, c->s};
	auto_matrix struct matrix *matrix = NULL;
	struct matrix_cuts cuts = {NULL, 0};
	int r;

	c->command->path = scenario_path(c->b, c->s, c->command->step.partition.matrix);
	if (!c->command->path)
		return false;
	r = matrix_load(c->command->path, &matrix, c->b->diags);
	if (r == 0)
		r = matrix_resolve(matrix, &nodes, &cuts, c->b->diags);
	free(cuts.cut);
	c->b->mistakes += r < 0;
	return r == 0;
}

static bool check_groups(const struct step_check *c)
{
	const struct netsim_partition_opts *cut = &c->command->step.partition;
	bool good = true;

	if (cut->class_name) {
		const struct place at = place_of(c, cut->class_name);

		good = scenario_check_class(c->b, cut->class_name, &at);
	}
	for (size_t i = 0; i < cut->group_count; i++)
		good &= check_list(c, cut->groups[i], ',', true);
	if (c->s->any_node)
		return good;
	if (cut->bridge)
		return check_bridge(c) && good;
	if (cut->matrix)
		return check_matrix(c) && good;
	return good && (cut->isolate || cut->ring || check_overlaps(c));
}

static const struct cable *names_cable(const struct step_check *c, const char *target)
{
	const struct topo *topo = c->s->topo;
	size_t length = strcspn(target, "/");

	for (size_t i = 0; i < topo->cable_count; i++)
		if (strlen(topo->cables[i].name) == length &&
		    memcmp(topo->cables[i].name, target, length) == 0)
			return &topo->cables[i];
	return NULL;
}

/* Checks a cable between networks, or one of its ends. */
static bool check_end(const struct step_check *c, const char *target)
{
	const struct place at = place_of(c, target);
	const struct cable *cable = names_cable(c, target);
	const char *end = strchr(target, '/');

	return !end || strcmp(end + 1, cable->ifaces[0]) == 0 ||
	       strcmp(end + 1, cable->ifaces[1]) == 0 ||
	       scenario_refuse(c->b, &at,
			       hint_f("write %s/%s or %s/%s", cable->name, cable->ifaces[0],
				      cable->name, cable->ifaces[1]),
			       "link %s has no end \"%s\"", cable->name, shown(end + 1));
}

/* Holding and classes are refused for a cable, as netsim fault does. */
static bool check_crossing(const struct step_check *c, const struct conditions *conditions)
{
	const struct netsim_fault_opts *fault = &c->command->step.fault;
	bool good = true;

	for (size_t i = 0; i < fault->target_count; i++) {
		const struct place at = place_of(c, fault->targets[i]);
		const struct cable *cable = names_cable(c, fault->targets[i]);

		if (cable && (fault->class_name || cond_has(conditions, COND_HOLD)))
			good = scenario_refuse(c->b, &at, "name nodes, or the cable alone",
					       "fault: %s is a cable between networks, which "
					       "cannot hold packets, and has no classes",
					       cable->name);
	}
	return good;
}

/* Checks a node, an interface of one, a cable between networks, or a pair. */
static bool check_target(const struct step_check *c, const char *target, bool pairs)
{
	const struct place at = place_of(c, target);

	if (strchr(target, ':') && pairs)
		return check_list(c, target, ':', true);
	if (names_cable(c, target))
		return check_end(c, target);
	if (strchr(target, '/'))
		return check_interface(c, target, at);
	return scenario_check_word(c->b, c->s, target, &at, false);
}

static bool check_targets(const struct step_check *c, const char *const *targets, size_t count,
			  bool pairs)
{
	bool good = true;

	for (size_t i = 0; i < count; i++)
		good &= check_target(c, targets[i], pairs);
	return good;
}

static bool check_fault(const struct step_check *c)
{
	const struct netsim_fault_opts *fault = &c->command->step.fault;
	struct place at = place_of(c, fault->conditions);
	struct netsim_err err = {0};
	struct conditions conditions;
	bool good = true;

	if (conditions_parse(fault->conditions, &conditions, &err) < 0)
		good = scenario_refuse(c->b, &at, *err.hint ? err.hint : NULL, "fault: %s",
				       err.what);
	at = fault->class_name ? place_of(c, fault->class_name) : at;
	if (fault->class_name)
		good &= scenario_check_class(c->b, fault->class_name, &at);
	good = good && check_crossing(c, &conditions);
	return check_targets(c, fault->targets, fault->target_count, true) && good;
}

/* Reads the profile, too: its mistakes are found before the run. */
static bool check_apply(const struct step_check *c)
{
	const struct netsim_apply_words *apply = &c->command->step.apply;
	const struct place at = place_of(c, apply->profile);
	const struct text name = {apply->profile, doc_within(at.node, at.offset)};
	const char *path = scenario_find(c->b, c->s, "profiles", &name);
	struct profile *profile;
	bool good;

	if (!path)
		return false;
	if (profile_load(path, &profile, c->b->diags) < 0) {
		c->b->mistakes++;
		return false;
	}
	good = scenario_warn_names(c->b, c->s, profile);
	profile_free(profile);
	c->command->path = path;
	return check_targets(c, apply->opts.targets, apply->opts.target_count, false) && good;
}

/* Finds an earlier command that gave a fault this name. */
static bool is_fault_name(const struct scenario *s, const char *name)
{
	for (size_t p = 0; p < s->phase_count; p++)
		for (size_t i = 0; i < s->phases[p]->command_count; i++) {
			const char *given = step_fault_name(&s->phases[p]->commands[i]->step);

			if (given && strcmp(given, name) == 0)
				return true;
		}
	return false;
}

static bool check_heal(const struct step_check *c)
{
	const struct netsim_heal_opts *heal = &c->command->step.heal.opts;
	bool good = true;

	for (size_t i = 0; i < heal->fault_count; i++) {
		const struct place at = place_of(c, heal->faults[i]);

		if (!is_fault_name(c->s, heal->faults[i]))
			good = scenario_refuse(c->b, &at, "give it one with --name",
					       "heal: no earlier fault is named \"%s\"",
					       shown(heal->faults[i]));
	}
	return good;
}

static bool check_exec(const struct step_check *c)
{
	const struct netsim_exec_words *exec = &c->command->step.exec;
	const struct place at = place_of(c, exec->node);

	return scenario_check_word(c->b, c->s, exec->node, &at, false);
}

static bool is_member(const struct workload *w, const bool *marks)
{
	for (size_t i = 0; i < w->nodes.count; i++)
		if (marks[w->nodes.list[i]])
			return true;
	return false;
}

static bool check_workload(const struct step_check *c)
{
	const struct step_workload *words = &c->command->step.workload;
	auto_free bool *marks = calloc(c->s->topo->node_count + 1, sizeof(*marks));
	struct place at;
	const struct workload *w;

	if (!words->name)
		return true;
	if (!marks)
		return bind_oom(c->b);
	at = place_of(c, words->name);
	w = scenario_need_workload(c->b, c->s, words->name, &at);
	if (!w)
		return false;
	if (workload_is_ledger(w))
		return scenario_refuse(c->b, &at, NULL, "%s: \"%s\" is a ledger, not a program",
				       step_words[c->command->step.verb], w->name);
	if (!words->node)
		return true;
	at = place_of(c, words->node);
	if (selector_is(words->node))
		return scenario_check_word(c->b, c->s, words->node, &at, false);
	if (!scenario_mark_nodes(c->b, c->s, words->node, &at, marks))
		return false;
	return c->s->any_node || is_member(w, marks) ||
	       scenario_refuse(c->b, &at, NULL, "\"%s\" does not run on %s", w->name,
			       shown(words->node));
}

static bool check_fault_name(const struct step_check *c)
{
	const char *name = step_fault_name(&c->command->step);
	struct place at;

	if (!name || name_is_fault(name))
		return true;
	at = place_of(c, name);
	return scenario_refuse(c->b, &at, NAME_FAULT_HINT, "\"%s\" is not a valid name for a fault",
			       shown(name));
}

static bool check_step(const struct step_check *c)
{
	const struct step *step = &c->command->step;

	if (!check_fault_name(c))
		return false;
	switch (step->verb) {
	case STEP_PARTITION:
		return check_groups(c);
	case STEP_FAULT:
		return check_fault(c);
	case STEP_LINK:
		return check_targets(c, step->link.opts.targets, step->link.opts.target_count,
				     false);
	case STEP_APPLY:
		return check_apply(c);
	case STEP_CLEAR:
		return check_targets(c, step->apply.opts.targets, step->apply.opts.target_count,
				     false);
	case STEP_HEAL:
		return check_heal(c);
	case STEP_EXEC:
		return check_exec(c);
	case STEP_PAUSE:
	case STEP_CONTINUE:
	case STEP_KILL:
	case STEP_START:
		return check_workload(c);
	case STEP_UP:
	case STEP_COUNT:
		break;
	}
	return true;
}

bool scenario_read_command(struct bind *b, struct scenario *s, const struct doc_node *node,
			   struct scenario_command *ret)
{
	struct step_check c = {b, s, ret, node};
	struct place at = {node, 0};
	struct netsim_err err = {0};

	ret->text = bind_string(b, "a command", node);
	ret->at = node->at;
	if (!ret->text)
		return false;
	if (step_parse(ret->text, &ret->step, &at.offset, &err) == 0)
		return check_step(&c);
	ret->text = NULL;
	return scenario_refuse(b, &at, *err.hint ? err.hint : NULL, "%s", err.what);
}
