// SPDX-License-Identifier: GPL-2.0-or-later
/* The options of bonds: reads them, and checks them against the mode and each other. */
#include "netsim/config/topo_parts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/buf.h"

bool topo_bind_milliseconds(struct bind *b, const struct field *field, const struct doc_node *node,
			    void *ret)
{
	struct duration d = {0}, max = {(int64_t)(field->max ? field->max : INT32_MAX) * 1000000};
	char text[UNIT_TEXT];

	if (!bind_duration(b, field, node, &d))
		return false;
	if (d.ns % 1000000 || d.ns > max.ns)
		return bind_refuse(b, &node->at, NULL, "%s: must be whole milliseconds, up to %s",
				   field->name,
				   field->max ? unit_format_duration(max, text) : "24d");
	*(uint32_t *)ret = (uint32_t)(d.ns / 1000000);
	return true;
}

bool topo_bind_switch(struct bind *b, const struct field *field, const struct doc_node *node,
		      void *ret)
{
	bool on;

	if (!bind_bool(b, field, node, &on))
		return false;
	*(uint32_t *)ret = on;
	return true;
}

bool topo_bind_prio(struct bind *b, const struct field *field, const struct doc_node *node,
		    void *ret)
{
	const char *text = bind_number(b, field->name, node);
	uint64_t value;
	bool minus;

	if (!text)
		return false;
	minus = *text == '-';
	if (unit_parse_count(text + minus, 0, (uint64_t)INT32_MAX + minus, &value) < 0)
		return bind_refuse(b, &node->at, NULL,
				   "%s: \"%s\" is not a whole number from %d to %d", field->name,
				   shown(text), INT32_MIN, INT32_MAX);
	*(int32_t *)ret = (int32_t)(minus ? -(int64_t)value : (int64_t)value);
	return true;
}

/* Returns what a target must be instead of an address; NULL: it can be the target. */
static const char *target_flaw(const struct ip *ip, uint8_t family)
{
	if (ip->family != family)
		return family == AF_INET ? "an IPv4 address" : "an IPv6 address";
	if (family == AF_INET)
		return ip->b[0] == 0 || ip->b[0] >= 224 ? "the address of a host" : NULL;
	return ip->b[0] == 0xff || memcmp(ip->b, &in6addr_any, sizeof(ip->b)) == 0 ||
			       memcmp(ip->b, &in6addr_loopback, sizeof(ip->b)) == 0 ?
		       "the address of a host" :
		       NULL;
}

static bool bind_target(struct bind *b, const struct field *field, const struct doc_node *node,
			void *ret)
{
	uint8_t family = strcmp(field->name, "arp_ip_target") == 0 ? AF_INET : AF_INET6;
	const char *text = bind_number(b, field->name, node), *why = NULL, *flaw;
	struct bond_targets *targets = ret;
	struct ip ip;

	if (!text)
		return false;
	if (unit_parse_address(text, &ip, &why) < 0)
		return bind_refuse(b, &node->at, why, "%s: \"%s\" is not an address", field->name,
				   shown(text));
	flaw = target_flaw(&ip, family);
	if (flaw)
		return bind_refuse(b, &node->at, hint_f("it must be %s", flaw),
				   "%s: %s cannot be a target", field->name, shown(text));
	for (size_t i = 0; i < targets->count; i++)
		if (memcmp(targets->list[i].b, ip.b, sizeof(ip.b)) == 0)
			return bind_refuse(b, &node->at, "remove one of them",
					   "%s: %s is given twice", field->name, shown(text));
	if (targets->count == BOND_TARGETS_MAX)
		return bind_refuse(b, &node->at, NULL, "%s: a bond has at most %d targets",
				   field->name, BOND_TARGETS_MAX);
	targets->list[targets->count++] = ip;
	return true;
}

bool topo_bind_targets(struct bind *b, const struct field *field, const struct doc_node *node,
		       void *ret)
{
	struct bond_targets *targets = ret;

	if (node->kind == DOC_LIST && !node->count)
		return bind_refuse(b, &node->at, "write for example \"[10.0.0.254]\"",
				   "%s: has no addresses", field->name);
	targets->has = true;
	targets->at = node->at;
	return bind_each(b, field, node, bind_target, ret);
}

