/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"

struct down_args {
	struct common common;
	bool all;
};

static const struct opt opts[] = {
	{'a', "all", OPT_FLAG, offsetof(struct down_args, all), NULL, "remove every fleet"},
	{0, NULL, OPT_FLAG, 0, NULL, NULL},
};

static void print_down(const struct common *args, const char *fleet,
		       const struct netsim_lines *lines, double seconds)
{
	if (args->json) {
		print_json(json_pack("{s:s, s:o, s:o}", "fleet", fleet, "seconds",
				     json_seconds(seconds), "would_remove", json_lines(lines)));
		return;
	}
	for (size_t i = 0; i < lines->count; i++)
		puts(lines->list[i]);
	if (args->quiet || args->dry)
		return;
	if (*fleet)
		printf("%s: removed in %.3f s\n", fleet, seconds);
	else
		printf("no fleet is up\n");
}

static int down_one(struct netsim *ctx, const struct common *args, const char *fleet,
		    struct netsim_err *err)
{
	struct netsim_lines lines = {0};
	double start = now_seconds();
	char name[64];
	int r = netsim_down(ctx, fleet, args->dry, name, &lines, err);

	if (r == 0)
		print_down(args, name, &lines, now_seconds() - start);
	netsim_lines_free(&lines);
	return r;
}

static int down_all(struct netsim *ctx, const struct common *args, struct netsim_err *err)
{
	struct netsim_status status = {0};
	int r = netsim_status(ctx, NULL, &status, err);

	for (size_t i = 0; r == 0 && i < status.fleet_count; i++)
		r = down_one(ctx, args, status.fleets[i].name, err);
	if (r == 0 && !status.fleet_count)
		r = down_one(ctx, args, NULL, err);
	netsim_status_free(&status);
	return r;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct down_args *args = p;
	const struct common *common = &args->common;
	const char *fleet = common->count ? common->words[0] : common->fleet;
	struct netsim *ctx = NULL;
	int r = netsim_open(&ctx, err);

	if (r == 0)
		r = args->all ? down_all(ctx, common, err) : down_one(ctx, common, fleet, err);
	netsim_close(ctx);
	return r;
}

const struct cmd cmd_down = {
	.name = "down",
	.args = "[FLEET]",
	.summary = "Remove a fleet with all that netsim made for it.",
	.opts = opts,
	.size = sizeof(struct down_args),
	.max = 1,
	.run = run,
};
