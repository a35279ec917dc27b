/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/probe/echo.h"

#include <errno.h>
#include <linux/icmp.h>
#include <math.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "netsim/kernel/netns.h"
#include "netsim/probe/timestamp.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define RECEIVE_BUFFER (4 << 20)
#define LEAST_WAIT     1.0	   /* seconds after the last echo */
#define MAGIC	       0x6e737065U /* "nspe" */

/* An echo request, with the same layout for ICMP and ICMPv6. */
struct echo_packet {
	uint8_t type, code;
	uint16_t check, id, sequence;
	uint32_t magic, run, pair, number;
	int64_t sent;	     /* ns of CLOCK_REALTIME, like the kernel's receive timestamps */
	uint8_t padding[32]; /* 64 bytes in all, as ping sends */
};

/* The socket of one namespace and family. */
struct echo_source {
	int ns_fd;
	int family;
	int fd;
};

/* The state of a pair during the measurement. */
struct echo_track {
	size_t source;
	uint8_t *seen; /* a bit for each echo number */
};

struct echo_state {
	const struct echo_plan *plan;
	struct echo_pair *pairs;
	struct echo_track *tracks;
	size_t pair_count;
	struct echo_source *sources;
	size_t source_count;
	int epoll;
	uint32_t id;
	unsigned last;	 /* the number of the last echo */
	double interval; /* between the echoes of one pair; the pairs take turns */
	double slowest;	 /* longest round-trip time, in seconds */
	/* The current phase, with the echo numbers from first on. */
	double start;
	unsigned first;
	uint64_t position, end; /* in turns */
	uint64_t awaited;	/* answers still expected */
};

static double now_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Receives echo replies only. */
static int set_filter(const struct echo_source *source)
{
	struct icmp_filter v4 = {~(1U << ICMP_ECHOREPLY)};
	struct icmp6_filter v6;

	if (source->family == AF_INET)
		return setsockopt(source->fd, SOL_RAW, ICMP_FILTER, &v4, sizeof(v4));
	ICMP6_FILTER_SETBLOCKALL(&v6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6);
	return setsockopt(source->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6, sizeof(v6));
}

static int open_here(void *arg, struct netsim_err *err)
{
	struct echo_source *s = arg;
	int yes = 1, size = RECEIVE_BUFFER;

	s->fd = socket(s->family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       s->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (s->fd >= 0 && set_filter(s) == 0 &&
	    setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes)) == 0 &&
	    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0)
		return 0;
	return err_errno(err, -errno, NULL, "cannot open a socket for pings");
}

static int find_source(struct echo_state *run, const struct echo_pair *pair, size_t *ret,
		       struct netsim_err *err)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct echo_source *source;
	int r;

	for (size_t i = run->source_count; i-- > 0;)
		if (run->sources[i].ns_fd == pair->ns_fd &&
		    run->sources[i].family == pair->to.family) {
			*ret = i;
			return 0;
		}
	source = array_push(run->sources, run->source_count);
	if (!source)
		return err_oom(err);
	*ret = event.data.u64 = run->source_count - 1;
	*source = (struct echo_source) {pair->ns_fd, pair->to.family, -1};
	r = netns_within(run->plan->own_fd, pair->ns_fd, open_here, source, err);
	if (r == 0 && epoll_ctl(run->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0)
		r = err_errno(err, -errno, NULL, "cannot wait for answers");
	return r;
}

/* --- sending */

