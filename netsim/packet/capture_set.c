// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/packet/capture_set.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A sequence of rotated files. */
struct sequence {
	char *base, *end; /* of the file names: before and after the number */
	struct capture_writer *writer;
	uint64_t number; /* of the open file */
	int64_t begin_ns;
	bool has_packets;
};

struct capture_set {
	const struct capture_plan *plan;
	bool made_dir;
	struct sequence *sequences;
	size_t count; /* 1, or one for each port */
};

static bool rotates(const struct capture_plan *plan)
{
	return plan->rotate_bytes || plan->rotate_ns;
}

static int name_of(const struct capture_set *set, const struct sequence *seq, uint64_t number,
		   char path[static PATH_MAX], struct netsim_err *err)
{
	int length = rotates(set->plan) ? snprintf(path, PATH_MAX, "%s-%05" PRIu64 "%s", seq->base,
						   number, seq->end) :
					  snprintf(path, PATH_MAX, "%s%s", seq->base, seq->end);

	return length < PATH_MAX ? 0 :
				   err_set(err, NETSIM_ERR_USAGE, -ENAMETOOLONG, NULL,
					   "the file name is too long");
}

static int open_next(struct capture_set *set, struct sequence *seq, struct netsim_err *err)
{
	char path[PATH_MAX];
	int r = name_of(set, seq, seq->number + 1, path, err);

	if (r == 0)
		r = capture_write_open(path, &seq->writer, err);
	return r;
}

static int begin_next(struct capture_set *set, struct sequence *seq, struct netsim_err *err)
{
	struct capture_writing what = set->plan->what;
	char path[PATH_MAX];
	int r;

	if (set->plan->dir) {
		what.ports += seq - set->sequences;
		what.port_count = 1;
	}
	r = capture_write_begin(seq->writer, &what, err);
	seq->number++;
	seq->has_packets = false;
	if (r < 0 || !rotates(set->plan) || !set->plan->keep || seq->number <= set->plan->keep)
		return r;
	r = name_of(set, seq, seq->number - set->plan->keep, path, err);
	/* The file may have been removed already. */
	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "cannot remove %s: %s", path,
			    strerror(errno));
	return r;
}

static int close_sequence(struct capture_set *set, struct sequence *seq,
			  const struct capture_totals *totals, int64_t time_ns,
			  struct netsim_err *err)
{
	struct capture_writer *writer = seq->writer;

	seq->writer = NULL;
	if (totals && set->plan->dir)
		totals += seq - set->sequences;
	return capture_write_close(writer, totals, time_ns, err);
}

/* Splits "trace.pcapng" into "trace" and ".pcapng". */
static int split(struct sequence *seq, const char *file, struct netsim_err *err)
{
	const char *slash = strrchr(file, '/'), *dot = strrchr(file, '.');

	if (!dot || (slash && dot <= slash + 1) || dot == file)
		dot = file + strlen(file);
	seq->base = strndup(file, (size_t)(dot - file));
	seq->end = strdup(dot);
	return seq->base && seq->end ? 0 : err_oom(err);
}

/* The port "n100-1/eth1" of the fleet n3x is written to DIR/n3x.n100-1.eth1.pcapng. */
static int name_sequence(struct sequence *seq, const struct capture_plan *plan, const char *port,
			 struct netsim_err *err)
{
	const char *slash = strchr(port, '/');
	int node = slash ? (int)(slash - port) : (int)strlen(port);

	if (asprintf(&seq->base, "%s/%s.%.*s%s%s", plan->dir, plan->prefix, node, port,
		     slash ? "." : "", slash ? slash + 1 : "") < 0) {
		seq->base = NULL;
		return err_oom(err);
	}
	seq->end = strdup(".pcapng");
	return seq->end ? 0 : err_oom(err);
}

int capture_set_open(const struct capture_plan *plan, struct capture_set **ret,
		     struct netsim_err *err)
{
	struct capture_set *set = calloc(1, sizeof(*set));
	size_t count = plan->dir ? plan->what.port_count : 1;
	bool made_dir;
	int r = 0;

	if (!set)
		return err_oom(err);
	set->plan = plan;
	set->sequences = calloc(count + 1, sizeof(*set->sequences));
	if (!set->sequences)
		r = err_oom(err);
	if (r == 0 && plan->dir) {
		set->made_dir = mkdir(plan->dir, 0755) == 0;
		if (!set->made_dir && errno != EEXIST)
			r = err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "cannot create %s: %s",
				    plan->dir, strerror(errno));
	}
	for (size_t i = 0; r == 0 && i < count; i++) {
		set->count++;
		r = plan->dir ? name_sequence(&set->sequences[i], plan, plan->what.ports[i], err) :
				split(&set->sequences[i], plan->file, err);
		if (r == 0)
			r = open_next(set, &set->sequences[i], err);
	}
	/* Truncate files only when all could be opened. */
	for (size_t i = 0; r == 0 && i < count; i++)
		r = begin_next(set, &set->sequences[i], err);
	if (r == 0) {
		*ret = set;
		return 0;
	}
	made_dir = set->made_dir;
	capture_set_close(set, NULL, 0, err);
	if (made_dir)
		(void)rmdir(plan->dir);
	return r;
}

static bool is_full(const struct capture_plan *plan, const struct sequence *seq, int64_t time_ns)
{
	return seq->has_packets &&
	       ((plan->rotate_bytes && capture_write_size(seq->writer) >= plan->rotate_bytes) ||
		(plan->rotate_ns && time_ns - seq->begin_ns >= plan->rotate_ns));
}

int capture_set_add(struct capture_set *set, const struct capture_written *packet,
		    const struct capture_totals *totals, struct netsim_err *err)
{
	struct sequence *seq = &set->sequences[set->plan->dir ? packet->port : 0];
	struct capture_written here = *packet;
	int r = 0;

	if (is_full(set->plan, seq, packet->time_ns)) {
		r = close_sequence(set, seq, totals, packet->time_ns, err);
		if (r == 0)
			r = open_next(set, seq, err);
		if (r == 0)
			r = begin_next(set, seq, err);
	}
	if (r < 0 || !seq->writer)
		return r;
	if (!seq->has_packets)
		seq->begin_ns = packet->time_ns;
	seq->has_packets = true;
	if (set->plan->dir)
		here.port = 0;
	return capture_write_add(seq->writer, &here, err);
}

int capture_set_flush(struct capture_set *set, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->count; i++)
		r = capture_write_flush(set->sequences[i].writer, err);
	return r;
}

uint64_t capture_set_files(const struct capture_set *set)
{
	uint64_t files = 0;

	for (size_t i = 0; i < set->count; i++)
		files += set->sequences[i].number;
	return files;
}

int capture_set_close(struct capture_set *set, const struct capture_totals *totals, int64_t time_ns,
		      struct netsim_err *err)
{
	int r = 0;

	if (!set)
		return 0;
	for (size_t i = 0; i < set->count; i++) {
		int closed = close_sequence(set, &set->sequences[i], totals, time_ns, err);

		r = r < 0 ? r : closed;
		free(set->sequences[i].base);
		free(set->sequences[i].end);
	}
	free(set->sequences);
	free(set);
	return r;
}
