/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/notice.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER	 32768
#define RECEIVES (4 << 20) /* bytes of notifications that the kernel keeps for this socket */

struct notices {
	struct mnl_socket *sock;
	char buffer[BUFFER] __attribute__((aligned(NLMSG_ALIGNTO)));
};

int notices_open(struct notices **ret, struct netsim_err *err)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_TC, RTNLGRP_NEIGH};
	const int room = RECEIVES;
	struct notices *n = calloc(1, sizeof(*n));
	int fd, r = 0;

	if (!n)
		return err_oom(err);
	n->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!n->sock || mnl_socket_bind(n->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	fd = r == 0 ? mnl_socket_get_fd(n->sock) : -1;
	for (size_t i = 0; r == 0 && i < sizeof(groups) / sizeof(*groups); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			r = -errno;
	if (r < 0) {
		notices_close(n);
		return err_errno(err, r, NULL, "cannot watch the network");
	}
	/* A storm may lose notifications, which is handled; a larger buffer makes it rarer. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	*ret = n;
	return 0;
}

void notices_close(struct notices *n)
{
	if (!n)
		return;
	if (n->sock)
		mnl_socket_close(n->sock);
	free(n);
}

int notices_fd(const struct notices *n)
{
	return mnl_socket_get_fd(n->sock);
}

static int take_attr(const struct nlattr *attr, void *arg)
{
	struct notice *notice = arg;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		notice->name = mnl_attr_get_str(attr);
	if (mnl_attr_get_type(attr) == IFLA_MASTER && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		notice->master = (int)mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/* Fills a notice from a message; false for messages that say nothing about a port. */
static bool read_message(const struct nlmsghdr *msg, struct notice *ret)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);

	*ret = (struct notice) {.name = ""};
	switch (msg->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		ret->kind = NOTICE_LINK;
		ret->ifindex = ifi->ifi_index;
		mnl_attr_parse(msg, sizeof(*ifi), take_attr, ret);
		return true;
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
		ret->kind = NOTICE_TC;
		ret->ifindex = tcm->tcm_ifindex;
		return true;
	case RTM_NEWNEIGH:
		ret->kind = NOTICE_LEARNED;
		ret->ifindex = ndm->ndm_ifindex;
		return ndm->ndm_family == AF_BRIDGE;
	default:
		return false;
	}
}

void notices_read(struct notices *n, void (*each)(void *arg, const struct notice *notice),
		  void *arg)
{
	for (;;) {
		ssize_t size = recv(notices_fd(n), n->buffer, sizeof(n->buffer), MSG_DONTWAIT);
		int left = (int)size;
		struct notice notice = {.kind = NOTICE_LOST, .name = ""};

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno == ENOBUFS)
			each(arg, &notice);
		else if (size <= 0)
			return;
		for (const struct nlmsghdr *msg = (const void *)n->buffer;
		     size > 0 && mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left))
			if (read_message(msg, &notice))
				each(arg, &notice);
	}
}