static uint16_t check_of(const struct echo_packet *echo)
{
	uint16_t words[sizeof(*echo) / 2];
	uint32_t sum = 0;

	memcpy(words, echo, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void send_one(struct echo_state *run, size_t i, unsigned number)
{
	struct echo_pair *pair = &run->pairs[i];
	bool v4 = pair->to.family == AF_INET;
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr any;
	} to = {.any.sa_family = pair->to.family};
	struct echo_packet echo = {.type = v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
				   .id = htons((uint16_t)run->id),
				   .sequence = htons((uint16_t)number),
				   .magic = MAGIC,
				   .run = run->id,
				   .pair = (uint32_t)i,
				   .number = number};

	if (v4)
		memcpy(&to.v4.sin_addr, pair->to.b, 4);
	else
		memcpy(&to.v6.sin6_addr, pair->to.b, 16);
	echo.sent = clock_ns(CLOCK_REALTIME);
	/* The kernel computes the checksum of ICMPv6. */
	if (v4)
		echo.check = check_of(&echo);
	/* A refused echo counts as lost: no route, or the next hop does not answer ARP. */
	(void)sendto(run->sources[run->tracks[i].source].fd, &echo, sizeof(echo), MSG_DONTWAIT,
		     &to.any, v4 ? sizeof(to.v4) : sizeof(to.v6));
	pair->sent += number > 0;
}

static double due(const struct echo_state *run)
{
	return run->position >= run->end ?
		       INFINITY :
		       run->start + run->interval * (double)run->position / (double)run->pair_count;
}

/* Sends all echoes that are due; returns the time of the next one. */
static double send_due(struct echo_state *run)
{
	double now = now_seconds(CLOCK_MONOTONIC);

	/* After a stall, continue from now instead of sending a burst. */
	if (due(run) < now - run->interval)
		run->start += now - due(run);
	for (; due(run) <= now; run->position++)
		send_one(run, run->position % run->pair_count,
			 run->first + (unsigned)(run->position / run->pair_count));
	return due(run);
}

/* --- receiving */

static void take_in(struct echo_state *run, size_t source, const struct echo_packet *echo,
		    int64_t at)
{
	double ms = (double)(at - echo->sent) / 1e6, before;
	struct echo_pair *pair = &run->pairs[echo->pair];
	struct echo_track *track = &run->tracks[echo->pair];

	if (track->source != source || ms < 0 ||
	    track->seen[echo->number / 8] >> echo->number % 8 & 1)
		return;
	track->seen[echo->number / 8] |= (uint8_t)(1U << echo->number % 8);
	run->slowest = fmax(run->slowest, ms / 1e3);
	if (echo->number >= run->first && !pair->no_wait)
		run->awaited--;
	if (echo->number == 0)
		return;
	pair->received++;
	pair->min = pair->received == 1 ? ms : fmin(pair->min, ms);
	pair->max = fmax(pair->max, ms);
	before = pair->mean;
	pair->mean += (ms - before) / pair->received;
	pair->squares += (ms - before) * (ms - pair->mean);
}

/* Receives one datagram; false if there is none. On IPv4 it begins with the IP header. */
static bool receive_one(struct echo_state *run, size_t source)
{
	uint8_t packet[256];
	char control[64];
	struct iovec part = {packet, sizeof(packet)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(run->sources[source].fd, &message, MSG_DONTWAIT);
	bool v4 = run->sources[source].family == AF_INET;
	size_t head = v4 && length > 0 ? (packet[0] & 15U) * 4U : 0;
	struct echo_packet echo;

	/* The error may be that of an earlier echo: continue. */
	if (length < 0)
		return errno != EAGAIN && errno != EWOULDBLOCK;
	if ((size_t)length < head + sizeof(echo))
		return true;
	memcpy(&echo, packet + head, sizeof(echo));
	if (echo.type == (v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) && echo.magic == MAGIC &&
	    echo.run == run->id && echo.pair < run->pair_count && echo.number <= run->last)
		take_in(run, source, &echo, timestamp_of(&message));
	return true;
}

/* Waits for up to 0.1 s. Returns the seconds that it took beyond that: this process did not run. */
static double receive_all(struct echo_state *run, double seconds)
{
	double bounded = fmin(fmax(seconds, 0), 0.1), start = now_seconds(CLOCK_MONOTONIC);
	struct timespec time = {0, (long)(bounded * 1e9)};
	struct epoll_event events[64];
	int got = epoll_pwait2(run->epoll, events, 64, &time, NULL);

	for (int i = 0; i < got; i++)
		while (receive_one(run, events[i].data.u64))
			;
	return fmax(0, now_seconds(CLOCK_MONOTONIC) - start - bounded);
}

/* --- phases */

/* Sends no more; the answers to what was sent are still awaited. */
static void send_no_more(struct echo_state *run)
{
	for (uint64_t i = run->position; i < run->end; i++)
		run->awaited -= !run->pairs[i % run->pair_count].no_wait;
	run->end = run->position;
}

/*
 * Sends count echoes of each pair, and waits for the answers. Time in which this process did not
 * run does not count: the answers may be there, or those who answer stood still as well.
 */
static void run_phase(struct echo_state *run, unsigned first, unsigned count)
{
	double end = INFINITY, now;

	run->start = now_seconds(CLOCK_MONOTONIC);
	run->first = first;
	run->position = run->awaited = 0;
	run->end = (uint64_t)count * run->pair_count;
	for (size_t i = 0; i < run->pair_count; i++)
		run->awaited += run->pairs[i].no_wait ? 0 : count;
	for (;;) {
		double next = send_due(run);

		now = now_seconds(CLOCK_MONOTONIC);
		if (next == INFINITY && end == INFINITY)
			end = now + fmax(LEAST_WAIT, 3 * run->slowest);
		if (now >= end || (next == INFINITY && !run->awaited))
			return;
		end += receive_all(run, fmin(next, end) - now);
		if (run->plan->progress && first && run->position < run->end &&
		    run->plan->progress(run->plan->arg, (double)run->position / (double)run->end))
			send_no_more(run);
	}
}

static int prepare(struct echo_state *run, struct netsim_err *err)
{
	int r = 0;

	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->tracks = calloc(run->pair_count + 1, sizeof(*run->tracks));
	if (run->epoll < 0 || !run->tracks)
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < run->pair_count; i++) {
		struct echo_track *track = &run->tracks[i];

		track->seen = calloc(run->last / 8 + 1, 1);
		r = track->seen ? find_source(run, &run->pairs[i], &track->source, err) :
				  err_oom(err);
	}
	return r;
}

static void finish(struct echo_state *run)
{
	for (size_t i = 0; i < run->source_count; i++)
		if (run->sources[i].fd >= 0)
			close(run->sources[i].fd);
	for (size_t i = 0; run->tracks && i < run->pair_count; i++)
		free(run->tracks[i].seen);
	if (run->epoll >= 0)
		close(run->epoll);
	free(run->sources);
	free(run->tracks);
}

int echo_run(const struct echo_plan *plan, struct netsim_err *err)
{
	struct echo_state run = {.plan = plan,
				 .pairs = plan->pairs,
				 .pair_count = plan->pair_count,
				 .last = plan->count,
				 .id = (uint32_t)clock_ns(CLOCK_REALTIME),
				 .interval = plan->interval};
	int r = prepare(&run, err);

	if (r == 0 && plan->pair_count) {
		run_phase(&run, 0, 1);
		run_phase(&run, 1, plan->count);
	}
	finish(&run);
	return r;
}
