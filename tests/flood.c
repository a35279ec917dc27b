/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbered packets between every pair of nodes, to prove which of them arrive.
 *
 *   flood [-r RATE] [-t SECONDS] [-k COUNT] [-o LOG] NETNS/IFACE...
 *   flood -a LOG [TIME...]
 *
 * Each round sends one Ethernet frame from every node to every other (-k: to the
 * COUNT nodes after it), so that a packet's number is the round that it was sent
 * in. RATE packets a second in all; 0: as many as go, and nothing is received.
 * Says "ready" once every pair has delivered, "stuck" after five seconds without;
 * ends after SECONDS, or on SIGTERM, and then says what it sent and what this
 * machine itself could not take. Exit status 1 when it was never ready.
 *
 * -a: for each stretch of time between TIMEs (seconds since 1970) and each pair
 * a line of
 *
 *   STRETCH FROM TO RECEIVED LOST FIRST LAST GAP
 *
 * RECEIVED in that stretch; LOST of those sent in it, ever; the arrival of the
 * FIRST and LAST in seconds since the stretch began (- for none), and the longest
 * silence between two arrivals.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ETHERTYPE    0x88b5 /* for local experiments */
#define MAX_NODES    1024
#define BATCH	     64
#define BUFFER_BYTES (32 << 20)
#define NS	     1000000000LL

struct frame {
	uint8_t to[ETH_ALEN], from[ETH_ALEN];
	uint16_t type;
	uint16_t pad;
	uint32_t pair, round;
	uint8_t rest[ETH_ZLEN - 24];
};
_Static_assert(sizeof(struct frame) == ETH_ZLEN, "the shortest Ethernet frame");

struct node {
	char name[64];
	uint8_t mac[ETH_ALEN];
	int fd;
	uint32_t overflow;
};

struct pair {
	uint16_t from, to;
};

struct arrival {
	uint32_t pair, round;
	int64_t at;
};

static struct node nodes[MAX_NODES];
static struct pair *pairs;
static size_t node_count, pair_count;
static int64_t *round_at; /* when each round was sent */
static size_t round_count;
static struct arrival *arrivals;
static size_t arrival_count;
static atomic_bool stop, deaf;
static atomic_size_t delivered; /* pairs that have delivered */
static double rate = 10000;

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *grow(void *items, size_t count, size_t size)
{
	if (count & (count - 1))
		return items;
	items = realloc(items, (count ? 2 * count : 1) * size);
	if (!items)
		die("memory");
	return items;
}

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

/* --- sockets */

static void enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(path);
	close(fd);
}

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		die("setsockopt");
}

