/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selectors such as leader(etcd) in the arguments of partition, fault and link. */
#ifndef NETSIM_CLI_SELECT_H
#define NETSIM_CLI_SELECT_H

#include "cmd.h"
#include "out.h"

/* The option, which fills a struct netsim_opt_words. */
#define SELECT_OPT(type, member)                                                   \
	{                                                                          \
		0, "members", NETSIM_OPT_TEXTS, offsetof(type, member), "CLUSTER", \
			"NAME=NODES[:HOW], for selectors such as leader(NAME)"     \
	}

/* Where the words of a command are, and whether they are targets (groups otherwise). */
struct select_words {
	const char *const **list;
	size_t *count;
	bool targets;
};

/*
 * Resolves the selectors in words, if there are any, and prints "leader(etcd) is s2". The words
 * then belong to *ret, which the caller frees; it may stay NULL if there was no selector.
 */
int select_nodes(struct netsim *ctx, const struct common *common,
		 const struct netsim_opt_words *clusters, const struct select_words *words,
		 struct netsim_select **ret, struct netsim_err *err);

/* For the member "selected": what the words stood for; NULL: all of them were names. */
json_t *json_selected(const struct netsim_select *const *list, size_t count);

#endif
