/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Splits a text into words as a shell does, without any expansion. Pure. */
#ifndef NETSIM_WORDS_SPLIT_H
#define NETSIM_WORDS_SPLIT_H

#include <stddef.h>

#include "netsim/util/auto.h"

/*
 * The words of a text. Parsing may shorten and reorder list; words stays as it was.
 */
struct split {
	char **list;  /* of count words, then NULL */
	char **words; /* the same */
	size_t count;
	char *block;	 /* the words' bytes */
	size_t *origins; /* the offset in the text of each of them */
	size_t used;
};

/*
 * Splits at blanks. '...' keeps everything, "..." everything but \" and \\, and \x outside
 * of quotes is x. Returns 0; -EINVAL for a quote without an end or a backslash at the end,
 * with its offset in *bad; or -ENOMEM. split_done() frees *ret.
 */
int split_words(const char *text, struct split *ret, size_t *bad);
void split_done(struct split *split);
#define auto_split autofn(split_done)

/* The offset in the text of a word, or of a place in it; 0 for any other pointer. */
size_t split_offset(const struct split *split, const char *place);

#endif
