// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages to the kernel, compared with bytes computed by hand (little-endian), and
 * canned answers of the kernel.
 */
#include "canned.h"

#include <linux/if_link.h>

#include "bytes.h"
#include "netsim/kernel/link.h"

/* --- bytes */

static void test_attributes(void **state)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5};
	struct rtnl *rt = *state;
	size_t outer, inner;

	rtnl_begin(rt, 0x1234, NLM_F_ACK, NULL, "x");
	rtnl_header(rt, data, 5);
	rtnl_put_u8(rt, 1, 0x11);
	rtnl_put_u16(rt, 2, 0x2222);
	rtnl_put_u32(rt, 3, 0x33333333);
	rtnl_put_u64(rt, 4, 0x4444444444444444);
	rtnl_put_str(rt, 5, "");
	rtnl_put_str(rt, 6, "abc");
	outer = rtnl_nest(rt, 7);
	inner = rtnl_nest(rt, 8);
	rtnl_put(rt, 9, data, 5);
	rtnl_nest_end(rt, inner);
	rtnl_put(rt, 10, NULL, 0);
	rtnl_nest_end(rt, outer);
	rtnl_begin(rt, 1, 0, NULL, "y");
	expect_bytes(rt, "attributes",
		     "64000000 3412 0500 00000000 00000000 0102030405 000000 "
		     "05000100 11 000000 06000200 2222 0000 08000300 33333333 "
		     "0c000400 4444444444444444 05000500 00 000000 08000600 61626300 "
		     "18000780 10000880 09000900 0102030405 000000 04000a00 "
		     "10000000 0100 0100 00000000 00000000");
}

#define NEW(len, index) \
	len "000000 1000 0106 00000000 00000000 00000000 " index " 00000000 00000000 "
#define GROUP "08001b00 0100006e "
#define MTU   "08000400 dc050000 "

static void test_new_links(void **state)
{
	static const struct link bridge = {.name = "br0",
					   .group = 0x6e000001,
					   .mtu = 1500,
					   .has_mac = true,
					   .mac = {{2, 0x6e, 1, 2, 3, 4}},
					   .vlan_aware = true};
	static const struct link veth = {
		.name = "eth1", .peer = "p1", .ifindex = 9, .group = 0x6e000001, .mtu = 1500};
	static const struct link vlan = {
		.name = "v5", .ifindex = 9, .group = 0x6e000001, .vlan = 5};
	struct link qinq = vlan;
	struct rtnl *rt = *state;

	link_add_bridge(rt, &bridge, "lan");
	expect_bytes(
		rt, "bridge",
		NEW("60",
		    "00000000") "08000300 62723000 " GROUP MTU "0a000100 026e01020304 0000 "
				"1c001280 0b000100 62726964676500 00 0c000280 05000700 01 000000");
	/* the peer is without IFF_UP, in the namespace of file descriptor 5 */
	link_add_veth(rt, &veth, 5, "n eth1");
	expect_bytes(
		rt, "veth",
		NEW("a4",
		    "09000000") "09000300 6574683100 000000 " GROUP MTU
				"08001f00 01000000 08002000 01000000 "
				"58001280 09000100 7665746800 000000 48000280 44000180 "
				"00000000 00000000 00000000 00000000 07000300 703100 00 " GROUP MTU
				"08001f00 01000000 08002000 01000000 08001c00 05000000");
	link_add_vlan(rt, &vlan, 8, "n v5");
	expect_bytes(rt, "vlan",
		     NEW("5c", "09000000") "07000300 763500 00 " GROUP "08000500 08000000 "
					   "24001280 09000100 766c616e00 000000 14000280 "
					   "06000100 0500 0000 06000500 8100 0000");
	qinq.vlan_qinq = true;
	link_add_vlan(rt, &qinq, 8, "n v5");
	expect_bytes(rt, "802.1ad",
		     NEW("5c", "09000000") "07000300 763500 00 " GROUP "08000500 08000000 "
					   "24001280 09000100 766c616e00 000000 14000280 "
					   "06000100 0500 0000 06000500 88a8 0000");
	link_add_ifb(rt, "x", 0x6e000001, "n");
	expect_bytes(rt, "ifb",
		     NEW("3c", "00000000") "06000300 7800 0000 " GROUP
					   "0c001280 08000100 69666200");
}

