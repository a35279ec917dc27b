/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by block_device.c (connections that are made again), block_nbd.c, block_iscsi.c,
 * block_file.c and block_io.c (requests under way).
 */
#ifndef NETSIM_RUN_BLOCK_PARTS_H
#define NETSIM_RUN_BLOCK_PARTS_H

#include "netsim/run/block_device.h"

/* How a kind of device is used; handle is what connect returned. */
struct block_kind {
	const char *scheme; /* "nbd://" */
	/* Loads libraries and checks the URL. */
	int (*prepare)(const char *url, struct netsim_err *err);
	/* Begins to connect. NULL: why says the reason. */
	void *(*connect)(struct block_device *device, const char *url);
	bool (*is_ready)(void *handle);
	/* False: why says the reason, and nothing was sent. */
	bool (*start)(void *handle, struct block_io *io);
	void (*poll)(void *handle, struct pollfd *ret);
	/* False: the connection has ended, why says the reason. */
	bool (*serve)(void *handle, short revents);
	void (*close)(void *handle);
};

struct block_device {
	const struct block_kind *kind;
	char *url;
	void *handle;  /* NULL: not connected */
	int64_t begun; /* when it began to connect; 0: it has been ready */
	int64_t retry; /* when to connect again */
	bool broken;   /* it took no request: to be disconnected */
	struct block_io *ios;
	char why[200];
};

extern const struct block_kind block_nbd, block_iscsi, block_file;

/* Ends a request, once. why: NULL if it succeeded. */
void block_io_end(struct block_io *io, const char *why);

/* Keeps the reason of a failure. */
void block_device_fail(struct block_device *device, const char *why);

#endif
