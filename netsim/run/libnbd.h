/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of libnbd that netsim calls, loaded by the first block ledger on an NBD export.
 * They are declared here, so that building needs no libnbd; its soname stands for them.
 */
#ifndef NETSIM_RUN_LIBNBD_H
#define NETSIM_RUN_LIBNBD_H

#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"

struct nbd_handle;

/* Called once with the error; 1: the command is done with. */
struct nbd_completion {
	int (*callback)(void *arg, int *error);
	void *arg;
	void (*free)(void *arg);
};

enum { NBD_READS = 1, NBD_WRITES = 2 }; /* nbd_aio_get_direction() */

/* clang-format off */
#define LIBNBD_FUNCTIONS(F)                                                                    \
	F(int, nbd_aio_connect_uri, (struct nbd_handle *, const char *))                       \
	F(unsigned, nbd_aio_get_direction, (struct nbd_handle *))                              \
	F(int, nbd_aio_get_fd, (struct nbd_handle *))                                          \
	F(int, nbd_aio_is_closed, (struct nbd_handle *))                                       \
	F(int, nbd_aio_is_connecting, (struct nbd_handle *))                                   \
	F(int, nbd_aio_is_dead, (struct nbd_handle *))                                         \
	F(int, nbd_aio_notify_read, (struct nbd_handle *))                                     \
	F(int, nbd_aio_notify_write, (struct nbd_handle *))                                    \
	F(int64_t, nbd_aio_pread, (struct nbd_handle *, void *, size_t, uint64_t,              \
				   struct nbd_completion, uint32_t))                           \
	F(int64_t, nbd_aio_pwrite, (struct nbd_handle *, const void *, size_t, uint64_t,       \
				    struct nbd_completion, uint32_t))                          \
	F(void, nbd_close, (struct nbd_handle *))                                              \
	F(struct nbd_handle *, nbd_create, (void))                                             \
	F(const char *, nbd_get_error, (void))
/* clang-format on */

#define LIBNBD_POINTER(result, name, parameters) result(*name) parameters;
struct libnbd {
	LIBNBD_FUNCTIONS(LIBNBD_POINTER)
};
#undef LIBNBD_POINTER

/* Valid after libnbd_load(). */
extern struct libnbd libnbd;

/* Loads libnbd, once. Returns 0 or a negative errno with err filled. */
int libnbd_load(struct netsim_err *err);

#endif
