/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interned texts: each text is stored once and has a number, so that a million operations with
 * their keys and values stay small. Pure: no I/O.
 */
#ifndef NETSIM_JUDGE_TEXT_TABLE_H
#define NETSIM_JUDGE_TEXT_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct text_table {
	char *bytes; /* terminated texts, one after another */
	size_t used, room;
	uint32_t *starts; /* by number - 1 */
	size_t count;
	uint32_t *slots; /* open addressing: numbers, 0: empty */
	size_t slot_count;
};

void text_table_done(struct text_table *texts);

/*
 * Returns the number of a text, from 1, which is added if it is new; 0 for an empty text. The
 * text may not contain NUL. UINT32_MAX when out of memory or of numbers.
 */
#define TEXT_TABLE_FULL UINT32_MAX
uint32_t text_table_add(struct text_table *texts, const char *text, size_t len);
/* Returns the number of a text, or 0 if it was never added. */
uint32_t text_table_find(const struct text_table *texts, const char *text);

/* Returns the text of a number, "" for 0; valid until the next text is added. */
const char *text_table_get(const struct text_table *texts, uint32_t number);

/* Returns the length of the UTF-8 character that begins at text; 0 if it is malformed. */
size_t utf8_length(const char *text, size_t len);

#endif
