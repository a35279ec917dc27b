/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "netsim/kernel/state.h"
#include "netsim/run/cgroup.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define OUTPUT_SIZE 16384		/* bytes: a service that prints more is not stopped */
#define PROC_LIMIT  (4 << 20)		/* bytes: more than the kernel takes as arguments */
#define KILL_WAIT   (10LL * 1000000000) /* ns */

void services_done(struct services *services)
{
	for (size_t i = 0; i < services->count; i++) {
		struct service *service = &services->list[i];

		free(service->name);
		free(service->node);
		free(service->link);
		buf_done(&service->args);
		if (service->process.pidfd >= 0)
			close(service->process.pidfd);
		if (service->output >= 0)
			close(service->output);
	}
	for (size_t i = 0; i < services->stale_count; i++)
		free(services->stale[i]);
	free(services->list);
	free(services->stale);
	*services = (struct services) {0};
}

struct service *services_add(struct services *services, const char *name, const char *node)
{
	struct service *service = array_push(services->list, services->count);

	if (!service)
		return NULL;
	service->process.pidfd = service->output = -1;
	service->name = strdup(name);
	service->node = strdup(node);
	return service->name && service->node ? service : NULL;
}

void service_arg(struct service *service, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		service->args.failed = true;
	else
		buf_add(&service->args, text, strlen(text) + 1);
	va_end(args);
	free(text);
}

/* --- looking */

static int read_proc(pid_t pid, const char *name, struct buf *ret)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = buf_read(ret, fd, PROC_LIMIT);

	close(fd);
	return r;
}

static bool has_line(const struct buf *list, const char *line)
{
	size_t length = strlen(line) + 1;

	for (size_t at = 0; at < list->len; at += strlen(list->data + at) + 1)
		if (list->len - at >= length && memcmp(list->data + at, line, length) == 0)
			return true;
	return false;
}

/* Whether a process has the arguments and the interface of the service. */
static bool is_as_asked(const struct service *service, pid_t pid)
{
	auto_buf struct buf args = {0}, env = {0};

	return pid > 0 && service->link && read_proc(pid, "cmdline", &args) == 0 &&
	       read_proc(pid, "environ", &env) == 0 && args.len == service->args.len && args.len &&
	       memcmp(args.data, service->args.data, args.len) == 0 &&
	       has_line(&env, service->link);
}

static struct service *find(const struct services *services, const char *member)
{
	const char *at = strrchr(member, '@');
	size_t length = at ? (size_t)(at - member) : 0;

	for (size_t i = 0; at && i < services->count; i++)
		if (strlen(services->list[i].name) == length &&
		    memcmp(services->list[i].name, member, length) == 0 &&
		    strcmp(services->list[i].node, at + 1) == 0)
			return &services->list[i];
	return NULL;
}

static int add_stale(struct services *services, const char *member)
{
	char **slot;

	for (size_t i = 0; i < services->stale_count; i++)
		if (strcmp(services->stale[i], member) == 0)
			return 0;
	slot = array_push(services->stale, services->stale_count);
	if (!slot || !(*slot = strdup(member)))
		return -ENOMEM;
	return 0;
}

int services_look(struct services *services, struct netsim_err *err)
{
	struct cgroup_processes found = {0};
	int r = cgroup_services(services->fleet, services->netns_id, &found, err);

	for (size_t i = 0; r == 0 && i < found.count; i++) {
		struct service *service = find(services, found.list[i].member);

		/* A process in another PID namespace has the pid 0, and cannot be inspected. */
		if (!service)
			r = add_stale(services, found.list[i].member);
		else if (is_as_asked(service, found.list[i].pid))
			service->state = SERVICE_RUNS;
		else if (service->state == SERVICE_MISSING && found.list[i].pid > 0)
			service->state = SERVICE_OTHER;
	}
	cgroup_processes_done(&found);
	return r == -ENOMEM ? err_oom(err) : r;
}

/* --- ending and starting */

static int end_member(const struct services *services, const char *name, const char *node,
		      struct netsim_err *err)
{
	struct cgroup cg = {NULL, -1};
	int r = cgroup_open(services->fleet, services->netns_id, name, node, &cg, err);

	if (r < 0)
		return r;
	r = cgroup_kill(&cg, clock_ns(CLOCK_MONOTONIC) + KILL_WAIT, err);
	if (r == 0)
		r = cgroup_remove(&cg, err);
	cgroup_close(&cg);
	return r;
}

int services_end(struct services *services, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < services->stale_count; i++) {
		auto_free char *name = strdup(services->stale[i]);
		char *at = name ? strrchr(name, '@') : NULL;

		if (!at)
			return err_oom(err);
		*at = '\0';
		r = end_member(services, name, at + 1, err);
	}
	for (size_t i = 0; r == 0 && i < services->count; i++)
		if (services->list[i].state != SERVICE_RUNS)
			r = end_member(services, services->list[i].name, services->list[i].node,
				       err);
	return r;
}

/* A file of a fixed size in memory: output beyond it is refused, so that it cannot grow. */
static int open_output(struct netsim_err *err)
{
	int fd = memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && (ftruncate(fd, OUTPUT_SIZE) < 0 ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? err_errno(err, -errno, NULL, "cannot make a file in memory") : fd;
}

static const char **split_args(const struct buf *args)
{
	size_t count = 0;
	const char **argv;

	for (size_t at = 0; at < args->len; at += strlen(args->data + at) + 1)
		count++;
	argv = calloc(count + 1, sizeof(*argv));
	for (size_t at = 0, i = 0; argv && i < count; at += strlen(args->data + at) + 1)
		argv[i++] = args->data + at;
	return argv;
}

int service_start(const struct services *services, struct service *service, struct netsim_err *err)
{
	auto_free const char **argv = service->args.failed ? NULL : split_args(&service->args);
	const char *env[] = {service->link, NULL};
	struct cgroup cg = {NULL, -1};
	char netns[NETNS_TEXT];
	int r;

	if (!argv)
		return err_oom(err);
	state_netns_name(services->fleet, service->node, netns);
	service->output = open_output(err);
	if (service->output < 0)
		return service->output;
	r = cgroup_open(services->fleet, services->netns_id, service->name, service->node, &cg,
			err);
	if (r == 0)
		r = process_start(&(struct process_spec) {.argv = argv,
							  .env = env,
							  .netns = netns,
							  .output = service->output,
							  .cgroup = cg.procs},
				  &service->process, err);
	cgroup_close(&cg);
	return r;
}

void service_output(const struct service *service, char ret[static SERVICE_TEXT])
{
	auto_free char *text = calloc(1, OUTPUT_SIZE + 1);
	char *line, *prefix;

	*ret = '\0';
	if (!text || service->output < 0 || pread(service->output, text, OUTPUT_SIZE, 0) < 0)
		return;
	for (size_t length = strlen(text); length && text[length - 1] == '\n';)
		text[--length] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	while (*line == ' ')
		line++;
	prefix = strstr(line, ": ");
	if (prefix && !memchr(line, ' ', (size_t)(prefix - line)))
		line = prefix + 2;
	err_format(ret, SERVICE_TEXT, "%s", line);
}
