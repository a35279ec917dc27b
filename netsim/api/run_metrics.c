// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The metrics of workloads: each member is asked by a thread of its own, from inside its node, so
 * that one that hangs delays nothing, and a partition hides nothing. Of the answers, the series
 * that the recipe or a sentence names are recorded, when they change.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "netsim/api/run_parts.h"
#include "netsim/judge/metrics.h"
#include "netsim/run/loop.h"
#include "netsim/run/thread.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define TIMEOUT	   1000L       /* ms */
#define ANSWER_MAX (16U << 20) /* bytes */
#define SERIES_MAX 500	       /* of a member that are recorded */

/* The last value of a series. */
struct last {
	uint32_t series;
	double value;
};

struct run_scraper {
	struct run *run;
	const struct run_member *member;
	char *url, *ca, *cert, *key;
	const struct series *wanted; /* of its workload */
	size_t wanted_count;
	struct loop *loop;
	struct loop_watch watch;
	int event; /* asks for a scrape at once */
	pthread_t thread;
	bool running, busy, again, full;
	struct loop_transfer transfer;
	struct buf answer;
	int64_t sent;
	uint32_t workload_name, member_name;
	struct last *last;
	size_t last_count;
};

struct run_metrics {
	struct run_scraper *list;
	size_t count;
	struct series *wanted; /* of all workloads, one after the other */
	size_t wanted_count;
};

/* --- one answer */

static bool is_wanted(const struct run_scraper *s, const struct series *series)
{
	for (size_t i = 0; i < s->wanted_count; i++)
		if (series_matches(&s->wanted[i], series))
			return true;
	return false;
}

/* Returns the place of a series' last value; NULL: there are too many. */
static struct last *find_last(struct run_scraper *s, uint32_t series)
{
	struct last *added;

	for (size_t i = 0; i < s->last_count; i++)
		if (s->last[i].series == series)
			return &s->last[i];
	added = s->last_count < SERIES_MAX ? array_push(s->last, s->last_count) : NULL;
	if (added)
		*added = (struct last) {series, NAN};
	else if (!s->full)
		run_note(s->run, "%s has more than %d series: the rest is left out",
			 s->member->name, SERIES_MAX);
	s->full |= !added;
	return added;
}

static void record_value(struct run_scraper *s, const struct metrics_value *value)
{
	char text[1024];
	struct metric_sample sample = {.sent = s->sent,
				       .value = value->value,
				       .workload = s->workload_name,
				       .member = s->member_name,
				       .type = (uint8_t)value->type};
	struct last *last;

	if (!isfinite(value->value) || value->len >= sizeof(text))
		return;
	memcpy(text, value->text, value->len);
	text[value->len] = '\0';
	sample.series = recorder_value(s->run->rec, text);
	last = find_last(s, sample.series);
	if (!last || last->value == value->value)
		return;
	last->value = value->value;
	recorder_add(s->run->rec, EVIDENCE_METRIC, &sample);
}

static void on_done(void *arg, CURLcode code)
{
	struct run_scraper *s = arg;
	struct scrape scrape = {.sent = s->sent,
				.took = run_now() - s->sent,
				.workload = s->workload_name,
				.member = s->member_name};
	struct metrics_reader reader = {.at = s->answer.data, .end = s->answer.data};
	struct metrics_value value;
	long status = 0;

	s->busy = false;
	if (code == CURLE_OK)
		libcurl.easy_getinfo(s->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
	scrape.failed = status != 200 || s->answer.failed;
	reader.end += scrape.failed ? 0 : s->answer.len;
	while (reader.at < reader.end && metrics_next(&reader, &value))
		if (is_wanted(s, &value.series))
			record_value(s, &value);
	/* After its values, so that a copy of the evidence has them. */
	recorder_add(s->run->rec, EVIDENCE_SCRAPE, &scrape);
}

static size_t take_answer(char *data, size_t size, size_t count, void *arg)
{
	struct run_scraper *s = arg;

	if (s->answer.len > ANSWER_MAX)
		return 0;
	buf_add(&s->answer, data, size * count);
	return s->answer.failed ? 0 : size * count;
}

/* --- the thread */

static void on_event(void *arg, uint32_t events)
{
	struct run_scraper *s = arg;
	eventfd_t value;

	(void)events;
	eventfd_read(s->event, &value);
	s->again = true;
}

static void scrape(void *arg)
{
	struct run_scraper *s = arg;
	int64_t due = run_now();

	while (!loop_stopped(s->loop)) {
		if (!s->busy && (s->again || run_now() >= due)) {
			while (due <= run_now())
				due += METRICS_INTERVAL;
			s->again = false;
			s->busy = true;
			s->answer.len = 0;
			s->sent = run_now();
			loop_start(s->loop, &s->transfer);
		}
		loop_turn(s->loop, due);
	}
	if (s->busy)
		loop_abort(s->loop, &s->transfer);
}

static int open_transfer(struct run_scraper *s, struct netsim_err *err)
{
	CURL *easy;
	int r = loop_easy(&easy, err);

	if (r < 0)
		return r;
	s->transfer = (struct loop_transfer) {easy, on_done, s};
	libcurl.easy_setopt(easy, CURLOPT_URL, s->url);
	libcurl.easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT);
	libcurl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
	libcurl.easy_setopt(easy, CURLOPT_WRITEDATA, s);
	libcurl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	libcurl_set_tls(easy, s->ca, s->cert, s->key);
	return 0;
}

