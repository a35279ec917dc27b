// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arbitrary bytes as the kernel's answers to requests: links, qdiscs, filters, and
 * refusals. The first byte selects the request, the rest is the answer.
 */
#include <libmnl/libmnl.h>
#include <stdint.h>
#include <stdlib.h>

static ssize_t canned_recv(const struct mnl_socket *sock, void *buf, size_t size);
static ssize_t canned_send(const struct mnl_socket *sock, const void *buf, size_t size);
#define mnl_socket_recvfrom canned_recv
#define mnl_socket_sendto   canned_send
#include "netsim/kernel/rtnl.c"

#include "netsim/kernel/filter.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/qdisc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rtnl *rt;
static const uint8_t *answer;
static size_t answer_size;
static bool done;

static ssize_t canned_send(const struct mnl_socket *sock, const void *buf, size_t size)
{
	(void)sock;
	(void)buf;
	done = false;
	return (ssize_t)size;
}

/* Makes complete messages answer the last request, unless the low byte of their number is 0xff. */
static void number(char *buf, size_t size, uint32_t seq)
{
	struct nlmsghdr *h = (void *)buf;
	int left = (int)size;

	for (; is_whole(h, left); h = mnl_nlmsg_next(h, &left))
		if ((h->nlmsg_seq & 0xff) != 0xff)
			h->nlmsg_seq = seq;
}

/* Returns the datagram of the fuzzer, then the end of the answer. */
static ssize_t canned_recv(const struct mnl_socket *sock, void *buf, size_t size)
{
	struct nlmsghdr end = {
		.nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = NLMSG_DONE, .nlmsg_seq = rt->seq - 1};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr body;
	} ack = {{sizeof(ack), NLMSG_ERROR, NLM_F_CAPPED, rt->seq - 1, 0}};

	(void)sock;
	if (!done) {
		done = true;
		answer_size = answer_size < size ? answer_size : size;
		if (answer_size)
			memcpy(buf, answer, answer_size);
		number(buf, answer_size, rt->seq - 1);
		return (ssize_t)answer_size;
	}
	memcpy(buf, &end, sizeof(end));
	memcpy((char *)buf + sizeof(end), &ack, sizeof(ack));
	return sizeof(end) + sizeof(ack);
}

static void must(bool truth)
{
	if (!truth)
		abort();
}

static void links(void)
{
	struct model *model = model_new("f");

	must(model);
	if (link_list(rt, model, MODEL_HOST, NULL) == 0)
		for (size_t i = 0; i < model->link_count; i++) {
			must(strlen(model->links[i].name) < IFNAMSIZ);
			must(strlen(model->links[i].master) < IFNAMSIZ);
			must(strlen(model->links[i].lower) < IFNAMSIZ);
		}
	model_free(model);
}

static void qdiscs(void)
{
	struct qdiscs all = {0};

	if (qdisc_list(rt, &all, NULL) == 0)
		for (size_t i = 0; i < all.count; i++)
			must(strlen(all.list[i].kind) < sizeof(all.list[i].kind));
	free(all.list);
}

static void filters(void)
{
	uint32_t id;

	(void)filter_prog_id(rt, 1, FILTER_EGRESS, &id, NULL);
}

static void refusals(void)
{
	static const struct netsim_loc at = {"f", 1, 1};
	struct netsim_err err = {0};

	rtnl_begin(rt, RTM_NEWLINK, 0, &at, "n: cannot");
	rtnl_put_u32(rt, 1, 1);
	rtnl_at(rt, &at);
	rtnl_put_u32(rt, 2, 2);
	rtnl_needs(rt, ENOENT, "a module");
	if (rtnl_send(rt, &err) != 0)
		must(err.kind && *err.what && strlen(err.kernel) < sizeof(err.kernel));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void (*const questions[])(void) = {links, qdiscs, filters, refusals};

	if (!size)
		return 0;
	rt = calloc(1, sizeof(*rt));
	must(rt);
	rt->answer = malloc(RECV_BYTES);
	must(rt->answer);
	rt->seq = 1;
	answer = data + 1;
	answer_size = size - 1;
	questions[data[0] % ARRAY_SIZE(questions)]();
	rtnl_close(rt);
	return 0;
}
