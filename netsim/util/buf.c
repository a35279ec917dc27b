// SPDX-License-Identifier: GPL-2.0-or-later
/* Growing text. */
#include "netsim/util/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_CHUNK 4096

/* Makes room for len more bytes and the terminator. */
static bool buf_room(struct buf *buf, size_t len)
{
	size_t need, size = buf->size ? buf->size : 64;

	if (buf->failed || __builtin_add_overflow(buf->len + 1, len, &need) ||
	    need > SIZE_MAX / 2) {
		buf->failed = true;
		return false;
	}
	if (need <= buf->size)
		return true;
	while (size < need)
		size *= 2;
	char *data = realloc(buf->data, size);

	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->size = size;
	return true;
}

void buf_add(struct buf *buf, const char *text, size_t len)
{
	if (!buf_room(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, text, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_puts(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);

	if (len < 0)
		buf->failed = true;
	else if (buf_room(buf, (size_t)len)) {
		vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
		buf->len += (size_t)len;
	}
	va_end(again);
	va_end(ap);
}

int buf_read(struct buf *buf, int fd, size_t most)
{
	char chunk[READ_CHUNK];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_add(buf, chunk, (size_t)n);
		if (buf->failed)
			return -ENOMEM;
		if (buf->len > most)
			return -EFBIG;
	}
	return 0;
}

char *buf_take(struct buf *buf)
{
	char *data;

	buf_add(buf, "", 0);
	data = buf->failed ? NULL : take(buf->data);
	buf_done(buf);
	return data;
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf) {0};
}
