/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/bridge_filter.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "netsim/kernel/rtnl.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define ANSWER	(1 << 16) /* bytes; dumps come in smaller pieces */
#define FORWARD 2	  /* the forward hook, of bridges and of IP */

/* A base chain at the forward hook. */
struct chain {
	uint8_t family;
	char table[64], name[64];
	bool drops; /* by its policy */
};

struct chains {
	struct chain *list;
	size_t count;
	bool routed;		   /* packets that the host routes count, too */
	const struct chain *found; /* one with a rule that drops */
};

static bool sysctl_is_on(const char *name)
{
	char path[96];
	FILE *file;
	int value;

	snprintf(path, sizeof(path), "/proc/sys/net/bridge/%s", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	value = fgetc(file);
	(void)fclose(file);
	return value == '1';
}

/* Returns whether frames on bridges, or with routed also packets, pass the chains of a family. */
static bool meets(uint8_t family, bool routed)
{
	bool v4 = sysctl_is_on("bridge-nf-call-iptables");
	bool v6 = sysctl_is_on("bridge-nf-call-ip6tables");

	if (routed && (family == NFPROTO_INET || family == NFPROTO_IPV4 || family == NFPROTO_IPV6))
		return true;
	return family == NFPROTO_BRIDGE || (family == NFPROTO_INET && (v4 || v6)) ||
	       (family == NFPROTO_IPV4 && v4) || (family == NFPROTO_IPV6 && v6);
}

static uint32_t number(const struct nlattr *attr)
{
	return ntohl(rtnl_u32(attr));
}

static void take_chain(const struct nlmsghdr *msg, struct chains *all)
{
	const struct nfgenmsg *head = NLMSG_DATA(msg);
	const struct nlattr *a[NFTA_CHAIN_MAX + 1], *hook[NFTA_HOOK_MAX + 1];
	struct chain *chain;

	rtnl_parse(msg, sizeof(*head), a, NFTA_CHAIN_MAX);
	if (!a[NFTA_CHAIN_HOOK] || !meets(head->nfgen_family, all->routed))
		return;
	rtnl_parse_nest(a[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_MAX);
	if (!hook[NFTA_HOOK_HOOKNUM] || number(hook[NFTA_HOOK_HOOKNUM]) != FORWARD)
		return;
	chain = array_push(all->list, all->count);
	if (!chain)
		return;
	chain->family = head->nfgen_family;
	snprintf(chain->table, sizeof(chain->table), "%s", rtnl_str(a[NFTA_CHAIN_TABLE]));
	snprintf(chain->name, sizeof(chain->name), "%s", rtnl_str(a[NFTA_CHAIN_NAME]));
	chain->drops = a[NFTA_CHAIN_POLICY] && number(a[NFTA_CHAIN_POLICY]) == NF_DROP;
}

/* Returns whether an expression of a rule is a verdict to drop, or a rejection. */
static bool is_drop(const struct nlattr *expr)
{
	const struct nlattr *a[NFTA_EXPR_MAX + 1], *now[NFTA_IMMEDIATE_MAX + 1];
	const struct nlattr *data[NFTA_DATA_MAX + 1], *verdict[NFTA_VERDICT_MAX + 1];

	rtnl_parse_nest(expr, a, NFTA_EXPR_MAX);
	if (strcmp(rtnl_str(a[NFTA_EXPR_NAME]), "reject") == 0)
		return true;
	if (strcmp(rtnl_str(a[NFTA_EXPR_NAME]), "immediate") != 0 || !a[NFTA_EXPR_DATA])
		return false;
	rtnl_parse_nest(a[NFTA_EXPR_DATA], now, NFTA_IMMEDIATE_MAX);
	if (!now[NFTA_IMMEDIATE_DATA])
		return false;
	rtnl_parse_nest(now[NFTA_IMMEDIATE_DATA], data, NFTA_DATA_MAX);
	if (!data[NFTA_DATA_VERDICT])
		return false;
	rtnl_parse_nest(data[NFTA_DATA_VERDICT], verdict, NFTA_VERDICT_MAX);
	return verdict[NFTA_VERDICT_CODE] && number(verdict[NFTA_VERDICT_CODE]) == NF_DROP;
}

static void take_rule(const struct nlmsghdr *msg, struct chains *all)
{
	const struct nfgenmsg *head = NLMSG_DATA(msg);
	const struct nlattr *a[NFTA_RULE_MAX + 1];
	const char *at;
	bool drops = false;

	rtnl_parse(msg, sizeof(*head), a, NFTA_RULE_MAX);
	if (all->found || !a[NFTA_RULE_EXPRESSIONS])
		return;
	at = (const char *)(a[NFTA_RULE_EXPRESSIONS] + 1);
	for (const char *end =
		     (const char *)a[NFTA_RULE_EXPRESSIONS] + a[NFTA_RULE_EXPRESSIONS]->nla_len;
	     end - at >= NLA_HDRLEN;) {
		const struct nlattr *expr = (const void *)at;

		if (expr->nla_len < NLA_HDRLEN || expr->nla_len > end - at)
			break;
		drops |= is_drop(expr);
		at += NLA_ALIGN(expr->nla_len);
	}
	for (size_t i = 0; drops && i < all->count; i++)
		if (all->list[i].family == head->nfgen_family &&
		    strcmp(all->list[i].table, rtnl_str(a[NFTA_RULE_TABLE])) == 0 &&
		    strcmp(all->list[i].name, rtnl_str(a[NFTA_RULE_CHAIN])) == 0)
			all->found = &all->list[i];
}

/* Requests a dump and calls `each` for every message; stops at the first error. */
static void dump(int fd, uint8_t request, void (*each)(const struct nlmsghdr *, struct chains *),
		 struct chains *all)
{
	struct {
		struct nlmsghdr head;
		struct nfgenmsg nf;
	} ask = {.head = {.nlmsg_len = sizeof(ask),
			  .nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | request,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		 .nf = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0}};
	auto_free char *answer = malloc(ANSWER);
	bool more = answer && send(fd, &ask, sizeof(ask), 0) == sizeof(ask);

	while (more) {
		ssize_t got = recv(fd, answer, ANSWER, 0);
		const struct nlmsghdr *msg = (const void *)answer;

		more = got > 0;
		for (; more && NLMSG_OK(msg, (uint32_t)got); msg = NLMSG_NEXT(msg, got)) {
			more = msg->nlmsg_type != NLMSG_DONE && msg->nlmsg_type != NLMSG_ERROR;
			if (more)
				each(msg, all);
		}
	}
}

static const char *word_of(uint8_t family)
{
	return family == NFPROTO_BRIDGE ? "bridge" :
	       family == NFPROTO_IPV4	? "ip" :
	       family == NFPROTO_IPV6	? "ip6" :
					  "inet";
}

static void say(const struct chain *chain, bool routed, const char *how, char *buf, size_t size)
{
	snprintf(buf, size, "%s, where the chain %s of the table %s %s %s",
		 chain->family == NFPROTO_BRIDGE ? "frames on bridges pass nftables" :
		 routed ? "packets that the host routes pass the firewall" :
			  "br_netfilter passes frames on bridges to the firewall",
		 chain->name, word_of(chain->family), chain->table, how);
}

void bridge_filter_describe(bool routed, char *buf, size_t size)
{
	struct timeval patience = {.tv_sec = 1};
	struct chains all = {.routed = routed};
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	*buf = 0;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return;
	dump(fd, NFT_MSG_GETCHAIN, take_chain, &all);
	for (size_t i = 0; i < all.count && !*buf; i++)
		if (all.list[i].drops)
			say(&all.list[i], routed, "drops packets that none of its rules accepts",
			    buf, size);
	if (all.count && !*buf)
		dump(fd, NFT_MSG_GETRULE, take_rule, &all);
	if (all.found)
		say(all.found, routed, "has a rule that drops", buf, size);
	free(all.list);
}
