/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax of the commands that change a fleet: their options and arguments as members of
 * the structs that the calls take. Pure.
 */
#ifndef NETSIM_WORDS_SYNTAX_H
#define NETSIM_WORDS_SYNTAX_H

#include "netsim/netsim.h"

extern const struct netsim_syntax syntax_partition, /* struct netsim_partition_opts */
	syntax_fault,				    /* struct netsim_fault_opts */
	syntax_link,				    /* struct netsim_link_words */
	syntax_apply, syntax_clear,		    /* struct netsim_apply_words */
	syntax_heal,				    /* struct netsim_heal_words */
	syntax_exec;				    /* struct netsim_exec_words */

/* Checks the options that exclude each other; 0, or -EINVAL with err (kind USAGE). */
int syntax_check_partition(const struct netsim_partition_opts *cut, struct netsim_err *err);

#endif
