// SPDX-License-Identifier: GPL-2.0-or-later
/* Files are written, read back and truncated; packets are sorted by time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netsim/packet/capture_file.h"
#include "netsim/packet/capture_set.h"
#include "netsim/packet/capture_text.h"
#include "netsim/packet/live_sort.h"

#define FIRST 1763700000123456789

static char folder[] = "/tmp/netsim-test.XXXXXX";
static const char *const ports[] = {"n100-1/eth1", "jetson-1/eth1"};
static const struct address_name names[] = {
	{{.family = AF_INET, .b = {10, 9, 0, 1}}, "n100-1"},
	{{.family = AF_INET6, .b = {0xfd, 9, [15] = 1}}, "jetson-1"},
};

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void fill(uint8_t *data, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i + seed);
}

/* Packet i: i bytes of i + 1000, i ns after the first. */
static struct capture_written packet_of(unsigned i, const uint8_t *data)
{
	return (struct capture_written) {.time_ns = FIRST + i,
					 .data = data + i,
					 .captured = i,
					 .length = i + 1000,
					 .port = i % 2,
					 .sent = i % 3 == 0};
}

static void write_file(const char *path, size_t port_count, unsigned count)
{
	const struct capture_writing what = {.ports = ports,
					     .port_count = port_count,
					     .names = names,
					     .name_count = 2,
					     .filter = "tcp or udp",
					     .snap = 4096};
	const struct capture_totals totals[2] = {{7, 1}, {9, 2}};
	struct capture_writer *writer;
	struct netsim_err err = {0};
	uint8_t data[8192];

	fill(data, sizeof(data), 0);
	assert_int_equal(capture_write_open(path, &writer, &err), 0);
	assert_int_equal(capture_write_begin(writer, &what, &err), 0);
	for (unsigned i = 0; i < count; i++) {
		struct capture_written packet = packet_of(i, data);

		packet.port %= port_count;
		assert_int_equal(capture_write_add(writer, &packet, &err), 0);
	}
	assert_int_equal(capture_write_close(writer, totals, FIRST + count, &err), 0);
}

/* Returns how many packets can be read; all must be as they were written. */
static unsigned read_packets(struct capture_file *file)
{
	struct capture_packet packet;
	uint8_t data[8192];
	unsigned i = 0;

	fill(data, sizeof(data), 0);
	for (; capture_next(file, &packet); i++) {
		assert_int_equal(packet.time_ns, FIRST + i);
		assert_int_equal(packet.captured, i);
		assert_int_equal(packet.length, i + 1000);
		assert_int_equal(packet.link, PACKET_ETHERNET);
		assert_memory_equal(packet.data, data + i, i);
	}
	return i;
}

static unsigned read_file(const char *path)
{
	struct capture_file *file;
	struct netsim_err err = {0};
	unsigned count;

	assert_int_equal(capture_open(path, &file, &err), 0);
	count = read_packets(file);
	assert_string_equal(capture_problem(file)->what, "");
	capture_close(file);
	return count;
}

static void test_reads_what_it_writes(void **state)
{
	(void)state;
	write_file(in_folder("a.pcapng"), 2, 2000);
	assert_int_equal(read_file(in_folder("a.pcapng")), 2000);
	write_file(in_folder("a.pcap"), 1, 2000);
	assert_int_equal(read_file(in_folder("a.pcap")), 2000);
	assert_true(capture_write_is_pcap("x/a.pcap"));
	assert_false(capture_write_is_pcap("a.pcapng"));
	assert_false(capture_write_is_pcap("pcap"));
}

/* The content of a file. */
static size_t load(const char *path, uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t got;

	assert_non_null(file);
	got = fread(bytes, 1, size, file);
	fclose(file);
	return got;
}

