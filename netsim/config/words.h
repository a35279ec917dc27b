/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words for enum values, in files and on command lines. A word's index in its table is
 * the value; NULL ends a table.
 */
#ifndef NETSIM_WORDS_H
#define NETSIM_WORDS_H

extern const char *const words_distribution[]; /* enum distribution; DIST_FILE has none */
extern const char *const words_engine[];       /* enum engine */

/* Returns the value of a word, or -1 if it is not in the table. */
int words_find(const char *const *words, const char *text);

#endif
