/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words for values, in files and on command lines: tables that end with NULL,
 * in which a word's index is the value of its enum.
 */
#ifndef NETSIM_WORDS_H
#define NETSIM_WORDS_H

extern const char *const words_distribution[]; /* enum distribution; DIST_FILE has none */
extern const char *const words_engine[];       /* enum engine */

/* The value of a word, or -1 where the table does not have it. */
int words_find(const char *const *words, const char *text);

#endif
