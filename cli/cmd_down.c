/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"

#include <string.h>

struct down_args {
	struct common common;
	bool all;
};

static const struct netsim_opt opts[] = {
	{'a', "all", NETSIM_OPT_FLAG, offsetof(struct down_args, all), NULL, "remove every fleet"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static void write_object(const struct netsim_object *object, char *text, size_t size)
{
	if (object->kind == NETSIM_OBJECT_NODE)
		snprintf(text, size, "- node %s (namespace %s)", object->name, object->netns);
	else if (object->kind == NETSIM_OBJECT_PROCESS)
		snprintf(text, size, "- process %d (%s %s)", object->pid,
			 strchr(object->name, ':') ? "service" : "workload", object->name);
	else if (object->kind == NETSIM_OBJECT_TABLE)
		snprintf(text, size, "- table inet %s", object->name);
	else
		snprintf(text, size, "- %s%s", object->name,
			 object->kind == NETSIM_OBJECT_ATTACHED ? " (given back)" : "");
}

static void print_down(const struct common *args, const struct netsim_down *down, double seconds)
{
	json_t *objects = json_array();
	char text[256];

	for (size_t i = 0; args->dry && i < down->object_count; i++) {
		write_object(down->objects[i], text, sizeof(text));
		json_array_append_new(objects, json_string(text));
		if (!args->json)
			puts(text);
	}
	if (args->json)
		print_json(json_pack("{s:s, s:o, s:O}", "fleet", down->fleet ? down->fleet : "",
				     "seconds", json_seconds(seconds), "would_remove", objects));
	else if (!args->quiet && !args->dry && down->fleet)
		printf("%s: removed in %.3f s\n", down->fleet, seconds);
	else if (!args->quiet && !args->dry)
		printf("no fleet is up\n");
	json_decref(objects);
}

static int down_one(struct netsim *ctx, const struct common *args, const char *fleet,
		    struct netsim_err *err)
{
	const struct netsim_down_opts request =
		NETSIM_OPTS(struct netsim_down_opts, .fleet = fleet, .dry_run = args->dry);
	struct netsim_down *down = NULL;
	double start = now_seconds();
	int r = netsim_down(ctx, &request, &down, err);

	if (r == 0)
		print_down(args, down, now_seconds() - start);
	netsim_down_free(down);
	return r;
}

static int down_all(struct netsim *ctx, const struct common *args, struct netsim_err *err)
{
	struct netsim_status *status = NULL;
	int r = netsim_status(ctx, NULL, &status, err);

	for (size_t i = 0; r == 0 && i < status->fleet_count; i++)
		r = down_one(ctx, args, status->fleets[i]->name, err);
	if (r == 0 && !status->fleet_count)
		r = down_one(ctx, args, NULL, err);
	netsim_status_free(status);
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

static const struct netsim_syntax syntax = {
	.args = "[FLEET]",
	.summary = "Remove a fleet and everything netsim created for it.",
	.opts = opts,
	.max = 1,
};

const struct cmd cmd_down = {
	.name = "down",
	.syntax = &syntax,
	.size = sizeof(struct down_args),
	.run = run,
};
