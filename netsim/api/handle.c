/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/handle.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include "netsim/config/check.h"
#include "netsim/config/find.h"
#include "netsim/config/topo.h"
#include "netsim/fleet/converge.h"
#include "netsim/fleet/layout.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/plan.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/netns.h"
#include "netsim/policy/policy.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

API const char *netsim_version(void)
{
	return NETSIM_VERSION;
}

/* A socket and a namespace for each node: a large fleet needs many descriptors. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

API int netsim_open(struct netsim **ret, struct netsim_err *err)
{
	struct netsim *ns = calloc(1, sizeof(*ns));
	int r;

	if (!ns)
		return err_oom(err);
	raise_file_limit();
	r = state_open(&ns->state, err);
	if (r < 0)
		free(ns);
	else
		*ret = ns;
	return r;
}

API void netsim_close(struct netsim *ns)
{
	if (!ns)
		return;
	state_close(&ns->state);
	free(ns);
}

API void netsim_lines_free(struct netsim_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->list[i]);
	free(lines->list);
	*lines = (struct netsim_lines) {0};
}

int lines_add(struct netsim_lines *lines, struct netsim_err *err, const char *fmt, ...)
{
	char **slot = array_push(lines->list, lines->count);
	va_list ap;
	int r;

	if (!slot)
		return err_oom(err);
	va_start(ap, fmt);
	r = vasprintf(slot, fmt, ap);
	va_end(ap);
	if (r < 0) {
		*slot = NULL;
		return err_oom(err);
	}
	return 0;
}

static bool is_path(const char *name)
{
	size_t length = strlen(name);

	return strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".yaml") == 0) ||
	       (length > 4 && strcmp(name + length - 4, ".yml") == 0) ||
	       (length > 5 && strcmp(name + length - 5, ".json") == 0);
}

API int netsim_find(const char *folder, const char *name, char *path, struct netsim_err *err)
{
	if (is_path(name)) {
		snprintf(path, FIND_PATH, "%s", name);
		return 0;
	}
	if (find_named(folder, name, path) == 0)
		return 0;
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "there is no %s called %s",
		strcmp(folder, "topo") == 0 ? "topology" : "profile", name);
	err_hint(err, "looked for %s/%s.yaml here, in /etc/netsim and in " NETSIM_DATADIR, folder,
		 name);
	return -ENOENT;
}

API int netsim_check(const char *path, FILE *print, struct netsim_diags *diags)
{
	return check_file(path, print, diags);
}

API const char *netsim_nearest(const char *text, const char *const *names, size_t count)
{
	return name_nearest(text, names, count);
}

API int netsim_parse_duration(const char *text, int64_t *ret_ns, const char **why)
{
	struct duration d;
	int r = unit_parse_duration(text, &d, why);

	if (r == 0)
		*ret_ns = d.ns;
	return r;
}

API int netsim_parse_size(const char *text, uint64_t *ret_bytes, const char **why)
{
	struct size size;
	int r = unit_parse_size(text, &size, why);

	if (r == 0)
		*ret_bytes = size.bytes;
	return r;
}

API int netsim_parse_rate(const char *text, uint64_t *ret_bps, const char **why)
{
	struct rate rate;
	int r = unit_parse_rate(text, &rate, why);

	if (r == 0)
		*ret_bps = rate.bps;
	return r;
}

int api_first_mistake(const struct netsim_diags *diags, struct netsim_err *err)
{
	for (size_t i = 0; err && i < diags->count; i++)
		if (!diags->list[i].warning) {
			*err = diags->list[i];
			if (err->loc.file)
				err->loc.file = err->file;
			return -EINVAL;
		}
	return -EINVAL;
}

static int load(const char *path, struct topo **ret_topo, struct model **ret_model,
		struct netsim_diags *diags, struct netsim_err *err)
{
	int r = topo_load(path, ret_topo, diags);

	if (r < 0)
		return r;
	r = layout_make(*ret_topo, ret_model, err);
	if (r < 0) {
		topo_free(*ret_topo);
		*ret_topo = NULL;
	}
	return r;
}

/* New ports join the policy in force, if there is one. */
static int join_policy(struct netsim *ns, const char *fleet, struct netsim_err *err)
{
	struct model *now = NULL;
	struct policy *policy = NULL;
	bool stamps = false;
	int r = state_read(&ns->state, fleet, STATE_PORTS, &now, err);

	if (r == 0)
		r = policy_find(&ns->state, now, &policy, err);
	if (r == 0 && policy) {
		for (size_t i = 0; i < now->link_count; i++)
			stamps |= policy->stamped[i];
		r = policy_attach(policy, &ns->state, now, stamps, err);
	}
	policy_close(policy);
	model_free(now);
	return r;
}

static int converge(struct netsim *ns, struct model *want, struct netsim_up *up,
		    struct netsim_err *err)
{
	struct model *before = NULL;
	int r = state_read_host(&ns->state, err);

