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
struct row {
	char *base, *end; /* of the file names: before and after the number */
	struct capture_writer *writer;
	uint64_t number; /* of the open file */
	int64_t begin_ns;
	bool begun; /* it has a packet */
};

struct capture_set {
	const struct capture_plan *plan;
	bool made_dir;
	struct row *rows;
	size_t count; /* 1, or one for each port */
};

static bool rotates(const struct capture_plan *plan)
{
	return plan->rotate_bytes || plan->rotate_ns;
}

static int name_of(const struct capture_set *set, const struct row *row, uint64_t number,
		   char path[static PATH_MAX], struct netsim_err *err)
{
	int length = rotates(set->plan) ? snprintf(path, PATH_MAX, "%s-%05" PRIu64 "%s", row->base,
						   number, row->end) :
					  snprintf(path, PATH_MAX, "%s%s", row->base, row->end);

	return length < PATH_MAX ? 0 :
				   err_set(err, NETSIM_ERR_USAGE, -ENAMETOOLONG, NULL,
					   "the file name is too long");
}

static int open_next(struct capture_set *set, struct row *row, struct netsim_err *err)
{
	char path[PATH_MAX];
	int r = name_of(set, row, row->number + 1, path, err);

	if (r == 0)
		r = capture_write_open(path, &row->writer, err);
	return r;
}

static int begin_next(struct capture_set *set, struct row *row, struct netsim_err *err)
{
	struct capture_writing what = set->plan->what;
	char path[PATH_MAX];
	int r;

	if (set->plan->dir) {
		what.ports += row - set->rows;
		what.port_count = 1;
	}
	r = capture_write_begin(row->writer, &what, err);
	row->number++;
	row->begun = false;
	if (r < 0 || !rotates(set->plan) || !set->plan->keep || row->number <= set->plan->keep)
		return r;
	r = name_of(set, row, row->number - set->plan->keep, path, err);
	/* The file may have been removed already. */
	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "cannot remove %s: %s", path,
			    strerror(errno));
	return r;
}

static int close_row(struct capture_set *set, struct row *row, const struct capture_totals *totals,
		     int64_t time_ns, struct netsim_err *err)
{
	struct capture_writer *writer = row->writer;

	row->writer = NULL;
	if (totals && set->plan->dir)
		totals += row - set->rows;
	return capture_write_close(writer, totals, time_ns, err);
}

/* Splits "trace.pcapng" into "trace" and ".pcapng". */
static int split(struct row *row, const char *file, struct netsim_err *err)
{
	const char *slash = strrchr(file, '/'), *dot = strrchr(file, '.');

	if (!dot || (slash && dot <= slash + 1) || dot == file)
		dot = file + strlen(file);
	row->base = strndup(file, (size_t)(dot - file));
	row->end = strdup(dot);
	return row->base && row->end ? 0 : err_oom(err);
}

/* The port "n100-1/eth1" of the fleet n3x is written to DIR/n3x.n100-1.eth1.pcapng. */
static int name_row(struct row *row, const struct capture_plan *plan, const char *port,
		    struct netsim_err *err)
{
	const char *slash = strchr(port, '/');
	int node = slash ? (int)(slash - port) : (int)strlen(port);

	if (asprintf(&row->base, "%s/%s.%.*s%s%s", plan->dir, plan->prefix, node, port,
		     slash ? "." : "", slash ? slash + 1 : "") < 0) {
		row->base = NULL;
		return err_oom(err);
	}
	row->end = strdup(".pcapng");
	return row->end ? 0 : err_oom(err);
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
	set->rows = calloc(count + 1, sizeof(*set->rows));
	if (!set->rows)
		r = err_oom(err);
	if (r == 0 && plan->dir) {
		set->made_dir = mkdir(plan->dir, 0755) == 0;
		if (!set->made_dir && errno != EEXIST)
			r = err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "cannot create %s: %s",
				    plan->dir, strerror(errno));
	}
	for (size_t i = 0; r == 0 && i < count; i++) {
		set->count++;
		r = plan->dir ? name_row(&set->rows[i], plan, plan->what.ports[i], err) :
				split(&set->rows[i], plan->file, err);
		if (r == 0)
			r = open_next(set, &set->rows[i], err);
	}
	/* Truncate files only when all could be opened. */
	for (size_t i = 0; r == 0 && i < count; i++)
		r = begin_next(set, &set->rows[i], err);
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

static bool is_full(const struct capture_plan *plan, const struct row *row, int64_t time_ns)
{
	return row->begun &&
	       ((plan->rotate_bytes && capture_write_size(row->writer) >= plan->rotate_bytes) ||
		(plan->rotate_ns && time_ns - row->begin_ns >= plan->rotate_ns));
}

int capture_set_add(struct capture_set *set, const struct capture_written *packet,
		    const struct capture_totals *totals, struct netsim_err *err)
{
	struct row *row = &set->rows[set->plan->dir ? packet->port : 0];
	struct capture_written here = *packet;
	int r = 0;

	if (is_full(set->plan, row, packet->time_ns)) {
		r = close_row(set, row, totals, packet->time_ns, err);
		if (r == 0)
			r = open_next(set, row, err);
		if (r == 0)
			r = begin_next(set, row, err);
	}
	if (r < 0 || !row->writer)
		return r;
	if (!row->begun)
		row->begin_ns = packet->time_ns;
	row->begun = true;
	if (set->plan->dir)
		here.port = 0;
	return capture_write_add(row->writer, &here, err);
}

int capture_set_flush(struct capture_set *set, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->count; i++)
		r = capture_write_flush(set->rows[i].writer, err);
	return r;
}

uint64_t capture_set_files(const struct capture_set *set)
{
	uint64_t files = 0;

	for (size_t i = 0; i < set->count; i++)
		files += set->rows[i].number;
	return files;
}

int capture_set_close(struct capture_set *set, const struct capture_totals *totals, int64_t time_ns,
		      struct netsim_err *err)
{
	int r = 0;

	if (!set)
		return 0;
	for (size_t i = 0; i < set->count; i++) {
		int closed = close_row(set, &set->rows[i], totals, time_ns, err);

		r = r < 0 ? r : closed;
		free(set->rows[i].base);
		free(set->rows[i].end);
	}
	free(set->rows);
	free(set);
	return r;
}
