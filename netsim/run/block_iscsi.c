// SPDX-License-Identifier: GPL-2.0-or-later
/* Block devices of iSCSI targets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/run/block_parts.h"
#include "netsim/run/libiscsi.h"
#include "netsim/util/auto.h"

#define INITIATOR "iqn.2026-01.local.netsim:block-ledger"
#define TRIES	  5 /* a target refuses the first command after a reset, without doing it */

/* The parts of iscsi://PORTAL/TARGET/UNIT. */
struct address {
	char portal[128], target[256];
	int unit;
};

struct session {
	struct block_device *device;
	struct iscsi_context *iscsi;
	int unit;
	uint32_t sector; /* bytes; 0: not known yet, and the device is not ready */
	bool failed;
};

static bool split_url(const char *url, struct address *ret)
{
	const char *portal = url + strlen("iscsi://"), *target, *unit;
	char *end;

	target = strchr(portal, '/');
	unit = strrchr(portal, '/');
	if (!target || unit == target || target == portal || unit == target + 1)
		return false;
	if ((size_t)(target - portal) >= sizeof(ret->portal) ||
	    (size_t)(unit - target) > sizeof(ret->target))
		return false;
	err_format(ret->portal, sizeof(ret->portal), "%.*s", (int)(target - portal), portal);
	err_format(ret->target, sizeof(ret->target), "%.*s", (int)(unit - target - 1), target + 1);
	ret->unit = (int)strtol(unit + 1, &end, 10);
	return unit[1] && !*end && ret->unit >= 0;
}

static int prepare(const char *url, struct netsim_err *err)
{
	struct address address;

	if (split_url(url, &address))
		return libiscsi_load(err);
	err_set(err, NETSIM_ERR_INPUT, -EINVAL, NULL, "\"%s\" is not the URL of an iSCSI unit",
		url);
	err_hint(err, "write iscsi://ADDRESS:3260/TARGET/1");
	return -EINVAL;
}

static void fail(struct session *s)
{
	block_device_fail(s->device, libiscsi.iscsi_get_error(s->iscsi));
	s->failed = true;
}

static void close_session(void *handle)
{
	struct session *s = handle;

	if (s->iscsi)
		libiscsi.iscsi_destroy_context(s->iscsi);
	free(s);
}

static void on_capacity(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct session *s = arg;
	const struct iscsi_capacity *capacity =
		status == ISCSI_GOOD ? libiscsi.scsi_datain_unmarshall(data) : NULL;

	(void)iscsi;
	if (capacity && capacity->sector)
		s->sector = capacity->sector;
	else if (status != ISCSI_CANCELED)
		fail(s);
	if (data)
		libiscsi.scsi_free_scsi_task(data);
}

static void on_login(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct session *s = arg;

	(void)data;
	if (status == ISCSI_CANCELED)
		return;
	if (status != ISCSI_GOOD ||
	    !libiscsi.iscsi_readcapacity16_task(iscsi, s->unit, on_capacity, s))
		fail(s);
}

static void *connect_to(struct block_device *device, const char *url)
{
	struct session *s = calloc(1, sizeof(*s));
	struct address address;

	if (!s || !split_url(url, &address)) {
		free(s);
		return NULL;
	}
	s->device = device;
	s->unit = address.unit;
	s->iscsi = libiscsi.iscsi_create_context(INITIATOR);
	if (s->iscsi && libiscsi.iscsi_set_targetname(s->iscsi, address.target) == 0 &&
	    libiscsi.iscsi_set_session_type(s->iscsi, ISCSI_NORMAL_SESSION) == 0 &&
	    libiscsi.iscsi_set_header_digest(s->iscsi, ISCSI_NO_DIGEST) == 0 &&
	    libiscsi.iscsi_full_connect_async(s->iscsi, address.portal, s->unit, on_login, s) == 0)
		return s;
	if (s->iscsi)
		fail(s);
	close_session(s);
	return NULL;
}

static bool is_ready(void *handle)
{
	const struct session *s = handle;

	return s->sector != 0;
}

static bool send_request(struct session *s, struct block_io *io);

static void on_done(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct block_io *io = arg;
	char why[200];

	if (data)
		libiscsi.scsi_free_scsi_task(data);
	if (status == ISCSI_CHECK && ++io->tries < TRIES && io->busy) {
		/* The session is the device's handle for as long as requests are under way. */
		struct session *s = io->request;

		if (send_request(s, io))
			return;
	}
	err_format(why, sizeof(why), "%s", libiscsi.iscsi_get_error(iscsi));
	block_io_end(io, status == ISCSI_GOOD ? NULL : why);
}

static bool send_request(struct session *s, struct block_io *io)
{
	uint64_t at = io->offset / s->sector;
	uint32_t size = (uint32_t)io->size;
	struct scsi_task *task;

	io->request = s;
	if (io->write) {
		task = libiscsi.iscsi_write16_task(s->iscsi, s->unit, at, io->data, size,
						   (int)s->sector, 0, 0, 0, 0, 0, on_done, io);
		return task != NULL;
	}
	task = libiscsi.iscsi_read16_task(s->iscsi, s->unit, at, size, (int)s->sector, 0, 0, 0, 0,
					  0, on_done, io);
	return task && libiscsi.scsi_task_add_data_in_buffer(task, (int)size, io->data) == 0;
}

static bool start(void *handle, struct block_io *io)
{
	struct session *s = handle;

	if (send_request(s, io))
		return true;
	fail(s);
	return false;
}

static void poll_for(void *handle, struct pollfd *ret)
{
	const struct session *s = handle;

	ret->events = (short)libiscsi.iscsi_which_events(s->iscsi);
	ret->fd = ret->events ? libiscsi.iscsi_get_fd(s->iscsi) : -1;
}

/* Without events, too: libiscsi has timers, and connects again. */
static bool serve(void *handle, short revents)
{
	struct session *s = handle;

	if (libiscsi.iscsi_service(s->iscsi, revents) < 0)
		fail(s);
	return !s->failed;
}

const struct block_kind block_iscsi = {.scheme = "iscsi://",
				       .prepare = prepare,
				       .connect = connect_to,
				       .is_ready = is_ready,
				       .start = start,
				       .poll = poll_for,
				       .serve = serve,
				       .close = close_session};
