// SPDX-License-Identifier: GPL-2.0-or-later
/* Evidence of a run: memory and lines. */
#include "netsim/judge/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

static const char *const event_words[] = {
	"none",	     "run begins",   "run ends",   "aborted", "phase begins", "step begins",
	"step ends", "fault begins", "fault ends", "started", "ready",	      "exited",
	"killed",    "healed",	     "not healed", "clean",   "left behind",  "note",
	"expected",  "about",	     "selected",   NULL,
};
_Static_assert(ARRAY_SIZE(event_words) == EVENT_SELECTED + 2, "each kind of event has a word");

static const char *const need_words[] = {"any", "majority", "all", NULL};
static const char *const sample_words[] = {"ok", "wrong", "refused", "hung", NULL};
static const char *const operation_words[] = {
	"none", "get", "put", "cas", "delete", "watch", "event", "progress", NULL,
};
static const char *const type_words[] = {"untyped",   "counter", "gauge",
					 "histogram", "summary", NULL};
static const char *const block_words[] = {"none", "write", "read", NULL};
static const char *const probe_words[] = {"", "http", "tcp", "ping", "run", NULL};
static const char *const asked_words[] = {"", "varies", "differs", NULL};
static const char *const verified_words[] = {"as asked", "not as asked", "unproved", "left out",
					     NULL};
static const char *const result_words[] = {"ok", "unequal", "failed", "unknown", NULL};

#define KEY(owner, member, how)                                                         \
	{                                                                               \
		.key = #member, .type = (how), .offset = offsetof(struct owner, member) \
	}
#define NEED(owner, member, how)                                                         \
	{                                                                                \
		.key = #member, .type = (how), .offset = offsetof(struct owner, member), \
		.needed = true                                                           \
	}
#define WORD(owner, member, list)                                                              \
	{                                                                                      \
		.key = #member, .type = RECORD_WORD, .offset = offsetof(struct owner, member), \
		.needed = true, .words = (list)                                                \
	}
/* A word that lines of older versions lack, or that is "" at first. */
#define LATER(owner, member, list)                                                             \
	{                                                                                      \
		.key = #member, .type = RECORD_WORD, .offset = offsetof(struct owner, member), \
		.words = (list)                                                                \
	}

static const struct record_key event_keys[] = {
	NEED(event, time, RECORD_NUMBER),     KEY(event, wall, RECORD_NUMBER),
	WORD(event, kind, event_words),	      KEY(event, subject, RECORD_NAME),
	KEY(event, text, RECORD_NAME),	      KEY(event, phase, RECORD_NAME),
	KEY(event, repetition, RECORD_COUNT), KEY(event, lateness, RECORD_NUMBER),
	KEY(event, offered, RECORD_NUMBER),   KEY(event, affected, RECORD_NUMBER),
	KEY(event, uncounted, RECORD_FLAG),   KEY(event, status, RECORD_NUMBER),
	KEY(event, asked, RECORD_FLAG),
};

static const struct record_key probe_keys[] = {
	NEED(sampled_probe, name, RECORD_NAME),	      NEED(sampled_probe, targets, RECORD_COUNT),
	NEED(sampled_probe, interval, RECORD_NUMBER), NEED(sampled_probe, timeout, RECORD_NUMBER),
	WORD(sampled_probe, need, need_words),	      KEY(sampled_probe, from, RECORD_NAME),
	LATER(sampled_probe, kind, probe_words),
};

static const struct record_key sample_keys[] = {
	NEED(sample, probe, RECORD_NAME),   KEY(sample, target, RECORD_NAME),
	NEED(sample, sent, RECORD_NUMBER),  NEED(sample, took, RECORD_NUMBER),
	WORD(sample, result, sample_words), KEY(sample, lateness, RECORD_NUMBER),
};

static const struct record_key operation_keys[] = {
	NEED(operation, ledger, RECORD_NAME),	     NEED(operation, client, RECORD_NAME),
	WORD(operation, kind, operation_words),	     KEY(operation, key, RECORD_NAME),
	KEY(operation, value, RECORD_VALUE),	     KEY(operation, compare, RECORD_NUMBER),
	NEED(operation, begin, RECORD_NUMBER),	     NEED(operation, end, RECORD_NUMBER),
	WORD(operation, result, result_words),	     KEY(operation, revision, RECORD_NUMBER),
	KEY(operation, mod_revision, RECORD_NUMBER), KEY(operation, seen, RECORD_VALUE),
};

