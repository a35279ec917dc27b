// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses the options of commands that print an analysis. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "out.h"
#include "report.h"
#include "report_html.h"

#define TOP_USUAL 20

static int parse_by(const struct cmd *cmd, const char *text, enum analyze_by *ret,
		    struct netsim_err *err)
{
	static const char *const words[] = {"", "connection", "class", "pair"};

	*ret = BY_DEFAULT;
	if (!text)
		return 0;
	for (int i = 1; i < 4; i++)
		if (strcmp(text, words[i]) == 0) {
			*ret = (enum analyze_by)i;
			return 0;
		}
	return usage_error(err, cmd, "--by %s: must be connection, class or pair", text);
}

static int parse_top(const struct cmd *cmd, const char *text, size_t *ret, struct netsim_err *err)
{
	char *end;

	*ret = TOP_USUAL;
	if (!text)
		return 0;
	errno = 0;
	*ret = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-')
		return usage_error(err, cmd, "--top %s: must be a number of rows", text);
	return 0;
}

int analyze_options_parse(const struct cmd *cmd, const struct common *common,
			  const struct analyze_options *options, struct analyze_view *ret,
			  struct netsim_err *err)
{
	int r;

	*ret = (struct analyze_view) {.verbose = common->verbose, .quiet = common->quiet};
	r = parse_by(cmd, options->by, &ret->by, err);
	if (r == 0)
		r = parse_top(cmd, options->top, &ret->top, err);
	if (r == 0 && options->csv && common->json)
		r = usage_error(err, cmd, "--csv and --json exclude each other");
	if (r == 0 && options->html && (!*options->html || strcmp(options->html, "-") == 0))
		r = usage_error(err, cmd, "--html '%s': must be the name of a file", options->html);
	if (r == 0 && options->html && !common->dry)
		r = page_check(options->html, err);
	return r;
}
