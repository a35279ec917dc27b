/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads capture files, pcap and pcapng, sequentially, so that pipes and standard input
 * work, too. The buffer grows to the largest packet. If a file is damaged or truncated,
 * everything before is read, and capture_problem() reports the offset and the cause.
 */
#ifndef NETSIM_CAPTURE_FILE_H
#define NETSIM_CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/packet/packet.h"
#include "netsim/util/err.h"

/* Packets larger than this are treated as damage. */
#define CAPTURE_PACKET_MAX (16U << 20)

/* Valid until the next call of capture_next(). */
struct capture_packet {
	int64_t time_ns; /* since 1970 */
	const uint8_t *data;
	uint32_t captured, length;
	enum packet_link link;
	uint16_t view; /* index + 1 in capture_names.views; 0: none */
	uint8_t seen;  /* enum packet_seen */
};

struct capture_file;
struct capture_names;

/*
 * Opens a file; "-" is standard input. Fails if it cannot be read or is no capture.
 * capture_close() frees *ret.
 */
int capture_open(const char *path, struct capture_file **ret, struct netsim_err *err);
/* The same from memory, which must stay valid until capture_close(). */
int capture_open_memory(const char *name, const void *data, size_t size, struct capture_file **ret,
			struct netsim_err *err);
void capture_close(struct capture_file *file);
/*
 * Collects the names in the file into names, which several files may share. Call before the
 * first capture_next().
 */
void capture_use_names(struct capture_file *file, struct capture_names *names);

/* False at the end of the file, and at a problem. */
bool capture_next(struct capture_file *file, struct capture_packet *ret);

struct capture_problem {
	uint64_t offset; /* of the damaged header or block */
	char what[160];	 /* "": no problem */
};
const struct capture_problem *capture_problem(const struct capture_file *file);
const char *capture_name(const struct capture_file *file);

/* Packets of a link type that packet_decode() does not read. */
struct capture_unread {
	uint32_t linktype;
	uint64_t packets;
	uint64_t offset; /* of the first of them */
};
/* Returns the number of such link types among the packets so far. */
size_t capture_unread(const struct capture_file *file, const struct capture_unread **ret);

/* Packets that the capture dropped at an interface, by the statistics in a pcapng file. */
struct capture_drops {
	char name[64]; /* of the interface; "": unnamed */
	uint64_t dropped;
	uint64_t offset; /* of the block of statistics */
};
/* Returns the number of interfaces with drops, so far. */
size_t capture_drops(const struct capture_file *file, const struct capture_drops **ret);

#endif