static void open_node(struct node *node, char *word)
{
	char *slash = strchr(word, '/'), path[128];
	struct sockaddr_ll at = {.sll_family = AF_PACKET};
	struct ifreq ifr = {0};

	if (!slash) {
		fprintf(stderr, "flood: %s is not NETNS/IFACE\n", word);
		exit(2);
	}
	*slash = 0;
	snprintf(node->name, sizeof(node->name), "%s", word);
	snprintf(path, sizeof(path), "/run/netns/%s", word);
	enter(path);
	at.sll_protocol = htons(rate > 0 ? ETHERTYPE : 0);
	at.sll_ifindex = (int)if_nametoindex(slash + 1);
	node->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	strncpy(ifr.ifr_name, slash + 1, IFNAMSIZ - 1);
	if (node->fd < 0 || ioctl(node->fd, SIOCGIFHWADDR, &ifr) < 0)
		die(word);
	memcpy(node->mac, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	set(node->fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES);
	set(node->fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES);
	set(node->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	set(node->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	set(node->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	if (bind(node->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die(word);
}

static void make_pairs(size_t partners)
{
	for (size_t i = 0; i < node_count; i++)
		for (size_t k = 1; k <= partners && k < node_count; k++) {
			pairs = grow(pairs, pair_count, sizeof(*pairs));
			pairs[pair_count++] =
				(struct pair) {(uint16_t)i, (uint16_t)((i + k) % node_count)};
		}
}

/* --- receiving */

static int64_t take_control(struct msghdr *msg, uint32_t *overflow)
{
	int64_t at = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct timespec t;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SO_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(c), sizeof(t));
			at = t.tv_sec * NS + t.tv_nsec;
		} else if (c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(overflow, CMSG_DATA(c), sizeof(*overflow));
		}
	}
	return at;
}

/* A bridge that does not know the way yet gives a frame to everybody. */
static void take_frame(const struct node *node, const struct frame *frame, int64_t at, bool *seen)
{
	if (frame->pair >= pair_count || &nodes[pairs[frame->pair].to] != node)
		return;
	arrivals = grow(arrivals, arrival_count, sizeof(*arrivals));
	arrivals[arrival_count++] = (struct arrival) {frame->pair, frame->round, at};
	if (!seen[frame->pair])
		atomic_fetch_add(&delivered, 1);
	seen[frame->pair] = true;
}

static void receive(struct node *node, bool *seen)
{
	struct frame frames[BATCH];
	char control[BATCH][CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t))];
	struct mmsghdr msgs[BATCH] = {0};
	struct iovec iov[BATCH];
	int got = BATCH;

	while (got == BATCH) {
		for (int i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec) {&frames[i], sizeof(frames[i])};
			msgs[i].msg_hdr = (struct msghdr) {
				.msg_iov = &iov[i],
				.msg_iovlen = 1,
				.msg_control = control[i],
				.msg_controllen = sizeof(control[i]),
			};
		}
		got = recvmmsg(node->fd, msgs, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < got; i++)
			if (msgs[i].msg_len == sizeof(frames[i]))
				take_frame(node, &frames[i],
					   take_control(&msgs[i].msg_hdr, &node->overflow), seen);
	}
}

static void *receiver(void *arg)
{
	bool *seen = calloc(pair_count, sizeof(*seen));
	struct pollfd *fds = calloc(node_count, sizeof(*fds));

	(void)arg;
	if (!seen || !fds)
		die("memory");
	for (size_t i = 0; i < node_count; i++)
		fds[i] = (struct pollfd) {nodes[i].fd, POLLIN, 0};
	while (!atomic_load(&deaf)) {
		poll(fds, node_count, 20);
		for (size_t i = 0; i < node_count; i++)
			if (fds[i].revents & POLLIN)
				receive(&nodes[i], seen);
	}
	free(seen);
	free(fds);
	return NULL;
}

/* --- sending */

static void send_some(int fd, struct frame *frames, unsigned count)
{
	struct mmsghdr msgs[BATCH] = {0};
	struct iovec iov[BATCH];
	unsigned sent = 0;

	for (unsigned i = 0; i < count; i++) {
		iov[i] = (struct iovec) {&frames[i], sizeof(frames[i])};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < count) {
		int r = sendmmsg(fd, msgs + sent, count - sent, 0);

		if (r < 0 && errno != EINTR && errno != ENOBUFS)
			die("sendmmsg");
		sent += r > 0 ? (unsigned)r : 0;
	}
}

/* One packet for each pair; pairs of one sender lie side by side. */
static void send_round(uint32_t number)
{
	struct frame frames[BATCH];
	unsigned count = 0;

	for (size_t i = 0; i < pair_count; i++) {
		const struct node *from = &nodes[pairs[i].from], *to = &nodes[pairs[i].to];
		struct frame *frame = &frames[count++];

		memset(frame, 0, sizeof(*frame));
		memcpy(frame->to, to->mac, ETH_ALEN);
		memcpy(frame->from, from->mac, ETH_ALEN);
		frame->type = htons(ETHERTYPE);
		frame->pair = (uint32_t)i;
		frame->round = number;
		if (count == BATCH || i + 1 == pair_count || pairs[i + 1].from != pairs[i].from) {
			send_some(from->fd, frames, count);
			count = 0;
		}
	}
}

