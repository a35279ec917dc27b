// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/config/bond_options.h"

#include <stdio.h>
#include <string.h>

#define MIIMON_INITIAL 100 /* ms, in the modes that need it */

const char *const bond_modes[] = {"balance-rr", "active-backup", "balance-xor", "broadcast",
				  "802.3ad",	"balance-tlb",	 "balance-alb", NULL};
const char *const bond_reselections[] = {"always", "better", "failure", NULL};
const char *const bond_arp_validations[] = {"none",   "active",	       "backup",	"all",
					    "filter", "filter_active", "filter_backup", NULL};
const char *const bond_lacp_rates[] = {"slow", "fast", NULL};
const char *const bond_hashes[] = {"layer2",   "layer3+4",    "layer2+3", "encap2+3",
				   "encap3+4", "vlan+srcmac", NULL};
static const char *const switches[] = {"false", "true", NULL};

const struct bond_option_info bond_option_info[BOND_OPTIONS] = {
	[BOND_PRIMARY_RESELECT] = {"primary_reselect", .words = bond_reselections,
				   .effective = BOND_WITH_ACTIVE},
	[BOND_MIIMON] = {"miimon", .duration = true},
	[BOND_UPDELAY] = {"updelay", .duration = true},
	[BOND_DOWNDELAY] = {"downdelay", .duration = true},
	[BOND_ARP_INTERVAL] = {"arp_interval", .duration = true, .modes = BOND_WITH_ARP},
	[BOND_ARP_VALIDATE] = {"arp_validate", .words = bond_arp_validations,
			       .modes = BOND_WITH_ARP},
	[BOND_NUM_GRAT_ARP] = {"num_grat_arp", .effective = BOND_IN(BOND_ACTIVE_BACKUP),
			       .initial = 1},
	[BOND_PEER_NOTIFY_DELAY] = {"peer_notify_delay", .duration = true,
				    .effective = BOND_IN(BOND_ACTIVE_BACKUP)},
	[BOND_ALL_SLAVES_ACTIVE] = {"all_slaves_active", .words = switches,
				    .effective = BOND_WITH_ACTIVE | BOND_IN(BOND_8023AD)},
	[BOND_LACP_RATE] = {"lacp_rate", .words = bond_lacp_rates, .modes = BOND_IN(BOND_8023AD)},
	[BOND_MIN_LINKS] = {"min_links", .effective = BOND_IN(BOND_8023AD)},
	[BOND_AD_ACTOR_SYS_PRIO] = {"ad_actor_sys_prio", .modes = BOND_IN(BOND_8023AD),
				    .initial = 65535},
	[BOND_XMIT_HASH_POLICY] = {"xmit_hash_policy", .words = bond_hashes},
};

bool bond_value_differs(const struct bond_value *want, const struct bond_value *have)
{
	return want->has && want->value != have->value;
}

bool bond_targets_differ(const struct bond_targets *want, const struct bond_targets *have)
{
	if (!want->has)
		return false;
	for (size_t i = 0; i < want->count && i < have->count; i++)
		if (memcmp(want->list[i].b, have->list[i].b, sizeof(want->list[i].b)) != 0)
			return true;
	return want->count != have->count;
}

bool bond_system_differs(const struct bond_options *want, const struct bond_options *have)
{
	return want->has_system &&
	       memcmp(want->system.b, have->system.b, sizeof(want->system.b)) != 0;
}

static uint32_t initial_of(enum bond_option option, enum bond_mode mode)
{
	if (option == BOND_MIIMON)
		return BOND_HAS_MODE(BOND_WITH_ARP, mode) ? 0 : MIIMON_INITIAL;
	return bond_option_info[option].initial;
}

bool bond_needs_miimon(enum bond_option option)
{
	return option == BOND_UPDELAY || option == BOND_DOWNDELAY ||
	       option == BOND_PEER_NOTIFY_DELAY;
}

void bond_restore_initial(struct bond_options *want, const struct bond_options *have)
{
	const struct bond_value *miimon = &want->values[BOND_MIIMON];

	for (unsigned i = 0; i < BOND_OPTIONS; i++) {
		uint32_t initial = initial_of(i, want->mode);

		if (!want->values[i].has && have->values[i].has &&
		    have->values[i].value != initial &&
		    (!bond_needs_miimon(i) ||
		     (miimon->has ? miimon : &have->values[BOND_MIIMON])->value))
			want->values[i] = (struct bond_value) {true, initial, want->mode_at};
	}
	want->arp_targets.has |= have->arp_targets.count > 0;
	want->ns_targets.has |= have->ns_targets.count > 0;
	want->has_primary |= have->has_primary;
}

bool bond_address_remains(const struct bond_options *want, const struct bond_options *have)
{
	static const struct mac none;

	return !want->has_system && have->has_system &&
	       memcmp(have->system.b, none.b, sizeof(none.b)) != 0;
}

const char *bond_format_value(enum bond_option option, uint32_t value, char text[static UNIT_TEXT])
{
	const struct bond_option_info *info = &bond_option_info[option];

	if (info->duration)
		return unit_format_duration((struct duration) {value * 1000000ULL}, text);
	if (info->words)
		snprintf(text, UNIT_TEXT, "%s", info->words[value]);
	else
		snprintf(text, UNIT_TEXT, "%u", value);
	return text;
}