/* "active-backup, balance-tlb and balance-alb" */
static const char *list_modes(unsigned modes, struct buf *buf)
{
	unsigned left = modes;

	for (unsigned mode = 0; left; mode++) {
		if (!(left & BOND_IN(mode)))
			continue;
		left &= ~BOND_IN(mode);
		buf_printf(buf, "%s%s",
			   left == modes - BOND_IN(mode) ? "" :
			   left				 ? ", " :
							   " and ",
			   bond_modes[mode]);
	}
	return buf->data ? buf->data : "other modes";
}

static bool refuse_mode(struct bind *b, const struct raw_iface *raw, const char *key,
			unsigned modes, const struct netsim_loc *at)
{
	const char *mode = bond_modes[raw->i.bond.options.mode];
	auto_buf struct buf buf = {0};
	const char *names = list_modes(modes, &buf);

	if (!(modes & (modes - 1)))
		return bind_refuse(b, at, hint_f("write \"mode: %s\"", names),
				   "%s: %s needs the mode %s", raw->i.name, key, names);
	return bind_refuse(b, at, hint_f("it is for %s", names), "%s: %s is not for the mode %s",
			   raw->i.name, key, mode);
}

static bool check_primary(struct bind *b, struct raw_iface *raw)
{
	struct bond_options *options = &raw->i.bond.options;

	if (!options->has_primary)
		return true;
	if (!(BOND_WITH_ACTIVE & BOND_IN(options->mode)))
		return bind_refuse(b, &options->primary_at,
				   "only active-backup, balance-tlb and balance-alb have a primary",
				   "%s: its mode has no primary", raw->i.name);
	for (size_t i = 0; i < raw->members.count; i++)
		if (strcmp(raw->members.list[i].s, raw->primary.s) == 0) {
			snprintf(options->primary, IFNAMSIZ, "%s", raw->primary.s);
			return true;
		}
	return bind_refuse(b, &options->primary_at, "it must be one of the members",
			   "%s: primary \"%s\" is not a member", raw->i.name,
			   shown(raw->primary.s));
}

/* The kernel counts these delays in intervals of miimon. */
static bool check_delay(struct bind *b, const struct raw_iface *raw, enum bond_option option)
{
	const struct bond_options *options = &raw->i.bond.options;
	const struct bond_value *delay = &options->values[option];
	const struct bond_value *miimon = &options->values[BOND_MIIMON];
	const char *key = bond_option_info[option].name;
	char text[UNIT_TEXT];

	if (!delay->has)
		return true;
	if (!miimon->has || miimon->value == 0)
		return bind_refuse(b, &delay->at, "write \"miimon: 100ms\"", "%s: %s needs miimon",
				   raw->i.name, key);
	return delay->value % miimon->value == 0 ||
	       bind_refuse(b, &delay->at, NULL, "%s: %s must be a multiple of miimon, %s",
			   raw->i.name, key, bond_format_value(BOND_MIIMON, miimon->value, text));
}

/* The modes in which the kernel refuses an option, or ignores it. */
static bool check_modes(struct bind *b, const struct raw_iface *raw)
{
	const struct bond_options *options = &raw->i.bond.options;
	bool good = true;

	for (unsigned i = 0; i < BOND_OPTIONS; i++) {
		const struct bond_option_info *info = &bond_option_info[i];
		const struct bond_value *value = &options->values[i];

		if (!value->has)
			continue;
		if (!BOND_HAS_MODE(info->modes, options->mode))
			good = refuse_mode(b, raw, info->name, info->modes, &value->at);
		else if (!BOND_HAS_MODE(info->effective, options->mode))
			diag_warn(b->diags, &value->at, "%s: %s has no effect in the mode %s",
				  raw->i.name, info->name, bond_modes[options->mode]);
	}
	if (options->has_system && options->mode != BOND_8023AD)
		good = refuse_mode(b, raw, "ad_actor_system", BOND_IN(BOND_8023AD),
				   &options->system_at);
	return good;
}

static bool is_on(const struct bond_options *options, enum bond_option option)
{
	return options->values[option].has && options->values[option].value;
}

