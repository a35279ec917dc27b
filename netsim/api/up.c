/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up, plan and diff: converge a fleet to its topology, or list the steps. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/api/attach.h"
#include "netsim/api/attach_ovs.h"
#include "netsim/api/mend.h"
#include "netsim/api/limits.h"
#include "netsim/api/services.h"
#include "netsim/config/topo.h"
#include "netsim/fleet/converge.h"
#include "netsim/kernel/bridge_filter.h"
#include "netsim/kernel/forwarding.h"
#include "netsim/fleet/fleet.h"
#include "netsim/fleet/layout.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/plan.h"
#include "netsim/fleet/target.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/fleet/uplink.h"
#include "netsim/run/cgroup.h"
#include "netsim/run/dhcp.h"
#include "netsim/shape/intent.h"
#include "netsim/util/auto.h"

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

/*
 * Before anything is changed, refuses a record that cannot be read. *ret: whether the record holds
 * a profile or faults, which it may even without any link, after a `down` that was killed.
 */
static int check_record(const char *fleet, bool *ret, struct netsim_err *err)
{
	struct intent intent;
	int r = intent_read(fleet, &intent, err);

	*ret = r == 0 && (intent.layer_count || intent.fault_count);
	intent_done(&intent);
	return r;
}

static int list_ovs(struct netsim *ctx, const char *fleet, struct netsim_up *up,
		    struct netsim_err *err)
{
	struct model *model = NULL;
	int r = state_read(&ctx->state, fleet, STATE_PORTS, &model, err);

	if (r == 0)
		r = attach_ovs_list(up, model, &up->ovs, &up->ovs_count, err);
	model_free(model);
	return r;
}

/* This machine cannot be the host of a fleet of which it is a node. */
static int refuse_machine(const struct state *st, const char *fleet, struct netsim_err *err)
{
	if (!state_is_machine(st, fleet))
		return 0;
	err_set(err, NETSIM_ERR_USAGE, -EBUSY, NULL, "this machine is itself a node of %s", fleet);
	err_hint(err, "netsim down ends that");
	return -EBUSY;
}

/* Claims the ports of attached nodes, and lists those that are missing. */
static int claim_ports(struct netsim *ctx, const struct topo *topo, const struct domains *domains,
		       struct netsim_up *up, struct netsim_err *err)
{
	struct attachment attachment = {0};
	int r = state_read_host(&ctx->state, err);

	if (r == 0)
		r = attach_bridges(&ctx->state, topo, err);
	if (r == 0)
		r = topo_record_write(topo, ctx->state.own_id, err);
	if (r == 0)
		r = attach_refresh(&ctx->state, topo->fleet, domains, &attachment, err);
	if (r == 0)
		r = attach_cables(&ctx->state, topo->fleet, &attachment, true, err);
	if (r == 0)
		r = attach_list(up, &attachment, &up->missing, &up->missing_count, err);
	up->step_count += attachment.marked + attachment.released;
	attach_done(&attachment);
	return r == 0 ? list_ovs(ctx, topo->fleet, up, err) : r;
}

static int attach(struct netsim *ctx, const struct topo *topo, const struct domains *domains,
		  struct netsim_up *up, struct netsim_err *err)
{
	int r = claim_ports(ctx, topo, domains, up, err);

	return r == 0 ? attach_guard(ctx, topo->fleet, err) : r;
}

/* True if nothing of the fleet was there. */
static bool is_new(const struct model *before)
{
	return !before->link_count && !before->node_count;
}

/*
 * Removes a fleet that this call has made, after its services or its uplink failed; one that was up
 * before stays, with the changes made so far.
 */
static void undo(struct netsim *ctx, const struct topo *topo, const struct model *before)
{
	struct netsim_err ignored = {0};

	if (!is_new(before))
		return;
	(void)uplink_remove(&ctx->state, topo->fleet, &ignored);
	(void)cgroup_remove_fleet(topo->fleet, ctx->state.own_id, CGROUP_ALL, &ignored);
	(void)attach_release(&ctx->state, topo->fleet, &ignored);
	(void)converge_remove(&ctx->state, topo->fleet, &ignored);
	dhcp_remove_files(topo->fleet);
	topo_record_remove(topo->fleet);
}