static uint32_t word_at(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Returns the value of an option of a block whose options begin at this offset. */
static const uint8_t *option_of(const uint8_t *block, size_t from, uint16_t code, uint16_t *size)
{
	const uint8_t *at = block + from, *end = block + word_at(block + 4) - 4;
	uint16_t here;

	for (; at + 4 <= end; at += 4 + ((*size + 3U) & ~3U)) {
		memcpy(&here, at, 2);
		memcpy(size, at + 2, 2);
		if (here == code)
			return at + 4;
	}
	return NULL;
}

static void test_says_ports_names_directions_totals(void **state)
{
	static const uint32_t types[] = {0x0a0d0d0a, 1, 1, 4, 6, 6, 5, 5};
	uint8_t bytes[4096];
	const uint8_t *at = bytes, *value;
	size_t size;
	uint16_t length;

	(void)state;
	write_file(in_folder("b.pcapng"), 2, 2);
	size = load(in_folder("b.pcapng"), bytes, sizeof(bytes));
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++) {
		assert_int_equal(word_at(at), types[i]);
		assert_int_equal(word_at(at + word_at(at + 4) - 4), word_at(at + 4));
		if (i == 1 || i == 2) {
			assert_int_equal(word_at(at + 12), 4096);
			value = option_of(at, 16, 2, &length);
			assert_int_equal(length, strlen(ports[i - 1]));
			assert_memory_equal(value, ports[i - 1], length);
			assert_int_equal(*option_of(at, 16, 9, &length), 9);
			value = option_of(at, 16, 11, &length);
			assert_memory_equal(value, "\0tcp or udp", length);
		} else if (types[i] == 4) {
			assert_memory_equal(option_of(at, 8, 1, &length), "\x0a\x09\0\x01n100-1",
					    11);
			assert_memory_equal(option_of(at, 8, 2, &length) + 16, "jetson-1", 9);
		} else if (types[i] == 6) {
			assert_int_equal(word_at(at + 8), i - 4);
			value = option_of(at, 28 + (word_at(at + 20) + 3) / 4 * 4, 2, &length);
			assert_int_equal(word_at(value), i == 4 ? 1 : 2);
		} else if (types[i] == 5) {
			assert_int_equal(word_at(option_of(at, 20, 4, &length)), i == 6 ? 7 : 9);
			assert_int_equal(word_at(option_of(at, 20, 5, &length)), i == 6 ? 1 : 2);
		}
		at += word_at(at + 4);
	}
	assert_int_equal(at - bytes, size);
}

/* Writes a file with a filter of this length; checks its filter option, and returns the value. */
static const uint8_t *filter_of(size_t size, uint16_t *length)
{
	static char filter[80000];
	static uint8_t bytes[131072];
	const struct capture_writing what = {.ports = ports, .port_count = 1, .filter = filter};
	struct capture_writer *writer;
	struct netsim_err err = {0};
	const uint8_t *value;

	memset(filter, 'a', size);
	filter[size] = 0;
	assert_int_equal(capture_write_open(in_folder("f.pcapng"), &writer, &err), 0);
	assert_int_equal(capture_write_begin(writer, &what, &err), 0);
	assert_int_equal(capture_write_close(writer, NULL, 0, &err), 0);
	assert_int_equal(read_file(in_folder("f.pcapng")), 0);
	load(in_folder("f.pcapng"), bytes, sizeof(bytes));
	value = option_of(bytes + word_at(bytes + 4), 16, 11, length);
	assert_non_null(value);
	assert_memory_equal(value + 1, filter, *length - 4);
	return value;
}

static void test_says_long_filters(void **state)
{
	static const size_t sizes[] = {4095, 4096, 65534, 65535, 79999};
	uint16_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const uint8_t *value = filter_of(sizes[i], &length);
		bool cut = sizes[i] > 65534;

		assert_int_equal(length, cut ? 65535 : sizes[i] + 1);
		assert_int_equal(value[0], 0);
		assert_memory_equal(value + length - 3, cut ? "..." : "aaa", 3);
	}
}

/* Of a file truncated at any byte, all complete packets are read. */
static void test_can_be_cut(void **state)
{
	static const char *const files[] = {"c.pcapng", "c.pcap"};
	static uint8_t bytes[65536];

	(void)state;
	for (unsigned f = 0; f < 2; f++) {
		unsigned last = 0;
		size_t size;

		write_file(in_folder(files[f]), 2 - f, 40);
		size = load(in_folder(files[f]), bytes, sizeof(bytes));
		for (size_t cut = 32; cut <= size; cut++) {
			struct capture_file *file;
			struct netsim_err err = {0};
			unsigned count = 0;

			if (capture_open_memory("cut", bytes, cut, &file, &err) == 0) {
				count = read_packets(file);
				capture_close(file);
			}
			assert_true(count == last || count == last + 1);
			last = count;
		}
		assert_int_equal(last, 40);
	}
}

