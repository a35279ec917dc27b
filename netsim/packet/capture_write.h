/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes capture files: pcapng, with the names of addresses, and with ports as interfaces; or, for
 * a single port, pcap. Times are in nanoseconds in both. The file is readable up to its last
 * complete packet at any time; if a write fails, the file is cut back to it.
 */
#ifndef NETSIM_CAPTURE_WRITE_H
#define NETSIM_CAPTURE_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

struct capture_writer;

/* The header of a file; not referenced after capture_write_begin(). */
struct capture_writing {
	const char *const *ports; /* "n100-1/eth1"; packets refer to them by index */
	size_t port_count;	  /* 1 for pcap */
	const struct address_name {
		struct ip ip;
		const char *name;
	} * names;
	size_t name_count;
	const char *filter; /* text for the interface blocks, or NULL */
	uint32_t snap;	    /* 0: whole packets */
	/*
	 * Polled while the reader of a pipe does not read: true if the capture has ended;
	 * another second later the write fails with -ETIMEDOUT. NULL: never.
	 */
	bool (*ended)(void *arg);
	void *arg;
};

struct capture_written {
	int64_t time_ns; /* since 1970, not negative */
	const uint8_t *data;
	uint32_t captured, length;
	size_t port;
	bool sent; /* by the node: inbound as the host sees the port; else outbound */
};

/* The counters of a port. */
struct capture_totals {
	uint64_t received, dropped;
};

/* True if the name ends in .pcap. */
bool capture_write_is_pcap(const char *path);

/* Creates the file, or opens an existing one without changing it; "-" is standard output. */
int capture_write_open(const char *path, struct capture_writer **ret, struct netsim_err *err);
/*
 * Truncates the file and writes its header. Until then, closing leaves everything as it was
 * before opening.
 */
int capture_write_begin(struct capture_writer *writer, const struct capture_writing *what,
			struct netsim_err *err);
/*
 * Buffers a packet. After an error, only closing is allowed. -EPIPE: the reader of a pipe
 * went away.
 */
int capture_write_add(struct capture_writer *writer, const struct capture_written *packet,
		      struct netsim_err *err);
/* Writes the buffer to the kernel. */
int capture_write_flush(struct capture_writer *writer, struct netsim_err *err);
/* Size of the file in bytes, including the buffer. */
uint64_t capture_write_size(const struct capture_writer *writer);
/*
 * Flushes, closes and frees the writer, also on an error. totals: one per port, as of
 * time_ns, or NULL.
 */
int capture_write_close(struct capture_writer *writer, const struct capture_totals *totals,
			int64_t time_ns, struct netsim_err *err);

#endif