static int fill_texts(struct run *run, struct run_scraper *s)
{
	const struct workload *w = s->member->workload;
	const struct recipe_tls *tls = &w->recipe->tls;

	s->url = work_fill(run, w, s->member->node, w->recipe->metrics.s);
	if (!s->url)
		return -ENOMEM;
	if (!tls->ca.s)
		return 0;
	s->ca = work_fill(run, w, s->member->node, tls->ca.s);
	s->cert = work_fill(run, w, s->member->node, tls->cert.s);
	s->key = work_fill(run, w, s->member->node, tls->key.s);
	return s->ca && s->cert && s->key ? 0 : -ENOMEM;
}

static int start_one(struct run *run, struct run_scraper *s, struct netsim_err *err)
{
	int r = fill_texts(run, s);

	if (r < 0)
		return err_oom(err);
	s->workload_name = recorder_name(run->rec, s->member->workload->name);
	s->member_name = recorder_name(run->rec, s->member->node);
	s->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->event < 0)
		return err_errno(err, -errno, NULL, "cannot create an event");
	s->watch = (struct loop_watch) {on_event, s};
	r = loop_open(&s->loop, err);
	if (r == 0)
		r = open_transfer(s, err);
	if (r < 0)
		return r;
	r = loop_watch(s->loop, s->event, EPOLLIN, &s->watch);
	if (r < 0)
		return err_errno(err, r, NULL, "cannot wait for events");
	r = thread_start(s->member->netns, scrape, s, &s->thread, err);
	s->running = r == 0;
	return r;
}

/* --- which series */

static int add_wanted(struct run_metrics *m, const char *text)
{
	struct series *added = array_push(m->wanted, m->wanted_count);

	if (!added)
		return -ENOMEM;
	return series_parse(text, strlen(text), added, NULL) < 0 ? -EINVAL : 0;
}

/* Adds the series of a workload: those of its recipe, and those that sentences name. */
static int add_all_wanted(struct run *run, const struct workload *w)
{
	const struct texts *series = &w->recipe->series;
	int r = 0;

	for (size_t i = 0; r == 0 && i < series->count; i++)
		r = add_wanted(run->metrics, series->list[i].s);
	for (size_t p = 0; p < run->s->phase_count; p++)
		for (size_t i = 0; r == 0 && i < run->s->phases[p]->expect_count; i++) {
			const struct scenario_expectation *x = run->s->phases[p]->expect[i];

			if (x->workload == w && x->e.quantity == EXPECT_METRIC)
				r = add_wanted(run->metrics, x->e.series);
		}
	for (size_t i = 0; r == 0 && i < run->s->abort_count; i++)
		if (run->s->aborts[i]->workload == w &&
		    run->s->aborts[i]->e.quantity == EXPECT_METRIC)
			r = add_wanted(run->metrics, run->s->aborts[i]->e.series);
	return r;
}

/* Members of one workload are beside each other, and so are the series of each workload. */
static int find_wanted(struct run *run, struct run_scraper *list)
{
	struct run_metrics *m = run->metrics;
	size_t from = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->count; i++) {
		if (i == 0 || list[i].member->workload != list[i - 1].member->workload) {
			from = m->wanted_count;
			r = add_all_wanted(run, list[i].member->workload);
		}
		list[i].wanted_count = m->wanted_count - from;
	}
	/* The array does not move any more. */
	from = 0;
	for (size_t i = 0; r == 0 && i < m->count; i++) {
		if (i && list[i].member->workload != list[i - 1].member->workload)
			from += list[i - 1].wanted_count;
		list[i].wanted = m->wanted + from;
	}
	return r;
}

/* --- all of them */

int metrics_start(struct run *run, struct netsim_err *err)
{
	struct run_metrics *m = calloc(1, sizeof(*m));
	int r;

	run->metrics = m;
	if (m)
		m->list = calloc(run->member_count + 1, sizeof(*m->list));
	if (!m || !m->list)
		return err_oom(err);
	for (size_t i = 0; i < run->member_count; i++) {
		const struct recipe *recipe = run->members[i].workload->recipe;

		if (recipe && recipe->metrics.s)
			m->list[m->count++] = (struct run_scraper) {
				.run = run, .member = &run->members[i], .event = -1};
	}
	r = find_wanted(run, m->list);
	if (r < 0)
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < m->count; i++)
		if (m->list[i].wanted_count)
			r = start_one(run, &m->list[i], err);
	return r;
}

void metrics_look(struct run *run)
{
	for (size_t i = 0; run->metrics && i < run->metrics->count; i++)
		if (run->metrics->list[i].running)
			eventfd_write(run->metrics->list[i].event, 1);
}

static void free_scraper(struct run_scraper *s)
{
	if (s->transfer.easy)
		libcurl.easy_cleanup(s->transfer.easy);
	loop_close(s->loop);
	if (s->event >= 0)
		close(s->event);
	buf_done(&s->answer);
	free(s->last);
	free(s->url);
	free(s->ca);
	free(s->cert);
	free(s->key);
}

void metrics_stop(struct run *run)
{
	struct run_metrics *m = run->metrics;

	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		if (m->list[i].running)
			loop_stop(m->list[i].loop);
	for (size_t i = 0; i < m->count; i++) {
		if (m->list[i].running)
			pthread_join(m->list[i].thread, NULL);
		free_scraper(&m->list[i]);
	}
	free(m->list);
	free(m->wanted);
	free(m);
	run->metrics = NULL;
}