static void test_bonds(void **state)
{
	struct link bond = {
		.name = "bond0",
		.ifindex = 9,
		.group = 0x6e000001,
		.bond = {.mode = BOND_ACTIVE_BACKUP,
			 .values = {[BOND_MIIMON] = {true, 100}, [BOND_UPDELAY] = {true, 200}},
			 .primary = "eth1",
			 .has_primary = true}};
	struct rtnl *rt = *state;

	link_add_bond(rt, &bond, "n bond0");
	expect_bytes(
		rt, "active-backup",
		NEW("60", "09000000") "0a000300 626f6e643000 0000 " GROUP
				      "2c001280 09000100 626f6e6400 000000 1c000280 "
				      "05000100 01 000000 08000300 64000000 08000400 c8000000");
	link_set_primary(rt, &bond, 7, 8, "n bond0");
	expect_bytes(rt, "primary",
		     "3c000000 1000 0100 00000000 00000000 00000000 07000000 00000000 00000000 "
		     "1c001280 09000100 626f6e6400 000000 0c000280 08000b00 08000000");
	bond.bond = (struct bond_options) {.mode = BOND_8023AD,
					   .values = {[BOND_LACP_RATE] = {true, 1},
						      [BOND_XMIT_HASH_POLICY] = {true, 1},
						      [BOND_DOWNDELAY] = {true}}};
	link_add_bond(rt, &bond, "n bond0");
	expect_bytes(
		rt, "802.3ad",
		NEW("68",
		    "09000000") "0a000300 626f6e643000 0000 " GROUP
				"34001280 09000100 626f6e6400 000000 24000280 05000100 04 000000 "
				"05001500 01 000000 08000500 00000000 05000e00 01 000000");
	bond.bond = (struct bond_options) {
		.mode = BOND_BALANCE_XOR,
		.values = {[BOND_ARP_INTERVAL] = {true, 50}, [BOND_ARP_VALIDATE] = {true, 3}},
		.arp_targets = {true,
				{{AF_INET, .b = {10, 0, 0, 1}}, {AF_INET, .b = {10, 0, 0, 2}}},
				2},
		.ns_targets = {true, {{AF_INET6, .b = {0xfd, [15] = 1}}}, 1}};
	link_set(rt, &(struct link) {.kind = LINK_BOND, .bond = bond.bond}, 9, LINK_SET_BOND, 0,
		 "n bond0");
	expect_bytes(rt, "ARP",
		     "70000000 1000 0100 00000000 00000000 00000000 09000000 00000000 00000000 "
		     "50001280 09000100 626f6e6400 000000 40000280 "
		     "08000700 32000000 08000900 03000000 "
		     "14000880 08000000 0a000001 08000100 0a000002 "
		     "18001f80 14000000 fd000000 00000000 00000000 00000001");
	link_set_prio(rt, &(struct link) {.prio = -1}, 7, "n eth1");
	expect_bytes(rt, "priority",
		     "3c000000 1000 0100 00000000 00000000 00000000 07000000 00000000 00000000 "
		     "1c001280 09000400 626f6e6400 000000 0c000580 08000900 ffffffff");
}

