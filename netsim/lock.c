/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "netsim/auto.h"

#define DIR_RUN "/run/netsim"

#define PATH_TEXT 160

static void path_of(const char *fleet, const char *ending, char path[static PATH_TEXT])
{
	snprintf(path, PATH_TEXT, DIR_RUN "/%s.%s", fleet, ending);
}

static int refused(const char *path, struct netsim_err *err)
{
	int code = -errno;

	err_set(err, NETSIM_ERR_ENV, code, NULL, "cannot write %s: %s", path, strerror(-code));
	if (code == -EACCES || code == -EPERM)
		err_hint(err, "run netsim as root");
	return code;
}

static int make_dir(struct netsim_err *err)
{
	if (mkdir(DIR_RUN, 0755) < 0 && errno != EEXIST)
		return refused(DIR_RUN, err);
	return 0;
}

/* True while path still names the file behind fd: its last holder may have removed it. */
static bool still_there(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

int lock_take(const char *fleet, int *ret_fd, struct netsim_err *err)
{
	char path[PATH_TEXT];
	int r = make_dir(err);

	path_of(fleet, "lock", path);
	while (r == 0) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0 && errno == ENOENT && make_dir(err) == 0)
			continue; /* the folder went with the last fleet */
		if (fd < 0)
			return refused(path, err);
		while (flock(fd, LOCK_EX) < 0)
			if (errno != EINTR) {
				close(fd);
				return refused(path, err);
			}
		if (still_there(fd, path)) {
			*ret_fd = fd;
			return 0;
		}
		close(fd);
	}
	return r;
}

void lock_remove(const char *fleet)
{
	char path[PATH_TEXT];

	path_of(fleet, "lock", path);
	unlink(path);
	rmdir(DIR_RUN); /* fails, as it should, while another fleet has files in it */
}

static void copy_member(const json_t *root, const char *key, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(root, key));

	if (text && strlen(text) < size)
		strcpy(ret, text);
}

void label_read(const char *fleet, struct label *ret)
{
	char path[PATH_TEXT];
	json_t *root;

	*ret = (struct label) {0};
	path_of(fleet, "json", path);
	root = json_load_file(path, 0, NULL);
	copy_member(root, "profile", ret->profile, sizeof(ret->profile));
	copy_member(root, "file", ret->file, sizeof(ret->file));
	ret->changed = json_is_true(json_object_get(root, "changed"));
	json_decref(root);
}

int label_write(const char *fleet, const struct label *label, struct netsim_err *err)
{
	char path[PATH_TEXT], fresh[PATH_TEXT + 8];
	json_t *root;
	int r;

	path_of(fleet, "json", path);
	if (!label) {
		unlink(path);
		return 0;
	}
	r = make_dir(err);
	root = json_pack("{s:s, s:s, s:b}", "profile", label->profile, "file", label->file,
			 "changed", (int)label->changed);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (r == 0 &&
	    (!root || json_dump_file(root, fresh, JSON_INDENT(2)) < 0 || rename(fresh, path) < 0))
		r = refused(path, err);
	json_decref(root);
	return r;
}
