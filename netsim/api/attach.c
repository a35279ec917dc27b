/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/attach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/attach_ovs.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/kernel/filter.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/neigh.h"
#include "netsim/kernel/offload.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/virt/domain_watch.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/ifb.h"
#include "netsim/shape/intent.h"
#include "netsim/shape/netem.h"
#include "netsim/util/auto.h"

/* --- deciding */

void attach_done(struct attachment *attachment)
{
	free(attachment->claims.list);
	topo_free(attachment->topo);
	*attachment = (struct attachment) {0};
}

int attach_domain_names(const struct topo *topo, const char ***ret, size_t *count,
			struct netsim_err *err)
{
	*count = 0;
	*ret = calloc(topo->node_count + 1, sizeof(**ret));
	if (!*ret)
		return err_oom(err);
	for (size_t i = 0; i < topo->node_count; i++)
		if (topo->nodes[i].domain)
			(*ret)[(*count)++] = topo->nodes[i].domain;
	return 0;
}

int attach_ask(const struct topo *topo, struct domains **ret, struct netsim_err *err)
{
	auto_free const char **names = NULL;
	size_t count;
	int r = attach_domain_names(topo, &names, &count, err);

	*ret = NULL;
	return r == 0 && count ? domains_ask(topo->libvirt, names, count, ret, err) : r;
}

/* The domain's interface that has the claim's tap or, as libvirt may list taps late, its MAC. */
static const struct domain_port *port_of_claim(const struct domains *domains,
					       const struct port_claim *claim,
					       const struct domain **ret)
{
	const struct domain_port *port = domains_port_of(domains, claim->port, ret);
	const struct iface *iface = claim->iface;

	*ret = !port && claim->node->domain ? domains_find(domains, claim->node->domain) : *ret;
	for (size_t i = 0; !port && *ret && iface->has_mac && i < (*ret)->port_count; i++)
		if ((*ret)->ports[i].has_mac &&
		    memcmp(&(*ret)->ports[i].mac, &iface->mac, sizeof(iface->mac)) == 0)
			port = &(*ret)->ports[i];
	return port;
}

/*
 * Withdraws the claim of a tap with an ingress qdisc, as libvirt makes for <bandwidth>: it excludes
 * netsim's programs. If these were there first, libvirt could not make it, and would not start the
 * domain.
 */
static void withdraw_limited(const struct qdiscs *all, const struct domains *domains,
			     struct port_claim *claim)
{
	const struct domain *domain = NULL;
	const struct domain_port *port = port_of_claim(domains, claim, &domain);

	if (port && port->outbound)
		claim_withdraw(claim,
			       "the <bandwidth> outbound of the domain %s excludes netsim's "
			       "programs; to end it: virsh domiftune %s %s --outbound 0,0,0",
			       domain->name, domain->name, claim->port);
	else if (qdisc_has_ingress(all, claim->ifindex))
		claim_withdraw(claim,
			       "a foreign qdisc at %s, ingress, excludes netsim's programs; if it "
			       "is libvirt's <bandwidth>: virsh domiftune %s %s --outbound 0,0,0",
			       claim->port, claim->node->domain ? claim->node->domain : "DOMAIN",
			       claim->port);
}

static int decide(struct state *st, const struct domains *domains, struct attachment *a,
		  struct netsim_err *err)
{
	auto_free struct neigh_mac *macs = NULL;
	struct qdiscs qdiscs = {0};
	struct ovs ovs = {0};
	size_t count = 0;
	int r = neigh_bridged(st->rt, &macs, &count, err);

	free(a->claims.list);
	a->claims = (struct port_claims) {0};
	if (r == 0)
		r = attach_ovs_read(st, a->topo, &ovs, err);
	if (r == 0)
		r = ovs_add_macs(&ovs, st->host, &macs, &count, err);
	if (r == 0 && claim_decide(a->topo, st->host, macs, count, domains, &a->claims) < 0)
		r = err_oom(err);
	if (r == 0)
		r = qdisc_list(st->rt, &qdiscs, err);
	if (r == 0)
		attach_ovs_limit(st, &ovs, &qdiscs, &a->claims);
	for (size_t i = 0; r == 0 && i < a->claims.count; i++)
		if (a->claims.list[i].ifindex)
			withdraw_limited(&qdiscs, domains, &a->claims.list[i]);
	ovs_done(&ovs);
	free(qdiscs.list);
	return r;
}

