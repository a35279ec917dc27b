/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resolves selectors such as leader(etcd) in the groups and targets of commands. */
#ifndef NETSIM_API_SELECTION_H
#define NETSIM_API_SELECTION_H

#include "netsim/util/auto.h"
#include "netsim/util/err.h"
#include "netsim/words/selector.h"

struct words {
	char **list;
	size_t count;
};
void words_done(struct words *words);
#define auto_words autofn(words_done)

/*
 * Where selectors are resolved: resolve() returns "s1,s2", which the caller frees. look() is told
 * of each other word, and returns how many nodes it names; it may be NULL.
 */
struct selection_source {
	int (*resolve)(void *arg, const struct selector *selector, const char *word, char **ret,
		       struct netsim_err *err);
	int (*look)(void *arg, const char *word);
	void *arg;
};

/* Replaces selectors in words, "a,leader(etcd)"; the caller frees *ret. */
int selection_resolve(const struct selection_source *source, const char *words, char **ret,
		      struct netsim_err *err);
/* The same for each of several groups. */
int selection_groups(const struct selection_source *source, const char *const *groups, size_t count,
		     struct words *ret, struct netsim_err *err);
/* The same for targets (NODE, NODE/INTERFACE, A:B): each becomes one per node or pair. */
int selection_targets(const struct selection_source *source, const char *const *targets,
		      size_t count, struct words *ret, struct netsim_err *err);

#endif
