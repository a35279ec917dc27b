/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files, pcap and pcapng, read from the front: files, pipes and standard input
 * alike, in a buffer that is as large as the largest packet asks for. Where a file is
 * damaged or cut off, all before that is read, and capture_problem() says where and what.
 */
#ifndef NETSIM_CAPTURE_FILE_H
#define NETSIM_CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/packet/packet.h"
#include "netsim/util/err.h"

/* What a file can say is larger is damaged. */
#define CAPTURE_PACKET_MAX (16U << 20)

/* Valid until the next one is asked for. */
struct capture_packet {
	int64_t time_ns; /* since 1970 */
	const uint8_t *data;
	uint32_t captured, length;
	enum packet_link link;
	uint16_t view; /* of the names' views; 0: none */
	uint8_t seen;  /* enum packet_seen */
};

struct capture_file;
struct capture_names;

/* "-" is standard input. Fails where it cannot be opened or is no capture at all. */
int capture_open(const char *path, struct capture_file **ret, struct netsim_err *err);
/* The same from memory, which stays the caller's. */
int capture_open_memory(const char *name, const void *data, size_t size, struct capture_file **ret,
			struct netsim_err *err);
void capture_close(struct capture_file *file);
/* Where the file's own names go to, which several files may share; before the first packet. */
void capture_use_names(struct capture_file *file, struct capture_names *names);

/* False at the end, and where what follows cannot be read. */
bool capture_next(struct capture_file *file, struct capture_packet *ret);

struct capture_problem {
	uint64_t offset; /* of the header or block that is wrong */
	char what[160];	 /* "" where there is none */
};
const struct capture_problem *capture_problem(const struct capture_file *file);
const char *capture_name(const struct capture_file *file);
/* The number of a kind of link that the file has and that is not read; 0: none. */
uint32_t capture_unknown_link(const struct capture_file *file);

#endif
