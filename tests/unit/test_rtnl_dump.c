// SPDX-License-Identifier: GPL-2.0-or-later
/* Dumps from canned answers: complete, interrupted, refused and truncated. */
#include "canned.h"

#include <linux/if_link.h>

#include "netsim/kernel/link.h"

static void begin_dump(struct rtnl *rt)
{
	rtnl_begin(rt, 1, NLM_F_DUMP, NULL, "cannot read");
}

static size_t count_messages(const struct rtnl_reply *reply)
{
	size_t count = 0;

	rtnl_reply_each(reply, msg) count += msg->nlmsg_type == 16;
	return count;
}

static void test_dump(void **state)
{
	struct rtnl_reply reply = {0};
	struct rtnl *rt = *state;

	begin_dump(rt);
	add_bytes(add_answer(1, 16, NLM_F_MULTI, false), "abc", 3);
	add_answer(1, 16, NLM_F_MULTI, true);
	add_answer(9, 16, NLM_F_MULTI, false); /* not for this socket */
	add_answer(1, 16, NLM_F_MULTI, false);
	add_answer(1, NLMSG_DONE, NLM_F_MULTI, true);
	assert_int_equal(rtnl_ask(rt, &reply, NULL), 0);
	assert_int_equal(count_messages(&reply), 3);
	assert_int_equal(reply.size, 20 + 16 + 16);
	free(reply.data);
	/* one answer to a plain request */
	rtnl_begin(rt, 1, 0, NULL, "cannot read");
	add_answer(2, 16, 0, false);
	assert_int_equal(rtnl_ask(rt, &reply, NULL), 0);
	assert_int_equal(count_messages(&reply), 1);
	free(reply.data);
	/* nothing at all */
	begin_dump(rt);
	add_answer(3, NLMSG_DONE, NLM_F_MULTI, false);
	assert_int_equal(rtnl_ask(rt, &reply, NULL), 0);
	assert_int_equal(reply.size, 0);
	free(reply.data);
}

/* An interrupted dump is repeated, with a new sequence number. */
static void test_interrupted_dump(void **state)
{
	struct netsim_err err = {0};
	struct rtnl_reply reply = {0};
	struct rtnl *rt = *state;

	begin_dump(rt);
	add_answer(1, 16, NLM_F_MULTI, false);
	add_answer(1, 16, NLM_F_MULTI | NLM_F_DUMP_INTR, false);
	add_answer(1, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, false);
	add_answer(2, 16, NLM_F_MULTI, false);
	add_answer(2, NLMSG_DONE, NLM_F_MULTI, false);
	assert_int_equal(rtnl_ask(rt, &reply, &err), 0);
	assert_int_equal(count_messages(&reply), 1);
	assert_int_equal(kernel.sends, 2);
	free(reply.data);
	reply = (struct rtnl_reply) {0};
	begin_dump(rt);
	for (uint32_t seq = 3; seq < 7; seq++) {
		add_answer(seq, 16, NLM_F_MULTI | NLM_F_DUMP_INTR, false);
		add_answer(seq, NLMSG_DONE, NLM_F_MULTI, false);
	}
	assert_int_equal(rtnl_ask(rt, &reply, &err), -EAGAIN);
	assert_non_null(strstr(err.what, "keeps changing"));
	assert_null(reply.data);
}

static void test_refused_dump(void **state)
{
	struct netsim_err err = {0};
	struct rtnl_reply reply = {0};
	int code = -EMSGSIZE;
	struct rtnl *rt = *state;

	begin_dump(rt);
	add_answer(1, 16, NLM_F_MULTI, false);
	add_verdict(1, -EOPNOTSUPP, NLM_F_CAPPED);
	assert_int_equal(rtnl_ask(rt, &reply, &err), -EOPNOTSUPP);
	assert_string_equal(err.what, "cannot read: Operation not supported");
	assert_null(reply.data);
	/* NLMSG_DONE carries the error of a dump that failed midway */
	err = (struct netsim_err) {0};
	begin_dump(rt);
	add_answer(2, 16, NLM_F_MULTI, false);
	add_bytes(add_answer(2, NLMSG_DONE, NLM_F_MULTI, false), &code, sizeof(code));
	assert_int_equal(rtnl_ask(rt, &reply, &err), -EMSGSIZE);
	assert_string_equal(err.what, "cannot read: Message too long");
	assert_null(reply.data);
	code = 0;
	begin_dump(rt);
	add_answer(3, 16, NLM_F_MULTI, false);
	add_bytes(add_answer(3, NLMSG_DONE, NLM_F_MULTI, false), &code, sizeof(code));
	assert_int_equal(rtnl_ask(rt, &reply, &err), 0);
	assert_int_equal(count_messages(&reply), 1);
	free(reply.data);
	reply = (struct rtnl_reply) {0};
	/* the kernel does not answer */
	err = (struct netsim_err) {0};
	begin_dump(rt);
	add_answer(4, 16, NLM_F_MULTI, false);
	assert_int_equal(rtnl_ask(rt, &reply, &err), -EAGAIN);
	assert_null(reply.data);
	/* out of memory for the answer */
	begin_dump(rt);
	add_answer(next_seq(), 16, NLM_F_MULTI, false);
	no_memory = true;
	assert_int_equal(rtnl_ask(rt, &reply, NULL), -ENOMEM);
	assert_null(reply.data);
}

/* A list of links truncated after any byte. */
static void test_link_list(void **state)
{
	struct ifinfomsg ifi = {.ifi_index = 5, .ifi_flags = 1};
	struct rtnl *rt = *state;
	uint32_t mtu = 9000;

	for (uint32_t cut = 0; cut <= 80; cut++) {
		struct model *model = model_new("f");

		kernel.count = kernel.next = 0;
		memset(kernel.size, 0, sizeof(kernel.size));
		struct nlmsghdr *h = add_answer(next_seq(), 16, NLM_F_MULTI, false);

		add_bytes(h, &ifi, sizeof(ifi));
		add_attr(h, IFLA_IFNAME, "eth1", 5);
		add_attr(h, IFLA_MTU, &mtu, sizeof(mtu));
		add_attr(h, IFLA_IFALIAS, "netsim:f/n/eth1", 16);
		if (cut > h->nlmsg_len - NLMSG_HDRLEN) {
			model_free(model);
			break;
		}
		h->nlmsg_len -= cut;
		kernel.size[0] = NLMSG_ALIGN(h->nlmsg_len);
		add_answer(next_seq(), NLMSG_DONE, NLM_F_MULTI, false);
		assert_int_equal(link_list(rt, model, MODEL_HOST, NULL), 0);
		assert_int_equal(model->link_count, 1);
		assert_int_equal(model->links[0].ifindex, cut <= 51 ? 5 : 0);
		assert_int_equal(model->links[0].mtu, cut <= 20 ? 9000 : 0);
		if (cut == 0)
			assert_string_equal(model->links[0].alias, "netsim:f/n/eth1");
		else
			assert_null(model->links[0].alias);
		assert_string_equal(model->links[0].name, cut <= 31 ? "eth1" : "");
		model_free(model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dump),
		TEST(test_interrupted_dump),
		TEST(test_refused_dump),
		TEST(test_link_list),
	};

	return cmocka_run_group_tests_name("rtnl_dump", tests, NULL, NULL);
}
