/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares measurements with the requested conditions. Pure: no I/O.
 *
 * Measurements are of paths from one end to another, but most conditions belong to
 * ends: the uplink of one, the downlink of the other. The judge therefore attributes
 * deviations to directions of ends first (a wrong direction shows in all its paths), and
 * what remains to single paths.
 */
#ifndef NETSIM_VERIFY_JUDGE_H
#define NETSIM_VERIFY_JUDGE_H

#include "netsim/config/conditions.h"
#include "netsim/config/dist.h"
#include "netsim/probe/probe.h"

/* A directed path. The caller owns its texts and conditions. */
struct verify_path {
	size_t from, to;
	const char *from_name, *to_name; /* of its interfaces, instead of its ends; or NULL */
	const char *traffic;		 /* class of traffic; NULL: any */
	struct conditions up, path, down;
	bool cut;	       /* partitioned: nothing may pass */
	bool cut_alone;	       /* unlike the same path without its class */
	bool skip;	       /* not judged */
	const void *crossing;  /* the same of paths that share a rate between networks; or NULL */
	bool unmeasured;       /* skipped, because the measurement was interrupted */
	bool sizes_unmeasured; /* the same for sizes only */
	const char *why_up, *why_path, *why_down; /* why a hop's conditions are unknown, or NULL */
	bool echo;		     /* a round trip; up and down are of the far node */
	double up_every, down_every; /* ms between probes of all paths on either link */
	struct probe_seen seen;	     /* few probes, for delays */
	struct probe_seen many;	     /* many probes, for ratios; may be none */
	/* Of packets as large as may pass, and of larger ones; may be none. */
	struct probe_seen fitting, oversized;
	bool takes_larger; /* the links take packets that are too large to pass */
};

/*
 * The rate of one direction of an end, measured with one or several partners, or the
 * rate of a path from end to partner.
 */
struct verify_rate {
	size_t end, partner;
	bool up;
	bool is_path;
	double train;			/* of a peak: seconds that a burst lasts; else 0 */
	size_t path;			/* its index, if is_path */
	uint64_t own;			/* the requested rate of the direction or path */
	uint64_t asked;			/* the rate to expect: less with slow partners */
	double slack;			/* additional tolerance, as a share: for jitter */
	double udp, tcp;		/* bit/s; below 0: not measured */
	uint64_t tcp_asked;		/* the same for TCP, which uses one partner only */
	double tcp_possible, tcp_least; /* upper and lower bound of TCP; 0: only tcp_asked */
	double offered;			/* the rate of UDP sent */
	double refused;	       /* the share of it that the sender's interface did not take */
	double idle, tcp_idle; /* the share of the time lost because this process did not run */
	/*
	 * Of a scratch link with the same rate, measured in the same way: the greatest
	 * shortfall, as a share, the rate of UDP sent, and that of TCP. Below 0: not measured.
	 */
	double control, machine, tcp_control;
	double excess;	  /* the greatest deviation upwards; 0: none */
	const char *why;  /* the reason if it was not measured, or NULL */
	bool shared;	  /* the partner's link may be at fault instead */
	bool left_out;	  /* skipped: too many */
	bool no_tcp;	  /* TCP would confirm it, but the measurement is a quick one */
	bool any_partner; /* no partner has correct rates of its own: use any */
};

/* Why something is not measured after an interruption. */
#define VERIFY_INTERRUPTED "interrupted before it was measured"

/* Returns whether a measured rate is within tolerance: of UDP and TCP, or of UDP only. */
bool verify_rate_fits(const struct verify_rate *r);
bool verify_udp_fits(const struct verify_rate *r);
/*
 * Returns whether no more was sent than the link should pass, so that it had nothing to limit, or
 * no more than would be right if all of it had passed.
 */
bool verify_sent_too_little(const struct verify_rate *r);
/* Returns the tolerance of UDP above or below the expected rate, as a share. */
double verify_rate_tolerance(const struct verify_rate *r, bool above);

