/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delay distributions as netem takes them: an inverse cumulative distribution
 * of mean 0 and standard deviation 1 (but see dist_fill()), scaled by 8192.
 */
#ifndef NETSIM_DIST_H
#define NETSIM_DIST_H

#include <stddef.h>
#include <stdint.h>

#include "netsim/config/conditions.h"

#define DIST_ENTRIES 4096  /* of the tables made here */
#define DIST_MAX     16384 /* the kernel's bound */

/*
 * Fills table for normal, pareto (shape 3) and paretonormal (a quarter normal,
 * three quarters pareto). The uniform one spreads evenly from -1 to 1, as netem
 * does where it has no table.
 */
void dist_fill(enum distribution kind, int16_t table[static DIST_ENTRIES]);

/* The tables that were needed so far, each computed once; freed by dist_tables_done(). */
struct dist_tables {
	int16_t *of[DIST_FILE];
};
void dist_tables_done(struct dist_tables *tables);

/* The table of a distribution but DIST_FILE, with DIST_ENTRIES; NULL when memory ran out. */
const int16_t *dist_table(struct dist_tables *tables, enum distribution kind);

/*
 * Reads a .dist file (lines of integers, # comments). The array is the caller's.
 * Returns 0, -errno of reading, -EINVAL for what is not such a file or -E2BIG.
 */
int dist_read(const char *path, int16_t **ret, size_t *ret_len);

#endif
