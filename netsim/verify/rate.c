/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges rates: of directions of ends, and of paths. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "netsim/util/err.h"
#include "netsim/verify/judge_parts.h"

#define RATE_SHARE 0.05
#define TCP_SHARE  0.8 /* TCP leaves a link idle while it recovers from losses */

/* Formats a rate with three significant digits: "9.96 mbit". */
static const char *format_bps(double bps, char *buf, size_t size)
{
	static const char *const units[] = {"bit", "kbit", "mbit", "gbit", "tbit"};
	size_t unit = 0;

	while (bps >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bps /= 1000;
		unit++;
	}
	snprintf(buf, size, "%.*f %s", bps < 9.995 ? 2 : bps < 99.95 ? 1 : 0, bps, units[unit]);
	return buf;
}

static bool udp_fits(const struct verify_rate *r)
{
	double most = RATE_SHARE + r->slack;

	return r->udp < 0 || fabs(r->udp - (double)r->asked) <= most * (double)r->asked;
}

static bool tcp_fits(const struct verify_rate *r)
{
	double asked = (double)r->tcp_asked;

	return r->tcp < 0 ||
	       (r->tcp >= TCP_SHARE * asked && r->tcp <= (1 + RATE_SHARE + r->slack) * asked);
}

bool verify_rate_fits(const struct verify_rate *r)
{
	return udp_fits(r) && tcp_fits(r);
}

static bool rate_known(const struct verify_rate *r)
{
	/* If the sender was too slow, a low rate says nothing about the link. */
	return !r->why &&
	       (udp_fits(r) || r->offered >= 1.04 * (double)r->asked || r->udp > (double)r->asked);
}

/* Returns the measured rate as a share of the expected one. */
static double share_of(const struct verify_rate *r)
{
	double udp = r->udp < 0 ? 1 : r->udp / (double)r->asked;
	double tcp = r->tcp < 0 ? 1 : r->tcp / (double)r->tcp_asked;

	return fmin(udp, tcp);
}

/* The link at fault if a rate is too low: the end's own, the partner's, or either. */
enum blame { BLAME_OWN, BLAME_EITHER, BLAME_PARTNER };

static enum blame find_blame(const struct judge *j, const struct verify_rate *r)
{
	double own = share_of(r);

	if (!r->shared || own > 1)
		return BLAME_OWN;
	for (size_t i = 0; i < j->in->rate_count; i++) {
		const struct verify_rate *other = &j->in->rates[i];

		if (other->is_path || other->end != r->partner || other->up == r->up)
			continue;
		if (verify_rate_fits(other) || share_of(other) > own + RATE_SHARE)
			return BLAME_OWN;
		return share_of(other) < own - RATE_SHARE ? BLAME_PARTNER : BLAME_EITHER;
	}
	return BLAME_EITHER;
}

static enum netsim_verdict judge_rate(const struct judge *j, const struct verify_rate *r, char *why,
				      size_t size)
{
	const char *partner = j->in->ends[r->partner];
	char text[32];

	if (r->why) {
		snprintf(why, size, "%s", r->why);
		return NETSIM_NOT_MEASURED;
	}
	if (!rate_known(r)) {
		snprintf(why, size, "this machine cannot send more than %s",
			 format_bps(r->offered, text, sizeof(text)));
		return NETSIM_NOT_MEASURED;
	}
	if (verify_rate_fits(r)) {
		if (r->asked < r->own)
			snprintf(why, size, "its partner %s can handle no more", partner);
		return NETSIM_AS_ASKED;
	}
	switch (find_blame(j, r)) {
	case BLAME_OWN:
		break;
	case BLAME_EITHER:
		snprintf(why, size, "this link or that of its partner %s is wrong", partner);
		break;
	case BLAME_PARTNER:
		snprintf(why, size, "the link of its partner %s is wrong", partner);
		return NETSIM_NOT_MEASURED;
	}
	return NETSIM_NOT_AS_ASKED;
}

/* Finds a direction of one of its ends that limits the path to a wrong rate. */
static const struct verify_rate *find_limiting(const struct judge *j, const struct verify_rate *r)
{
	for (size_t i = 0; i < j->in->rate_count; i++) {
		const struct verify_rate *other = &j->in->rates[i];

		if (!other->is_path && !other->why &&
		    other->end == (other->up ? r->end : r->partner) && other->udp >= 0 &&
		    !udp_fits(other) && other->udp < (double)other->asked &&
		    other->udp < (1 + 2 * RATE_SHARE) * r->udp)
			return other;
	}
	return NULL;
}

