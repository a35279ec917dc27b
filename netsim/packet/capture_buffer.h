/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two formats share: the buffer, and the state of a file. */
#ifndef NETSIM_CAPTURE_PARTS_H
#define NETSIM_CAPTURE_PARTS_H

#include <string.h>

#include "netsim/packet/capture_file.h"
#include "netsim/packet/capture_names.h"

/* An interface of pcapng, or the one of pcap. */
struct capture_interface {
	uint32_t linktype, snap;
	enum packet_link link;
	uint16_t view;
	/* ns = units * multiply / divide, or units * 10^9 / 2^shift */
	uint64_t multiply, divide;
	uint8_t shift;
	int64_t offset_ns;
};

struct capture_file {
	char *name;
	int fd;		 /* -1: all is in the buffer */
	uint8_t *buffer; /* NULL: "at" points to memory of the caller */
	size_t room;
	const uint8_t *at, *end; /* what is in the buffer and was not used */
	uint64_t offset;	 /* in the file, of end */
	bool ended;		 /* nothing comes after end */
	bool broken;		 /* nothing is read any more */

	bool swapped;
	struct capture_interface *interfaces;
	size_t interface_count;
	int64_t last_ns;
	struct capture_names *names; /* NULL: nobody asks */
	bool (*next)(struct capture_file *, struct capture_packet *);

	uint32_t unknown_link;
	struct capture_problem problem;
};

/* Fits the second level of cache, and is large enough to make system calls negligible. */
#define CAPTURE_BUFFER_SIZE (256U << 10)

/* Reads on until there are so many bytes, or the file ends. */
bool capture_fill(struct capture_file *file, size_t bytes);

/* True when so many bytes stand at file->at. */
static inline bool capture_want(struct capture_file *file, size_t bytes)
{
	return (size_t)(file->end - file->at) >= bytes || capture_fill(file, bytes);
}

/* The place of file->at. */
static inline uint64_t capture_place(const struct capture_file *file)
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

/* Remembers what is wrong at offset, and that nothing more is read; returns false. */
bool capture_damaged(struct capture_file *file, uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The end came within something that began at offset; size 0: unknown. */
bool capture_cut_off(struct capture_file *file, uint64_t offset, const char *what, uint64_t size);

#endif
