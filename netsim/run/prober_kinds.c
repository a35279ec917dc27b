/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of probes: connections, echoes, commands; http is in prober_http.c. */
#include <errno.h>
#include <linux/icmp.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "netsim/run/prober_parts.h"
#include "netsim/util/auto.h"

/* Ends an attempt with an errno; PROBER_UNSENT: after a local failure, which sent nothing. */
static void end_with(struct attempt *attempt, enum prober_result result, int error)
{
	attempt->sample.error = error;
	attempt_end(attempt, result);
}

/* --- tcp */

static void tcp_end(struct attempt *attempt, int error)
{
	attempt_hang_up(attempt);
	end_with(attempt, error ? PROBER_ERROR : PROBER_OK, error);
}

static void tcp_event(void *arg, uint32_t events)
{
	struct attempt *attempt = arg;
	socklen_t size = sizeof(int);
	int error = 0;

	(void)events;
	if (attempt->fd < 0)
		return; /* an event of a socket that this turn has closed */
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	tcp_end(attempt, error);
}

static void tcp_begin(struct attempt *attempt)
{
	struct lane *lane = attempt->lane;

	attempt->fd = socket(lane->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0) {
		end_with(attempt, PROBER_UNSENT, errno);
		return;
	}
	attempt->watch = (struct loop_watch) {tcp_event, attempt};
	if (connect(attempt->fd, (struct sockaddr *)&lane->to, lane->to_size) == 0)
		tcp_end(attempt, 0);
	else if (errno != EINPROGRESS)
		tcp_end(attempt, errno);
	else if (loop_watch(lane->worker->loop, attempt->fd, EPOLLOUT, &attempt->watch) < 0)
		tcp_end(attempt, errno);
}

/* --- ping */

/* An echo request or reply, with the same layout for ICMP and ICMPv6. */
struct ping_packet {
	uint8_t type, code;
	uint16_t check, id, sequence;
	uint64_t lane; /* the address of the lane: with id, unique among all probers */
	uint64_t number;
	uint8_t padding[40]; /* 64 bytes in all, as ping sends */
};

