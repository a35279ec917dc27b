/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends numbered packets between all pairs of nodes, to prove which of them arrive.
 *
 *   flood [-r RATE] [-t SECONDS] [-k COUNT] [-s SIZE] [-o LOG] NETNS/IFACE...
 *   flood -a LOG [TIME...]
 *   flood -d LOG | -l LOG
 *
 * Each round sends one Ethernet frame from every node to every other (-k: to the COUNT nodes after
 * it); a packet's number is its round. RATE is the total of packets per second; 0: as many as
 * possible, without receiving any. SIZE is that of a frame, by default 60 bytes.
 * Prints "ready" once every pair has delivered, or "stuck" after five seconds. Ends
 * after SECONDS, or on SIGTERM, and then prints how much it sent and how much this
 * machine could not receive. Exit status 1 if it was never ready.
 *
 * -a: prints, for each stretch of time between TIMEs (seconds since 1970) and each
 * pair, a line of
 *
 *   STRETCH FROM TO RECEIVED LOST FIRST LAST GAP
 *
 * RECEIVED counts arrivals in the stretch; LOST those of rounds within it that never arrived.
 * FIRST and LAST are arrival times in seconds since the stretch began (- if there was
 * none), GAP the longest silence between two arrivals.
 *
 * -d: prints, for each pair, the effect of its link in a line of
 *   FROM TO SENT RECEIVED BURSTS COPIES LATE CORRUPT P1 P10 P50 P90 P99 RATE HEAD TAIL
 * BURSTS of losses; LATE: overtaken packets; P1 to P99: percentiles of the delay in
 * ms; RATE: arrivals per second; HEAD and TAIL: of the first and of the last fifth of them.
 *
 * -l: prints, for each pair, the numbers of lost packets, and after a + those of doubled ones.
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

struct stamp {
	uint32_t pair, round, sent_high, sent_low;
};