/* A sender that was held up goes on from there: bursts would overflow queues. */
static void sleep_until(int64_t *due)
{
	int64_t time = now(CLOCK_MONOTONIC);
	struct timespec t;

	if (*due < time - NS / 500)
		*due = time;
	if (*due <= time)
		return;
	t = (struct timespec) {*due / NS, *due % NS};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static bool send_all(double seconds)
{
	int64_t start = now(CLOCK_MONOTONIC), due = start;
	int64_t step = rate > 0 ? (int64_t)((double)pair_count / rate * (double)NS) : 0;
	bool ready = false, told = false;

	while (!atomic_load(&stop)) {
		int64_t time = now(CLOCK_MONOTONIC);

		if (seconds > 0 && (double)(time - start) > seconds * (double)NS)
			break;
		ready |= atomic_load(&delivered) == pair_count;
		if (!told && (ready || time - start > 5 * NS)) {
			puts(ready ? "ready" : "stuck");
			fflush(stdout);
			told = true;
		}
		round_at = grow(round_at, round_count, sizeof(*round_at));
		round_at[round_count] = now(CLOCK_REALTIME);
		send_round((uint32_t)round_count++);
		due += step;
		if (step)
			sleep_until(&due);
	}
	printf("sent %zu in %.3f s\n", round_count * pair_count,
	       (double)(now(CLOCK_MONOTONIC) - start) / (double)NS);
	return ready || rate <= 0;
}

static void on_signal(int number)
{
	(void)number;
	atomic_store(&stop, true);
}

/* Packets that the kernel had no room for, of all that this machine receives. */
static unsigned long backlog_drops(void)
{
	FILE *f = fopen("/proc/net/softnet_stat", "re");
	unsigned long sum = 0, processed, dropped;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx %lx", &processed, &dropped) == 2)
			sum += dropped;
	if (f)
		fclose(f);
	return sum;
}

static void write_log(const char *path)
{
	FILE *f = fopen(path, "we");
	size_t counts[] = {node_count, pair_count, round_count, arrival_count};

	if (!f)
		die(path);
	fwrite(counts, sizeof(counts), 1, f);
	for (size_t i = 0; i < node_count; i++)
		fwrite(nodes[i].name, sizeof(nodes[i].name), 1, f);
	fwrite(pairs, sizeof(*pairs), pair_count, f);
	fwrite(round_at, sizeof(*round_at), round_count, f);
	fwrite(arrivals, sizeof(*arrivals), arrival_count, f);
	if (fclose(f) != 0)
		die(path);
}

static int flood(double seconds, const char *log)
{
	unsigned long drops = backlog_drops();
	uint32_t overflow = 0;
	pthread_t thread;
	bool ready;

	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	if (rate > 0 && pthread_create(&thread, NULL, receiver, NULL) != 0)
		die("pthread_create");
	ready = send_all(seconds);
	if (rate > 0) {
		usleep(300 * 1000);
		atomic_store(&deaf, true);
		pthread_join(thread, NULL);
	}
	for (size_t i = 0; i < node_count; i++)
		overflow += nodes[i].overflow;
	printf("machine %lu\n", backlog_drops() - drops + overflow);
	if (log)
		write_log(log);
	return ready ? 0 : 1;
}

/* --- what came of it */

static void *read_items(FILE *f, size_t count, size_t size)
{
	void *items = calloc(count + 1, size);

	if (!items || fread(items, size, count, f) != count)
		die("reading the log");
	return items;
}

static void read_log(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t counts[4];

	if (!f || fread(counts, sizeof(counts), 1, f) != 1 || counts[0] > MAX_NODES)
		die(path);
	node_count = counts[0];
	pair_count = counts[1];
	round_count = counts[2];
	arrival_count = counts[3];
	for (size_t i = 0; i < node_count; i++)
		if (fread(nodes[i].name, sizeof(nodes[i].name), 1, f) != 1)
			die(path);
	pairs = read_items(f, pair_count, sizeof(*pairs));
	round_at = read_items(f, round_count, sizeof(*round_at));
	arrivals = read_items(f, arrival_count, sizeof(*arrivals));
	fclose(f);
}

struct cell {
	unsigned received, lost;
	int64_t first, last, gap;
};

static size_t stretch_of(const int64_t *times, size_t count, int64_t at)
{
	size_t i = 0;

	while (i < count && at >= times[i])
		i++;
	return i;
}

static void count_arrivals(struct cell *cells, uint8_t *came, const int64_t *times, size_t count)
{
	for (size_t i = 0; i < arrival_count; i++) {
		const struct arrival *a = &arrivals[i];
		struct cell *cell = &cells[stretch_of(times, count, a->at) * pair_count + a->pair];

		if (a->round < round_count)
			came[a->round * pair_count + a->pair] = 1;
		if (cell->received && a->at - cell->last > cell->gap)
			cell->gap = a->at - cell->last;
		if (!cell->received++)
			cell->first = a->at;
		cell->last = a->at;
	}
}

static void print_seconds(bool any, int64_t at)
{
	if (any)
		printf(" %.6f", (double)at / (double)NS);
	else
		printf(" -");
}

static void print_cell(size_t stretch, size_t pair, const struct cell *cell, int64_t begin)
{
	printf("%zu %s %s %u %u", stretch, nodes[pairs[pair].from].name, nodes[pairs[pair].to].name,
	       cell->received, cell->lost);
	print_seconds(cell->received, cell->first - begin);
	print_seconds(cell->received, cell->last - begin);
	print_seconds(cell->received, cell->gap);
	putchar('\n');
}

static int analyse(const char *path, char **words, size_t count)
{
	int64_t *times = calloc(count + 1, sizeof(*times));
	struct cell *cells;
	uint8_t *came;

	read_log(path);
	cells = calloc((count + 1) * pair_count, sizeof(*cells));
	came = calloc(round_count + 1, pair_count);
	if (!times || !cells || !came)
		die("memory");
	for (size_t i = 0; i < count; i++)
		times[i] = (int64_t)(strtold(words[i], NULL) * (long double)NS);
	count_arrivals(cells, came, times, count);
	for (size_t r = 0; r < round_count; r++)
		for (size_t p = 0; p < pair_count; p++)
			if (!came[r * pair_count + p])
				cells[stretch_of(times, count, round_at[r]) * pair_count + p]
					.lost++;
	for (size_t s = 0; s <= count; s++)
		for (size_t p = 0; p < pair_count; p++)
			print_cell(s, p, &cells[s * pair_count + p],
				   s ? times[s - 1] : round_at[0]);
	free(times);
	free(cells);
	free(came);
	return 0;
}

int main(int argc, char **argv)
{
	const char *log = NULL, *analysed = NULL;
	size_t partners = MAX_NODES;
	double seconds = 0;
	int c, own;

	while ((c = getopt(argc, argv, "r:t:k:o:a:")) != -1) {
		if (c == 'r')
			rate = strtod(optarg, NULL);
		else if (c == 't')
			seconds = strtod(optarg, NULL);
		else if (c == 'k')
			partners = strtoul(optarg, NULL, 10);
		else if (c == 'o')
			log = optarg;
		else if (c == 'a')
			analysed = optarg;
		else
			return 2;
	}
	if (analysed)
		return analyse(analysed, argv + optind, (size_t)(argc - optind));
	node_count = (size_t)(argc - optind);
	if (node_count < 2 || node_count > MAX_NODES) {
		fprintf(stderr, "flood: 2 to %d nodes\n", MAX_NODES);
		return 2;
	}
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < node_count; i++)
		open_node(&nodes[i], argv[optind + (int)i]);
	if (own < 0 || setns(own, CLONE_NEWNET) < 0)
		die("the own namespace");
	make_pairs(partners);
	return flood(seconds, log);
}