static uint16_t check_of(const struct ping_packet *packet)
{
	uint16_t words[sizeof(*packet) / 2];
	uint32_t sum = 0;

	memcpy(words, packet, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void ping_begin(struct attempt *attempt)
{
	struct lane *lane = attempt->lane;
	bool v4 = lane->to.ss_family == AF_INET;
	struct ping_packet packet = {.type = v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
				     .id = lane->id,
				     .sequence = htons((uint16_t)attempt->number),
				     .lane = (uintptr_t)lane,
				     .number = attempt->number};

	/* The kernel computes the checksum of ICMPv6. */
	if (v4)
		packet.check = check_of(&packet);
	if (send(lane->fd, &packet, sizeof(packet), MSG_DONTWAIT) < 0)
		end_with(attempt,
			 errno == ENOBUFS || errno == EAGAIN ? PROBER_UNSENT : PROBER_ERROR, errno);
}

/* Receives a datagram, which begins with the IP header on IPv4. False: none is left. */
static bool ping_receive(struct lane *lane)
{
	bool v4 = lane->to.ss_family == AF_INET;
	uint8_t data[256];
	ssize_t size = recv(lane->fd, data, sizeof(data), MSG_DONTWAIT);
	size_t head = v4 && size > 0 ? (data[0] & 15U) * 4U : 0;
	struct ping_packet packet;
	struct attempt *attempt;

	if (size < 0) {
		if (errno == EAGAIN)
			return false;
		/* An ICMP error, such as "host unreachable": it does not name the request. */
		attempt = lane_attempt(lane, UINT64_MAX);
		if (attempt)
			end_with(attempt, PROBER_ERROR, errno);
		return true;
	}
	if ((size_t)size < head + sizeof(packet))
		return true;
	memcpy(&packet, data + head, sizeof(packet));
	if (packet.type != (v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || packet.id != lane->id ||
	    packet.lane != (uintptr_t)lane)
		return true;
	attempt = packet.number == UINT64_MAX ? NULL : lane_attempt(lane, packet.number);
	if (attempt)
		attempt_end(attempt, PROBER_OK);
	return true;
}

static void ping_event(void *arg, uint32_t events)
{
	(void)events;
	while (ping_receive(arg))
		;
}

/* Receives echo replies only; connect() limits them to those of the target. */
static int set_filter(const struct lane *lane)
{
	struct icmp_filter v4 = {~(1U << ICMP_ECHOREPLY)};
	struct icmp6_filter v6;

	if (lane->to.ss_family == AF_INET)
		return setsockopt(lane->fd, SOL_RAW, ICMP_FILTER, &v4, sizeof(v4));
	ICMP6_FILTER_SETBLOCKALL(&v6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6);
	return setsockopt(lane->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6, sizeof(v6));
}

static int ping_open(struct lane *lane, struct netsim_err *err)
{
	int r = lane_resolve(lane, lane->spec->host, 0, err);

	if (r < 0)
		return r;
	lane->watch = (struct loop_watch) {ping_event, lane};
	if (getrandom(&lane->id, sizeof(lane->id), 0) < 0)
		lane->id = (uint16_t)getpid();
	lane->fd = socket(lane->to.ss_family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			  lane->to.ss_family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (lane->fd < 0 || set_filter(lane) < 0 ||
	    connect(lane->fd, (struct sockaddr *)&lane->to, lane->to_size) < 0)
		return err_errno(err, -errno, NULL, "probe %s: cannot ping %s", lane->spec->name,
				 lane->spec->host);
	r = loop_watch(lane->worker->loop, lane->fd, EPOLLIN, &lane->watch);
	return r < 0 ? err_errno(err, r, NULL, "probe %s: cannot wait for answers",
				 lane->spec->name) :
		       0;
}

/* --- run */

static void run_event(void *arg, uint32_t events)
{
	struct attempt *attempt = arg;
	struct process_exit end;
	int fd = attempt->process.pidfd;

	(void)events;
	if (fd < 0)
		return;
	loop_unwatch(attempt->lane->worker->loop, fd);
	if (process_collect(&attempt->process, true, &end) == 0)
		return;
	attempt->busy = !attempt->over;
	if (attempt->over)
		return; /* its timeout has been reported */
	attempt->sample.status = end.killed ? 128 + end.code : end.code;
	attempt_end(attempt, attempt->sample.status ? PROBER_WRONG : PROBER_OK);
}

static void run_begin(struct attempt *attempt)
{
	const struct prober_probe *spec = attempt->lane->spec;
	const struct process_spec run = {
		.argv = spec->run, .netns = spec->netns, .cgroup = spec->cgroup};
	int r = process_start(&run, &attempt->process, NULL);

	if (r < 0) {
		end_with(attempt, PROBER_UNSENT, -r);
		return;
	}
	attempt->watch = (struct loop_watch) {run_event, attempt};
	if (loop_watch(attempt->lane->worker->loop, attempt->process.pidfd, EPOLLIN,
		       &attempt->watch) < 0) {
		process_signal_group(&attempt->process, SIGKILL);
		run_event(attempt, 0);
	}
}

/* --- all kinds */

int lane_open(struct lane *lane, struct netsim_err *err)
{
	switch (lane->spec->kind) {
	case PROBER_HTTP:
		return http_open(lane, err);
	case PROBER_TCP:
		return lane_resolve(lane, lane->spec->host, lane->spec->port, err);
	case PROBER_PING:
		return ping_open(lane, err);
	case PROBER_RUN:
		break;
	}
	return 0;
}

void lane_close(struct lane *lane)
{
	for (size_t i = 0; i < lane->attempt_count; i++) {
		struct attempt *attempt = lane->attempts[i];

		attempt_hang_up(attempt);
		if (attempt->transfer.easy)
			libcurl.easy_cleanup(attempt->transfer.easy);
		free(attempt->body);
		free(attempt);
	}
	free(lane->attempts);
	lane->attempts = NULL;
	lane->attempt_count = 0;
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
	http_close(lane);
}

void attempt_begin(struct attempt *attempt)
{
	switch (attempt->lane->spec->kind) {
	case PROBER_HTTP:
		if (attempt->lane->request)
			plain_begin(attempt);
		else
			http_begin(attempt);
		break;
	case PROBER_TCP:
		tcp_begin(attempt);
		break;
	case PROBER_PING:
		ping_begin(attempt);
		break;
	case PROBER_RUN:
		run_begin(attempt);
		break;
	}
}

void attempt_abandon(struct attempt *attempt)
{
	switch (attempt->lane->spec->kind) {
	case PROBER_HTTP:
		if (attempt->lane->request)
			attempt_hang_up(attempt);
		else
			http_abandon(attempt);
		break;
	case PROBER_TCP:
		attempt_hang_up(attempt);
		break;
	case PROBER_PING:
		break;
	case PROBER_RUN:
		process_signal_group(&attempt->process, SIGKILL);
		break;
	}
}
