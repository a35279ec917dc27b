// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/run/block_parts.h"

#include <stdlib.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define RETRY_NS 200000000  /* before the next attempt to connect */
#define TICK_NS	 100000000  /* libraries have timers of their own */
#define TRY_NS	 2000000000 /* for one attempt: behind a cut the next one may be faster */

static int64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static const struct block_kind *kind_of(const char *url)
{
	static const struct block_kind *const kinds[] = {&block_nbd, &block_iscsi, &block_file};
	size_t i = 0;

	while (strncmp(url, kinds[i]->scheme, strlen(kinds[i]->scheme)) != 0 &&
	       i + 1 < ARRAY_SIZE(kinds))
		i++;
	return kinds[i];
}

static void connect_again(struct block_device *device)
{
	device->begun = now();
	device->handle = device->kind->connect(device, device->url);
	device->retry = now() + RETRY_NS;
}

/* Ends the connection, and what was under way. */
static void disconnect(struct block_device *device)
{
	char why[sizeof(device->why)];

	memcpy(why, device->why, sizeof(why));
	if (device->handle)
		device->kind->close(device->handle);
	device->handle = NULL;
	device->broken = false;
	device->retry = now() + RETRY_NS;
	while (device->ios)
		block_io_end(device->ios, why);
}

int block_device_open(const char *url, struct block_device **ret, struct netsim_err *err)
{
	struct block_device *device = calloc(1, sizeof(*device));
	int r;

	if (device)
		device->url = strdup(url);
	if (!device || !device->url) {
		free(device);
		return err_oom(err);
	}
	device->kind = kind_of(url);
	r = device->kind->prepare(url, err);
	if (r < 0) {
		free(device->url);
		free(device);
		return r;
	}
	*ret = device;
	return 0;
}

void block_device_close(struct block_device *device)
{
	if (!device)
		return;
	block_device_fail(device, "the ledger ended");
	disconnect(device);
	free(device->url);
	free(device);
}

bool block_device_is_ready(const struct block_device *device)
{
	return device->handle && !device->broken && device->kind->is_ready(device->handle);
}

const char *block_device_why(const struct block_device *device)
{
	return device->why;
}

void block_device_start(struct block_device *device, struct block_io *io)
{
	io->device = device;
	io->next = device->ios;
	io->busy = true;
	io->tries = 0;
	device->ios = io;
	if (device->kind->start(device->handle, io))
		return;
	device->broken = true;
	block_io_end(io, device->why);
}

int64_t block_device_poll(struct block_device *device, struct pollfd *ret)
{
	*ret = (struct pollfd) {.fd = -1};
	if (!device->handle)
		return device->retry;
	if (device->broken)
		return now();
	device->kind->poll(device->handle, ret);
	return now() + TICK_NS;
}

void block_device_serve(struct block_device *device, short revents)
{
	bool good = true;

	if (!device->handle) {
		if (now() >= device->retry)
			connect_again(device);
		return;
	}
	good = !device->broken && device->kind->serve(device->handle, revents);
	if (good && device->kind->is_ready(device->handle))
		device->begun = 0;
	if (good && device->begun && now() > device->begun + TRY_NS) {
		block_device_fail(device, "no connection within 2 s");
		good = false;
	}
	if (!good)
		disconnect(device);
}
