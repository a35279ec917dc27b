/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delay distributions in netem's format: an inverse cumulative distribution function
 * with mean 0 and standard deviation 1 (but see dist_fill()), scaled by 8192.
 */
#ifndef NETSIM_DIST_H
#define NETSIM_DIST_H

#include <stddef.h>
#include <stdint.h>

#include "netsim/config/conditions.h"

#define DIST_ENTRIES 4096  /* length of the built-in tables */
#define DIST_MAX     16384 /* the kernel's limit */

/*
 * Computes the table of a built-in distribution: normal, pareto (shape 3),
 * paretonormal (a quarter normal, three quarters pareto) or uniform (from -1 to 1, as
 * netem does without a table).
 */
void dist_fill(enum distribution kind, int16_t table[static DIST_ENTRIES]);

/* Cache of built-in tables, each computed on first use; freed by dist_tables_done(). */
struct dist_tables {
	int16_t *of[DIST_FILE];
};
void dist_tables_done(struct dist_tables *tables);

/*
 * Returns the table of a built-in distribution (not DIST_FILE), DIST_ENTRIES long and
 * owned by tables; NULL if out of memory.
 */
const int16_t *dist_table(struct dist_tables *tables, enum distribution kind);

/*
 * Reads a .dist file (lines of integers, # comments). The caller frees *ret. Returns 0,
 * the negative errno of a failed read, -EINVAL for a malformed file, or -E2BIG.
 */
int dist_read(const char *path, int16_t **ret, size_t *ret_len);

#endif
