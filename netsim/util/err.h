/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors inside the library. The convention: a function returns a negative
 * errno and fills the struct netsim_err that the caller handed down. Whoever
 * first knows why fills it and returns in one statement; later fills are
 * ignored, so that cleaning up cannot overwrite the cause.
 */
#ifndef NETSIM_ERR_H
#define NETSIM_ERR_H

#include "netsim/netsim.h"

/*
 * Fills *err (which may be NULL) unless it already holds a cause. loc may be
 * NULL. Returns code, which must be a negative errno.
 */
int err_set(struct netsim_err *err, enum netsim_err_kind kind, int code,
	    const struct netsim_loc *loc, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Puts "context: " before what *err says; returns code. */
int err_wrap(struct netsim_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds what would be right, unless a hint is there already. */
void err_hint(struct netsim_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Out of memory; returns -ENOMEM. */
int err_oom(struct netsim_err *err);

/*
 * Collects one more mistake of a file. Of more than NETSIM_DIAGS_MAX the first
 * ones in the file are kept and the others counted; the same one twice is kept
 * once. hint may be NULL. Always returns -EINVAL.
 */
int diag_add(struct netsim_diags *diags, const struct netsim_loc *loc, const char *hint,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The same for a remark that leaves the file valid. */
void diag_warn(struct netsim_diags *diags, const struct netsim_loc *loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* snprintf() that returns buf and cuts between characters. */
const char *err_format(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A text from a file made fit for a message: one line, without control
 * characters, shortened to some forty bytes. shown("x") is its usual form; the
 * storage lasts as long as the block around it.
 */
#define ERR_SHOWN 48
const char *err_shown(const char *text, char buf[static ERR_SHOWN]);
#define shown(text) err_shown((text), (char[ERR_SHOWN]) {0})

/* A formatted hint for diag_add(), in storage that lasts as long as the block. */
#define hint_f(...)                                                    \
	err_format((char[sizeof(((struct netsim_err *)0)->hint)]) {0}, \
		   sizeof(((struct netsim_err *)0)->hint), __VA_ARGS__)

/* Sorts by place, as the reader of the file would meet them. */
void diags_sort(struct netsim_diags *diags);

/* Stopped by the caller's progress function; returns -ECANCELED. */
int err_canceled(struct netsim_err *err);
/* Moves the first mistake of a file into err; returns -EINVAL. */
int err_first_mistake(const struct netsim_diags *diags, struct netsim_err *err);

#endif