static void test_changes(void **state)
{
	struct port_vlan was[] = {{5, false}, {6, false}},
			 is[] = {{1, true}, {6, false}, {7, false}};
	struct link have = {.vlans = was, .vlan_count = 2}, want = {.vlans = is, .vlan_count = 3};
	struct link port = {.mtu = 1500, .alias = (char[]) {"a"}};
	struct rtnl *rt = *state;

	link_set(rt, &port, 7, LINK_SET_MTU | LINK_SET_MASTER | LINK_SET_UP | LINK_SET_ALIAS, 3,
		 "p");
	expect_bytes(rt, "set",
		     "38000000 1000 0100 00000000 00000000 00000000 07000000 01000000 01000000 " MTU
		     "08000a00 03000000 05001400 61 000000");
	link_set(rt, &port, 7, LINK_SET_DOWN, 0, "p");
	expect_bytes(rt, "down",
		     "20000000 1000 0100 00000000 00000000 00000000 07000000 00000000 01000000");
#define BRIDGE_PORT(type) \
	"2c000000 " type " 0100 00000000 00000000 07000000 07000000 00000000 00000000 "
	/* 6 stays; 1, untagged, is also the PVID */
	link_set_vlans(rt, 7, &have, &want, "p");
	expect_bytes(
		rt, "VLANs",
		BRIDGE_PORT("1100") "0c001a80 08000200 0000 0500 " BRIDGE_PORT(
			"1300") "0c001a80 08000200 0600 0100 " BRIDGE_PORT("1300") "0c001a80 "
										   "08000200 0000 "
										   "0700");
	link_del(rt, 7, "p");
	link_del_group(rt, 0x6e000001, "p");
	expect_bytes(
		rt, "delete",
		"20000000 1100 0100 00000000 00000000 00000000 07000000 00000000 00000000 "
		"28000000 1100 0100 00000000 00000000 00000000 00000000 00000000 00000000 " GROUP);
}

/* --- running out of memory */

static void test_out_of_memory(void **state)
{
	static const char data[4096];
	struct netsim_err err = {0};
	struct rtnl_reply reply = {0};
	struct rtnl *rt = *state;
	size_t size, count, nest;

	for (int at = 0; at < 3; at++) {
		no_memory = at == 0;
		rtnl_begin(rt, 1, 0, NULL, "x");
		no_memory |= at == 1;
		nest = rtnl_nest(rt, 1);
		rtnl_put(rt, 2, data, sizeof(data));
		no_memory = true;
		rtnl_at(rt, NULL);
		rtnl_put(rt, 3, data, sizeof(data));
		rtnl_nest_end(rt, nest);
		rtnl_tolerate(rt, EEXIST);
		rtnl_needs(rt, ENOENT, "x");
		no_memory = false;
		rtnl_begin(rt, 2, 0, NULL, "y"); /* it stays failed */
		err = (struct netsim_err) {0};
		assert_int_equal(at == 2 ? rtnl_ask(rt, &reply, &err) : rtnl_send(rt, &err),
				 -ENOMEM);
		assert_int_equal(err.code, -ENOMEM);
		rtnl_batch(rt, &size, &count);
		assert_int_equal(size + count, 0);
	}
	assert_int_equal(kernel.sends, 0);
	assert_null(reply.data);
	assert_int_equal(rtnl_send(rt, &err), 0); /* nothing to do, and no longer failed */
}

/* --- answers */

static const struct netsim_loc op_at = {"f.yaml", 1, 2}, attr_at = {"f.yaml", 3, 4};

static void begin_ops(struct rtnl *rt, int count)
{
	for (int i = 1; i <= count; i++) {
		rtnl_begin(rt, 1, 0, &op_at, "op %d", i);
		rtnl_put_u32(rt, 1, 0);
		rtnl_at(rt, &attr_at);
		rtnl_put_u32(rt, 2, 0);
		rtnl_at(rt, NULL);
		rtnl_put_u32(rt, 3, 0);
	}
}

static void test_send(void **state)
{
	struct rtnl *rt = *state;
	const struct nlmsghdr *h = (const void *)kernel.sent;

	begin_ops(rt, 3);
	add_verdict(3, 0, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, NULL), 0);
	assert_int_equal(kernel.sends, 1);
	assert_int_equal(kernel.sent_ops, 3);
	for (uint32_t seq = 1; seq <= 3; seq++) {
		assert_int_equal(h->nlmsg_seq, seq);
		assert_int_equal(h->nlmsg_pid, PORT_ID);
		/* only the last requests an ack */
		assert_int_equal(h->nlmsg_flags, NLM_F_REQUEST | (seq == 3 ? NLM_F_ACK : 0));
		h = (const void *)((const char *)h + h->nlmsg_len);
	}
	begin_ops(rt, 1);
	add_verdict(4, 0, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, NULL), 0);
}

