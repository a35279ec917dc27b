/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify on a machine that is itself a node: what one end can prove, by pings to its peers. Its own
 * conditions are a lower bound of each round trip and of its losses; a partition lets no answer
 * through. Silence proves nothing, because a peer may be off, or have cut itself off.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/api/verify_parts.h"
#include "netsim/kernel/mark.h"
#include "netsim/probe/echo.h"
#include "netsim/shape/expected.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define COUNT	     10
#define INTERVAL_S   0.1
#define JITTER_MOST  4	 /* times the jitter, that a packet can be early */
#define TOLERANCE_MS 1.0 /* of a round trip that is too short */
#define LOSS_ECHOES  800 /* at most, to prove a loss */
#define LOSS_LOST    30	 /* expected losses that tell a loss from none */
#define LOSS_SPREAD  4.4 /* standard deviations, which one in 100,000 measurements exceeds */
#define LOSS_PAUSE_S 0.01

/* What is expected of a peer. */
struct peer_expected {
	bool cut, flaps;
	double least; /* of a round trip, in ms */
	double loss;  /* of its packets, at least; 1: all */
};

/* Whether verify is about a peer: about all, about this one, or about the machine itself. */
static bool is_about(const struct view *v, size_t node)
{
	const struct model *model = v->fleet.model;

	return !model->nodes[node].machine &&
	       (!v->named || v->named[node] || v->named[model_machine(model)]);
}

static struct expected_end self(const struct view *v)
{
	return (struct expected_end) {&v->fleet.model->nodes[model_machine(v->fleet.model)]};
}

static double least_of(const struct conditions *c)
{
	double least = (double)(c->delay.ns - JITTER_MOST * c->jitter.ns) / 1e6;

	return cond_has(c, COND_DELAY) && !cond_has(c, COND_REORDER) && least > 0 ? least : 0;
}

/* Adds the conditions of the machine's links; with several, packets may take the fastest. */
static int expect_links(const struct view *v, struct peer_expected *ret, bool *ret_more,
			struct netsim_err *err)
{
	const struct model *model = v->fleet.model;
	bool first = true, all_down = true;
	double least = 0, loss = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < model->link_count; i++) {
		struct link_conditions c;
		enum expected_state state;
		struct mark mark;

		if (!model->links[i].machine || !mark_parse(model->links[i].alias, &mark))
			continue;
		r = expected_link(&v->intent, &(struct expected_port) {self(v).node, mark.iface, 0},
				  &c, &state, err);
		if (r < 0)
			return r;
		least = least_of(&c.up) + least_of(&c.down);
		ret->least = first || least < ret->least ? least : ret->least;
		loss = 1 - (1 - verify_loss(&c.up)) * (1 - verify_loss(&c.down));
		ret->loss = first || loss < ret->loss ? loss : ret->loss;
		ret->flaps |= state == EXPECTED_FLAPS;
		all_down &= state == EXPECTED_DOWN;
		*ret_more |= c.up.has || c.down.has;
		first = false;
	}
	ret->cut |= all_down;
	return r;
}

static int expect(const struct view *v, size_t node, struct peer_expected *ret, bool *ret_more,
		  struct netsim_err *err)
{
	const struct model *model = v->fleet.model;
	struct expected_end peer = {&model->nodes[node]};
	int a = v->fleet.policy ? policy_node(v->fleet.policy, self(v).node->name) : -1;
	int b = v->fleet.policy ? policy_node(v->fleet.policy, peer.node->name) : -1;
	const struct expected_traffic any = {0};
	struct conditions path;
	int r;

	*ret = (struct peer_expected) {.cut = expected_cut(&v->intent, self(v), peer, any) ||
					      expected_cut(&v->intent, peer, self(v), any)};
	if (!v->known && a >= 0 && b >= 0)
		ret->cut |= !policy_reaches(v->fleet.policy, a, b) ||
			    !policy_reaches(v->fleet.policy, b, a);
	r = expect_links(v, ret, ret_more, err);
	if (r == 0)
		r = expected_path(&v->intent, self(v), peer, NULL, &path, err);
	if (r == 0) {
		ret->least += least_of(&path);
		ret->loss = 1 - (1 - ret->loss) * (1 - verify_loss(&path));
	}
	*ret_more |= r == 0 && path.has;
	return r;
}

