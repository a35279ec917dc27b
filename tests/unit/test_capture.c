// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generated capture files: both formats, both byte orders, truncated at every byte, and
 * damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/packet/capture_file.h"
#include "netsim/packet/capture_merge.h"
#include "tests/unit/frames.h"

#define SECOND 1000000000

/* In the byte order of the file. */
static void order16(struct bytes *b, bool big, unsigned value)
{
	put16(b, big ? value : __builtin_bswap16((uint16_t)value));
}

static void order32(struct bytes *b, bool big, uint32_t value)
{
	put32(b, big ? value : __builtin_bswap32(value));
}

static void pcap_header(struct bytes *b, bool big, uint32_t magic, uint32_t linktype)
{
	order32(b, big, magic);
	order16(b, big, 2);
	order16(b, big, 4);
	order32(b, big, 0);
	order32(b, big, 0);
	order32(b, big, 128);
	order32(b, big, linktype);
}

static void pcap_packet(struct bytes *b, bool big, uint32_t seconds, uint32_t fraction,
			uint32_t captured, uint32_t length)
{
	order32(b, big, seconds);
	order32(b, big, fraction);
	order32(b, big, captured);
	order32(b, big, length);
	for (uint32_t i = 0; i < captured; i++)
		put8(b, i);
}

/* options: bytes in the file's byte order, padded to four. */
static void ng_block(struct bytes *b, bool big, uint32_t type, const struct bytes *body)
{
	order32(b, big, type);
	order32(b, big, body->count + 12);
	for (uint32_t i = 0; i < body->count; i++)
		put8(b, body->at[i]);
	order32(b, big, body->count + 12);
}

static void ng_section(struct bytes *b, bool big)
{
	struct bytes body = {.count = 0};

	order32(&body, big, 0x1a2b3c4d);
	order16(&body, big, 1);
	order16(&body, big, 0);
	order32(&body, big, UINT32_MAX);
	order32(&body, big, UINT32_MAX);
	ng_block(b, big, 0x0a0d0d0a, &body);
}

/* resolution 0xff: the default, without an option. */
static void ng_interface(struct bytes *b, bool big, unsigned linktype, uint32_t snap,
			 unsigned resolution)
{
	struct bytes body = {.count = 0};

	order16(&body, big, linktype);
	order16(&body, big, 0);
	order32(&body, big, snap);
	if (resolution != 0xff) {
		order16(&body, big, 2); /* a name, skipped */
		order16(&body, big, 5);
		put32(&body, 0x65746830);
		put32(&body, 0x31000000);
		order16(&body, big, 9);
		order16(&body, big, 1);
		put8(&body, resolution);
		put_zeros(&body, 3);
		order32(&body, big, 0);
	}
	ng_block(b, big, 1, &body);
}

static void ng_packet(struct bytes *b, bool big, uint32_t number, uint64_t units, uint32_t captured,
		      uint32_t length)
{
	struct bytes body = {.count = 0};

	order32(&body, big, number);
	order32(&body, big, (uint32_t)(units >> 32));
	order32(&body, big, (uint32_t)units);
	order32(&body, big, captured);
	order32(&body, big, length);
	for (uint32_t i = 0; i < captured; i++)
		put8(&body, i);
	put_zeros(&body, (0U - captured) & 3);
	ng_block(b, big, 6, &body);
}

static struct capture_file *open_bytes(const struct bytes *b)
{
	struct capture_file *file;
	struct netsim_err err = {0};

	if (capture_open_memory("made", b->at, b->count, &file, &err) < 0)
		fail_msg("%s", err.what);
	return file;
}

static void expect(struct capture_file *file, int64_t ns, uint32_t captured, uint32_t length,
		   enum packet_link link)
{
	struct capture_packet p;

	assert_true(capture_next(file, &p));
	assert_true(p.time_ns == ns);
	assert_int_equal(p.captured, captured);
	assert_int_equal(p.length, length);
	assert_int_equal(p.link, link);
	for (uint32_t i = 0; i < captured; i++)
		assert_int_equal(p.data[i], i & 0xff);
}

static void expect_end(struct capture_file *file, const char *problem, uint64_t offset)
{
	struct capture_packet p;

	assert_false(capture_next(file, &p));
	assert_false(capture_next(file, &p));
	assert_string_equal(capture_problem(file)->what, problem);
	assert_int_equal(capture_problem(file)->offset, offset);
	capture_close(file);
}

