/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cmd.h"
#include "out.h"

/* What was removed so far, and whether anything could not be. */
struct reset {
	struct netsim *ctx;
	const struct common *args;
	json_t *fleets, *interfaces;
	int status;
};

/* Prints an error and goes on: what is left should be as little as possible. */
static void failed(struct reset *reset, const struct netsim_err *err)
{
	print_error(err);
	if (!reset->status)
		reset->status = exit_status(err->kind);
}

static void print_line(const struct reset *reset, const char *name, const char *done)
{
	if (!reset->args->json && (!reset->args->quiet || reset->args->dry))
		printf("%s%s: %s\n", reset->args->dry ? "- " : "", name, done);
}

static void remove_fleet(struct reset *reset, const char *fleet)
{
	const struct netsim_down_opts request =
		NETSIM_OPTS(struct netsim_down_opts, .fleet = fleet, .dry_run = reset->args->dry);
	struct netsim_down *down = NULL;
	struct netsim_err err = {0};

	if (netsim_down(reset->ctx, &request, &down, &err) < 0) {
		failed(reset, &err);
		return;
	}
	print_line(reset, fleet, reset->args->dry ? "the fleet" : "removed");
	json_array_append_new(reset->fleets, json_string(fleet));
	netsim_down_free(down);
}

/*
 * Clears the interfaces without a fleet. With no fleet left, all of them are cleared by one call,
 * which also finds those whose interface is gone.
 */
static void clear_interfaces(struct reset *reset, const struct netsim_status *status)
{
	struct netsim_apply *cleared = NULL;
	struct netsim_err err = {0};

	if (!status->bare_count || reset->status)
		return;
	if (!reset->args->dry && netsim_clear(reset->ctx, NULL, &cleared, &err) < 0) {
		failed(reset, &err);
		return;
	}
	for (size_t i = 0; i < status->bare_count; i++) {
		const char *device = status->bare[i]->device;

		print_line(reset, device,
			   reset->args->dry ? "the shaping of the interface" : "cleared");
		json_array_append_new(reset->interfaces, json_string(device));
	}
	netsim_apply_free(cleared);
}

static int run(const void *p, struct netsim_err *err)
{
	struct reset reset = {.args = p, .fleets = json_array(), .interfaces = json_array()};
	struct netsim_status *status = NULL;
	int r = netsim_open(&reset.ctx, err);

	if (r == 0)
		r = netsim_status(reset.ctx, NULL, &status, err);
	for (size_t i = 0; r == 0 && i < status->fleet_count; i++)
		remove_fleet(&reset, status->fleets[i]->name);
	if (r == 0)
		clear_interfaces(&reset, status);
	if (r == 0 && reset.args->json)
		print_json(json_pack("{s:O, s:O}", "fleets", reset.fleets, "interfaces",
				     reset.interfaces));
	else if (r == 0 && !reset.args->quiet && !status->fleet_count && !status->bare_count)
		puts("nothing to remove");
	netsim_status_free(status);
	json_decref(reset.fleets);
	json_decref(reset.interfaces);
	netsim_close(reset.ctx);
	return r < 0 ? r : reset.status;
}

static const struct netsim_syntax syntax = {
	.args = "",
	.summary = "Remove all fleets, faults and shaping.",
};

const struct cmd cmd_reset = {
	.name = "reset",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
