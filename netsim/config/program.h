/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a program is run: its command, environment and readiness, in recipes and scenarios.
 * Texts belong to the tree of the file; lists to the arena of bind.context.
 */
#ifndef NETSIM_PROGRAM_H
#define NETSIM_PROGRAM_H

#include "netsim/config/bind.h"
#include "netsim/config/template.h"

enum ready_kind {
	READY_ALIVE, /* no condition is given: the program is ready once it runs */
	READY_TCP,   /* its port accepts a connection */
	READY_HTTP,  /* its URL answers with status 200 */
	READY_RUN,   /* a command ends with status 0 */
	READY_LOG,   /* a line of its output contains a text */
};

struct ready {
	enum ready_kind kind;
	uint16_t port;	  /* READY_TCP */
	struct text text; /* READY_HTTP: a template; READY_LOG */
	struct texts run; /* READY_RUN: templates */
	struct netsim_loc at;
};

struct env_var {
	const char *name;
	struct text value; /* a template */
};

struct program {
	struct texts command; /* templates */
	struct env_var **env;
	size_t env_count;
	struct ready ready;
	struct duration within; /* until it is ready */
};

#define PROGRAM_WITHIN 30000000000 /* ns, unless given */

/* One template, or a list; field->max has the placeholders that it may have, TEMPLATE_.... */
bind_fn program_bind_template;	/* struct text */
bind_fn program_bind_templates; /* struct texts */
bind_fn program_bind_command;	/* struct texts: a list, not empty */
bind_fn program_bind_env;	/* struct program, whose env it appends to */
bind_fn program_bind_ready;	/* struct ready */

extern const struct field program_ready_rows[];

/* Checks one template at its place in the file; false after reporting a mistake. */
bool program_check_template(struct bind *b, const char *name, const struct doc_node *node,
			    unsigned allowed);

/* Print a text or list in flow style. */
void program_print_list(FILE *out, const struct texts *texts);
/* Print env, ready and within: a line each; or in braces, each with ", " before it. */
void program_print_lines(FILE *out, const struct program *program);
void program_print_flow(FILE *out, const struct program *program);

#endif