static void test_pcap(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++)
		for (int nano = 0; nano < 2; nano++) {
			struct bytes b = {.count = 0};
			struct capture_file *file;

			pcap_header(&b, big, nano ? 0xa1b23c4d : 0xa1b2c3d4, 1);
			pcap_packet(&b, big, 10, 7, 60, 60);
			pcap_packet(&b, big, 11, 8, 128, 1514);
			file = open_bytes(&b);
			expect(file, 10LL * SECOND + (nano ? 7 : 7000), 60, 60, PACKET_ETHERNET);
			expect(file, 11LL * SECOND + (nano ? 8 : 8000), 128, 1514, PACKET_ETHERNET);
			expect_end(file, "", 0);
		}
}

/* Before version 2.3 the length on the wire is written first, in 2.3 sometimes. */
static void test_old_pcap(void **state)
{
	static const struct {
		uint8_t major, minor;
		bool turned;
	} versions[] = {{2, 2, true}, {2, 3, true}, {2, 3, false}, {2, 4, false}};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct bytes b = {.count = 0};
		struct capture_file *file;

		pcap_header(&b, true, 0xa1b2c3d4, 1);
		b.at[5] = versions[i].major;
		b.at[7] = versions[i].minor;
		pcap_packet(&b, true, 10, 7, 60, 1514);
		if (versions[i].turned) {
			memcpy(b.at + 32, "\0\0\x05\xea\0\0\0\x3c", 8);
		}
		pcap_packet(&b, true, 11, 8, 40, 40);
		file = open_bytes(&b);
		expect(file, 10LL * SECOND + 7000, 60, 1514, PACKET_ETHERNET);
		expect(file, 11LL * SECOND + 8000, 40, 40, PACKET_ETHERNET);
		expect_end(file, "", 0);
	}
}

/* Link types that are not supported matter only if they have packets. */
static void test_unread(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct bytes b = {.count = 0};
		struct capture_file *file;
		struct capture_packet p;
		const struct capture_unread *unread;
		uint32_t first;

		ng_section(&b, big);
		ng_interface(&b, big, 220, 0, 6); /* never used */
		ng_interface(&b, big, 1, 0, 6);
		ng_interface(&b, big, 105, 0, 6);
		ng_interface(&b, big, 195, 0, 6);
		ng_packet(&b, big, 1, 0, 4, 4);
		first = b.count;
		ng_packet(&b, big, 2, 0, 4, 4);
		ng_packet(&b, big, 3, 0, 4, 4);
		ng_packet(&b, big, 2, 0, 4, 4);
		file = open_bytes(&b);
		assert_true(capture_next(file, &p));
		assert_int_equal(capture_unread(file, &unread), 0);
		while (capture_next(file, &p))
			assert_int_equal(p.link, PACKET_UNKNOWN);
		assert_int_equal(capture_unread(file, &unread), 2);
		assert_int_equal(unread[0].linktype, 105);
		assert_int_equal(unread[0].packets, 2);
		assert_int_equal(unread[0].offset, first);
		assert_int_equal(unread[1].linktype, 195);
		assert_int_equal(unread[1].packets, 1);
		capture_close(file);
	}
}

static void ng_statistics(struct bytes *b, bool big, uint32_t number, uint32_t interface,
			  uint32_t system)
{
	struct bytes body = {.count = 0};
	uint32_t counts[] = {interface, system};

	order32(&body, big, number);
	order32(&body, big, 0);
	order32(&body, big, 0);
	for (int i = 0; i < 2; i++) {
		order16(&body, big, i ? 7 : 5);
		order16(&body, big, 8);
		order32(&body, big, big ? 0 : counts[i]);
		order32(&body, big, big ? counts[i] : 0);
	}
	order32(&body, big, 0);
	ng_block(b, big, 5, &body);
}

/* The counts of dropped packets, at the end of a capture and in between. */
static void test_drops(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct bytes b = {.count = 0};
		struct capture_file *file;
		struct capture_packet p;
		const struct capture_drops *drops;

		ng_section(&b, big);
		ng_interface(&b, big, 1, 0, 6);
		ng_interface(&b, big, 1, 0, 6);
		ng_statistics(&b, big, 0, 0, 0);
		ng_statistics(&b, big, 1, 2, 0);
		ng_packet(&b, big, 1, 0, 4, 4);
		ng_statistics(&b, big, 0, 0, 0);
		ng_statistics(&b, big, 1, 2, 3);
		ng_statistics(&b, big, 7, 2, 3); /* there is no such interface */
		file = open_bytes(&b);
		while (capture_next(file, &p))
			continue;
		assert_string_equal(capture_problem(file)->what, "");
		assert_int_equal(capture_drops(file, &drops), 1);
		assert_int_equal(drops[0].dropped, 5);
		assert_string_equal(drops[0].name, "eth01");
		capture_close(file);
	}
}

