/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quantities: text with a mandatory unit <-> fixed-point values. Each unit has a struct, so
 * that a rate cannot be passed as a delay.
 */
#ifndef NETSIM_UNIT_H
#define NETSIM_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds. */
struct duration {
	int64_t ns;
};

/* Bits per second. */
struct rate {
	uint64_t bps;
};

/* Bytes. */
struct size {
	uint64_t bytes;
};

/* Parts per billion: 1 % is 10,000,000; 100 % is RATIO_ONE. */
struct ratio {
	uint32_t ppb;
};
#define RATIO_ONE 1000000000U

struct mac {
	uint8_t b[6];
};

/* An address with its prefix length. */
struct ip {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t plen;
	uint8_t b[16]; /* network byte order; the first 4 for AF_INET */
};

#define UNIT_TEXT 64 /* enough for any formatted quantity */

/*
 * Each parser takes the whole text, sets *ret on success only, and returns 0, -EINVAL
 * (malformed, or unit missing) or -ERANGE (out of range), with *why pointing to a static
 * sentence that describes valid input.
 *
 *   duration  ns us ms s min h d        "50ms" "1.5s" "250us"
 *   rate      bit kbit mbit gbit tbit   bits per second, powers of 1000 ("10mbit", "1.5gbit")
 *             kB/s MB/s GB/s            bytes per second, powers of 1000
 *   size      B kB MB GB KiB MiB GiB    "64KiB" "1514B"
 *   ratio     %                         "0.5%" "100%"
 */
int unit_parse_duration(const char *text, struct duration *ret, const char **why);
int unit_parse_rate(const char *text, struct rate *ret, const char **why);
int unit_parse_size(const char *text, struct size *ret, const char **why);
int unit_parse_ratio(const char *text, struct ratio *ret, const char **why);
/* A number per second, "100/s" or "0.5/s", to six decimal places. */
int unit_parse_per_second(const char *text, double *ret, const char **why);
/* Plain decimal digits; -ERANGE outside min..max. */
int unit_parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
/* A decimal number without a unit, times scale: "2.5" with scale 1000 is 2500. */
int unit_parse_decimal(const char *text, uint64_t scale, uint64_t max, uint64_t *ret);
/* Six hex pairs with colons; multicast and all-zero addresses are refused. */
int unit_parse_mac(const char *text, struct mac *ret, const char **why);
/* "192.168.1.1/24", "fd00::1/64"; the prefix is mandatory. */
int unit_parse_prefix(const char *text, struct ip *ret, const char **why);
/* An address without a prefix (plen becomes 32 or 128). */
int unit_parse_address(const char *text, struct ip *ret, const char **why);

/* The shortest text that parses back to the same value; all return buf. */
const char *unit_format_duration(struct duration d, char buf[static UNIT_TEXT]);
const char *unit_format_rate(struct rate r, char buf[static UNIT_TEXT]);
const char *unit_format_size(struct size s, char buf[static UNIT_TEXT]);
const char *unit_format_ratio(struct ratio r, char buf[static UNIT_TEXT]);
const char *unit_format_mac(struct mac m, char buf[static UNIT_TEXT]);
/* With and without the prefix length. */
const char *unit_format_ip(const struct ip *ip, char buf[static UNIT_TEXT]);
const char *unit_format_address(const struct ip *ip, char buf[static UNIT_TEXT]);

bool ip_equal(const struct ip *a, const struct ip *b);
/* True for IPv6 addresses in fe80::/10, which are not routed. */
bool ip_is_link_local(const struct ip *ip);
/* True if a is in the subnet of prefix. */
bool ip_in_prefix(const struct ip *a, const struct ip *prefix);
/* Whether a is the IPv4 broadcast address of the subnet of this prefix. */
bool ip_is_broadcast(const struct ip *a, const struct ip *prefix);
/* The subnet of an address with a prefix: all further bits are 0. */
struct ip ip_subnet(const struct ip *ip);

#endif
