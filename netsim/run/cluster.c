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

/* The votes of the members asked so far; answered: commands that succeeded. */
struct vote {
	size_t *votes; /* by member */
	size_t answered, winner;
};

/* Asks one member; its vote counts for the leader that it names. */
static int ask_command(const struct cluster *cluster, size_t i, struct vote *vote,
		       struct netsim_err *err)
{
	auto_buf struct buf out = {0};
	size_t leader;
	int r = run_command(&cluster->commands[i], &out, err);

	if (r < 0)
		return r;
	vote->answered++;
	leader = out.data ? find_leader_line(cluster, out.data) : SIZE_MAX;
	if (leader != SIZE_MAX && ++vote->votes[leader] > cluster->count / 2)
		vote->winner = leader;
	return 0;
}

/* A member that is cut off may still name itself: the leader is the one that a majority names. */
static int ask_commands(const struct cluster *cluster, size_t *ret, struct netsim_err *err)
{
	auto_free size_t *votes = calloc(cluster->count + 1, sizeof(*votes));
	struct vote vote = {votes, 0, SIZE_MAX};
	struct netsim_err last = {0};
	int r = -ENOENT;

	if (!votes)
		return err_oom(err);
	for (size_t i = 0; vote.winner == SIZE_MAX && i < cluster->count; i++) {
		struct netsim_err one = {0};
		int code = ask_command(cluster, i, &vote, &one);

		if (code < 0) {
			r = code;
			last = one;
		}
	}
	*ret = vote.winner;
	if (vote.winner != SIZE_MAX)
		return 0;
	if (!vote.answered)
		return err_set(err, NETSIM_ERR_FAILED, r, NULL, "no leader: %s", last.what);
	return err_set(
		err, NETSIM_ERR_FAILED, -ENOENT, NULL,
		"no leader: no majority of the members names the same one (command `members`)");
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
