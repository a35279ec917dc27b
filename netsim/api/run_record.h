/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records the evidence of a run in memory, and as lines in the files of its folder. A thread
 * writes the files ten times a second, so that a slow disk delays nothing else. All calls are
 * thread-safe.
 */
#ifndef NETSIM_API_RUN_RECORD_H
#define NETSIM_API_RUN_RECORD_H

#include "netsim/judge/evidence.h"

struct recorder;

/* Creates the files in a folder. The caller closes *ret. */
int recorder_open(const char *folder, struct recorder **ret, struct netsim_err *err);
/* Writes the rest, closes the files, and frees all. */
void recorder_close(struct recorder *rec);

/* Returns the number of a name or value, as evidence_name() does. */
uint32_t recorder_name(struct recorder *rec, const char *text);
uint32_t recorder_value(struct recorder *rec, const char *text);

/* Records an event; time 0: now. Subject and text may be NULL. */
void recorder_event(struct recorder *rec, struct event event, const char *subject,
		    const char *text);
/* Records anything else. */
void recorder_add(struct recorder *rec, enum evidence_kind kind, const void *record);

/*
 * Appends to a copy of the evidence all that it lacks, except events, operations and what was
 * asked, and metrics only if they are wanted.
 */
int recorder_copy(struct recorder *rec, bool metrics, struct evidence *into);

/*
 * Ends the writing, and returns the evidence, which belongs to the recorder. *why: the reason
 * why a file lacks a part, or "" (belongs to the recorder). NULL: memory ran out.
 */
const struct evidence *recorder_finish(struct recorder *rec, const char **why);

#endif
