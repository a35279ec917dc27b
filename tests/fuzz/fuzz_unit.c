// SPDX-License-Identifier: GPL-2.0-or-later
/* Arbitrary text as a quantity, name or pattern: a parsed value formats to the same value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/err.h"
#include "netsim/util/name.h"
#include "netsim/util/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
	if (!truth)
		abort();
}

static void quantities(const char *text)
{
	struct duration duration, duration2;
	struct ratio ratio, ratio2;
	struct size size, size2;
	struct rate rate, rate2;
	char buf[UNIT_TEXT];
	const char *why = NULL;

	if (unit_parse_duration(text, &duration, &why) == 0)
		must(!unit_parse_duration(unit_format_duration(duration, buf), &duration2, &why) &&
		     duration.ns == duration2.ns);
	else
		must(why);
	if (unit_parse_rate(text, &rate, NULL) == 0)
		must(!unit_parse_rate(unit_format_rate(rate, buf), &rate2, &why) &&
		     rate.bps == rate2.bps);
	if (unit_parse_size(text, &size, NULL) == 0)
		must(!unit_parse_size(unit_format_size(size, buf), &size2, &why) &&
		     size.bytes == size2.bytes);
	if (unit_parse_ratio(text, &ratio, NULL) == 0)
		must(!unit_parse_ratio(unit_format_ratio(ratio, buf), &ratio2, &why) &&
		     ratio.ppb == ratio2.ppb && ratio.ppb <= RATIO_ONE);
}

static void addresses(const char *text)
{
	struct mac mac, mac2;
	struct ip ip, ip2;
	char buf[UNIT_TEXT];
	const char *why = NULL;

	if (unit_parse_mac(text, &mac, &why) == 0)
		must(!unit_parse_mac(unit_format_mac(mac, buf), &mac2, &why) &&
		     !memcmp(&mac, &mac2, sizeof(mac)));
	if (unit_parse_prefix(text, &ip, &why) == 0)
		must(!unit_parse_prefix(unit_format_ip(&ip, buf), &ip2, &why) &&
		     ip_equal(&ip, &ip2) && ip_in_prefix(&ip, &ip2));
	if (unit_parse_address(text, &ip, &why) == 0)
		must(!unit_parse_address(unit_format_address(&ip, buf), &ip2, &why) &&
		     ip_equal(&ip, &ip2));
}

static void names(const char *text, const char *rest)
{
	static const char *const known[] = {"delay", "rate", "rtt", "distribution"};
	const char *nearest = name_nearest(text, known, 4);
	struct name_range range;
	char name[IFNAMSIZ];

	must(!nearest || strlen(nearest) <= 12);
	name_fit(text, name);
	must(strlen(name) < IFNAMSIZ);
	if (name_range_find(text, &range) == 1)
		must(text[range.start] == '[' && text[range.start + range.len - 1] == ']');
	if (!name_is_pattern(text) && strlen(text) < 256)
		must(name_match(text, text, NULL, 0));
	name_match(text, rest, &rest, 1);
	must(strlen(shown(text)) < ERR_SHOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 2, 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	quantities(text);
	addresses(text);
	names(text, text + strlen(text) + (strlen(text) < size));
	free(text);
	return 0;
}
