/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/probe/probe.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <math.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "netsim/kernel/netns.h"
#include "netsim/probe/probe_parts.h"
#include "netsim/probe/timestamp.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define RECEIVE_BUFFER (8 << 20)
#define PRIME_PROBES   2 /* first probes of a path, not counted: bridges learn from them */
#define PRIME_SECONDS  0.1
#define TWIN_EVERY     4 /* every fourth probe of a path is followed by a twin at once */

/* Filters in the kernel: other traffic of the cluster does not reach the process. */
static int set_filter(int fd, bool v4)
{
	uint32_t udp = v4 ? 28 : 48, tcp = v4 ? 40 : 60;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, udp),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE_MAGIC, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, tcp),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE_MAGIC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PROBE_SNAP),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* The sockets to open inside a network namespace. */
struct probe_opening {
	const struct probe_end *end;
	int frames, sink;
	uint16_t port;
};

static int open_sink(struct probe_opening *o)
{
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr any;
	} at = {.any.sa_family = o->end->ip.family};
	socklen_t size = o->end->ip.family == AF_INET ? sizeof(at.v4) : sizeof(at.v6);
	int small = 0;

	memcpy(size == sizeof(at.v4) ? (void *)&at.v4.sin_addr : (void *)&at.v6.sin6_addr,
	       o->end->ip.b, size == sizeof(at.v4) ? 4 : 16);
	o->sink = socket(o->end->ip.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (o->sink < 0 || setsockopt(o->sink, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) < 0 ||
	    bind(o->sink, &at.any, size) < 0 || getsockname(o->sink, &at.any, &size) < 0)
		return -errno;
	o->port = ntohs(size == sizeof(at.v4) ? at.v4.sin_port : at.v6.sin6_port);
	return 0;
}

static int open_here(void *arg, struct netsim_err *err)
{
	struct probe_opening *o = arg;
	bool v4 = o->end->ip.family == AF_INET;
	uint16_t protocol = htons(v4 ? ETH_P_IP : ETH_P_IPV6);
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = protocol, .sll_ifindex = o->end->ifindex};
	int yes = 1, size = RECEIVE_BUFFER;

	/* Protocol 0 receives nothing, until the filter is attached. */
	o->frames = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (o->frames < 0 || set_filter(o->frames, v4) < 0 ||
	    setsockopt(o->frames, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes)) < 0 ||
	    setsockopt(o->frames, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(o->frames, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0 ||
	    bind(o->frames, (struct sockaddr *)&at, sizeof(at)) < 0 || open_sink(o) < 0)
		return err_errno(err, -errno, NULL, "%s: cannot open a socket for probes",
				 o->end->device);
	return 0;
}

static int open_end(struct probe *p, size_t i, struct netsim_err *err)
{
	struct probe_opening o = {.end = &p->ends[i], .frames = -1, .sink = -1};
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
	int r;

	p->frames[i] = p->sinks[i] = -1;
	if (o.end->ns_fd < 0)
		return 0;
	r = netns_within(p->own_fd, o.end->ns_fd, open_here, &o, err);
	p->frames[i] = o.frames;
	p->sinks[i] = o.sink;
	p->ports[i] = o.port;
	if (r == 0 && epoll_ctl(p->epoll, EPOLL_CTL_ADD, o.frames, &event) < 0)
		r = err_errno(err, -errno, NULL, "cannot wait for probes");
	return r;
}

int probe_open(int own_fd, const struct probe_end *ends, size_t count, struct probe **ret,
	       struct netsim_err *err)
{
	struct probe *p = calloc(1, sizeof(*p));
	int r = 0;

	if (!p)
		return err_oom(err);
	p->own_fd = own_fd;
	p->ends = ends;
	p->run = (uint32_t)clock_ns(CLOCK_REALTIME);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->frames = calloc(count + 1, sizeof(*p->frames));
	p->sinks = calloc(count + 1, sizeof(*p->sinks));
	p->ports = calloc(count + 1, sizeof(*p->ports));
	if (!p->frames || !p->sinks || !p->ports)
		r = err_oom(err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = open_end(p, i, err);
		p->count = i + 1;
	}
	if (r < 0)
		probe_close(p);
	else
		*ret = p;
	return r;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		if (p->frames[i] >= 0)
			close(p->frames[i]);
		if (p->sinks[i] >= 0)
			close(p->sinks[i]);
	}
	if (p->epoll >= 0)
		close(p->epoll);
	free(p->frames);
	free(p->sinks);
	free(p->ports);
	free(p);
}

