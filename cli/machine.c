// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "out.h"

#define TOPOLOGY_VARIABLE "NETSIM_TOPOLOGY"
#define AS_VARIABLE	  "NETSIM_AS"
#define TOPOLOGY_FILE	  "/etc/netsim/machine.yaml"

/* The fleet of which this machine has become a node in this process. */
static char *fresh;

/* NULL for an empty variable, too. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

const char *machine_topology(const struct machine_words *words)
{
	const char *topology = words->topology ? words->topology : variable(TOPOLOGY_VARIABLE);

	return topology ? topology : access(TOPOLOGY_FILE, F_OK) == 0 ? TOPOLOGY_FILE : NULL;
}

static int join(struct netsim *ctx, const struct common *common, const char *topology,
		const struct netsim_join_opts *opts, struct netsim_err *err)
{
	struct netsim_diags diags = {0};
	struct netsim_join *joined = NULL;
	char path[4096];
	int r = topology ? netsim_find(NETSIM_FILE_TOPOLOGY, topology, path, sizeof(path), err) : 0;

	if (r == 0)
		r = report_file(
			netsim_join(ctx, topology ? path : NULL, opts, &joined, &diags, err),
			common, &diags, err);
	if (r == 0 && joined->fleet && joined->fresh && !common->dry)
		fresh = strdup(joined->fleet);
	netsim_join_free(joined);
	return r;
}

void close_machine(struct netsim *ctx, int result)
{
	const struct netsim_down_opts all = NETSIM_OPTS(struct netsim_down_opts, .fleet = fresh);
	struct netsim_down *down = NULL;

	if (result != 0 && fresh) {
		(void)netsim_down(ctx, &all, &down, NULL);
		netsim_down_free(down);
	}
	free(fresh);
	fresh = NULL;
	netsim_close(ctx);
}

static int refuse_as(struct netsim_err *err)
{
	err->kind = NETSIM_ERR_USAGE;
	snprintf(err->what, sizeof(err->what), "--as needs a topology");
	snprintf(err->hint, sizeof(err->hint), "give --topology, or set " TOPOLOGY_VARIABLE);
	return err->code = -EINVAL;
}

int open_machine(const struct common *common, const struct machine_words *words,
		 struct netsim **ret, struct netsim_err *err)
{
	return open_machine_for(common, words, &(struct machine_groups) {NULL, 0}, ret, err);
}

int open_machine_for(const struct common *common, const struct machine_words *words,
		     const struct machine_groups *groups, struct netsim **ret,
		     struct netsim_err *err)
{
	const char *topology = machine_topology(words);
	struct netsim_join_opts opts = NETSIM_OPTS(
		struct netsim_join_opts, .as = words->as ? words->as : variable(AS_VARIABLE),
		.unless_up = !words->topology && !words->as, .dry_run = common->dry,
		.words = groups->list, .word_count = groups->count);
	int r = netsim_open(ret, err);

	if (r == 0 && words->as && !topology)
		return refuse_as(err);
	if (r < 0 || (!topology && !groups->count) || (common->fleet && !words->topology))
		return r;
	return join(*ret, common, topology, &opts, err);
}
