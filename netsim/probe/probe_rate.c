/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Measures the rate of a path, by a flood of UDP or by a TCP connection. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "netsim/kernel/netns.h"
#include "netsim/probe/probe_parts.h"
#include "netsim/probe/sent.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define ETHERNET    14	  /* bytes of the header that shapers count */
#define PAUSE	    0.001 /* seconds between batches of the sender */
#define QUIET	    0.1	  /* seconds of silence after which the link has drained */
#define DRAIN_MAX   3.0	  /* seconds; upper bound of that wait, for slow links */
#define SKIP_SHARE  0.15  /* share of a flood that does not count, until the link is busy */
#define PER_SECOND  100	  /* lower bound of packets per second: slow links get smaller ones */
#define TRAIN_LEAST 50	  /* the same of a train */
#define CHUNK	    65536
#define TURN_MS	    20 /* TCP: the longest wait for a socket */

struct flood {
	struct probe *probe;
	const struct probe_lane *lanes;
	size_t lane_count;
	size_t bytes;
	double bits; /* of each packet, with the overhead */
	double bps, burst, lead, pace;
	uint32_t sent[PROBE_LANES], got;
	uint32_t tried, refused;  /* packets offered to the interface, and not taken by it */
	double ahead;		  /* seconds that the link needs for packets already sent */
	double idle;		  /* seconds in which the link was idle, for want of a processor */
	double turn;		  /* time of the last batch */
	double skip, most;	  /* number of first packets, which do not count, and of all */
	int64_t first, last, end; /* arrivals after end do not count */
	uint32_t counted;
	struct sent times;
	double heard; /* time of the last arrival */
	double late;  /* seconds in which the machine stood still before it, after the last batch */
};

static size_t packet_bytes(const struct probe_end *end, const struct probe_flood_plan *plan)
{
	double fit = plan->bps / 8 / PER_SECOND;
	double most = end->mtu ? end->mtu : 1500;

	if (plan->train > 0)
		fit = fmin(fit, plan->train / 8 / TRAIN_LEAST);
	return (size_t)(fit > most ? most : fit < 200 ? 200 : fit);
}

/* The bits of the burst that are due after some seconds. */
static double due_lead(const struct flood *f, double elapsed)
{
	return f->lead > 0 ? f->pace * fmin(elapsed, f->lead) : f->burst;
}

/* Sends a batch of the packets due on one lane; true if more may be due. */
static bool send_lane(struct flood *f, size_t i, double elapsed)
{
	const struct probe_lane *lane = &f->lanes[i];
	const struct probe *p = f->probe;
	double due = lane->share * (due_lead(f, elapsed) + f->bps * elapsed) / f->bits + 1;
	uint8_t packets[PROBE_BATCH][PROBE_SNAP];
	size_t lengths[PROBE_BATCH];
	int count = 0;

	for (; count < PROBE_BATCH && f->sent[i] + (uint32_t)count < due; count++) {
		struct probe_frame frame = {
			.protocol = IPPROTO_UDP,
			.source_port = p->ports[lane->from],
			.port = lane->port ? lane->port : p->ports[lane->to],
			.bytes = f->bytes,
			.load = {.run = p->run,
				 .path = (uint32_t)i,
				 .seq = f->sent[i] + (uint32_t)count},
		};

		lengths[count] = probe_build(&p->ends[lane->from], &p->ends[lane->to], &frame,
					     packets[count], PROBE_SNAP);
	}
	if (count) {
		uint32_t taken =
			(uint32_t)probe_send(p, lane->from, lane->to, packets, lengths, count);

		f->sent[i] += taken;
		f->tried += (uint32_t)count;
		f->refused += (uint32_t)count - taken;
	}
	return count == PROBE_BATCH;
}

/*
 * Follows the queue of a link of the requested rate: counts the time in which it is empty
 * because this process did not run. Refused packets count as sent: this process did run.
 */
static void follow(struct flood *f, const struct probe_flood_plan *plan, double now, uint32_t tried)
{
	double gap = now - f->turn;

	if (gap > f->ahead)
		f->idle += gap - f->ahead;
	f->ahead = fmax(0, f->ahead - gap) + tried * f->bits / plan->link;
	/* What was sent too late, at once, does not all fit into the queue. */
	if (plan->queue > 0)
		f->ahead = fmin(f->ahead, plan->queue / plan->link);
	f->turn = now;
}

static void take_end(struct flood *f, size_t end)
{
	struct probe_arrival arrivals[PROBE_BATCH];
	int got;

	do {
		got = probe_receive(f->probe, end, arrivals);
		for (int i = 0; i < got; i++) {
			const struct probe_arrival *a = &arrivals[i];

			if (a->load.path >= f->lane_count || f->lanes[a->load.path].to != end ||
			    f->got++ < f->skip || f->got > f->most || a->at > f->end)
				continue;
			sent_counts(&f->times, a->load.path, a->load.seq);
			if (!f->counted++ || a->at < f->first)
				f->first = a->at;
			if (a->at > f->last)
				f->last = a->at;
		}
	} while (got == PROBE_BATCH);
}

