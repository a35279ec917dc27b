/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/nat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "netsim/kernel/rtnl.h"
#include "netsim/util/auto.h"

#define CHAIN	       "postrouting"
#define POST_ROUTING   4   /* NF_INET_POST_ROUTING */
#define SOURCE_NAT     100 /* NF_IP_PRI_NAT_SRC */
#define COMMENT_TYPE   0   /* of the table, in nft's own format of user data */
#define TABLE_TEXT     64
#define MESSAGE_ROOM   512 /* more than the largest message has */
#define ANSWER	       (1 << 16)
#define ANSWER_SECONDS 5

/* A transaction: messages that the kernel executes together or not at all. */
struct batch {
	char *room, *at;
	struct nlmsghdr *msg; /* begun last */
	uint32_t seq;
	char table[TABLE_TEXT];
};

static void name_table(const char *fleet, char table[static TABLE_TEXT])
{
	snprintf(table, TABLE_TEXT, "netsim-%s", fleet);
}

static void end(struct batch *b)
{
	if (b->msg)
		b->at = (char *)b->msg + MNL_ALIGN(b->msg->nlmsg_len);
	b->msg = NULL;
}

static void begin(struct batch *b, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nfgenmsg *head;

	end(b);
	b->msg = mnl_nlmsg_put_header(b->at);
	b->msg->nlmsg_type = type;
	b->msg->nlmsg_flags = NLM_F_REQUEST | flags;
	b->msg->nlmsg_seq = ++b->seq;
	head = mnl_nlmsg_put_extra_header(b->msg, sizeof(*head));
	*head = (struct nfgenmsg) {.nfgen_family = family, .version = NFNETLINK_V0};
	if (type < NLMSG_MIN_TYPE + 2)
		head->res_id = htons(NFNL_SUBSYS_NFTABLES);
}

static void begin_nft(struct batch *b, uint8_t request, uint16_t flags)
{
	begin(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | request), flags | NLM_F_ACK, NFPROTO_INET);
}

static int open_batch(struct batch *b, const char *fleet, size_t messages, struct netsim_err *err)
{
	*b = (struct batch) {.room = calloc(messages + 2, MESSAGE_ROOM)};
	if (!b->room)
		return err_oom(err);
	b->at = b->room;
	name_table(fleet, b->table);
	begin(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC);
	return 0;
}