static void test_ng(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct bytes b = {.count = 0}, simple = {.count = 0}, old = {.count = 0};
		struct capture_file *file;

		ng_section(&b, big);
		ng_interface(&b, big, 1, 40, 0xff);
		ng_interface(&b, big, 101, 0, 9);
		ng_interface(&b, big, 276, 0, 0x80 | 10);
		ng_packet(&b, big, 0, 3000001, 7, 9);
		ng_packet(&b, big, 1, 5000000000001, 8, 8);
		ng_packet(&b, big, 2, 6 * 1024 + 512, 6, 60);
		order32(&simple, big, 100);
		for (int i = 0; i < 40; i++)
			put8(&simple, (unsigned)i);
		ng_block(&b, big, 3, &simple);
		order16(&old, big, 1);
		order16(&old, big, 5); /* dropped packets */
		order32(&old, big, 0);
		order32(&old, big, 77);
		order32(&old, big, 0);
		order32(&old, big, 50);
		ng_block(&b, big, 2, &old);
		ng_block(&b, big, 0x0bad, &simple); /* unknown: skipped */
		/* Another section, in the other byte order, with a new list of interfaces. */
		ng_section(&b, !big);
		ng_interface(&b, !big, 113, 0, 3);
		ng_packet(&b, !big, 0, 4321, 4, 4);
		file = open_bytes(&b);
		expect(file, 3000001000, 7, 9, PACKET_ETHERNET);
		expect(file, 5000000000001, 8, 8, PACKET_RAW);
		expect(file, 6500000000, 6, 60, PACKET_COOKED2);
		expect(file, 6500000000, 40, 100, PACKET_ETHERNET);
		expect(file, 77, 0, 50, PACKET_RAW);
		expect(file, 4321000000, 4, 4, PACKET_COOKED);
		expect_end(file, "", 0);
	}
}

static void make_pcap(struct bytes *b)
{
	pcap_header(b, false, 0xa1b2c3d4, 1);
	for (uint32_t i = 0; i < 3; i++)
		pcap_packet(b, false, i, 0, 10, 10);
}

static void make_ng(struct bytes *b)
{
	ng_section(b, true);
	ng_interface(b, true, 1, 0, 9);
	for (uint32_t i = 0; i < 3; i++)
		ng_packet(b, true, 0, i, 10, 10);
}

/* Complete packets are read; the end of the file is reported unless it is between packets. */
static void cut(const struct bytes *b)
{
	size_t before = 0;

	for (uint32_t n = 0; n <= b->count; n++) {
		uint8_t *copy = malloc(n ? n : 1);
		struct capture_file *file = NULL;
		struct netsim_err err = {0};
		struct capture_packet p;
		size_t count = 0;

		memcpy(copy, b->at, n);
		if (capture_open_memory("cut", copy, n, &file, &err) < 0) {
			assert_int_equal(err.kind, NETSIM_ERR_INPUT);
			assert_int_equal(before, 0);
			free(copy);
			continue;
		}
		while (capture_next(file, &p))
			count++;
		assert_true(count >= before && count <= before + 1);
		if (n == b->count)
			assert_int_equal(count, 3);
		if (*capture_problem(file)->what)
			assert_true(capture_problem(file)->offset < n);
		else
			assert_true(count != before || n == b->count || count == 0);
		before = count;
		capture_close(file);
		free(copy);
	}
}

static void test_cut_everywhere(void **state)
{
	struct bytes pcap_file = {.count = 0}, ng_file = {.count = 0};

	(void)state;
	make_pcap(&pcap_file);
	make_ng(&ng_file);
	cut(&pcap_file);
	cut(&ng_file);
}

/* Reads the file to its end, with each bit flipped in turn. */
static void test_damage_everywhere(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct bytes b = {.count = 0};

		kind ? make_ng(&b) : make_pcap(&b);
		for (uint32_t i = 0; i < b.count * 8; i++) {
			struct capture_file *file;
			struct netsim_err err = {0};
			struct capture_packet p;
			unsigned sum = 0;

			b.at[i / 8] ^= (uint8_t)(1U << i % 8);
			if (capture_open_memory("bad", b.at, b.count, &file, &err) == 0) {
				while (capture_next(file, &p))
					for (uint32_t n = 0; n < p.captured; n++)
						sum += p.data[n];
				capture_close(file);
			}
			b.at[i / 8] ^= (uint8_t)(1U << i % 8);
			assert_true(sum < UINT32_MAX);
		}
	}
}