/* True if libvirt may know a port that is missing. */
static bool misses_domain(const struct attachment *a)
{
	char why[CLAIM_TEXT];

	for (size_t i = 0; i < a->claims.count; i++)
		if (a->claims.list[i].node->domain && attach_misses(&a->claims.list[i], why))
			return true;
	return false;
}

int attach_look(struct state *st, const char *fleet, struct attachment *ret, struct netsim_err *err)
{
	struct domains *domains = NULL;
	int r;

	*ret = (struct attachment) {0};
	/* On a machine that is a node, the record lists other machines, not taps. */
	if (state_is_machine(st, fleet))
		return 0;
	r = topo_record_read(fleet, &ret->topo, err);
	if (r < 0 || !ret->topo)
		return r;
	r = decide(st, NULL, ret, err);
	if (r == 0 && misses_domain(ret))
		r = attach_ask(ret->topo, &domains, err);
	if (r == 0 && domains)
		r = decide(st, domains, ret, err);
	domains_free(domains);
	return r;
}

bool attach_misses(const struct port_claim *claim, char why[static CLAIM_TEXT])
{
	if (claim->ifindex && claim->marked)
		return false;
	if (claim->ifindex)
		snprintf(why, CLAIM_TEXT, "%s is new; netsim up or netsim watch shapes it%s",
			 claim->port,
			 claim->closed ? "; until then it reaches no node, but the host and other "
					 "new taps" :
					 "; until then it reaches all");
	else
		snprintf(why, CLAIM_TEXT, "%s", claim->why);
	return true;
}

int attach_list(void *arena, const struct attachment *attachment, struct netsim_missing ***list,
		size_t *count, struct netsim_err *err)
{
	for (size_t i = 0; i < attachment->claims.count; i++) {
		const struct port_claim *claim = &attachment->claims.list[i];
		struct netsim_missing *missing;
		char why[CLAIM_TEXT];

		if (!attach_misses(claim, why))
			continue;
		missing = arena_push(arena, *list, *count);
		if (!missing)
			return err_oom(err);
		missing->name = arena_printf(arena, "%s/%s", claim->node->name, claim->iface->name);
		missing->why = arena_strdup(arena, why);
		if (!missing->name || !missing->why)
			return err_oom(err);
	}
	return 0;
}

/* --- marking */

/* Sets the alias of a link; "" removes it. */
static void set_alias(struct state *st, int ifindex, const char *name, char *alias)
{
	struct link marked = {.alias = alias};

	link_set(st->rt, &marked, ifindex, LINK_SET_ALIAS, 0, name);
}

/* Marks a port; returns false if it had this mark already. */
static bool mark_port(struct state *st, const struct topo *topo, struct port_claim *claim)
{
	const struct link *link = model_find_link(st->host, MODEL_HOST, claim->port);
	const struct network *network = &topo->networks[claim->iface->network];
	struct mark mark = {.fleet = topo->fleet,
			    .node = claim->node->name,
			    .iface = claim->iface->name,
			    .roles = (const char *const *)claim->node->roles,
			    .role_count = claim->node->role_count,
			    .closed = network->routed && network->unclaimed == UNCLAIMED_DROP,
			    .routed = network->routed,
			    .attached = true};
	struct mark old;
	char alias[MARK_TEXT];

	/* The host sends through such a tap itself, without this while it is shaped. */
	if (network->routed)
		mark.tso = mark_parse(link->alias, &old) ? old.tso : offload_wants_tso(link->name);
	attach_ovs_mark(link, claim->iface, &mark);
	mark_format(&mark, alias);
	claim->marked = true;
	if (link->alias && strcmp(link->alias, alias) == 0)
		return false;
	set_alias(st, claim->ifindex, claim->port, alias);
	return true;
}