static const struct ip *address_of(const struct model_node *node)
{
	for (size_t i = 0; i < node->place_count; i++) {
		const struct model_place *place = &node->places[i];

		if (!place->is_mac && place->ip.plen == (place->ip.family == AF_INET ? 32 : 128))
			return &place->ip;
	}
	return NULL;
}

static struct verify_row *add_row(struct view *v, const char *subject, const char *what,
				  struct netsim_err *err)
{
	struct verify_row *row = array_push(v->rows.list, v->rows.count);

	if (!row) {
		err_oom(err);
		return NULL;
	}
	*row = (struct verify_row) {.verdict = NETSIM_UNPROVED};
	snprintf(row->subject, sizeof(row->subject), "%s", subject);
	snprintf(row->what, sizeof(row->what), "%s", what);
	return row;
}

static void unproved(struct verify_row *row, const char *why)
{
	row->verdict = NETSIM_UNPROVED;
	snprintf(row->why, sizeof(row->why), "%s", why);
}

static void judge(struct verify_row *row, const struct peer_expected *asked,
		  const struct echo_pair *pair)
{
	snprintf(row->measured, sizeof(row->measured), "%u of %u answered", pair->received,
		 pair->sent);
	if (asked->cut) {
		snprintf(row->asked, sizeof(row->asked), "nothing passes");
		row->verdict = pair->received ? NETSIM_NOT_AS_ASKED : NETSIM_AS_ASKED;
		return;
	}
	if (asked->least > 0)
		snprintf(row->asked, sizeof(row->asked), "%.1f ms or more", asked->least);
	else
		snprintf(row->asked, sizeof(row->asked), "all pass");
	if (!pair->received) {
		unproved(row, "no answer: the peer may be off, or have cut itself off");
		return;
	}
	if (asked->least > 0)
		snprintf(row->measured, sizeof(row->measured), "%.1f ms", pair->min);
	row->verdict =
		pair->min + TOLERANCE_MS < asked->least ? NETSIM_NOT_AS_ASKED : NETSIM_AS_ASKED;
}

static int judge_peer(struct view *v, size_t node, const struct peer_expected *before,
		      const struct echo_pair *pair, struct netsim_err *err)
{
	const struct model_node *peer = &v->fleet.model->nodes[node];
	struct peer_expected asked;
	struct verify_row *row;
	bool more = false;
	int r = expect(v, node, &asked, &more, err);

	if (r < 0)
		return r;
	row = add_row(v, peer->name, asked.cut ? "cut" : asked.least > 0 ? "rtt" : "reach", err);
	if (!row)
		return -ENOMEM;
	if (!address_of(peer))
		unproved(row, "the topology has no IP address for it");
	else if (asked.flaps)
		unproved(row, "the link flaps");
	else if (asked.cut != before->cut || asked.least != before->least)
		unproved(row, "its conditions changed during the measurement");
	else if (!pair->sent)
		unproved(row, VERIFY_INTERRUPTED);
	else
		judge(row, &asked, pair);
	return 0;
}

static bool tell(void *arg, double done)
{
	return verify_tell(arg, "pinging the peers", done);
}

/* Sends to all peers whose number of echoes is not 0, which the largest of these decides. */
static int ping(const struct view *v, const unsigned *echoes, double interval,
		const struct peer_expected *asked, struct echo_pair *pairs, struct netsim_err *err)
{
	const struct model *model = v->fleet.model;
	auto_free struct echo_pair *list = calloc(model->node_count + 1, sizeof(*list));
	struct echo_plan plan = {.own_fd = v->run.own_fd,
				 .pairs = list,
				 .interval = interval,
				 .progress = tell,
				 .arg = (void *)&v->run};
	int r = list ? 0 : err_oom(err);

	for (size_t n = 0; r == 0 && n < model->node_count; n++) {
		if (!echoes[n])
			continue;
		plan.count = echoes[n] > plan.count ? echoes[n] : plan.count;
		list[plan.pair_count++] = (struct echo_pair) {.ns_fd = v->run.own_fd,
							      .to = *address_of(&model->nodes[n]),
							      .no_wait = asked[n].cut};
	}
	if (r == 0 && plan.pair_count)
		r = echo_run(&plan, err);
	for (size_t n = 0, i = 0; r == 0 && n < model->node_count; n++)
		if (echoes[n])
			pairs[n] = list[i++];
	return r;
}

