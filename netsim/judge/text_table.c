// SPDX-License-Identifier: GPL-2.0-or-later
/* Interned texts. */
#include "netsim/judge/text_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64

void text_table_done(struct text_table *texts)
{
	free(texts->bytes);
	free(texts->starts);
	free(texts->slots);
	*texts = (struct text_table) {0};
}

/* FNV-1a with a final mix, because open addressing uses the low bits. */
static size_t hash_of(const char *text, size_t len)
{
	uint64_t hash = 14695981039346656037ULL;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 1099511628211ULL;
	return (size_t)(hash ^ hash >> 29);
}

/* Returns the slot of a text: the one that holds its number, or the empty one for it. */
static uint32_t *slot_of(const struct text_table *texts, const char *text, size_t len)
{
	size_t mask = texts->slot_count - 1, at = hash_of(text, len) & mask;

	for (;; at = (at + 1) & mask) {
		uint32_t number = texts->slots[at];

		if (!number)
			return &texts->slots[at];
		const char *have = texts->bytes + texts->starts[number - 1];

		if (strncmp(have, text, len) == 0 && !have[len])
			return &texts->slots[at];
	}
}

static bool grow_slots(struct text_table *texts)
{
	struct text_table grown = *texts;

	grown.slot_count = texts->slot_count ? texts->slot_count * 2 : SLOTS_FIRST;
	grown.slots = calloc(grown.slot_count, sizeof(*grown.slots));
	if (!grown.slots)
		return false;
	for (uint32_t number = 1; number <= texts->count; number++) {
		const char *text = texts->bytes + texts->starts[number - 1];

		*slot_of(&grown, text, strlen(text)) = number;
	}
	free(texts->slots);
	texts->slots = grown.slots;
	texts->slot_count = grown.slot_count;
	return true;
}

static bool make_room(struct text_table *texts, size_t len)
{
	size_t need = texts->used + len + 1;

	if (need > UINT32_MAX || texts->count >= TEXT_TABLE_FULL - 1)
		return false;
	if (need > texts->room) {
		size_t room = texts->room ? texts->room * 2 : 256;

		while (room < need)
			room *= 2;
		char *bytes = realloc(texts->bytes, room);

		if (!bytes)
			return false;
		texts->bytes = bytes;
		texts->room = room;
	}
	if ((texts->count & (texts->count - 1)) == 0) {
		size_t room = texts->count ? texts->count * 2 : 1;
		uint32_t *starts = realloc(texts->starts, room * sizeof(*starts));

		if (!starts)
			return false;
		texts->starts = starts;
	}
	return 2 * (texts->count + 1) <= texts->slot_count || grow_slots(texts);
}

uint32_t text_table_add(struct text_table *texts, const char *text, size_t len)
{
	uint32_t *slot;

	if (!len)
		return 0;
	if (texts->slot_count) {
		slot = slot_of(texts, text, len);
		if (*slot)
			return *slot;
	}
	if (!make_room(texts, len))
		return TEXT_TABLE_FULL;
	slot = slot_of(texts, text, len);
	memcpy(texts->bytes + texts->used, text, len);
	texts->bytes[texts->used + len] = '\0';
	texts->starts[texts->count++] = (uint32_t)texts->used;
	texts->used += len + 1;
	*slot = (uint32_t)texts->count;
	return *slot;
}

uint32_t text_table_find(const struct text_table *texts, const char *text)
{
	return texts->slot_count && *text ? *slot_of(texts, text, strlen(text)) : 0;
}

const char *text_table_get(const struct text_table *texts, uint32_t number)
{
	return number && number <= texts->count ? texts->bytes + texts->starts[number - 1] : "";
}

/* The first byte says how many follow, and which values would be an overlong form. */
size_t utf8_length(const char *text, size_t len)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t need = byte[0] < 0x80 ? 1 :
		      byte[0] < 0xc2 ? 0 :
		      byte[0] < 0xe0 ? 2 :
		      byte[0] < 0xf0 ? 3 :
		      byte[0] < 0xf5 ? 4 :
				       0;

	if (!need || need > len)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
	if ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] > 0x9f) ||
	    (byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f))
		return 0;
	return need;
}
