/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Qdiscs: configures netem, tbf and fq, and dumps all. A shaped device has netem as its
 * root, with the handle MARK_HANDLE. The child is a tbf once a burst was given, or an fq
 * with the edt engine. Qdiscs change in place, because replacing a root drops packets.
 * The writing functions append to the batch of rt.
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

/* netem's parameters, in the kernel's units. */
struct netem {
	uint64_t delay, jitter;		      /* nanoseconds */
	uint32_t limit;			      /* packets, never 0 */
	uint32_t duplicate, corrupt, reorder; /* probability x (2^32 - 1) */
	uint64_t rate;			      /* bytes per second, 0: none */
	struct overhead overhead;
	enum loss_model loss_model;
	uint32_t loss;			  /* LOSS_RANDOM */
	uint32_t p, r, bad, good;	  /* LOSS_GILBERT_ELLIOTT */
	uint32_t p13, p31, p32, p23, p14; /* LOSS_4STATE */
	int64_t slot_min, slot_max;	  /* nanoseconds, 0: none */
	uint32_t slot_packets, slot_bytes;
	const int16_t *table; /* distribution of the jitter; NULL: unchanged */
	size_t table_len;
	bool has_seed;
	uint64_t seed;
};

struct tbf {
	uint64_t rate;	/* bytes per second */
	uint32_t burst; /* bytes */
	uint32_t limit; /* bytes in the queue */
	struct overhead overhead;
	uint64_t peak;	     /* bytes per second, 0: none */
	uint32_t peak_burst; /* bytes of the peak's bucket: longer frames are dropped */
};

/* A netem without effect, with the length of a device's default queue. */
#define NETEM_IDLE ((struct netem) {.limit = 1000})
/*
 * A netem without delay that orphans packets: those held by the fq below must not count
 * against their sender's socket (TCP small queues). netem does so if it has any rate.
 */
#define NETEM_HOLD_RATE	   (1ULL << 50)
#define NETEM_HOLD(limit_) ((struct netem) {.limit = (limit_), .rate = NETEM_HOLD_RATE})
/* A tbf too fast to be a bottleneck. */
#define TBF_IDLE ((struct tbf) {.rate = 1250000000000, .burst = 64 << 20, .limit = 256 << 20})

/* QDISC_ADD creates the qdisc or replaces an existing one; QDISC_CHANGE needs one. */
enum qdisc_verb { QDISC_ADD, QDISC_CHANGE };

/* What is said where a kernel without netem would need it. */
#define QDISC_NO_NETEM                                                                     \
	"this kernel has no netem: load it with modprobe sch_netem, or use a kernel that " \
	"has it (see netsim doctor)"

/* at is the location of the conditions in the profile, or NULL. */
void qdisc_put_netem(struct rtnl *rt, enum qdisc_verb verb, int ifindex, const struct netem *netem,
		     const struct netsim_loc *at, const char *subject);
void qdisc_put_tbf(struct rtnl *rt, enum qdisc_verb verb, int ifindex, const struct tbf *tbf,
		   const struct netsim_loc *at, const char *subject);
/*
 * Puts an fq below netsim's root, replacing a tbf, or changes the existing fq. It holds
 * up to limit packets until their departure times.
 */
void qdisc_put_fq(struct rtnl *rt, int ifindex, uint32_t limit, const char *subject);
void qdisc_put_idle(struct rtnl *rt, int ifindex, const char *subject);
/* Puts a tbf at the root, to find out whether the kernel has tbf. */
void qdisc_put_tbf_root(struct rtnl *rt, int ifindex, const struct tbf *tbf, const char *subject);
void qdisc_add_clsact(struct rtnl *rt, int ifindex, const char *subject);
void qdisc_del_clsact(struct rtnl *rt, int ifindex, const char *subject);
/* Removes netsim's root and its children. */
void qdisc_del_root(struct rtnl *rt, int ifindex, const char *subject);

/*
 * Gives ifindex an idle root; *ret reports whether the kernel has netem. Only one
 * message is sent, because every refusal makes the kernel look for the module again.
 */
int qdisc_has_netem(struct rtnl *rt, int ifindex, bool *ret, struct netsim_err *err);

/* A qdisc read from the kernel. */
struct qdisc {
	int ifindex;
	uint32_t handle, parent;
	char kind[16];
	struct netem netem; /* kind netem */
	struct tbf tbf;	    /* kind tbf */
	bool has_seed;	    /* this kernel's netem supports seeds */
	uint64_t bytes, packets, drops;
	uint32_t queued; /* packets held */
};

struct qdiscs {
	struct qdisc *list;
	size_t count;
};

/* Lists all qdiscs of the namespace of rt; the caller frees ret->list. */
int qdisc_list(struct rtnl *rt, struct qdiscs *ret, struct netsim_err *err);
/* Finds the qdisc with this handle on ifindex, or NULL. */
const struct qdisc *qdisc_find(const struct qdiscs *all, int ifindex, uint32_t handle);
/* True if ifindex has the qdisc "ingress", which takes the place of clsact. */
bool qdisc_has_ingress(const struct qdiscs *all, int ifindex);
/* Finds the root qdisc of ifindex; NULL if it is the kernel's default. */
const struct qdisc *qdisc_at_root(const struct qdiscs *all, int ifindex);

/* Convert between ratios (parts per billion) and netem's 32-bit fractions. */
uint32_t netem_fraction(struct ratio ratio);
struct ratio netem_ratio(uint32_t fraction);

/* Write or parse the options of one kind of qdisc. */
void netem_fill(struct rtnl *rt, const struct netem *netem, const struct netsim_loc *at);
struct nlattr;
void netem_parse(const struct nlattr *options, struct qdisc *ret);
void tbf_fill(struct rtnl *rt, const struct tbf *tbf, const struct netsim_loc *at);
void tbf_parse(const struct nlattr *options, struct qdisc *ret);

#endif
