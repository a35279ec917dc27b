// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes large captures from small ones, and captures of many connections:
 *
 *   pcaps repeat TIMES IN OUT      repeat IN with later times and other ports
 *   pcaps connections COUNT OUT    connections opened, used once and closed, interleaved
 *   pcaps shuffle SEED IN OUT      delay, duplicate and drop some packets
 *   pcaps tag IN OUT               put packets into VLAN 100 inside VLAN 200
 *
 * IN must be a pcap file in this machine's byte order, with Ethernet and IPv4.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD	  16
#define EPHEMERAL 32768 /* lower bound of client ports */
#define TURNS	  1000	/* connections open at the same time */

static void die(const char *what)
{
	fprintf(stderr, "pcaps: %s\n", what);
	exit(1);
}

static void put(FILE *out, const void *data, size_t size)
{
	if (fwrite(data, size, 1, out) != 1)
		die("cannot write");
}

static FILE *open_file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f)
		die("cannot open a file");
	return f;
}

/* --- repeat */

static uint8_t *read_all(const char *path, size_t *ret_size)
{
	FILE *f = open_file(path, "rb");
	long size;
	uint8_t *data;

	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	data = malloc((size_t)size + 1);
	if (!data || size < 24 || fread(data, (size_t)size, 1, f) != 1)
		die("cannot read");
	fclose(f);
	*ret_size = (size_t)size;
	return data;
}

/* Shifts a client's port, depending on the turn. */
static void turn_port(uint8_t *at, unsigned turn)
{
	unsigned port = (unsigned)(at[0] << 8 | at[1]);

	if (port < EPHEMERAL)
		return;
	port = EPHEMERAL + (port + turn * 31 - EPHEMERAL) % (65536 - EPHEMERAL);
	at[0] = (uint8_t)(port >> 8);
	at[1] = (uint8_t)port;
}

static void turn_packet(uint8_t *frame, uint32_t captured, unsigned turn)
{
	if (captured < 14 + 20 + 4 || frame[12] != 8 || frame[13] != 0 ||
	    (frame[23] != 6 && frame[23] != 17))
		return;
	turn_port(frame + 14 + (frame[14] & 15) * 4, turn);
	turn_port(frame + 14 + (frame[14] & 15) * 4 + 2, turn);
}

static uint32_t get(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, 4);
	return value;
}

static void repeat(unsigned times, const char *in, const char *out_path)
{
	size_t size;
	uint8_t *data = read_all(in, &size), *copy = malloc(size);
	FILE *out = open_file(out_path, "wb");
	uint32_t first, last;

	if (!copy)
		die("out of memory");
	if (size < 24 + RECORD)
		die("the capture has no packet");
	first = last = get(data + 24);
	put(out, data, 24);
	for (unsigned turn = 0; turn < times; turn++) {
		memcpy(copy, data, size);
		for (size_t at = 24; at + RECORD <= size; at += RECORD + get(copy + at + 8)) {
			uint32_t captured = get(copy + at + 8), when = get(copy + at);

			if (at + RECORD + captured > size)
				die("the capture is cut off");
			if (turn == 0)
				last = when > last ? when : last;
			when += turn * (last - first + 1);
			memcpy(copy + at, &when, 4);
			turn_packet(copy + at + RECORD, captured, turn);
		}
		put(out, copy + 24, size - 24);
	}
	if (fclose(out) != 0)
		die("cannot write");
}

/* --- shuffle and tag: packet by packet */

struct record {
	uint32_t time[4]; /* seconds, microseconds, captured, length */
	const uint8_t *frame;
};

static struct record *read_records(const uint8_t *data, size_t size, size_t *ret_count)
{
	struct record *list = malloc((size / RECORD + 1) * sizeof(*list));
	size_t count = 0;

	if (!list)
		die("out of memory");
	for (size_t at = 24; at + RECORD <= size; at += RECORD + list[count++].time[2]) {
		memcpy(list[count].time, data + at, RECORD);
		list[count].frame = data + at + RECORD;
		if (at + RECORD + list[count].time[2] > size)
			die("the capture is cut off");
	}
	*ret_count = count;
	return list;
}

static void put_record(FILE *out, const struct record *record, const uint32_t *when)
{
	const uint32_t time[4] = {when[0], when[1], record->time[2], record->time[3]};

	put(out, time, sizeof(time));
	put(out, record->frame, record->time[2]);
}

