/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges rates: of directions of ends, and of paths. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "netsim/util/err.h"
#include "netsim/verify/judge_parts.h"

#define RATE_SHARE    0.01 /* tolerance of UDP */
#define RATE_COARSE   0.05 /* upper bound of the tolerance that calibration gives */
#define CONTROL_TIMES 3	   /* deviations of the scratch link beyond which a rate is wrong */
#define TCP_ABOVE     0.05 /* tolerance of TCP upwards: reads of a stream vary in size */
#define TCP_WAITED    0.02 /* share of the time without a processor that spoils a stream */
#define SENT_ENOUGH   1.04 /* times the expected rate: more than the link can pass */
#define SENT_MARGIN   0.03 /* by which what is sent exceeds what would still be right */
#define BLAME_SHARE   0.05
#define LEFT_OUT      "left out by --quick"

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

double verify_rate_tolerance(const struct verify_rate *r, bool above)
{
	double control = above ? r->excess : r->control;
	double coarse = control > 0 ? fmin(2 * control, RATE_COARSE) : 0;

	return fmax(RATE_SHARE, coarse) + r->slack;
}

bool verify_udp_fits(const struct verify_rate *r)
{
	double off = r->udp / (double)r->asked - 1;

	return r->udp < 0 || fabs(off) <= verify_rate_tolerance(r, off > 0);
}

static bool tcp_short(const struct verify_rate *r)
{
	return r->tcp >= 0 && r->tcp < r->tcp_least;
}

static bool tcp_fits(const struct verify_rate *r)
{
	return r->tcp < 0 ||
	       (!tcp_short(r) && r->tcp <= (1 + TCP_ABOVE + r->slack) * (double)r->tcp_asked);
}

bool verify_sent_too_little(const struct verify_rate *r)
{
	double enough = fmax(SENT_ENOUGH, 1 + verify_rate_tolerance(r, true) + SENT_MARGIN);

	return r->udp >= 0 && r->offered < enough * (double)r->asked;
}

bool verify_rate_fits(const struct verify_rate *r)
{
	return verify_udp_fits(r) && tcp_fits(r);
}

/* Returns whether the node itself slows its sender: the machine sends enough elsewhere. */
static bool slowed_inside(const struct verify_rate *r)
{
	return r->udp < (double)r->asked && verify_sent_too_little(r) && r->refused > 0 &&
	       r->machine >= SENT_ENOUGH * (double)r->asked;
}

/*
 * Finds the reason why a wrong rate of UDP proves nothing; false if there is none. The share
 * of the traffic that is missing must be explained by the scratch link and the time without
 * a processor.
 */
static bool excuse_udp(const struct verify_rate *r, char *why, size_t size)
{
	double asked = (double)r->asked, sent = fmin(asked, r->offered);
	bool above = r->udp > asked, little = !above && verify_sent_too_little(r);
	double off = fabs(r->udp / asked - 1), missed = fmax(0, 1 - r->udp / sent);
	double coarse = CONTROL_TIMES * fmax(0, above ? r->excess : r->control);
	double allowed = verify_rate_tolerance(r, above) + coarse;
	char text[32];

	if (above ? off > allowed : missed > allowed + r->idle || slowed_inside(r))
		return false;
	if (little && r->machine >= 0 && r->machine < SENT_ENOUGH * asked)
		snprintf(why, size, "this machine cannot send more than %s",
			 format_bps(r->machine, text, sizeof(text)));
	else if (!above && off <= allowed + r->idle && off > allowed)
		snprintf(why, size,
			 "the processors are busy: the sender did not run for %.0f %% of the time",
			 r->idle * 100);
	else if (little)
		snprintf(why, size, "this machine cannot send more than %s",
			 format_bps(r->offered, text, sizeof(text)));
	else
		snprintf(why, size, "a scratch link deviates by %.0f %% on this machine",
			 coarse / CONTROL_TIMES * 100);
	return true;
}

/* The same for TCP. */
static bool excuse_tcp(const struct verify_rate *r, char *why, size_t size)
{
	char text[32];

	if (r->tcp_idle > TCP_WAITED)
		snprintf(why, size, "the processors are busy: TCP waited %.0f %% of the time",
			 r->tcp_idle * 100);
	else if (tcp_short(r) && r->tcp_control >= 0 && r->tcp >= 0.9 * r->tcp_control)
		snprintf(why, size, "TCP reaches no more than %s on a scratch link like this one",
			 format_bps(r->tcp_control, text, sizeof(text)));
	else
		return false;
	return true;
}

/* Finds the reason why a rate is neither right nor wrong; false if there is none. */
static bool find_excuse(const struct verify_rate *r, char *why, size_t size)
{
	char text[32];

	if (r->why) {
		snprintf(why, size, "%s", r->why);
		return true;
	}
	if (!verify_udp_fits(r))
		return excuse_udp(r, why, size);
	if (!tcp_fits(r))
		return excuse_tcp(r, why, size);
	if (!verify_sent_too_little(r))
		return false;
	snprintf(why, size, "this machine cannot send more than %s",
		 format_bps(r->offered, text, sizeof(text)));
	return true;
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

		if (other->is_path || other->end != r->partner || other->up == r->up ||
		    !other->train != !r->train)
			continue;
		if (verify_rate_fits(other) || share_of(other) > own + BLAME_SHARE)
			return BLAME_OWN;
		return share_of(other) < own - BLAME_SHARE ? BLAME_PARTNER : BLAME_EITHER;
	}
	return BLAME_EITHER;
}

/* Appends to a reason. */
static void add_why(char *why, size_t size, const char *text)
{
	size_t used = strlen(why);

	snprintf(why + used, size - used, "%s%s", used ? "; " : "", text);
}

