// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After lost notifications (ENOBUFS), a dump of all interfaces reads the present state; the
 * first dump reads the state at the beginning.
 */
#include "netsim/packet/live_links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/util/clock.h"

#define LOWER_UP     0x10000   /* IFF_LOWER_UP of linux/if.h, which net/if.h excludes */
#define BUFFER	     32768     /* the kernel's largest message of a dump */
#define SKIP_STATS   (1U << 3) /* RTEXT_FILTER_SKIP_STATS */
#define ANSWER_LIMIT 5	       /* seconds to wait for the kernel's first dump */
#define FIRST_DUMPS  5	       /* attempts, as notifications may be lost meanwhile */

struct live_link {
	char name[IFNAMSIZ];
	int index;     /* 0: removed */
	int64_t at_ns; /* CLOCK_REALTIME at which its last change was noticed */
	bool up, fell, fresh, seen;
	bool reported_down, reported_gone;
};

struct live_links {
	struct mnl_socket *sock;
	struct live_link *list;
	size_t count;
	unsigned sequence; /* of the running dump; 0: none */
	bool lost;	   /* notifications were lost: another dump is necessary */
	char answer[BUFFER] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void take_index(struct live_link *link, int index)
{
	if (link->index != index) {
		link->index = index;
		link->fresh = true;
		link->fell = false;
	}
}

static void remove_index(struct live_link *link)
{
	if (link->index)
		link->at_ns = clock_ns(CLOCK_REALTIME);
	link->index = 0;
	link->fresh = false;
}

static struct live_link *find_index(struct live_links *links, int index)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->list[i].index == index)
			return &links->list[i];
	return NULL;
}

static struct live_link *find_by_name(struct live_links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++)
		if (strcmp(links->list[i].name, name) == 0)
			return &links->list[i];
	return NULL;
}

static int find_name(const struct nlattr *attr, void *arg)
{
	const char **name = arg;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		*name = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

static void take_link(struct live_links *links, const struct nlmsghdr *msg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	struct live_link *link = find_index(links, ifi->ifi_index);
	const char *name = "";
	bool up;

	/* Bridges report their ports' settings by messages of the same types. */
	if (ifi->ifi_family != AF_UNSPEC)
		return;
	if (msg->nlmsg_type == RTM_DELLINK) {
		if (link)
			remove_index(link);
		return;
	}
	if (!link) {
		mnl_attr_parse(msg, sizeof(*ifi), find_name, &name);
		link = find_by_name(links, name);
	}
	if (!link)
		return;
	up = ifi->ifi_flags & IFF_UP && ifi->ifi_flags & LOWER_UP;
	if (link->index != ifi->ifi_index || link->up != up)
		link->at_ns = clock_ns(CLOCK_REALTIME);
	take_index(link, ifi->ifi_index);
	link->seen = true;
	link->up = up;
	link->fell |= !up;
}

/* The dump failed, so the state is still unknown: live_links_read() begins another dump. */
static void give_up_dump(struct live_links *links)
{
	links->sequence = 0;
	links->lost = true;
}

static void begin_dump(struct live_links *links)
{
	char buf[MNL_NLMSG_HDRLEN + sizeof(struct ifinfomsg) + 8] = {0};
	static unsigned sequence;
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);

	msg->nlmsg_type = RTM_GETLINK;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	msg->nlmsg_seq = ++sequence ? sequence : ++sequence;
	mnl_nlmsg_put_extra_header(msg, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(msg, IFLA_EXT_MASK, SKIP_STATS);
	for (size_t i = 0; i < links->count; i++)
		links->list[i].seen = false;
	links->lost = false;
	links->sequence = msg->nlmsg_seq;
	if (mnl_socket_sendto(links->sock, msg, msg->nlmsg_len) < 0)
		give_up_dump(links);
}

/* Interfaces that the dump does not list are gone. */
static void end_dump(struct live_links *links)
{
	for (size_t i = 0; i < links->count; i++)
		if (!links->list[i].seen)
			remove_index(&links->list[i]);
	links->sequence = 0;
}

static void take_message(struct live_links *links, const struct nlmsghdr *msg)
{
	if (msg->nlmsg_type == RTM_NEWLINK || msg->nlmsg_type == RTM_DELLINK)
		take_link(links, msg);
	else if (msg->nlmsg_type == NLMSG_DONE && msg->nlmsg_seq == links->sequence)
		end_dump(links);
	else if (msg->nlmsg_type == NLMSG_ERROR && msg->nlmsg_seq == links->sequence)
		give_up_dump(links);
}

/* Reads one datagram; false if there is none. */
static bool read_some(struct live_links *links, int flags)
{
	ssize_t size =
		recv(mnl_socket_get_fd(links->sock), links->answer, sizeof(links->answer), flags);
	int left = (int)size;

	if (size < 0) {
		links->lost |= errno == ENOBUFS;
		return errno == ENOBUFS || errno == EINTR;
	}
	for (const struct nlmsghdr *msg = (const void *)links->answer; mnl_nlmsg_ok(msg, left);
	     msg = mnl_nlmsg_next(msg, &left))
		take_message(links, msg);
	return true;
}

void live_links_read(struct live_links *links)
{
	while (read_some(links, MSG_DONTWAIT))
		;
	if (links->lost && !links->sequence)
		begin_dump(links);
}

static int subscribe(struct live_links *links, struct netsim_err *err)
{
	const struct timeval limit = {.tv_sec = ANSWER_LIMIT};

	links->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!links->sock || mnl_socket_bind(links->sock, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(links->sock), SOL_SOCKET, SO_RCVTIMEO, &limit,
		       sizeof(limit)) < 0)
		return err_errno(err, -errno, NULL, "cannot watch interfaces");
	links->lost = true;
	for (int i = 0; i < FIRST_DUMPS && links->lost; i++) {
		begin_dump(links);
		while (links->sequence && read_some(links, 0))
			;
	}
	if (links->sequence || links->lost)
		return err_errno(err, -errno, NULL, "cannot watch interfaces");
	for (size_t i = 0; i < links->count; i++)
		links->list[i].fresh = false;
	return 0;
}

