/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the judge share. */
#ifndef NETSIM_VERIFY_PARTS_H
#define NETSIM_VERIFY_PARTS_H

#include "netsim/verify/judge.h"

#define VERIFY_ALPHA 0.001 /* chance of a false alarm of one row of ratios */

/* How many of how many, in one direction or on one path. */
struct tally {
	double count, n;  /* after allowing for bursts */
	double low, high; /* of what the direction itself does */
	double measured;  /* likewise */
	bool known, failed;
};

/* One direction of an end: 2 * end for up, 2 * end + 1 for down. */
struct direction {
	const struct conditions *own; /* NULL: on no path */
	size_t paths;		      /* that could be measured */
	bool dead;		      /* everything that should pass is lost */
	double residual, noise;	      /* of the delay, ms */
	double sd;		      /* as measured, of the direction by itself */
	double sd_beside;	      /* that of all hops together, where it was seen */
	bool sd_known, sd_failed, sd_hidden, delay_failed;
	struct tally loss, duplicate;
};

struct judge {
	const struct verify_input *in;
	struct verify_rows *ret;
	struct netsim_err *err;
	struct verify_expect *expect; /* of each path */
	struct direction *directions;
	bool *usable;	    /* paths that delay and ratios can be taken from */
	bool *late, *lossy; /* paths that deviate by themselves */
	struct dist_tables tables;
};

/* The two directions of a path. */
#define UP_OF(path)   (2 * (path)->from)
#define DOWN_OF(path) (2 * (path)->to + 1)

/* What is judged by itself, not by what its ends' directions do. */
static inline bool verify_alone(const struct verify_path *path)
{
	return path->traffic || path->echo;
}

/* Whether the path says something about its ends' directions. */
static inline bool verify_counts(const struct judge *j, size_t p)
{
	return j->usable[p] && !verify_alone(&j->in->paths[p]);
}

/* A new row, NULL when out of memory (err is filled). */
struct verify_row *verify_row(struct judge *j, enum netsim_verdict verdict, const char *subject,
			      const char *what);

/* "a > b", "a > b class". */
const char *verify_pair_name(const struct judge *j, const struct verify_path *path, char *buf,
			     size_t size);
/* A row that says why something was not measured. */
int verify_unmeasured(struct judge *j, const char *subject, const char *what, const char *why);

/* Lays the delays' deviations to directions and paths. */
int verify_delays(struct judge *j);
/* The rows of an end's delay and jitter; of a path's. */
int verify_delay_rows(struct judge *j, size_t end);
int verify_path_delay(struct judge *j, size_t p, const char *subject, const char *what);
/* How much a path's delay may deviate. */
double verify_tolerance(const struct judge *j, size_t p);
/* What a path's delay is measured as: the median, with jitter the mean. */
double verify_delay_of(const struct judge *j, size_t p);

/* The same for what is lost and duplicated. */
int verify_ratios(struct judge *j);
int verify_ratio_rows(struct judge *j, size_t end);
/* The share that a path lost. */
double verify_loss_of(const struct judge *j, size_t p);
int verify_path_loss(struct judge *j, size_t p, const char *subject);

/* The rows of an end's rates, of a path's, and of those that were left out. */
int verify_end_rates(struct judge *j, size_t end);
int verify_path_rates(struct judge *j, size_t p);
int verify_left_rates(struct judge *j);

#endif
