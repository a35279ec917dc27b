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

/* True if another path has the same name, but is on another VLAN. */
static bool is_ambiguous(const struct judge *j, const struct verify_path *path)
{
	for (size_t i = 0; path->vlan && i < j->in->path_count; i++) {
		const struct verify_path *other = &j->in->paths[i];

		if (other->from == path->from && other->to == path->to && other->vlan != path->vlan)
			return true;
	}
	return false;
}

const char *verify_pair_name(const struct judge *j, const struct verify_path *path, char *buf,
			     size_t size)
{
	char vlan[16] = "";

	if (is_ambiguous(j, path))
		snprintf(vlan, sizeof(vlan), " vlan %u", path->vlan);
	snprintf(buf, size, "%s > %s%s%s%s", j->in->ends[path->from], j->in->ends[path->to], vlan,
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