	if (r == 0)
		r = exec_check_foreign(&ns->state, want, err);
	if (r == 0)
		r = state_read(&ns->state, want->fleet, STATE_PORTS, &before, err);
	if (r == 0)
		r = exec_converge(&ns->state, want, &up->steps, err);
	if (r == 0 && up->steps && before->link_count) {
		r = state_read_host(&ns->state, err);
		if (r == 0)
			r = join_policy(ns, want->fleet, err);
		if (r == 0)
			r = api_shape_new(ns, before, want->fleet, &up->shaped, err);
	}
	model_free(before);
	return r;
}

API int netsim_up(struct netsim *ns, const char *path, struct netsim_up *ret,
		  struct netsim_diags *diags, struct netsim_err *err)
{
	struct topo *topo = NULL;
	struct model *want = NULL;
	struct netsim_up up = {0};
	auto_close int lock = -1;
	int r = load(path, &topo, &want, diags, err);

	if (r < 0)
		return r;
	snprintf(up.fleet, sizeof(up.fleet), "%s", topo->fleet);
	up.nodes = topo->node_count;
	up.networks = topo->network_count;
	r = lock_take(topo->fleet, &lock, err);
	if (r == 0)
		r = converge(ns, want, &up, err);
	model_free(want);
	topo_free(topo);
	if (r == 0)
		*ret = up;
	return r;
}

static int describe_plan(struct netsim *ns, struct model *want, struct netsim_lines *ret,
			 struct netsim_err *err)
{
	struct model *have = NULL;
	struct plan plan = {0};
	char text[512];
	int r = state_read_host(&ns->state, err);

	if (r == 0)
		r = exec_check_foreign(&ns->state, want, err);
	if (r == 0)
		r = state_read(&ns->state, want->fleet, STATE_ALL, &have, err);
	if (r == 0)
		r = plan_make(want, have, &plan, err);
	for (size_t i = 0; r == 0 && i < plan.count; i++) {
		step_describe(&plan.steps[i], want, text, sizeof(text));
		if (*text)
			r = lines_add(ret, err, "%s", text);
	}
	plan_done(&plan);
	model_free(have);
	return r;
}

API int netsim_plan(struct netsim *ns, const char *path, struct netsim_lines *ret,
		    struct netsim_diags *diags, struct netsim_err *err)
{
	struct topo *topo = NULL;
	struct model *want = NULL;
	int r = load(path, &topo, &want, diags, err);

	if (r == 0)
		r = describe_plan(ns, want, ret, err);
	model_free(want);
	topo_free(topo);
	return r;
}

static int list_fleet(struct netsim *ns, const char *fleet, struct netsim_lines *ret,
		      struct netsim_err *err)
{
	struct model *have = NULL;
	int r = state_read(&ns->state, fleet, STATE_NODES, &have, err);

	for (size_t i = 0; r == 0 && i < have->link_count; i++)
		r = lines_add(ret, err, "- %s", have->links[i].name);
	for (size_t i = 0; r == 0 && i < have->node_count; i++)
		if (have->nodes[i].netns)
			r = lines_add(ret, err, "- node %s (namespace %s)", have->nodes[i].name,
				      have->nodes[i].netns);
	model_free(have);
	return r;
}

static int remove_fleet(struct netsim *ns, const char *fleet, struct netsim_err *err)
{
	auto_close int lock = -1;
	bool any = false;
	int r = lock_take(fleet, &lock, err);

	if (r == 0)
		r = exec_remove(&ns->state, fleet, &any, err);
	if (r < 0)
		return r;
	(void)intent_write(fleet, &(struct intent) {0}, NULL);
	lock_remove(fleet);
	return 0;
}

API int netsim_down(struct netsim *ns, const char *fleet, bool dry, char *name,
		    struct netsim_lines *ret, struct netsim_err *err)
{
	auto_free char *chosen = NULL;
	int r = state_read_host(&ns->state, err);

	*name = 0;
	if (r == 0)
		r = target_fleet(&ns->state, fleet, &chosen, err);
	if (r == -ENOENT && !chosen && !fleet)
		return 0; /* nothing is up: that is what was asked */
	if (r < 0)
		return r;
	snprintf(name, 64, "%s", chosen);
	return dry ? list_fleet(ns, chosen, ret, err) : remove_fleet(ns, chosen, err);
}

API int netsim_enter(struct netsim *ns, const char *fleet, const char *node, struct netsim_err *err)
{
	auto_free char *chosen = NULL;
	struct model *model = NULL;
	int r = state_read_host(&ns->state, err), i = -1;

	if (r == 0)
		r = target_need_fleet(&ns->state, fleet, &chosen, err);
	if (r == 0)
		r = state_read(&ns->state, chosen, STATE_NODES, &model, err);
	if (r == 0) {
		auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));

		i = model_find_node(model, node);
		r = i >= 0 ? 0 : marks ? target_nodes(model, node, marks, err) : err_oom(err);
	}
	if (r == 0 && !model->nodes[i].netns)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "%s is a tap node: its inside is the VM's own", node);
	else if (r > 0)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s is a pattern; name one node",
			    node);
	if (r == 0)
		r = netns_enter(model->nodes[i].netns, err);
	model_free(model);
	return r;
}
