// SPDX-License-Identifier: GPL-2.0-or-later
/* Appends the rows of a verdict. */
#include <errno.h>
#include <math.h>
#include <string.h>

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
	verify_values(row, NULL, NAN, NAN);
	snprintf(row->subject, sizeof(row->subject), "%s", subject);
	snprintf(row->what, sizeof(row->what), "%s", what);
	return row;
}

void verify_values(struct verify_row *row, const char *unit, double asked, double measured)
{
	row->values = (struct netsim_verify_values) {.unit = unit,
						     .asked = asked,
						     .measured = measured,
						     .sd = NAN,
						     .low = NAN,
						     .high = NAN,
						     .tcp = NAN};
}

const char *verify_pair_name(const struct judge *j, const struct verify_path *path, char *buf,
			     size_t size)
{
	snprintf(buf, size, "%s > %s%s%s",
		 path->from_name ? path->from_name : j->in->ends[path->from],
		 path->to_name ? path->to_name : j->in->ends[path->to], path->traffic ? " " : "",
		 path->traffic ? path->traffic : "");
	return buf;
}

void verify_say_inside(const struct judge *j, struct verify_row *row, size_t end, bool up)
{
	const char *const *inside = up ? j->in->inside_up : j->in->inside_down;
	size_t used = strlen(row->why);

	if (row->verdict == NETSIM_NOT_AS_ASKED && inside && inside[end])
		snprintf(row->why + used, sizeof(row->why) - used, "%s%s", used ? "; " : "",
			 inside[end]);
}

static int add_why(struct verify_row *row, const char *why)
{
	if (!row)
		return -ENOMEM;
	snprintf(row->why, sizeof(row->why), "%s", why);
	return 0;
}

int verify_unmeasured(struct judge *j, const char *subject, const char *what, const char *why)
{
	return add_why(verify_row(j, NETSIM_UNPROVED, subject, what), why);
}

int verify_left_out(struct judge *j, const char *subject, const char *what, const char *why)
{
	return add_why(verify_row(j, NETSIM_LEFT_OUT, subject, what), why);
}
