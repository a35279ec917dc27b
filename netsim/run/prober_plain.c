/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP/1.1 without TLS: three system calls for an attempt on a kept connection. libcurl needs
 * three times the processor time, and handles all other requests.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "netsim/run/prober_parts.h"

#define MALFORMED "the answer is not HTTP"
#define CLOSED	  "the connection was closed without an answer"

enum stage {
	STAGE_IDLE,
	STAGE_CONNECT,
	STAGE_HEAD,
	STAGE_BODY,
	STAGE_CHUNK,	/* the line with the size of a chunk */
	STAGE_DATA,	/* of a chunk */
	STAGE_DATA_END, /* the line end after it */
	STAGE_TRAILER,
};

/* --- the end of an attempt */

static void fail(struct attempt *attempt, int error, const char *text)
{
	attempt_hang_up(attempt);
	attempt->sample.error = error;
	attempt->sample.text = text;
	attempt_end(attempt, PROBER_ERROR);
}

static void succeed(struct attempt *attempt)
{
	bool keep = attempt->plain.keep && !attempt->lane->spec->fresh;

	attempt->plain.stage = STAGE_IDLE;
	if (!keep)
		attempt_hang_up(attempt);
	http_answered(attempt);
}

/* --- the answer */

/* The value of a header field, without leading blanks; NULL: absent. */
static const char *field(const char *head, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = strchr(head, '\n'); line; line = strchr(line + 1, '\n'))
		if (strncasecmp(line + 1, name, length) == 0 && line[1 + length] == ':')
			return line + 2 + length + strspn(line + 2 + length, " \t");
	return NULL;
}

static bool starts(const char *value, const char *word)
{
	return value && strncasecmp(value, word, strlen(word)) == 0;
}

/* Reads the head, which ends with an empty line. False: it is malformed. */
static bool read_head(struct attempt *attempt, const char *head)
{
	struct plain *plain = &attempt->plain;
	const char *length = field(head, "Content-Length");
	const char *connection = field(head, "Connection");
	int major, minor, status;

	if (sscanf(head, "HTTP/%d.%d %d", &major, &minor, &status) != 3 || status < 100)
		return false;
	plain->stage = STAGE_HEAD;
	if (status < 200)
		return true; /* the answer proper follows */
	attempt->sample.status = status;
	plain->keep = (major > 1 || minor >= 1) ? !starts(connection, "close") :
						  starts(connection, "keep-alive");
	plain->left = length ? strtoll(length, NULL, 10) : INT64_MAX;
	plain->stage = STAGE_BODY;
	if (status == 204 || status == 304)
		plain->left = 0;
	else if (starts(field(head, "Transfer-Encoding"), "chunked"))
		plain->stage = STAGE_CHUNK;
	else if (!length)
		plain->keep = false; /* the body ends with the connection */
	return plain->left >= 0;
}

/*
 * Takes a line from the data, or with head all lines up to an empty one, after the part taken
 * before. NULL: it is not complete yet.
 */
static const char *take_line(struct plain *plain, const char **data, size_t *size, bool head)
{
	while (*size) {
		char byte = *(*data)++;

		--*size;
		if (plain->used >= sizeof(plain->line) - 1)
			return ""; /* too long: malformed */
		plain->line[plain->used++] = byte;
		plain->line[plain->used] = '\0';
		if (byte != '\n')
			continue;
		if (head &&
		    !(plain->used > 3 && (strcmp(plain->line + plain->used - 3, "\n\r\n") == 0 ||
					  strcmp(plain->line + plain->used - 2, "\n\n") == 0)))
			continue;
		plain->used = 0;
		return plain->line;
	}
	return NULL;
}

static void take_data(struct attempt *attempt, const char **data, size_t *size)
{
	struct plain *plain = &attempt->plain;
	size_t taken = (int64_t)*size < plain->left ? *size : (size_t)plain->left;

	http_take(attempt, *data, taken);
	*data += taken;
	*size -= taken;
	if (plain->left != INT64_MAX)
		plain->left -= (int64_t)taken;
}

