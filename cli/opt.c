/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "opt.h"

#include <string.h>

#include "out.h"

const struct netsim_opt common_opts[] = {
	{'f', "fleet", NETSIM_OPT_TEXT, offsetof(struct common, fleet), "FLEET",
	 "which fleet, if several are up"},
	{'n', "dry-run", NETSIM_OPT_FLAG, offsetof(struct common, dry), NULL,
	 "print what would be done, but change nothing"},
	{'j', "json", NETSIM_OPT_FLAG, offsetof(struct common, json), NULL, "print JSON"},
	{'q', "quiet", NETSIM_OPT_FLAG, offsetof(struct common, quiet), NULL, "print less"},
	{'v', "verbose", NETSIM_OPT_FLAG, offsetof(struct common, verbose), NULL, "print more"},
	{'h', "help", NETSIM_OPT_FLAG, offsetof(struct common, help), NULL, "print this help"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

const struct netsim_syntax *opt_syntax(const struct cmd *cmd)
{
	return cmd->syntax ? cmd->syntax : netsim_syntax(cmd->name);
}

/* True if one of the options, which may be wrong otherwise, is -j or --json. */
static bool wants_json(char *const *words, bool raw)
{
	for (; *words && strcmp(*words, "--") != 0; words++) {
		const char *word = *words;

		if (strcmp(word, "-j") == 0 || strcmp(word, "--json") == 0)
			return true;
		if (raw && *word != '-')
			return false;
	}
	return false;
}

int opt_parse(const struct cmd *cmd, char **words, void *args, struct netsim_err *err)
{
	const struct netsim_syntax *syntax = opt_syntax(cmd);
	struct common *common = args;
	void *fill = (char *)args + cmd->fill;
	const struct netsim_opt_table tables[] = {
		{syntax->opts, fill}, {cmd->more, args}, {common_opts, common}};
	bool json = wants_json(words, syntax->raw);
	struct netsim_err why = {0};
	int r = netsim_parse_options(tables, 3, syntax->raw, words, &why);

	common->words = words;
	while (words[common->count])
		common->count++;
	if (r == 0 && !common->help)
		r = netsim_parse_arguments(syntax, words, fill, &why);
	if (r == 0)
		return 0;
	common->json |= json;
	usage_error(err, cmd, "%s", why.what);
	if (*why.hint)
		memcpy(err->hint, why.hint, sizeof(err->hint));
	return err->code;
}

static void print_rows(const struct netsim_opt *rows, FILE *out)
{
	for (; rows && rows->name; rows++) {
		char left[40];

		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", rows->letter ? '-' : ' ',
			 rows->letter ? rows->letter : ' ', rows->letter ? ',' : ' ', rows->name,
			 rows->word ? " " : "", rows->word ? rows->word : "");
		fprintf(out, "  %-22s %s\n", left, rows->help);
	}
}

void opt_help(const struct cmd *cmd, FILE *out)
{
	const struct netsim_syntax *syntax = opt_syntax(cmd);

	fprintf(out, "usage: netsim %s [OPTION]...%s%s\n\n%s\n\n", cmd->name,
		*syntax->args ? " " : "", syntax->args, syntax->summary);
	if (syntax->grammar)
		fprintf(out, "%s\n", syntax->grammar);
	print_rows(syntax->opts, out);
	print_rows(cmd->more, out);
	print_rows(common_opts, out);
	fprintf(out, "\nManual: netsim-%s(8)\n", cmd->name);
}