static void test_chunks(void **state)
{
	static const char data[60000];
	struct rtnl *rt = *state;

	begin_ops(rt, 450);
	for (uint32_t last = 200; last <= 600; last += 200)
		add_verdict(last < 450 ? last : 450, 0, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, NULL), 0);
	assert_int_equal(kernel.sends, 3);
	assert_int_equal(kernel.sent_ops, 450);
	/* at most 64 KiB at once */
	for (uint32_t i = 1; i <= 3; i++) {
		rtnl_begin(rt, 1, 0, NULL, "large");
		rtnl_put(rt, 1, data, i == 3 ? 10 : sizeof(data));
	}
	add_verdict(451, 0, NLM_F_CAPPED);
	add_verdict(453, 0, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, NULL), 0);
	assert_int_equal(kernel.sends, 5);
}

/* Only the first refusal is reported, and no further chunk is sent. */
static void test_refusals(void **state)
{
	struct netsim_err err = {0};
	struct rtnl *rt = *state;

	begin_ops(rt, 300);
	add_verdict(1000, -EIO, NLM_F_CAPPED); /* to another request */
	add_verdict(2, -EBUSY, NLM_F_CAPPED);
	add_verdict(3, -EINVAL, NLM_F_CAPPED);
	add_verdict(200, 0, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, &err), -EBUSY);
	assert_string_equal(err.what, "op 2: Device or resource busy");
	assert_string_equal(err.kernel, "");
	assert_int_equal(err.kind, NETSIM_ERR_KERNEL);
	assert_int_equal(err.loc.line, 1);
	assert_int_equal(kernel.sends, 1);
	assert_int_equal(rtnl_send(rt, NULL), 0);
}

static void test_tolerated(void **state)
{
	struct netsim_err err = {0};
	struct rtnl *rt = *state;

	rtnl_begin(rt, 1, 0, NULL, "a");
	rtnl_tolerate(rt, EEXIST);
	rtnl_begin(rt, 1, 0, NULL, "b");
	rtnl_tolerate(rt, ENODEV);
	rtnl_needs(rt, ENOENT, "a module");
	add_verdict(1, -EEXIST, NLM_F_CAPPED);
	add_verdict(2, -ENODEV, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, &err), 0);
	assert_int_equal(err.kind, NETSIM_ERR_NONE);
	rtnl_begin(rt, 1, 0, NULL, "b");
	rtnl_tolerate(rt, ENODEV);
	rtnl_needs(rt, ENOENT, "a module");
	add_verdict(3, -ENOENT, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, &err), -ENOENT);
	assert_int_equal(err.kind, NETSIM_ERR_ENV);
	assert_string_equal(err.hint, "a module");
	err = (struct netsim_err) {0};
	begin_ops(rt, 1);
	add_verdict(4, -EPERM, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, &err), -EPERM);
	assert_int_equal(err.kind, NETSIM_ERR_ENV);
	assert_non_null(strstr(err.hint, geteuid() ? "run netsim as root" : "root lacks"));
}

static void test_lost_answer(void **state)
{
	struct netsim_err err = {0};
	struct rtnl *rt = *state;

	begin_ops(rt, 3);
	add_verdict(2, 0, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, &err), -EAGAIN);
	assert_non_null(strstr(err.what, "did not arrive"));
	begin_ops(rt, 3);
	add_verdict(5, -EBUSY, NLM_F_CAPPED);
	assert_int_equal(rtnl_send(rt, NULL), -EBUSY);
}

/* The kernel's message, and the location of the attribute at fault. */
static void test_extack(void **state)
{
	static const struct {
		uint32_t offset;
		unsigned line;
	} rows[] = {{0, 1}, {16, 1}, {24, 3}, {28, 3}, {32, 1}, {36, 1}, {4000, 1}};
	struct rtnl *rt = *state;
	uint32_t seq = 1;

	for (int capped = 0; capped < 2; capped++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			uint16_t flags = capped ? NLM_F_CAPPED | NLM_F_ACK_TLVS : NLM_F_ACK_TLVS;
			struct netsim_err err = {0};

			begin_ops(rt, 1);
			struct nlmsghdr *h = add_verdict(seq++, -EINVAL, flags);

			add_attr(h, NLMSGERR_ATTR_MSG, "not so", 7);
			add_attr(h, NLMSGERR_ATTR_OFFS, &rows[i].offset, 4);
			add_attr(h, 99, "later kernels", 13);
			assert_int_equal(rtnl_send(rt, &err), -EINVAL);
			assert_string_equal(err.kernel, "not so");
			assert_string_equal(err.what, "op 1: Invalid argument");
			assert_int_equal(err.loc.line, rows[i].line);
		}
}

