/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of one capture: one for all ports, or one per port; with rotation, numbered
 * sequences of them.
 */
#ifndef NETSIM_CAPTURE_SET_H
#define NETSIM_CAPTURE_SET_H

#include "netsim/packet/capture_write.h"

struct capture_set;

struct capture_plan {
	const char *file;   /* one file for all ports; or */
	const char *dir;    /* directory for one file per port, created if missing */
	const char *prefix; /* of these files: PREFIX.NODE.IFACE.pcapng */
	uint64_t rotate_bytes;
	int64_t rotate_ns; /* by the times of the packets */
	unsigned keep;	   /* files kept of each sequence; 0: all */
	struct capture_writing what;
};

/*
 * plan is borrowed until the set is closed. If one of the first files cannot be created,
 * the others are left untouched. capture_set_close() frees *ret.
 */
int capture_set_open(const struct capture_plan *plan, struct capture_set **ret,
		     struct netsim_err *err);
/* Adds a packet, and rotates files when due. totals: the counters of all ports so far. */
int capture_set_add(struct capture_set *set, const struct capture_written *packet,
		    const struct capture_totals *totals, struct netsim_err *err);
int capture_set_flush(struct capture_set *set, struct netsim_err *err);
/* Number of files begun, including those removed by rotation. */
uint64_t capture_set_files(const struct capture_set *set);
/* Frees the set, also on an error. totals as in capture_write_close(), for all ports. */
int capture_set_close(struct capture_set *set, const struct capture_totals *totals, int64_t time_ns,
		      struct netsim_err *err);

#endif
