/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands. Each file cmd_VERB.c defines a struct cmd, listed in main.c; help,
 * completion and option parsing are derived from it.
 * A new command needs its file, a declaration below, a line in the table of main.c, and a
 * manual page.
 */
#ifndef NETSIM_CLI_CMD_H
#define NETSIM_CLI_CMD_H

#include <netsim/netsim.h>

enum opt_type {
	OPT_FLAG,     /* bool */
	OPT_TEXT,     /* const char * */
	OPT_DURATION, /* int64_t, ns */
	OPT_RATE,     /* uint64_t, bits per second */
	OPT_NUMBER,   /* unsigned, above zero */
	OPT_WORDS,    /* struct words: "a,b", also given several times */
};

#define WORDS_MAX 64
struct words {
	const char *list[WORDS_MAX];
	size_t count;
};

/* One option; the table ends with a row without a name. */
struct opt {
	char letter; /* 0: only the long name */
	const char *name;
	enum opt_type type;
	size_t offset;	  /* in the command's arguments */
	const char *word; /* placeholder for its value in help */
	const char *help;
};

/* Options and words of every command; the first member of its arguments. */
struct common {
	bool help, json, dry, quiet, verbose;
	const char *fleet;
	char **words; /* arguments after the options */
	int count;
};

struct cmd {
	const char *name;
	const char *args; /* "FILE", "[FLEET]" */
	const char *summary;
	const struct opt *opts;
	size_t size;  /* of its arguments; they begin with struct common */
	int min, max; /* number of words; max -1: any */
	bool raw;     /* options end at the first word */
	/* Returns 0 or a negative errno with err filled, or an exit status above 0. */
	int (*run)(const void *args, struct netsim_err *err);
};

extern const struct cmd cmd_analyze, cmd_apply, cmd_capture, cmd_check, cmd_clear, cmd_diff,
	cmd_doctor, cmd_down, cmd_exec, cmd_heal, cmd_fault, cmd_help, cmd_iperf, cmd_link,
	cmd_partition, cmd_measure, cmd_ping_matrix, cmd_plan, cmd_status, cmd_top, cmd_up,
	cmd_verify;

/* All commands, in the order of help; NULL-terminated. */
extern const struct cmd *const commands[];
const struct cmd *cmd_find(const char *name);

#endif
