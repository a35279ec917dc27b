// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Quantities: converts between text and fixed-point values, exactly: "1.1s" is 1,100,000,000 ns,
 * and values below the resolution are refused, not rounded. No floating point, except for the
 * result of unit_parse_per_second().
 */
#include "netsim/util/unit.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/auto.h"

__extension__ typedef unsigned __int128 u128;

struct unit {
	const char *name;
	uint64_t scale;
	bool read_only; /* parsed, never printed */
};

static const struct unit duration_units[] = {
	{"ns", 1, false},
	{"us", 1000, false},
	{"ms", 1000000, false},
	{"s", 1000000000, false},
	{"min", 60000000000, false},
	{"h", 3600000000000, false},
	{"d", 86400000000000, false},
	{0},
};

static const struct unit rate_units[] = {
	{"bit", 1, false},	     {"kbit", 1000, false},	     {"mbit", 1000000, false},
	{"gbit", 1000000000, false}, {"tbit", 1000000000000, false}, {"kB/s", 8000, true},
	{"MB/s", 8000000, true},     {"GB/s", 8000000000, true},     {0},
};

static const struct unit size_units[] = {
	{"B", 1, false},
	{"kB", 1000, false},
	{"MB", 1000000, false},
	{"GB", 1000000000, false},
	{"KiB", 1024, false},
	{"MiB", 1048576, false},
	{"GiB", 1073741824, false},
	{0},
};

static const struct unit ratio_units[] = {{"%", RATIO_ONE / 100, false}, {0}};

static int refuse(int code, const char **why, const char *reason)
{
	if (why)
		*why = reason;
	return code;
}

/* A decimal number without rounding: whole + fraction / power. */
struct decimal {
	uint64_t whole, fraction, power;
};

/* Returns the text after the number, or NULL with *code set. */
static const char *parse_decimal(const char *text, struct decimal *ret, int *code)
{
	const char *p = text;

	*ret = (struct decimal) {.power = 1};
	*code = -EINVAL;
	if (!isdigit((unsigned char)*p))
		return NULL;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(ret->whole, 10, &ret->whole) ||
		    __builtin_add_overflow(ret->whole, *p - '0', &ret->whole)) {
			*code = -ERANGE;
			return NULL;
		}
	if (*p != '.')
		return p;
	p++;
	if (!isdigit((unsigned char)*p))
		return NULL;
	const char *end = p + strspn(p, "0123456789"), *last = end;

	while (last > p && last[-1] == '0')
		last--;
	if (last - p > 18) /* finer than any unit */
		return NULL;
	for (; p < last; p++) {
		ret->fraction = ret->fraction * 10 + (uint64_t)(*p - '0');
		ret->power *= 10;
	}
	return end;
}

/* Parses a number with one of the units; max limits the result. */
static int parse_quantity(const char *text, const struct unit *units, uint64_t max, uint64_t *ret,
			  const char **why, const char *expected)
{
	struct decimal d;
	int code;
	const char *name = parse_decimal(text, &d, &code);
	const struct unit *unit = units;

	if (!name)
		return refuse(code, why, code == -ERANGE ? "the number is too large" : expected);
	while (unit->name && strcmp(unit->name, name) != 0)
		unit++;
	if (!unit->name)
		return refuse(-EINVAL, why, expected);

	u128 part = (u128)d.fraction * unit->scale;

	if (part % d.power)
		return refuse(-EINVAL, why, "the number is finer than the smallest step");
	u128 value = (u128)d.whole * unit->scale + part / d.power;

	if (value > max)
		return refuse(-ERANGE, why, "the number is too large");
	*ret = (uint64_t)value;
	return 0;
}

int unit_parse_duration(const char *text, struct duration *ret, const char **why)
{
	uint64_t value;
	int r = parse_quantity(text, duration_units, INT64_MAX, &value, why,
			       "a duration is a number and ns, us, ms, s, min, h or d: \"50ms\"");

	if (r == 0)
		ret->ns = (int64_t)value;
	return r;
}

int unit_parse_rate(const char *text, struct rate *ret, const char **why)
{
	return parse_quantity(text, rate_units, UINT64_MAX, &ret->bps, why,
			      "a rate is a number and bit, kbit, mbit, gbit or tbit per second, "
			      "or kB/s, MB/s, GB/s: \"100mbit\"");
}