int attach_cables(struct state *st, const char *fleet, const struct attachment *a, bool up,
		  struct netsim_err *err)
{
	struct intent intent;
	int r = intent_read(fleet, &intent, err);

	for (size_t i = 0; r == 0 && intent.pulled_count && i < a->claims.count; i++) {
		const struct port_claim *claim = &a->claims.list[i];
		const struct link *tap = model_find_link(st->host, MODEL_HOST, claim->port);

		if (claim->ifindex && tap && tap->up != up &&
		    intent_has_pulled(&intent, claim->node->name, claim->iface->name))
			link_set(st->rt, tap, claim->ifindex, up ? LINK_SET_UP : LINK_SET_DOWN, 0,
				 claim->port);
	}
	intent_done(&intent);
	return r == 0 ? rtnl_send(st->rt, err) : r;
}

/* True if netsim link has set this tap down. */
static bool is_pulled(const char *fleet, const struct link *tap)
{
	struct intent intent;
	struct mark mark;
	bool pulled = false;

	if (tap->kind != LINK_TAP || !mark_parse(tap->alias, &mark) || !mark.iface)
		return false;
	if (intent_read(fleet, &intent, NULL) == 0)
		pulled = intent_has_pulled(&intent, mark.node, mark.iface);
	intent_done(&intent);
	return pulled;
}

/* Removes from a link all that netsim added, the mark last. */
static int give_back(struct state *st, const char *fleet, const struct link *link,
		     struct netsim_err *err)
{
	char name[IFNAMSIZ], none[] = "";
	const struct link *ifb;
	struct netsim_err why = {0};
	struct qdiscs qdiscs = {0};
	struct mark mark;
	bool clsact;
	int r = qdisc_list(st->rt, &qdiscs, err);

	if (r < 0)
		return r;
	ifb_name(link->name, name);
	ifb = model_find_link(st->host, MODEL_HOST, name);
	clsact = qdisc_find(&qdiscs, link->ifindex, QDISC_CLSACT) &&
		 !qdisc_has_ingress(&qdiscs, link->ifindex);
	for (enum filter_slot slot = FILTER_EGRESS; slot <= FILTER_STAMP; slot++)
		if (clsact)
			filter_del(st->rt, link->ifindex, slot, link->name);
	if (qdisc_find(&qdiscs, link->ifindex, QDISC_ROOT))
		qdisc_del_root(st->rt, link->ifindex, link->name);
	if (ifb && state_made(ifb, fleet))
		link_del(st->rt, ifb->ifindex, name);
	if (is_pulled(fleet, link))
		link_set(st->rt, link, link->ifindex, LINK_SET_UP, 0, link->name);
	free(qdiscs.list);
	r = rtnl_send(st->rt, &why);
	if (r == 0 && link->machine)
		r = netem_restore_offloads(link, &why);
	if (r == 0 && clsact)
		r = filter_drop_empty_clsact(st->rt, link->ifindex, link->name, &why);
	if (r == 0 && mark_parse(link->alias, &mark) && mark.tso)
		(void)offload_set(link->name, OFFLOAD_SEND, true, NULL, NULL);
	if (r == 0) {
		set_alias(st, link->ifindex, link->name, none);
		r = rtnl_send(st->rt, &why);
	}
	/* Removed meanwhile by the program that made it: there is nothing to give back. */
	if (r == -ENODEV)
		return 0;
	if (r < 0 && err)
		*err = why;
	return r;
}

static bool is_attached(const struct link *link, const char *fleet, struct mark *ret)
{
	return mark_parse(link->alias, ret) && ret->attached && !MARK_IS_GROUP(link->group) &&
	       strcmp(ret->fleet, fleet) == 0;
}

static struct port_claim *claim_of(const struct attachment *a, const struct link *port)
{
	for (size_t i = 0; i < a->claims.count; i++)
		if (a->claims.list[i].ifindex == port->ifindex)
			return &a->claims.list[i];
	return NULL;
}

