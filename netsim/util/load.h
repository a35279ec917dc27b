/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared libraries that are loaded when they are first needed: with the libraries that they
 * need in turn, they take longer to load than most commands take to run.
 */
#ifndef NETSIM_LOAD_H
#define NETSIM_LOAD_H

#include <stddef.h>

#include "netsim/util/err.h"

struct load_symbol {
	const char *name;
	void *pointer; /* to the pointer to the function */
};

/*
 * Loads a library for the rest of the process, by its soname, and fills the pointers of all
 * symbols. Later calls return at once. Thread-safe. Returns 0 or -ELIBACC with err filled.
 */
int load_library(const char *soname, const struct load_symbol *symbols, size_t count,
		 struct netsim_err *err);

#endif