int live_links_open(const char *const *names, size_t count, struct live_links **ret,
		    struct netsim_err *err)
{
	struct live_links *links = calloc(1, sizeof(*links));
	int r;

	if (links)
		links->list = calloc(count + 1, sizeof(*links->list));
	if (!links || !links->list) {
		free(links);
		return err_oom(err);
	}
	links->count = count;
	for (size_t i = 0; i < count; i++)
		strncpy(links->list[i].name, names[i], IFNAMSIZ - 1);
	r = subscribe(links, err);
	if (r < 0)
		live_links_close(links);
	else
		*ret = links;
	return r;
}

void live_links_close(struct live_links *links)
{
	if (!links)
		return;
	if (links->sock)
		mnl_socket_close(links->sock);
	free(links->list);
	free(links);
}

int live_links_fd(const struct live_links *links)
{
	return mnl_socket_get_fd(links->sock);
}

int live_links_index(const struct live_links *links, size_t link)
{
	return links->list[link].index;
}

static bool next_event(struct live_link *link, enum netsim_port_event *ret)
{
	if (!link->index) {
		*ret = NETSIM_PORT_GONE;
		if (link->reported_gone)
			return false;
		link->reported_gone = true;
	} else if (link->fresh) {
		*ret = NETSIM_PORT_NEW;
		link->fresh = link->reported_gone = link->reported_down = link->fell = false;
	} else if (!link->reported_down && (link->fell || !link->up)) {
		*ret = NETSIM_PORT_DOWN;
		link->reported_down = true;
	} else if (link->reported_down && link->up) {
		*ret = NETSIM_PORT_UP;
		link->reported_down = link->fell = false;
	} else {
		return false;
	}
	return true;
}

bool live_links_event(struct live_links *links, struct live_event *ret)
{
	for (size_t i = 0; i < links->count; i++)
		if (next_event(&links->list[i], &ret->kind)) {
			ret->link = i;
			ret->at_ns = links->list[i].at_ns;
			return true;
		}
	return false;
}
