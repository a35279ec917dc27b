/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETSIM_PACKET_CAPTURE_MERGE_H
#define NETSIM_PACKET_CAPTURE_MERGE_H

#include "netsim/packet/capture_file.h"

/* Merges several files in order of time. Each file must be in order. */
struct capture_merge {
	struct capture_file **files; /* borrowed */
	size_t count;
	struct capture_source {
		struct capture_packet next;
		size_t file;
	} * heap;
	size_t waiting; /* files that are not at their end */
	bool started;
};
/* 0 or -ENOMEM. */
int capture_merge_init(struct capture_merge *merge, struct capture_file **files, size_t count);
void capture_merge_done(struct capture_merge *merge);
bool capture_merge_next(struct capture_merge *merge, struct capture_packet *ret);

#endif
