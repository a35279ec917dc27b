// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An HTTP server that misbehaves on request, for tests of clients.
 *
 *   httpd ADDRESS PORT
 *
 * Prints "ready" when it listens. Keeps connections alive. The path decides:
 *
 *   /status/NNN    answers with this status and the body "status NNN"
 *   /slow/MS       answers after MS milliseconds
 *   /hang          never answers
 *   /second        answers the first request of a connection, and closes it at the second one
 *                  without an answer
 *   /chunked       answers in chunks, byte by byte: "chunked"
 *   /closed        answers "closed" with HTTP/1.0, whose end is that of the connection
 *   /short         answers with less than it announces, and closes the connection
 *   /garbage       answers without HTTP
 *   /seconds       the requests to /second... so far
 *   /accepted      the connections accepted so far
 *   anything else  200 and "fine"
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 8192
#define NS_MS  1000000LL

struct connection {
	char data[8192];
	size_t size;
	int64_t answer_at; /* /slow: when; 0: none */
	unsigned seconds;  /* requests to /second */
};

static struct connection *connections[MAX_FD];
static int epoll_fd;
static unsigned seconds, accepted, slow;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * NS_MS + t.tv_nsec;
}

static void hang_up(int fd)
{
	free(connections[fd]);
	connections[fd] = NULL;
	close(fd);
}

static void answer(int fd, int status, const char *body)
{
	char text[512];
	int length =
		snprintf(text, sizeof(text), "HTTP/1.1 %d Test\r\nContent-Length: %zu\r\n\r\n%s",
			 status, strlen(body), body);

	if (send(fd, text, (size_t)length, MSG_NOSIGNAL) < 0 && errno != EPIPE &&
	    errno != ECONNRESET)
		die("send");
}

/* Waits for room, because single bytes fill the socket's buffer on a busy machine. */
static bool send_byte(int fd, const char *byte)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	while (send(fd, byte, 1, MSG_NOSIGNAL) < 0)
		if (errno != EAGAIN || poll(&room, 1, -1) < 0)
			return false;
	return true;
}

/* Answers that are given as they are. False: the path has none. */
static bool serve_raw(int fd, const char *path)
{
	static const struct {
		const char *path, *answer;
		bool last; /* the connection ends */
	} raw[] = {
		{"/chunked ",
		 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding:chunked\r\n\r\n"
		 "3\r\nchu\r\n04;x=y\r\nnked\r\n0\r\nTrailer: x\r\n\r\n",
		 false},
		{"/closed ", "HTTP/1.0 200 OK\r\n\r\nclosed", true},
		{"/short ", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", true},
		{"/garbage ", "hello\r\n\r\n", true},
	};

	for (size_t i = 0; i < sizeof(raw) / sizeof(*raw); i++) {
		if (strncmp(path, raw[i].path, strlen(raw[i].path)) != 0)
			continue;
		for (const char *at = raw[i].answer; *at; at++)
			if (!send_byte(fd, at))
				break;
		if (raw[i].last)
			hang_up(fd);
		return true;
	}
	return false;
}

static void serve(int fd, const char *path)
{
	char body[64] = "fine";
	int status = 200, ms;

	if (strncmp(path, "/hang ", 6) == 0)
		return;
	if (serve_raw(fd, path))
		return;
	if (strncmp(path, "/seconds ", 9) != 0 && strncmp(path, "/second", 7) == 0) {
		seconds++;
		if (connections[fd]->seconds++) {
			hang_up(fd);
			return;
		}
	}
	if (sscanf(path, "/slow/%d", &ms) == 1) {
		connections[fd]->answer_at = now() + ms * NS_MS;
		slow++;
		return;
	}
	if (sscanf(path, "/status/%d", &status) == 1)
		snprintf(body, sizeof(body), "status %d", status);
	else if (strncmp(path, "/seconds ", 9) == 0)
		snprintf(body, sizeof(body), "%u", seconds);
	else if (strncmp(path, "/accepted ", 10) == 0)
		snprintf(body, sizeof(body), "%u", accepted);
	answer(fd, status, body);
}

/* The bytes of a complete request at the beginning of text; 0: there is none. */
static size_t request_size(const char *text, size_t size)
{
	const char *end = memmem(text, size, "\r\n\r\n", 4);
	size_t head, body = 0;

	if (!end)
		return 0;
	head = (size_t)(end - text) + 4;
	for (const char *line = text; line < end; line = strchr(line, '\n') + 1)
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			body = strtoul(line + 15, NULL, 10);
	return size >= head + body ? head + body : 0;
}

static void on_data(int fd)
{
	struct connection *c = connections[fd];
	ssize_t got = read(fd, c->data + c->size, sizeof(c->data) - c->size - 1);
	size_t size;

	if (got <= 0) {
		if (got == 0 || errno != EAGAIN)
			hang_up(fd);
		return;
	}
	c->size += (size_t)got;
	c->data[c->size] = '\0';
	while (connections[fd] == c && (size = request_size(c->data, c->size)) > 0) {
		char path[128] = "/";

		sscanf(c->data, "%*s %120s", path);
		strcat(path, " ");
		c->size -= size;
		memmove(c->data, c->data + size, c->size + 1);
		serve(fd, path);
	}
}

static void on_connect(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0)
		return;
	if (fd >= MAX_FD) {
		close(fd);
		return;
	}
	accepted++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	connections[fd] = calloc(1, sizeof(*connections[fd]));
	if (!connections[fd] || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		die("accept");
}

static void answer_slow(void)
{
	for (int fd = 0; slow && fd < MAX_FD; fd++) {
		if (!connections[fd] || !connections[fd]->answer_at ||
		    connections[fd]->answer_at > now())
			continue;
		connections[fd]->answer_at = 0;
		slow--;
		answer(fd, 200, "slow");
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct epoll_event event = {.events = EPOLLIN};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fputs("usage: httpd ADDRESS PORT\n", stderr);
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	signal(SIGPIPE, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(listener, 1024) < 0)
		die("listen");
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	event.data.fd = listener;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) < 0)
		die("epoll");
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct epoll_event events[64];
		int count = epoll_wait(epoll_fd, events, 64, slow ? 1 : -1);

		for (int i = 0; i < count; i++)
			if (events[i].data.fd == listener)
				on_connect(listener);
			else if (connections[events[i].data.fd])
				on_data(events[i].data.fd);
		answer_slow();
	}
}