static int ping_all(const struct view *v, struct echo_pair *pairs, struct peer_expected *asked,
		    bool *ret_more, struct netsim_err *err)
{
	const struct model *model = v->fleet.model;
	auto_free unsigned *echoes = calloc(model->node_count + 1, sizeof(*echoes));
	int r = echoes ? 0 : err_oom(err);

	for (size_t n = 0; r == 0 && n < model->node_count; n++) {
		if (!is_about(v, n))
			continue;
		r = expect(v, n, &asked[n], ret_more, err);
		echoes[n] = address_of(&model->nodes[n]) ? COUNT : 0;
	}
	return r == 0 ? ping(v, echoes, INTERVAL_S, asked, pairs, err) : r;
}

static void judge_loss(struct verify_row *row, double asked, const struct echo_pair *pair)
{
	double lost = (double)pair->sent - pair->received, expected = pair->sent * asked;

	snprintf(row->asked, sizeof(row->asked), "%.2g %% or more", asked * 100);
	snprintf(row->measured, sizeof(row->measured), "%.2g %% (%.0f of %u)",
		 pair->sent ? lost / pair->sent * 100 : 0, lost, pair->sent);
	row->verdict = lost < expected - LOSS_SPREAD * sqrt(expected * (1 - asked)) ?
			       NETSIM_NOT_AS_ASKED :
			       NETSIM_AS_ASKED;
}

static int read_again(struct view *v, struct netsim_err *err)
{
	intent_done(&v->intent);
	return intent_read_parsed(v->fleet.model->fleet, &v->intent, err);
}

/* A second measurement, of the losses of those that have answered. */
static int prove_losses(struct view *v, const struct echo_pair *answers,
			const struct peer_expected *asked, struct netsim_err *err)
{
	const struct model *model = v->fleet.model;
	auto_free struct echo_pair *pairs = calloc(model->node_count + 1, sizeof(*pairs));
	auto_free unsigned *echoes = calloc(model->node_count + 1, sizeof(*echoes));
	struct peer_expected now;
	struct verify_row *row;
	bool more;
	int r = pairs && echoes ? 0 : err_oom(err);

	for (size_t n = 0; r == 0 && n < model->node_count; n++)
		if (!asked[n].cut && !asked[n].flaps && answers[n].received &&
		    asked[n].loss * LOSS_ECHOES >= LOSS_LOST)
			echoes[n] = (unsigned)(LOSS_LOST / asked[n].loss) + 1;
	if (r == 0 && !v->run.stopped)
		r = ping(v, echoes, LOSS_PAUSE_S, asked, pairs, err);
	if (r == 0)
		r = read_again(v, err);
	for (size_t n = 0; r == 0 && n < model->node_count; n++) {
		if (!is_about(v, n) || asked[n].cut || asked[n].loss <= 0 || asked[n].loss >= 1)
			continue;
		r = expect(v, n, &now, &more, err);
		row = r == 0 ? add_row(v, model->nodes[n].name, "loss", err) : NULL;
		if (!row)
			return r < 0 ? r : -ENOMEM;
		if (v->run.stopped)
			unproved(row, VERIFY_INTERRUPTED);
		else if (now.cut || now.loss != asked[n].loss)
			unproved(row, "its conditions changed during the measurement");
		else if (echoes[n])
			judge_loss(row, asked[n].loss, &pairs[n]);
		else
			unproved(row, answers[n].received ? "too small to prove by a few pings" :
							    "no answer");
	}
	return r;
}

int verify_machine(struct view *v, struct netsim_err *err)
{
	const struct model *model = v->fleet.model;
	auto_free struct echo_pair *pairs = calloc(model->node_count + 1, sizeof(*pairs));
	auto_free struct peer_expected *asked = calloc(model->node_count + 1, sizeof(*asked));
	struct verify_row *row;
	bool more = false;
	int r = pairs && asked ? ping_all(v, pairs, asked, &more, err) : err_oom(err);

	if (r == 0)
		r = read_again(v, err);
	for (size_t n = 0; r == 0 && n < model->node_count; n++)
		if (is_about(v, n))
			r = judge_peer(v, n, &asked[n], &pairs[n], err);
	if (r == 0)
		r = prove_losses(v, pairs, asked, err);
	if (r < 0 || !more)
		return r;
	row = add_row(v, self(v).node->name, "conditions", err);
	if (!row)
		return -ENOMEM;
	unproved(row, "rates and one-way delays need both ends of a path");
	return 0;
}