double probe_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double probe_timer_slack(void)
{
	struct timespec pause = {.tv_nsec = 1000000};
	double late[100];

	for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
		double before = probe_now();

		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		late[i] = (probe_now() - before) * 1e3 - 1;
	}
	qsort(late, ARRAY_SIZE(late), sizeof(late[0]), by_value);
	return late[90] > 0 ? late[90] : 0;
}

int probe_send(const struct probe *p, size_t from, size_t to, uint8_t (*packets)[PROBE_SNAP],
	       const size_t *lengths, int count)
{
	static const uint8_t zeroes[1 << 16];
	bool v4 = p->ends[to].ip.family == AF_INET;
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(v4 ? ETH_P_IP : ETH_P_IPV6),
				 .sll_ifindex = p->ends[from].ifindex,
				 .sll_halen = 6};
	struct mmsghdr messages[PROBE_BATCH] = {0};
	struct iovec parts[PROBE_BATCH][2];
	int sent;

	memcpy(at.sll_addr, p->ends[from].has_router ? p->ends[from].router.b : p->ends[to].mac.b,
	       6);
	for (int i = 0; i < count; i++) {
		size_t head = lengths[i] < PROBE_SNAP ? lengths[i] : PROBE_SNAP;

		parts[i][0] = (struct iovec) {packets[i], head};
		parts[i][1] = (struct iovec) {(void *)zeroes, lengths[i] - head};
		messages[i].msg_hdr = (struct msghdr) {.msg_name = &at,
						       .msg_namelen = sizeof(at),
						       .msg_iov = parts[i],
						       .msg_iovlen = lengths[i] > head ? 2 : 1};
	}
	sent = sendmmsg(p->frames[from], messages, (unsigned)count, MSG_DONTWAIT);
	return sent > 0 ? sent : 0;
}

int probe_receive(const struct probe *p, size_t end, struct probe_arrival *ret)
{
	uint8_t packets[PROBE_BATCH][PROBE_SNAP];
	char controls[PROBE_BATCH][64];
	struct sockaddr_ll from[PROBE_BATCH];
	struct mmsghdr messages[PROBE_BATCH] = {0};
	struct iovec parts[PROBE_BATCH];
	int got, count = 0;

	for (int i = 0; i < PROBE_BATCH; i++) {
		parts[i] = (struct iovec) {packets[i], PROBE_SNAP};
		messages[i].msg_hdr = (struct msghdr) {.msg_name = &from[i],
						       .msg_namelen = sizeof(from[i]),
						       .msg_iov = &parts[i],
						       .msg_iovlen = 1,
						       .msg_control = controls[i],
						       .msg_controllen = sizeof(controls[i])};
	}
	got = recvmmsg(p->frames[end], messages, PROBE_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++) {
		/* Skip frames to other hosts: a bridge that has not learned yet floods. */
		if (from[i].sll_pkttype != PACKET_HOST ||
		    !probe_parse(packets[i], messages[i].msg_len, p->run, &ret[count].load))
			continue;
		memcpy(ret[count].source.b, from[i].sll_addr, sizeof(ret[count].source.b));
		ret[count].at = timestamp_of(&messages[i].msg_hdr);
		/* Packets from an IFB carry their departure time, from another clock. */
		if (ret[count].at < ret[count].load.sent)
			ret[count].at = clock_ns(CLOCK_REALTIME);
		count++;
	}
	return got < 0 ? -1 : count;
}

int probe_wait(const struct probe *p, double seconds, size_t *ready, int max)
{
	struct epoll_event events[64];
	struct timespec time = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
	int got = epoll_pwait2(p->epoll, events, max < 64 ? max : 64, &time, NULL);

	for (int i = 0; i < got; i++)
		ready[i] = events[i].data.u64;
	return got > 0 ? got : 0;
}

/* The state of one path during the measurement. */
struct probe_track {
	double next;	/* time of its next probe */
	double *delays; /* ms, in order of arrival */
	size_t delay_count;
	bool *seen; /* by seq */
	bool *twin; /* by seq: the twin arrived before its probe */
	uint32_t highest, limit;
	unsigned sent; /* including those that do not count */
};