/* The kernel monitors members either by carrier or by ARP and neighbour discovery. */
static bool check_monitors(struct bind *b, const struct raw_iface *raw)
{
	static const enum bond_option by_arp[] = {BOND_ARP_INTERVAL, BOND_ARP_VALIDATE};
	const struct bond_options *options = &raw->i.bond.options;
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(by_arp); i++)
		if (is_on(options, BOND_MIIMON) && is_on(options, by_arp[i]))
			good = bind_refuse(b, &options->values[by_arp[i]].at,
					   "the kernel monitors by one of them only",
					   "%s: %s and miimon exclude each other", raw->i.name,
					   bond_option_info[by_arp[i]].name);
	return good;
}

static void warn_without_interval(struct bind *b, const struct raw_iface *raw, const char *key,
				  bool given, const struct netsim_loc *at)
{
	if (given && !is_on(&raw->i.bond.options, BOND_ARP_INTERVAL))
		diag_warn(b->diags, at, "%s: %s has no effect without arp_interval", raw->i.name,
			  key);
}

static void warn_of_monitors(struct bind *b, const struct raw_iface *raw)
{
	const struct bond_options *options = &raw->i.bond.options;
	const struct bond_value *interval = &options->values[BOND_ARP_INTERVAL];

	warn_without_interval(b, raw, "arp_ip_target", options->arp_targets.has,
			      &options->arp_targets.at);
	warn_without_interval(b, raw, "ns_ip6_target", options->ns_targets.has,
			      &options->ns_targets.at);
	warn_without_interval(b, raw, "arp_validate", is_on(options, BOND_ARP_VALIDATE),
			      &options->values[BOND_ARP_VALIDATE].at);
	if (is_on(options, BOND_ARP_INTERVAL)) {
		if (!options->arp_targets.has && !options->ns_targets.has)
			diag_warn(b->diags, &interval->at,
				  "%s: arp_interval without arp_ip_target or ns_ip6_target sends "
				  "no probes: members without other traffic count as down",
				  raw->i.name);
		return;
	}
	/* In modes that require miimon, the kernel enables it by default. */
	if (!options->values[BOND_MIIMON].has && options->mode < BOND_8023AD && raw->members.count)
		diag_warn(b->diags, &raw->i.at,
			  "bond %s has no miimon: it will not notice a dead link", raw->i.name);
}

/* Decides whether the switch has a bond, too, without which these modes work badly. */
static bool check_lag(struct bind *b, struct raw_iface *raw)
{
	struct bond *bond = &raw->i.bond;
	uint8_t mode = bond->options.mode;
	bool several = raw->members.count > 1, good = true;

	if (!bond->has_lag)
		bond->lag = mode == BOND_8023AD;
	if (bond->lag && !(BOND_WITH_LAG & BOND_IN(mode)))
		good = refuse_mode(b, raw, "lag", BOND_WITH_LAG, &bond->lag_at);
	if (raw->port.s && !bond->lag)
		good = bind_refuse(b, &raw->port.at, "write \"lag: true\"",
				   "%s: port is the name of the switch's bond, which it lacks",
				   raw->i.name);
	if (mode == BOND_8023AD && !bond->lag && several)
		diag_warn(b->diags, &bond->lag_at,
			  "bond %s finds no LACP partner without lag: it will use only one of its "
			  "ports",
			  raw->i.name);
	if (BOND_WITH_LAG & BOND_IN(mode) && mode != BOND_8023AD && !bond->has_lag && several)
		diag_warn(b->diags, &raw->i.at,
			  "bond %s needs ports that the switch bundles, in the mode %s: write "
			  "\"lag: true\"",
			  raw->i.name, bond_modes[mode]);
	return good;
}

bool topo_check_bond(struct bind *b, struct raw_iface *raw)
{
	const struct bond_options *options = &raw->i.bond.options;
	const struct bond_value *min = &options->values[BOND_MIN_LINKS];
	bool good = check_primary(b, raw);

	good &= check_delay(b, raw, BOND_UPDELAY);
	good &= check_delay(b, raw, BOND_DOWNDELAY);
	good &= check_delay(b, raw, BOND_PEER_NOTIFY_DELAY);
	good &= check_modes(b, raw);
	good &= check_monitors(b, raw);
	good &= check_lag(b, raw);
	if (min->has && min->value > raw->members.count && options->mode == BOND_8023AD)
		diag_warn(b->diags, &min->at,
			  "%s: min_links exceeds its members: it never has a carrier", raw->i.name);
	warn_of_monitors(b, raw);
	return good;
}
