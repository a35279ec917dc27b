// SPDX-License-Identifier: GPL-2.0-or-later
/* Classification of frames by the programs at the ports: headers, VLAN tags, truncation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "netsim/config/classes.h"
#include "tests/unit/ports.h"

static const char classes[] = "classes:\n"
			      "  exact: {tcp: 2380}\n"
			      "  range: {tcp: [2000-2999, 65535], udp: 53}\n"
			      "  tagged: {vlan: 100, udp: 9000}\n"
			      "  icmp: {protocol: [1, 58]}\n"
			      "  arp: {ethertype: arp}\n"
			      "  mine: {ethertype: 0x88b5}\n"
			      "  udp: {protocol: 17}\n"
			      "  storage: {vlan: 200}\n";

static void put_classes(const char *text)
{
	struct netsim_diags diags = {0};
	struct policy_change change;
	struct class_set *set = NULL;

	if (classes_parse("c.yaml", text, strlen(text), &set, &diags) < 0)
		fail_msg("%s", diags.list[0].what);
	policy_begin(policy, &change);
	assert_int_equal(policy_put_classes(policy, &change, set, NULL), 0);
	policy_commit(policy);
	classes_free(set);
}

static int set_up(void **state)
{
	int r = ports_set_up(state);

	if (ports_ready)
		put_classes(classes);
	return r;
}

/* --- frames, header by header */

struct frame_text {
	uint8_t bytes[256];
	uint32_t length, ip; /* offset of the IP header */
};

static void add(struct frame_text *f, const void *bytes, size_t count)
{
	memcpy(f->bytes + f->length, bytes, count);
	f->length += (uint32_t)count;
}

static void add16(struct frame_text *f, uint32_t value)
{
	uint16_t wire = htons((uint16_t)value);

	add(f, &wire, sizeof(wire));
}

static void add_ipv4(struct frame_text *f, unsigned protocol, unsigned fragment, unsigned words)
{
	uint8_t header[60] = {(uint8_t)(0x40 | words),
			      0,
			      0,
			      100,
			      0,
			      1,
			      (uint8_t)(fragment >> 8),
			      (uint8_t)fragment,
			      64,
			      (uint8_t)protocol};

	f->ip = f->length;
	add(f, header, words * 4);
}

static void add_ipv6(struct frame_text *f, unsigned next)
{
	uint8_t header[40] = {0x60, 0, 0, 0, 0, 60, (uint8_t)next, 64};

	f->ip = f->length;
	add(f, header, sizeof(header));
}

/* An extension header of 8 * (1 + more) bytes. */
static void add_extension(struct frame_text *f, unsigned next, unsigned more)
{
	uint8_t header[64] = {(uint8_t)next, (uint8_t)more};

	add(f, header, 8 * (1 + more));
}

static void add_fragment(struct frame_text *f, unsigned next, unsigned offset)
{
	uint8_t header[8] = {(uint8_t)next, 0xff, (uint8_t)(offset >> 8), (uint8_t)offset};

	add(f, header, sizeof(header));
}

/* Sets the source or the destination in the IP header. */
static void set_address(struct frame_text *f, const char *text, bool source)
{
	bool is_ipv4 = f->bytes[f->ip] >> 4 == 4;
	uint8_t *at = f->bytes + f->ip + (is_ipv4 ? 12 : 8) + (source ? 0 : is_ipv4 ? 4 : 16);

	assert_int_equal(inet_pton(is_ipv4 ? AF_INET : AF_INET6, text, at), 1);
}

/*
 * Builds a frame from words: "8100 t100" VLAN tag, "0800 4:17" IPv4 with UDP, "4:17+f"
 * fragment at offset f (hex), "4:6*15" with options, "86dd 6:0" IPv6, "x:44" extension
 * header, "x:17*2" one of 24 bytes, "f:17+8" fragment header, "p:1-2" ports, "s=A"
 * and "d=A" source and destination.
 */