static int reach_uplink(struct netsim *ctx, const struct topo *topo, const struct model *before,
			struct netsim_up *up, struct netsim_err *err)
{
	int r = uplink_apply(&ctx->state, topo, &up->step_count, err);

	if (r < 0)
		undo(ctx, topo, before);
	return r;
}

/* Before services and workloads start, which belong below the cgroup of their node. */
static int limit(struct netsim *ctx, const struct topo *topo, const struct model *before,
		 struct netsim_up *up, struct netsim_err *err)
{
	int r = api_limits_up(ctx, topo, &up->step_count, err);

	if (r < 0)
		undo(ctx, topo, before);
	return r;
}

static int serve(struct netsim *ctx, const struct topo *topo, struct model *want,
		 const struct model *before, struct netsim_up *up, struct netsim_err *err)
{
	struct dhcp_changes changes;
	size_t again;
	int r = api_services_up(ctx, topo, &changes, err);

	up->step_count += changes.count;
	if (r == 0 && changes.removed)
		r = converge_to(&ctx->state, want, &again, err);
	if (r < 0)
		undo(ctx, topo, before);
	return r;
}

static int converge(struct netsim *ctx, const struct topo *topo, const struct domains *domains,
		    struct model *want, struct netsim_up *up, struct netsim_err *err)
{
	struct model *before = NULL;
	bool recorded = false;
	int r = state_read_host(&ctx->state, err);

	if (r == 0)
		r = refuse_machine(&ctx->state, want->fleet, err);
	if (r == 0)
		r = converge_check_foreign(&ctx->state, want, err);
	if (r == 0)
		r = attach_check(&ctx->state, topo, err);
	if (r == 0)
		r = api_services_check(topo, err);
	if (r == 0)
		r = api_limits_check(topo, err);
	if (r == 0)
		r = uplink_check(&ctx->state, topo, err);
	if (r == 0)
		r = check_record(want->fleet, &recorded, err);
	if (r == 0)
		r = state_read(&ctx->state, want->fleet, STATE_PORTS, &before, err);
	/* By the record, status tells what is missing if this process is killed. */
	if (r == 0 && is_new(before))
		r = topo_record_write(topo, ctx->state.own_id, err);
	if (r == 0) {
		r = converge_to(&ctx->state, want, &up->step_count, err);
		if (r < 0 && is_new(before))
			topo_record_remove(topo->fleet);
	}
	if (r == 0)
		r = attach(ctx, topo, domains, up, err);
	if (r == 0)
		r = reach_uplink(ctx, topo, before, up, err);
	if (r == 0 && (before->link_count || recorded || claim_is_needed(topo)))
		r = api_mend(ctx, before, up, NULL, err);
	if (r == 0)
		r = intent_plug_cables(want->fleet, err);
	if (r == 0)
		r = limit(ctx, topo, before, up, err);
	if (r == 0)
		r = serve(ctx, topo, want, before, up, err);
	model_free(before);
	return r;
}

static int add_step(void *arg, const char *text, struct netsim_err *err)
{
	struct netsim_up *up = arg;
	struct netsim_step *step = arena_push(up, up->steps, up->step_count);

	if (!step || !(step->text = arena_strdup(up, text + 2)))
		return err_oom(err);
	step->kind = *text == '+' ? NETSIM_STEP_ADD :
		     *text == '-' ? NETSIM_STEP_REMOVE :
				    NETSIM_STEP_CHANGE;
	return 0;
}

static int add_difference(void *arg, const char *text, const struct intent_fault *fault,
			  struct netsim_err *err)
{
	struct netsim_up *up = arg;
	struct netsim_step *step = arena_push(up, up->steps, up->step_count);

	if (!step || !(step->text = arena_strdup(up, text)))
		return err_oom(err);
	step->kind = NETSIM_STEP_CHANGE;
	step->cause = fault ? NETSIM_STEP_FAULT : NETSIM_STEP_PROFILE;
	step->fault = fault ? fault->id : 0;
	return 0;
}

