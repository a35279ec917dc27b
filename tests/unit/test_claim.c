// SPDX-License-Identifier: GPL-2.0-or-later
/* Which tap is the port of an attached node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/fleet/claim.h"
#include "netsim/kernel/mark.h"

struct bench {
	struct topo *topo;
	struct model *host;
	struct neigh_mac macs[4];
	size_t mac_count;
	struct port_claims claims;
};

static void set_up(struct bench *b, const char *nodes)
{
	struct netsim_diags diags = {0};
	char text[2048];

	*b = (struct bench) {.host = model_new("")};
	snprintf(text, sizeof(text), "fleet: f\nnetworks: {lan: {name: br}, far: {name: br2}}\n%s",
		 nodes);
	if (topo_parse("f.yaml", text, strlen(text), &b->topo, &diags) < 0)
		fail_msg("%u:%u %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].what);
}

static struct link *tap(struct bench *b, const char *name, const char *bridge, const char *mac)
{
	struct link *link = model_add_link(b->host, MODEL_HOST, name, LINK_TAP);

	assert_non_null(link);
	link->ifindex = (int)b->host->link_count + 10;
	snprintf(link->master, sizeof(link->master), "%s", bridge);
	sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &link->mac.b[0], &link->mac.b[1],
	       &link->mac.b[2], &link->mac.b[3], &link->mac.b[4], &link->mac.b[5]);
	return link;
}

static void decide(struct bench *b)
{
	free(b->claims.list);
	assert_int_equal(claim_decide(b->topo, b->host, b->macs, b->mac_count, &b->claims), 0);
}

static void tear_down(struct bench *b)
{
	free(b->claims.list);
	model_free(b->host);
	topo_free(b->topo);
}

static void has(const struct bench *b, size_t i, const char *port)
{
	assert_true(i < b->claims.count);
	if (!b->claims.list[i].ifindex)
		fail_msg("%s: no port: %s", port, b->claims.list[i].why);
	assert_string_equal(b->claims.list[i].port, port);
}

static void lacks(const struct bench *b, size_t i, const char *why)
{
	assert_true(i < b->claims.count);
	assert_int_equal(b->claims.list[i].ifindex, 0);
	assert_string_equal(b->claims.list[i].why, why);
}

static void test_names(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "nodes:\n"
		   "  a: {kind: attached, interfaces: {e: {network: lan, port: vnet1}}}\n"
		   "  b: {kind: attached, interfaces: {e: {network: lan, port: \"tap*\"}}}\n");
	decide(&b);
	lacks(&b, 0, "br has no tap vnet1");
	lacks(&b, 1, "br has no tap tap*");
	tap(&b, "vnet1", "br", "02:00:00:00:00:01");
	tap(&b, "tap0", "br2", "02:00:00:00:00:02");
	tap(&b, "tap1", "br", "02:00:00:00:00:03");
	decide(&b);
	has(&b, 0, "vnet1");
	has(&b, 1, "tap1");
	assert_false(b.claims.list[0].marked);
	tear_down(&b);
}

/* The reasons why a tap with the exact name is not taken. */
static void test_misses(void **state)
{
	struct bench b;
	struct link *link;

	(void)state;
	set_up(&b, "nodes:\n"
		   "  a: {kind: attached, interfaces: {e: {network: lan, port: vnet1, mac: "
		   "\"52:54:00:00:00:01\"}}}\n");
	link = tap(&b, "vnet1", "", "fe:54:00:00:00:01");
	decide(&b);
	lacks(&b, 0, "vnet1 is in no bridge, not in br");
	snprintf(link->master, sizeof(link->master), "br2");
	decide(&b);
	lacks(&b, 0, "vnet1 is in br2, not in br");
	snprintf(link->master, sizeof(link->master), "br");
	link->kind = LINK_VETH;
	decide(&b);
	lacks(&b, 0, "vnet1 is not a tap");
	link->kind = LINK_TAP;
	/* The name decides, whatever the address. */
	link->mac.b[5] = 2;
	decide(&b);
	has(&b, 0, "vnet1");
	tear_down(&b);
}

