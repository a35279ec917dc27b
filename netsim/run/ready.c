/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/ready.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "netsim/run/loop.h"
#include "netsim/run/process.h"
#include "netsim/run/thread.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define PAUSE	   20000000LL	/* ns between two checks */
#define CHECK_TIME 2000000000LL /* ns of one check at most */
#define LOG_TAIL   4096
#define WHY_TEXT   256

struct ready_check {
	const struct ready_spec *spec;
	int64_t deadline;
	char why[WHY_TEXT]; /* why the last check failed: "port 2379 refused" */
	int64_t since;	    /* the first time with this reason */
	int code;
	CURL *easy;
	struct netsim_err *err;
};

static int64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static int ms_until(int64_t when)
{
	int64_t left = when - now();

	return left > 0 ? (int)(left / 1000000) + 1 : 0;
}

/* The deadline of one check. */
static int64_t check_end(const struct ready_check *ready)
{
	int64_t end = now() + CHECK_TIME;

	return end < ready->deadline ? end : ready->deadline;
}

/* Each check returns true if it is ready; otherwise why is filled. */

static int connect_until(int fd, const struct addrinfo *to, int64_t end)
{
	struct pollfd poll_fd = {fd, POLLOUT, 0};
	socklen_t size = sizeof(int);
	int code = 0;

	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&poll_fd, 1, ms_until(end)) < 1)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno : code;
}

static bool check_tcp_at(struct ready_check *ready, const char *host, char why[static WHY_TEXT])
{
	const struct ready_spec *spec = ready->spec;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *to = NULL;
	char port[8];
	int code;

	snprintf(port, sizeof(port), "%u", spec->port);
	code = getaddrinfo(host, port, &hints, &to);
	if (code) {
		err_format(why, WHY_TEXT, "%s: %s", host, gai_strerror(code));
		return false;
	}
	auto_close int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	code = fd < 0 ? errno : connect_until(fd, to, check_end(ready));
	freeaddrinfo(to);
	if (code == ECONNREFUSED)
		err_format(why, WHY_TEXT, "port %u refused", spec->port);
	else if (code == ETIMEDOUT)
		err_format(why, WHY_TEXT, "no answer on port %u", spec->port);
	else
		err_format(why, WHY_TEXT, "port %u: %s", spec->port, strerror(code));
	return code == 0;
}

/* A server may listen to one of its addresses only. */
static bool check_tcp(struct ready_check *ready, char why[static WHY_TEXT])
{
	const char *host = ready->spec->host;

	return check_tcp_at(ready, "127.0.0.1", why) ||
	       (host && *host && check_tcp_at(ready, host, why));
}

static size_t discard(char *data, size_t size, size_t count, void *arg)
{
	(void)data;
	(void)arg;
	return size * count;
}

static bool check_http(struct ready_check *ready, char why[static WHY_TEXT])
{
	const struct ready_spec *spec = ready->spec;
	char text[CURL_ERROR_SIZE] = "";
	/* For libcurl, 0 means no limit. */
	long limit = ms_until(check_end(ready)), status = 0;
	CURLcode code;

	libcurl.easy_setopt(ready->easy, CURLOPT_URL, spec->url);
	libcurl.easy_setopt(ready->easy, CURLOPT_WRITEFUNCTION, discard);
	libcurl.easy_setopt(ready->easy, CURLOPT_ERRORBUFFER, text);
	libcurl.easy_setopt(ready->easy, CURLOPT_TIMEOUT_MS, limit ? limit : 1L);
	libcurl_set_tls(ready->easy, spec->ca, spec->cert, spec->key);
	code = libcurl.easy_perform(ready->easy);
	libcurl.easy_setopt(ready->easy, CURLOPT_ERRORBUFFER, NULL);
	libcurl.easy_getinfo(ready->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OPERATION_TIMEDOUT)
		err_format(why, WHY_TEXT, "no answer from %s", spec->url);
	else if (code != CURLE_OK)
		err_format(why, WHY_TEXT, "%s: %s", spec->url,
			   *text ? text : libcurl.easy_strerror(code));
	else
		err_format(why, WHY_TEXT, "%s answered with status %ld", spec->url, status);
	return code == CURLE_OK && status == 200;
}

static bool check_run(struct ready_check *ready, char why[static WHY_TEXT])
{
	const struct ready_spec *spec = ready->spec;
	const struct process_spec run = {
		.argv = spec->run, .netns = spec->netns, .cgroup = spec->cgroup};
	struct netsim_err err = {0};
	struct process process;
	struct process_exit end;
	char text[PROCESS_TEXT];
	struct pollfd poll_fd = {-1, POLLIN, 0};
	bool hung;

	if (process_start(&run, &process, &err) < 0) {
		err_format(why, WHY_TEXT, "%s", err.what);
		return false;
	}
	poll_fd.fd = process.pidfd;
	hung = poll(&poll_fd, 1, ms_until(check_end(ready))) == 0;
	if (hung)
		process_signal_group(&process, SIGKILL);
	process_collect(&process, true, &end);
	if (hung)
		err_format(why, WHY_TEXT, "%s did not end", spec->run[0]);
	else
		err_format(why, WHY_TEXT, "%s %s", spec->run[0], process_exit_text(&end, text));
	return !hung && !end.killed && end.code == 0;
}

