/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "netsim/kernel/mark.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

#define PATH_TEXT 320

static int refused(struct netsim_err *err, const char *what, const char *name)
{
	return err_errno(err, -errno, NULL, "%s%s%s", what, *name ? " " : "", name);
}

static void path_of(const char *name, char path[static PATH_TEXT])
{
	snprintf(path, PATH_TEXT, "%s/%s", NETNS_DIR, name);
}

int netns_open_own(int *ret_fd, struct netsim_err *err)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return refused(err, "cannot open /proc/self/ns/net", "");
	*ret_fd = fd;
	return 0;
}

int netns_own_id(uint64_t *ret, struct netsim_err *err)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st) < 0)
		return refused(err, "cannot stat /proc/self/ns/net", "");
	*ret = st.st_ino;
	return 0;
}

static int return_to(int own_fd, int r, struct netsim_err *err)
{
	if (setns(own_fd, CLONE_NEWNET) == 0)
		return r;
	refused(err, "cannot return to the original network namespace", "");
	_exit(70); /* all further work would happen in the wrong namespace */
}

int netns_within(int own_fd, int fd, int (*fn)(void *arg, struct netsim_err *err), void *arg,
		 struct netsim_err *err)
{
	if (setns(fd, CLONE_NEWNET) < 0)
		return refused(err, "cannot enter a network namespace", "");
	return return_to(own_fd, fn(arg, err), err);
}

int netns_become_new(int *ret_fd, struct netsim_err *err)
{
	if (unshare(CLONE_NEWNET) < 0) {
		int r = refused(err, "cannot create a network namespace", "");

		if (r == -ENOSPC)
			err_hint(err, "raise the limit: sysctl user.max_net_namespaces");
		return r;
	}
	*ret_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? refused(err, "cannot open a new network namespace", "") : 0;
}

int netns_prepare(struct netsim_err *err)
{
	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return refused(err, "cannot create", NETNS_DIR);
	if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	if (errno == EINVAL && mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) == 0 &&
	    mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	return refused(err, "cannot share", NETNS_DIR);
}

/* Creates the file unnamed and links it once it contains the mark, so it is never empty. */
static int make_file(const char *path, const char *mark, struct netsim_err *err)
{
	auto_close int fd = open(NETNS_DIR, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444);
	char self[64];

	if (fd < 0)
		return refused(err, "cannot create a file in", NETNS_DIR);
	if (write(fd, mark, strlen(mark)) != (ssize_t)strlen(mark))
		return refused(err, "cannot write", path);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
		return refused(err, "cannot create", path);
	return 0;
}

int netns_publish(int fd, const char *name, const char *mark, struct netsim_err *err)
{
	char path[PATH_TEXT], source[64];
	bool stale;
	int r = netns_is_stale(name, MARK_PREFIX, &stale, err);

	path_of(name, path);
	if (r == 0 && stale)
		r = netns_remove(name, err);
	if (r == 0)
		r = make_file(path, mark, err);
	if (r < 0)
		return r;
	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	if (mount(source, path, "none", MS_BIND, NULL) < 0) {
		r = refused(err, "cannot mount a namespace on", path);
		unlink(path);
		return r;
	}
	return 0;
}

int netns_remove(const char *name, struct netsim_err *err)
{
	char path[PATH_TEXT];

	path_of(name, path);
	while (umount2(path, MNT_DETACH) == 0)
		;
	if (errno != EINVAL && errno != ENOENT)
		return refused(err, "cannot unmount", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return refused(err, "cannot remove", path);
	return 0;
}

/*
 * Opens a name, without waiting for the writer of a FIFO or following a link. *ret_fd is -1 if
 * the name does not exist, or is a link or socket; *ret_is is whether a namespace is mounted on it.
 */
static int open_name(const char *name, int *ret_fd, bool *ret_is, struct netsim_err *err)
{
	struct statfs fs = {0};
	char path[PATH_TEXT];
	int fd;

	path_of(name, path);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	/* A link or a socket is no namespace. */
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENXIO)
		return refused(err, "cannot open", path);
	if (fd >= 0 && fstatfs(fd, &fs) < 0) {
		int r = refused(err, "cannot stat", path);

		close(fd);
		return r;
	}
	*ret_is = fd >= 0 && fs.f_type == NSFS_MAGIC;
	*ret_fd = fd;
	return 0;
}

