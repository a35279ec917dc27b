// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plans: exactly the steps that each kind of change needs, in order. The wanted model and
 * the kernel's state come from topologies; the tests edit the latter where needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "netsim/fleet/layout.h"
#include "netsim/fleet/plan.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/util/buf.h"

/* Two models, and the plan from one to the other. */
struct change {
	struct topo *from_topo, *to_topo;
	struct model *from, *to;
};

static struct model *lay_out(const char *text, struct topo **topo)
{
	struct netsim_diags diags = {0};
	struct netsim_err err = {0};
	struct model *model = NULL;

	if (!text)
		return model_new("f");
	if (topo_parse("f.yaml", text, strlen(text), topo, &diags) < 0)
		fail_msg("%u:%u %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].what);
	if (layout_make(*topo, &model, &err) < 0)
		fail_msg("%s", err.what);
	for (size_t i = 0; i < model->link_count; i++)
		model->links[i].ifindex = (int)(100 + i);
	return model;
}

/* NULL: an empty model. */
static struct change change(const char *from, const char *to)
{
	struct change c = {0};

	c.from = lay_out(from, &c.from_topo);
	c.to = lay_out(to, &c.to_topo);
	return c;
}

static void done(struct change *c)
{
	model_free(c->from);
	model_free(c->to);
	topo_free(c->from_topo);
	topo_free(c->to_topo);
}

static void expect_steps(struct model *want, const struct model *have, const char *lines)
{
	auto_buf struct buf text = {0};
	struct netsim_err err = {0};
	struct plan plan = {0};
	char line[512];

	assert_int_equal(plan_make(want, have, &plan, &err), 0);
	buf_puts(&text, "");
	for (size_t i = 0; i < plan.count; i++) {
		step_describe(&plan.steps[i], want, line, sizeof(line));
		if (*line)
			buf_printf(&text, "%s\n", line);
		else
			buf_printf(&text, "(%s)\n", plan.steps[i].want->name);
	}
	assert_string_equal(text.data, lines);
	plan_done(&plan);
	assert_null(plan.steps);
}

/* Compares the steps in both directions. */
static void expect(const char *from, const char *to, const char *there, const char *back)
{
	struct change c = change(from, to);

	expect_steps(c.to, c.from, there);
	expect_steps(c.from, c.to, back);
	expect_steps(c.from, c.from, "");
	expect_steps(c.to, c.to, "");
	done(&c);
}

#define LAN    "fleet: f\nnetworks: {lan: }\nnodes:\n"
#define NODE_A "  a: {interfaces: {eth1: {network: lan, address: 10.0.0.1/24}}}\n"
#define NODE_B "  b: {interfaces: {eth1: {network: lan, address: 10.0.0.2/24}}}\n"
#define WITH(...)                                                                                 \
	"fleet: f\nnetworks: {lan: }\nnodes: {a: {interfaces: {eth1: {network: lan, " __VA_ARGS__ \
	"}}}}\n"

static void test_all_and_nothing(void **state)
{
	(void)state;
	expect(NULL, LAN NODE_A NODE_B,
	       "+ f-lan: bridge, mtu 1500\n"
	       "+ node a (namespace f.a)\n"
	       "+ node b (namespace f.b)\n"
	       "+ a eth1: veth to port f.a.eth1, mtu 1500\n"
	       "+ b eth1: veth to port f.b.eth1, mtu 1500\n"
	       "(f.a.eth1)\n"
	       "(f.b.eth1)\n"
	       "+ a eth1: address 10.0.0.1/24\n"
	       "+ b eth1: address 10.0.0.2/24\n",
	       "- f-lan: bridge\n"
	       "- a/eth1 (f.a.eth1): veth\n"
	       "- b/eth1 (f.b.eth1): veth\n"
	       "- node a (namespace f.a)\n"
	       "- node b (namespace f.b)\n");
}

/* Node indices differ between the models: the first node is removed, the second stays. */
static void test_nodes(void **state)
{
	(void)state;
	expect(LAN NODE_A NODE_B, LAN NODE_B,
	       "- a/eth1 (f.a.eth1): veth\n"
	       "- node a (namespace f.a)\n",
	       "+ node a (namespace f.a)\n"
	       "+ a eth1: veth to port f.a.eth1, mtu 1500\n"
	       "(f.a.eth1)\n"
	       "+ a eth1: address 10.0.0.1/24\n");
	expect(LAN NODE_A NODE_B, LAN NODE_B NODE_A, "", "");
}

static void test_addresses_and_routes(void **state)
{
	(void)state;
	expect(WITH("address: [10.0.0.1/24, 10.0.0.9/24]"),
	       WITH("address: [10.0.0.1/24, \"fd00::1/64\"]"),
	       "- a eth1: address 10.0.0.9/24\n+ a eth1: address fd00::1/64\n",
	       "- a eth1: address fd00::1/64\n+ a eth1: address 10.0.0.9/24\n");
	expect(WITH("address: 10.0.0.1/24"), WITH("address: 10.0.0.1/25"),
	       "- a eth1: address 10.0.0.1/24\n+ a eth1: address 10.0.0.1/25\n",
	       "- a eth1: address 10.0.0.1/25\n+ a eth1: address 10.0.0.1/24\n");
	expect(WITH("address: 10.0.0.1/24, routes: [{to: default, via: 10.0.0.3}]"),
	       WITH("address: 10.0.0.1/24, routes: [{to: default, via: 10.0.0.4}, "
		    "{to: 10.9.0.0/16, via: 10.0.0.5}]"),
	       "- a eth1: route default via 10.0.0.3\n"
	       "+ a eth1: route default via 10.0.0.4\n"
	       "+ a eth1: route 10.9.0.0/16 via 10.0.0.5\n",
	       "- a eth1: route default via 10.0.0.4\n"
	       "- a eth1: route 10.9.0.0/16 via 10.0.0.5\n"
	       "+ a eth1: route default via 10.0.0.3\n");
	/* a route is removed before, and added after, the address that it needs */
	expect(WITH("address: 10.0.0.1/24, routes: [{to: default, via: 10.0.0.3}]"),
	       WITH("address: 10.1.0.1/24, routes: [{to: default, via: 10.1.0.3}]"),
	       "- a eth1: route default via 10.0.0.3\n"
	       "- a eth1: address 10.0.0.1/24\n"
	       "+ a eth1: address 10.1.0.1/24\n"
	       "+ a eth1: route default via 10.1.0.3\n",
	       "- a eth1: route default via 10.1.0.3\n"
	       "- a eth1: address 10.1.0.1/24\n"
	       "+ a eth1: address 10.0.0.1/24\n"
	       "+ a eth1: route default via 10.0.0.3\n");
	expect("fleet: f\nnetworks: {lan: {address: 10.0.0.1/24}}\nnodes:\n" NODE_B, LAN NODE_B,
	       "- f-lan: address 10.0.0.1/24\n", "+ f-lan: address 10.0.0.1/24\n");
}

#define TWO(stp)	"fleet: f\nnetworks: {p: {stp: " stp "}, q: {vlans: [5]}, r: }\nnodes:\n"
#define CABLE(to, keys) "links: {wan: {between: [p, " to "]" keys "}}\n"

/* The first end of a cable makes the second one; both stay, or neither. */
static void test_cables(void **state)
{
	struct change c;

	(void)state;
	expect(TWO("false"), TWO("false") CABLE("q", ""),
	       "+ wan/p (f.wan.p): veth on f-p to f.wan.q, mtu 1500\n(f.wan.q)\n",
	       "- wan/p (f.wan.p): veth\n- wan/q (f.wan.q): veth\n");
	expect(TWO("false") CABLE("q", ""), TWO("true") CABLE("q", ", mtu: 1400"),
	       "~ f-p: stp\n~ wan/p (f.wan.p): mtu 1500 -> 1400\n"
	       "~ wan/q (f.wan.q): mtu 1500 -> 1400\n",
	       "~ f-p: stp\n~ wan/p (f.wan.p): mtu 1400 -> 1500\n"
	       "~ wan/q (f.wan.q): mtu 1400 -> 1500\n");
	expect(TWO("false") CABLE("q", ""), TWO("false") CABLE("r", ""),
	       "- wan/p (f.wan.p): veth\n- wan/q (f.wan.q): veth\n"
	       "+ wan/p (f.wan.p): veth on f-p to f.wan.r, mtu 1500\n(f.wan.r)\n",
	       "- wan/p (f.wan.p): veth\n- wan/r (f.wan.r): veth\n"
	       "+ wan/p (f.wan.p): veth on f-p to f.wan.q, mtu 1500\n(f.wan.q)\n");
	c = change(TWO("false") CABLE("q", ""), TWO("false") CABLE("q", ""));
	memset(model_find_link(c.from, MODEL_HOST, "f.wan.p")->master, 0, IFNAMSIZ);
	model_find_link(c.from, MODEL_HOST, "f.wan.q")->vlan_count = 1;
	expect_steps(c.to, c.from, "~ wan/p (f.wan.p): master\n~ wan/q (f.wan.q): vlans\n");
	done(&c);
}

static void test_changes_in_place(void **state)
{
	(void)state;
	expect(WITH("mtu: 1500"), WITH("mtu: 1400"),
	       "~ a eth1: mtu 1500 -> 1400\n~ a/eth1 (f.a.eth1): mtu 1500 -> 1400\n",
	       "~ a eth1: mtu 1400 -> 1500\n~ a/eth1 (f.a.eth1): mtu 1400 -> 1500\n");
	expect(WITH("mac: \"52:54:00:00:00:01\""), WITH("mac: \"52:54:00:00:00:02\""),
	       "~ a eth1: mac\n", "~ a eth1: mac\n");
	expect("fleet: f\nnetworks: {lan: , wan: }\nnodes: {a: {interfaces: {eth1: {network: "
	       "lan}}}}\n",
	       "fleet: f\nnetworks: {lan: , wan: }\nnodes: {a: {interfaces: {eth1: {network: "
	       "wan}}}}\n",
	       "~ a/eth1 (f.a.eth1): master\n", "~ a/eth1 (f.a.eth1): master\n");
	expect("fleet: f\nnetworks: {lan: }\nnodes: {a: {interfaces: {eth1: {network: lan}}}}\n",
	       "fleet: f\nnetworks: {lan: }\nnodes: {a: {roles: [r], interfaces: {eth1: {network: "
	       "lan}}}}\n",
	       "~ a/eth1 (f.a.eth1): alias\n", "~ a/eth1 (f.a.eth1): alias\n");
	expect(WITH("port: one"), WITH("port: two"),
	       "- a/eth1 (one): veth\n- a eth1: veth\n"
	       "+ a eth1: veth to port two, mtu 1500\n(two)\n",
	       "- a/eth1 (two): veth\n- a eth1: veth\n"
	       "+ a eth1: veth to port one, mtu 1500\n(one)\n");
}

#define VLANS(vlans, iface) \
	"fleet: f\nnetworks: {lan: {" vlans "}}\nnodes: {a: {interfaces: {eth1: {" iface "}}}}\n"

static void test_port_vlans(void **state)
{
	(void)state;
	expect(VLANS("vlans: [5, 6]", "network: lan"), VLANS("vlans: [5, 7]", "network: lan"),
	       "~ a/eth1 (f.a.eth1): vlans\n", "~ a/eth1 (f.a.eth1): vlans\n");
	expect(VLANS("vlans: [5, 6]", "network: lan, access: 5"),
	       VLANS("vlans: [5, 6]", "network: lan, vlans: [5]"), "~ a/eth1 (f.a.eth1): vlans\n",
	       "~ a/eth1 (f.a.eth1): vlans\n");
	/* VLANs of ports are not changed on a bridge without VLAN filtering */
	expect(VLANS("vlans: [5, 6]", "network: lan"), VLANS("mtu: 1500", "network: lan"),
	       "~ f-lan: vlan filtering\n",
	       "~ f-lan: vlan filtering\n~ a/eth1 (f.a.eth1): vlans\n");
}

#define BOND(rest, vlans)                                              \
	"fleet: f\nnetworks: {lan: }\nnodes:\n  a:\n    interfaces:\n" \
	"      eth1: {network: lan}\n      eth2: {network: lan}\n"     \
	"      bond0: {bond: [eth1, eth2], " rest "}\n" vlans
#define TWO_VLANS                                          \
	"      bond0.5: {vlan: 5, address: 10.5.0.1/24}\n" \
	"      bond0.6: {vlan: 6, routes: [{to: default, via: 10.6.0.9}], address: 10.6.0.1/24}\n"

static void test_bond_options(void **state)
{
	(void)state;
	expect(BOND("miimon: 100ms", ""), BOND("miimon: 200ms, updelay: 400ms", ""),
	       "~ a bond0: miimon, updelay\n", "~ a bond0: miimon, updelay\n");
	expect(BOND("miimon: 0ms, arp_interval: 1s, arp_ip_target: [10.0.0.1, 10.0.0.2]", ""),
	       BOND("miimon: 0ms, arp_interval: 1s, arp_ip_target: [10.0.0.2, 10.0.0.1]", ""),
	       "~ a bond0: arp_ip_target\n", "~ a bond0: arp_ip_target\n");
	expect(BOND("mode: 802.3ad, ad_actor_system: \"52:54:00:00:00:01\"", ""),
	       BOND("mode: 802.3ad, ad_actor_system: \"52:54:00:00:00:02\", min_links: 1", ""),
	       "~ a bond0: min_links, ad_actor_system\n",
	       "~ a bond0: min_links, ad_actor_system\n");
	expect(BOND("mode: active-backup, miimon: 1s, primary: eth1", ""),
	       BOND("mode: active-backup, miimon: 1s, primary: eth2", ""), "~ a bond0: primary\n",
	       "~ a bond0: primary\n");
	/* options that the topology leaves out get their initial values */
	expect(BOND("mode: active-backup, miimon: 1s, primary: eth1", ""),
	       BOND("mode: active-backup, miimon: 1s", ""), "~ a bond0: primary\n",
	       "~ a bond0: primary\n");
	expect(BOND("mode: active-backup, arp_interval: 1s, arp_ip_target: 10.0.0.1", ""),
	       BOND("mode: active-backup", ""), "~ a bond0: arp_interval, arp_ip_target\n",
	       "~ a bond0: arp_interval, arp_ip_target\n");
	expect(BOND("mode: active-backup, miimon: 1s, num_grat_arp: 1, all_slaves_active: false",
		    ""),
	       BOND("mode: active-backup", ""), "~ a bond0: miimon\n",
	       "~ a bond0: miimon, num_grat_arp\n");
}

/* A bond's mode cannot change in use: the bond and the VLANs above it are recreated. */
static void test_bond_mode(void **state)
{
	static const char steps[] = "- a bond0: bond\n"
				    "- a bond0.5: vlan\n"
				    "- a bond0.6: vlan\n"
				    "~ a eth1: master\n"
				    "~ a eth2: master\n"
				    "+ a bond0: bond, mtu 1500\n"
				    "+ a bond0.5: vlan 5 on bond0\n"
				    "+ a bond0.6: vlan 6 on bond0\n"
				    "+ a bond0.5: address 10.5.0.1/24\n"
				    "+ a bond0.6: address 10.6.0.1/24\n"
				    "+ a bond0.6: route default via 10.6.0.9\n";

	(void)state;
	expect(BOND("mode: active-backup, miimon: 1s", TWO_VLANS),
	       BOND("mode: balance-rr, miimon: 1s", TWO_VLANS), steps, steps);
}

static void test_bond_members(void **state)
{
	(void)state;
	expect(BOND("miimon: 1s", ""),
	       "fleet: f\nnetworks: {lan: }\nnodes:\n  a:\n    interfaces:\n"
	       "      eth1: {network: lan}\n      eth2: {network: lan}\n"
	       "      bond0: {bond: [eth1], miimon: 1s}\n",
	       "~ a eth2: master\n", "~ a eth2: master\n");
	expect(BOND("miimon: 1s", ""),
	       "fleet: f\nnetworks: {lan: }\nnodes:\n  a:\n    interfaces:\n"
	       "      eth1: {network: lan}\n      eth2: {network: lan}\n",
	       "- a bond0: bond\n~ a eth1: master\n~ a eth2: master\n",
	       "~ a eth1: master\n~ a eth2: master\n+ a bond0: bond, mtu 1500\n");
}

/* The switch's side of a bond comes and goes with its key; the cables stay. */
static void test_lags(void **state)
{
	(void)state;
	expect(BOND("mode: balance-xor, miimon: 1s, lag: false", ""),
	       BOND("mode: balance-xor, miimon: 1s, lag: true", ""),
	       "+ a/bond0 (f.a.bond0): bond on f-lan, mtu 1500\n"
	       "~ a/eth1 (f.a.eth1): master\n~ a/eth2 (f.a.eth2): master\n",
	       "- a/bond0 (f.a.bond0): bond\n"
	       "~ a/eth1 (f.a.eth1): master\n~ a/eth2 (f.a.eth2): master\n");
	/* another rate needs new bonds on both sides */
	expect(BOND("mode: 802.3ad, lacp_rate: slow", ""),
	       BOND("mode: 802.3ad, lacp_rate: fast", ""),
	       "- a/bond0 (f.a.bond0): bond\n- a bond0: bond\n"
	       "+ a/bond0 (f.a.bond0): bond on f-lan, mtu 1500\n"
	       "~ a eth1: master\n~ a eth2: master\n+ a bond0: bond, mtu 1500\n"
	       "~ a/eth1 (f.a.eth1): master\n~ a/eth2 (f.a.eth2): master\n",
	       "- a/bond0 (f.a.bond0): bond\n- a bond0: bond\n"
	       "+ a/bond0 (f.a.bond0): bond on f-lan, mtu 1500\n"
	       "~ a eth1: master\n~ a eth2: master\n+ a bond0: bond, mtu 1500\n"
	       "~ a/eth1 (f.a.eth1): master\n~ a/eth2 (f.a.eth2): master\n");
}

/* A member that joins a bond anew has lost its priority. */
static void test_member_prio(void **state)
{
	static const char file[] =
		"fleet: f\nnetworks: {lan: }\nnodes:\n  a:\n    interfaces:\n"
		"      eth1: {network: lan, prio: %d}\n      eth2: {network: lan}\n"
		"      bond0: {bond: [eth1, eth2], mode: %s, miimon: 1s}\n";
	char five[512], six[512], other[512];

	(void)state;
	snprintf(five, sizeof(five), file, 5, "active-backup");
	snprintf(six, sizeof(six), file, -6, "active-backup");
	snprintf(other, sizeof(other), file, 5, "balance-tlb");
	expect(five, six, "~ a eth1: prio\n", "~ a eth1: prio\n");
	expect(five, other,
	       "- a bond0: bond\n~ a eth1: master, prio\n~ a eth2: master\n"
	       "+ a bond0: bond, mtu 1500\n",
	       "- a bond0: bond\n~ a eth1: master, prio\n~ a eth2: master\n"
	       "+ a bond0: bond, mtu 1500\n");
}

static void test_vlan_interfaces(void **state)
{
	(void)state;
	expect(BOND("miimon: 1s", TWO_VLANS),
	       BOND("miimon: 1s", "      bond0.5: {vlan: 7, address: 10.5.0.1/24}\n"),
	       "- a bond0.5: vlan\n"
	       "- a bond0.6: vlan\n"
	       "+ a bond0.5: vlan 7 on bond0\n"
	       "+ a bond0.5: address 10.5.0.1/24\n",
	       "- a bond0.5: vlan\n"
	       "+ a bond0.5: vlan 5 on bond0\n"
	       "+ a bond0.6: vlan 6 on bond0\n"
	       "+ a bond0.5: address 10.5.0.1/24\n"
	       "+ a bond0.6: address 10.6.0.1/24\n"
	       "+ a bond0.6: route default via 10.6.0.9\n");
	/* stacked VLANs: all above a recreated link */
	expect(BOND("miimon: 1s", "      v1: {vlan: 1, link: bond0}\n"
				  "      v2: {vlan: 2, link: v1}\n      v3: {vlan: 3, link: v2}\n"),
	       BOND("miimon: 1s", "      v1: {vlan: 1, link: bond0, protocol: 802.1ad}\n"
				  "      v2: {vlan: 2, link: v1}\n      v3: {vlan: 3, link: v2}\n"),
	       "- a v1: vlan\n- a v2: vlan\n- a v3: vlan\n"
	       "+ a v1: vlan 1 on bond0\n+ a v2: vlan 2 on v1\n+ a v3: vlan 3 on v2\n",
	       "- a v1: vlan\n- a v2: vlan\n- a v3: vlan\n"
	       "+ a v1: vlan 1 on bond0\n+ a v2: vlan 2 on v1\n+ a v3: vlan 3 on v2\n");
	expect(BOND("miimon: 1s", "      v1: {vlan: 1, link: bond0}\n"),
	       "fleet: f\nnetworks: {lan: }\nnodes:\n  a:\n    interfaces:\n"
	       "      eth1: {network: lan}\n      eth2: {network: lan}\n"
	       "      bond0: {bond: [eth2], miimon: 1s}\n      v1: {vlan: 1, link: eth1}\n",
	       "- a v1: vlan\n~ a eth1: master\n+ a v1: vlan 1 on eth1\n",
	       "- a v1: vlan\n~ a eth1: master\n+ a v1: vlan 1 on bond0\n");
}

#define TAP(rest)                                                    \
	"fleet: f\nnetworks: {lan: }\nnodes: {vm: {kind: tap, " rest \
	"interfaces: {eth0: {network: lan, port: tap0}}}}\n"

static void test_taps(void **state)
{
	static const char replacing[] =
		"- vm/eth0 (tap0): tap\n+ vm/eth0 (tap0): tap on f-lan, mtu 1500\n";

	(void)state;
	expect(NULL, TAP(""),
	       "+ f-lan: bridge, mtu 1500\n+ vm/eth0 (tap0): tap on f-lan, mtu 1500\n",
	       "- f-lan: bridge\n- vm/eth0 (tap0): tap\n");
	expect(TAP(""), TAP("multi_queue: yes, "), replacing, replacing);
	expect(TAP(""), TAP("group: 0, "), replacing, replacing);
	expect(TAP("user: root, "), TAP(""), replacing, replacing);
	/* the guest becomes a network namespace */
	expect(TAP(""),
	       "fleet: f\nnetworks: {lan: }\nnodes: {vm: {interfaces: {eth0: {network: lan, port: "
	       "tap0}}}}\n",
	       "- vm/eth0 (tap0): tap\n+ node vm (namespace f.vm)\n"
	       "+ vm eth0: veth to port tap0, mtu 1500\n(tap0)\n",
	       "- vm/eth0 (tap0): veth\n+ vm/eth0 (tap0): tap on f-lan, mtu 1500\n- node vm "
	       "(namespace f.vm)\n");
}

/* --- kernel state that no topology describes */

static struct link *have_link(struct change *c, int node, const char *name)
{
	struct link *link = model_find_link(c->from, node, name);