struct probe_state {
	struct probe *probe;
	struct probe_path *paths;
	struct probe_track *tracks;
	size_t count;
	double start, end;
};

static void send_one(struct probe_state *run, size_t i)
{
	const struct probe *p = run->probe;
	const struct probe_path *path = &run->paths[i];
	struct probe_track *track = &run->tracks[i];
	uint8_t packets[2][PROBE_SNAP];
	struct probe_frame frame = {
		.protocol = path->protocol ? path->protocol : IPPROTO_UDP,
		.source_port = path->source_port ? path->source_port : p->ports[path->from],
		.port = path->port ? path->port : p->ports[path->to],
		.bytes = path->bytes,
		.load = {.run = p->run, .path = (uint32_t)i, .seq = track->sent},
	};
	/* Reordering shows best between packets sent in quick succession: in one call. */
	int count = track->sent % TWIN_EVERY == 0 ? 2 : 1;
	size_t lengths[2];

	frame.load.sent = clock_ns(CLOCK_REALTIME);
	for (int n = 0; n < count; n++) {
		frame.load.twin = n == 1;
		lengths[n] = probe_build(&p->ends[path->from], &p->ends[path->to], &frame,
					 packets[n], PROBE_SNAP);
	}
	/* A probe that the node's interface refuses counts as lost. */
	(void)probe_send(p, path->from, path->to, packets, lengths, count);
	track->sent++;
}

/* Answers to echoes arrive at the sender. */
static size_t receiver_of(const struct probe_path *path)
{
	return path->protocol == IPPROTO_ICMP ? path->from : path->to;
}

/*
 * Returns whether the source address of a frame has a flipped bit: no checksum covers it. Other
 * addresses than the sender's own are possible: some bonds send with those of their members.
 */
static bool has_damaged_source(const struct probe_state *run, const struct probe_arrival *a)
{
	const struct probe_path *path = &run->paths[a->load.path];
	const struct probe_end *from = &run->probe->ends[path->from];
	const struct probe_end *to = &run->probe->ends[path->to];
	const struct mac *want = to->has_router ? &to->router : &from->mac;
	int bits = 0;

	if (path->protocol == IPPROTO_ICMP)
		return false;
	for (size_t i = 0; i < sizeof(want->b); i++)
		bits += __builtin_popcount(want->b[i] ^ a->source.b[i]);
	return bits == 1;
}

static void take_one(struct probe_state *run, size_t end, const struct probe_arrival *a)
{
	struct probe_track *track;
	uint32_t seq = a->load.seq;

	if (a->load.path >= run->count || receiver_of(&run->paths[a->load.path]) != end ||
	    has_damaged_source(run, a))
		return;
	track = &run->tracks[a->load.path];
	if (seq < PRIME_PROBES || seq >= track->limit)
		return;
	if (a->load.twin) {
		track->twin[seq] = !track->seen[seq];
		return;
	}
	if (track->seen[seq]) {
		run->paths[a->load.path].seen.duplicates++;
		return;
	}
	track->seen[seq] = true;
	track->delays[track->delay_count++] = (double)(a->at - a->load.sent) / 1e6;
	if (seq < track->highest || track->twin[seq])
		run->paths[a->load.path].seen.late++;
	else
		track->highest = seq;
}

static void take_all(struct probe_state *run, double seconds)
{
	struct probe_arrival arrivals[PROBE_BATCH];
	size_t ready[64];
	int ends = probe_wait(run->probe, seconds > 0 ? seconds : 0, ready, 64);

	for (int i = 0; i < ends; i++) {
		int got;

		do {
			got = probe_receive(run->probe, ready[i], arrivals);
			for (int a = 0; a < got; a++)
				take_one(run, ready[i], &arrivals[a]);
		} while (got == PROBE_BATCH);
	}
}

/*
 * Returns the phase of a path within its interval, 0 to 1. Phases are spread evenly over
 * the paths of each sender and over those of each receiver.
 */
static double phase_of(const struct probe_state *run, size_t i)
{
	const struct probe_path *path = &run->paths[i];
	double ends = (double)run->probe->count;

	return fmod(((double)path->from + (double)path->to) / ends +
			    (double)path->from / ends / ends,
		    1);
}

