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
	struct domains *domains;
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
	assert_int_equal(
		claim_decide(b->topo, b->host, b->macs, b->mac_count, b->domains, &b->claims), 0);
}

static void tear_down(struct bench *b)
{
	free(b->claims.list);
	domains_free(b->domains);
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
	/* The bridge forgets the address of a silent guest, but the tap has the mark. */
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

/* libvirt's answer: the domain a has vnet1 and vnet2, b is not running, and c is not known. */
static void answer(struct bench *b)
{
	static const char *const names[] = {"dom-a", "dom-b", "dom-c"};
	static struct domain_port ports[] = {
		{.tap = "vnet1", .mac = {{0x52, 0x54, 0, 0, 0, 1}}, .has_mac = true},
		{.tap = "vnet2", .mac = {{0x52, 0x54, 0, 0, 0, 2}}, .has_mac = true},
	};
	struct domain *a;

	b->domains = domains_new(names, 3);
	assert_non_null(b->domains);
	a = &b->domains->list[0];
	a->state = DOMAIN_RUNNING;
	a->ports = malloc(sizeof(ports));
	memcpy(a->ports, ports, sizeof(ports));
	a->port_count = 2;
	b->domains->list[1].state = DOMAIN_OFF;
	strcpy(b->domains->list[2].near, "dom-a");
}

static void test_domains(void **state)
{
	struct bench b;
	struct link *second;

	(void)state;
	set_up(&b,
	       "nodes:\n"
	       "  a: {kind: attached, domain: dom-a, interfaces: {e: {network: lan, mac: "
	       "\"52:54:00:00:00:01\"}, f: {network: far}}}\n"
	       "  b: {kind: attached, domain: dom-b, interfaces: {e: {network: lan, mac: "
	       "\"52:54:00:00:00:03\"}}}\n"
	       "  c: {kind: attached, domain: dom-c, interfaces: {e: {network: lan, port: v}}}\n");
	/* The tap has no derived address, so that only libvirt knows the guest. */
	tap(&b, "vnet1", "br", "02:00:00:00:00:01");
	second = tap(&b, "vnet2", "br2", "02:00:00:00:00:02");
	tap(&b, "v", "br", "02:00:00:00:00:04");
	decide(&b);
	lacks(&b, 0, "br has no tap of the domain dom-a with the guest 52:54:00:00:00:01");
	lacks(&b, 1, "br2 has no tap of the domain dom-a");
	has(&b, 3, "v");
	answer(&b);
	decide(&b);
	has(&b, 0, "vnet1");
	has(&b, 1, "vnet2");
	lacks(&b, 2, "the domain dom-b is not running");
	lacks(&b, 3, "libvirt has no domain dom-c; did you mean dom-a?");
	/* A tap that is newer than the answer, by its address. */
	tap(&b, "vnet5", "br", "fe:54:00:00:00:03");
	decide(&b);
	has(&b, 2, "vnet5");
	/* In another bridge, and in none. */
	second = &b.host->links[1];
	*second->master = '\0';
	decide(&b);
	lacks(&b, 1, "vnet2 of the domain dom-a is in no bridge");
	snprintf(second->master, sizeof(second->master), "br");
	decide(&b);
	has(&b, 0, "vnet1");
	lacks(&b, 1, "br2 has no tap of the domain dom-a");
	/* The name vnet1 is that of another guest by now. */
	b.host->links[0].mac = (struct mac) {{0xfe, 0x54, 0, 0, 0, 9}};
	decide(&b);
	lacks(&b, 0, "br has no tap of the domain dom-a with the guest 52:54:00:00:00:01");
	tear_down(&b);
}

/* Without an answer, the earlier mark counts; nothing else identifies the tap of a domain. */
static void test_no_answer(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b,
	       "nodes: {a: {kind: attached, domain: dom-a, interfaces: {e: {network: lan}}}}\n");
	answer(&b);
	strcpy(b.domains->why, "no answer");
	b.domains->list[0].port_count = 0;
	tap(&b, "vnet1", "br", "02:00:00:00:00:01");
	decide(&b);
	lacks(&b, 0, "libvirt does not say which tap the domain dom-a has");
	b.host->links[0].alias = strdup("netsim:f/a/e attached");
	decide(&b);
	has(&b, 0, "vnet1");
	/* With one, it does not. */
	*b.domains->why = '\0';
	decide(&b);
	lacks(&b, 0, "br has no tap of the domain dom-a");
	tear_down(&b);
}

static void test_rivals(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "nodes:\n"
		   "  a: {kind: attached, domain: dom-a, interfaces: {e: {network: lan}}}\n"
		   "  b: {kind: attached, domain: dom-b, interfaces: {e: {network: lan, mac: "
		   "\"52:54:00:00:00:01\"}}}\n");
	answer(&b);
	tap(&b, "vnet1", "br", "fe:54:00:00:00:01");
	tap(&b, "vnet2", "br", "fe:54:00:00:00:02");
	decide(&b);
	lacks(&b, 0, "vnet1 and vnet2 both match");
	/* Its address is that of b's guest, but libvirt says that it is a tap of a. */
	lacks(&b, 1, "the domain dom-b is not running");
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
		cmocka_unit_test(test_names),	cmocka_unit_test(test_misses),
		cmocka_unit_test(test_guests),	cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_marks),	cmocka_unit_test(test_needed),
		cmocka_unit_test(test_domains), cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_rivals),
	};

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
