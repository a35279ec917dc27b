// SPDX-License-Identifier: GPL-2.0-or-later
/* Merges files with a min-heap by the time of their next packet. */
#include "netsim/packet/capture_merge.h"

#include <errno.h>
#include <stdlib.h>

int capture_merge_init(struct capture_merge *merge, struct capture_file **files, size_t count)
{
	*merge = (struct capture_merge) {.files = files, .count = count};
	merge->heap = calloc(count ? count : 1, sizeof(*merge->heap));
	return merge->heap ? 0 : -ENOMEM;
}

void capture_merge_done(struct capture_merge *merge)
{
	free(merge->heap);
	*merge = (struct capture_merge) {0};
}

/*
 * At equal times, sent packets come before delivered ones; if that does not decide, the packet of
 * the file given first comes first.
 */
static bool earlier(const struct capture_source *a, const struct capture_source *b)
{
	if (a->next.time_ns != b->next.time_ns)
		return a->next.time_ns < b->next.time_ns;
	if ((a->next.seen == PACKET_SENT) != (b->next.seen == PACKET_SENT))
		return a->next.seen == PACKET_SENT;
	return a->file < b->file;
}

static void sift_down(struct capture_merge *merge, size_t i)
{
	for (;;) {
		size_t earliest = i, child = 2 * i + 1;
		struct capture_source swap;

		for (size_t c = child; c < child + 2 && c < merge->waiting; c++)
			if (earlier(&merge->heap[c], &merge->heap[earliest]))
				earliest = c;
		if (earliest == i)
			return;
		swap = merge->heap[i];
		merge->heap[i] = merge->heap[earliest];
		merge->heap[earliest] = swap;
		i = earliest;
	}
}

static void merge_start(struct capture_merge *merge)
{
	merge->started = true;
	for (size_t i = 0; i < merge->count; i++) {
		struct capture_source *source = &merge->heap[merge->waiting];

		source->file = i;
		if (capture_next(merge->files[i], &source->next))
			merge->waiting++;
	}
	for (size_t i = merge->waiting; i-- > 0;)
		sift_down(merge, i);
}

/* The returned packet stays valid until the next call, which reads further in its file. */
bool capture_merge_next(struct capture_merge *merge, struct capture_packet *ret)
{
	if (merge->count == 1)
		return capture_next(merge->files[0], ret);
	if (!merge->started) {
		merge_start(merge);
	} else if (merge->waiting) {
		struct capture_source *top = &merge->heap[0];

		if (!capture_next(merge->files[top->file], &top->next))
			*top = merge->heap[--merge->waiting];
		sift_down(merge, 0);
	}
	if (!merge->waiting)
		return false;
	*ret = merge->heap[0].next;
	return true;
}
