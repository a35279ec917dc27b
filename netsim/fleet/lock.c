/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netsim/util/auto.h"

#define PATH_TEXT 160

static void path_of(const char *fleet, const char *ending, char path[static PATH_TEXT])
{
	snprintf(path, PATH_TEXT, LOCK_DIR "/%s.%s", fleet, ending);
}

static int write_failed(const char *path, struct netsim_err *err)
{
	return err_errno(err, -errno, NULL, "cannot write %s", path);
}

int lock_make_dir(struct netsim_err *err)
{
	if (mkdir(LOCK_DIR, 0755) < 0 && errno != EEXIST)
		return write_failed(LOCK_DIR, err);
	return 0;
}

/* True if path still names the file behind fd: the previous holder may have removed it. */
static bool still_named(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

int lock_take(const char *fleet, int *ret_fd, struct netsim_err *err)
{
	char path[PATH_TEXT];
	int r = lock_make_dir(err);

	path_of(fleet, "lock", path);
	while (r == 0) {
		int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

		if (fd < 0 && errno == ENOENT && lock_make_dir(err) == 0)
			continue; /* the directory was removed with the last fleet */
		if (fd < 0)
			return write_failed(path, err);
		if (!is_file(fd)) {
			close(fd);
			return err_set(err, NETSIM_ERR_KERNEL, -EINVAL, NULL,
				       "%s is not a regular file", path);
		}
		while (flock(fd, LOCK_EX) < 0)
			if (errno != EINTR) {
				close(fd);
				return write_failed(path, err);
			}
		if (still_named(fd, path)) {
			*ret_fd = fd;
			return 0;
		}
		close(fd);
	}
	return r;
}

bool lock_wait(const char *fleet)
{
	char path[PATH_TEXT];
	auto_close int fd = -1;

	path_of(fleet, "lock", path);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || !is_file(fd) || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return false;
	(void)flock(fd, LOCK_SH);
	return true;
}

/* The process that wrote a run's file; 0 if it has not written it yet. */
static int runner(int fd)
{
	char pid[16] = "";
	ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[got > 0 ? got : 0] = '\0';
	return atoi(pid);
}

static int refuse_run(const char *fleet, int fd, struct netsim_err *err)
{
	int pid = runner(fd);

	err_set(err, NETSIM_ERR_KERNEL, -EBUSY, NULL,
		"a run of the fleet %s is in progress (process %d)", fleet, pid);
	if (pid)
		err_hint(err, "wait for it, or end it: kill -INT %d", pid);
	return -EBUSY;
}

int lock_begin_run(const char *fleet, int *ret_fd, struct netsim_err *err)
{
	char path[PATH_TEXT], pid[16];
	int r = lock_make_dir(err), length = snprintf(pid, sizeof(pid), "%d", getpid());

	path_of(fleet, "run", path);
	while (r == 0) {
		auto_close int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0 && errno == ENOENT && lock_make_dir(err) == 0)
			continue;
		if (fd < 0)
			return write_failed(path, err);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? refuse_run(fleet, fd, err) :
						      write_failed(path, err);
		if (!still_named(fd, path))
			continue;
		if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)length, 0) != length)
			return write_failed(path, err);
		*ret_fd = take_fd(&fd);
		return 0;
	}
	return r;
}

void lock_end_run(const char *fleet, int fd)
{
	char path[PATH_TEXT];

	path_of(fleet, "run", path);
	unlink(path);
	close(fd);
	rmdir(LOCK_DIR);
}

int lock_check_run(const char *fleet, struct netsim_err *err)
{
	char path[PATH_TEXT];
	auto_close int fd = -1;

	path_of(fleet, "run", path);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || !is_file(fd) || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	return runner(fd) == getpid() ? 0 : refuse_run(fleet, fd, err);
}

/* Removes the file of a run that was killed. */
static void remove_stale_run(const char *fleet)
{
	char path[PATH_TEXT];
	auto_close int fd = -1;

	path_of(fleet, "run", path);
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlink(path);
}

void lock_remove(const char *fleet)
{
	char path[PATH_TEXT];

	remove_stale_run(fleet);
	path_of(fleet, "lock", path);
	unlink(path);
	rmdir(LOCK_DIR); /* fails, as intended, while another fleet has files in it */
}