int unit_parse_size(const char *text, struct size *ret, const char **why)
{
	return parse_quantity(text, size_units, UINT64_MAX, &ret->bytes, why,
			      "a size is a number and B, kB, MB, GB, KiB, MiB or GiB: \"64KiB\"");
}

int unit_parse_ratio(const char *text, struct ratio *ret, const char **why)
{
	uint64_t value;
	int r = parse_quantity(text, ratio_units, RATIO_ONE, &value, why,
			       "a ratio is a number from 0 to 100 and %: \"0.5%\"");

	if (r == 0)
		ret->ppb = (uint32_t)value;
	else if (r == -ERANGE)
		return refuse(r, why, "a ratio is at most 100%");
	return r;
}

int unit_parse_decimal(const char *text, uint64_t scale, uint64_t max, uint64_t *ret)
{
	const struct unit none[] = {{"", scale, false}, {0}};

	return parse_quantity(text, none, max, ret, NULL, NULL);
}

int unit_parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	struct decimal d;
	int code;
	const char *end = parse_decimal(text, &d, &code);

	if (!end)
		return code;
	/* "010" is ambiguous: decimal or octal. */
	if (*end || strchr(text, '.') || (text[0] == '0' && text[1]))
		return -EINVAL;
	if (d.whole < min || d.whole > max)
		return -ERANGE;
	*ret = d.whole;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int unit_parse_per_second(const char *text, double *ret, const char **why)
{
	size_t length = strlen(text);
	char number[32];
	uint64_t value;
	int r = -EINVAL;

	if (why)
		*why = "write a number per second, such as \"100/s\"";
	if (length < 3 || length - 2 >= sizeof(number) || strcmp(text + length - 2, "/s") != 0)
		return r;
	memcpy(number, text, length - 2);
	number[length - 2] = '\0';
	r = unit_parse_decimal(number, 1000000, 1000000000000000, &value);
	if (r == 0)
		*ret = (double)value / 1e6;
	return r;
}

int unit_parse_mac(const char *text, struct mac *ret, const char **why)
{
	static const char form[] =
		"a MAC address is six pairs of hex digits: \"52:54:00:12:34:01\"";
	struct mac mac;

	if (strlen(text) != 17)
		return refuse(-EINVAL, why, form);
	for (size_t i = 0; i < 6; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return refuse(-EINVAL, why, form);
		mac.b[i] = (uint8_t)(high << 4 | low);
	}
	if (mac.b[0] & 1)
		return refuse(-EINVAL, why,
			      "this is a multicast address; the first byte must be even");
	if (memcmp(mac.b, (uint8_t[6]) {0}, 6) == 0)
		return refuse(-EINVAL, why, "an interface cannot have the all-zero address");
	*ret = mac;
	return 0;
}

int unit_parse_address(const char *text, struct ip *ret, const char **why)
{
	struct ip ip = {0};

	if (inet_pton(AF_INET, text, ip.b) == 1) {
		ip.family = AF_INET;
		ip.plen = 32;
	} else if (inet_pton(AF_INET6, text, ip.b) == 1) {
		ip.family = AF_INET6;
		ip.plen = 128;
	} else {
		return refuse(-EINVAL, why, "an address looks like 10.0.0.1 or fd00::1");
	}
	*ret = ip;
	return 0;
}

int unit_parse_prefix(const char *text, struct ip *ret, const char **why)
{
	static const char form[] =
		"an address with its prefix looks like 10.0.0.1/24 or fd00::1/64";
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	uint64_t plen;
	struct ip ip;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return refuse(-EINVAL, why, form);
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (unit_parse_address(address, &ip, why) < 0)
		return refuse(-EINVAL, why, form);
	int r = unit_parse_count(slash + 1, 0, ip.plen, &plen);

	if (r < 0)
		return refuse(r, why,
			      ip.family == AF_INET ? "the prefix is a number from 0 to 32" :
						     "the prefix is a number from 0 to 128");
	ip.plen = (uint8_t)plen;
	*ret = ip;
	return 0;
}

/* Formats value in a unit, exactly; false if it is below one or has no finite decimal form. */
static bool format_in(uint64_t value, const struct unit *unit, char buf[static UNIT_TEXT])
{
	uint64_t whole = value / unit->scale, rest = value % unit->scale;
	char fraction[20] = "";
	size_t len = 0;

	if (whole == 0 && unit->scale > 1)
		return false;
	while (rest) {
		if (len == sizeof(fraction) - 1)
			return false;
		u128 next = (u128)rest * 10;

		fraction[len++] = (char)('0' + (int)(next / unit->scale));
		rest = (uint64_t)(next % unit->scale);
	}
	fraction[len] = '\0';
	snprintf(buf, UNIT_TEXT, "%" PRIu64 "%s%s%s", whole, len ? "." : "", fraction, unit->name);
	return true;
}

