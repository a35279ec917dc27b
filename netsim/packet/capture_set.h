/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of one capture: one for all ports or one for each, in a row of numbered ones
 * where they are to be begun anew at some size or after some time.
 */
#ifndef NETSIM_CAPTURE_SET_H
#define NETSIM_CAPTURE_SET_H

#include "netsim/packet/capture_write.h"

struct capture_set;

struct capture_plan {
	const char *file;   /* of all ports; or */
	const char *dir;    /* of one file for each, which is made if it is not there */
	const char *prefix; /* of their names, in front of ".NODE.IFACE.pcapng" */
	uint64_t rotate_bytes;
	int64_t rotate_ns; /* by the packets' times */
	unsigned keep;	   /* of each row so many files; 0: all */
	struct capture_writing what;
};

/*
 * The plan stays as it is until the set is closed. Where one of the first files cannot be
 * made, everything is as it was before.
 */
int capture_set_open(const struct capture_plan *plan, struct capture_set **ret,
		     struct netsim_err *err);
/* totals: what every port has had up to now. */
int capture_set_add(struct capture_set *set, const struct capture_written *packet,
		    const struct capture_totals *totals, struct netsim_err *err);
int capture_set_flush(struct capture_set *set, struct netsim_err *err);
/* Files that were begun, with those that were removed. */
uint64_t capture_set_files(const struct capture_set *set);
/* Frees it in any case. */
int capture_set_close(struct capture_set *set, const struct capture_totals *totals, int64_t time_ns,
		      struct netsim_err *err);

#endif
