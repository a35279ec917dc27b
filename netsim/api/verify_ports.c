// SPDX-License-Identifier: GPL-2.0-or-later
/* The conditions that verify expects of ports, and of the cables between networks. */
#include <errno.h>
#include <string.h>

#include "netsim/api/verify_parts.h"
#include "netsim/kernel/mark.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/edt.h"
#include "netsim/shape/netem.h"
#include "netsim/util/auto.h"

/* Reads the conditions of a port's link from the programs, if any. */
static void read_programs(const struct view *v, const struct link *port,
			  struct link_conditions *ret)
{
	uint16_t number = v->fleet.policy ? policy_link(v->fleet.policy,
							(size_t)(port - v->fleet.model->links)) :
					    0;
	struct port_conditions c;

	if (number &&
	    policy_now_at(v->fleet.policy, (struct port_key) {.from = number, .hop = PORT_HOP_UP},
			  &c) == 0)
		edt_read(&c, &ret->up);
	if (number &&
	    policy_now_at(v->fleet.policy, (struct port_key) {.to = number, .hop = PORT_HOP_DOWN},
			  &c) == 0)
		edt_read(&c, &ret->down);
}

bool verify_port_is_up(const struct view *v, const struct link *port)
{
	const struct link *now = model_find_link(v->fleet.st->host, MODEL_HOST, port->name);

	return now && now->up;
}

int verify_port(const struct view *v, const struct verify_port *port, struct link_conditions *ret,
		enum expected_state *ret_state, struct netsim_err *err)
{
	struct expected_port expected = {.vlan = port->tag};
	struct mark mark;
	int node, r;

	*ret = (struct link_conditions) {0};
	*ret_state = EXPECTED_UP;
	if (v->from_kernel) {
		netem_seen(v->fleet.st, &v->qdiscs, port->link, ret);
		read_programs(v, port->link, ret);
		return 0;
	}
	node = model_node_of_port(v->fleet.model, port->link, &mark);
	if (node < 0)
		return 0;
	expected.node = &v->fleet.model->nodes[node];
	expected.iface = mark.iface;
	r = expected_link(&v->intent, &expected, ret, ret_state, err);
	/* Still unplugged since netsim link pulled the cable out. */
	if (r == 0 && intent_has_pulled(&v->intent, mark.node, mark.iface) &&
	    !verify_port_is_up(v, port->link))
		*ret_state = EXPECTED_DOWN;
	return r;
}

/* Conditions that two hops in a row have together as one: delays add up, the lower rate rules. */
#define ADDING (1U << COND_RATE | 1U << COND_DELAY | 1U << COND_LOSS)

static bool can_add(const struct conditions *c)
{
	return !(c->has & ~ADDING) && (!cond_has(c, COND_LOSS) || c->loss.model == LOSS_RANDOM);
}

/* Adds a hop to others; false if what they do together is no condition. */
static bool add_hop(struct conditions *c, const struct conditions *hop)
{
	double kept;

	if (!c->has || !hop->has) {
		*c = c->has ? *c : *hop;
		return true;
	}
	if (!can_add(c) || !can_add(hop))
		return false;
	c->delay.ns += hop->delay.ns;
	if (cond_has(hop, COND_RATE) && (!cond_has(c, COND_RATE) || hop->rate.bps < c->rate.bps))
		c->rate = hop->rate;
	kept = (1 - (double)c->loss.ratio.ppb / RATIO_ONE) *
	       (1 - (double)hop->loss.ratio.ppb / RATIO_ONE);
	c->loss.ratio.ppb = (uint32_t)((1 - kept) * RATIO_ONE + 0.5);
	c->has |= hop->has;
	return true;
}

static int add_cable(const struct view *v, const struct link *end, struct verify_path *path,
		     struct netsim_err *err)
{
	struct link_conditions link;
	enum expected_state state;
	int r = verify_port(v, &(struct verify_port) {end, 0}, &link, &state, err);

	if (r < 0)
		return r;
	path->cut |= state == EXPECTED_DOWN;
	if (state == EXPECTED_FLAPS)
		path->why_path = "a cable between the networks flaps";
	else if (!add_hop(&path->path, &link.down))
		path->why_path = "several hops between the networks have such conditions";
	return 0;
}

int verify_crossing(const struct view *v, const struct place *from, const struct place *to,
		    struct verify_path *path, struct netsim_err *err)
{
	auto_free const struct link **ends = NULL;
	int count, r = 0;

	if (!*from->at.bridge || strcmp(from->at.bridge, to->at.bridge) == 0)
		return 0;
	count = cable_crossed(v->fleet.model, &from->at, &to->at, &ends);
	if (count == -ENOMEM)
		return err_oom(err);
	if (count == -EMLINK)
		path->why_path = "the networks are in a ring, and STP decides the way";
	for (int i = 0; r == 0 && i < count; i++)
		r = add_cable(v, ends[i], path, err);
	path->crossing = count > 0 ? ends[0] : NULL;
	return r;
}
