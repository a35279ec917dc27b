// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures outages of an HTTP service independently, to compare with those that netsim reports:
 * shares no code with netsim.
 *
 *   outages EVERY_MS TIMEOUT_MS PORT PATH ADDRESS...
 *
 * Sends a request to each IPv4 address at each multiple of the interval, over a new connection. It
 * succeeds if status 200 arrives within the timeout. At SIGTERM, prints a line "BEGIN END" for each
 * time in which none of the addresses answered, in ns of CLOCK_MONOTONIC: from the sending of the
 * first request that failed to the sending of the first that succeeded again, and "late NS", the
 * greatest lateness.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TARGETS 16
#define MAX	(1 << 18) /* requests of a target */
#define FLIGHT	1024	  /* requests in flight */

struct request {
	int64_t sent;
	bool good;
};

struct flight {
	int fd; /* 0: free */
	struct request *request;
	bool asked;
};

static struct request *requests[TARGETS];
static struct sockaddr_in to[TARGETS];
static int targets, epoll_fd;
static size_t count; /* of each target */
static struct flight flights[FLIGHT];
static int64_t timeout_ns, late;
static char text[512];

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void end(struct flight *flight)
{
	close(flight->fd);
	flight->fd = 0;
}

static void send_to(int target, struct request *request)
{
	struct epoll_event event = {.events = EPOLLOUT};
	struct flight *flight = flights;

	while (flight->fd)
		if (++flight == flights + FLIGHT)
			exit(3);
	request->sent = now();
	flight->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (flight->fd < 0)
		exit(3);
	flight->request = request;
	flight->asked = false;
	event.data.ptr = flight;
	if (connect(flight->fd, (struct sockaddr *)&to[target], sizeof(to[target])) < 0 &&
	    errno != EINPROGRESS) {
		end(flight);
		return;
	}
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, flight->fd, &event);
}

static void on_event(struct flight *flight)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = flight};
	char answer[64] = "";

	if (!flight->fd)
		return;
	if (!flight->asked) {
		if (send(flight->fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
			end(flight);
			return;
		}
		flight->asked = true;
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, flight->fd, &event);
		return;
	}
	if (recv(flight->fd, answer, sizeof(answer) - 1, 0) > 0)
		flight->request->good = strncmp(answer + strcspn(answer, " "), " 200 ", 5) == 0 &&
					now() - flight->request->sent <= timeout_ns;
	end(flight);
}

static void on_tick(int64_t due)
{
	int64_t present = now();

	if (present - due > late)
		late = present - due;
	for (struct flight *flight = flights; flight < flights + FLIGHT; flight++)
		if (flight->fd && present - flight->request->sent > timeout_ns)
			end(flight);
	for (int i = 0; i < targets && count < MAX; i++)
		send_to(i, &requests[i][count]);
	count++;
}

/* Whether a target was down at a time: its last request before that failed. */
static bool down_at(int target, int64_t time, size_t *at)
{
	while (*at + 1 < count && requests[target][*at + 1].sent <= time)
		++*at;
	return !requests[target][*at].good;
}

/* Goes through the times of all requests, and prints when the last target fails, and the first
 * one succeeds. */
static void print_outages(void)
{
	size_t at[TARGETS] = {0};
	int64_t begin = 0;

	for (size_t i = 0; i < count; i++)
		for (int t = 0; t < targets; t++) {
			int64_t time = requests[t][i].sent;
			bool down = true;

			for (int k = 0; k < targets; k++)
				down = down_at(k, time, &at[k]) && down;
			if (down && !begin) {
				begin = time;
			} else if (!down && begin) {
				printf("%" PRId64 " %" PRId64 "\n", begin, time);
				begin = 0;
			}
		}
	printf("late %" PRId64 "\n", late);
}

static void run(int64_t every, const int *timer, const int *signals)
{
	int64_t due = now() + every;

	for (;;) {
		struct itimerspec at = {.it_value = {due / 1000000000, due % 1000000000}};
		struct epoll_event events[64];
		bool ticked = false;

		timerfd_settime(*timer, TFD_TIMER_ABSTIME, &at, NULL);
		while (!ticked) {
			int n = epoll_wait(epoll_fd, events, 64, -1);

			for (int i = 0; i < n; i++) {
				if (events[i].data.ptr == signals)
					return;
				if (events[i].data.ptr == timer)
					ticked = true;
				else
					on_event(events[i].data.ptr);
			}
		}
		on_tick(due);
		due += every;
	}
}

int main(int argc, char **argv)
{
	struct sched_param priority = {.sched_priority = 1};
	struct epoll_event event = {.events = EPOLLIN};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), signals;
	sigset_t set;

	if (argc < 6 || argc > 5 + TARGETS)
		return 2;
	timeout_ns = (int64_t)(atof(argv[2]) * 1e6);
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		 argv[4]);
	for (; targets < argc - 5; targets++) {
		to[targets] = (struct sockaddr_in) {.sin_family = AF_INET,
						    .sin_port = htons((uint16_t)atoi(argv[3]))};
		inet_pton(AF_INET, argv[5 + targets], &to[targets].sin_addr);
		requests[targets] = calloc(MAX, sizeof(**requests));
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	sched_setscheduler(0, SCHED_FIFO, &priority);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	event.data.ptr = &signals;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, signals, &event);
	event.data.ptr = &timer;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer, &event);
	puts("ready");
	fflush(stdout);
	/* The addresses of these two mark their events. */
	run((int64_t)(atof(argv[1]) * 1e6), &timer, &signals);
	print_outages();
	return 0;
}
