/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/run/cgroup_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/unit.h"

const char *limits_text(const struct node_limits *limits, char buf[static LIMITS_TEXT])
{
	char size[UNIT_TEXT];
	int used = 0;

	*buf = '\0';
	if (limits->cpu_us)
		used = snprintf(buf, LIMITS_TEXT, "cpu %g%%",
				(double)limits->cpu_us * 100 / LIMITS_PERIOD);
	if (limits->memory)
		snprintf(buf + used, LIMITS_TEXT - (size_t)used, "%smemory %s", used ? ", " : "",
			 unit_format_size((struct size) {limits->memory}, size));
	return buf;
}

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += length)
		if ((p == list || p[-1] == ' ') && (!p[length] || strchr(" \n", p[length])))
			return true;
	return false;
}

/* Reads the first line of a file of a cgroup; 0 or -errno. */
static int read_line(const char *path, const char *name, char *buf, size_t size)
{
	auto_close int fd = cgroup_open_file(path, name, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (got < 0)
		return fd < 0 ? fd : -errno;
	buf[got] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

static int check_controller(const char *mount, const char *name, const struct netsim_loc *at,
			    struct netsim_err *err)
{
	char list[512];
	int r = read_line(mount, "cgroup.controllers", list, sizeof(list));

	if (r < 0)
		return err_errno(err, r, NULL, "cannot read %s/cgroup.controllers", mount);
	if (has_word(list, name))
		return 0;
	err_set(err, NETSIM_ERR_ENV, -ENOENT, at,
		"the cgroups (v2) of this machine have no controller \"%s\", which limits a node's "
		"%s",
		name, name);
	err_hint(err, "boot with cgroup_no_v1=%s, or with systemd.unified_cgroup_hierarchy=1",
		 name);
	return -ENOENT;
}

int limits_check(const struct node_limits *limits, const struct netsim_loc *at,
		 struct netsim_err *err)
{
	auto_free char *mount = NULL;
	int r = 0;

	if (limits->cpu_us || limits->memory)
		r = cgroup_mount(&mount, err);
	if (r == 0 && limits->cpu_us)
		r = check_controller(mount, "cpu", at, err);
	if (r == 0 && limits->memory)
		r = check_controller(mount, "memory", at, err);
	return r;
}

static int node_path(const char *fleet, uint64_t netns_id, const char *node, char **ret_fleet,
		     char **ret, struct netsim_err *err)
{
	int r = cgroup_fleet_path(fleet, netns_id, ret_fleet, err);

	if (r == 0 && asprintf(ret, "%s/%s", *ret_fleet, node) < 0) {
		*ret = NULL;
		r = err_oom(err);
	}
	return r;
}

static int read_cpu(const char *path, struct node_limits *ret)
{
	unsigned long long quota, period;
	char text[64];
	int r = read_line(path, "cpu.max", text, sizeof(text));

	if (r == 0 && sscanf(text, "%llu %llu", &quota, &period) == 2 && period)
		ret->cpu_us = (uint32_t)(quota * LIMITS_PERIOD / period);
	return r == -ENOENT ? 0 : r;
}

static int read_memory(const char *path, struct node_limits *ret)
{
	char text[64];
	int r = read_line(path, "memory.max", text, sizeof(text));

	if (r == 0)
		ret->memory = strtoull(text, NULL, 10); /* "max": 0 */
	return r == -ENOENT ? 0 : r;
}

int limits_read(const char *fleet, uint64_t netns_id, const char *node, struct node_limits *ret,
		struct netsim_err *err)
{
	auto_free char *parent = NULL, *path = NULL;
	struct netsim_err none = {0};
	int r;

	*ret = (struct node_limits) {0};
	r = node_path(fleet, netns_id, node, &parent, &path, &none);
	if (r == -ENOENT) /* no cgroup2 is mounted */
		return 0;
	if (r == 0)
		r = read_cpu(path, ret);
	if (r == 0)
		r = read_memory(path, ret);
	return r < 0 ? err_errno(err, r, NULL, "cannot read the limits of %s", node) : 0;
}

/* Gives the cgroups below a folder a controller, if they do not have it. */
static int enable(const char *path, const char *name)
{
	char list[512], text[32];
	int r = read_line(path, "cgroup.subtree_control", list, sizeof(list));

	if (r < 0 || has_word(list, name))
		return r;
	snprintf(text, sizeof(text), "+%s", name);
	return cgroup_write_file(path, "cgroup.subtree_control", text);
}

static int enable_all(const char *fleet_path, const char *name, struct netsim_err *err)
{
	auto_free char *mount = strdup(fleet_path);
	int r;

	if (!mount)
		return err_oom(err);
	*strrchr(mount, '/') = '\0';
	r = enable(mount, name);
	if (r == 0)
		r = enable(fleet_path, name);
	return r < 0 ? err_errno(err, r, NULL, "cannot enable the controller %s of cgroups", name) :
		       0;
}

/* A limit that was never there has no file to take it from. */
static int write_limit(const char *path, const char *file, const char *text, bool any)
{
	int r = cgroup_write_file(path, file, text);

	return r == -ENOENT && !any ? 0 : r;
}

static int write_limits(const char *path, const struct node_limits *want)
{
	char text[64] = "max";
	int r;

	if (want->cpu_us)
		snprintf(text, sizeof(text), "%" PRIu32 " %d", want->cpu_us, LIMITS_PERIOD);
	r = write_limit(path, "cpu.max", text, want->cpu_us);
	snprintf(text, sizeof(text), "max");
	if (want->memory)
		snprintf(text, sizeof(text), "%" PRIu64, want->memory);
	if (r == 0)
		r = write_limit(path, "memory.max", text, want->memory);
	/* Memory that is swapped out would not be limited. */
	if (r == 0)
		r = write_limit(path, "memory.swap.max", want->memory ? "0" : "max", false);
	return r;
}

int limits_set(const char *fleet, uint64_t netns_id, const char *node,
	       const struct node_limits *want, struct netsim_err *err)
{
	auto_free char *parent = NULL, *path = NULL;
	bool any = want->cpu_us || want->memory;
	int r = node_path(fleet, netns_id, node, &parent, &path, err);

	if (r == 0 && any)
		r = limits_check(want, NULL, err);
	if (r == 0 && any)
		r = cgroup_make_folder(parent, err);
	if (r == 0 && want->cpu_us)
		r = enable_all(parent, "cpu", err);
	if (r == 0 && want->memory)
		r = enable_all(parent, "memory", err);
	if (r == 0 && any)
		r = cgroup_make_folder(path, err);
	if (r < 0)
		return r;
	r = write_limits(path, want);
	if (!any)
		rmdir(path); /* fails, as intended, while processes are in it */
	return r < 0 && (any || r != -ENOENT) ?
		       err_errno(err, r, NULL, "cannot set the limits of %s", node) :
		       0;
}

struct names {
	char **list;
	size_t count;
};

static int add_name(const char *path, void *arg)
{
	struct names *names = arg;
	char **slot = cgroup_is_node(path) ? array_push(names->list, names->count) : NULL;

	if (!cgroup_is_node(path))
		return 0;
	if (!slot || !(*slot = strdup(strrchr(path, '/') + 1))) {
		names->count -= slot != NULL;
		return -ENOMEM;
	}
	return 0;
}

int limits_nodes(const char *fleet, uint64_t netns_id, char ***ret, size_t *count,
		 struct netsim_err *err)
{
	struct names names = {0};
	auto_free char *path = NULL;
	struct netsim_err none = {0};
	int r = cgroup_fleet_path(fleet, netns_id, &path, &none);

	if (r == 0)
		r = cgroup_each_below(path, add_name, &names);
	*ret = names.list;
	*count = names.count;
	return r < 0 && r != -ENOENT ?
		       err_errno(err, r, NULL, "cannot list the limits of %s", fleet) :
		       0;
}

int limits_join(const char *fleet, uint64_t netns_id, const char *node, struct netsim_err *err)
{
	auto_free char *parent = NULL, *path = NULL;
	struct netsim_err none = {0};
	int r = node_path(fleet, netns_id, node, &parent, &path, &none);

	if (r == 0)
		r = cgroup_write_file(path, "cgroup.procs", "0");
	return r < 0 && r != -ENOENT ?
		       err_errno(err, r, NULL, "cannot enter the cgroup of %s", node) :
		       0;
}
