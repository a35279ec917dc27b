/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block device that is written and read without waiting: an export of an NBD server
 * (nbd://HOST[:PORT][/EXPORT], by libnbd), a unit of an iSCSI target
 * (iscsi://HOST[:PORT]/TARGET/UNIT, by libiscsi), or a file or device of this machine (a path).
 * libnbd and libiscsi are loaded when they are first needed.
 *
 * It belongs to one thread, which polls its descriptor. A connection that was lost is made again;
 * libiscsi then repeats its requests, as a kernel's initiator does, and those to NBD fail. Pings
 * (NOPs) are not sent: a cut lasts until TCP has sent again.
 */
#ifndef NETSIM_RUN_BLOCK_DEVICE_H
#define NETSIM_RUN_BLOCK_DEVICE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"

/* A request; it and its data belong to the device until done is called. */
struct block_io {
	bool write;
	uint64_t offset; /* bytes, a multiple of 4096, as is size */
	void *data;	 /* aligned to 4096 */
	size_t size;
	/* why: NULL if it succeeded; otherwise valid during the call. It must begin no request. */
	void (*done)(struct block_io *io, const char *why);
	void *arg;
	/* the device's */
	struct block_device *device;
	struct block_io *next;
	bool busy;
	void *request; /* iSCSI: its session */
	unsigned tries;
};

struct block_device;

/*
 * Loads what the device needs; the first block_device_serve() begins to connect, from the network
 * namespace of its thread. The caller closes *ret.
 */
int block_device_open(const char *url, struct block_device **ret, struct netsim_err *err);
/* Ends what is under way: done is called for each request. */
void block_device_close(struct block_device *device);

bool block_device_is_ready(const struct block_device *device);
/* The reason why it is not ready, or "". */
const char *block_device_why(const struct block_device *device);

/* Begins a request on a device that is ready; done may be called before this returns. */
void block_device_start(struct block_device *device, struct block_io *io);

/* What to wait for, and until when at most (CLOCK_MONOTONIC, ns); then call serve. */
int64_t block_device_poll(struct block_device *device, struct pollfd *ret);
void block_device_serve(struct block_device *device, short revents);

#endif
