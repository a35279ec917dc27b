/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixture for tests of the judge: conditions, and a made-up measurement of five ends and the
 * paths between them, of which a test changes some figures.
 */
#ifndef TESTS_UNIT_JUDGE_H
#define TESTS_UNIT_JUDGE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/verify/judge.h"

#define ENDS  5
#define PATHS (ENDS * (ENDS - 1))

static const char *const names[ENDS] = {"a", "b", "c", "d", "e"};

static inline void near_to(double got, double want, double room)
{
	if (!(fabs(got - want) <= room))
		fail_msg("got %.9g, wanted %.9g within %.3g", got, want, room);
}

static inline struct conditions delay_of(int64_t ns)
{
	return (struct conditions) {.has = 1U << COND_DELAY, .delay = {ns}};
}

static inline void add_loss(struct conditions *c, uint32_t ppb)
{
	c->has |= 1U << COND_LOSS;
	c->loss = (struct loss) {.model = LOSS_RANDOM, .ratio = {ppb}};
}

static inline void add_rate(struct conditions *c, uint64_t bps)
{
	c->has |= 1U << COND_RATE;
	c->rate.bps = bps;
}

struct fleet {
	struct verify_path paths[PATHS];
	struct verify_rate rates[4];
	size_t rate_count;
	struct verify_rows result;
	double timer_slack, stall, stall_sd;
	bool quick;
	const bool *about;	   /* by end; NULL: all */
	const char *const *inside; /* on the way out of each end; NULL: nothing */
};

/* Paths between all ends, with 5 ms and 1 % in each direction, measured exactly so. */
static inline void setup(struct fleet *f)
{
	size_t count = 0;

	*f = (struct fleet) {.timer_slack = 0.1};
	for (size_t a = 0; a < ENDS; a++)
		for (size_t b = 0; b < ENDS; b++) {
			struct verify_path *path = &f->paths[count];

			if (a == b)
				continue;
			*path = (struct verify_path) {.from = a,
						      .to = b,
						      .up = delay_of(5000000),
						      .down = delay_of(5000000),
						      .up_every = 10,
						      .down_every = 10};
			add_loss(&path->up, 10000000);
			add_loss(&path->down, 10000000);
			path->seen = (struct probe_seen) {.sent = 100,
							  .received = 98,
							  .min = 10,
							  .median = 10.1,
							  .mean = 10.1,
							  .sd = 0.1,
							  .spread = 0.1};
			path->many = (struct probe_seen) {.sent = 1000, .received = 980};
			count++;
		}
}

static inline void add_delay(struct probe_seen *seen, double ms)
{
	seen->min += ms;
	seen->median += ms;
	seen->mean += ms;
}

static inline struct verify_path *path_of(struct fleet *f, size_t from, size_t to)
{
	for (size_t i = 0; i < PATHS; i++)
		if (f->paths[i].from == from && f->paths[i].to == to)
			return &f->paths[i];
	fail();
	return NULL;
}

static inline void judge(struct fleet *f)
{
	const struct verify_input in = {.ends = names,
					.end_count = ENDS,
					.about = f->about,
					.paths = f->paths,
					.path_count = PATHS,
					.rates = f->rates,
					.rate_count = f->rate_count,
					.timer_slack = f->timer_slack,
					.stall = f->stall,
					.stall_sd = f->stall_sd,
					.quick = f->quick,
					.inside_up = f->inside};
	struct netsim_err err = {0};

	assert_int_equal(verify_judge(&in, &f->result, &err), 0);
}

static inline void forget_rows(struct fleet *f)
{
	free(f->result.list);
	f->result = (struct verify_rows) {0};
}

/* Expects exactly these failed rows: "a delay down; b > c loss". */
static inline void failed_are(struct fleet *f, const char *want)
{
	char got[2048] = "";
	size_t used = 0;

	judge(f);
	for (size_t i = 0; i < f->result.count; i++) {
		const struct verify_row *row = &f->result.list[i];

		if (row->verdict != NETSIM_NOT_AS_ASKED)
			continue;
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s %s",
					 used ? "; " : "", row->subject, row->what);
	}
	assert_string_equal(got, want);
	forget_rows(f);
}

static inline const struct verify_row *row_of(const struct fleet *f, const char *subject,
					      const char *what)
{
	for (size_t i = 0; i < f->result.count; i++) {
		const struct verify_row *row = &f->result.list[i];

		if (strcmp(row->subject, subject) == 0 && strcmp(row->what, what) == 0)
			return row;
	}
	fail_msg("no row %s %s", subject, what);
	return NULL;
}

static inline void has_row(const struct fleet *f, const char *subject, const char *what,
			   const char *asked, const char *measured, enum netsim_verdict verdict)
{
	const struct verify_row *row = row_of(f, subject, what);

	assert_string_equal(row->asked, asked);
	assert_string_equal(row->measured, measured);
	assert_int_equal(row->verdict, verdict);
}

static inline void has_why(const struct fleet *f, const char *subject, const char *what,
			   const char *why)
{
	assert_string_equal(row_of(f, subject, what)->why, why);
}

#endif