/* Reorders packets, but keeps the sequence of times. */
static void shuffle(unsigned seed, const char *in, const char *out_path)
{
	size_t size, count;
	uint8_t *data = read_all(in, &size);
	struct record *list = read_records(data, size, &count);
	FILE *out = open_file(out_path, "wb");

	srandom(seed);
	put(out, data, 24);
	for (size_t i = 0; i < count; i++) {
		uint32_t when[2] = {list[i].time[0], list[i].time[1]};
		size_t late = i + 1 + (size_t)random() % 6;
		long chance = random() % 200;

		if (chance < 4 && late < count) {
			struct record moved = list[i];

			memmove(list + i, list + i + 1, (late - i) * sizeof(*list));
			list[late] = moved;
		}
		if (chance == 5)
			continue;
		put_record(out, &list[i], when);
		if (chance == 6)
			put_record(out, &list[i], when);
		/* A packet that moves up gets the time of its new position. */
		if (i + 1 < count &&
		    (list[i + 1].time[0] < when[0] ||
		     (list[i + 1].time[0] == when[0] && list[i + 1].time[1] < when[1])))
			memcpy(list[i + 1].time, when, sizeof(when));
	}
	if (fclose(out) != 0)
		die("cannot write");
}

static void tag(const char *in, const char *out_path)
{
	static const uint8_t tags[8] = {0x88, 0xa8, 0, 200, 0x81, 0, 0, 100};
	size_t size, count;
	uint8_t *data = read_all(in, &size);
	struct record *list = read_records(data, size, &count);
	FILE *out = open_file(out_path, "wb");

	put(out, data, 24);
	for (size_t i = 0; i < count; i++) {
		uint32_t *time = list[i].time;

		if (time[2] < 14)
			continue;
		time[2] += sizeof(tags);
		time[3] += sizeof(tags);
		put(out, time, RECORD);
		put(out, list[i].frame, 12);
		put(out, tags, sizeof(tags));
		put(out, list[i].frame + 12, time[2] - sizeof(tags) - 12);
	}
	if (fclose(out) != 0)
		die("cannot write");
}

/* --- connections */

struct made {
	uint32_t time[4]; /* seconds, microseconds, captured, length */
	uint8_t frame[66];
};

static void set16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void set32(uint8_t *at, uint32_t value)
{
	set16(at, value >> 16);
	set16(at + 2, value & 0xffff);
}

/* The number selects the client (of 20), its port, and the server (of 4). */
static void send_packet(FILE *out, uint64_t now, unsigned number, int server, uint32_t seq,
			uint32_t ack, unsigned flags, unsigned data)
{
	struct made made = {{(uint32_t)(now / 1000000), (uint32_t)(now % 1000000), 54, 54 + data},
			    {0}};
	uint32_t client = 0x0a000001 + number % 20, host = 0x0a010001 + number / 20 % 4;
	unsigned port = 1024 + number / 80 % 64000, service = 2379 + number / 80 / 64000;
	uint8_t *ip = made.frame + 14, *tcp = ip + 20;

	set16(made.frame + 12, 0x0800);
	set16(ip, 0x4500);
	set16(ip + 2, 40 + data);
	set16(ip + 8, 0x4006);
	set32(ip + 12, server ? host : client);
	set32(ip + 16, server ? client : host);
	set16(tcp, server ? service : port);
	set16(tcp + 2, server ? port : service);
	set32(tcp + 4, seq);
	set32(tcp + 8, ack);
	set16(tcp + 12, 0x5000 | flags);
	set16(tcp + 14, 500);
	put(out, made.time, sizeof(made.time));
	put(out, made.frame, 54);
}

static void connections(unsigned count, const char *path)
{
	static const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 128, 1};
	static const struct {
		int server;
		uint32_t seq, ack;
		unsigned flags, data;
	} steps[] = {{0, 100, 0, 0x02, 0},     {1, 500, 101, 0x12, 0},	{0, 101, 501, 0x10, 0},
		     {0, 101, 501, 0x18, 200}, {1, 501, 301, 0x18, 99}, {0, 301, 600, 0x10, 0},
		     {0, 301, 600, 0x11, 0},   {1, 600, 302, 0x11, 0},	{0, 302, 601, 0x10, 0}};
	FILE *out = open_file(path, "wb");
	uint64_t now = 1700000000ULL * 1000000;

	put(out, header, sizeof(header));
	for (unsigned begin = 0; begin < count; begin += TURNS)
		for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++)
			for (unsigned n = begin; n < begin + TURNS && n < count; n++)
				send_packet(out, now++, n, steps[s].server, steps[s].seq,
					    steps[s].ack, steps[s].flags, steps[s].data);
	if (fclose(out) != 0)
		die("cannot write");
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "repeat") == 0)
		repeat((unsigned)atoi(argv[2]), argv[3], argv[4]);
	else if (argc == 4 && strcmp(argv[1], "connections") == 0)
		connections((unsigned)atoi(argv[2]), argv[3]);
	else if (argc == 5 && strcmp(argv[1], "shuffle") == 0)
		shuffle((unsigned)atoi(argv[2]), argv[3], argv[4]);
	else if (argc == 4 && strcmp(argv[1], "tag") == 0)
		tag(argv[2], argv[3]);
	else
		die("repeat TIMES IN OUT, connections COUNT OUT, shuffle SEED IN OUT, tag IN OUT");
	return 0;
}
