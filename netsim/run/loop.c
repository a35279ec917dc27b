/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define EVENTS 64

struct loop {
	int epoll, event; /* eventfd of loop_stop() */
	atomic_bool stopped;
	struct loop_watch stop_watch;
	CURLM *multi;
	int64_t curl_wake;	    /* when libcurl wants a call; INT64_MAX: never */
	struct socket_watch *spare; /* freed entries, for reuse */
};

/* A socket of libcurl. */
struct socket_watch {
	struct loop_watch watch;
	struct loop *loop;
	curl_socket_t fd;
	struct socket_watch *next;
};

/* --- descriptors */

static int set_watch(struct loop *loop, int operation, int fd, uint32_t events,
		     struct loop_watch *watch)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int loop_watch(struct loop *loop, int fd, uint32_t events, struct loop_watch *watch)
{
	return set_watch(loop, EPOLL_CTL_ADD, fd, events, watch);
}

void loop_unwatch(struct loop *loop, int fd)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* --- libcurl: callbacks and transfers */

static void take_results(struct loop *loop)
{
	CURLMsg *message;
	int left;

	while ((message = libcurl.multi_info_read(loop->multi, &left))) {
		struct loop_transfer *transfer = NULL;
		CURLcode code = message->data.result;

		libcurl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		libcurl.multi_remove_handle(loop->multi, message->easy_handle);
		transfer->done(transfer->arg, code);
	}
}

static void on_socket(void *arg, uint32_t events)
{
	struct socket_watch *socket = arg;
	struct loop *loop = socket->loop;
	int running, mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			    (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			    (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

	if (socket->fd == CURL_SOCKET_BAD)
		return; /* closed by an earlier event of the same turn */
	libcurl.multi_socket_action(loop->multi, socket->fd, mask, &running);
	take_results(loop);
}

/* A socket_watch is reused, never freed before the loop: events of this turn may name it. */
static int want_socket(CURL *easy, curl_socket_t fd, int action, void *arg, void *known)
{
	struct loop *loop = arg;
	struct socket_watch *socket = known;
	uint32_t events =
		(action & CURL_POLL_IN ? EPOLLIN : 0U) | (action & CURL_POLL_OUT ? EPOLLOUT : 0U);

	(void)easy;
	if (action == CURL_POLL_REMOVE) {
		loop_unwatch(loop, fd);
		if (socket) {
			socket->fd = CURL_SOCKET_BAD;
			socket->next = loop->spare;
			loop->spare = socket;
		}
		return 0;
	}
	if (socket)
		return set_watch(loop, EPOLL_CTL_MOD, fd, events, &socket->watch);
	socket = loop->spare;
	if (socket)
		loop->spare = socket->next;
	else
		socket = calloc(1, sizeof(*socket));
	if (!socket)
		return -1;
	*socket = (struct socket_watch) {{on_socket, socket}, loop, fd, NULL};
	libcurl.multi_assign(loop->multi, fd, socket);
	return loop_watch(loop, fd, events, &socket->watch);
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
	struct loop *loop = arg;

	(void)multi;
	loop->curl_wake = ms < 0 ? INT64_MAX : clock_ns(CLOCK_MONOTONIC) + ms * 1000000LL;
	return 0;
}

static void run_curl_timers(struct loop *loop)
{
	int running;

	if (loop->curl_wake > clock_ns(CLOCK_MONOTONIC))
		return;
	loop->curl_wake = INT64_MAX;
	libcurl.multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_results(loop);
}

void loop_start(struct loop *loop, struct loop_transfer *transfer)
{
	libcurl.easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
	libcurl.multi_add_handle(loop->multi, transfer->easy);
	run_curl_timers(loop);
}

void loop_abort(struct loop *loop, struct loop_transfer *transfer)
{
	libcurl.multi_remove_handle(loop->multi, transfer->easy);
}

int loop_easy(CURL **ret, struct netsim_err *err)
{
	int r = libcurl_load(err);
	CURL *easy = r == 0 ? libcurl.easy_init() : NULL;

	if (!easy)
		return r < 0 ? r : err_oom(err);
	libcurl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	libcurl.easy_setopt(easy, CURLOPT_PROXY, "");
	libcurl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	*ret = easy;
	return 0;
}

/* --- the loop */

static void on_stop(void *arg, uint32_t events)
{
	struct loop *loop = arg;
	eventfd_t value;

	(void)events;
	eventfd_read(loop->event, &value);
}

int loop_open(struct loop **ret, struct netsim_err *err)
{
	struct loop *loop;
	int r = libcurl_load(err);

	if (r < 0)
		return r;
	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return err_oom(err);
	loop->curl_wake = INT64_MAX;
	loop->stop_watch = (struct loop_watch) {on_stop, loop};
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll < 0 || loop->event < 0)
		r = -errno;
	if (r == 0)
		r = loop_watch(loop, loop->event, EPOLLIN, &loop->stop_watch);
	loop->multi = r == 0 ? libcurl.multi_init() : NULL;
	if (r == 0 && !loop->multi)
		r = -ENOMEM;
	if (r < 0) {
		loop_close(loop);
		return err_errno(err, r, NULL, "cannot create an event loop");
	}
	libcurl.multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	libcurl.multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	libcurl.multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	libcurl.multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	*ret = loop;
	return 0;
}

void loop_close(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->multi)
		libcurl.multi_cleanup(loop->multi);
	for (struct socket_watch *socket = loop->spare, *next; socket; socket = next) {
		next = socket->next;
		free(socket);
	}
	if (loop->epoll >= 0)
		close(loop->epoll);
	if (loop->event >= 0)
		close(loop->event);
	free(loop);
}

void loop_turn(struct loop *loop, int64_t wake)
{
	struct epoll_event events[EVENTS];
	int64_t until = wake < loop->curl_wake ? wake : loop->curl_wake;
	int64_t left = until - clock_ns(CLOCK_MONOTONIC);
	struct timespec timeout = {0, 0};
	int count;

	if (left > 0)
		timeout = (struct timespec) {left / 1000000000, left % 1000000000};
	count = epoll_pwait2(loop->epoll, events, EVENTS, until == INT64_MAX ? NULL : &timeout,
			     NULL);
	for (int i = 0; i < count; i++) {
		struct loop_watch *watch = events[i].data.ptr;

		watch->fn(watch->arg, events[i].events);
	}
	run_curl_timers(loop);
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
	eventfd_write(loop->event, 1);
}

bool loop_stopped(const struct loop *loop)
{
	return loop->stopped;
}
