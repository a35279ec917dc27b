/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "apply_print.h"
#include "cmd.h"
#include "out.h"

struct apply_args {
	struct common common;
	const char *as, *engine;
};

static const struct opt opts[] = {
	{0, "as", OPT_TEXT, offsetof(struct apply_args, as), "NODE",
	 "use the entry of NODE for interfaces (the host name)"},
	{0, "engine", OPT_TEXT, offsetof(struct apply_args, engine), "ENGINE",
	 "auto, netem or edt (default: from the profile)"},
	{0, NULL, OPT_FLAG, 0, NULL, NULL},
};

static int parse_engine(const char *word, enum netsim_engine *ret, struct netsim_err *err)
{
	static const char *const engines[] = {"auto", "netem", "edt"};

	for (int i = 0; word && i < 3; i++)
		if (strcmp(word, engines[i]) == 0) {
			*ret = (enum netsim_engine)i;
			return 0;
		}
	return word ? usage_error(err, &cmd_apply, "unknown engine %s: must be auto, netem or edt",
				  word) :
		      0;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct apply_args *args = p;
	const struct common *common = &args->common;
	struct netsim_apply_opts what = {
		.size = sizeof(what),
		.fleet = common->fleet,
		.targets = (const char *const *)common->words + 1,
		.target_count = (size_t)common->count - 1,
		.as = args->as,
		.dry_run = common->dry,
	};
	struct netsim_diags diags = {0};
	struct netsim_apply *done = NULL;
	struct netsim *ctx = NULL;
	char path[4096];
	int r = parse_engine(args->engine, &what.engine, err);

	if (r == 0)
		r = netsim_find(NETSIM_FILE_PROFILE, common->words[0], path, sizeof(path), err);
	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = report_file(netsim_apply(ctx, path, &what, &done, &diags, err), common, &diags,
				err);
	netsim_close(ctx);
	if (r == 0)
		print_applied(common, done);
	netsim_apply_free(done);
	return r;
}

const struct cmd cmd_apply = {
	.name = "apply",
	.args = "PROFILE [TARGET...]",
	.summary = "Apply a profile to the fleet, some of its nodes, or interfaces.",
	.opts = opts,
	.size = sizeof(struct apply_args),
	.min = 1,
	.max = -1,
	.run = run,
};
