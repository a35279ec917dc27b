/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/verify/scratch.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netsim/kernel/addr.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/netns.h"
#include "netsim/util/auto.h"

#define SWITCH	 2 /* the namespace of the bridge; those of the ends are 0 and 1 */
#define PLACES	 3
#define END_LINK 10 /* the ifindex of an end */

struct scratch {
	int own_fd;
	int fds[PLACES];
	struct rtnl *rts[PLACES];
	struct probe_end ends[2];
	int bridge, ports[2];
};

struct place {
	int fd;
	struct rtnl *rt;
};

/* Moves this thread into a new namespace; netns_within() moves it back. */
static int make_here(void *arg, struct netsim_err *err)
{
	struct place *place = arg;
	int r = netns_become_new(&place->fd, err);

	return r == 0 ? rtnl_open(&place->rt, err) : r;
}

static int make_places(struct scratch *s, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < PLACES; i++) {
		struct place place = {.fd = -1};

		r = netns_within(s->own_fd, s->own_fd, make_here, &place, err);
		s->fds[i] = place.fd;
		s->rts[i] = place.rt;
	}
	return r;
}

static struct link link_named(const char *name, enum link_kind kind, unsigned mtu)
{
	struct link link = {.node = MODEL_HOST, .kind = kind, .up = true, .mtu = mtu};

	snprintf(link.name, sizeof(link.name), "%s", name);
	return link;
}

static const char *const ports[] = {"port-0", "port-1"};

static int make_end(struct scratch *s, size_t i, unsigned mtu, struct netsim_err *err)
{
	struct link link = link_named("end", LINK_VETH, mtu);
	struct probe_end *end = &s->ends[i];
	struct model_addr addr = {.ip = {.family = AF_INET, .plen = 24}};

	snprintf(link.peer, sizeof(link.peer), "%s", ports[i]);
	link.ifindex = END_LINK;
	link.has_mac = true;
	link.mac = (struct mac) {{2, 0, 0, 0, 0, (uint8_t)(i + 1)}};
	/* TEST-NET-1, which no fleet uses; nothing leaves these namespaces anyway. */
	memcpy(addr.ip.b, (uint8_t[]) {192, 0, 2, (uint8_t)(i + 1)}, 4);
	link_add_veth(s->rts[i], &link, s->fds[SWITCH], "scratch");
	link_set(s->rts[i], &link, END_LINK, LINK_SET_MAC | LINK_SET_MTU | LINK_SET_UP, 0,
		 "scratch");
	addr_add(s->rts[i], END_LINK, &addr, "scratch");
	*end = (struct probe_end) {.ns_fd = s->fds[i],
				   .ifindex = END_LINK,
				   .ip = addr.ip,
				   .mac = link.mac,
				   .mtu = mtu};
	strcpy(end->device, "scratch");
	return rtnl_send(s->rts[i], err);
}

static int find_links(void *arg, struct netsim_err *err)
{
	struct scratch *s = arg;

	s->bridge = (int)if_nametoindex("bridge");
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		s->ports[i] = (int)if_nametoindex(ports[i]);
	return s->bridge && s->ports[0] && s->ports[1] ?
		       0 :
		       err_set(err, NETSIM_ERR_KERNEL, -ENODEV, NULL,
			       "the scratch link is incomplete");
}

static int make_links(struct scratch *s, unsigned mtu, struct netsim_err *err)
{
	struct rtnl *rt = s->rts[SWITCH];
	struct link bridge = link_named("bridge", LINK_BRIDGE, mtu);
	int r;

	link_add_bridge(rt, &bridge, "scratch");
	r = rtnl_send(rt, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(ports); i++)
		r = make_end(s, i, mtu, err);
	if (r == 0)
		r = netns_within(s->own_fd, s->fds[SWITCH], find_links, s, err);
	if (r < 0)
		return r;
	link_set(rt, &bridge, s->bridge, LINK_SET_MTU | LINK_SET_UP, 0, "scratch");
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		struct link port = link_named(ports[i], LINK_VETH, mtu);

		link_set_no_ipv6(rt, s->ports[i], "scratch");
		link_set(rt, &port, s->ports[i], LINK_SET_MTU | LINK_SET_MASTER | LINK_SET_UP,
			 s->bridge, "scratch");
	}
	return rtnl_send(rt, err);
}

int scratch_open(int own_fd, unsigned mtu, struct scratch **ret, struct netsim_err *err)
{
	struct scratch *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_oom(err);
	s->own_fd = own_fd;
	for (size_t i = 0; i < PLACES; i++)
		s->fds[i] = -1;
	r = make_places(s, err);
	if (r == 0)
		r = make_links(s, mtu ? mtu : 1500, err);
	if (r < 0)
		scratch_close(s);
	else
		*ret = s;
	return r;
}

void scratch_close(struct scratch *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < PLACES; i++) {
		rtnl_close(s->rts[i]);
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	}
	free(s);
}

int scratch_shape(struct scratch *s, const struct netem *netem, uint32_t burst, bool *ret_tbf,
		  struct netsim_err *err)
{
	struct rtnl *rt = s->rts[SWITCH];
	struct netsim_err first = {0};
	int r;

	*ret_tbf = false;
	qdisc_put_netem(rt, QDISC_ADD, s->ports[1], netem, NULL, "scratch");
	r = rtnl_send(rt, &first);
	if (r == 0)
		return 0;
	if (netem->delay || netem->loss) {
		*err = first;
		return r;
	}
	*ret_tbf = true;
	qdisc_put_tbf_root(rt, s->ports[1],
			   &(struct tbf) {.rate = netem->rate,
					  .overhead = netem->overhead,
					  .burst = burst,
					  .limit = netem->limit * FULL_FRAME},
			   "scratch");
	return rtnl_send(rt, err);
}

const struct probe_end *scratch_ends(const struct scratch *s)
{
	return s->ends;
}
