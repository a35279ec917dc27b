// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the sentences of `expect:` and `abort:`, and finds their subjects. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/scenario_parts.h"

/* The kinds of quantities that a workload has. */
static unsigned kinds_of(const struct workload *w)
{
	if (w->kind == WORKLOAD_LEDGER)
		return EXPECT_LEDGER;
	if (w->kind == WORKLOAD_BLOCKS)
		return EXPECT_BLOCKS;
	return (scenario_has_members(w) ? EXPECT_STORE : 0) |
	       (w->recipe && w->recipe->metrics.s ? EXPECT_METRICS : 0);
}

static bool refuse_name(struct bind *b, const struct scenario *s, const char *name,
			const struct place *at)
{
	auto_free const char **names =
		calloc(s->probe_count + s->workload_count + 1, sizeof(*names));
	const char *near = NULL;
	size_t count = 0;

	for (size_t i = 0; names && i < s->probe_count; i++)
		if (!s->probes[i]->of_pair)
			names[count++] = s->probes[i]->name;
	for (size_t i = 0; names && i < s->workload_count; i++)
		names[count++] = s->workloads[i]->name;
	if (names)
		near = bind_nearest(b, name, names, count);
	return scenario_refuse(b, at,
			       near ? hint_f("did you mean \"%s\"?", near) :
				      "a sentence begins with a probe, a workload, or with loss, "
				      "rtt or packets and a pair",
			       "there is no probe or workload \"%s\"", shown(name));
}

/* Finds the subject, which must have this quantity. */
static bool find_subject(struct bind *b, const struct scenario *s, const struct doc_node *node,
			 struct scenario_expectation *x)
{
	const struct place name = {node, x->e.name_at}, quantity = {node, x->e.quantity_at};
	unsigned kinds = EXPECT_PROBE;
	char words[128];

	x->probe = scenario_probe(s, x->e.name);
	x->workload = scenario_workload(s, x->e.name);
	if (!x->probe && !x->workload)
		return refuse_name(b, s, x->e.name, &name);
	if (!x->probe)
		kinds = kinds_of(x->workload);
	if (kinds & expectation_subjects(x->e.quantity))
		return true;
	if (!kinds)
		return scenario_refuse(b, &name,
				       "its recipe needs store: etcd, or members or metrics",
				       "nothing can be expected of the workload \"%s\"", x->e.name);
	return scenario_refuse(b, &quantity,
			       hint_f("it has %s", expectation_words(kinds, words, sizeof(words))),
			       "the %s \"%s\" has no quantity \"%s\"",
			       x->probe		      ? "probe" :
			       kinds == EXPECT_LEDGER ? "ledger" :
			       kinds == EXPECT_BLOCKS ? "block ledger" :
							"workload",
			       x->e.name, expectation_word(x->e.quantity));
}

/* Finds one end of a pair: *ret is NULL for the host. */
static bool find_end(struct bind *b, const struct scenario *s, const char *word,
		     const struct place *at, const struct node **ret)
{
	*ret = NULL;
	if (strcmp(word, "host") == 0)
		return true;
	for (size_t i = 0; i < s->topo->node_count; i++)
		if (strcmp(word, s->topo->nodes[i].name) == 0) {
			*ret = &s->topo->nodes[i];
			return true;
		}
	if (s->any_node)
		return true;
	return scenario_check_word(b, s, word, at, false) &&
	       scenario_refuse(b, at, "write A:B, two names of nodes",
			       "\"%s\" may be several nodes; a sentence is about one pair",
			       shown(word));
}

static bool check_pair(struct bind *b, struct scenario *s, const struct doc_node *node,
		       struct scenario_expectation *x)
{
	const struct place from = {node, x->e.from_at}, to = {node, x->e.to_at},
			   class = {node, x->e.class_at};
	const struct node *ends[2];
	bool good = find_end(b, s, x->e.from, &from, &ends[0]);

	good &= find_end(b, s, x->e.to, &to, &ends[1]);
	if (x->e.class_name)
		good &= scenario_check_class(b, x->e.class_name, &class);
	if (!good || s->any_node || x->e.quantity != EXPECT_RTT)
		return good;
	x->probe = scenario_pair_probe(b, s, &x->e, ends, (const struct place[2]) {from, to});
	return x->probe != NULL;
}

bool scenario_read_expectation(struct bind *b, struct scenario *s, const struct doc_node *node,
			       struct scenario_expectation *ret)
{
	const char *text = bind_string(b, "a sentence", node);
	struct place at = {node, 0};
	struct netsim_err err = {0};

	if (!text)
		return false;
	ret->at = node->at;
	if (expectation_parse(text, &ret->e, &at.offset, &err) < 0)
		return scenario_refuse(b, &at, *err.hint ? err.hint : NULL, "%s", err.what);
	return ret->e.name ? find_subject(b, s, node, ret) : check_pair(b, s, node, ret);
}
