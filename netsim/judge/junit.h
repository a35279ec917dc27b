/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verdicts as JUnit's XML: a suite for each run, a test case for each row. Failed rows have a
 * <failure>, unproved ones an <error>. Pure: no I/O, no clock.
 */
#ifndef NETSIM_JUDGE_JUNIT_H
#define NETSIM_JUDGE_JUNIT_H

#include "netsim/judge/verdict.h"
#include "netsim/util/buf.h"

/* A document is junit_begin(), any number of suites, numbered from 0, and junit_end(). */
void junit_begin(struct buf *out);
void junit_suite(struct buf *out, const struct verdict *verdict, size_t id);
/* The suite of a run without a verdict: one test case, with an error. */
void junit_error(struct buf *out, const char *name, const char *why, int64_t wall, size_t id);
void junit_end(struct buf *out);

/* The document of one verdict. The caller frees it; NULL: out of memory. */
char *junit_verdict(const struct verdict *verdict);

#endif