/* The steps of a plan, and the differences from the profile and the faults in force. */
static int list_steps(struct netsim *ctx, const struct topo *topo, struct model *want,
		      struct netsim_up *up, struct netsim_err *err)
{
	struct model *have = NULL;
	struct plan plan = {0};
	char text[512];
	int r = state_read_host(&ctx->state, err);

	if (r == 0)
		r = refuse_machine(&ctx->state, want->fleet, err);
	if (r == 0)
		r = converge_check_foreign(&ctx->state, want, err);
	if (r == 0)
		r = state_read(&ctx->state, want->fleet, STATE_ALL, &have, err);
	if (r == 0)
		r = plan_make(want, have, &plan, err);
	for (size_t i = 0; r == 0 && i < plan.count; i++) {
		step_describe(&plan.steps[i], want, text, sizeof(text));
		if (*text)
			r = add_step(up, text, err);
	}
	if (r == 0)
		r = api_limits_each_step(ctx, topo, add_step, up, err);
	if (r == 0)
		r = api_services_each_step(ctx, topo, add_step, up, err);
	if (r == 0)
		r = uplink_describe(topo, have->link_count, text, sizeof(text), err);
	if (r == 0 && *text)
		r = add_step(up, text, err);
	if (r == 0)
		r = api_each_difference(ctx, want->fleet, add_difference, up, err);
	plan_done(&plan);
	model_free(have);
	return r;
}

/* After an error, removes the lock of a fleet that does not exist. The caller holds it. */
static void forget_lock(struct state *st, const char *fleet)
{
	auto_free char *found = NULL;

	if (state_read_host(st, NULL) == 0 && target_fleet(st, fleet, &found, NULL) == -ENOENT)
		lock_remove(fleet);
}

static int list_taps(const struct topo *topo, struct netsim_up *up, struct netsim_err *err)
{
	char mac[UNIT_TEXT];

	for (size_t i = 0; i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		for (size_t j = 0; node->kind == NODE_TAP && j < node->iface_count; j++) {
			const struct iface *iface = &node->ifaces[j];
			struct netsim_tap *tap = arena_push(up, up->taps, up->tap_count);

			if (!tap)
				return err_oom(err);
			tap->name = arena_printf(up, "%s/%s", node->name, iface->name);
			tap->device = arena_strdup(up, iface->port);
			if (iface->has_mac)
				tap->mac = arena_strdup(up, unit_format_mac(iface->mac, mac));
			tap->multi_queue = node->multi_queue;
			tap->vnet_hdr = node->vnet_hdr;
			if (!tap->name || !tap->device || (iface->has_mac && !tap->mac))
				return err_oom(err);
		}
	}
	return 0;
}

static int build(struct netsim *ctx, const struct topo *topo, struct model *want,
		 struct netsim_up *up, struct netsim_err *err)
{
	struct domains *domains = NULL;
	auto_close int lock = -1;
	/* Without the lock, because libvirt may take some time. */
	int r = attach_ask(topo, &domains, err);

	if (r == 0 && domains && *domains->why && !(up->libvirt = arena_strdup(up, domains->why)))
		r = err_oom(err);
	if (r == 0)
		r = lock_take(want->fleet, &lock, err);
	if (r == 0) {
		r = converge(ctx, topo, domains, want, up, err);
		if (r < 0)
			forget_lock(&ctx->state, want->fleet);
	}
	domains_free(domains);
	return r;
}

/* Adds a warning to those before. */
__attribute__((format(printf, 2, 3))) static int warn(struct netsim_up *up, const char *format, ...)
{
	char text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	up->warning = arena_printf(up, "%s%s%s", up->warning ? up->warning : "",
				   up->warning ? "; also: " : "", text);
	return up->warning ? 0 : -ENOMEM;
}