static void test_says_where(void **state)
{
	struct bytes b = {.count = 0};
	struct capture_file *file;

	(void)state;
	make_pcap(&b);
	b.count -= 4;
	file = open_bytes(&b);
	expect(file, 0, 10, 10, PACKET_ETHERNET);
	expect(file, SECOND, 10, 10, PACKET_ETHERNET);
	expect_end(file, "the file ends within a packet: 22 of 26 bytes", 24 + 26 + 26);
	b.count -= 12;
	file = open_bytes(&b);
	expect(file, 0, 10, 10, PACKET_ETHERNET);
	expect(file, SECOND, 10, 10, PACKET_ETHERNET);
	expect_end(file, "the file ends within the header of a packet: 10 of 16 bytes", 76);
	b.at[24 + 26 + 11] = 0x7f;
	file = open_bytes(&b);
	expect(file, 0, 10, 10, PACKET_ETHERNET);
	expect_end(file, "a packet of 2130706442 bytes, but the maximum is 262144", 50);
	b = (struct bytes) {.count = 0};
	make_ng(&b);
	b.at[b.count - 1] ^= 4;
	file = open_bytes(&b);
	expect(file, 0, 10, 10, PACKET_ETHERNET);
	expect(file, 1, 10, 10, PACKET_ETHERNET);
	expect_end(file, "a block of 44 bytes whose trailing length is 40", b.count - 44);
}

static void refuse(const void *data, size_t size, const char *what, const char *hint)
{
	struct capture_file *file;
	struct netsim_err err = {0};

	assert_int_equal(capture_open_memory("f", data, size, &file, &err), -EINVAL);
	assert_int_equal(err.kind, NETSIM_ERR_INPUT);
	assert_string_equal(err.what, what);
	assert_string_equal(err.hint, hint);
}

static void test_refusals(void **state)
{
	struct capture_file *file;
	struct netsim_err err = {0};

	(void)state;
	refuse("", 0, "the file is empty", "");
	refuse("hello, world", 12, "offset 0: this is neither a pcap nor a pcapng file", "");
	refuse("\x1f\x8b\x08\0", 4, "offset 0: this is neither a pcap nor a pcapng file",
	       "it is compressed: zcat FILE | netsim analyze -");
	refuse("\xd4\xc3\xb2\xa1\2\0", 6, "offset 0: the file ends within its header", "");
	assert_int_equal(capture_open("/nonexistent/x.pcap", &file, &err), -ENOENT);
	assert_int_equal(err.kind, NETSIM_ERR_INPUT);
}

/* From a file, with packets larger than the buffer. */
static void test_from_files(void **state)
{
	char path[] = "/tmp/netsim-test-capture.XXXXXX";
	int fd = mkstemp(path);
	uint32_t sizes[] = {100000, 262144, 10, 262000};
	struct bytes b = {.count = 0};
	struct netsim_err err = {0};
	struct capture_file *file;
	struct capture_packet p;
	uint8_t *data = malloc(262144);

	(void)state;
	assert_true(fd >= 0);
	for (uint32_t i = 0; i < 262144; i++)
		data[i] = (uint8_t)(i * 7);
	pcap_header(&b, false, 0xa1b23c4d, 1);
	assert_int_equal(write(fd, b.at, b.count), b.count);
	for (int i = 0; i < 4; i++) {
		b.count = 0;
		pcap_packet(&b, false, (uint32_t)i, 0, 0, sizes[i]);
		memcpy(b.at + 8, &sizes[i], 4);
		assert_int_equal(write(fd, b.at, b.count), b.count);
		assert_int_equal(write(fd, data, sizes[i]), sizes[i]);
	}
	close(fd);
	assert_int_equal(capture_open(path, &file, &err), 0);
	for (int i = 0; i < 4; i++) {
		assert_true(capture_next(file, &p));
		assert_int_equal(p.captured, sizes[i]);
		assert_memory_equal(p.data, data, sizes[i]);
	}
	expect_end(file, "", 0);
	unlink(path);
	free(data);
}

static void test_merging(void **state)
{
	struct bytes b[3] = {{.count = 0}, {.count = 0}, {.count = 0}};
	struct capture_file *files[3];
	struct capture_merge merge;
	struct capture_packet p;
	uint32_t count = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		pcap_header(&b[i], i == 1, 0xa1b2c3d4, 1);
		for (uint32_t n = 0; n < 5; n++)
			pcap_packet(&b[i], i == 1, n * 3 + (uint32_t)(i * 2) % 3, 0, 4, 60);
		files[i] = open_bytes(&b[i]);
	}
	assert_int_equal(capture_merge_init(&merge, files, 3), 0);
	while (capture_merge_next(&merge, &p))
		assert_true(p.time_ns == (int64_t)count++ * SECOND);
	assert_int_equal(count, 15);
	assert_false(capture_merge_next(&merge, &p));
	capture_merge_done(&merge);
	for (int i = 0; i < 3; i++)
		capture_close(files[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_pcap),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_ng),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_damage_everywhere),
		cmocka_unit_test(test_says_where),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_from_files),
		cmocka_unit_test(test_merging),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
