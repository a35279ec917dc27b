// SPDX-License-Identifier: GPL-2.0-or-later
/* Block devices of NBD servers. */
#include <stdlib.h>
#include <string.h>

#include "netsim/run/block_parts.h"
#include "netsim/run/libnbd.h"

struct connection {
	struct block_device *device;
	struct nbd_handle *nbd;
	bool ready;
};

static int prepare(const char *url, struct netsim_err *err)
{
	(void)url;
	return libnbd_load(err);
}

static void fail(const struct connection *c)
{
	block_device_fail(c->device, libnbd.nbd_get_error());
}

static void close_connection(void *handle)
{
	struct connection *c = handle;

	libnbd.nbd_close(c->nbd);
	free(c);
}

static void *connect_to(struct block_device *device, const char *url)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->device = device;
	c->nbd = libnbd.nbd_create();
	if (c->nbd && libnbd.nbd_aio_connect_uri(c->nbd, url) == 0)
		return c;
	fail(c);
	close_connection(c);
	return NULL;
}

static bool is_ready(void *handle)
{
	const struct connection *c = handle;

	return c->ready;
}

static int on_done(void *arg, int *error)
{
	block_io_end(arg, *error ? strerror(*error) : NULL);
	return 1;
}

static bool start(void *handle, struct block_io *io)
{
	const struct connection *c = handle;
	const struct nbd_completion done = {.callback = on_done, .arg = io};
	int64_t cookie =
		io->write ? libnbd.nbd_aio_pwrite(c->nbd, io->data, io->size, io->offset, done, 0) :
			    libnbd.nbd_aio_pread(c->nbd, io->data, io->size, io->offset, done, 0);

	if (cookie < 0)
		fail(c);
	return cookie >= 0;
}

static void poll_for(void *handle, struct pollfd *ret)
{
	const struct connection *c = handle;
	unsigned direction = libnbd.nbd_aio_get_direction(c->nbd);

	ret->fd = libnbd.nbd_aio_get_fd(c->nbd);
	ret->events = (short)((direction & NBD_READS ? POLLIN : 0) |
			      (direction & NBD_WRITES ? POLLOUT : 0));
}

/* An error of the socket is found by whichever call the connection waits for. */
static bool serve(void *handle, short revents)
{
	struct connection *c = handle;
	unsigned direction = libnbd.nbd_aio_get_direction(c->nbd);
	bool failed = revents & (POLLERR | POLLHUP);
	int r = 0;

	if (direction & NBD_READS && (revents & POLLIN || failed))
		r = libnbd.nbd_aio_notify_read(c->nbd);
	else if (direction & NBD_WRITES && (revents & POLLOUT || failed))
		r = libnbd.nbd_aio_notify_write(c->nbd);
	if (r < 0)
		fail(c);
	else if (libnbd.nbd_aio_is_closed(c->nbd) > 0)
		block_device_fail(c->device, "the server closed the connection");
	if (r < 0 || libnbd.nbd_aio_is_dead(c->nbd) > 0 || libnbd.nbd_aio_is_closed(c->nbd) > 0)
		return false;
	c->ready = libnbd.nbd_aio_is_connecting(c->nbd) == 0;
	return true;
}

const struct block_kind block_nbd = {.scheme = "nbd://",
				     .prepare = prepare,
				     .connect = connect_to,
				     .is_ready = is_ready,
				     .start = start,
				     .poll = poll_for,
				     .serve = serve,
				     .close = close_connection};
