// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/run/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

#define COMMAND_MS  2000	 /* for a command */
#define OUTPUT_MOST (64U * 1024) /* bytes that it may print */

/* Runs a command in a node and returns its output; -EIO if it fails, or -ETIMEDOUT. */
static int run_command(const struct process_spec *spec, struct buf *ret, struct netsim_err *err)
{
	auto_close int fd = memfd_create("members", MFD_CLOEXEC);
	struct process_spec with = *spec;
	struct process_exit end;
	struct process process;
	struct pollfd poll_fd = {.events = POLLIN};
	char path[64];
	int r;

	if (fd < 0)
		return err_errno(err, -errno, NULL, "cannot create a memory file");
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	with.log = path;
	r = process_start(&with, &process, err);
	if (r < 0)
		return r;
	poll_fd.fd = process.pidfd;
	if (poll(&poll_fd, 1, COMMAND_MS) <= 0) {
		process_signal_group(&process, SIGKILL);
		r = err_set(err, NETSIM_ERR_FAILED, -ETIMEDOUT, NULL, "%s did not end",
			    spec->argv[0]);
	}
	process_collect(&process, true, &end);
	if (r == 0 && (end.killed || end.code))
		r = err_set(err, NETSIM_ERR_FAILED, -EIO, NULL, "%s %s", spec->argv[0],
			    process_exit_text(&end, (char[PROCESS_TEXT]) {0}));
	lseek(fd, 0, SEEK_SET);
	return r == 0 ? buf_read(ret, fd, OUTPUT_MOST) : r;
}

/* Finds the member whose line, "NODE leader", says that it leads. */
static size_t find_leader_line(const struct cluster *cluster, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char node[128], role[32];

		if (sscanf(line, "%127s %31s", node, role) != 2 || strcmp(role, "leader") != 0)
			continue;
		for (size_t i = 0; i < cluster->count; i++)
			if (strcmp(cluster->nodes[i], node) == 0)
				return i;
	}
	return SIZE_MAX;
}

/* The first command that succeeds decides. */
static int ask_commands(const struct cluster *cluster, size_t *ret, struct netsim_err *err)
{
	struct netsim_err last = {0};
	size_t leader = SIZE_MAX;
	int r = -ENOENT;

	for (size_t i = 0; r < 0 && i < cluster->count; i++) {
		auto_buf struct buf out = {0};

		last = (struct netsim_err) {0};
		r = run_command(&cluster->commands[i], &out, &last);
		if (r == 0 && out.data)
			leader = find_leader_line(cluster, out.data);
	}
	if (r < 0)
		return err_set(err, NETSIM_ERR_FAILED, r, NULL, "no leader: %s", last.what);
	if (leader == SIZE_MAX)
		return err_set(err, NETSIM_ERR_FAILED, -ENOENT, NULL,
			       "no leader: the command `members` names none");
	*ret = leader;
	return 0;
}

int cluster_leader(const struct cluster *cluster, size_t *ret, struct netsim_err *err)
{
	if (cluster->endpoints)
		return etcd_leader(cluster->endpoints, cluster->count, cluster->patience, ret, err);
	return ask_commands(cluster, ret, err);
}

int cluster_select(const struct cluster *cluster, enum selector_kind kind, char **ret,
		   struct netsim_err *err)
{
	struct buf names = {0};
	size_t leader = 0, nth = 0;
	int r = kind == SELECTOR_MEMBERS ? 0 : cluster_leader(cluster, &leader, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < cluster->count; i++) {
		if (selector_takes(kind, cluster->count, i == leader, nth))
			buf_printf(&names, "%s%s", names.len ? "," : "", cluster->nodes[i]);
		nth += i != leader;
	}
	if (!names.failed && !names.len)
		return err_set(err, NETSIM_ERR_FAILED, -ENOENT, NULL, "%s(...) has no members",
			       selector_words[kind]);
	*ret = buf_take(&names);
	return *ret ? 0 : err_oom(err);
}
