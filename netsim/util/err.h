/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors inside the library. By convention, a function returns a negative errno and fills
 * the caller's struct netsim_err. The function that knows the cause fills it and returns in
 * one statement; later fills are ignored, so that cleanup cannot overwrite the cause.
 */
#ifndef NETSIM_ERR_H
#define NETSIM_ERR_H

#include "netsim/netsim.h"

/*
 * Fills *err (may be NULL) unless it already holds a cause. loc may be NULL. Returns code,
 * which must be a negative errno.
 */
int err_set(struct netsim_err *err, enum netsim_err_kind kind, int code,
	    const struct netsim_loc *loc, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Prepends "context: " to the message; returns code. */
int err_wrap(struct netsim_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds a hint on how to fix it, unless there is one already. */
void err_hint(struct netsim_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The kind that a negative errno means: ENV for privilege and exhausted resources, else KERNEL. */
enum netsim_err_kind err_kind_of(int code);

/* Adds the remedy that fits a negative errno, if there is one and no hint yet. */
void err_hint_errno(struct netsim_err *err, int code);

/* Fills *err (may be NULL) with "text: strerror", kind and remedy of a negative errno; returns it.
 */
int err_errno(struct netsim_err *err, int code, const struct netsim_loc *loc, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Fills *err for "out of memory"; returns -ENOMEM. */
int err_oom(struct netsim_err *err);

/*
 * Adds an error of a file. Beyond NETSIM_DIAGS_MAX, the first ones by position are kept and
 * the rest are counted; duplicates are dropped. hint may be NULL. Always returns -EINVAL.
 */
int diag_add(struct netsim_diags *diags, const struct netsim_loc *loc, const char *hint,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Fills err with a failure to open or read a file; `what` is its text, such as "cannot open". The
 * kind is NETSIM_ERR_ENV if this process lacks memory or file descriptors, else NETSIM_ERR_INPUT.
 * Returns code.
 */
int err_file(struct netsim_err *err, int code, const struct netsim_loc *loc, const char *what);
/* Adds such a failure. Returns -EINVAL. */
int diag_errno(struct netsim_diags *diags, const struct netsim_loc *loc, int code,
	       const char *what);

/* Adds "out of memory", which is no error of a file. Returns -EINVAL. */
int diag_oom(struct netsim_diags *diags);

/* True for lack of memory or file descriptors, which a higher limit would avoid. */
bool err_is_lack(int code);

/* Adds a warning: the file remains valid. */
void diag_warn(struct netsim_diags *diags, const struct netsim_loc *loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* snprintf() that returns buf and truncates between characters. */
const char *err_format(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Makes text from a file safe for a message: one line, no control characters, at most 47
 * bytes. Usually called as shown("x"), whose storage lasts until the end of the enclosing
 * block.
 */
#define ERR_SHOWN 48
const char *err_shown(const char *text, char buf[static ERR_SHOWN]);
#define shown(text) err_shown((text), (char[ERR_SHOWN]) {0})

/* Formats a hint for diag_add(); the storage lasts until the end of the enclosing block. */
#define hint_f(...)                                                    \
	err_format((char[sizeof(((struct netsim_err *)0)->hint)]) {0}, \
		   sizeof(((struct netsim_err *)0)->hint), __VA_ARGS__)

/* Sorts by position in the file. */
void diags_sort(struct netsim_diags *diags);

/* Fills *err for a call that the caller's progress function stopped; returns -ECANCELED. */
int err_canceled(struct netsim_err *err);
/* Moves the first mistake of a file into err; returns -EINVAL. */
int err_first_mistake(const struct netsim_diags *diags, struct netsim_err *err);

#endif