/* One step in the answer. Returns 1 at its end, 0 if it goes on, -1 if it is malformed. */
static int step(struct attempt *attempt, const char **data, size_t *size)
{
	struct plain *plain = &attempt->plain;
	const char *line;

	if (plain->stage == STAGE_BODY || plain->stage == STAGE_DATA) {
		take_data(attempt, data, size);
		if (plain->left)
			return 0;
		if (plain->stage == STAGE_BODY)
			return 1;
		plain->stage = STAGE_DATA_END;
		return 0;
	}
	line = take_line(plain, data, size, plain->stage == STAGE_HEAD);
	if (!line)
		return 0;
	switch (plain->stage) {
	case STAGE_HEAD:
		if (!read_head(attempt, line))
			return -1;
		return plain->stage == STAGE_BODY && !plain->left;
	case STAGE_CHUNK:
		plain->left = strtoll(line, NULL, 16);
		plain->stage = plain->left ? STAGE_DATA : STAGE_TRAILER;
		return plain->left < 0 ? -1 : 0;
	case STAGE_DATA_END:
		plain->stage = STAGE_CHUNK;
		return 0;
	default:
		return *line == '\r' || *line == '\n'; /* the empty line after trailers */
	}
}

static void take(struct attempt *attempt, const char *data, size_t size)
{
	int r = 0;

	attempt->plain.answered = true;
	while (size && r == 0)
		r = step(attempt, &data, &size);
	attempt->plain.keep = attempt->plain.keep && !size;
	if (r < 0)
		fail(attempt, EBADMSG, MALFORMED);
	else if (r > 0)
		succeed(attempt);
}

/* --- connections */

static void on_event(void *arg, uint32_t events);

static void ask(struct attempt *attempt)
{
	struct plain *plain = &attempt->plain;
	const struct lane *lane = attempt->lane;
	ssize_t sent =
		send(attempt->fd, lane->request, lane->request_size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno == EAGAIN)
		return; /* not connected yet */
	if (sent < 0 && plain->kept)
		plain_connect(attempt);
	else if (sent < (ssize_t)lane->request_size)
		fail(attempt, sent < 0 ? errno : EIO, NULL);
	else
		plain->stage = STAGE_HEAD;
}

/* Edge-triggered, so that the events of interest never change. */
void plain_connect(struct attempt *attempt)
{
	struct lane *lane = attempt->lane;
	int on = 1;

	attempt_hang_up(attempt);
	attempt->plain.kept = false;
	attempt->plain.stage = STAGE_CONNECT;
	attempt->fd = socket(lane->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0) {
		attempt->sample.error = errno;
		attempt_end(attempt, PROBER_UNSENT);
		return;
	}
	setsockopt(attempt->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	attempt->watch = (struct loop_watch) {on_event, attempt};
	if ((connect(attempt->fd, (struct sockaddr *)&lane->to, lane->to_size) < 0 &&
	     errno != EINPROGRESS) ||
	    loop_watch(lane->worker->loop, attempt->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		       &attempt->watch) < 0)
		fail(attempt, errno, NULL);
}

/* The connection has ended, or failed with an errno. */
static void on_end(struct attempt *attempt, int error)
{
	struct plain *plain = &attempt->plain;

	if (plain->stage == STAGE_IDLE)
		attempt_hang_up(attempt);
	else if (plain->kept && !plain->answered)
		plain_connect(attempt); /* the server closed it before it saw the request */
	else if (!error && plain->stage == STAGE_BODY && plain->left == INT64_MAX)
		succeed(attempt);
	else
		fail(attempt, error ? error : ECONNRESET, error ? NULL : CLOSED);
}

static void on_event(void *arg, uint32_t events)
{
	struct attempt *attempt = arg;
	char data[4096];
	ssize_t size;

	(void)events;
	if (attempt->fd >= 0 && attempt->plain.stage == STAGE_CONNECT)
		ask(attempt);
	/* An answer may end the attempt, and the lane may then begin another one. */
	while (attempt->fd >= 0 && attempt->plain.stage != STAGE_CONNECT) {
		size = recv(attempt->fd, data, sizeof(data), MSG_DONTWAIT);
		if (size < 0 && errno == EAGAIN)
			return;
		if (size <= 0)
			on_end(attempt, size < 0 ? errno : 0);
		else if (attempt->plain.stage == STAGE_IDLE)
			attempt_hang_up(attempt);
		else
			take(attempt, data, (size_t)size);
		if (size > 0 && size < (ssize_t)sizeof(data) && !(events & EPOLLRDHUP))
			return;
	}
}

void plain_begin(struct attempt *attempt)
{
	struct plain *plain = &attempt->plain;

	attempt->body_size = 0;
	plain->used = 0;
	plain->answered = false;
	plain->kept = attempt->fd >= 0;
	if (!plain->kept)
		plain_connect(attempt);
	else
		ask(attempt);
}
