/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `netsim check`: checks any file that netsim reads; its name and keys give its kind. */
#ifndef NETSIM_CHECK_H
#define NETSIM_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "netsim/util/err.h"

/*
 * Reads a topology, profile, class file, scenario, recipe, trace or matrix, and prints it to out
 * unless out is NULL.
 * Returns 0, -EINVAL with diags filled, or -EIO if writing fails. On success diags may
 * hold warnings. *ret_kind, unless ret_kind is NULL, is "topology", "profile", "classes",
 * "scenario", "recipe", "trace" or "matrix", also of a file with mistakes, and NULL if that is
 * unknown.
 */
int check_file(const char *path, FILE *out, const char **ret_kind, struct netsim_diags *diags);

/*
 * Converts what check_file() has printed, and changes text. A trace becomes an object with the
 * list rows and the time end. Returns 0, -EINVAL if the text is no YAML, or -EIO.
 */
int check_to_json(const char *path, bool is_trace, char *text, FILE *out);

#endif
