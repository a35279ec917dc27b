/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growing text. It remembers that memory ran out, so that only the end needs a
 * check.
 */
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

/* Hands the text over ("" if nothing was added), NULL when memory ran out. */
char *buf_take(struct buf *buf);
void buf_done(struct buf *buf);

#define auto_buf autofn(buf_done)

#endif
