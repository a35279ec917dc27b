/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of a run: the commands, waits and pauses of a scenario's timeline in their order,
 * with the offsets that follow from durations and seed. Pure: the same scenario gives the
 * same plan.
 */
#ifndef NETSIM_TIMELINE_H
#define NETSIM_TIMELINE_H

#include <stdio.h>

#include "netsim/config/scenario.h"

enum timeline_kind {
	TIMELINE_COMMAND,
	TIMELINE_HOLD,	/* wait until the phase's duration has passed */
	TIMELINE_HEAL,	/* end all faults: after each repetition */
	TIMELINE_PAUSE, /* after the heal, drawn from the range */
};

struct timeline_entry {
	enum timeline_kind kind;
	const struct phase *phase;
	unsigned repetition; /* from 1 */
	/*
	 * Since the beginning of the timeline, if commands take no time. The entry is due then, or
	 * when the one before it has ended, whichever is later.
	 */
	int64_t at_ns;
	bool late;	  /* exec or start came before: at_ns is a lower bound */
	int64_t lasts_ns; /* TIMELINE_HOLD, TIMELINE_PAUSE */
	const struct scenario_command *command; /* TIMELINE_COMMAND */
};

struct timeline {
	struct timeline_entry *list;
	size_t count;
	int64_t length_ns; /* of all phases, if commands take no time */
	bool late;
};

/*
 * Makes the plan; it points into the scenario. Pauses are drawn by SplitMix64 from the
 * scenario's seed: one number for each pause, in the order of the timeline, as a whole
 * number of milliseconds (of nanoseconds, if the range is below 1 ms) added to the lower
 * bound. Returns 0 or -ENOMEM; timeline_free() frees *ret.
 */
int timeline_plan(const struct scenario *s, struct timeline **ret);
void timeline_free(struct timeline *timeline);

/* "partition leader(etcd) --for 4s", "hold for 3s": what an entry does, on one line. */
void timeline_write_entry(const struct timeline_entry *entry, FILE *out);
/* Prints the plan, one line for each entry. Returns 0 or -EIO. */
int timeline_print(const struct timeline *timeline, const struct scenario *s, FILE *out);

#endif
