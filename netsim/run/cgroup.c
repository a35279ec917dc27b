/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "netsim/run/cgroup_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"
#include "netsim/util/clock.h"

#define PATH_TEXT   4096
#define KILL_WAIT   10000000000LL /* ns; the kernel kills in milliseconds */
#define REMOVE_WAIT 1000000000LL  /* ns in which exiting tasks may keep a cgroup busy */

/* --- where the cgroups are */

/* Decodes the octal escapes of a path in mountinfo (space, tab, newline, backslash). */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/* A mount may be hidden below a later one: only the filesystem at the path decides. */
static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_mount(char **ret, struct netsim_err *err)
{
	auto_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
	auto_free char *line = NULL;
	size_t size = 0;

	if (!f)
		return err_errno(err, -errno, NULL, "cannot read /proc/self/mountinfo");
	while (getline(&line, &size, f) > 0) {
		char *rest = line, *path = NULL;

		if (!strstr(line, " - cgroup2 "))
			continue;
		for (int field = 0; field < 5; field++)
			path = strsep(&rest, " ");
		if (!path)
			continue;
		unescape(path);
		if (is_cgroup2(path)) {
			*ret = strdup(path);
			return *ret ? 0 : err_oom(err);
		}
	}
	err_set(err, NETSIM_ERR_ENV, -ENOENT, NULL,
		"workloads need cgroups (v2), and no cgroup2 filesystem is mounted");
	err_hint(err, "mount one: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
	return -ENOENT;
}

int cgroup_fleet_path(const char *fleet, uint64_t netns_id, char **ret, struct netsim_err *err)
{
	auto_free char *mount = NULL;
	int r = cgroup_mount(&mount, err);

	if (r == 0 && asprintf(ret, "%s/netsim@%s@%" PRIu64, mount, fleet, netns_id) < 0) {
		*ret = NULL;
		r = err_oom(err);
	}
	return r;
}

int cgroup_make_folder(const char *path, struct netsim_err *err)
{
	int r;

	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	r = err_errno(err, -errno, NULL, "cannot create the cgroup %s", path);
	if (r == -EROFS)
		err_hint(err,
			 "the cgroup2 filesystem is mounted read-only here, as in a container");
	return r;
}

/* --- files of a cgroup */

int cgroup_open_file(const char *path, const char *name, int flags)
{
	char text[PATH_TEXT];
	int fd;

	snprintf(text, sizeof(text), "%s/%s", path, name);
	fd = open(text, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cgroup_write_file(const char *path, const char *name, const char *text)
{
	auto_close int fd = cgroup_open_file(path, name, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

bool cgroup_is_node(const char *path)
{
	return !strchr(strrchr(path, '/'), '@');
}

/* The folder below which a member has its own: that of its node, if the node has limits. */
static int member_parent(const char *fleet_folder, const char *node, char **ret,
			 struct netsim_err *err)
{
	if (asprintf(ret, "%s/%s", fleet_folder, node) < 0) {
		*ret = NULL;
		return err_oom(err);
	}
	if (access(*ret, F_OK) == 0)
		return 0;
	free(*ret);
	*ret = strdup(fleet_folder);
	return *ret ? 0 : err_oom(err);
}

int cgroup_open(const char *fleet, uint64_t netns_id, const char *workload, const char *node,
		struct cgroup *ret, struct netsim_err *err)
{
	auto_free char *folder = NULL, *parent = NULL, *path = NULL;
	int r = cgroup_fleet_path(fleet, netns_id, &folder, err), fd;

	if (r == 0)
		r = member_parent(folder, node, &parent, err);
	if (r == 0 && asprintf(&path, "%s/%s@%s", parent, workload, node) < 0) {
		path = NULL;
		r = err_oom(err);
	}
	if (r == 0)
		r = cgroup_make_folder(folder, err);
	if (r == 0)
		r = cgroup_make_folder(path, err);
	if (r < 0)
		return r;
	fd = cgroup_open_file(path, "cgroup.procs", O_WRONLY);
	if (fd < 0)
		return err_errno(err, fd, NULL, "cannot open cgroup.procs of %s", path);
	*ret = (struct cgroup) {take(path), fd};
	return 0;
}

void cgroup_close(struct cgroup *cg)
{
	if (!cg->path)
		return;
	close(cg->procs);
	free(cg->path);
	*cg = (struct cgroup) {NULL, -1};
}

/* --- waiting */

/* Reads whether cgroup.events has the line. */
static int has_event(int fd, const char *line)
{
	char text[256];
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);

	if (got < 0)
		return -errno;
	text[got] = '\0';
	return strstr(text, line) != NULL;
}

/* Waits for a line of cgroup.events, whose changes the kernel reports with POLLPRI. */
static int wait_event(const char *path, const char *line, int64_t deadline)
{
	auto_close int fd = cgroup_open_file(path, "cgroup.events", O_RDONLY);
	int has;

	if (fd < 0)
		return fd;
	while ((has = has_event(fd, line)) == 0) {
		struct pollfd poll_fd = {fd, POLLPRI, 0};
		int64_t left = deadline - clock_ns(CLOCK_MONOTONIC);

		if (left <= 0)
			return -ETIMEDOUT;
		/* At most 100 ms: a change between reading and polling is seen late, not lost. */
		poll(&poll_fd, 1, left < 100000000 ? (int)(left / 1000000) + 1 : 100);
	}
	return has < 0 ? has : 0;
}

int cgroup_freeze(const struct cgroup *cg, bool frozen, int64_t deadline, struct netsim_err *err)
{
	int r = cgroup_write_file(cg->path, "cgroup.freeze", frozen ? "1" : "0");

	if (r == 0)
		r = wait_event(cg->path, frozen ? "frozen 1" : "frozen 0", deadline);
	return r < 0 ? err_errno(err, r, NULL, "cannot %s the processes of %s",
				 frozen ? "freeze" : "thaw", cg->path) :
		       0;
}

int cgroup_wait_empty(const struct cgroup *cg, int64_t deadline, struct netsim_err *err)
{
	int r = wait_event(cg->path, "populated 0", deadline);

	return r == 0 || r == -ETIMEDOUT ?
		       r :
		       err_errno(err, r, NULL, "cannot wait for the processes of %s", cg->path);
}

/* --- processes */

struct pids {
	pid_t *list;
	size_t count;
};

int cgroup_each_below(const char *path, int (*fn)(const char *below, void *arg), void *arg)
{
	DIR *dir = opendir(path);
	int r = dir ? 0 : -errno;

	for (struct dirent *e; r == 0 && (e = readdir(dir));) {
		auto_free char *below = NULL;

		if (e->d_type != DT_DIR || *e->d_name == '.')
			continue;
		r = asprintf(&below, "%s/%s", path, e->d_name) < 0 ? -ENOMEM : 0;
		if (r == 0)
			r = fn(below, arg);
		else
			below = NULL;
	}
	if (dir)
		closedir(dir);
	/* Removed meanwhile. */
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static int add_own_pids(const char *path, struct pids *pids)
{
	int fd = cgroup_open_file(path, "cgroup.procs", O_RDONLY), pid;
	auto_fclose FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f)
		return fd < 0 ? fd : -errno;
	while (fscanf(f, "%d", &pid) == 1) {
		pid_t *slot = array_push(pids->list, pids->count);

		if (!slot)
			return -ENOMEM;
		*slot = pid;
	}
	return 0;
}

static int add_pids(const char *path, void *arg)
{
	int r = add_own_pids(path, arg);

	return r == 0 ? cgroup_each_below(path, add_pids, arg) : r;
}

int cgroup_signal(const struct cgroup *cg, int sig, struct netsim_err *err)
{
	struct pids pids = {0};
	int r = add_pids(cg->path, &pids);

	/* 0: a process of another PID namespace. */
	for (size_t i = 0; r == 0 && i < pids.count; i++)
		if (pids.list[i] > 0 && kill(pids.list[i], sig) < 0 && errno != ESRCH)
			r = -errno;
	free(pids.list);
	return r < 0 ? err_errno(err, r, NULL, "cannot signal the processes of %s", cg->path) : 0;
}

/* Linux before 5.14 has no cgroup.kill: signals processes until none is left, as they may fork. */
static int kill_each(const struct cgroup *cg, int64_t deadline, struct netsim_err *err)
{
	int r = 0;

	while (r == 0 && wait_event(cg->path, "populated 0", 0) == -ETIMEDOUT) {
		if (clock_ns(CLOCK_MONOTONIC) >= deadline)
			return err_errno(err, -ETIMEDOUT, NULL, "cannot kill the processes of %s",
					 cg->path);
		r = cgroup_signal(cg, SIGKILL, err);
		wait_event(cg->path, "populated 0", clock_ns(CLOCK_MONOTONIC) + 1000000);
	}
	return r;
}

int cgroup_kill(const struct cgroup *cg, int64_t deadline, struct netsim_err *err)
{
	int r = cgroup_write_file(cg->path, "cgroup.kill", "1");

	if (r == -ENOENT || r == -EOPNOTSUPP)
		return kill_each(cg, deadline, err);
	if (r == 0)
		r = wait_event(cg->path, "populated 0", deadline);
	return r < 0 ? err_errno(err, r, NULL, "cannot kill the processes of %s", cg->path) : 0;
}

/* --- removing */

static int remove_tree(const char *path, void *arg)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + REMOVE_WAIT;
	int r = cgroup_each_below(path, remove_tree, arg);

	while (r == 0 && rmdir(path) < 0) {
		if (errno == ENOENT)
			break;
		if (errno != EBUSY || clock_ns(CLOCK_MONOTONIC) > deadline)
			return -errno;
		nanosleep(&(struct timespec) {0, 1000000}, NULL);
	}
	return r;
}

int cgroup_remove(const struct cgroup *cg, struct netsim_err *err)
{
	auto_free char *parent = strdup(cg->path);
	int r = remove_tree(cg->path, NULL);

	if (r < 0)
		return err_errno(err, r, NULL, "cannot remove the cgroup %s", cg->path);
	/* Fails, as intended, while there are others. The cgroup of a node has its limits. */
	if (parent) {
		*strrchr(parent, '/') = '\0';
		if (!cgroup_is_node(parent))
			rmdir(parent);
	}
	return 0;
}

/* Opens the fleet's cgroup; ret->path is NULL if there is none. */
static int find_fleet(const char *fleet, uint64_t netns_id, struct cgroup *ret,
		      struct netsim_err *err)
{
	auto_free char *path = NULL;
	struct netsim_err none = {0};
	int r = cgroup_fleet_path(fleet, netns_id, &path, &none);

	*ret = (struct cgroup) {NULL, -1};
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, none.kind, r, NULL, "%s", none.what);
	if (access(path, F_OK) == 0)
		ret->path = take(path);
	return 0;
}

static bool is_service(const char *path)
{
	return strchr(strrchr(path, '/'), ':');
}

static int add_process(struct cgroup_processes *to, const char *path, pid_t pid)
{
	struct cgroup_process *process = array_push(to->list, to->count);

	if (!process)
		return -ENOMEM;
	process->pid = pid;
	process->member = strdup(strrchr(path, '/') + 1);
	return process->member ? 0 : -ENOMEM;
}

/* Those of a member with all below, or those that netsim exec has put into the cgroup of a node. */
static int add_processes(const char *path, void *arg)
{
	struct pids pids = {0};
	int r = cgroup_is_node(path) ? add_own_pids(path, &pids) : add_pids(path, &pids);

	for (size_t i = 0; r == 0 && i < pids.count; i++)
		r = add_process(arg, path, pids.list[i]);
	free(pids.list);
	return r;
}

static int add_workload(const char *path, void *arg)
{
	if (cgroup_is_node(path))
		return cgroup_each_below(path, add_workload, arg);
	return is_service(path) ? 0 : add_processes(path, arg);
}

static int add_any(const char *path, void *arg)
{
	int r = add_processes(path, arg);

	return r == 0 && cgroup_is_node(path) ? cgroup_each_below(path, add_any, arg) : r;
}

static int add_service(const char *path, void *arg)
{
	struct cgroup_processes *to = arg;
	size_t before = to->count;
	int r;

	if (cgroup_is_node(path))
		return cgroup_each_below(path, add_service, arg);
	r = is_service(path) ? add_processes(path, to) : 0;

	if (r == 0 && is_service(path) && to->count == before)
		r = add_process(to, path, 0);
	return r;
}

static int list_processes(const char *fleet, uint64_t netns_id,
			  int (*add)(const char *path, void *arg), struct cgroup_processes *ret,
			  struct netsim_err *err)
{
	struct cgroup_processes found = {0};
	struct cgroup cg;
	int r = find_fleet(fleet, netns_id, &cg, err);

	if (r == 0 && cg.path)
		r = cgroup_each_below(cg.path, add, &found);
	free(cg.path);
	if (r < 0) {
		cgroup_processes_done(&found);
		return err_errno(err, r, NULL, "cannot list the processes of %s", fleet);
	}
	*ret = found;
	return 0;
}

int cgroup_processes(const char *fleet, uint64_t netns_id, enum cgroup_which which,
		     struct cgroup_processes *ret, struct netsim_err *err)
{
	return list_processes(fleet, netns_id, which == CGROUP_ALL ? add_any : add_workload, ret,
			      err);
}

int cgroup_services(const char *fleet, uint64_t netns_id, struct cgroup_processes *ret,
		    struct netsim_err *err)
{
	return list_processes(fleet, netns_id, add_service, ret, err);
}

void cgroup_processes_done(struct cgroup_processes *processes)
{
	for (size_t i = 0; i < processes->count; i++)
		free(processes->list[i].member);
	free(processes->list);
	*processes = (struct cgroup_processes) {0};
}

/* Kills the processes of a cgroup and removes it; arg is a struct netsim_err. */
static int remove_one(const char *path, void *arg)
{
	const struct cgroup cg = {(char *)path, -1};
	struct netsim_err *err = arg;
	int r = cgroup_kill(&cg, clock_ns(CLOCK_MONOTONIC) + KILL_WAIT, err);

	if (r < 0)
		return r;
	r = remove_tree(path, NULL);
	return r < 0 ? err_errno(err, r, NULL, "cannot remove the cgroup %s", path) : 0;
}

static int remove_workload(const char *path, void *arg)
{
	if (cgroup_is_node(path))
		return cgroup_each_below(path, remove_workload, arg);
	return is_service(path) ? 0 : remove_one(path, arg);
}

int cgroup_remove_fleet(const char *fleet, uint64_t netns_id, enum cgroup_which which,
			struct netsim_err *err)
{
	struct netsim_err why = {0};
	struct cgroup cg;
	int r = find_fleet(fleet, netns_id, &cg, err);

	if (r == 0 && cg.path) {
		r = which == CGROUP_ALL ? remove_one(cg.path, &why) :
					  cgroup_each_below(cg.path, remove_workload, &why);
		if (r == 0 && which == CGROUP_WORKLOADS)
			rmdir(cg.path); /* fails, as intended, while there are services */
		if (r < 0 && err && err->kind == NETSIM_ERR_NONE)
			*err = why;
	}
	free(cg.path);
	return r;
}
