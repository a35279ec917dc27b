/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was asked for against what was measured. Pure: no I/O.
 *
 * What is measured are paths, from one end to another; what is asked for are mostly
 * the conditions of ends: the uplink of the one, the downlink of the other. So the
 * deviations of all paths are laid to directions of ends first (a wrong direction
 * shows in all its paths), and what these do not explain to single paths.
 */
#ifndef NETSIM_VERIFY_H
#define NETSIM_VERIFY_H

#include "netsim/config/conditions.h"
#include "netsim/config/dist.h"
#include "netsim/probe/probe.h"

/* A directed path. Its texts and conditions belong to the caller. */
struct verify_path {
	size_t from, to;
	const char *traffic; /* the class of traffic, NULL: any */
	struct conditions up, path, down;
	bool cut;				  /* nothing may pass */
	bool skip;				  /* not judged */
	const char *why_up, *why_path, *why_down; /* a hop whose conditions cannot be told */
	bool echo; /* there and back: up and down are those of the node at its end */
	double up_every, down_every; /* ms between probes on either link, all paths together */
	struct probe_seen seen;	     /* few probes, for times */
	struct probe_seen many;	     /* many, for ratios; may be none */
};

/*
 * The rate of one direction of an end, measured through one partner or several; or
 * that of a path, whose ends these are.
 */
struct verify_rate {
	size_t end, partner;
	bool up;
	bool is_path;
	size_t path;	    /* then: which one */
	uint64_t own;	    /* what is asked of the direction, or of the path */
	uint64_t asked;	    /* what is asked of what was measured: less with a slow partner */
	double slack;	    /* how much more it may deviate, as a share: for jitter */
	double udp, tcp;    /* bit/s; below 0: not measured */
	uint64_t tcp_asked; /* TCP goes to one partner: the rate of that path */
	double offered;	    /* what was sent of UDP */
	const char *why;    /* it was not measured */
	bool shared;	    /* the partner's link may as well be the wrong one */
	bool left_out;	    /* one of too many */
	bool any_partner;   /* there is none whose own rates are right */
};

bool verify_rate_fits(const struct verify_rate *r);

struct verify_input {
	const char *const *ends; /* their names */
	size_t end_count;
	const struct verify_path *paths;
	size_t path_count;
	const struct verify_rate *rates;
	size_t rate_count;
	double lateness; /* of this machine's timers, ms */
};

/* A row of the verdict. */
struct verify_row {
	char subject[160]; /* "n100-1", "n100-1 > jetson-1", "all" */
	char what[32];	   /* "rtt", "rate up", "loss" */
	char asked[64], measured[96];
	enum netsim_verdict verdict;
	char why[160]; /* more about it, or "" */
};

struct verify_rows {
	struct verify_row *list; /* the caller's */
	size_t count;
};

/* Appends rows to ret. */
int verify_judge(const struct verify_input *in, struct verify_rows *ret, struct netsim_err *err);

/* --- the parts, for tests and for who plans the measurement */

/* What a path is expected to do; times in ms. */
struct verify_expect {
	double delay;  /* with what keeping the order adds */
	double sd;     /* of the delay */
	double growth; /* what keeping the order adds */
	double slack;  /* of the delay: what is not known exactly */
	double loss;   /* with what is damaged */
	double bursts; /* how much the variance of losses exceeds the binomial's */
	double duplicate;
	uint64_t rate;	 /* bit/s, 0: none */
	unsigned hops;	 /* that hold packets back */
	bool order_free; /* packets may overtake each other */
};

int verify_expect(const struct verify_path *path, struct dist_tables *tables,
		  struct verify_expect *ret);

/* The standard deviation of the delay of one direction by itself, in ms. */
double verify_jitter(const struct conditions *c);
/* The share of packets that a direction loses on the long run. */
double verify_loss(const struct conditions *c);
/* The variance of the number of losses, against that of independent ones. */
double verify_bursts(const struct conditions *c);

/*
 * Clopper and Pearson's interval of a probability of which count of n trials came
 * true; it misses the truth with the probability alpha. Real numbers are fine.
 */
void verify_interval(double count, double n, double alpha, double *low, double *high);

#endif
