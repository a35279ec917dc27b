// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests that are under way, and the reasons of failures. */
#include "netsim/run/block_parts.h"

void block_device_fail(struct block_device *device, const char *why)
{
	err_format(device->why, sizeof(device->why), "%s", why ? why : "unknown error");
}

void block_io_end(struct block_io *io, const char *why)
{
	struct block_io **at = &io->device->ios;

	if (!io->busy)
		return;
	while (*at != io)
		at = &(*at)->next;
	*at = io->next;
	io->busy = false;
	io->done(io, why);
}