static const struct record_key block_keys[] = {
	NEED(block_operation, ledger, RECORD_NAME),  WORD(block_operation, kind, block_words),
	NEED(block_operation, block, RECORD_COUNT),  KEY(block_operation, number, RECORD_NUMBER),
	NEED(block_operation, begin, RECORD_NUMBER), NEED(block_operation, end, RECORD_NUMBER),
	WORD(block_operation, result, result_words), KEY(block_operation, lateness, RECORD_NUMBER),
	KEY(block_operation, seen, RECORD_VALUE),
};

static const struct record_key member_keys[] = {
	NEED(member_sample, workload, RECORD_NAME),  NEED(member_sample, member, RECORD_NAME),
	NEED(member_sample, time, RECORD_NUMBER),    KEY(member_sample, silent, RECORD_FLAG),
	KEY(member_sample, leader, RECORD_NAME),     KEY(member_sample, term, RECORD_NUMBER),
	KEY(member_sample, revision, RECORD_NUMBER), KEY(member_sample, applied, RECORD_NUMBER),
	KEY(member_sample, hash, RECORD_NUMBER),
};

static const struct record_key figure_keys[] = {
	NEED(figure, from, RECORD_NAME),   NEED(figure, to, RECORD_NAME),
	KEY(figure, class, RECORD_NAME),   NEED(figure, begin, RECORD_NUMBER),
	NEED(figure, end, RECORD_NUMBER),  NEED(figure, packets, RECORD_NUMBER),
	NEED(figure, lost, RECORD_NUMBER),
};

static const struct record_key scrape_keys[] = {
	NEED(scrape, workload, RECORD_NAME), NEED(scrape, member, RECORD_NAME),
	NEED(scrape, sent, RECORD_NUMBER),   NEED(scrape, took, RECORD_NUMBER),
	KEY(scrape, failed, RECORD_FLAG),
};

static const struct record_key metric_keys[] = {
	NEED(metric_sample, workload, RECORD_NAME), NEED(metric_sample, member, RECORD_NAME),
	NEED(metric_sample, sent, RECORD_NUMBER),   NEED(metric_sample, series, RECORD_VALUE),
	WORD(metric_sample, type, type_words),	    NEED(metric_sample, value, RECORD_REAL),
};

static const struct record_key asked_keys[] = {
	NEED(asked, from, RECORD_NAME),	      NEED(asked, to, RECORD_NAME),
	KEY(asked, class, RECORD_NAME),	      KEY(asked, phase, RECORD_NAME),
	NEED(asked, begin, RECORD_NUMBER),    NEED(asked, end, RECORD_NUMBER),
	KEY(asked, delay, RECORD_NUMBER),     KEY(asked, jitter, RECORD_NUMBER),
	KEY(asked, rate, RECORD_NUMBER),      KEY(asked, loss, RECORD_REAL),
	KEY(asked, duplicate, RECORD_REAL),   KEY(asked, corrupt, RECORD_REAL),
	KEY(asked, bursts, RECORD_REAL),      KEY(asked, packets, RECORD_NUMBER),
	KEY(asked, bytes, RECORD_NUMBER),     KEY(asked, lost, RECORD_NUMBER),
	KEY(asked, queued, RECORD_NUMBER),    KEY(asked, copied, RECORD_NUMBER),
	KEY(asked, corrupted, RECORD_NUMBER), LATER(asked, state, asked_words),
	KEY(asked, uncounted, RECORD_FLAG),
};

static const struct record_key verified_keys[] = {
	NEED(verified, subject, RECORD_NAME), NEED(verified, what, RECORD_NAME),
	KEY(verified, asked, RECORD_NAME),    KEY(verified, measured, RECORD_NAME),
	KEY(verified, why, RECORD_NAME),      WORD(verified, result, verified_words),
};

static const char *event_flaw(const void *record)
{
	const struct event *event = record;

	return event->kind == EVENT_NONE		 ? "an event without a kind" :
	       event->offered < 0 || event->affected < 0 ? "a negative number of packets" :
							   NULL;
}

static const char *probe_flaw(const void *record)
{
	const struct sampled_probe *probe = record;

	return !probe->name ? "a probe without a name" :
	       probe->interval <= 0 || probe->timeout <= 0 ?
			      "interval and timeout must be above 0" :
			      NULL;
}

