/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `netsim check`: any file that netsim reads, told apart by its name and keys. */
#ifndef NETSIM_CHECK_H
#define NETSIM_CHECK_H

#include <stdio.h>

#include "netsim/util/err.h"

/*
 * Reads a topology, profile, class file or trace and prints it back to out (NULL: does not).
 * Returns 0, -EINVAL with diags (which may hold warnings on success, too), or
 * -EIO where out cannot be written.
 */
int check_file(const char *path, FILE *out, struct netsim_diags *diags);

#endif