/* Keeps the end of each block, so that a text that spans two reads is found. */
static bool file_has(FILE *f, const char *text)
{
	char block[16384];
	size_t keep = 0, length = strlen(text), got;

	while ((got = fread(block + keep, 1, sizeof(block) - keep, f)) > 0) {
		if (memmem(block, keep + got, text, length))
			return true;
		keep += got;
		if (keep >= length) {
			memmove(block, block + keep - length + 1, length - 1);
			keep = length - 1;
		}
	}
	return false;
}

static bool check_log(struct ready_check *ready, char why[static WHY_TEXT])
{
	const struct ready_spec *spec = ready->spec;
	auto_fclose FILE *f = fopen(spec->log, "re");

	if (!f || fseeko(f, spec->log_start, SEEK_SET) < 0)
		err_format(why, WHY_TEXT, "cannot read %s: %s", spec->log, strerror(errno));
	else if (file_has(f, spec->text))
		return true;
	else
		err_format(why, WHY_TEXT, "no \"%s\" in its log", spec->text);
	return false;
}

static bool (*const checks[])(struct ready_check *, char why[static WHY_TEXT]) = {
	[READY_TCP] = check_tcp,
	[READY_HTTP] = check_http,
	[READY_RUN] = check_run,
	[READY_LOG] = check_log,
};

/* --- messages */

/* Appends the last line of the log that is not empty. */
static void add_last_line(const struct ready_spec *spec, char *text, size_t size)
{
	auto_close int fd = spec->log ? open(spec->log, O_RDONLY | O_CLOEXEC) : -1;
	char tail[LOG_TAIL + 1];
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END), from = end - LOG_TAIL;
	size_t used = strlen(text);
	ssize_t got = 0;

	if (from < spec->log_start)
		from = spec->log_start;
	if (end > from)
		got = pread(fd, tail, LOG_TAIL, from);
	while (got > 0 && (tail[got - 1] == '\n' || tail[got - 1] == '\r'))
		got--;
	tail[got > 0 ? got : 0] = '\0';
	if (got > 0) {
		char *line = strrchr(tail, '\n');

		err_format(text + used, size - used, "; the last line of its log: %s",
			   line ? line + 1 : tail);
	} else if (spec->log) {
		err_format(text + used, size - used, "; its log is empty");
	}
}

static void fail(struct ready_check *ready, int code, const char *why)
{
	char text[sizeof(ready->err->what)];

	err_format(text, sizeof(text), "%s: %s", ready->spec->who, why);
	add_last_line(ready->spec, text, sizeof(text));
	ready->code = err_set(ready->err, NETSIM_ERR_FAILED, code, NULL, "%s", text);
}

static void fail_late(struct ready_check *ready)
{
	char why[WHY_TEXT + 64];
	double seconds = (double)(now() - ready->since) / 1e9;

	snprintf(why, sizeof(why), seconds < 10 ? "%s for %.1f s" : "%s for %.0f s", ready->why,
		 seconds);
	fail(ready, -ETIMEDOUT, why);
}

static bool stopped(struct ready_check *ready)
{
	char why[WHY_TEXT] = "stopped";

	if (!ready->spec->stop || !ready->spec->stop(ready->spec->arg, why, sizeof(why)))
		return false;
	fail(ready, -ECANCELED, why);
	return true;
}

static void wait_ready(void *arg)
{
	struct ready_check *ready = arg;
	char why[WHY_TEXT];

	for (;;) {
		int64_t begin = now();

		if (checks[ready->spec->kind](ready, why))
			return;
		/* A check that the deadline cut short says less than the one before it. */
		if (strcmp(why, ready->why) != 0 && (!*ready->why || now() < ready->deadline)) {
			ready->since = begin;
			memcpy(ready->why, why, sizeof(why));
		}
		if (stopped(ready))
			return;
		if (now() >= ready->deadline) {
			fail_late(ready);
			return;
		}
		nanosleep(&(struct timespec) {0, PAUSE}, NULL);
	}
}

int ready_wait(const struct ready_spec *spec, struct netsim_err *err)
{
	int64_t start = now();
	struct netsim_err own = {0};
	struct ready_check ready = {.spec = spec,
				    .deadline = start + spec->within,
				    .since = start,
				    .err = err ? err : &own};
	pthread_t thread;
	int r = 0;

	if (spec->kind == READY_ALIVE)
		return 0;
	if (spec->kind == READY_HTTP)
		r = loop_easy(&ready.easy, err);
	if (r < 0)
		return r;
	r = thread_start(spec->netns, wait_ready, &ready, &thread, err);
	if (r == 0) {
		pthread_join(thread, NULL);
		r = ready.code;
	}
	if (ready.easy)
		libcurl.easy_cleanup(ready.easy);
	return r;
}
