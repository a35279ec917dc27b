/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses options from tables: getopt_long(3) without its global state. Pure: it keeps
 * pointers into the words that it was given.
 */
#ifndef NETSIM_WORDS_OPTIONS_H
#define NETSIM_WORDS_OPTIONS_H

#include "netsim/netsim.h"

/*
 * As netsim_parse_options(). On an error, *bad (may be NULL) is the word that is wrong, or
 * the place in it.
 */
int options_parse(const struct netsim_opt_table *tables, size_t table_count, bool raw, char **words,
		  const char **bad, struct netsim_err *err);

/* As netsim_parse_arguments(), with bad as above; NULL where an argument is missing. */
int options_take(const struct netsim_syntax *syntax, char **words, void *opts, const char **bad,
		 struct netsim_err *err);

/* Fills err (kind USAGE); returns -EINVAL. */
#define options_refuse(err, ...) err_set((err), NETSIM_ERR_USAGE, -EINVAL, NULL, __VA_ARGS__)

#endif