static const char *format_quantity(uint64_t value, const struct unit *units, const char *zero,
				   char buf[static UNIT_TEXT])
{
	char text[UNIT_TEXT];

	snprintf(buf, UNIT_TEXT, "%s", zero);
	if (value == 0)
		return buf;
	format_in(value, units, buf);
	for (const struct unit *unit = units + 1; unit->name; unit++) {
		if (unit->read_only || !format_in(value, unit, text))
			continue;
		size_t new = strlen(text), old = strlen(buf);

		/* Of equal lengths, prefer the one without a decimal point. */
		if (new < old || (new == old &&strchr(buf, '.') && !strchr(text, '.')))
			memcpy(buf, text, sizeof(text));
	}
	return buf;
}

const char *unit_format_duration(struct duration d, char buf[static UNIT_TEXT])
{
	char text[UNIT_TEXT];

	if (d.ns >= 0)
		return format_quantity((uint64_t)d.ns, duration_units, "0ms", buf);
	format_quantity(-(uint64_t)d.ns, duration_units, "0ms", text);
	snprintf(buf, UNIT_TEXT, "-%.*s", UNIT_TEXT - 2, text);
	return buf;
}

const char *unit_format_rate(struct rate r, char buf[static UNIT_TEXT])
{
	return format_quantity(r.bps, rate_units, "0bit", buf);
}

const char *unit_format_size(struct size s, char buf[static UNIT_TEXT])
{
	return format_quantity(s.bytes, size_units, "0B", buf);
}

const char *unit_format_ratio(struct ratio r, char buf[static UNIT_TEXT])
{
	uint32_t whole = r.ppb / (RATIO_ONE / 100), rest = r.ppb % (RATIO_ONE / 100);
	int len = snprintf(buf, UNIT_TEXT, "%" PRIu32, whole);

	if (rest) {
		len += snprintf(buf + len, UNIT_TEXT - (size_t)len, ".%07" PRIu32, rest);
		while (buf[len - 1] == '0')
			len--;
	}
	snprintf(buf + len, UNIT_TEXT - (size_t)len, "%%");
	return buf;
}

const char *unit_format_mac(struct mac m, char buf[static UNIT_TEXT])
{
	snprintf(buf, UNIT_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3],
		 m.b[4], m.b[5]);
	return buf;
}

const char *unit_format_address(const struct ip *ip, char buf[static UNIT_TEXT])
{
	if (!inet_ntop(ip->family, ip->b, buf, UNIT_TEXT))
		snprintf(buf, UNIT_TEXT, "?");
	return buf;
}

const char *unit_format_ip(const struct ip *ip, char buf[static UNIT_TEXT])
{
	size_t len = strlen(unit_format_address(ip, buf));

	snprintf(buf + len, UNIT_TEXT - len, "/%u", ip->plen);
	return buf;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && a->plen == b->plen && memcmp(a->b, b->b, 16) == 0;
}

bool ip_is_link_local(const struct ip *ip)
{
	return ip->family == AF_INET6 && ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

bool ip_in_prefix(const struct ip *a, const struct ip *prefix)
{
	size_t bytes = prefix->plen / 8, bits = prefix->plen % 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits);

	if (a->family != prefix->family || memcmp(a->b, prefix->b, bytes) != 0)
		return false;
	return bits == 0 || ((a->b[bytes] ^ prefix->b[bytes]) & mask) == 0;
}

struct ip ip_subnet(const struct ip *ip)
{
	size_t bits = ip->family == AF_INET ? 32 : 128;
	struct ip ret = *ip;

	for (size_t bit = ip->plen; bit < bits; bit++)
		ret.b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return ret;
}

bool ip_is_broadcast(const struct ip *a, const struct ip *prefix)
{
	if (a->family != AF_INET || prefix->plen > 30 || !ip_in_prefix(a, prefix))
		return false;
	for (size_t bit = prefix->plen; bit < 32; bit++)
		if (!(a->b[bit / 8] >> (7 - bit % 8) & 1))
			return false;
	return true;
}