int netns_open(const char *name, int *ret_fd, struct netsim_err *err)
{
	auto_close int fd = -1;
	bool is;
	int r = open_name(name, &fd, &is, err);

	if (r < 0)
		return r;
	if (!is)
		return -ENOENT;
	*ret_fd = take_fd(&fd);
	return 0;
}

int netns_is_stale(const char *name, const char *mark_prefix, bool *ret, struct netsim_err *err)
{
	auto_close int fd = -1;
	char text[512];
	ssize_t got = 0;
	bool is;
	int r = open_name(name, &fd, &is, err);

	if (r < 0)
		return r;
	if (fd >= 0 && !is)
		got = read(fd, text, sizeof(text) - 1);
	if (got < 0 && errno != EISDIR)
		return refused(err, "cannot read the namespace", name);
	text[got > 0 ? got : 0] = 0;
	*ret = strncmp(text, mark_prefix, strlen(mark_prefix)) == 0;
	return 0;
}

int netns_exists(const char *name, bool *ret, struct netsim_err *err)
{
	char path[PATH_TEXT];

	path_of(name, path);
	*ret = faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	return *ret || errno == ENOENT || errno == ENOTDIR ? 0 : refused(err, "cannot find", path);
}

int netns_list(const char *prefix, char ***ret, size_t *ret_count, struct netsim_err *err)
{
	DIR *dir = opendir(NETNS_DIR);
	char **names = NULL;
	size_t count = 0;
	int r = 0;

	if (!dir && errno != ENOENT)
		return refused(err, "cannot read", NETNS_DIR);
	for (struct dirent *e; r == 0 && dir && (e = readdir(dir));) {
		char **slot;

		if (*e->d_name == '.' || strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		slot = array_push(names, count);
		if (slot)
			*slot = strdup(e->d_name);
		if (!slot || !*slot)
			r = err_oom(err);
	}
	if (dir)
		closedir(dir);
	if (r < 0) {
		for (size_t i = 0; i < count; i++)
			free(names[i]);
		free(names);
		return r;
	}
	*ret = names;
	*ret_count = count;
	return 0;
}

/* Mounts the files of /etc/netns/NAME over those of /etc, as ip-netns(8) does. */
static void bind_etc(const char *name)
{
	char folder[PATH_TEXT], from[PATH_TEXT * 2], to[PATH_TEXT];
	DIR *dir;

	snprintf(folder, sizeof(folder), "/etc/netns/%s", name);
	dir = opendir(folder);
	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		if (*e->d_name == '.')
			continue;
		snprintf(from, sizeof(from), "%s/%s", folder, e->d_name);
		snprintf(to, sizeof(to), "/etc/%s", e->d_name);
		(void)mount(from, to, "none", MS_BIND, NULL);
	}
	closedir(dir);
}

int netns_enter(const char *name, struct netsim_err *err)
{
	auto_close int fd = -1;
	struct statfs fs;
	unsigned long flags = 0;
	int r = netns_open(name, &fd, err);

	if (r == -ENOENT)
		return err_set(err, NETSIM_ERR_KERNEL, r, NULL, "there is no network namespace %s",
			       name);
	if (r < 0)
		return r;
	if (setns(fd, CLONE_NEWNET) < 0)
		return refused(err, "cannot enter", name);
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "none", MS_SLAVE | MS_REC, NULL) < 0)
		return refused(err, "cannot create a mount namespace", "");
	if (statfs("/sys", &fs) == 0 && (fs.f_flags & ST_RDONLY))
		flags = MS_RDONLY;
	(void)umount2("/sys", MNT_DETACH);
	if (mount(name, "/sys", "sysfs", flags, NULL) < 0)
		return refused(err, "cannot mount", "/sys");
	bind_etc(name);
	return 0;
}
