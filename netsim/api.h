/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the public interface share. */
#ifndef NETSIM_API_H
#define NETSIM_API_H

#include "netsim/err.h"
#include "netsim/profile.h"
#include "netsim/state.h"

struct netsim {
	struct state state;
};

#define API __attribute__((visibility("default")))

/* Appends a formatted line. */
int lines_add(struct netsim_lines *lines, struct netsim_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Gives the profile that is in force for the whole fleet to ports that were not
 * there before (before: the links that were). A profile that cannot be read any
 * more is an error. *ret counts the ports.
 */
int api_shape_new(struct netsim *ns, const struct model *before, const char *fleet, size_t *ret,
		  struct netsim_err *err);

/* Moves the first mistake of a file into err. */
int api_first_mistake(const struct netsim_diags *diags, struct netsim_err *err);

#endif
