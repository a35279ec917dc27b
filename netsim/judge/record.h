/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records as lines of text: one flat JSON object a line, of texts and numbers, whose first
 * member names the kind: {"record":"sample","probe":"api","sent":120}. A table per kind maps
 * members to fields of a struct, for writing and for reading.
 *
 * The reader is strict: it takes only the form that the writer uses (no spaces, no unknown and no
 * repeated member), so that damage is found; and it needs no memory per line. Pure: no I/O.
 */
#ifndef NETSIM_JUDGE_RECORD_H
#define NETSIM_JUDGE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/judge/text_table.h"
#include "netsim/netsim.h"
#include "netsim/util/buf.h"

enum record_type {
	RECORD_NUMBER, /* int64_t */
	RECORD_REAL,   /* double, finite */
	RECORD_COUNT,  /* uint32_t */
	RECORD_FLAG,   /* bool, as 0 or 1 */
	RECORD_WORD,   /* uint8_t: the index in words[] */
	RECORD_NAME,   /* uint32_t: number of a text in names */
	RECORD_VALUE,  /* uint32_t: number of a text in values */
};

/* A member. Zero (a number, word or text) is not written unless the member is needed. */
struct record_key {
	const char *key;
	enum record_type type;
	size_t offset;
	bool needed;
	const char *const *words; /* NULL-terminated; an entry may be "" */
};

#define RECORD_KEYS_MAX 24

struct record_kind {
	const char *name;
	size_t size; /* of the struct */
	const struct record_key *keys;
	size_t key_count;
	/* Returns the reason why a record that was read is wrong, or NULL. May be NULL. */
	const char *(*flaw)(const void *record);
};

struct record_texts {
	struct text_table *names, *values;
};

/* Appends a record as a line, with its newline. Malformed UTF-8 is written as U+FFFD. */
void record_write(struct buf *out, const struct record_kind *kind, const void *record,
		  const struct record_texts *texts);

/* Appends a text as a JSON string, in quotes. */
void record_quote(struct buf *out, const char *text);

/*
 * Reads a line of len bytes, without its newline, whose kind is one of count. Returns the index
 * of the kind with *ret filled (which has room for the largest kind), -EINVAL with err filled,
 * at loc with the column added, or -ENOMEM.
 */
struct record_line {
	const char *text;
	size_t len;
	struct netsim_loc loc;
};
int record_read(const struct record_line *line, const struct record_kind *kinds, size_t count,
		const struct record_texts *texts, void *ret, struct netsim_err *err);

#endif
