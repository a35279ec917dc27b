/* SPDX-License-Identifier: GPL-2.0-or-later */
/* words: the syntax of commands, and its parser. */
#include <string.h>

#include "netsim/netsim.h"
#include "netsim/util/auto.h"
#include "netsim/words/options.h"
#include "netsim/words/syntax.h"

const struct netsim_syntax *netsim_syntax(const char *command)
{
	static const struct {
		const char *name;
		const struct netsim_syntax *syntax;
	} all[] = {
		{"partition", &syntax_partition}, {"fault", &syntax_fault}, {"link", &syntax_link},
		{"apply", &syntax_apply},	  {"clear", &syntax_clear}, {"heal", &syntax_heal},
		{"exec", &syntax_exec},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (strcmp(all[i].name, command) == 0)
			return all[i].syntax;
	return NULL;
}

int netsim_parse_options(const struct netsim_opt_table *tables, size_t table_count, bool raw,
			 char **words, struct netsim_err *err)
{
	return options_parse(tables, table_count, raw, words, NULL, err);
}

int netsim_parse_arguments(const struct netsim_syntax *syntax, char **words, void *opts,
			   struct netsim_err *err)
{
	return options_take(syntax, words, opts, NULL, err);
}
