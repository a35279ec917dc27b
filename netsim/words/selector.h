/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Selectors such as leader(etcd): the nodes of a workload by their role in it. They can stand
 * wherever nodes are named, and are resolved when a step or command begins. Pure.
 */
#ifndef NETSIM_WORDS_SELECTOR_H
#define NETSIM_WORDS_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

enum selector_kind {
	SELECTOR_LEADER,    /* one node */
	SELECTOR_FOLLOWERS, /* all others */
	SELECTOR_MEMBERS,   /* all */
	SELECTOR_MAJORITY,  /* the smallest majority without the leader, where that is possible */
	SELECTOR_MINORITY,  /* the largest minority that holds the leader */
	SELECTOR_COUNT,
};

extern const char *const selector_words[SELECTOR_COUNT + 1];

#define SELECTOR_NAME 64
struct selector {
	enum selector_kind kind;
	char workload[SELECTOR_NAME];
};

/* True if the text is meant as a selector: it contains "(", which names and patterns do not. */
bool selector_is(const char *text);

/*
 * Parses "leader(etcd)". Returns 0, or -EINVAL with the offset of the wrong word in *bad
 * and the reason in *why: a static sentence.
 */
int selector_parse(const char *text, struct selector *ret, size_t *bad, const char **why);

/*
 * Whether a selector takes one of count members; nth: its number among the followers, from 0.
 */
bool selector_takes(enum selector_kind kind, size_t count, bool is_leader, size_t nth);

#endif
