/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing text. A failed allocation is remembered, so that one check at the end is enough. */
#ifndef NETSIM_BUF_H
#define NETSIM_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "netsim/util/auto.h"

struct buf {
	char *data; /* always terminated; NULL while empty */
	size_t len, size;
	bool failed;
};

void buf_add(struct buf *buf, const char *text, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Adds everything up to the end of a file. -EFBIG if buf becomes longer than most, -ENOMEM, or
 * the errno of read(2).
 */
int buf_read(struct buf *buf, int fd, size_t most);

/*
 * Returns the text ("" if empty), which the caller frees, and resets buf. NULL when memory
 * ran out.
 */
char *buf_take(struct buf *buf);
void buf_done(struct buf *buf);

#define auto_buf autofn(buf_done)

#endif
