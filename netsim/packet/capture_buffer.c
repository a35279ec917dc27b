// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/packet/capture_buffer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "netsim/util/array.h"

bool capture_damaged(struct capture_file *file, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	file->broken = true;
	if (*file->problem.what)
		return false;
	file->problem.offset = offset;
	va_start(ap, fmt);
	vsnprintf(file->problem.what, sizeof(file->problem.what), fmt, ap);
	va_end(ap);
	return false;
}

bool capture_truncated(struct capture_file *file, uint64_t offset, const char *what, uint64_t size)
{
	uint64_t there = capture_offset(file) + (uint64_t)(file->end - file->at) - offset;

	if (!size)
		return capture_damaged(file, offset, "the file ends within %s", what);
	return capture_damaged(file, offset,
			       "the file ends within %s: %" PRIu64 " of %" PRIu64 " bytes", what,
			       there, size);
}

bool capture_count_unread(struct capture_file *file, uint32_t linktype, uint64_t offset)
{
	struct capture_unread *unread = NULL;

	for (size_t i = 0; i < file->unread_count && !unread; i++)
		if (file->unread[i].linktype == linktype)
			unread = &file->unread[i];
	if (!unread) {
		unread = array_push(file->unread, file->unread_count);
		if (!unread)
			return capture_damaged(file, offset, "out of memory");
		unread->linktype = linktype;
		unread->offset = offset;
	}
	unread->packets++;
	return true;
}

/* Moves the unread bytes to the front of the buffer, and grows it if needed. */
static bool make_room(struct capture_file *file, size_t bytes)
{
	size_t left = (size_t)(file->end - file->at);

	if (bytes > file->room) {
		size_t room = bytes + CAPTURE_BUFFER_SIZE;
		uint8_t *buffer = malloc(room);

		if (!buffer)
			return capture_damaged(file, capture_offset(file), "out of memory");
		memcpy(buffer, file->at, left);
		free(file->buffer);
		file->buffer = buffer;
		file->room = room;
	} else {
		memmove(file->buffer, file->at, left);
	}
	file->at = file->buffer;
	file->end = file->buffer + left;
	return true;
}

bool capture_fill(struct capture_file *file, size_t bytes)
{
	if (file->ended || file->fd < 0 || !make_room(file, bytes))
		return false;
	while ((size_t)(file->end - file->at) < bytes) {
		size_t used = (size_t)(file->end - file->buffer);
		ssize_t got = read(file->fd, file->buffer + used, file->room - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			capture_damaged(file, file->offset, "cannot be read: %s", strerror(errno));
		if (got <= 0) {
			file->ended = true;
			return false;
		}
		file->end += got;
		file->offset += (uint64_t)got;
	}
	return true;
}