/* Sends all probes that are due; returns the time of the next one. */
static double send_due(struct probe_state *run)
{
	double now = probe_now(), next = run->end;

	for (size_t i = 0; i < run->count; i++) {
		struct probe_track *track = &run->tracks[i];

		while (track->next <= now && track->next < run->end && track->sent < track->limit) {
			send_one(run, i);
			if (track->sent < PRIME_PROBES)
				track->next += PRIME_SECONDS / PRIME_PROBES;
			else if (track->sent == PRIME_PROBES)
				track->next = run->start + 2 * PRIME_SECONDS +
					      run->paths[i].interval * phase_of(run, i);
			else
				track->next += run->paths[i].interval;
			/* After a stall, continue from now instead of sending a burst. */
			if (track->next < now - run->paths[i].interval)
				track->next = now;
		}
		if (track->next < next)
			next = track->next;
	}
	return next;
}

static void summarise(struct probe_track *track, struct probe_seen *seen)
{
	size_t n = track->delay_count;
	double sum = 0, squares = 0;

	seen->sent = track->sent > PRIME_PROBES ? track->sent - PRIME_PROBES : 0;
	seen->received = (unsigned)n;
	if (!n)
		return;
	qsort(track->delays, n, sizeof(*track->delays), by_value);
	for (size_t i = 0; i < n; i++)
		sum += track->delays[i];
	seen->mean = sum / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += pow(track->delays[i] - seen->mean, 2);
	seen->sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
	seen->min = track->delays[0];
	seen->p90 = track->delays[(n - 1) * 9 / 10];
	seen->median = (track->delays[(n - 1) / 2] + track->delays[n / 2]) / 2;
	seen->spread = (track->delays[n * 3 / 4] - track->delays[n / 4]) / 1.349;
}

static int prepare(struct probe_state *run, double seconds, struct netsim_err *err)
{
	run->start = probe_now();
	run->end = run->start + 2 * PRIME_SECONDS + seconds;
	for (size_t i = 0; i < run->count; i++) {
		struct probe_track *track = &run->tracks[i];

		track->limit = (uint32_t)(seconds / run->paths[i].interval) + PRIME_PROBES + 1;
		track->delays = calloc(track->limit, sizeof(*track->delays));
		track->seen = calloc(track->limit, sizeof(*track->seen));
		track->twin = calloc(track->limit, sizeof(*track->twin));
		if (!track->delays || !track->seen || !track->twin)
			return err_oom(err);
		run->paths[i].seen = (struct probe_seen) {0};
		track->next = run->start + PRIME_SECONDS / PRIME_PROBES * phase_of(run, i);
	}
	return 0;
}

/*
 * Pins the process to one processor: the kernel passes packets between hops through
 * per-CPU queues, and packets in different queues can overtake each other.
 */
static void pin(cpu_set_t *before)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	CPU_ZERO(before);
	CPU_ZERO(&one);
	if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(*before), before) < 0)
		return;
	CPU_SET(cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static void unpin(const cpu_set_t *before)
{
	if (CPU_COUNT(before))
		(void)sched_setaffinity(0, sizeof(*before), before);
}

int probe_run(struct probe *p, const struct probe_plan *plan, struct netsim_err *err)
{
	struct probe_state run = {.probe = p, .paths = plan->paths, .count = plan->path_count};
	cpu_set_t before;
	int r;

	run.tracks = calloc(run.count + 1, sizeof(*run.tracks));
	p->run++;
	pin(&before);
	r = run.tracks ? prepare(&run, plan->seconds, err) : err_oom(err);
	for (double now = 0; r == 0 && (now = probe_now()) < run.end;) {
		take_all(&run, send_due(&run) - probe_now());
		if (plan->progress &&
		    plan->progress(plan->arg, (now - run.start) / (run.end - run.start)))
			break;
	}
	for (double end = probe_now() + plan->settle, now = 0; r == 0 && (now = probe_now()) < end;)
		take_all(&run, end - now);
	unpin(&before);
	for (size_t i = 0; run.tracks && i < run.count; i++) {
		if (r == 0)
			summarise(&run.tracks[i], &run.paths[i].seen);
		free(run.tracks[i].delays);
		free(run.tracks[i].seen);
		free(run.tracks[i].twin);
	}
	free(run.tracks);
	return r;
}
