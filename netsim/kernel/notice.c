/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/notice.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER	 32768
#define RECEIVES (4 << 20) /* bytes of notifications that the kernel keeps for this socket */

struct notices {
	struct mnl_socket *sock, *tables; /* tables: or NULL */
	char buffer[BUFFER] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/* Opens a socket that receives the messages of groups. */
static int subscribe(int bus, const int *groups, size_t count, struct mnl_socket **ret)
{
	const int room = RECEIVES;
	int fd, r = 0;

	*ret = mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!*ret || mnl_socket_bind(*ret, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	fd = r == 0 ? mnl_socket_get_fd(*ret) : -1;
	for (size_t i = 0; r == 0 && i < count; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			r = -errno;
	/* A storm may lose notifications, which is handled; a larger buffer makes it rarer. */
	if (r == 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (r < 0 && *ret) {
		mnl_socket_close(*ret);
		*ret = NULL;
	}
	return r;
}

int notices_open(struct notices **ret, struct netsim_err *err)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_TC, RTNLGRP_NEIGH};
	struct notices *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return err_oom(err);
	r = subscribe(NETLINK_ROUTE, groups, sizeof(groups) / sizeof(*groups), &n->sock);
	if (r < 0) {
		notices_close(n);
		return err_errno(err, r, NULL, "cannot watch the network");
	}
	*ret = n;
	return 0;
}

void notices_add_tables(struct notices *n)
{
	static const int group = NFNLGRP_NFTABLES;

	if (!n->tables)
		(void)subscribe(NETLINK_NETFILTER, &group, 1, &n->tables);
}

void notices_close(struct notices *n)
{
	if (!n)
		return;
	if (n->sock)
		mnl_socket_close(n->sock);
	if (n->tables)
		mnl_socket_close(n->tables);
	free(n);
}

int notices_fd(const struct notices *n)
{
	return mnl_socket_get_fd(n->sock);
}

int notices_table_fd(const struct notices *n)
{
	return n->tables ? mnl_socket_get_fd(n->tables) : -1;
}

static int take_attr(const struct nlattr *attr, void *arg)
{
	struct notice *notice = arg;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		notice->name = mnl_attr_get_str(attr);
	if (mnl_attr_get_type(attr) == IFLA_IFALIAS &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		notice->alias = mnl_attr_get_str(attr);
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
		/* Timers of bridges say so, too; that a port joins or leaves is said twice. */
		return ifi->ifi_family != AF_BRIDGE;
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

/* The first attribute of tables, and of chains and rules, is the name of the table. */
static int take_table(const struct nlattr *attr, void *arg)
{
	struct notice *notice = arg;

	if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		notice->name = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

static bool read_table_message(const struct nlmsghdr *msg, struct notice *ret)
{
	*ret = (struct notice) {.kind = NOTICE_TABLE, .name = ""};
	if (msg->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return false;
	switch (msg->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
	case NFT_MSG_DELTABLE:
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
		mnl_attr_parse(msg, sizeof(struct nfgenmsg), take_table, ret);
		return true;
	default:
		return false;
	}
}

struct reader {
	void (*each)(void *arg, const struct notice *notice);
	void *arg;
};

static void read_socket(struct notices *n, int fd,
			bool (*read)(const struct nlmsghdr *msg, struct notice *ret),
			const struct reader *to)
{
	for (;;) {
		ssize_t size = recv(fd, n->buffer, sizeof(n->buffer), MSG_DONTWAIT);
		int left = (int)size;
		struct notice notice = {.kind = NOTICE_LOST, .name = ""};

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno == ENOBUFS)
			to->each(to->arg, &notice);
		else if (size <= 0)
			return;
		for (const struct nlmsghdr *msg = (const void *)n->buffer;
		     size > 0 && mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left))
			if (read(msg, &notice))
				to->each(to->arg, &notice);
	}
}

void notices_read(struct notices *n, void (*each)(void *arg, const struct notice *notice),
		  void *arg)
{
	const struct reader to = {each, arg};

	read_socket(n, notices_fd(n), read_message, &to);
	if (n->tables)
		read_socket(n, notices_table_fd(n), read_table_message, &to);
}