/* Gives back marked taps that are no longer a port, or are now another node's. */
static int release_stale(struct state *st, const char *fleet, struct attachment *a,
			 struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < st->host->link_count; i++) {
		struct link *link = &st->host->links[i];
		struct port_claim *claim;
		struct mark mark;

		if (link->kind != LINK_TAP || !is_attached(link, fleet, &mark))
			continue;
		claim = claim_of(a, link);
		if (claim && strcmp(claim->node->name, mark.node) == 0 && mark.iface &&
		    strcmp(claim->iface->name, mark.iface) == 0)
			continue;
		r = give_back(st, fleet, link, err);
		free(link->alias);
		link->alias = NULL;
		a->released++;
		if (claim)
			claim->marked = false;
	}
	return r;
}

/* True if an IFB belongs to an attached node whose port is gone, or has another name now. */
static bool is_orphan(const struct link *ifb, const char *fleet, const struct attachment *a)
{
	char name[IFNAMSIZ];
	struct mark mark;

	if (ifb->kind != LINK_IFB || !state_made(ifb, fleet) || !mark_parse(ifb->alias, &mark) ||
	    !mark.iface)
		return false;
	for (size_t i = 0; i < a->claims.count; i++) {
		const struct port_claim *claim = &a->claims.list[i];

		if (strcmp(claim->node->name, mark.node) != 0 ||
		    strcmp(claim->iface->name, mark.iface) != 0)
			continue;
		if (!claim->ifindex)
			return true;
		ifb_name(claim->port, name);
		return strcmp(ifb->name, name) != 0;
	}
	return false;
}

/* The next tap of a node may have another name, and so another IFB. */
static void remove_orphans(struct state *st, const char *fleet, const struct attachment *a)
{
	for (size_t i = 0; i < st->host->link_count; i++)
		if (is_orphan(&st->host->links[i], fleet, a))
			link_del(st->rt, st->host->links[i].ifindex, st->host->links[i].name);
}

int attach_refresh(struct state *st, const char *fleet, const struct domains *domains,
		   struct attachment *ret, struct netsim_err *err)
{
	int r;

	*ret = (struct attachment) {0};
	r = topo_record_read(fleet, &ret->topo, err);
	if (r < 0 || !ret->topo)
		return r;
	r = decide(st, domains, ret, err);
	if (r == 0)
		r = release_stale(st, fleet, ret, err);
	for (size_t i = 0; r == 0 && i < ret->claims.count; i++)
		if (ret->claims.list[i].ifindex)
			ret->marked += mark_port(st, ret->topo, &ret->claims.list[i]);
	if (r < 0)
		return r;
	remove_orphans(st, fleet, ret);
	r = rtnl_send(st->rt, err);
	return r == 0 && (ret->marked || ret->released) ? state_read_host(st, err) : r;
}

/* --- the networks and the record */

/* True for a bridge that has no mark yet, or that of this fleet. */
static bool can_attach(const struct link *bridge, const char *fleet)
{
	struct mark mark;

	return bridge && bridge->kind == LINK_BRIDGE &&
	       (!bridge->alias || is_attached(bridge, fleet, &mark));
}

static int check_bridges(const struct state *st, const struct topo *topo, struct netsim_err *err)
{
	for (size_t i = 0; i < topo->network_count; i++) {
		const struct network *net = &topo->networks[i];
		const struct link *bridge = model_find_link(st->host, MODEL_HOST, net->bridge);

		if (!net->attached || can_attach(bridge, topo->fleet))
			continue;
		if (!bridge) {
			err_set(err, NETSIM_ERR_KERNEL, -ENOENT, &net->attached_at,
				"there is no bridge %s", net->bridge);
			err_hint(err, "start the program that makes it, or remove \"attached\"");
		} else if (bridge->kind != LINK_BRIDGE) {
			err_set(err, NETSIM_ERR_KERNEL, -EEXIST, &net->attached_at,
				"%s is not a bridge", net->bridge);
		} else {
			err_set(err, NETSIM_ERR_KERNEL, -EEXIST, &net->attached_at,
				"the bridge %s has an alias already: %s", net->bridge,
				bridge->alias);
		}
		return err->code;
	}
	return 0;
}

