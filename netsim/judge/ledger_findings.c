// SPDX-License-Identifier: GPL-2.0-or-later
/* Findings of the judge of ledgers, and their text. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "netsim/judge/ledger_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/err.h"

static const char *const words[FINDING_KINDS] = {
	[FINDING_LOST] = "lost",
	[FINDING_PHANTOM] = "phantom",
	[FINDING_STALE] = "stale",
	[FINDING_REORDERED] = "reordered",
	[FINDING_WATCH_GAP] = "watch gap",
	[FINDING_WATCH_DOUBLE] = "watch double",
	[FINDING_WATCH_BACK] = "watch back",
	[FINDING_DOUBLED] = "doubled",
	[FINDING_REVIVED] = "revived",
	[FINDING_SWAPPED] = "swapped",
	[FINDING_TORN] = "torn",
};

const char *finding_word(enum finding_kind kind)
{
	return words[kind];
}

int ledger_report(struct ledger *l, enum finding_kind kind, uint32_t op, uint32_t proof)
{
	struct finding *finding = array_push(l->ret->findings, l->ret->finding_count);
	int64_t time = l->ops[op].end;

	if (!finding)
		return -ENOMEM;
	if (proof != LEDGER_NONE && l->ops[proof].end > time)
		time = l->ops[proof].end;
	*finding = (struct finding) {.kind = kind, .time = time, .op = op, .proof = proof};
	l->ret->counts[kind]++;
	return 0;
}

#define SHORT 21

/* Keys differ in the part after their last slash. */
static const char *last_part(const char *key)
{
	const char *slash = strrchr(key, '/');

	return slash && slash[1] ? slash + 1 : key;
}

/* Shortens a key or value, so that a line has room for all of it. */
static const char *shorten(const char *text, char buf[static SHORT])
{
	return err_format(buf, SHORT, "%s", text);
}

static const char *subject_of(const struct evidence *ev, const struct operation *op,
			      char buf[static 48])
{
	char key[SHORT], value[SHORT];
	uint32_t number = op->value ? op->value : op->seen;

	shorten(last_part(text_table_get(&ev->names, op->key)), key);
	if (number)
		return err_format(buf, 48, "key %s = %s", key,
				  shorten(text_table_get(&ev->values, number), value));
	return err_format(buf, 48, "key %s", key);
}

/* "put at 1.234 s (revision 17)" */
static const char *operation_text(const struct operation *op, int64_t origin, char buf[static 48])
{
	int64_t revision = op->kind >= OP_WATCH ? op->mod_revision : op->revision;

	int length = snprintf(buf, 48, "%s at %.3f s", operation_word(op->kind),
			      (double)(op->begin - origin) / 1e9);

	if (revision)
		snprintf(buf + length, 48 - (size_t)length, " (revision %" PRId64 ")", revision);
	return buf;
}

/* "lost: block 17 shows 34 instead of 290, written at 5.123 s, read at 7.130 s" */
static const char *block_text(const struct evidence *ev, const struct finding *finding,
			      int64_t origin, char buf[static FINDING_TEXT])
{
	const struct block_operation *write = &ev->blocks[finding->op];
	const struct block_operation *read = &ev->blocks[finding->proof];
	char seen[SHORT];

	shorten(text_table_get(&ev->values, read->seen), seen);
	return err_format(buf, FINDING_TEXT,
			  "%s: block %" PRIu32 " shows %s instead of %" PRId64
			  ", written at %.3f s, read at %.3f s",
			  words[finding->kind], write->block, seen, write->number,
			  (double)(write->begin - origin) / 1e9,
			  (double)(read->begin - origin) / 1e9);
}

const char *finding_text(const struct evidence *ev, const struct finding *finding, int64_t origin,
			 char buf[static FINDING_TEXT])
{
	static const char *const against[FINDING_KINDS] = {
		[FINDING_LOST] = "not in",
		[FINDING_PHANTOM] = "only written by",
		[FINDING_STALE] = "older than",
		[FINDING_REORDERED] = "after",
		[FINDING_WATCH_GAP] = "left out before",
		[FINDING_WATCH_DOUBLE] = "again after",
		[FINDING_WATCH_BACK] = "delivered after",
		[FINDING_DOUBLED] = "again in",
		[FINDING_REVIVED] = "failed, but is in",
		[FINDING_SWAPPED] = "in spite of",
	};
	const struct operation *op;
	char subject[48], text[48], proof[48];

	if (finding->block)
		return block_text(ev, finding, origin, buf);
	op = &ev->operations[finding->op];
	subject_of(ev, op, subject);
	operation_text(op, origin, text);
	if (finding->proof == LEDGER_NONE)
		return err_format(buf, FINDING_TEXT, "%s: %s, %s", words[finding->kind], subject,
				  text);
	operation_text(&ev->operations[finding->proof], origin, proof);
	return err_format(buf, FINDING_TEXT, "%s: %s, %s, %s %s", words[finding->kind], subject,
			  text, against[finding->kind], proof);
}
