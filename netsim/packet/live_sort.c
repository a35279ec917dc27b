// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/packet/live_sort.h"

#include <stdlib.h>
#include <string.h>

/* A copy of a packet. */
struct copy {
	struct live_packet packet;
	size_t bytes; /* of the whole struct */
	uint8_t data[];
};

/* A min-heap by time and number; item 0 is the earliest. */
struct item {
	int64_t time_ns;
	uint64_t number; /* in order of adding */
	struct copy *copy;
};

struct live_sort {
	struct item *items;
	size_t count, room;
	uint64_t added;
	size_t bytes, max_bytes;
	struct copy *taken;
};

struct live_sort *live_sort_new(size_t bytes)
{
	struct live_sort *sort = calloc(1, sizeof(*sort));

	if (sort)
		sort->max_bytes = bytes;
	return sort;
}

void live_sort_free(struct live_sort *sort)
{
	if (!sort)
		return;
	for (size_t i = 0; i < sort->count; i++)
		free(sort->items[i].copy);
	free(sort->items);
	free(sort->taken);
	free(sort);
}

static bool is_earlier(const struct item *a, const struct item *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->number < b->number;
}

static bool make_room(struct live_sort *sort)
{
	size_t room = sort->room ? sort->room * 2 : 1024;
	struct item *items;

	if (sort->count < sort->room)
		return true;
	items = realloc(sort->items, room * sizeof(*items));
	if (!items)
		return false;
	sort->items = items;
	sort->room = room;
	return true;
}

bool live_sort_add(struct live_sort *sort, const struct live_packet *packet)
{
	size_t bytes = sizeof(struct copy) + packet->captured, at;
	struct item item = {.time_ns = packet->time_ns};

	if (!make_room(sort))
		return false;
	item.copy = malloc(bytes);
	if (!item.copy)
		return false;
	item.number = sort->added++;
	item.copy->packet = *packet;
	item.copy->packet.data = item.copy->data;
	item.copy->bytes = bytes;
	if (packet->captured)
		memcpy(item.copy->data, packet->data, packet->captured);
	sort->bytes += bytes + sizeof(item);
	for (at = sort->count++; at && is_earlier(&item, &sort->items[(at - 1) / 2]);
	     at = (at - 1) / 2)
		sort->items[at] = sort->items[(at - 1) / 2];
	sort->items[at] = item;
	return true;
}

/* Removes item 0; the last item is sifted down from there. */
static void remove_first(struct live_sort *sort)
{
	const struct item *last = &sort->items[--sort->count];
	size_t at = 0, next = 1;

	for (; next < sort->count; at = next, next = 2 * at + 1) {
		if (next + 1 < sort->count &&
		    is_earlier(&sort->items[next + 1], &sort->items[next]))
			next++;
		if (!is_earlier(&sort->items[next], last))
			break;
		sort->items[at] = sort->items[next];
	}
	sort->items[at] = *last;
}

bool live_sort_take(struct live_sort *sort, int64_t until_ns, struct live_packet *ret)
{
	if (!sort->count || (sort->items[0].time_ns > until_ns && !live_sort_full(sort)))
		return false;
	free(sort->taken);
	sort->taken = sort->items[0].copy;
	sort->bytes -= sort->taken->bytes + sizeof(struct item);
	*ret = sort->taken->packet;
	remove_first(sort);
	return true;
}

bool live_sort_first(const struct live_sort *sort, int64_t *ret_ns)
{
	if (sort->count)
		*ret_ns = sort->items[0].time_ns;
	return sort->count > 0;
}

bool live_sort_full(const struct live_sort *sort)
{
	return sort->bytes >= sort->max_bytes;
}
