// SPDX-License-Identifier: GPL-2.0-or-later
/* report: reads the evidence of a run from its folder, and judges it again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "netsim/api/run_verdict.h"
#include "netsim/util/arena.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"
#include "netsim/util/err.h"

#define FILE_MOST   (4UL << 30) /* bytes of one file */
#define SOURCE_MOST (16U << 20) /* bytes of the scenario */

/* A folder of several runs has one folder for each. */
static int refuse_folder(const char *folder, const char *missing, struct netsim_err *err)
{
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "%s is not the folder of a run: it has no %s",
		folder, missing);
	err_hint(err, "if it has those of several runs, name one of them");
	return -ENOENT;
}

static int read_file(struct evidence *ev, const char *folder, const char *name, bool needed,
		     struct netsim_err *err)
{
	char path[4096];
	auto_close int fd = -1;
	auto_buf struct buf text = {0};
	struct evidence_file file = {.name = path};
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return err_set(err, NETSIM_ERR_USAGE, -ENAMETOOLONG, NULL, "the path is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !needed)
		return 0;
	if (fd < 0 && errno == ENOENT)
		return refuse_folder(folder, name, err);
	if (fd < 0)
		return err_errno(err, -errno, NULL, "cannot read %s", path);
	r = buf_read(&text, fd, FILE_MOST);
	if (r < 0)
		return err_errno(err, r, NULL, "cannot read %s", path);
	return text.len ? evidence_read(ev, &file, text.data, text.len, err) : 0;
}

/* Reads the copy of the scenario, or the part of it that was written; it may be missing. */
static int read_source(const char *folder, struct netsim_run *ret)
{
	char path[4096];
	auto_close int fd = -1;
	auto_buf struct buf text = {0};

	if (snprintf(path, sizeof(path), "%s/scenario.yaml", folder) >= (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || buf_read(&text, fd, SOURCE_MOST) < 0 || !text.data)
		return 0;
	ret->source = arena_strdup(ret, text.data);
	return ret->source ? 0 : -ENOMEM;
}

int run_add_folder(struct netsim_run *run, const char *folder)
{
	run->folder = arena_strdup(run, folder);
	return run->folder ? read_source(folder, run) : -ENOMEM;
}

int netsim_report(const char *folder, struct netsim_run **ret, struct netsim_err *err)
{
	struct evidence ev = {0};
	struct netsim_run *result = NULL;
	int r = read_file(&ev, folder, "events.jsonl", true, err);

	if (r == 0)
		r = read_file(&ev, folder, "samples.jsonl", false, err);
	if (r == 0)
		r = read_file(&ev, folder, "history.jsonl", false, err);
	if (r == 0)
		r = read_file(&ev, folder, "metrics.jsonl", false, err);
	if (r == 0)
		r = run_judge(&ev, &result, err);
	evidence_done(&ev);
	if (r < 0)
		return r;
	if (run_add_folder(result, folder) < 0) {
		netsim_run_free(result);
		return err_oom(err);
	}
	*ret = result;
	return 0;
}

void netsim_run_free(struct netsim_run *run)
{
	if (run)
		netsim_measurement_free(run->traffic);
	arena_free(run);
}
