/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Public structs of options, which begin with their size. */
#ifndef NETSIM_UTIL_OPTS_H
#define NETSIM_UTIL_OPTS_H

#include <stddef.h>

#include "netsim/netsim.h"

/*
 * Copies the caller's options into *ret, where members that an older program does not know
 * are zero; NULL gives the defaults. -E2BIG if a newer program sets members that this library
 * does not know, -EINVAL if size is missing.
 */
int opts_read(void *ret, size_t size, const void *opts, struct netsim_err *err);

#endif