static void test_guests(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "nodes:\n"
		   "  a: {kind: attached, interfaces: {e: {network: lan, mac: "
		   "\"52:54:00:00:00:01\"}}}\n"
		   "  b: {kind: attached, interfaces: {e: {network: lan, port: \"vnet*\", mac: "
		   "\"52:54:00:00:00:02\"}}}\n");
	tap(&b, "vnet7", "br", "fe:54:00:00:00:02");
	tap(&b, "vnet8", "br", "02:00:00:00:00:03");
	decide(&b);
	lacks(&b, 0, "br has no tap with the guest 52:54:00:00:00:01");
	has(&b, 1, "vnet7");
	/* The bridge has learned the guest's address. */
	b.macs[0] = (struct neigh_mac) {b.host->links[1].ifindex, {{0x52, 0x54, 0, 0, 0, 1}}};
	b.mac_count = 1;
	decide(&b);
	has(&b, 0, "vnet8");
	has(&b, 1, "vnet7");
	/* It forgets the address of a silent guest, but the tap has the mark. */
	b.mac_count = 0;
	b.host->links[1].alias = strdup("netsim:f/a/e attached");
	decide(&b);
	has(&b, 0, "vnet8");
	b.macs[0].port = b.host->links[0].ifindex;
	b.mac_count = 1;
	b.host->links[0].mac.b[0] = 2;
	decide(&b);
	has(&b, 0, "vnet7");
	tear_down(&b);
}

static void test_doubts(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "nodes:\n"
		   "  a: {kind: attached, interfaces: {e: {network: lan, port: \"vnet*\"}}}\n"
		   "  b: {kind: attached, interfaces: {e: {network: lan, port: \"vnet?\"}}}\n"
		   "  c: {kind: attached, interfaces: {e: {network: far, port: \"vnet*\"}}}\n");
	tap(&b, "vnet1", "br", "02:00:00:00:00:01");
	decide(&b);
	lacks(&b, 0, "vnet1 matches b/e, too");
	lacks(&b, 1, "vnet1 matches a/e, too");
	tap(&b, "vnet22", "br", "02:00:00:00:00:02");
	decide(&b);
	lacks(&b, 0, "vnet1 and vnet22 both match");
	has(&b, 1, "vnet1");
	snprintf(b.host->links[0].name, IFNAMSIZ, "vnet33");
	decide(&b);
	lacks(&b, 1, "br has no tap vnet?");
	tear_down(&b);
}

static void test_marks(void **state)
{
	struct bench b;
	struct link *link;

	(void)state;
	set_up(&b, "nodes:\n"
		   "  a: {kind: attached, interfaces: {e: {network: lan, port: vnet1}}}\n");
	link = tap(&b, "vnet1", "br", "02:00:00:00:00:01");
	link->alias = strdup("netsim:f/a/e attached");
	decide(&b);
	has(&b, 0, "vnet1");
	assert_true(b.claims.list[0].marked);
	free(link->alias);
	link->alias = strdup("netsim:g/a/e attached");
	decide(&b);
	lacks(&b, 0, "vnet1 belongs to the fleet g");
	free(link->alias);
	link->alias = strdup("mine");
	decide(&b);
	lacks(&b, 0, "vnet1 has an alias of another program: mine");
	/* A tap that netsim made is a node's already. */
	link->group = mark_group("f");
	decide(&b);
	lacks(&b, 0, "vnet1 is a port of a fleet");
	tear_down(&b);
}

static void test_needed(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "nodes: {a: {interfaces: {e: {network: lan}}}}\n");
	assert_false(claim_is_needed(b.topo));
	tear_down(&b);
	set_up(&b, "nodes: {a: {kind: attached, interfaces: {e: {network: lan, port: v}}}}\n");
	assert_true(claim_is_needed(b.topo));
	assert_int_equal(b.topo->networks[0].unclaimed, UNCLAIMED_DROP);
	assert_int_equal(b.topo->networks[1].unclaimed, UNCLAIMED_PASS);
	tear_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),  cmocka_unit_test(test_misses),
		cmocka_unit_test(test_guests), cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_marks),  cmocka_unit_test(test_needed),
	};

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
