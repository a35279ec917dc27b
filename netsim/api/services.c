/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/services.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "netsim/fleet/fleet.h"
#include "netsim/run/cgroup.h"
#include "netsim/run/dhcp.h"
#include "netsim/util/arena.h"

#define HELPER "netsim-dhcp"

int api_services_check(const struct topo *topo, struct netsim_err *err)
{
	char helper[PATH_MAX];
	int r = dhcp_check_programs(topo, err);

	return r == 0 && dhcp_has_clients(topo) ?
		       netsim_find_helper(HELPER, helper, sizeof(helper), err) :
		       r;
}

/* Lists the services with their states; *ret_have is the fleet in the kernel, to be freed. */
static int list(struct netsim *ctx, const struct topo *topo, struct services *ret,
		struct model **ret_have, struct netsim_err *err)
{
	struct model *have = NULL;
	char helper[PATH_MAX] = "";
	int r = state_read_host(&ctx->state, err);

	if (r == 0 && dhcp_has_clients(topo))
		r = netsim_find_helper(HELPER, helper, sizeof(helper), err);
	if (r == 0)
		r = state_read(&ctx->state, topo->fleet, STATE_ALL, &have, err);
	if (r == 0)
		r = dhcp_list(&ctx->state, topo, have, helper, ret, err);
	if (r < 0)
		model_free(have);
	else
		*ret_have = have;
	return r;
}

/* True if a partition separates two nodes, in either direction. */
static bool is_cut(const struct policy *policy, const char *one, const char *other)
{
	int a = policy_node(policy, one), b = policy_node(policy, other);

	return a >= 0 && b >= 0 && (!policy_reaches(policy, a, b) || !policy_reaches(policy, b, a));
}

/* Refuses to wait for an answer that a partition keeps away. */
static int refuse_cut(struct netsim *ctx, const struct topo *topo, const struct services *services,
		      struct netsim_err *err)
{
	const struct node *node;
	const struct iface *iface;
	struct model *have = NULL;
	struct fleet f = FLEET_NONE;
	int r = state_read_host(&ctx->state, err);

	if (r == 0)
		r = fleet_read(&ctx->state, topo->fleet, &f, err);
	if (r == 0)
		r = fleet_find_policy(&f, err);
	if (r == 0 && f.policy)
		r = state_read(&ctx->state, topo->fleet, STATE_ALL, &have, err);
	for (size_t i = 0; r == 0 && f.policy && i < services->count; i++) {
		const struct dhcp *dhcp;

		if (!dhcp_lacks_address(topo, have, &services->list[i], &node, &iface))
			continue;
		dhcp = topo_dhcp_of(topo, node, iface);
		if (!dhcp || !is_cut(f.policy, node->name, dhcp->node))
			continue;
		r = err_set(err, NETSIM_ERR_KERNEL, -EHOSTUNREACH, NULL,
			    "%s/%s: no address by DHCP: a partition cuts it off from %s",
			    node->name, iface->name, dhcp->node);
		err_hint(err, "end it with `netsim heal`, and call netsim up again");
	}
	model_free(have);
	fleet_close(&f);
	return r;
}

int api_services_up(struct netsim *ctx, const struct topo *topo, struct dhcp_changes *ret,
		    struct netsim_err *err)
{
	struct services services = {0};
	struct model *have = NULL;
	int r = list(ctx, topo, &services, &have, err);

	*ret = (struct dhcp_changes) {0};
	if (r == 0)
		r = dhcp_converge(&ctx->state, have, &services, ret, err);
	if (r == 0 && dhcp_has_clients(topo))
		r = refuse_cut(ctx, topo, &services, err);
	if (r == 0)
		r = dhcp_wait(&ctx->state, topo, &services, err);
	services_done(&services);
	model_free(have);
	return r;
}

int api_services_each_step(struct netsim *ctx, const struct topo *topo, api_service_step *fn,
			   void *arg, struct netsim_err *err)
{
	struct services services = {0};
	struct model *have = NULL;
	char what[DHCP_TEXT], text[256];
	int r = list(ctx, topo, &services, &have, err);

	for (size_t i = 0; r == 0 && i < services.stale_count; i++) {
		dhcp_describe_stale(services.stale[i], what);
		snprintf(text, sizeof(text), "- %s", what);
		r = fn(arg, text, err);
	}
	for (size_t i = 0; r == 0 && i < services.count; i++) {
		const struct service *service = &services.list[i];

		if (service->state == SERVICE_RUNS)
			continue;
		snprintf(text, sizeof(text), "%c %s: %s%s",
			 service->state == SERVICE_OTHER ? '~' : '+', service->node,
			 dhcp_describe(topo, service, what),
			 service->state == SERVICE_OTHER ?
				 ": restarted, it ran with other settings" :
				 "");
		r = fn(arg, text, err);
	}
	services_done(&services);
	model_free(have);
	return r;
}

/* --- status */

static int add(void *arena, struct netsim_fleet *ret, const char *node, const char *name, bool runs)
{
	struct netsim_service *service = arena_push(arena, ret->services, ret->service_count);

	if (!service)
		return -ENOMEM;
	service->node = arena_strdup(arena, node);
	service->runs = runs;
	if (strcmp(name, DHCP_SERVER) == 0) {
		service->program = "dnsmasq";
	} else {
		service->program = "udhcpc";
		service->iface = arena_strdup(arena, strchr(name, ':') + 1);
	}
	return service->node && (service->iface || service->program[0] == 'd') ? 0 : -ENOMEM;
}

static bool is_listed(const struct netsim_fleet *fleet, const char *node, const char *iface)
{
	for (size_t i = 0; i < fleet->service_count; i++) {
		const struct netsim_service *service = fleet->services[i];

		if (strcmp(service->node, node) == 0 && !service->iface == !iface &&
		    (!iface || strcmp(service->iface, iface) == 0))
			return true;
	}
	return false;
}

/* A member of the fleet's cgroup: NAME@NODE. A service with several processes is listed once. */
static int add_member(void *arena, struct netsim_fleet *ret, const struct cgroup_process *process)
{
	char name[256], *at;
	bool server;

	snprintf(name, sizeof(name), "%s", process->member);
	at = strrchr(name, '@');
	if (!at)
		return 0;
	*at++ = '\0';
	server = strcmp(name, DHCP_SERVER) == 0;
	return is_listed(ret, at, server ? NULL : strchr(name, ':') + 1) ?
		       0 :
		       add(arena, ret, at, name, process->pid != 0);
}

int api_services_status(const struct state *st, const struct model *have, void *arena,
			struct netsim_fleet *ret, struct netsim_err *err)
{
	struct cgroup_processes found = {0};
	int r = cgroup_services(have->fleet, st->own_id, &found, err);

	for (size_t i = 0; r == 0 && i < found.count; i++)
		r = add_member(arena, ret, &found.list[i]);
	/* Lists a server even if its cgroup is gone. */
	for (size_t i = 0; r == 0 && i < have->node_count; i++)
		if (have->nodes[i].service && !is_listed(ret, have->nodes[i].name, NULL))
			r = add(arena, ret, have->nodes[i].name, DHCP_SERVER, false);
	cgroup_processes_done(&found);
	return r == -ENOMEM ? err_oom(err) : r;
}