/* Adds where a rate is lost: in the node, if it slows its sender or has qdiscs on the way. */
static void say_where(const struct judge *j, const struct verify_rate *r, char *why, size_t size)
{
	const char *const *inside = r->up ? j->in->inside_up : j->in->inside_down;
	char text[160], sent[32], able[32];

	if (slowed_inside(r)) {
		snprintf(text, sizeof(text),
			 "%.60s sends no more than %s, where this machine sends %s",
			 j->in->ends[r->end], format_bps(r->offered, sent, sizeof(sent)),
			 format_bps(r->machine, able, sizeof(able)));
		add_why(why, size, text);
	}
	if (inside && inside[r->end])
		add_why(why, size, inside[r->end]);
}

/* Adds how exactly a rate could be measured, and the bound of TCP if it is below the rate. */
static void say_limits(const struct verify_rate *r, char *why, size_t size)
{
	double allowed = verify_rate_tolerance(r, r->udp > (double)r->asked);
	char text[96], rate[32];

	if (r->udp >= 0 && fabs(r->udp - (double)r->asked) > RATE_SHARE * (double)r->asked) {
		snprintf(text, sizeof(text), "the tolerance here is %.1f %%", allowed * 100);
		add_why(why, size, text);
	}
	if (r->tcp >= 0 && r->tcp_possible > 0 && r->tcp_possible < 0.99 * (double)r->tcp_asked) {
		snprintf(text, sizeof(text), "TCP can reach %s on this path",
			 format_bps(r->tcp_possible, rate, sizeof(rate)));
		add_why(why, size, text);
	}
}

static enum netsim_verdict judge_rate(const struct judge *j, const struct verify_rate *r, char *why,
				      size_t size)
{
	const char *partner = j->in->ends[r->partner];

	if (!r->why && verify_rate_fits(r) && !verify_sent_too_little(r)) {
		if (r->asked < r->own)
			snprintf(why, size, "its partner %s can handle no more", partner);
		say_limits(r, why, size);
		return NETSIM_AS_ASKED;
	}
	if (find_excuse(r, why, size))
		return NETSIM_UNPROVED;
	switch (slowed_inside(r) && r->up ? BLAME_OWN : find_blame(j, r)) {
	case BLAME_OWN:
		break;
	case BLAME_EITHER:
		snprintf(why, size, "this link or that of its partner %s is wrong", partner);
		break;
	case BLAME_PARTNER:
		snprintf(why, size, "the link of its partner %s is wrong", partner);
		return NETSIM_UNPROVED;
	}
	say_where(j, r, why, size);
	return NETSIM_NOT_AS_ASKED;
}

/* Finds a direction of one of the path's ends that limits it to a wrong rate. */
static const struct verify_rate *find_limiting(const struct judge *j, const struct verify_rate *r)
{
	for (size_t i = 0; i < j->in->rate_count; i++) {
		const struct verify_rate *other = &j->in->rates[i];

		if (!other->is_path && !other->why && !other->train == !r->train &&
		    other->end == (other->up ? r->end : r->partner) && other->udp >= 0 &&
		    !verify_udp_fits(other) && other->udp < (double)other->asked &&
		    other->udp < (1 + 2 * BLAME_SHARE) * r->udp)
			return other;
	}
	return NULL;
}

static enum netsim_verdict judge_path(const struct judge *j, const struct verify_rate *r, char *why,
				      size_t size)
{
	const struct verify_rate *limiting;

	if (!r->why && verify_rate_fits(r) && !verify_sent_too_little(r)) {
		say_limits(r, why, size);
		return NETSIM_AS_ASKED;
	}
	if (find_excuse(r, why, size))
		return NETSIM_UNPROVED;
	limiting = r->udp >= 0 && r->udp < (double)r->asked ? find_limiting(j, r) : NULL;
	if (limiting) {
		snprintf(why, size, "the link of %s is wrong", j->in->ends[limiting->end]);
		return NETSIM_UNPROVED;
	}
	say_where(j, r, why, size);
	return NETSIM_NOT_AS_ASKED;
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
	verify_values(row, "bps", (double)(r->is_path || r->train > 0 ? r->own : r->asked), NAN);
	format_bps(row->values.asked, row->asked, sizeof(row->asked));
	snprintf(row->why, sizeof(row->why), "%s", why);
	if (r->why || (r->udp < 0 && r->tcp < 0))
		return 0;
	row->values.measured = r->udp >= 0 ? r->udp : NAN;
	row->values.tcp = r->tcp >= 0 ? r->tcp : NAN;
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
			r = rate_row(j, rate, j->in->ends[end],
				     rate->train > 0 ? (rate->up ? "peak up" : "peak down") :
				     rate->up	     ? "rate up" :
						       "rate down");
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
				     rate->train > 0 ? "peak" : "rate");
	}
	return r;
}

/* Adds a row for the TCP streams that would have confirmed rates. */
static int left_tcp(struct judge *j)
{
	size_t count = 0;
	char why[96];

	for (size_t i = 0; i < j->in->rate_count; i++)
		count += j->in->rates[i].no_tcp;
	if (!count)
		return 0;
	snprintf(why, sizeof(why), "TCP for %zu rate%s %s", count, count == 1 ? "" : "s", LEFT_OUT);
	return verify_left_out(j, "all", "tcp", why);
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
		snprintf(why, sizeof(why), "%zu more pair%s %s", count, count == 1 ? "" : "s",
			 in->quick ? LEFT_OUT : "not measured: too many for one run");
		r = in->quick ? verify_left_out(j, subject, "rate", why) :
				verify_unmeasured(j, subject, "rate", why);
	}
	return r < 0 ? r : left_tcp(j);
}
