// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/run/block_content.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "netsim/util/random.h"

#define SECTORS (BLOCK_SIZE / BLOCK_SECTOR)

/* What a sector holds. */
struct sector {
	uint64_t checksum; /* of all that follows */
	uint64_t run;
	int64_t number;
	uint32_t block, place;
	uint64_t filling[(BLOCK_SECTOR - 32) / 8];
};
_Static_assert(sizeof(struct sector) == BLOCK_SECTOR, "a sector has no gaps");

/* Each word changes all later ones: swapped or repeated words are found. */
static uint64_t checksum(const struct sector *sector)
{
	const uint8_t *bytes = (const uint8_t *)sector;
	uint64_t sum = 0xcbf29ce484222325U, word;

	for (size_t i = sizeof(word); i < sizeof(*sector); i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		sum ^= word;
		sum = random_next(&sum);
	}
	return sum | 1; /* never 0: an empty sector is not valid */
}

void block_content_fill(uint64_t run, uint32_t block, int64_t number, uint8_t *data)
{
	uint64_t state = run ^ (uint64_t)number << 20 ^ block;

	for (uint32_t place = 0; place < SECTORS; place++) {
		struct sector sector = {
			.run = run, .number = number, .block = block, .place = place};

		for (size_t i = 0; i < sizeof(sector.filling) / sizeof(sector.filling[0]); i++)
			sector.filling[i] = random_next(&state);
		sector.checksum = checksum(&sector);
		memcpy(data + (size_t)place * BLOCK_SECTOR, &sector, sizeof(sector));
	}
}

static bool is_empty(const uint8_t *data)
{
	for (size_t i = 0; i < BLOCK_SECTOR; i++)
		if (data[i])
			return false;
	return true;
}

static void part_text(uint64_t run, uint32_t block, uint32_t place, const uint8_t *data,
		      char buf[static 24])
{
	struct sector sector;

	memcpy(&sector, data, sizeof(sector));
	if (is_empty(data))
		snprintf(buf, 24, "empty");
	else if (sector.checksum != checksum(&sector) || sector.run != run ||
		 sector.block != block || sector.place != place)
		snprintf(buf, 24, "bad");
	else
		snprintf(buf, 24, "%" PRId64, sector.number);
}

/* Whether a list joined by "+" has a part. */
static bool has_part(const char *list, const char *part)
{
	size_t length = strlen(part);

	while (*list) {
		size_t at = strcspn(list, "+");

		if (at == length && memcmp(list, part, length) == 0)
			return true;
		list += at + (list[at] == '+');
	}
	return false;
}

const char *block_content_text(uint64_t run, uint32_t block, const uint8_t *data,
			       char buf[static BLOCK_TEXT])
{
	size_t used = 0;

	buf[0] = '\0';
	for (uint32_t place = 0; place < SECTORS; place++) {
		char part[24];

		part_text(run, block, place, data + (size_t)place * BLOCK_SECTOR, part);
		if (!has_part(buf, part))
			used += (size_t)snprintf(buf + used, BLOCK_TEXT - used, "%s%s",
						 used ? "+" : "", part);
	}
	return buf;
}