	assert_non_null(link);
	return link;
}

/* Removes a link from the kernel's state, as another program might. */
static void lose(struct change *c, int node, const char *name)
{
	struct link *link = have_link(c, node, name);

	strcpy(link->name, "gone");
	link->group = 0;
}

static void test_half_a_cable(void **state)
{
	struct change c = change(LAN NODE_A, LAN NODE_A);

	(void)state;
	lose(&c, MODEL_HOST, "f.a.eth1");
	expect_steps(c.to, c.from,
		     "- a eth1: veth\n"
		     "+ a eth1: veth to port f.a.eth1, mtu 1500\n"
		     "(f.a.eth1)\n"
		     "+ a eth1: address 10.0.0.1/24\n");
	done(&c);
	c = change(LAN NODE_A, LAN NODE_A);
	lose(&c, 0, "eth1");
	expect_steps(c.to, c.from,
		     "- a/eth1 (f.a.eth1): veth\n"
		     "+ a eth1: veth to port f.a.eth1, mtu 1500\n"
		     "(f.a.eth1)\n"
		     "+ a eth1: address 10.0.0.1/24\n");
	done(&c);
}

/* A VLAN above a recreated cable is recreated too. */
static void test_cable_below_a_vlan(void **state)
{
	static const char text[] =
		LAN "  a: {interfaces: {eth1: {network: lan}, eth1.5: {vlan: 5}}}\n";
	struct change c = change(text, text);

	(void)state;
	lose(&c, MODEL_HOST, "f.a.eth1");
	expect_steps(c.to, c.from,
		     "- a eth1: veth\n"
		     "- a eth1.5: vlan\n"
		     "+ a eth1: veth to port f.a.eth1, mtu 1500\n"
		     "+ a eth1.5: vlan 5 on eth1\n"
		     "(f.a.eth1)\n");
	done(&c);
}

static void test_bridge_lost(void **state)
{
	struct change c = change(LAN NODE_A, LAN NODE_A);

	(void)state;
	lose(&c, MODEL_HOST, "f-lan");
	*have_link(&c, MODEL_HOST, "f.a.eth1")->master = 0;
	expect_steps(c.to, c.from, "+ f-lan: bridge, mtu 1500\n~ a/eth1 (f.a.eth1): master\n");
	done(&c);
}

static void test_drift(void **state)
{
	struct change c = change(LAN NODE_A, LAN NODE_A);
	struct link *port = have_link(&c, MODEL_HOST, "f.a.eth1");

	(void)state;
	port->up = false;
	port->mtu = 1280;
	port->group = MARK_DOOMED(port->group);
	free(port->alias);
	port->alias = NULL;
	have_link(&c, 0, "eth1")->addr_count = 0;
	expect_steps(c.to, c.from,
		     "~ a/eth1 (f.a.eth1): mtu 1280 -> 1500, up, alias, group\n"
		     "+ a eth1: address 10.0.0.1/24\n");
	done(&c);
}

/* An IFB is kept and removed with its port. */
static void test_ifb(void **state)
{
	struct change c = change(LAN NODE_A NODE_B, LAN NODE_A);
	struct link *ifb;

	(void)state;
	ifb = model_add_link(c.from, MODEL_HOST, "f.a.eth1.ifb", LINK_IFB);
	ifb->group = mark_group("f");
	ifb->alias = strdup("netsim:f/a/eth1");
	ifb = model_add_link(c.from, MODEL_HOST, "f.b.eth1.ifb", LINK_IFB);
	ifb->group = mark_group("f");
	ifb->alias = strdup("netsim:f/b/eth1 @role");
	/* left by a run that was killed before it set the alias */
	model_add_link(c.from, MODEL_HOST, "ifb", LINK_IFB)->group = mark_group("f");
	model_add_link(c.from, MODEL_HOST, "ifb0", LINK_IFB)->up = true;
	expect_steps(c.to, c.from,
		     "- b/eth1 (f.b.eth1): veth\n- b/eth1 (f.b.eth1.ifb): ifb\n- ifb: ifb\n"
		     "- node b (namespace f.b)\n");
	done(&c);
}

/* The pair of veths for held packets is in no file, and stays. */
static void test_hold(void **state)
{
	struct change c = change(LAN NODE_A, LAN NODE_A);
	struct link *end;

	(void)state;
	end = model_add_link(c.from, MODEL_HOST, "f.hold", LINK_VETH);
	end->group = mark_group("f");
	assert_int_equal(link_take_alias(end, "netsim:f/@hold"), 0);
	assert_false(link_is_port(end));
	/* left by a run that was killed before it set the alias */
	model_add_link(c.from, MODEL_HOST, "f.held", LINK_VETH)->group = mark_group("f");
	expect_steps(c.to, c.from, "- f.held: veth\n");
	done(&c);
}

/* Foreign links stay. */
static void test_strangers(void **state)
{
	struct change c = change(LAN NODE_A, LAN NODE_A);
	uint32_t group = mark_group("f");

	(void)state;
	model_add_link(c.from, 0, "lo", LINK_OTHER)->up = true;
	model_add_link(c.from, 0, "wg0", LINK_OTHER)->up = true;
	model_add_link(c.from, MODEL_HOST, "docker0", LINK_BRIDGE)->up = true;
	expect_steps(c.to, c.from, "");
	model_add_link(c.from, 0, "old0", LINK_VETH)->group = group;
	model_add_link(c.from, MODEL_HOST, "old1", LINK_BRIDGE)->group = MARK_DOOMED(group);
	expect_steps(c.to, c.from, "- a old0: veth\n- old1: bridge\n");
	done(&c);
}

/* A foreign link with a wanted name is not taken over: adding ours will fail. */
static void test_name_taken(void **state)
{
	struct change c = change(LAN NODE_A, LAN NODE_A);

	(void)state;
	have_link(&c, MODEL_HOST, "f-lan")->group = 0;
	expect_steps(c.to, c.from, "+ f-lan: bridge, mtu 1500\n~ a/eth1 (f.a.eth1): master\n");
	done(&c);
}

/* Bond members have the bond's MAC address: no step for a difference. */
static void test_member_mac(void **state)
{
	struct change c = change(BOND("miimon: 1s", ""), BOND("miimon: 1s", ""));

	(void)state;
	have_link(&c, 0, "eth2")->mac = have_link(&c, 0, "eth1")->mac;
	expect_steps(c.to, c.from, "");
	*model_find_link(c.to, 0, "eth2")->master = 0;
	expect_steps(c.to, c.from, "~ a eth2: mac, master\n");
	done(&c);
}

/* The plan sets the ifindexes of links that stay. */
static void test_indices(void **state)
{
	struct change c = change(LAN NODE_A, LAN NODE_A NODE_B);
	struct plan plan = {0};

	(void)state;
	assert_int_equal(plan_make(c.to, c.from, &plan, NULL), 0);
	assert_int_equal(model_find_link(c.to, MODEL_HOST, "f-lan")->ifindex,
			 have_link(&c, MODEL_HOST, "f-lan")->ifindex);
	assert_int_equal(model_find_link(c.to, 1, "eth1")->ifindex, 0);
	plan_done(&plan);
	done(&c);
}

static void test_describe_cuts(void **state)
{
	struct change c = change(NULL, LAN NODE_A);
	struct plan plan = {0};
	char line[12];

	(void)state;
	assert_int_equal(plan_make(c.to, c.from, &plan, NULL), 0);
	for (size_t i = 0; i < plan.count; i++) {
		memset(line, 'x', sizeof(line));
		step_describe(&plan.steps[i], c.to, line, sizeof(line));
		assert_true(strlen(line) < sizeof(line));
	}
	plan_done(&plan);
	plan_done(&plan);
	done(&c);
}

/* Planning a fleet of 500 nodes is fast. */
static void test_large(void **state)
{
	static const char text[] = "fleet: f\nnetworks: {lan: }\nnodes: {\"n-[1-500]\": "
				   "{interfaces: {eth1: {network: lan, "
				   "address: \"fd00::{n}/64\"}}}}\n";
	struct change c = change(text, text), empty = change(NULL, text);
	struct plan plan = {0};

	(void)state;
	expect_steps(c.to, c.from, "");
	assert_int_equal(plan_make(empty.to, empty.from, &plan, NULL), 0);
	assert_int_equal(plan.count, 1 + 500 * 4);
	plan_done(&plan);
	done(&c);
	done(&empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_and_nothing),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_addresses_and_routes),
		cmocka_unit_test(test_cables),
		cmocka_unit_test(test_changes_in_place),
		cmocka_unit_test(test_port_vlans),
		cmocka_unit_test(test_bond_options),
		cmocka_unit_test(test_bond_mode),
		cmocka_unit_test(test_bond_members),
		cmocka_unit_test(test_lags),
		cmocka_unit_test(test_member_prio),
		cmocka_unit_test(test_vlan_interfaces),
		cmocka_unit_test(test_taps),
		cmocka_unit_test(test_half_a_cable),
		cmocka_unit_test(test_cable_below_a_vlan),
		cmocka_unit_test(test_bridge_lost),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_ifb),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_name_taken),
		cmocka_unit_test(test_member_mac),
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_describe_cuts),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
