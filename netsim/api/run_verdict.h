/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges the evidence of a run by the sentences in it, and publishes the result. */
#ifndef NETSIM_API_RUN_VERDICT_H
#define NETSIM_API_RUN_VERDICT_H

#include "netsim/judge/evidence.h"
#include "netsim/netsim.h"

/*
 * Returns 0 with *ret in an arena of its own, which has no folder and no notes yet; -EINVAL with
 * err filled if the evidence contradicts itself, or has a sentence that cannot be parsed; or
 * -ENOMEM.
 */
int run_judge(const struct evidence *ev, struct netsim_run **ret, struct netsim_err *err);

/* Adds the folder and the scenario in it. Returns 0 or -ENOMEM. */
int run_add_folder(struct netsim_run *run, const char *folder);

/* Writes a file of the folder. Returns 0 or a negative errno. */
int run_write_file(const char *folder, const char *name, const char *text);

#endif
