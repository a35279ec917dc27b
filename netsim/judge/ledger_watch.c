// SPDX-License-Identifier: GPL-2.0-or-later
/* Watches: each write between the first and the last revision delivered, once, in order. */
#include <errno.h>
#include <stdlib.h>

#include "netsim/judge/ledger_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

struct delivery {
	uint32_t op;
	uint32_t after; /* a newer one that came before, or LEDGER_NONE */
	bool back;	/* older than one before, or than the beginning of the watch */
};

/* A watch from its begin to the next one of the same client. */
struct stream {
	uint32_t key;	 /* 0: all */
	int64_t from;	 /* first revision that it delivers */
	int64_t last;	 /* highest revision that it has delivered, or reported as reached */
	uint32_t newest; /* the event with it, or LEDGER_NONE */
	struct delivery *events;
	size_t event_count;
	bool open;
};

static int deliver(const struct ledger *l, struct stream *stream, uint32_t i)
{
	int64_t revision = l->ops[i].mod_revision;
	struct delivery *event = array_push(stream->events, stream->event_count);

	if (!event)
		return -ENOMEM;
	*event = (struct delivery) {.op = i,
				    .after = stream->newest,
				    .back = revision <= stream->last || revision < stream->from};
	if (revision > stream->last) {
		stream->last = revision;
		stream->newest = i;
	}
	return 0;
}

/* By revision, then in the order of their arrival. */
static int compare_deliveries(const void *va, const void *vb, void *ops)
{
	const struct delivery *a = va, *b = vb;
	int64_t ra = ((const struct operation *)ops)[a->op].mod_revision;
	int64_t rb = ((const struct operation *)ops)[b->op].mod_revision;

	if (ra != rb)
		return ra < rb ? -1 : 1;
	return a->op < b->op ? -1 : a->op > b->op;
}

/* Sorts the events, and reports those that came twice or out of order. */
static int check_events(struct ledger *l, struct stream *stream)
{
	int r = 0;

	qsort_r(stream->events, stream->event_count, sizeof(*stream->events), compare_deliveries,
		(void *)l->ops);
	for (size_t i = 0; r == 0 && i < stream->event_count; i++) {
		const struct delivery *event = &stream->events[i];
		const struct delivery *before = i ? event - 1 : NULL;

		if (before && l->ops[before->op].mod_revision == l->ops[event->op].mod_revision)
			r = ledger_report(l, FINDING_WATCH_DOUBLE, event->op, before->op);
		else if (event->back)
			r = ledger_report(l, FINDING_WATCH_BACK, event->op, event->after);
	}
	return r;
}

static size_t first_version(const struct ledger *l, int64_t revision)
{
	size_t low = 0, high = l->version_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->versions[l->by_revision[middle]].revision < revision)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Reports the versions that the watch has left out. */
static int find_gaps(struct ledger *l, const struct stream *stream)
{
	size_t event = 0;

	for (size_t i = first_version(l, stream->from); i < l->version_count; i++) {
		const struct version *version = &l->versions[l->by_revision[i]];
		uint32_t next;

		if (version->revision > stream->last)
			break;
		while (event < stream->event_count &&
		       l->ops[stream->events[event].op].mod_revision < version->revision)
			event++;
		next = event < stream->event_count ? stream->events[event].op : LEDGER_NONE;
		if (version->dead || version->lost ||
		    (stream->key && stream->key != version->key) ||
		    (next != LEDGER_NONE && l->ops[next].mod_revision == version->revision))
			continue;
		if (ledger_report(l, FINDING_WATCH_GAP,
				  version->op != LEDGER_NONE ? version->op : version->shown,
				  next) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int end_stream(struct ledger *l, struct stream *stream)
{
	int r = stream->event_count ? check_events(l, stream) : 0;

	if (r == 0 && stream->open)
		r = find_gaps(l, stream);
	free(stream->events);
	*stream = (struct stream) {0};
	return r;
}

static int follow(struct ledger *l, struct stream *streams, uint32_t i)
{
	const struct operation *op = &l->ops[i];
	struct stream *stream = &streams[op->client];
	int r = 0;

	if (op->kind < OP_WATCH || op->result != OP_OK)
		return 0;
	if (op->kind == OP_WATCH || !stream->open) {
		r = end_stream(l, stream);
		*stream = (struct stream) {.key = op->kind == OP_WATCH ? op->key : 0,
					   .from = op->mod_revision,
					   .last = op->mod_revision - 1,
					   .newest = LEDGER_NONE,
					   .open = true};
	}
	if (r == 0 && op->kind == OP_EVENT)
		return deliver(l, stream, i);
	if (op->kind == OP_PROGRESS && op->mod_revision > stream->last)
		stream->last = op->mod_revision;
	return r;
}

int ledger_watch(struct ledger *l)
{
	size_t count = l->ev->names.count + 1;
	auto_free struct stream *streams = calloc(count, sizeof(*streams));
	int r = 0;

	if (!streams)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < l->op_count; i++)
		r = follow(l, streams, i);
	for (size_t i = 0; i < count; i++) {
		int ended = end_stream(l, &streams[i]);

		r = r == 0 ? ended : r;
	}
	return r;
}
