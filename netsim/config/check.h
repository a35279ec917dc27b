/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `netsim check`: checks any file that netsim reads; its name and keys give its kind. */
#ifndef NETSIM_CHECK_H
#define NETSIM_CHECK_H

#include <stdio.h>

#include "netsim/util/err.h"

/*
 * Reads a topology, profile, class file, scenario, recipe or trace, and prints it to out
 * unless out is NULL.
 * Returns 0, -EINVAL with diags filled, or -EIO if writing fails. On success diags may
 * hold warnings.
 */
int check_file(const char *path, FILE *out, struct netsim_diags *diags);

#endif
