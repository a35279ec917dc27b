/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes capture files: pcapng, with the ports as interfaces and the names of addresses;
 * or, for a single port, pcap. Times are nanoseconds in both. What is in the file at any
 * time can be read up to its last whole packet; where writing fails, the file is cut back
 * to that.
 */
#ifndef NETSIM_CAPTURE_WRITE_H
#define NETSIM_CAPTURE_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

struct capture_writer;

/* What a file begins with; all of it may be forgotten after that. */
struct capture_writing {
	const char *const *ports; /* "n100-1/eth1"; a packet has the number of one of them */
	size_t port_count;	  /* 1 for pcap */
	const struct capture_name {
		struct ip ip;
		const char *name;
	} * names;
	size_t name_count;
	const char *filter; /* that was asked for, or NULL */
	uint32_t snap;	    /* 0: whole packets */
	/*
	 * Asked while the reader of a pipe takes nothing: whether that is to end, which is
	 * then an error (-ETIMEDOUT) after another second. NULL: never.
	 */
	bool (*ended)(void *arg);
	void *arg;
};

struct capture_written {
	int64_t time_ns; /* since 1970, not before */
	const uint8_t *data;
	uint32_t captured, length;
	size_t port;
	bool sent; /* by the node: inbound as the port's host sees it; else outbound */
};

/* What became of a port's packets. */
struct capture_totals {
	uint64_t received, dropped;
};

/* True for a name that ends in .pcap. */
bool capture_write_is_pcap(const char *path);

/* Makes the file, or opens it and leaves what is in it; "-" is standard output. */
int capture_write_open(const char *path, struct capture_writer **ret, struct netsim_err *err);
/* Empties it. Until then, closing leaves everything as it was before opening. */
int capture_write_begin(struct capture_writer *writer, const struct capture_writing *what,
			struct netsim_err *err);
/* After an error, only closing is of use. A reader of a pipe that went is -EPIPE. */
int capture_write_add(struct capture_writer *writer, const struct capture_written *packet,
		      struct netsim_err *err);
/* Hands everything to the kernel. */
int capture_write_flush(struct capture_writer *writer, struct netsim_err *err);
/* Bytes, with those that are not with the kernel yet. */
uint64_t capture_write_size(const struct capture_writer *writer);
/* totals: one for each port (at time_ns), or NULL. Frees it in any case. */
int capture_write_close(struct capture_writer *writer, const struct capture_totals *totals,
			int64_t time_ns, struct netsim_err *err);

#endif
