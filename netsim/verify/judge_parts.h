/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to the judge. */
#ifndef NETSIM_VERIFY_JUDGE_PARTS_H
#define NETSIM_VERIFY_JUDGE_PARTS_H

#include "netsim/verify/judge.h"

#define VERIFY_ALPHA 0.001 /* probability of a false alarm per row of ratios */

/*
 * Two readings of the delays of a path. Late timers lengthen delays and never shorten
 * one: the least delay is that of the path, the usual one that of its traffic.
 * With jitter both are the mean.
 */
enum reading { READ_LEAST, READ_USUAL, READINGS };

/* A ratio of packets, in one direction or on one path. */
struct tally {
	double count, n;  /* packets that count, of n */
	double low, high; /* confidence interval of the direction itself */
	double measured;  /* the ratio of the direction itself */
	bool known, failed;
};

/* With this share of loss, a path on which nothing arrives is no surprise. */
#define VERIFY_MUTE 0.9

/* One direction of an end: 2 * end for up, 2 * end + 1 for down. */
struct direction {
	const struct conditions *own; /* NULL: on no path */
	size_t paths;		      /* number of paths on which enough arrives to time it */
	size_t tried;		      /* number of paths that show its loss */
	bool dead;		      /* everything that should pass is lost */
	double residual[READINGS];    /* deviation of the delay, by reading; ms */
	double noise;		      /* uncertainty of the residuals; ms */
	double raw;		      /* median deviation of whole paths, by READ_LEAST */
	double sd;		      /* measured, of the direction itself */
	double sd_beside;	      /* expected, of all hops of the path used for sd */
	bool sd_known, sd_failed, sd_hidden;
	enum netsim_verdict delay;
	struct tally loss, duplicate;
};

struct judge {
	const struct verify_input *in;
	struct verify_rows *ret;
	struct netsim_err *err;
	struct verify_expect *expect; /* of each path */
	struct direction *directions;
	bool *usable;	    /* paths usable for delay */
	bool *counted;	    /* paths usable for ratios; also silent ones, if loss explains that */
	bool *late, *lossy; /* paths with a deviation that their ends do not explain */
	bool *unclear;	    /* paths whose delay is too long, or seems so because of late timers */
	struct dist_tables tables;
};

/* The two directions of a path. */
#define UP_OF(path)   (2 * (path)->from)
#define DOWN_OF(path) (2 * (path)->to + 1)

/* Returns whether a path is judged on its own, not by the directions of its ends. */
static inline bool verify_alone(const struct verify_path *path)
{
	return path->traffic || path->echo;
}

/* Returns whether a path counts for the directions of its ends. */
static inline bool verify_counts(const struct judge *j, size_t p)
{
	return j->usable[p] && !verify_alone(&j->in->paths[p]);
}

/* Returns whether a path shows the loss of a direction: not if its other hops lose most of it. */
bool verify_shows_loss(const struct judge *j, size_t p, size_t d);

/* Returns whether an end is judged, not only paths to and from it. */
static inline bool verify_is_about(const struct judge *j, size_t end)
{
	return !j->in->about || j->in->about[end];
}

/* Adds the qdiscs inside the node of an end, on the way out (up) or in, to a failed row. */
void verify_say_inside(const struct judge *j, struct verify_row *row, size_t end, bool up);
/* Appends a row; returns NULL with err filled if out of memory. */
struct verify_row *verify_row(struct judge *j, enum netsim_verdict verdict, const char *subject,
			      const char *what);

/* Formats the name of a path: "a > b" or "a > b class". */
const char *verify_pair_name(const struct judge *j, const struct verify_path *path, char *buf,
			     size_t size);
/* Adds a row for something not measured, with the reason. */
int verify_unmeasured(struct judge *j, const char *subject, const char *what, const char *why);
/* Adds a row for something that `quick` leaves out, with the reason. */
int verify_left_out(struct judge *j, const char *subject, const char *what, const char *why);

/* Attributes deviations of the delay to directions and paths. */
int verify_delays(struct judge *j);
/* Add the rows for delay and jitter of an end, and for the delay of a path. */
int verify_delay_rows(struct judge *j, size_t end);
int verify_path_delay(struct judge *j, size_t p, const char *subject, const char *what);
/* Returns a path's measured delay in ms: the median, or the mean if it has jitter. */
double verify_delay_of(const struct judge *j, size_t p);

/* The same for loss and duplication. */
int verify_ratios(struct judge *j);
int verify_ratio_rows(struct judge *j, size_t end);
/* Returns the share of packets that a path lost. */
double verify_loss_of(const struct judge *j, size_t p);
int verify_path_loss(struct judge *j, size_t p, const char *subject);

/* Adds the rows for paths that only packets up to a size pass. */
int verify_size_rows(struct judge *j);

/* Add the rows for rates of an end, of a path, and for rates left out. */
int verify_end_rates(struct judge *j, size_t end);
int verify_path_rates(struct judge *j, size_t p);
int verify_left_rates(struct judge *j);

#endif