/* Warns if the host does not forward packets between the ports of routed networks. */
static int warn_forwarding(const struct netsim *ctx, const struct topo *topo, struct netsim_up *up)
{
	const struct model *host = ctx->state.host;
	const char *off = NULL, *network = NULL;
	int r = 0;

	for (size_t i = 0; i < topo->network_count; i++)
		if ((topo->networks[i].routed || *topo->networks[i].uplink) &&
		    topo_address(&topo->networks[i], AF_INET6))
			network = topo->networks[i].name;
	for (size_t i = 0; !off && i < host->link_count; i++)
		if (host->links[i].routed && state_is_ours(&host->links[i], topo->fleet) &&
		    !forwarding_is_on(AF_INET, host->links[i].name))
			off = host->links[i].name;
	if (network && !forwarding_is_on(AF_INET6, ""))
		r = warn(up,
			 "the host does not forward the IPv6 packets of the nodes of %s; needs: "
			 "sysctl -w net.ipv6.conf.all.forwarding=1",
			 network);
	if (r == 0 && off)
		r = warn(up,
			 "the host does not forward IPv4 packets from %s; needs: sysctl -w "
			 "net.ipv4.conf.%s.forwarding=1",
			 off, off);
	return r;
}

static int add_warnings(const struct netsim *ctx, const struct topo *topo, struct netsim_up *up,
			struct netsim_err *err)
{
	bool routed = false;
	char filter[320];
	int r;

	for (size_t i = 0; i < topo->network_count; i++)
		routed |= topo->networks[i].routed || *topo->networks[i].uplink;
	bridge_filter_describe(routed, filter, sizeof(filter));
	r = *filter ? warn(up, "%s; needs: %s", filter,
			   routed ? ROUTED_FILTER_HINT : BRIDGE_FILTER_HINT) :
		      0;
	if (r == 0 && routed)
		r = warn_forwarding(ctx, topo, up);
	return r < 0 ? err_oom(err) : 0;
}

int netsim_up(struct netsim *ctx, const char *path, const struct netsim_up_opts *opts,
	      struct netsim_up **ret, struct netsim_diags *diags, struct netsim_err *err)
{
	struct netsim_up_opts o;
	struct netsim_up *up = arena_new(sizeof(*up));
	struct model *want = NULL;
	struct topo *topo = NULL;
	int r = up ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = load(path, &topo, &want, diags, err);
	if (r == 0 && !(up->fleet = arena_strdup(up, topo->fleet)))
		r = err_oom(err);
	if (r == 0) {
		up->node_count = topo->node_count;
		up->network_count = topo->network_count;
		r = list_taps(topo, up, err);
	}
	if (r == 0) {
		r = o.dry_run ? list_steps(ctx, topo, want, up, err) :
				build(ctx, topo, want, up, err);
	}
	if (r == 0 && !o.dry_run)
		r = add_warnings(ctx, topo, up, err);
	model_free(want);
	topo_free(topo);
	if (r < 0)
		arena_free(up);
	else
		*ret = up;
	return r;
}

void netsim_up_free(struct netsim_up *up)
{
	arena_free(up);
}

int netsim_diff(struct netsim *ctx, const char *path, const struct netsim_diff_opts *opts,
		struct netsim_diff **ret, struct netsim_diags *diags, struct netsim_err *err)
{
	const struct netsim_up_opts plan = NETSIM_OPTS(struct netsim_up_opts, .dry_run = true);
	struct netsim_diff *diff = arena_new(sizeof(*diff));
	struct netsim_diff_opts o;
	struct netsim_up *up = NULL;
	int r = diff ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = netsim_up(ctx, path, &plan, &up, diags, err);
	if (r == 0 && !(diff->fleet = arena_strdup(diff, up->fleet)))
		r = err_oom(err);
	for (size_t i = 0; r == 0 && i < up->step_count; i++) {
		struct netsim_step *step = arena_push(diff, diff->list, diff->count);
		char *text = step ? arena_strdup(diff, up->steps[i]->text) : NULL;

		if (!text) {
			r = err_oom(err);
			break;
		}
		*step = *up->steps[i];
		step->text = text;
	}
	netsim_up_free(up);
	if (r < 0)
		arena_free(diff);
	else
		*ret = diff;
	return r;
}

void netsim_diff_free(struct netsim_diff *diff)
{
	arena_free(diff);
}
