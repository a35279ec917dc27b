// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/api/run_record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/run/thread.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"
#include "netsim/util/err.h"

#define WRITE_INTERVAL 100000000 /* ns */

enum { FILE_EVENTS, FILE_SAMPLES, FILE_HISTORY, FILE_METRICS, FILES };
static const char *const names[] = {"events.jsonl", "samples.jsonl", "history.jsonl",
				    "metrics.jsonl"};

struct file {
	int fd;
	struct buf lines; /* not written yet */
	int code;	  /* the negative errno of the first failure */
};

struct recorder {
	pthread_mutex_t lock; /* of the evidence and the lines */
	pthread_cond_t wake;
	struct evidence ev;
	struct file files[FILES];
	pthread_t thread;
	bool running, stop, failed;
	char why[256];
};

static int file_of(enum evidence_kind kind)
{
	return kind == EVIDENCE_EVENT	  ? FILE_EVENTS :
	       kind == EVIDENCE_OPERATION ? FILE_HISTORY :
	       kind == EVIDENCE_BLOCK	  ? FILE_HISTORY :
	       kind == EVIDENCE_SCRAPE	  ? FILE_METRICS :
	       kind == EVIDENCE_METRIC	  ? FILE_METRICS :
					    FILE_SAMPLES;
}

/* --- the writer */

