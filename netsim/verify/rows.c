// SPDX-License-Identifier: GPL-2.0-or-later
/* Appends the rows of a verdict. */
#include <errno.h>

#include "netsim/util/array.h"
#include "netsim/util/err.h"
#include "netsim/verify/judge_parts.h"

struct verify_row *verify_row(struct judge *j, enum netsim_verdict verdict, const char *subject,
			      const char *what)
{
	struct verify_row *row = array_push(j->ret->list, j->ret->count);

	if (!row) {
		err_oom(j->err);
		return NULL;
	}
	row->verdict = verdict;
	snprintf(row->subject, sizeof(row->subject), "%s", subject);
	snprintf(row->what, sizeof(row->what), "%s", what);
	return row;
}

const char *verify_pair_name(const struct judge *j, const struct verify_path *path, char *buf,
			     size_t size)
{
	snprintf(buf, size, "%s > %s%s%s", j->in->ends[path->from], j->in->ends[path->to],
		 path->traffic ? " " : "", path->traffic ? path->traffic : "");
	return buf;
}

int verify_unmeasured(struct judge *j, const char *subject, const char *what, const char *why)
{
	struct verify_row *row = verify_row(j, NETSIM_NOT_MEASURED, subject, what);

	if (!row)
		return -ENOMEM;
	snprintf(row->why, sizeof(row->why), "%s", why);
	return 0;
}