static enum netsim_verdict judge_path(const struct judge *j, const struct verify_rate *r, char *why,
				      size_t size)
{
	const struct verify_rate *limiting;
	char text[32];

	if (r->why) {
		snprintf(why, size, "%s", r->why);
		return NETSIM_NOT_MEASURED;
	}
	if (!rate_known(r)) {
		snprintf(why, size, "this machine cannot send more than %s",
			 format_bps(r->offered, text, sizeof(text)));
		return NETSIM_NOT_MEASURED;
	}
	if (verify_rate_fits(r))
		return NETSIM_AS_ASKED;
	limiting = r->udp >= 0 && r->udp < (double)r->asked ? find_limiting(j, r) : NULL;
	if (!limiting)
		return NETSIM_NOT_AS_ASKED;
	snprintf(why, size, "the link of %s is wrong", j->in->ends[limiting->end]);
	return NETSIM_NOT_MEASURED;
}

static int rate_row(struct judge *j, const struct verify_rate *r, const char *subject,
		    const char *what)
{
	char why[sizeof(((struct verify_row *)0)->why)] = "", udp[32], tcp[32];
	enum netsim_verdict verdict = r->is_path ? judge_path(j, r, why, sizeof(why)) :
						   judge_rate(j, r, why, sizeof(why));
	struct verify_row *row = verify_row(j, verdict, subject, what);

	if (!row)
		return -ENOMEM;
	format_bps((double)(r->is_path ? r->own : r->asked), row->asked, sizeof(row->asked));
	snprintf(row->why, sizeof(row->why), "%s", why);
	if (verdict == NETSIM_NOT_MEASURED)
		return 0;
	format_bps(r->udp, udp, sizeof(udp));
	format_bps(r->tcp, tcp, sizeof(tcp));
	if (r->udp >= 0 && r->tcp >= 0)
		snprintf(row->measured, sizeof(row->measured), "%s (tcp %s)", udp, tcp);
	else if (r->tcp >= 0)
		snprintf(row->measured, sizeof(row->measured), "tcp %s", tcp);
	else
		snprintf(row->measured, sizeof(row->measured), "%s", udp);
	return 0;
}

int verify_end_rates(struct judge *j, size_t end)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->in->rate_count; i++) {
		const struct verify_rate *rate = &j->in->rates[i];

		if (!rate->is_path && rate->end == end)
			r = rate_row(j, rate, j->in->ends[end], rate->up ? "rate up" : "rate down");
	}
	return r;
}

int verify_path_rates(struct judge *j, size_t p)
{
	const struct verify_path *path = &j->in->paths[p];
	char name[160];
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->in->rate_count; i++) {
		const struct verify_rate *rate = &j->in->rates[i];

		if (rate->is_path && rate->path == p && !rate->left_out && !path->skip)
			r = rate_row(j, rate, verify_pair_name(j, path, name, sizeof(name)),
				     "rate");
	}
	return r;
}

/* Adds one row for all pairs whose rates were left out, and one for those of each class. */
int verify_left_rates(struct judge *j)
{
	const struct verify_input *in = j->in;
	int r = 0;

	for (size_t p = 0; r == 0 && p < in->path_count; p++) {
		const char *traffic = in->paths[p].traffic;
		size_t count = 0, first = SIZE_MAX;
		char subject[64], why[96];

		for (size_t i = 0; i < in->rate_count; i++) {
			const char *other = in->paths[in->rates[i].path].traffic;

			if (!in->rates[i].left_out ||
			    (traffic && other ? strcmp(traffic, other) != 0 : traffic != other))
				continue;
			count++;
			first = in->rates[i].path < first ? in->rates[i].path : first;
		}
		if (first != p)
			continue;
		snprintf(subject, sizeof(subject), "all%s%s", traffic ? " " : "",
			 traffic ? traffic : "");
		snprintf(why, sizeof(why), "%zu more pair%s left out to save time", count,
			 count == 1 ? "" : "s");
		r = verify_unmeasured(j, subject, "rate", why);
	}
	return r;
}
