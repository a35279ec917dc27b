/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "opt.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

#define MAX_OPTS   24
#define MAX_NUMBER 1000000

const struct opt common_opts[] = {
	{'f', "fleet", OPT_TEXT, offsetof(struct common, fleet), "FLEET",
	 "which fleet, if several are up"},
	{'n', "dry-run", OPT_FLAG, offsetof(struct common, dry), NULL,
	 "print what would be done, but change nothing"},
	{'j', "json", OPT_FLAG, offsetof(struct common, json), NULL, "print JSON"},
	{'q', "quiet", OPT_FLAG, offsetof(struct common, quiet), NULL, "print less"},
	{'v', "verbose", OPT_FLAG, offsetof(struct common, verbose), NULL, "print more"},
	{'h', "help", OPT_FLAG, offsetof(struct common, help), NULL, "print this help"},
	{0, NULL, OPT_FLAG, 0, NULL, NULL},
};

/* The options of a command and the common ones, in the form of getopt_long(). */
struct parser {
	const struct opt *rows[MAX_OPTS];
	struct option longs[MAX_OPTS + 1];
	char shorts[3 * MAX_OPTS];
	int count;
};

static void add_rows(struct parser *p, const struct opt *rows)
{
	for (; rows && rows->name && p->count < MAX_OPTS; rows++) {
		size_t used = strlen(p->shorts);

		p->rows[p->count] = rows;
		p->longs[p->count] = (struct option) {
			rows->name, rows->type == OPT_FLAG ? no_argument : required_argument, NULL,
			256 + p->count};
		if (rows->letter) {
			p->shorts[used++] = rows->letter;
			if (rows->type != OPT_FLAG)
				p->shorts[used++] = ':';
			p->shorts[used] = 0;
		}
		p->count++;
	}
}

static const struct opt *row_of(const struct parser *p, int c)
{
	if (c >= 256)
		return p->rows[c - 256];
	for (int i = 0; i < p->count; i++)
		if (p->rows[i]->letter == c)
			return p->rows[i];
	return NULL;
}

/* Parses decimal digits, 1 to MAX_NUMBER. */
static int store_number(const struct cmd *cmd, const struct opt *row, unsigned *place,
			struct netsim_err *err)
{
	size_t digits = strspn(optarg, "0123456789");
	unsigned long value =
		digits && digits <= 7 && !optarg[digits] ? strtoul(optarg, NULL, 10) : 0;

	if (value < 1 || value > MAX_NUMBER)
		return usage_error(err, cmd, "--%s %s: must be a number from 1 to %d", row->name,
				   optarg, MAX_NUMBER);
	*place = (unsigned)value;
	return 0;
}

/* Splits the argument at commas, in place. */
static int store_words(const struct cmd *cmd, const struct opt *row, struct words *place,
		       struct netsim_err *err)
{
	char *save = NULL;

	for (char *word = strtok_r(optarg, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (place->count == WORDS_MAX)
			return usage_error(err, cmd, "--%s: at most %d values", row->name,
					   WORDS_MAX);
		place->list[place->count++] = word;
	}
	return place->count ? 0 :
			      usage_error(err, cmd, "--%s: needs at least one value", row->name);
}

static int store(const struct cmd *cmd, const struct opt *row, char *args, struct netsim_err *err)
{
	void *place = args + row->offset;
	const char *why;

	switch (row->type) {
	case OPT_FLAG:
		*(bool *)place = true;
		break;
	case OPT_TEXT:
		*(const char **)place = optarg;
		break;
	case OPT_DURATION:
		if (netsim_parse_duration(optarg, place, &why) < 0)
			return usage_error(err, cmd, "--%s %s: %s", row->name, optarg, why);
		if (*(int64_t *)place <= 0)
			return usage_error(err, cmd, "--%s %s: it must be above zero", row->name,
					   optarg);
		break;
	case OPT_RATE:
		if (netsim_parse_rate(optarg, place, &why) < 0)
			return usage_error(err, cmd, "--%s %s: %s", row->name, optarg, why);
		if (!*(uint64_t *)place)
			return usage_error(err, cmd, "--%s %s: it must be above zero", row->name,
					   optarg);
		break;
	case OPT_NUMBER:
		return store_number(cmd, row, place, err);
	case OPT_WORDS:
		return store_words(cmd, row, place, err);
	}
	return 0;
}

static int check_count(const struct cmd *cmd, const struct common *common, struct netsim_err *err)
{
	if (common->count < cmd->min)
		return usage_error(err, cmd, "missing argument, expected %s", cmd->args);
	if (cmd->max >= 0 && common->count > cmd->max)
		return usage_error(err, cmd, "unexpected argument %s", common->words[cmd->max]);
	return 0;
}

int opt_parse(const struct cmd *cmd, int argc, char **argv, void *args, struct netsim_err *err)
{
	struct parser p = {.shorts = ""};
	struct common *common = args;
	int c;

	/* '+' stops at the first word, ':' reports missing values apart from unknown options. */
	strcpy(p.shorts, cmd->raw ? "+:" : ":");
	add_rows(&p, cmd->opts);
	add_rows(&p, common_opts);
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, p.shorts, p.longs, NULL)) != -1) {
		const struct opt *row = c == '?' || c == ':' ? NULL : row_of(&p, c);
		int r;

		if (c == ':')
			return usage_error(err, cmd, "%s needs a value", argv[optind - 1]);
		if (!row && optopt > 0 && optopt < 256)
			return usage_error(err, cmd, "unknown option -%c", optopt);
		if (!row)
			return usage_error(err, cmd, "unknown option %s", argv[optind - 1]);
		r = store(cmd, row, args, err);
		if (r < 0)
			return r;
	}
	common->words = argv + optind;
	common->count = argc - optind;
	return common->help ? 0 : check_count(cmd, common, err);
}

static void print_rows(const struct opt *rows, FILE *out)
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
	fprintf(out, "usage: netsim %s [OPTION]...%s%s\n\n%s\n\n", cmd->name, *cmd->args ? " " : "",
		cmd->args, cmd->summary);
	print_rows(cmd->opts, out);
	print_rows(common_opts, out);
	fprintf(out, "\nManual: netsim-%s(8)\n", cmd->name);
}
