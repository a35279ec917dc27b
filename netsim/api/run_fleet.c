// SPDX-License-Identifier: GPL-2.0-or-later
/* The fleet of a run is brought up, and gets its profile. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "netsim/api/run_parts.h"
#include "netsim/util/auto.h"

/* The path of the topology or profile; one inside the scenario is written to the folder. */
static int path_of(struct run *run, bool profile, char path[static PATH_MAX],
		   struct netsim_err *err)
{
	const char *given = profile ? run->s->profile_path : run->s->fleet_path;
	const char *name = profile ? "profile.yaml" : "topology.yaml";
	auto_fclose FILE *out = NULL;
	int r;

	if (given) {
		snprintf(path, PATH_MAX, "%s", given);
		return 0;
	}
	snprintf(path, PATH_MAX, "%s/%s", run->folder, name);
	out = fopen(path, "we");
	if (!out)
		return err_errno(err, -errno, NULL, "cannot create %s", path);
	r = profile ? profile_print(run->s->profile, out) : topo_print(run->s->topo, out);
	return r < 0 ? err_errno(err, r, NULL, "cannot write %s", path) : 0;
}

int run_bring_up(struct run *run, struct netsim_diags *diags, struct netsim_err *err)
{
	struct netsim_up *up = NULL;
	char path[PATH_MAX];
	int r = path_of(run, false, path, err);

	if (r == 0)
		r = netsim_up(run->ctx, path, NULL, &up, diags, err);
	if (r == 0) {
		run->is_up = true;
		if (up->warning)
			run_note(run, "%s", up->warning);
	}
	netsim_up_free(up);
	return r;
}

int run_apply_profile(struct run *run, struct netsim_err *err)
{
	const struct netsim_apply_opts how =
		NETSIM_OPTS(struct netsim_apply_opts, .fleet = run->s->topo->fleet);
	struct netsim_apply *apply = NULL;
	/* Its warnings came with the scenario, at their places there. */
	struct netsim_diags diags = {0};
	char path[PATH_MAX];
	int r;

	if (!run->s->profile)
		return 0;
	r = path_of(run, true, path, err);
	if (r == 0)
		r = netsim_apply(run->ctx, path, &how, &apply, &diags, err);
	if (r < 0 && diags.count)
		err_first_mistake(&diags, err);
	netsim_apply_free(apply);
	return r;
}