static const char *sample_flaw(const void *record)
{
	const struct sample *sample = record;

	return !sample->probe	? "a sample without a probe" :
	       sample->took < 0 ? "an answer before its request" :
				  NULL;
}

static bool is_answered(const struct operation *op)
{
	return op->result == OP_OK || op->result == OP_UNEQUAL;
}

static const char *operation_flaw(const void *record)
{
	const struct operation *op = record;
	bool stream = op->kind >= OP_WATCH;
	bool writes = op->kind == OP_PUT || op->kind == OP_CAS;

	if (op->kind == OP_NONE || !op->client || !op->ledger)
		return "an operation without a kind, client or ledger";
	if (op->end < op->begin)
		return "an operation that ends before it begins";
	if (op->revision < 0 || op->mod_revision < 0 || op->compare < 0)
		return "a negative revision";
	if (!op->key && (!stream || op->kind == OP_EVENT))
		return "an operation without a key";
	if (writes && !op->value)
		return "a write without a value";
	if (op->result == OP_UNEQUAL && op->kind != OP_CAS)
		return "only a comparison can be unequal";
	if (!stream && is_answered(op) && !op->revision)
		return "an answer without a revision";
	if (!stream && !op->mod_revision != !op->seen)
		return "a value seen needs its revision, and a revision its value";
	return NULL;
}

static const char *block_flaw(const void *record)
{
	const struct block_operation *op = record;

	if (op->kind == BLOCK_NONE || !op->ledger || !op->block)
		return "an operation without a kind, ledger or block";
	if (op->end < op->begin)
		return "an operation that ends before it begins";
	if ((op->kind == BLOCK_WRITE) != (op->number > 0))
		return "a write needs its number, and a read has none";
	if (op->result == OP_UNEQUAL)
		return "only a comparison can be unequal";
	if ((op->kind == BLOCK_READ && op->result == OP_OK) != (op->seen != 0))
		return "a read that was answered needs what it shows";
	return NULL;
}

static const char *member_flaw(const void *record)
{
	const struct member_sample *state = record;

	return state->member && state->workload ? NULL : "a state without a member";
}

static const char *figure_flaw(const void *record)
{
	const struct figure *figure = record;

	return figure->end < figure->begin ? "a figure that ends before it begins" :
	       figure->packets < 0 || figure->lost < 0 || figure->lost > figure->packets ?
					     "more packets lost than sent" :
					     NULL;
}

static const char *scrape_flaw(const void *record)
{
	const struct scrape *scrape = record;

	return !scrape->member || !scrape->workload ? "a scrape without a member" :
	       scrape->took < 0			    ? "an answer before its request" :
						      NULL;
}

static const char *metric_flaw(const void *record)
{
	const struct metric_sample *sample = record;

	return sample->member && sample->workload && sample->series ? NULL :
								      "a value without a series";
}

static const char *asked_flaw(const void *record)
{
	const struct asked *asked = record;

	return asked->end < asked->begin ? "a time that ends before it begins" :
	       asked->packets < 0 || asked->bytes < 0 || asked->lost < 0 || asked->queued < 0 ||
			       asked->copied < 0 || asked->corrupted < 0 ?
					   "a negative number of packets" :
	       asked->delay < 0 || asked->rate < 0 ? "a negative delay or rate" :
						     NULL;
}

static const char *verified_flaw(const void *record)
{
	const struct verified *verified = record;

	return verified->subject && verified->what ? NULL : "a row without a subject";
}

