/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Qdiscs: netem and tbf as netsim uses them, and the dump of all. A shaped
 * device has netem at its root under the handle MARK_HANDLE, and below it, once
 * a burst was asked for, a tbf, or with the edt engine an fq. Both change in place: a root that is
 * swapped drops what passes meanwhile. The writing functions append to the batch of rt.
 */
#ifndef NETSIM_QDISC_H
#define NETSIM_QDISC_H

#include <stdbool.h>
#include <stdint.h>

#include "netsim/config/conditions.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/rtnl.h"

#define QDISC_ROOT   ((uint32_t)MARK_HANDLE << 16)
#define QDISC_CHILD  ((uint32_t)(MARK_HANDLE + 1) << 16) /* a tbf */
#define QDISC_CLSACT 0xffff0000U
#define QDISC_FQ     ((uint32_t)(MARK_HANDLE + 2) << 16)

/* netem's parameters, as the kernel counts them. */
struct netem {
	uint64_t delay, jitter;		      /* nanoseconds */
	uint32_t limit;			      /* packets, never 0 */
	uint32_t duplicate, corrupt, reorder; /* probability x (2^32 - 1) */
	uint64_t rate;			      /* bytes per second, 0: none */
	enum loss_model loss_model;
	uint32_t loss;			  /* LOSS_RANDOM */
	uint32_t p, r, bad, good;	  /* LOSS_GILBERT_ELLIOTT */
	uint32_t p13, p31, p32, p23, p14; /* LOSS_4STATE */
	int64_t slot_min, slot_max;	  /* nanoseconds, 0: none */
	uint32_t slot_packets, slot_bytes;
	const int16_t *table; /* of the jitter; NULL: the one in force */
	size_t table_len;
	bool has_seed;
	uint64_t seed;
};

struct tbf {
	uint64_t rate;	/* bytes per second */
	uint32_t burst; /* bytes */
	uint32_t limit; /* bytes in the queue */
};

/* A netem that lets everything pass, as large as a device's usual queue. */
#define NETEM_IDLE ((struct netem) {.limit = 1000})
/*
 * A netem that delays nothing, but lets a packet go from its sender's accounts:
 * what fq below it holds must not throttle who sent it. Any rate does that.
 */
#define NETEM_HOLD_RATE	   (1ULL << 50)
#define NETEM_HOLD(limit_) ((struct netem) {.limit = (limit_), .rate = NETEM_HOLD_RATE})
/* A tbf that is no bottleneck. */
#define TBF_IDLE ((struct tbf) {.rate = 1250000000000, .burst = 64 << 20, .limit = 256 << 20})

/* What to do where the qdisc is there already, and where it is not. */
enum qdisc_verb { QDISC_ADD, QDISC_CHANGE };

/* at: the place of the conditions in the profile, or NULL. */
void qdisc_put_netem(struct rt *rt, enum qdisc_verb verb, int ifindex, const struct netem *netem,
		     const struct netsim_loc *at, const char *who);
void qdisc_put_tbf(struct rt *rt, enum qdisc_verb verb, int ifindex, const struct tbf *tbf,
		   const struct netsim_loc *at, const char *who);
/*
 * Puts an fq below netsim's root, in place of a tbf, or changes the one that is
 * there: it holds up to limit packets until their time of departure.
 */
void qdisc_put_fq(struct rt *rt, int ifindex, uint32_t limit, const char *who);
void qdisc_put_idle(struct rt *rt, int ifindex, const char *who);
/* A tbf alone, for finding out whether there is one. */
void qdisc_put_tbf_root(struct rt *rt, int ifindex, const struct tbf *tbf, const char *who);
void qdisc_add_clsact(struct rt *rt, int ifindex, const char *who);
void qdisc_del_clsact(struct rt *rt, int ifindex, const char *who);
/* Removes netsim's root and what is below. */
void qdisc_del_root(struct rt *rt, int ifindex, const char *who);

/*
 * Gives ifindex an idle root and tells whether this kernel has netem at all. A
 * kernel without it is asked only once: each further refusal would make it look
 * for the module again.
 */
int qdisc_has_netem(struct rt *rt, int ifindex, bool *ret, struct netsim_err *err);

/* A qdisc as the kernel has it. */
struct qdisc {
	int ifindex;
	uint32_t handle, parent;
	char kind[16];
	struct netem netem; /* kind netem */
	struct tbf tbf;	    /* kind tbf */
	bool has_seed;	    /* this kernel's netem knows seeds */
	uint64_t bytes, packets, drops;
	uint32_t queued; /* packets held */
};

struct qdiscs {
	struct qdisc *list;
	size_t count;
};

/* All qdiscs of the namespace of rt; ret->list is the caller's (free()). */
int qdisc_list(struct rt *rt, struct qdiscs *ret, struct netsim_err *err);
/* The one with this handle at ifindex, or NULL. */
const struct qdisc *qdisc_find(const struct qdiscs *all, int ifindex, uint32_t handle);
/* The one at the root of ifindex, NULL where the kernel gave it only the default. */
const struct qdisc *qdisc_at_root(const struct qdiscs *all, int ifindex);

/* Between parts per thousand million and netem's 32-bit fractions. */
uint32_t netem_fraction(struct ratio ratio);
struct ratio netem_ratio(uint32_t fraction);

/* One kind's own part of the message and of the dump. */
void netem_fill(struct rt *rt, const struct netem *netem, const struct netsim_loc *at);
struct nlattr;
void netem_parse(const struct nlattr *options, struct qdisc *ret);
void tbf_fill(struct rt *rt, const struct tbf *tbf, const struct netsim_loc *at);
void tbf_parse(const struct nlattr *options, struct qdisc *ret);

#endif