static void take_all(struct flood *f, double seconds)
{
	size_t ready[64];
	int ends = probe_wait(f->probe, seconds, ready, 64);

	for (int i = 0; i < ends; i++)
		take_end(f, ready[i]);
	if (ends > 0)
		f->heard = probe_now();
}

/*
 * Receives what is in flight after the last batch, which was sent at a time. Where the machine
 * stands still meanwhile, the last packets arrive later than the link made them.
 */
static void drain(struct flood *f, double sent)
{
	double stall = fmax(0, probe_now() - sent - PAUSE), end;

	f->late = f->heard > sent ? stall : 0;
	f->heard = probe_now();
	for (end = f->heard + DRAIN_MAX; probe_now() < end && probe_now() - f->heard < QUIET;) {
		double before = probe_now();

		take_all(f, QUIET / 4);
		stall += fmax(0, probe_now() - before - QUIET / 4);
		if (f->heard > before)
			f->late = stall;
	}
}

void probe_flood(struct probe *probe, const struct probe_flood_plan *plan, struct probe_rate *ret)
{
	struct flood f = {.probe = probe,
			  .lanes = plan->lanes,
			  .lane_count =
				  plan->lane_count < PROBE_LANES ? plan->lane_count : PROBE_LANES,
			  .bps = plan->bps,
			  .burst = plan->burst,
			  .lead = plan->lead,
			  .pace = plan->pace,
			  .end = INT64_MAX};
	double start = probe_now(), end = start + plan->seconds, turn = start;

	probe->run++;
	f.bytes = packet_bytes(&probe->ends[f.lanes[0].from], plan);
	f.bits = 8.0 * (double)overhead_charge(plan->overhead, f.bytes + ETHERNET);
	f.skip = (f.burst + f.bps * (plan->seconds - plan->lead) * SKIP_SHARE) / f.bits;
	f.most = plan->train > 0 ? plan->train / f.bits : INFINITY;
	f.turn = start;
	for (double now = start; now < end; now = probe_now()) {
		uint32_t tried = f.tried;
		bool more = false;

		for (size_t i = 0; i < f.lane_count; i++)
			more |= send_lane(&f, i, now - start);
		turn = probe_now();
		sent_turn(&f.times, now, turn, f.sent);
		if (plan->link > 0)
			follow(&f, plan, now, f.tried - tried);
		take_all(&f, more ? 0 : PAUSE);
	}
	/* Lanes drain at different times: with several, ignore later arrivals. */
	if (f.lane_count > 1)
		f.end = clock_ns(CLOCK_REALTIME);
	ret->refused = f.tried ? (double)f.refused / f.tried : 0;
	ret->busy = false;
	drain(&f, turn);
	ret->idle = (f.idle + f.late) / plan->seconds;
	ret->window = (double)(f.last - f.first) / 1e9;
	ret->offered = sent_rate(&f.times) * f.bits;
	if (ret->window > 0)
		ret->offered *= fmax(0, 1 - f.late / ret->window);
	sent_done(&f.times);
	ret->passed = f.counted > 1 && ret->window > 0 ? (f.counted - 1) * f.bits / ret->window : 0;
}