#define KIND(label, owner, prefix)                                                    \
	{                                                                             \
		.name = (label), .size = sizeof(struct owner), .keys = prefix##_keys, \
		.key_count = ARRAY_SIZE(prefix##_keys), .flaw = prefix##_flaw         \
	}

static const struct record_kind kinds[EVIDENCE_KINDS] = {
	[EVIDENCE_EVENT] = KIND("event", event, event),
	[EVIDENCE_PROBE] = KIND("probe", sampled_probe, probe),
	[EVIDENCE_SAMPLE] = KIND("sample", sample, sample),
	[EVIDENCE_OPERATION] = KIND("operation", operation, operation),
	[EVIDENCE_BLOCK] = KIND("block", block_operation, block),
	[EVIDENCE_MEMBER] = KIND("member", member_sample, member),
	[EVIDENCE_FIGURE] = KIND("figure", figure, figure),
	[EVIDENCE_SCRAPE] = KIND("scrape", scrape, scrape),
	[EVIDENCE_METRIC] = KIND("metric", metric_sample, metric),
	[EVIDENCE_ASKED] = KIND("asked", asked, asked),
	[EVIDENCE_VERIFIED] = KIND("verified", verified, verified),
};

void evidence_done(struct evidence *ev)
{
	text_table_done(&ev->names);
	text_table_done(&ev->values);
	free(ev->events);
	free(ev->probes);
	free(ev->samples);
	free(ev->operations);
	free(ev->blocks);
	free(ev->members);
	free(ev->figures);
	free(ev->scrapes);
	free(ev->metrics);
	free(ev->asked);
	free(ev->verified);
	*ev = (struct evidence) {0};
}

uint32_t evidence_name(struct evidence *ev, const char *text)
{
	return text_table_add(&ev->names, text, strlen(text));
}

uint32_t evidence_value(struct evidence *ev, const char *text)
{
	return text_table_add(&ev->values, text, strlen(text));
}

const char *event_word(enum event_kind kind)
{
	return event_words[kind];
}

const char *operation_word(enum operation_kind kind)
{
	return operation_words[kind];
}

const char *verified_word(enum verified_result result)
{
	return verified_words[result];
}

#define APPEND(list, count)                                \
	do {                                               \
		void *item_ = array_push((list), (count)); \
		if (!item_)                                \
			return -ENOMEM;                    \
		memcpy(item_, record, sizeof(*(list)));    \
		return 0;                                  \
	} while (0)

int evidence_add(struct evidence *ev, enum evidence_kind kind, const void *record)
{
	switch (kind) {
	case EVIDENCE_EVENT:
		APPEND(ev->events, ev->event_count);
	case EVIDENCE_PROBE:
		APPEND(ev->probes, ev->probe_count);
	case EVIDENCE_SAMPLE:
		APPEND(ev->samples, ev->sample_count);
	case EVIDENCE_OPERATION:
		APPEND(ev->operations, ev->operation_count);
	case EVIDENCE_BLOCK:
		APPEND(ev->blocks, ev->block_count);
	case EVIDENCE_MEMBER:
		APPEND(ev->members, ev->member_count);
	case EVIDENCE_FIGURE:
		APPEND(ev->figures, ev->figure_count);
	case EVIDENCE_SCRAPE:
		APPEND(ev->scrapes, ev->scrape_count);
	case EVIDENCE_METRIC:
		APPEND(ev->metrics, ev->metric_count);
	case EVIDENCE_ASKED:
		APPEND(ev->asked, ev->asked_count);
	case EVIDENCE_VERIFIED:
		APPEND(ev->verified, ev->verified_count);
	case EVIDENCE_KINDS:
		break;
	}
	return -EINVAL;
}

void evidence_write(const struct evidence *ev, enum evidence_kind kind, const void *record,
		    struct buf *out)
{
	/* Writing only looks numbers up. */
	const struct record_texts texts = {(struct text_table *)&ev->names,
					   (struct text_table *)&ev->values};

	record_write(out, &kinds[kind], record, &texts);
}

int evidence_read(struct evidence *ev, struct evidence_file *file, const char *text, size_t len,
		  struct netsim_err *err)
{
	const struct record_texts texts = {&ev->names, &ev->values};
	struct record_line line = {.text = text, .loc = {.file = file->name}};
	union {
		struct event event;
		struct sampled_probe probe;
		struct sample sample;
		struct operation operation;
		struct block_operation block;
		struct member_sample member;
		struct figure figure;
		struct scrape scrape;
		struct metric_sample metric;
		struct asked asked;
		struct verified verified;
	} record;

	while (line.text < text + len) {
		size_t left = (size_t)(text + len - line.text);
		const char *newline = memchr(line.text, '\n', left);
		struct netsim_err why = {0};
		int kind;

		line.len = newline ? (size_t)(newline - line.text) : left;
		line.loc.line = ++file->lines;
		kind = record_read(&line, kinds, EVIDENCE_KINDS, &texts, &record, &why);
		if (kind == -EINVAL && !newline && !file->more) {
			ev->truncated++;
			return 0;
		}
		if (kind >= 0 && evidence_add(ev, (enum evidence_kind)kind, &record) < 0)
			return err_oom(err);
		if (kind < 0) {
			if (err && err->kind == NETSIM_ERR_NONE) {
				*err = why;
				err->loc.file = err->file;
			}
			return kind;
		}
		line.text = newline ? newline + 1 : text + len;
	}
	return 0;
}