static void build(const char *text, struct frame_text *f)
{
	static const uint8_t ends[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	char words[128];

	*f = (struct frame_text) {0};
	add(f, ends, sizeof(ends));
	snprintf(words, sizeof(words), "%s", text);
	for (char *save, *word = strtok_r(words, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		unsigned a = 0, b = 0;

		if (strncmp(word, "s=", 2) == 0 || strncmp(word, "d=", 2) == 0)
			set_address(f, word + 2, *word == 's');
		else if (sscanf(word, "t%u", &a) == 1)
			add16(f, a);
		else if (sscanf(word, "4:%u*%u", &a, &b) == 2)
			add_ipv4(f, a, 0, b);
		else if (sscanf(word, "4:%u+%x", &a, &b) >= 1)
			add_ipv4(f, a, b, 5);
		else if (sscanf(word, "6:%u", &a) == 1)
			add_ipv6(f, a);
		else if (sscanf(word, "x:%u*%u", &a, &b) >= 1)
			add_extension(f, a, b);
		else if (sscanf(word, "f:%u+%x", &a, &b) == 2)
			add_fragment(f, a, b);
		else if (sscanf(word, "p:%u-%u", &a, &b) == 2)
			add16(f, a), add16(f, b);
		else if (sscanf(word, "%x", &a) == 1)
			add16(f, a);
	}
	f->length += 16; /* payload */
}

static const char *class_of(const char *text)
{
	struct policy_traffic *list = NULL;
	const char *name = NULL;
	struct frame_text f;
	size_t count = 0;

	build(text, &f);
	ports_empty(POLICY_TRAFFIC);
	ports_run(policy->prog[POLICY_PORT],
		  &(struct shot) {.from = five, .to = six, .frame = f.bytes, .length = f.length});
	assert_int_equal(policy_read_traffic(policy, &list, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (list[i].from == 5 && list[i].sum.packets)
			name = policy_class_name(policy, list[i].class);
	free(list);
	return name;
}

struct row {
	const char *frame, *class;
};

static void expect(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *class = class_of(rows[i].frame);

		if (!class || strcmp(class, rows[i].class) != 0)
			fail_msg("%s: %s, not %s", rows[i].frame, class, rows[i].class);
	}
}

static void test_ports(void **state)
{
	static const struct row rows[] = {
		/* source or destination port; the first class wins */
		{"0800 4:6 p:1-2380", "exact"},
		{"0800 4:6 p:2380-1", "exact"},
		{"0800 4:6 p:2380-2100", "exact"},
		{"0800 4:6 p:2100-2380", "exact"},
		{"0800 4:6 p:2000-1", "range"},
		{"0800 4:6 p:1-2999", "range"},
		{"0800 4:6 p:1-3000", "other"},
		{"0800 4:6 p:1999-1", "other"},
		{"0800 4:6 p:65535-1", "range"},
		{"0800 4:6 p:0-65535", "range"},
		/* ports of one protocol do not match the other */
		{"0800 4:17 p:1-2380", "udp"},
		{"0800 4:6 p:1-53", "other"},
		{"0800 4:17 p:53-1", "range"},
		{"0800 4:132 p:1-2380", "other"},
		/* after IPv4 options */
		{"0800 4:6*15 p:1-2380", "exact"},
		{"0800 4:6*6 p:1-2380", "exact"},
	};

	NEEDS_BPF(state);
	expect(rows, ARRAY_SIZE(rows));
}

static void test_protocols(void **state)
{
	static const struct row rows[] = {
		{"0800 4:1", "icmp"},	 {"86dd 6:58", "icmp"}, {"0800 4:47", "other"},
		{"0806", "arp"},	 {"88b5", "mine"},	{"88cc", "other"},
		{"0026", "other"}, /* 802.3 length field */
		{"8100 t5 0806", "arp"},
	};

	NEEDS_BPF(state);
	expect(rows, ARRAY_SIZE(rows));
}

/* Later fragments match by protocol, not by ports. */
static void test_fragments(void **state)
{
	static const struct row rows[] = {
		{"0800 4:6+2000 p:1-2380", "exact"}, /* the first of several */
		{"0800 4:6+4000 p:1-2380", "exact"}, /* "do not fragment" set */
		{"0800 4:6+0001 p:1-2380", "other"},	{"0800 4:6+2001 p:1-2380", "other"},
		{"0800 4:17+1fff p:53-53", "udp"},	{"86dd 6:44 f:6+1 p:1-2380", "exact"},
		{"86dd 6:44 f:6+8 p:1-2380", "other"},	{"86dd 6:44 f:17+9 p:53-53", "udp"},
		{"86dd 6:44 f:17+fff8 p:53-53", "udp"},
	};

	NEEDS_BPF(state);
	expect(rows, ARRAY_SIZE(rows));
}

static void test_ipv6(void **state)
{
	static const struct row rows[] = {
		{"86dd 6:6 p:1-2380", "exact"},
		{"86dd 6:17 p:53-1", "range"},
		{"86dd 6:0 x:6 p:1-2380", "exact"},
		{"86dd 6:0 x:6*3 p:1-2380", "exact"},
		{"86dd 6:0 x:60*1 x:43 x:6 p:1-2380", "exact"},
		{"86dd 6:0 x:60 x:43*1 x:44 f:6+1 p:1-2380", "exact"},
		{"86dd 6:0 x:44*2 f:6+8 p:1-2380", "other"},
		{"86dd 6:0 x:58", "icmp"},
		{"86dd 6:59", "other"},
		/* more than MAX_EXTENSIONS */
		{"86dd 6:60 x:60 x:60 x:60 x:60 x:6 p:1-2380", "other"},
	};

	NEEDS_BPF(state);
	expect(rows, ARRAY_SIZE(rows));
}

/* The outer tag gives the VLAN; all else comes from the headers after the tags. */
static void test_vlans(void **state)
{
	static const struct row rows[] = {
		{"8100 t7 0800 4:6 p:1-2380", "exact"},
		{"88a8 t7 8100 t8 0800 4:6 p:1-2380", "exact"},
		{"88a8 t7 8100 t8 86dd 6:0 x:6 p:1-2380", "exact"},
		{"8100 t100 0800 4:17 p:9000-1", "tagged"},
		{"8100 t101 0800 4:17 p:9000-1", "udp"},
		{"0800 4:17 p:9000-1", "udp"},
		{"8100 t57444 0800 4:17 p:9000-1", "tagged"}, /* with priority bits */
		{"88a8 t100 8100 t8 0800 4:17 p:9000-1", "tagged"},
		{"88a8 t8 8100 t100 0800 4:17 p:9000-1", "udp"},
		/* priority tags: VLAN 0 means no VLAN */
		{"88a8 t0 8100 t100 0800 4:17 p:9000-1", "tagged"},
		{"8100 t57344 0800 4:17 p:9000-1", "udp"},
		/* a class of a whole VLAN, unless an earlier class matches */
		{"8100 t200 0800 4:47", "storage"},
		{"8100 t200 88cc", "storage"},
		{"8100 t200 0800 4:6 p:1-2380", "exact"},
		{"8100 t200 0800 4:17 p:9000-1", "udp"},
		{"8100 t201 0800 4:47", "other"},
		/* at most two tags are parsed */
		{"88a8 t1 88a8 t2 8100 t3 0800 4:6 p:1-2380", "other"},
	};

	NEEDS_BPF(state);
	expect(rows, ARRAY_SIZE(rows));
}

/* Truncated frames. */
static void test_short(void **state)
{
	/* Tagged, because the kernel refuses to run a program on less than a header. */
	static const char *const frames[] = {"8100 t5 0800 4:6",  "8100 t5 0800 4:6*15",
					     "8100 t5 86dd 6:6",  "8100 t5 86dd 6:0 x:6",
					     "8100 t5 86dd 6:44", "8100 t5 86dd 6:44 f:6+1",
					     "88a8 t5 8100 t7"};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		struct frame_text f;

		build(frames[i], &f);
		f.length -= 16;
		/* exactly these headers, then byte by byte less */
		for (uint32_t length = f.length; length > 14; length--)
			assert_int_equal(ports_run(policy->prog[POLICY_PORT],
						   &(struct shot) {.from = five,
								   .to = six,
								   .frame = f.bytes,
								   .length = length}),
					 PASS);
	}
}

/* New classes delete the counters of the old class numbers. */
static void test_other_classes(void **state)
{
	struct policy_traffic *list = NULL;
	size_t count = 0;

	NEEDS_BPF(state);
	assert_string_equal(class_of("0800 4:6 p:1-2380"), "exact");
	assert_string_equal(policy_class_name(policy, 1), "exact");
	assert_string_equal(policy_class_name(policy, 8), "storage");
	put_classes("classes:\n  web: {tcp: 80}\n  all: {protocol: 6}\n");
	assert_string_equal(policy_class_name(policy, 1), "web");
	assert_string_equal(policy_class_name(policy, 2), "all");
	assert_string_equal(policy_class_name(policy, 0), "other");
	assert_null(policy_class_name(policy, 3));
	assert_null(policy_class_name(policy, PORT_CLASSES));
	assert_int_equal(policy_read_traffic(policy, &list, &count), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(list[i].class, 0);
	free(list);
	assert_string_equal(class_of("0800 4:6 p:1-2380"), "all");
	assert_string_equal(class_of("0800 4:6 p:1-80"), "web");
	assert_string_equal(class_of("8100 t200 88cc"), "other");
	put_classes(classes);
	assert_string_equal(class_of("0800 4:6 p:1-2380"), "exact");
}

/* Requirements: an address of either end, and ports of one end. */
static void test_ends(void **state)
{
	static const struct row rows[] = {
		{"0800 4:6 d=203.0.113.7 p:1-443", "registry"},
		{"0800 4:6 s=203.0.113.7 p:443-1", "registry"},
		{"0800 4:6*15 d=203.0.113.7 p:1-443", "registry"},
		{"0800 4:6 s=203.0.113.7 d=10.9.0.1 p:1-444", "cloud"},
		{"0800 4:6 d=203.0.113.8 p:1-443", "cloud"},
		{"0800 4:6 d=203.0.112.255 p:1-443", "other"},
		{"0800 4:6 d=203.0.114.0 p:1-443", "other"},
		/* of two addresses in nested prefixes, each counts */
		{"0800 4:1 s=10.1.2.3", "small"},
		{"0800 4:1 s=10.1.3.3", "large"},
		{"0800 4:1 s=10.2.0.1 d=203.0.113.1", "cloud"},
		{"86dd 6:6 d=2001:db8:5::1 p:1-2", "cloud"},
		{"86dd 6:6 s=2001:db8:ffff:ffff::1 p:1-2", "cloud"},
		{"86dd 6:6 s=2001:db9::1 p:1-2", "other"},
		/* an IPv4 prefix is none of IPv6, whatever its bits are */
		{"86dd 6:6 s=cb00:7100:: p:1-2", "other"},
		{"8100 t5 0800 4:6 d=203.0.113.8 p:1-443", "cloud"},
		{"0800 4:47+1 d=203.0.113.8", "cloud"},
		{"0806", "other"},
		/* ports of one end, of TCP and UDP */
		{"0800 4:6 p:1-53", "ask"},
		{"0800 4:17 p:1-53", "ask"},
		{"0800 4:6 p:53-1024", "answer"},
		{"0800 4:6 p:53-65535", "answer"},
		{"0800 4:6 p:53-1023", "other"},
		{"0800 4:6 p:53-53", "ask"},
		{"0800 4:17+1 p:1-53", "other"},
		{"0800 4:132 p:1-53", "other"},
	};

	NEEDS_BPF(state);
	put_classes("classes:\n"
		    "  registry: {address: 203.0.113.7, tcp: 443}\n"
		    "  cloud: {address: [203.0.113.0/24, \"2001:db8::/32\"]}\n"
		    "  small: {address: 10.1.2.0/24}\n"
		    "  large: {address: 10.0.0.0/8}\n"
		    "  ask: {to-port: 53}\n"
		    "  answer: {from-port: 53, to-port: 1024-65535}\n");
	expect(rows, ARRAY_SIZE(rows));
	/* Other classes forget the addresses, even when the halves have been swapped twice. */
	put_classes("classes:\n  cloud: {address: 198.51.100.0/24}\n");
	assert_string_equal(class_of("0800 4:6 d=203.0.113.8 p:1-443"), "other");
	assert_string_equal(class_of("0800 4:6 d=198.51.100.1 p:1-443"), "cloud");
	put_classes("classes:\n  cloud: {address: 192.0.2.0/24}\n");
	assert_string_equal(class_of("0800 4:6 d=203.0.113.8 p:1-443"), "other");
	assert_string_equal(class_of("0800 4:6 d=198.51.100.1 p:1-443"), "other");
	assert_string_equal(class_of("0800 4:6 d=192.0.2.1 p:1-443"), "cloud");
	put_classes(classes);
}

/* The maximum number of classes: the last bit is used, too. */
static void test_last_class(void **state)
{
	char text[4096] = "classes:\n";
	size_t used = strlen(text);

	NEEDS_BPF(state);
	for (int i = 1; i <= CLASSES_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "  c%d: {tcp: %d-64000}\n", i, 64000 - i);
	put_classes(text);
	for (int i = 1; i <= CLASSES_MAX; i++) {
		char frame[64], name[16];

		snprintf(frame, sizeof(frame), "0800 4:6 p:1-%d", 64000 - i);
		snprintf(name, sizeof(name), "c%d", i);
		assert_string_equal(class_of(frame), name);
	}
	put_classes(classes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),	      cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_fragments),     cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_vlans),	      cmocka_unit_test(test_short),
		cmocka_unit_test(test_other_classes), cmocka_unit_test(test_last_class),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests_name("classify", tests, set_up, ports_tear_down);
}