static int write_all(int fd, const struct buf *lines)
{
	size_t done = 0;

	while (done < lines->len) {
		ssize_t got = write(fd, lines->data + done, lines->len - done);

		if (got < 0 && errno != EINTR)
			return -errno;
		done += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* Takes the lines under the lock, and writes them without it. */
static void write_files(struct recorder *rec)
{
	for (int i = 0; i < FILES; i++) {
		struct file *file = &rec->files[i];
		struct buf lines;

		pthread_mutex_lock(&rec->lock);
		lines = file->lines;
		file->lines = (struct buf) {0};
		pthread_mutex_unlock(&rec->lock);
		if (!file->code && lines.failed)
			file->code = -ENOMEM;
		if (!file->code)
			file->code = write_all(file->fd, &lines);
		buf_done(&lines);
	}
}

static void keep_writing(void *arg)
{
	struct recorder *rec = arg;
	bool stop;

	do {
		int64_t until = clock_ns(CLOCK_MONOTONIC) + WRITE_INTERVAL;
		struct timespec at = {until / 1000000000, until % 1000000000};

		pthread_mutex_lock(&rec->lock);
		if (!rec->stop)
			pthread_cond_clockwait(&rec->wake, &rec->lock, CLOCK_MONOTONIC, &at);
		stop = rec->stop;
		pthread_mutex_unlock(&rec->lock);
		write_files(rec);
	} while (!stop);
}

static void stop_writing(struct recorder *rec)
{
	if (!rec->running)
		return;
	pthread_mutex_lock(&rec->lock);
	rec->stop = true;
	pthread_cond_signal(&rec->wake);
	pthread_mutex_unlock(&rec->lock);
	pthread_join(rec->thread, NULL);
	rec->running = false;
}

int recorder_open(const char *folder, struct recorder **ret, struct netsim_err *err)
{
	struct recorder *rec = calloc(1, sizeof(*rec));
	char path[4096];
	int r = 0;

	if (!rec)
		return err_oom(err);
	pthread_mutex_init(&rec->lock, NULL);
	pthread_cond_init(&rec->wake, NULL);
	for (int i = 0; i < FILES; i++)
		rec->files[i].fd = -1;
	for (int i = 0; r == 0 && i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		rec->files[i].fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (rec->files[i].fd < 0)
			r = err_errno(err, -errno, NULL, "cannot create %s", path);
	}
	if (r == 0)
		r = thread_start(NULL, keep_writing, rec, &rec->thread, err);
	rec->running = r == 0;
	if (r < 0)
		recorder_close(rec);
	else
		*ret = rec;
	return r;
}

void recorder_close(struct recorder *rec)
{
	if (!rec)
		return;
	stop_writing(rec);
	for (int i = 0; i < FILES; i++) {
		buf_done(&rec->files[i].lines);
		if (rec->files[i].fd >= 0)
			close(rec->files[i].fd);
	}
	evidence_done(&rec->ev);
	pthread_cond_destroy(&rec->wake);
	pthread_mutex_destroy(&rec->lock);
	free(rec);
}

/* --- recording */

/* Returns 0 when memory ran out. */
static uint32_t checked(struct recorder *rec, uint32_t number)
{
	if (number != TEXT_TABLE_FULL)
		return number;
	rec->failed = true;
	return 0;
}

uint32_t recorder_name(struct recorder *rec, const char *text)
{
	uint32_t number;

	pthread_mutex_lock(&rec->lock);
	number = checked(rec, evidence_name(&rec->ev, text));
	pthread_mutex_unlock(&rec->lock);
	return number;
}

uint32_t recorder_value(struct recorder *rec, const char *text)
{
	uint32_t number;

	pthread_mutex_lock(&rec->lock);
	number = checked(rec, evidence_value(&rec->ev, text));
	pthread_mutex_unlock(&rec->lock);
	return number;
}

static void add(struct recorder *rec, enum evidence_kind kind, const void *record)
{
	if (evidence_add(&rec->ev, kind, record) < 0)
		rec->failed = true;
	evidence_write(&rec->ev, kind, record, &rec->files[file_of(kind)].lines);
}

void recorder_event(struct recorder *rec, struct event event, const char *subject, const char *text)
{
	int64_t offset;

	pthread_mutex_lock(&rec->lock);
	offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	if (!event.time)
		event.time = clock_ns(CLOCK_MONOTONIC);
	event.wall = event.time + offset;
	if (subject)
		event.subject = checked(rec, evidence_name(&rec->ev, subject));
	if (text)
		event.text = checked(rec, evidence_name(&rec->ev, text));
	add(rec, EVIDENCE_EVENT, &event);
	pthread_cond_signal(&rec->wake);
	pthread_mutex_unlock(&rec->lock);
}

void recorder_add(struct recorder *rec, enum evidence_kind kind, const void *record)
{
	pthread_mutex_lock(&rec->lock);
	add(rec, kind, record);
	pthread_mutex_unlock(&rec->lock);
}

/* Texts are numbered in their order, so that a copy has the same numbers. */
static int copy_texts(const struct text_table *from, struct text_table *into)
{
	for (size_t i = into->count; i < from->count; i++) {
		const char *text = text_table_get(from, (uint32_t)i + 1);

		if (text_table_add(into, text, strlen(text)) == TEXT_TABLE_FULL)
			return -ENOMEM;
	}
	return 0;
}

/* The names of series are among the values. */
static int copy_metrics(const struct evidence *ev, struct evidence *into)
{
	int r = copy_texts(&ev->values, &into->values);

	for (size_t i = into->scrape_count; r == 0 && i < ev->scrape_count; i++)
		r = evidence_add(into, EVIDENCE_SCRAPE, &ev->scrapes[i]);
	for (size_t i = into->metric_count; r == 0 && i < ev->metric_count; i++)
		r = evidence_add(into, EVIDENCE_METRIC, &ev->metrics[i]);
	return r;
}

int recorder_copy(struct recorder *rec, bool metrics, struct evidence *into)
{
	const struct evidence *ev = &rec->ev;
	int r;

	pthread_mutex_lock(&rec->lock);
	r = copy_texts(&ev->names, &into->names);
	for (size_t i = into->probe_count; r == 0 && i < ev->probe_count; i++)
		r = evidence_add(into, EVIDENCE_PROBE, &ev->probes[i]);
	for (size_t i = into->sample_count; r == 0 && i < ev->sample_count; i++)
		r = evidence_add(into, EVIDENCE_SAMPLE, &ev->samples[i]);
	for (size_t i = into->member_count; r == 0 && i < ev->member_count; i++)
		r = evidence_add(into, EVIDENCE_MEMBER, &ev->members[i]);
	for (size_t i = into->figure_count; r == 0 && i < ev->figure_count; i++)
		r = evidence_add(into, EVIDENCE_FIGURE, &ev->figures[i]);
	if (r == 0 && metrics)
		r = copy_metrics(ev, into);
	pthread_mutex_unlock(&rec->lock);
	return r;
}

const struct evidence *recorder_finish(struct recorder *rec, const char **why)
{
	stop_writing(rec);
	for (int i = 0; i < FILES && !*rec->why; i++)
		if (rec->files[i].code)
			err_format(rec->why, sizeof(rec->why), "cannot write %s: %s", names[i],
				   strerror(-rec->files[i].code));
	*why = rec->why;
	return rec->failed ? NULL : &rec->ev;
}
