/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/run_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

#define SIZE_LIMIT (1 << 30) /* bytes: more was not written by netsim */

int run_file_refuse(const char *path, const char *why, struct netsim_err *err)
{
	err_set(err, NETSIM_ERR_KERNEL, -EINVAL, NULL, "%s %s", path, why);
	err_hint(err, "remove it: it only records the profile and the faults of a fleet");
	return -EINVAL;
}

int run_file_open(const char *path, int *ret, struct netsim_err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	*ret = -1;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		return run_file_refuse(path, "is not a regular file", err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, -errno, NULL, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return run_file_refuse(path, "is not a regular file", err);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return run_file_refuse(path, "belongs to another user", err);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return run_file_refuse(path, "can be written by other users", err);
	*ret = take_fd(&fd);
	return 0;
}

int run_file_read(const char *path, struct buf *ret, bool *ret_exists, struct netsim_err *err)
{
	auto_close int fd = -1;
	int r = run_file_open(path, &fd, err);

	*ret_exists = r == 0 && fd >= 0;
	if (!*ret_exists)
		return r;
	r = buf_read(ret, fd, SIZE_LIMIT);
	return r < 0 ? err_errno(err, r, NULL, "cannot read %s", path) : 0;
}

int run_file_write(int fd, const char *text)
{
	for (size_t left = strlen(text); left;) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int run_file_create(const char *path, const char *text)
{
	auto_close int fd = -1;
	int r;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	r = fd < 0 ? -errno : run_file_write(fd, text);
	if (r < 0 && fd >= 0)
		unlink(path);
	return r;
}