/* An answer truncated after any byte is not read beyond its end. */
static void test_truncated_extack(void **state)
{
	struct rtnl *rt = *state;
	uint32_t offset = 24;

	for (int capped = 0; capped < 2; capped++)
		for (uint32_t cut = 0;; cut++) {
			uint16_t flags = capped ? NLM_F_CAPPED | NLM_F_ACK_TLVS : NLM_F_ACK_TLVS;
			struct netsim_err err = {0};

			kernel.count = kernel.next = 0;
			memset(kernel.size, 0, sizeof(kernel.size));
			begin_ops(rt, 1);
			struct nlmsghdr *h = add_verdict(next_seq(), -EINVAL, flags);

			add_attr(h, NLMSGERR_ATTR_MSG, "not so", 7);
			add_attr(h, NLMSGERR_ATTR_OFFS, &offset, 4);
			if (cut > h->nlmsg_len)
				break;
			h->nlmsg_len -= cut;
			int r = rtnl_send(rt, &err);

			if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct nlmsgerr)) {
				assert_int_equal(r, -EAGAIN);
				continue;
			}
			assert_int_equal(r, -EINVAL);
			assert_int_equal(err.loc.line, cut ? 1 : 3);
			assert_string_equal(err.kernel, cut <= 9 ? "not so" : "");
		}
}

/* An impossible length in the echoed message. */
static void test_lying_echo(void **state)
{
	static const uint32_t lengths[] = {0, 1, 15, 17, 4096, 0x7fffffff, 0xfffffff0, UINT32_MAX};
	struct rtnl *rt = *state;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct netsim_err err = {0};

		begin_ops(rt, 1);
		struct nlmsghdr *h = add_verdict(next_seq(), -EINVAL, NLM_F_ACK_TLVS);
		struct nlmsgerr *e = NLMSG_DATA(h);

		e->msg.nlmsg_len = lengths[i];
		assert_int_equal(rtnl_send(rt, &err), -EINVAL);
		assert_string_equal(err.kernel, "");
	}
}

static void test_values(void **state)
{
	struct {
		struct nlattr head;
		uint8_t data[8];
	} a = {{12, 1}, {1, 2, 3, 4, 5, 6, 7, 8}};

	(void)state;
	assert_int_equal(rtnl_u8(&a.head), 1);
	assert_int_equal(rtnl_u16(&a.head), 0x0201);
	assert_int_equal(rtnl_u32(&a.head), 0x04030201);
	assert_true(rtnl_u64(&a.head) == 0x0807060504030201);
	assert_string_equal(rtnl_str(&a.head), ""); /* without a NUL */
	a.head.nla_len = 11;
	assert_int_equal(rtnl_u64(&a.head), 0);
	a.head.nla_len = 5;
	assert_int_equal(rtnl_u16(&a.head), 0);
	a.head.nla_len = 4;
	assert_int_equal(rtnl_u8(&a.head), 0);
	assert_string_equal(rtnl_str(&a.head), "");
	memcpy(a.data, "abc", 4);
	a.head.nla_len = 8;
	assert_string_equal(rtnl_str(&a.head), "abc");
	assert_int_equal(rtnl_u8(NULL) + rtnl_u16(NULL) + rtnl_u32(NULL) + rtnl_u64(NULL), 0);
	assert_string_equal(rtnl_str(NULL), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attributes),	TEST(test_new_links),	  TEST(test_bonds),
		TEST(test_changes),	TEST(test_out_of_memory), TEST(test_send),
		TEST(test_chunks),	TEST(test_refusals),	  TEST(test_tolerated),
		TEST(test_lost_answer), TEST(test_extack),	  TEST(test_truncated_extack),
		TEST(test_lying_echo),	TEST(test_values),
	};

	return cmocka_run_group_tests_name("rt", tests, NULL, NULL);
}
