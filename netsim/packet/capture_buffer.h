/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the readers of both formats: the buffer, and the state of a file. */
#ifndef NETSIM_CAPTURE_PARTS_H
#define NETSIM_CAPTURE_PARTS_H

#include <string.h>

#include "netsim/packet/capture_file.h"
#include "netsim/packet/capture_names.h"

/* An interface of a pcapng file, or the only one of a pcap file. */
struct capture_interface {
	uint32_t linktype, snap;
	enum packet_link link;
	uint16_t view;
	char name[CAPTURE_NAME_MAX + 1];
	size_t drops; /* index + 1 in the file's drops; 0: none */
	/* ns = units * multiply / divide, or units * 10^9 / 2^shift */
	uint64_t multiply, divide;
	uint8_t shift;
	int64_t offset_ns;
};

struct capture_file {
	char *name;
	int fd;		 /* -1: everything is in memory */
	uint8_t *buffer; /* NULL: "at" points to memory of the caller */
	size_t room;
	const uint8_t *at, *end; /* unread bytes of the buffer */
	uint64_t offset;	 /* offset of "end" in the file */
	bool ended;		 /* end of file reached: nothing follows "end" */
	bool broken;		 /* reading stopped at an error */

	bool swapped;
	struct capture_interface *interfaces;
	size_t interface_count;
	int64_t last_ns;
	struct capture_names *names; /* NULL: names are ignored; borrowed */
	bool (*next)(struct capture_file *, struct capture_packet *);

	bool lengths_swapped;	    /* pcap before version 2.3 */
	bool lengths_maybe_swapped; /* version 2.3 */
	struct capture_unread *unread;
	size_t unread_count;
	struct capture_drops *drops;
	size_t drop_count;
	struct capture_problem problem;
};

/* Fits into the L2 cache, and is large enough to make system calls negligible. */
#define CAPTURE_BUFFER_SIZE (256U << 10)

/* Reads until this many bytes are unread; false at the end of the file or on an error. */
bool capture_fill(struct capture_file *file, size_t bytes);

/* True when this many bytes can be read at file->at. */
static inline bool capture_want(struct capture_file *file, size_t bytes)
{
	return (size_t)(file->end - file->at) >= bytes || capture_fill(file, bytes);
}

/* The offset of file->at in the file. */
static inline uint64_t capture_offset(const struct capture_file *file)
{
	return file->offset - (uint64_t)(file->end - file->at);
}

static inline uint32_t capture_32(const struct capture_file *file, const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return file->swapped ? __builtin_bswap32(value) : value;
}

static inline uint16_t capture_16(const struct capture_file *file, const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return file->swapped ? __builtin_bswap16(value) : value;
}

static inline uint64_t capture_64(const struct capture_file *file, const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return file->swapped ? __builtin_bswap64(value) : value;
}

/* Records a problem at offset (the first one wins) and stops reading; returns false. */
bool capture_damaged(struct capture_file *file, uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Counts a packet whose link type is not supported; false when out of memory. */
bool capture_count_unread(struct capture_file *file, uint32_t linktype, uint64_t offset);
/* Records that the file ends within the item that begins at offset; size 0: unknown. */
bool capture_truncated(struct capture_file *file, uint64_t offset, const char *what, uint64_t size);

#endif