struct frame {
	uint8_t to[ETH_ALEN], from[ETH_ALEN];
	uint16_t type;
	uint16_t pad;
	struct stamp stamp, again; /* twice, in case a bit is flipped */
	uint32_t check;		   /* identifies the undamaged one */
	uint8_t rest[ETH_ZLEN - 52];
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
	int64_t at, sent;
	uint64_t corrupt;
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
static size_t frame_size = ETH_ZLEN;
static int64_t started; /* earlier packets belong to another flood */

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

static void *zeroed(size_t count, size_t size)
{
	void *items = calloc(count + 1, size);

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

static int64_t sent_at(const struct stamp *stamp)
{
	return (int64_t)((uint64_t)stamp->sent_high << 32 | stamp->sent_low);
}

static bool is_for(const struct stamp *stamp, const struct node *node)
{
	return stamp->pair < pair_count && &nodes[pairs[stamp->pair].to] == node &&
	       sent_at(stamp) >= started;
}

static uint32_t check_of(const struct stamp *stamp)
{
	return stamp->pair * 3 + stamp->round * 5 + stamp->sent_high * 7 + stamp->sent_low * 9;
}

static void set_frame(struct frame *frame, size_t pair, const struct stamp *stamp)
{
	*frame = (struct frame) {.type = htons(ETHERTYPE), .stamp = *stamp, .again = *stamp};
	frame->check = check_of(stamp);
	memcpy(frame->to, nodes[pairs[pair].to].mac, ETH_ALEN);
	memcpy(frame->from, nodes[pairs[pair].from].mac, ETH_ALEN);
}

/* Handles a frame, which may be for another node: a bridge floods until it has learned. */
static void take_frame(const struct node *node, const struct frame *frame, int64_t at, bool *seen)
{
	bool whole_again = check_of(&frame->again) == frame->check;
	const struct stamp *stamp = whole_again ? &frame->again : &frame->stamp;
	struct frame whole;

	if (!is_for(stamp, node))
		return;
	set_frame(&whole, stamp->pair, stamp);
	arrivals = grow(arrivals, arrival_count, sizeof(*arrivals));
	arrivals[arrival_count++] = (struct arrival) {stamp->pair, stamp->round, at, sent_at(stamp),
						      memcmp(&whole, frame, sizeof(whole)) != 0};
	if (!seen[stamp->pair])
		atomic_fetch_add(&delivered, 1);
	seen[stamp->pair] = true;
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
			msgs[i].msg_hdr = (struct msghdr) {.msg_iov = &iov[i],
							   .msg_iovlen = 1,
							   .msg_control = control[i],
							   .msg_controllen = sizeof(control[i])};
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
	bool *seen = zeroed(pair_count, sizeof(*seen));
	struct pollfd *fds = zeroed(node_count, sizeof(*fds));

	(void)arg;
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
	static uint8_t padding[ETH_FRAME_LEN];
	struct mmsghdr msgs[BATCH] = {0};
	struct iovec iov[BATCH][2];
	unsigned sent = 0;

	for (unsigned i = 0; i < count; i++) {
		iov[i][0] = (struct iovec) {&frames[i], sizeof(frames[i])};
		iov[i][1] = (struct iovec) {padding, frame_size - sizeof(frames[i])};
		msgs[i].msg_hdr.msg_iov = iov[i];
		msgs[i].msg_hdr.msg_iovlen = 2;
	}
	while (sent < count) {
		int r = sendmmsg(fd, msgs + sent, count - sent, 0);

		if (r < 0 && errno != EINTR && errno != ENOBUFS)
			die("sendmmsg");
		sent += r > 0 ? (unsigned)r : 0;
	}
}

/* Sends one packet for each pair; the pairs of one sender are adjacent. */
static void send_round(uint32_t number)
{
	struct frame frames[BATCH];
	unsigned count = 0;

	for (size_t i = 0; i < pair_count; i++) {
		const struct node *from = &nodes[pairs[i].from];
		int64_t time = now(CLOCK_REALTIME);
		struct stamp stamp = {(uint32_t)i, number, (uint32_t)(time >> 32), (uint32_t)time};

		set_frame(&frames[count++], i, &stamp);
		if (count == BATCH || i + 1 == pair_count || pairs[i + 1].from != pairs[i].from) {
			send_some(from->fd, frames, count);
			count = 0;
		}
	}
}

/* After a stall the sender continues from now: a burst would overflow queues. */
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
	bool ready = false, printed = false;

	while (!atomic_load(&stop)) {
		int64_t time = now(CLOCK_MONOTONIC);

		if (seconds > 0 && (double)(time - start) > seconds * (double)NS)
			break;
		ready |= atomic_load(&delivered) == pair_count;
		if (!printed && (ready || time - start > 5 * NS)) {
			puts(ready ? "ready" : "stuck");
			fflush(stdout);
			printed = true;
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

/* Returns the number of packets that this machine dropped because a backlog was full. */
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

	started = now(CLOCK_REALTIME);
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

/* --- arrivals (-a) */

static void *read_items(FILE *f, size_t count, size_t size)
{
	void *items = zeroed(count, size);

	if (fread(items, size, count, f) != count)
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
	int64_t *times = zeroed(count, sizeof(*times));
	struct cell *cells;
	uint8_t *came;

	read_log(path);
	cells = zeroed((count + 1) * pair_count, sizeof(*cells));
	came = zeroed(round_count + 1, pair_count);
	for (size_t i = 0; i < count; i++)
		times[i] = (int64_t)(strtold(words[i], NULL) * (long double)NS);
	count_arrivals(cells, came, times, count);
	for (size_t r = 0; r + 1 < round_count; r++) {
		size_t s = stretch_of(times, count, round_at[r]);
		size_t end = s == stretch_of(times, count, round_at[r + 1]) ? pair_count : 0;

		for (size_t p = 0; p < end; p++)
			cells[s * pair_count + p].lost += !came[r * pair_count + p];
	}
	for (size_t s = 0; s <= count; s++)
		for (size_t p = 0; p < pair_count; p++)
			print_cell(s, p, &cells[s * pair_count + p],
				   s ? times[s - 1] : round_at[0]);
	free(times);
	free(cells);
	free(came);
	return 0;
}

/* --- effects of links (-d) */

struct deed {
	unsigned received, bursts, copies, late, corrupt, arrivals;
	uint32_t next; /* one more than the highest number so far */
	double *delays;
	size_t delay_count;
	int64_t *times; /* of all arrivals */
};

static void add_deed(struct deed *deed, const struct arrival *a, uint8_t *came)
{
	deed->corrupt += a->corrupt != 0;
	deed->times = grow(deed->times, deed->arrivals, sizeof(*deed->times));
	deed->times[deed->arrivals++] = a->at;
	if ((*came)++) {
		deed->copies++;
		return;
	}
	deed->received++;
	deed->late += a->round < deed->next;
	if (a->round >= deed->next)
		deed->next = a->round + 1;
	if (a->corrupt)
		return;
	deed->delays = grow(deed->delays, deed->delay_count, sizeof(*deed->delays));
	deed->delays[deed->delay_count++] = (double)(a->at - a->sent) / 1e6;
}

static void collect(struct deed *deeds, uint8_t *came)
{
	for (size_t i = 0; i < arrival_count; i++)
		if (arrivals[i].round < round_count && arrivals[i].pair < pair_count)
			add_deed(&deeds[arrivals[i].pair], &arrivals[i],
				 &came[arrivals[i].round * pair_count + arrivals[i].pair]);
}

static int compare_delays(const void *x, const void *y)
{
	const double *a = x, *b = y;

	return *a < *b ? -1 : *a > *b;
}

/* Arrivals per second, of count arrivals. */
static double pace_of(const int64_t *times, size_t count)
{
	double span = count > 1 ? (double)(times[count - 1] - times[0]) / (double)NS : 0;

	return span > 0 ? (double)(count - 1) / span : 0;
}

static void print_deed(size_t pair, const struct deed *deed)
{
	const size_t percent[] = {1, 10, 50, 90, 99};
	size_t n = deed->delay_count, all = deed->arrivals, fifth = all / 5;

	printf("%s %s %zu %u %u %u %u %u", nodes[pairs[pair].from].name, nodes[pairs[pair].to].name,
	       round_count, deed->received, deed->bursts, deed->copies, deed->late, deed->corrupt);
	if (n)
		qsort(deed->delays, n, sizeof(*deed->delays), compare_delays);
	for (size_t i = 0; i < 5; i++)
		printf(" %.3f", n ? deed->delays[n * percent[i] / 100] : 0);
	printf(" %.2f %.2f %.2f\n", pace_of(deed->times, all), pace_of(deed->times, fifth),
	       pace_of(deed->times + all - fifth, fifth));
}

static int list(const char *path, bool fates)
{
	struct deed *deeds;
	uint8_t *came;

	read_log(path);
	deeds = zeroed(pair_count, sizeof(*deeds));
	came = zeroed(round_count, pair_count);
	collect(deeds, came);
	for (size_t p = 0; p < pair_count; p++) {
		if (fates)
			printf("%s %s", nodes[pairs[p].from].name, nodes[pairs[p].to].name);
		for (size_t r = 0; r < round_count; r++) {
			uint8_t times = came[r * pair_count + p];

			deeds[p].bursts += !times && (!r || came[(r - 1) * pair_count + p]);
			if (fates && times != 1)
				printf(times ? " +%zu" : " %zu", r);
		}
		if (fates)
			putchar('\n');
		else
			print_deed(p, &deeds[p]);
		free(deeds[p].delays);
		free(deeds[p].times);
	}
	free(deeds);
	free(came);
	return 0;
}

int main(int argc, char **argv)
{
	const char *log = NULL, *analysed = NULL, *listed = NULL;
	bool fates = false;
	size_t partners = MAX_NODES;
	double seconds = 0;
	int c, own;

	while ((c = getopt(argc, argv, "r:t:k:s:o:a:d:l:")) != -1) {
		if (c == 'r')
			rate = strtod(optarg, NULL);
		else if (c == 't')
			seconds = strtod(optarg, NULL);
		else if (c == 'k')
			partners = strtoul(optarg, NULL, 10);
		else if (c == 's')
			frame_size = strtoul(optarg, NULL, 10);
		else if (c == 'o')
			log = optarg;
		else if (c == 'd' || c == 'l')
			listed = optarg, fates = c == 'l';
		else if (c == 'a')
			analysed = optarg;
		else
			return 2;
	}
	if (listed)
		return list(listed, fates);
	if (frame_size < ETH_ZLEN || frame_size > ETH_FRAME_LEN)
		return 2;
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
		die("own namespace");
	make_pairs(partners);
	return flood(seconds, log);
}
