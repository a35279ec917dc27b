/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of commands: option tables, and the parser of command lines and timeline steps.
 * Part of <netsim/netsim.h>, which includes it.
 */
#ifndef NETSIM_NETSIM_WORDS_H
#define NETSIM_NETSIM_WORDS_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- the words of commands: libnetsim-words(3) */

/* The type of an option's value, and of the member that it fills. */
enum netsim_opt_type {
	NETSIM_OPT_FLAG,     /* bool */
	NETSIM_OPT_TEXT,     /* const char * */
	NETSIM_OPT_DURATION, /* int64_t, ns, above zero */
	NETSIM_OPT_RATE,     /* uint64_t, bits per second, above zero */
	NETSIM_OPT_NUMBER,   /* unsigned, 1 to 1000000 */
	NETSIM_OPT_WORDS,    /* struct netsim_opt_words: "a,b", also given several times */
	NETSIM_OPT_TEXTS,    /* struct netsim_opt_words: the whole value, given several times */
};

#define NETSIM_OPT_WORDS_MAX 64
struct netsim_opt_words {
	const char *list[NETSIM_OPT_WORDS_MAX];
	size_t count;
};

/* One option; a table ends with a row without a name. */
struct netsim_opt {
	char letter; /* 0: only the long name */
	const char *name;
	enum netsim_opt_type type;
	size_t offset;	  /* of the member that it fills */
	const char *word; /* placeholder for its value in help */
	const char *help;
};

/* A table, and the struct that its options fill. */
struct netsim_opt_table {
	const struct netsim_opt *rows; /* NULL: none */
	void *fill;
};

/* The words of one command. */
struct netsim_syntax {
	const char *args; /* "[GROUP...]" */
	const char *summary;
	const char *grammar;	       /* of the arguments, in lines; NULL: args has it all */
	const struct netsim_opt *opts; /* NULL: none of its own */
	int min, max;		       /* number of arguments; max -1: any */
	bool raw;		       /* options end at the first argument */
	/*
	 * Stores the arguments in opts, which keeps pointers to them. NULL: the caller reads
	 * them. On an error, *bad is the argument or value that is wrong.
	 */
	int (*take)(char **words, void *opts, const char **bad, struct netsim_err *err);
};

/*
 * Filled by the words of link, apply (and clear), heal and exec. Those of partition and fault
 * fill the options of the call.
 */
struct netsim_link_words {
	struct netsim_link_opts opts;
	const char *duty;
};

struct netsim_apply_words {
	struct netsim_apply_opts opts;
	const char *profile; /* a name or a path; NULL for clear */
	const char *engine;
};

struct netsim_heal_words {
	struct netsim_heal_opts opts;
	bool all;
};

struct netsim_exec_words {
	const char *node;
	char **command; /* ends with NULL */
};

/*
 * Returns the syntax of partition, fault, link, apply, clear, heal or exec, which a timeline
 * uses, too; NULL for any other command.
 */
NETSIM_API const struct netsim_syntax *netsim_syntax(const char *command);

/* A value of conditions, with its unit in the name: "rate_bps", "delay_ms", "loss_percent". */
enum netsim_value_kind { NETSIM_VALUE_NUMBER, NETSIM_VALUE_COUNT, NETSIM_VALUE_TEXT };

struct netsim_value {
	const char *name;
	enum netsim_value_kind kind;
	double number;	  /* NETSIM_VALUE_NUMBER */
	uint64_t count;	  /* NETSIM_VALUE_COUNT */
	const char *text; /* NETSIM_VALUE_TEXT */
};

struct netsim_conditions {
	struct netsim_value **values;
	size_t count;
};

/*
 * Reads conditions as commands take and show them, "5mbit delay 20ms loss 1%", into values; "" and
 * "none" have none. Returns 0, or -EINVAL with err (kind USAGE) for what is no such text, such as
 * "down". Free with netsim_conditions_free().
 */
NETSIM_API int netsim_conditions(const char *text, struct netsim_conditions **ret,
				 struct netsim_err *err);
NETSIM_API void netsim_conditions_free(struct netsim_conditions *conditions);

/*
 * Parses options as getopt_long(3) does, without global state: "-f NAME", "-fNAME", "-jq",
 * "--fleet NAME", "--fleet=NAME", and unique beginnings of long names; "--" ends them. words
 * ends with NULL; the arguments remain in it. Values point into words. raw: options end at
 * the first argument. Returns 0, or -EINVAL with err (kind USAGE).
 */
NETSIM_API int netsim_parse_options(const struct netsim_opt_table *tables, size_t table_count,
				    bool raw, char **words, struct netsim_err *err);

/* Checks the number of arguments that remain, and stores them in opts; as above. */
NETSIM_API int netsim_parse_arguments(const struct netsim_syntax *syntax, char **words, void *opts,
				      struct netsim_err *err);

#ifdef __cplusplus
}
#endif

#endif
