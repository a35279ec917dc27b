/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files in /run/netsim, which hold what the kernel cannot: read and written with care. */
#ifndef NETSIM_RUN_FILE_H
#define NETSIM_RUN_FILE_H

#include <stdbool.h>

#include "netsim/util/err.h"

/*
 * Opens a file without waiting for a FIFO's writer; *ret is -1 if there is no file. Fails with
 * err if it is not a regular file, or could have been written by others than this user or root.
 */
int run_file_open(const char *path, int *ret, struct netsim_err *err);
/* The same, and reads all of it; *ret_exists is whether there is a file. */
struct buf;
int run_file_read(const char *path, struct buf *ret, bool *ret_exists, struct netsim_err *err);
/* Creates and writes a file; removes an earlier one, left by a writer that was killed. */
int run_file_create(const char *path, const char *text);
/* Writes all of a text; returns 0 or a negative errno. */
int run_file_write(int fd, const char *text);
/* -EINVAL with err: "PATH why". */
int run_file_refuse(const char *path, const char *why, struct netsim_err *err);

#endif