int attach_check(const struct state *st, const struct topo *topo, struct netsim_err *err)
{
	struct ovs ovs = {0};
	int r = attach_ovs_read(st, topo, &ovs, err);

	if (r == 0)
		r = attach_ovs_check(st, topo, &ovs, err);
	if (r == 0)
		r = check_bridges(st, topo, err);
	ovs_done(&ovs);
	return r;
}

/* Gives back bridges that the topology does not attach any more. */
static int release_bridges(struct state *st, const struct topo *topo, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < st->host->link_count; i++) {
		const struct link *link = &st->host->links[i];
		struct mark mark;
		bool wanted = false;

		if (link->kind != LINK_BRIDGE || !is_attached(link, topo->fleet, &mark))
			continue;
		for (size_t n = 0; n < topo->network_count; n++)
			wanted |= topo->networks[n].attached &&
				  strcmp(topo->networks[n].bridge, link->name) == 0;
		if (!wanted)
			r = give_back(st, topo->fleet, link, err);
	}
	return r;
}

int attach_bridges(struct state *st, const struct topo *topo, struct netsim_err *err)
{
	bool changed = false;
	struct ovs ovs = {0};
	int r = attach_ovs_read(st, topo, &ovs, err);

	ovs_done(&ovs);
	if (r == 0)
		r = release_bridges(st, topo, err);
	for (size_t i = 0; r == 0 && i < topo->network_count; i++) {
		const struct network *net = &topo->networks[i];
		const struct link *bridge = model_find_link(st->host, MODEL_HOST, net->bridge);
		struct mark mark, old;
		char alias[MARK_TEXT];

		if (!net->attached || !can_attach(bridge, topo->fleet))
			continue;
		mark = (struct mark) {.fleet = topo->fleet,
				      .node = net->name,
				      .closed = net->unclaimed == UNCLAIMED_DROP,
				      .attached = true};
		mark.tso = mark_parse(bridge->alias, &old) ?
				   old.tso :
				   offload_is_on(bridge->name, OFFLOAD_SEND);
		attach_ovs_mark(bridge, NULL, &mark);
		mark_format(&mark, alias);
		if (bridge->alias && strcmp(bridge->alias, alias) == 0)
			continue;
		set_alias(st, bridge->ifindex, bridge->name, alias);
		changed = true;
	}
	if (r == 0)
		r = rtnl_send(st->rt, err);
	return r == 0 && changed ? state_read_host(st, err) : r;
}

int attach_guard(struct netsim *ctx, const char *fleet, struct netsim_err *err)
{
	struct fleet f = FLEET_NONE;
	bool closed = false, ports = false;
	struct mark mark;
	int r = state_read_host(&ctx->state, err);

	if (r == 0)
		r = fleet_read(&ctx->state, fleet, &f, err);
	for (size_t i = 0; r == 0 && i < f.model->link_count; i++) {
		ports |= link_is_port(&f.model->links[i]);
		closed |= (f.model->links[i].kind == LINK_BRIDGE || f.model->links[i].routed) &&
			  mark_parse(f.model->links[i].alias, &mark) && mark.closed;
	}
	closed |= r == 0 && f.model->awaits_routed;
	if (r == 0 && closed && ports)
		r = fleet_find_policy(&f, err);
	f.withhold = true;
	if (r == 0 && closed && ports && !f.policy)
		r = engine_open_policy(&f, err);
	else if (r == 0 && f.policy)
		r = policy_know_host(f.policy, f.st, f.model, err);
	fleet_close(&f);
	return r;
}

int attach_release(struct state *st, const char *fleet, struct netsim_err *err)
{
	int r = state_read_host(st, err);

	for (size_t i = 0; r == 0 && i < st->host->link_count; i++) {
		struct mark mark;

		if (is_attached(&st->host->links[i], fleet, &mark))
			r = give_back(st, fleet, &st->host->links[i], err);
	}
	return r;
}