static void add_table(struct batch *b, const char *comment)
{
	uint8_t data[2 + NAT_COMMENT] = {COMMENT_TYPE};
	size_t length = strlen(comment) + 1;

	begin_nft(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	mnl_attr_put_strz(b->msg, NFTA_TABLE_NAME, b->table);
	data[1] = (uint8_t)length;
	memcpy(data + 2, comment, length);
	mnl_attr_put(b->msg, NFTA_TABLE_USERDATA, 2 + length, data);
}

static void del_table(struct batch *b)
{
	begin_nft(b, NFT_MSG_DELTABLE, 0);
	mnl_attr_put_strz(b->msg, NFTA_TABLE_NAME, b->table);
}

static void add_chain(struct batch *b)
{
	struct nlattr *hook;

	begin_nft(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	mnl_attr_put_strz(b->msg, NFTA_CHAIN_TABLE, b->table);
	mnl_attr_put_strz(b->msg, NFTA_CHAIN_NAME, CHAIN);
	hook = mnl_attr_nest_start(b->msg, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(b->msg, NFTA_HOOK_HOOKNUM, htonl(POST_ROUTING));
	mnl_attr_put_u32(b->msg, NFTA_HOOK_PRIORITY, htonl(SOURCE_NAT));
	mnl_attr_nest_end(b->msg, hook);
	mnl_attr_put_strz(b->msg, NFTA_CHAIN_TYPE, "nat");
}

static struct nlattr *begin_expr(struct batch *b, const char *name, struct nlattr **ret_element)
{
	*ret_element = mnl_attr_nest_start(b->msg, NFTA_LIST_ELEM);
	mnl_attr_put_strz(b->msg, NFTA_EXPR_NAME, name);
	return mnl_attr_nest_start(b->msg, NFTA_EXPR_DATA);
}

static void end_expr(struct batch *b, struct nlattr *data, struct nlattr *element)
{
	mnl_attr_nest_end(b->msg, data);
	mnl_attr_nest_end(b->msg, element);
}

/* Continues only for packets whose device, NFT_META_IIFNAME or NFT_META_OIFNAME, has this name. */
static void match_device(struct batch *b, uint32_t key, const char device[static IFNAMSIZ])
{
	struct nlattr *element, *data = begin_expr(b, "meta", &element), *value;

	mnl_attr_put_u32(b->msg, NFTA_META_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(b->msg, NFTA_META_KEY, htonl(key));
	end_expr(b, data, element);
	data = begin_expr(b, "cmp", &element);
	mnl_attr_put_u32(b->msg, NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(b->msg, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
	value = mnl_attr_nest_start(b->msg, NFTA_CMP_DATA);
	mnl_attr_put(b->msg, NFTA_DATA_VALUE, IFNAMSIZ, device);
	mnl_attr_nest_end(b->msg, value);
	end_expr(b, data, element);
}

static void add_rule(struct batch *b, const struct nat_path *path)
{
	struct nlattr *list, *element, *data;

	begin_nft(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	mnl_attr_put_strz(b->msg, NFTA_RULE_TABLE, b->table);
	mnl_attr_put_strz(b->msg, NFTA_RULE_CHAIN, CHAIN);
	list = mnl_attr_nest_start(b->msg, NFTA_RULE_EXPRESSIONS);
	match_device(b, NFT_META_OIFNAME, path->out);
	match_device(b, NFT_META_IIFNAME, path->in);
	data = begin_expr(b, "masq", &element);
	end_expr(b, data, element);
	mnl_attr_nest_end(b->msg, list);
}

static int open_socket(int *ret, struct netsim_err *err)
{
	struct timeval patience = {.tv_sec = ANSWER_SECONDS};

	*ret = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (*ret < 0 || setsockopt(*ret, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return err_errno(err, -errno, NULL, "cannot open a socket for nftables");
	return 0;
}

/* Collects the acknowledgments of a transaction; returns the first error in it. */
static int await(int fd, uint32_t last)
{
	auto_free char *answer = malloc(ANSWER);
	int r = answer ? 0 : -ENOMEM;
	bool more = answer;

	while (more) {
		ssize_t got = recv(fd, answer, ANSWER, 0);
		const struct nlmsghdr *msg = (const void *)answer;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return r < 0 ? r : -errno;
		for (; NLMSG_OK(msg, (uint32_t)got); msg = NLMSG_NEXT(msg, got)) {
			const struct nlmsgerr *ack = NLMSG_DATA(msg);

			if (msg->nlmsg_type != NLMSG_ERROR)
				continue;
			if (ack->error && r == 0)
				r = ack->error;
			/* The end of the batch, or its beginning if it was refused as a whole. */
			more = more && msg->nlmsg_seq != last &&
			       !(ack->error && msg->nlmsg_seq == 1);
		}
	}
	return r;
}

/* Sends the transaction. On an error nothing of it has been done. */
static int commit(struct batch *b, const char *what, struct netsim_err *err)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	auto_close int fd = -1;
	uint32_t last;
	int size, r;

	end(b);
	last = b->seq;
	begin(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC);
	end(b);
	r = open_socket(&fd, err);
	if (r < 0)
		return r;
	size = (int)(b->at - b->room);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (sendto(fd, b->room, (size_t)size, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		r = -errno;
	if (r == 0)
		r = await(fd, last);
	return r < 0 ? err_errno(err, r, NULL, "%s the table inet %s of nftables", what, b->table) :
		       0;
}

int nat_check(const char *fleet, struct netsim_err *err)
{
	const struct nat_path any = {"lo", "lo"};
	char trial[48];
	struct batch b;
	int r;

	/* Names of fleets have no dot, so no fleet has this table. */
	snprintf(trial, sizeof(trial), "%s.trial", fleet);
	r = open_batch(&b, trial, 4, err);
	if (r < 0)
		return r;
	add_table(&b, "");
	add_chain(&b);
	add_rule(&b, &any);
	del_table(&b);
	r = commit(&b, "cannot make", err);
	free(b.room);
	if (r < 0 && r != -EPERM && r != -ENOMEM && err) {
		err->kind = NETSIM_ERR_ENV;
		err_hint(err, "an uplink needs nftables with NAT: modprobe nf_tables nft_chain_nat "
			      "nft_masq, or use a kernel that has them");
	}
	return r;
}

int nat_put(const char *fleet, const struct nat_path *paths, size_t count, const char *comment,
	    struct netsim_err *err)
{
	struct nat_seen seen;
	struct batch b;
	int r = nat_read(fleet, &seen, err);

	if (r == 0)
		r = open_batch(&b, fleet, count + 4, err);
	if (r < 0)
		return r;
	if (seen.exists)
		del_table(&b);
	add_table(&b, comment);
	add_chain(&b);
	for (size_t i = 0; i < count; i++)
		add_rule(&b, &paths[i]);
	r = commit(&b, "cannot make", err);
	free(b.room);
	return r;
}

int nat_del(const char *fleet, struct netsim_err *err)
{
	struct nat_seen seen;
	struct batch b;
	int r = nat_read(fleet, &seen, err);

	if (r < 0 || !seen.exists)
		return r;
	r = open_batch(&b, fleet, 1, err);
	if (r < 0)
		return r;
	del_table(&b);
	r = commit(&b, "cannot remove", err);
	free(b.room);
	return r;
}

/* --- reading */

struct reading {
	char table[TABLE_TEXT];
	struct nat_seen *seen;
};

static void take_comment(const struct nlattr *data, char comment[static NAT_COMMENT])
{
	const uint8_t *at = mnl_attr_get_payload(data);
	size_t size = mnl_attr_get_payload_len(data);

	if (size > 2 && at[0] == COMMENT_TYPE && at[1] && at[1] <= size - 2)
		snprintf(comment, NAT_COMMENT, "%.*s", at[1] - 1, (const char *)at + 2);
}

static void take_table(const struct nlmsghdr *msg, struct reading *r)
{
	const struct nlattr *a[NFTA_TABLE_MAX + 1];

	rtnl_parse(msg, sizeof(struct nfgenmsg), a, NFTA_TABLE_MAX);
	if (strcmp(rtnl_str(a[NFTA_TABLE_NAME]), r->table) != 0)
		return;
	r->seen->exists = true;
	if (a[NFTA_TABLE_USERDATA])
		take_comment(a[NFTA_TABLE_USERDATA], r->seen->comment);
}

static void take_rule(const struct nlmsghdr *msg, struct reading *r)
{
	const struct nlattr *a[NFTA_RULE_MAX + 1];

	rtnl_parse(msg, sizeof(struct nfgenmsg), a, NFTA_RULE_MAX);
	r->seen->rules += strcmp(rtnl_str(a[NFTA_RULE_TABLE]), r->table) == 0;
}

static int dump(int fd, uint8_t request, void (*each)(const struct nlmsghdr *, struct reading *),
		struct reading *r)
{
	auto_free char *answer = malloc(ANSWER);
	struct batch ask = {.room = calloc(1, MESSAGE_ROOM)};
	int result = answer && ask.room ? 0 : -ENOMEM;
	bool more = result == 0;

	ask.at = ask.room;
	if (more) {
		begin(&ask, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | request), NLM_F_DUMP,
		      NFPROTO_INET);
		if (send(fd, ask.msg, ask.msg->nlmsg_len, 0) < 0)
			result = -errno;
	}
	while (more && result == 0) {
		ssize_t got = recv(fd, answer, ANSWER, 0);
		const struct nlmsghdr *msg = (const void *)answer;

		if (got < 0 && errno != EINTR)
			result = -errno;
		for (; got > 0 && NLMSG_OK(msg, (uint32_t)got); msg = NLMSG_NEXT(msg, got)) {
			if (msg->nlmsg_type == NLMSG_ERROR)
				result = ((const struct nlmsgerr *)NLMSG_DATA(msg))->error;
			more = more && msg->nlmsg_type != NLMSG_DONE &&
			       msg->nlmsg_type != NLMSG_ERROR;
			if (more)
				each(msg, r);
		}
	}
	free(ask.room);
	return result;
}

int nat_read(const char *fleet, struct nat_seen *ret, struct netsim_err *err)
{
	struct reading reading = {.seen = ret};
	auto_close int fd = -1;
	int r = open_socket(&fd, err);

	*ret = (struct nat_seen) {0};
	name_table(fleet, reading.table);
	/* A kernel without nf_tables has no table. */
	if (r == -EPROTONOSUPPORT) {
		if (err)
			*err = (struct netsim_err) {0};
		return 0;
	}
	if (r < 0)
		return r;
	r = dump(fd, NFT_MSG_GETTABLE, take_table, &reading);
	if (r == 0 && ret->exists)
		r = dump(fd, NFT_MSG_GETRULE, take_rule, &reading);
	if (r == -EOPNOTSUPP || r == -EINVAL)
		return 0;
	return r < 0 ? err_errno(err, r, NULL, "cannot read the tables of nftables") : 0;
}