/* If the disk is full, the file ends with its last complete packet. */
static void test_is_cut_back(void **state)
{
	static const char *const files[] = {"d.pcapng", "d.pcap"};
	const struct capture_writing what = {.ports = ports, .port_count = 1};
	struct rlimit before, limit;
	uint8_t data[8192];

	(void)state;
	fill(data, sizeof(data), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	for (unsigned i = 0; i < 200; i++) {
		const char *path = in_folder(files[i % 2]);
		struct capture_writer *writer;
		struct netsim_err err = {0};
		unsigned n;
		int r = 0;

		limit = before;
		limit.rlim_cur = 5000 + i;
		setrlimit(RLIMIT_FSIZE, &limit);
		assert_int_equal(capture_write_open(path, &writer, &err), 0);
		assert_int_equal(capture_write_begin(writer, &what, &err), 0);
		for (n = 0; r == 0 && n < 300; n++) {
			struct capture_written packet = packet_of(n, data);

			packet.port = 0;
			r = capture_write_add(writer, &packet, &err);
			if (r == 0 && n % 20 == 19)
				r = capture_write_flush(writer, &err);
		}
		assert_int_equal(r, -EFBIG);
		assert_int_equal(err.kind, NETSIM_ERR_KERNEL);
		assert_non_null(strstr(err.what, "File too large"));
		capture_write_close(writer, NULL, 0, &err);
		setrlimit(RLIMIT_FSIZE, &before);
		n = read_file(path);
		assert_in_range(n, 60, 110);
	}
}

static bool is_over(void *arg)
{
	return *(const bool *)arg;
}

/* Writing to a full pipe without an active reader times out once the capture has ended. */
static void test_gives_up_a_reader(void **state)
{
	bool over = false;
	const struct capture_writing what = {
		.ports = ports, .port_count = 2, .ended = is_over, .arg = &over};
	const char *path = in_folder("pipe");
	struct capture_writer *writer;
	struct netsim_err err = {0};
	static uint8_t data[8192], bytes[262144];
	struct capture_file *file;
	ssize_t got;
	int fd, r = 0;

	(void)state;
	fill(data, sizeof(data), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(capture_write_open(path, &writer, &err), 0);
	assert_int_equal(capture_write_begin(writer, &what, &err), 0);
	for (unsigned n = 0; r == 0 && n < 5000; n++) {
		struct capture_written packet = packet_of(n, data);

		/* The capture does not end while the pipe has room. */
		over = n >= 100;
		r = capture_write_add(writer, &packet, &err);
		if (r == 0 && n % 20 == 19)
			r = capture_write_flush(writer, &err);
	}
	assert_int_equal(r, -ETIMEDOUT);
	assert_non_null(strstr(err.what, "pipe: timed out waiting for the reader"));
	capture_write_close(writer, NULL, 0, &err);
	got = read(fd, bytes, sizeof(bytes));
	assert_in_range(got, 40000, 66000);
	assert_int_equal(capture_open_memory("pipe", bytes, (size_t)got, &file, &err), 0);
	assert_in_range(read_packets(file), 200, 500);
	capture_close(file);
	close(fd);
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* If one of the files cannot be created, the others are left unchanged. */
static void test_begins_all_or_none(void **state)
{
	struct capture_plan plan = {.dir = strdup(in_folder("set")),
				    .prefix = "f",
				    .what = {.ports = ports, .port_count = 2}};
	struct capture_set *set;
	struct netsim_err err = {0};
	uint8_t bytes[64];

	(void)state;
	assert_int_equal(mkdir(in_folder("set"), 0755), 0);
	assert_int_equal(mkdir(in_folder("set/f.jetson-1.eth1.pcapng"), 0755), 0);
	assert_int_equal(capture_set_open(&plan, &set, &err), -EISDIR);
	assert_int_not_equal(access(in_folder("set/f.n100-1.eth1.pcapng"), F_OK), 0);
	write_text(in_folder("set/f.n100-1.eth1.pcapng"), "before");
	assert_int_equal(capture_set_open(&plan, &set, &err), -EISDIR);
	assert_int_equal(load(in_folder("set/f.n100-1.eth1.pcapng"), bytes, sizeof(bytes)), 6);
	free((char *)plan.dir);
	/* The directory created for them is removed, too. */
	plan.dir = strdup(in_folder("new"));
	plan.prefix = "x/f";
	assert_int_equal(capture_set_open(&plan, &set, &err), -ENOENT);
	assert_int_not_equal(access(in_folder("new"), F_OK), 0);
	free((char *)plan.dir);
}

static void test_numbers_and_keeps_files(void **state)
{
	struct capture_plan plan = {.file = strdup(in_folder("e.pcapng")),
				    .rotate_bytes = 3000,
				    .keep = 2,
				    .what = {.ports = ports, .port_count = 2}};
	const struct capture_totals totals[2] = {0};
	struct capture_set *set;
	struct netsim_err err = {0};
	uint8_t data[8192];
	char name[32];

	(void)state;
	fill(data, sizeof(data), 0);
	assert_int_equal(capture_set_open(&plan, &set, &err), 0);
	for (unsigned i = 0; i < 100; i++) {
		struct capture_written packet = packet_of(100, data);

		packet.time_ns += i;
		assert_int_equal(capture_set_add(set, &packet, totals, &err), 0);
	}
	assert_int_equal(capture_set_files(set), 5);
	assert_int_equal(capture_set_close(set, totals, FIRST, &err), 0);
	for (unsigned i = 1; i <= 6; i++) {
		snprintf(name, sizeof(name), "e-%05u.pcapng", i);
		assert_int_equal(access(in_folder(name), F_OK) == 0, i == 4 || i == 5);
	}
	free((char *)plan.file);
}

static void test_put_in_order(void **state)
{
	struct live_sort *sort = live_sort_new(1 << 20);
	struct live_packet packet;
	int64_t last = 0, first;
	unsigned number = 1, taken = 0;
	uint32_t order = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t data[4];

		number = number * 1103515245 + 12345;
		packet = (struct live_packet) {
			.time_ns = number >> 20, .data = data, .captured = 4, .length = i};
		memcpy(data, &i, 4);
		assert_true(live_sort_add(sort, &packet));
	}
	assert_true(live_sort_first(sort, &first));
	assert_false(live_sort_take(sort, first - 1, &packet));
	for (int64_t until = 0; until <= 4096; until += 64)
		while (live_sort_take(sort, until, &packet)) {
			assert_true(packet.time_ns <= until && packet.time_ns >= last);
			/* Packets with equal times keep their order. */
			assert_true(packet.time_ns > last || !taken || packet.length > order);
			assert_int_equal(word_at(packet.data), packet.length);
			last = packet.time_ns;
			order = packet.length;
			taken++;
		}
	assert_int_equal(taken, 1000);
	assert_false(live_sort_first(sort, &first));
	live_sort_free(sort);
}

static void test_lets_go_when_full(void **state)
{
	struct live_sort *sort = live_sort_new(10000);
	const uint8_t data[1000] = {0};
	struct live_packet packet = {.data = data, .captured = 1000};
	unsigned added = 0;

	(void)state;
	for (; !live_sort_full(sort); added++) {
		packet.time_ns = 100 - added;
		assert_true(live_sort_add(sort, &packet));
	}
	assert_in_range(added, 9, 10);
	assert_true(live_sort_take(sort, 0, &packet));
	assert_int_equal(packet.time_ns, 101 - added);
	assert_false(live_sort_take(sort, 0, &packet));
	live_sort_free(sort);
}

static void test_says_what_it_is(void **state)
{
	const uint8_t address[4] = {10, 9, 0, 1}, other[4] = {10, 9, 0, 2};
	struct packet packet = {.version = 4,
				.protocol = 6,
				.has_ports = true,
				.has_tcp = true,
				.source_port = 40212,
				.destination_port = 2380,
				.tcp_flags = PACKET_SYN | PACKET_ACK};
	char text[96], buf[UNIT_TEXT];

	(void)state;
	capture_text_what(&packet, text, sizeof(text));
	assert_string_equal(text, "tcp 40212 > 2380 [S.]");
	assert_string_equal(capture_text_end(&packet, address, names, 2, buf), "n100-1");
	assert_string_equal(capture_text_end(&packet, other, names, 2, buf), "10.9.0.2");
	assert_string_equal(capture_text_end(&packet, NULL, names, 2, buf), "?");
	packet.has_tcp = false;
	capture_text_what(&packet, text, sizeof(text));
	assert_string_equal(text, "tcp 40212 > 2380");
	packet = (struct packet) {.ethertype = 0x0806};
	capture_text_what(&packet, text, sizeof(text));
	assert_string_equal(text, "arp");
	packet = (struct packet) {.version = 6, .protocol = 58, .icmp_type = 135};
	capture_text_what(&packet, text, sizeof(text));
	assert_string_equal(text, "icmp6 neighbour solicitation");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_says_ports_names_directions_totals),
		cmocka_unit_test(test_says_long_filters),
		cmocka_unit_test(test_can_be_cut),
		cmocka_unit_test(test_is_cut_back),
		cmocka_unit_test(test_gives_up_a_reader),
		cmocka_unit_test(test_begins_all_or_none),
		cmocka_unit_test(test_numbers_and_keeps_files),
		cmocka_unit_test(test_put_in_order),
		cmocka_unit_test(test_lets_go_when_full),
		cmocka_unit_test(test_says_what_it_is),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