struct verify_input {
	const char *const *ends; /* their names */
	size_t end_count;
	/*
	 * By end: whether it is judged. Deviations are not attributed to the others, but to the
	 * paths to and from them. NULL: all are.
	 */
	const bool *about;
	const struct verify_path *paths;
	size_t path_count;
	const struct verify_rate *rates;
	size_t rate_count;
	double timer_slack; /* of this machine's timers, ms */
	/*
	 * Of probes on a scratch link: the share lost; the upper end of the 99.9 % interval of
	 * the mean lateness, in ms; and the standard deviation.
	 */
	double stray, stall, stall_sd;
	bool quick; /* some things are left out */
	/* By end: describes qdiscs inside the node on the way out and in; or NULL. */
	const char *const *inside_up, *const *inside_down;
};

/* A row of the verdict. */
struct verify_row {
	char subject[160]; /* "n100-1", "n100-1 > jetson-1", "all" */
	char what[32];	   /* "rtt", "rate up", "loss" */
	char asked[64], measured[96];
	enum netsim_verdict verdict;
	char why[320]; /* more about it, or "" */
	struct netsim_verify_values values;
};

/* Sets the numbers of a row, NAN for what there is none of; all others to NAN. */
void verify_values(struct verify_row *row, const char *unit, double asked, double measured);

struct verify_rows {
	struct verify_row *list; /* the caller's */
	size_t count;
};

/* Judges the measurements: appends rows to ret. Returns 0, or -ENOMEM with err filled. */
int verify_judge(const struct verify_input *in, struct verify_rows *ret, struct netsim_err *err);

/* --- parts of the judge, for tests and for planning the measurement */

/* The expected behaviour of a path; times in ms. */
struct verify_expect {
	double delay;  /* including growth */
	double sd;     /* of the delay */
	double growth; /* additional delay by keeping the order under jitter */
	double slack;  /* uncertainty of the delay upwards */
	double early;  /* the same downwards */
	double loss;   /* including corrupted packets */
	double bursts; /* variance of losses, relative to a binomial distribution */
	double duplicate;
	uint64_t rate;	 /* bit/s, 0: none */
	unsigned hops;	 /* number of hops that delay packets */
	bool order_free; /* reordering is allowed */
};

/* Computes the expected behaviour of a path. Returns 0 or -ENOMEM. */
int verify_expect(const struct verify_path *path, struct dist_tables *tables,
		  struct verify_expect *ret);

/* Returns the length in bytes of the largest IP packets that pass all hops, 0: any. */
unsigned verify_size_limit(const struct verify_path *path);
/* Returns the standard deviation of the delay of a single direction, in ms. */
double verify_jitter(const struct conditions *c);
/*
 * Returns how long a full bucket lasts at its peak, in seconds; 0 if it has no peak.
 */
double verify_dry(const struct conditions *c);
/* Returns the number of bits that a shaper passes faster than at its rate. */
double verify_burst(const struct conditions *c);
/* Returns how long it takes to fill an empty bucket, in seconds; 0 if there is none. */
double verify_refill(const struct conditions *c);
/*
 * Returns the rate at which a full bucket passes a train of this length, which comes at bps;
 * UINT64_MAX: as it comes.
 */
uint64_t verify_train(const struct conditions *c, double bps, double seconds);
/* Returns the rate of a hop; UINT64_MAX if it has none. */
uint64_t verify_rate_of(const struct conditions *c);
/* Returns the hop of a path on which full frames take longest; the first of several. */
const struct conditions *verify_slowest_hop(const struct verify_path *path);
/* Returns the rate of a path without the hop that r is of, as that one counts. */
uint64_t verify_rest(const struct verify_path *path, const struct verify_rate *r);
/*
 * Returns what the other hops of a path let through while a full bucket of hop lasts at its peak;
 * 0 if it has none.
 */
double verify_supply(const struct verify_path *path, const struct conditions *hop);
/*
 * Returns the bits that a full bucket with a peak passes faster than at its rate if so much comes,
 * and the seconds that it takes; 0 if it does not become empty.
 */
double verify_use_up(const struct conditions *c, double supply, double *ret_seconds);
/* Returns the mean loss of a direction, as a share. */
double verify_loss(const struct conditions *c);
/* Returns the variance of the number of losses, relative to that of independent losses. */
double verify_bursts(const struct conditions *c);

/*
 * Computes the Clopper-Pearson confidence interval of a probability after count successes
 * in n trials, which need not be integers; alpha is the error probability.
 */
void verify_interval(double count, double n, double alpha, double *low, double *high);

#endif