/* One end of a TCP connection, opened inside its namespace. */
struct opening {
	const struct probe_end *end, *to; /* to: the peer to connect to; NULL: listen */
	uint16_t own;			  /* local port; 0: any */
	uint16_t port;			  /* the listener's port */
	int fd;
	bool busy; /* own is in use already */
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill_address(const struct probe_end *end, uint16_t port, union address *ret)
{
	*ret = (union address) {.any.sa_family = end->ip.family};
	if (end->ip.family == AF_INET) {
		memcpy(&ret->v4.sin_addr, end->ip.b, 4);
		ret->v4.sin_port = htons(port);
		return sizeof(ret->v4);
	}
	memcpy(&ret->v6.sin6_addr, end->ip.b, 16);
	ret->v6.sin6_port = htons(port);
	return sizeof(ret->v6);
}

static int open_here(void *arg, struct netsim_err *err)
{
	struct opening *o = arg;
	union address at;
	socklen_t size = fill_address(o->end, o->own, &at);
	int r, yes = 1;

	o->fd = socket(o->end->ip.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The host's default congestion control may be one that does not fill a queue. */
	r = o->fd < 0 ? -1 : setsockopt(o->fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	if (o->fd >= 0 && r < 0 && errno == ENOENT)
		r = setsockopt(o->fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
	/* Connections in TIME_WAIT do not count as use. */
	if (r == 0 && o->own)
		r = setsockopt(o->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (r == 0)
		r = bind(o->fd, &at.any, size);
	if (r < 0 && o->own && errno == EADDRINUSE) {
		o->busy = true;
		return 0;
	}
	if (r == 0 && !o->to) {
		r = listen(o->fd, 1);
		if (r == 0)
			r = getsockname(o->fd, &at.any, &size);
		o->port = ntohs(at.any.sa_family == AF_INET ? at.v4.sin_port : at.v6.sin6_port);
	} else if (r == 0) {
		size = fill_address(o->to, o->port, &at);
		r = connect(o->fd, &at.any, size);
		if (r < 0 && (errno == EINPROGRESS || errno == ENETUNREACH ||
			      errno == EHOSTUNREACH || errno == ECONNREFUSED))
			r = 0;
	}
	/* bind() and listen() both fail with this errno if the port is in use. */
	if (r < 0 && o->own && errno == EADDRINUSE) {
		o->busy = true;
		return 0;
	}
	return r == 0 ? 0 :
			err_errno(err, -errno, NULL, "%s: cannot open a TCP connection",
				  o->end->device);
}

static bool ready_within(int fd, short events, double seconds)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	return poll(&poll_fd, 1, (int)(seconds * 1e3)) > 0 && (poll_fd.revents & events);
}

/* Returns the ratio of frame bytes to TCP payload bytes. */
static double frame_share(int fd, bool v4)
{
	int mss = 0;
	socklen_t size = sizeof(mss);

	if (getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &size) < 0 || mss <= 0)
		mss = 1448;
	/* Ethernet, IP, TCP and its timestamp option. */
	return (mss + ETHERNET + (v4 ? 20 : 40) + 20 + 12) / (double)mss;
}

/* Returns the seconds that this thread has waited for a processor; 0 if that is unknown. */
static double waited(void)
{
	FILE *file = fopen("/proc/thread-self/schedstat", "re");
	unsigned long long ran, waited = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
		waited = 0;
	(void)fclose(file);
	return (double)waited / 1e9;
}

static void stream(int out, int in, double warmup, double seconds, struct probe_rate *ret)
{
	static char chunk[CHUNK];
	double start = probe_now(), from = 0, last = 0, bytes = 0, before = waited();
	double turn = start,
	       late = 0; /* seconds in which the machine, or this process, stood still */

	for (double now = start; now < start + warmup + seconds; now = probe_now()) {
		struct pollfd fds[] = {{.fd = in, .events = POLLIN},
				       {.fd = out, .events = POLLOUT}};
		ssize_t got;

		late += fmax(0, now - turn - 2 * TURN_MS / 1e3);
		turn = now;
		if (poll(fds, ARRAY_SIZE(fds), TURN_MS) <= 0)
			continue;
		if (fds[1].revents && send(out, chunk, sizeof(chunk), MSG_NOSIGNAL) < 0 &&
		    errno != EAGAIN)
			break;
		if (!fds[0].revents || (got = recv(in, chunk, sizeof(chunk), 0)) <= 0)
			continue;
		now = probe_now();
		if (now < start + warmup)
			continue;
		/* The window begins with the first arrival, whose bytes do not count. */
		if (from > 0)
			bytes += (double)got;
		else
			from = now;
		last = now;
	}
	late += fmax(0, probe_now() - turn - 2 * TURN_MS / 1e3);
	ret->window = last - from;
	ret->passed = ret->window > 0 ? bytes * 8 / ret->window : 0;
	ret->idle = fmax(waited() - before, late) / (warmup + seconds);
}

static void shut(struct opening *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

static int open_both(struct probe *p, struct opening *server, struct opening *client,
		     struct netsim_err *err)
{
	int r = netns_within(p->own_fd, server->end->ns_fd, open_here, server, err);

	/* A class matches a port at either end, so bind the client to it instead. */
	if (r == 0 && server->busy) {
		shut(server);
		client->own = server->own;
		server->own = 0;
		r = netns_within(p->own_fd, server->end->ns_fd, open_here, server, err);
	}
	client->port = server->port;
	return r == 0 ? netns_within(p->own_fd, client->end->ns_fd, open_here, client, err) : r;
}

int probe_tcp(struct probe *p, const struct probe_lane *lane, double warmup, double seconds,
	      struct probe_rate *ret, struct netsim_err *err)
{
	const struct probe_end *from = &p->ends[lane->from], *to = &p->ends[lane->to];
	struct opening server = {.end = to, .own = lane->port, .fd = -1};
	struct opening client = {.end = from, .to = to, .fd = -1};
	struct linger cut = {.l_onoff = 1};
	auto_close int in = -1;
	int r = open_both(p, &server, &client, err);

	*ret = (struct probe_rate) {.busy = client.busy};
	if (r == 0 && !client.busy && ready_within(server.fd, POLLIN, 2 + warmup))
		in = accept4(server.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (in >= 0) {
		stream(client.fd, in, warmup, seconds, ret);
		ret->passed *= frame_share(client.fd, server.end->ip.family == AF_INET);
		ret->offered = ret->passed;
		/* Drop the unsent data. */
		setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &cut, sizeof(cut));
	}
	shut(&client);
	shut(&server);
	return r;
}
