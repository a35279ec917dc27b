/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends a frame from one node to another at each beat, to prove when a link loses or delays.
 *
 *   beat [-i MS] [-s SECONDS] [-n COUNT] [-d MS] NETNS/IFACE NETNS/IFACE
 *
 * Prints "ready" when a frame has arrived. Ends after SECONDS, on SIGTERM, or when it has seen
 * COUNT stretches of frames with the same fate from beginning to end. Then it waits for what
 * is in flight until no frame has arrived for a second, and prints a line for each stretch:
 *
 *   FATE COUNT EARLIEST_FIRST LATEST_FIRST EARLIEST_LAST LATEST_LAST MIN_DELAY
 *
 * FATE is lost, slow (with -d: on the way for MS or longer, and so are the frames of 100 ms
 * or longer around it) or fast. A frame was sent some
 * time between EARLIEST, the clock before its send(), and LATEST, the clock after it: in
 * seconds since 1970. A change of the link thus lies between two frames, whatever the machine
 * does; a busy machine makes the answer less exact, never wrong. If it sent nothing for 100 ms
 * or longer, there is a line "gap" between two stretches, and a frame that was on the way then is
 * not taken for slow: the machine may have stood still. MIN_DELAY is the shortest time on the way,
 * in ms, 0 for lost frames. The last line is "lag MS": the longest that a fast frame was on the
 * way, by which the kernel's decision can come after the send().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ETHERTYPE 0x88b6 /* for local experiments */
#define MAX	  200000
#define NS	  1000000000LL
#define NS_MS	  1000000LL
#define QUIET_MS  1000
#define GAP_MS	  100

enum fate { LOST, SLOW, FAST };
static const char *const fates[] = {[LOST] = "lost", [SLOW] = "slow", [FAST] = "fast"};

struct node {
	int fd;
	uint8_t mac[ETH_ALEN];
};

struct frame {
	struct ether_header head;
	uint32_t number;
	uint8_t pad[46];
} __attribute__((packed));

static struct sent {
	int64_t before, after, arrived; /* ns since 1970; arrived 0: never */
	enum fate fate;
	bool excused; /* it was on the way during a gap */
} sent[MAX];
static uint32_t count;
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "beat: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

static struct node open_node(char *word)
{
	struct node ret = {.fd = -1};
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE)};
	struct ifreq request = {0};
	char *slash = strchr(word, '/'), path[256];
	int ns, on = 1;

	if (!slash) {
		errno = EINVAL;
		die(word);
	}
	*slash = 0;
	snprintf(path, sizeof(path), "/run/netns/%s", word);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(path);
	close(ns);
	ret.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETHERTYPE));
	at.sll_ifindex = (int)if_nametoindex(slash + 1);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", slash + 1);
	if (ret.fd < 0 || !at.sll_ifindex || ioctl(ret.fd, SIOCGIFHWADDR, &request) < 0 ||
	    bind(ret.fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    setsockopt(ret.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		die(slash + 1);
	memcpy(ret.mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return ret;
}

/* A link that is down refuses to send: that frame counts as lost, too. */
static void send_one(const struct node *from, const struct node *to)
{
	struct frame frame = {.head.ether_type = htons(ETHERTYPE), .number = count};
	struct sent *s = &sent[count++];

	memcpy(frame.head.ether_dhost, to->mac, ETH_ALEN);
	memcpy(frame.head.ether_shost, from->mac, ETH_ALEN);
	s->before = now_ns();
	(void)!send(from->fd, &frame, sizeof(frame), MSG_DONTWAIT);
	s->after = now_ns();
}

/* Takes a frame that has arrived; false if there is none. */
static bool receive_one(const struct node *to)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} control;
	struct frame frame;
	struct iovec part = {&frame, sizeof(frame)};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	struct timespec t;

	if (recvmsg(to->fd, &m, MSG_DONTWAIT) < (ssize_t)sizeof(frame))
		return false;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_TIMESTAMPNS || frame.number >= count)
		return true;
	memcpy(&t, CMSG_DATA(c), sizeof(t));
	if (!sent[frame.number].arrived)
		sent[frame.number].arrived = t.tv_sec * NS + t.tv_nsec;
	return true;
}

/* Receives until DEADLINE or a signal; returns true if anything arrived. */
static bool receive_until(const struct node *to, int64_t deadline)
{
	struct pollfd p = {.fd = to->fd, .events = POLLIN};
	bool any = false;

	for (int64_t left; (left = deadline - now_ns()) > 0;) {
		struct timespec t = {left / NS, left % NS};

		if (ppoll(&p, 1, &t, NULL) < 0 && stopped)
			break;
		while (receive_one(to))
			any = true;
	}
	return any;
}

static bool gap_after(uint32_t i)
{
	return i + 1 < count && sent[i + 1].before - sent[i].after > GAP_MS * NS_MS;
}

static bool meets_gap(uint32_t i)
{
	for (uint32_t k = i; k < count && sent[k].after < sent[i].arrived; k++)
		if (gap_after(k))
			return true;
	return false;
}

/* A busy machine can delay fast frames: a short stretch of slow ones between fast ones is fast. */
static void forgive(uint32_t first, uint32_t end)
{
	if (first == 0 || sent[first - 1].fate != FAST || sent[end].fate != FAST ||
	    sent[end].before - sent[first].before >= GAP_MS * NS_MS)
		return;
	for (uint32_t i = first; i < end; i++)
		sent[i].fate = FAST;
}

static void classify(uint32_t upto, int64_t slow_ns)
{
	uint32_t first = 0; /* of a stretch of slow frames */

	for (uint32_t i = 0; i < upto; i++) {
		struct sent *s = &sent[i];

		s->fate = !s->arrived ? LOST : s->arrived - s->before >= slow_ns ? SLOW : FAST;
		s->excused = s->fate == SLOW && meets_gap(i);
		if (s->excused)
			s->fate = i > 0 && sent[i - 1].fate == SLOW ? SLOW : FAST;
		if (i > 0 && s->fate == FAST && sent[i - 1].fate == SLOW)
			forgive(first, i);
		if (s->fate != SLOW)
			first = i + 1;
	}
}

static void print_stretch(const struct sent *first, const struct sent *last, enum fate fate)
{
	int64_t least = INT64_MAX;

	/* The delay of the last frames is already that of the next stretch. */
	for (const struct sent *s = first; s <= first + (last - first) / 2; s++)
		if (s->arrived && s->arrived - s->before < least)
			least = s->arrived - s->before;
	printf("%s %zd %.6f %.6f %.6f %.6f %.3f\n", fates[fate], last - first + 1,
	       (double)first->before / NS, (double)first->after / NS, (double)last->before / NS,
	       (double)last->after / NS, fate == LOST ? 0 : (double)least / NS_MS);
}

/*
 * Divides the first UPTO frames into stretches, and prints them if asked. Returns how many
 * have been seen from their beginning to their end.
 */
static uint32_t divide(uint32_t upto, int64_t slow_ns, bool print)
{
	uint32_t whole = 0, first = 0;
	bool begins = false; /* the beginning of this stretch has been seen */

	classify(upto, slow_ns);
	for (uint32_t i = 0; i < upto; i++) {
		enum fate fate = sent[i].fate;
		bool last = i + 1 == upto, gap = !last && gap_after(i);

		if (!last && !gap && sent[i + 1].fate == fate)
			continue;
		if (print)
			print_stretch(&sent[first], &sent[i], fate);
		if (print && gap)
			printf("gap\n");
		whole += begins && !last && !gap;
		begins = !gap;
		first = i + 1;
	}
	return whole;
}

/* Frames whose fate is decided. */
static uint32_t decided(void)
{
	static uint32_t n;

	while (n < count && sent[n].after < now_ns() - QUIET_MS * NS_MS)
		n++;
	return n;
}

static void print_lag(void)
{
	int64_t lag = 0;

	for (const struct sent *s = sent; s < sent + count; s++)
		if (s->fate == FAST && !s->excused && s->arrived - s->before > lag)
			lag = s->arrived - s->before;
	printf("lag %.3f\n", (double)lag / NS_MS);
}

int main(int argc, char **argv)
{
	int64_t interval = 10 * NS_MS, end = INT64_MAX, slow = INT64_MAX;
	struct node from, to;
	uint32_t stretches = UINT32_MAX;
	bool ready = false;
	int option;

	while ((option = getopt(argc, argv, "i:s:d:n:")) != -1)
		switch (option) {
		case 'i':
			interval = (int64_t)(atof(optarg) * NS_MS);
			break;
		case 's':
			end = now_ns() + (int64_t)(atof(optarg) * NS);
			break;
		case 'd':
			slow = (int64_t)(atof(optarg) * NS_MS);
			break;
		case 'n':
			stretches = (uint32_t)atoi(optarg);
			break;
		default:
			return 2;
		}
	if (argc - optind != 2)
		return 2;
	from = open_node(argv[optind]);
	to = open_node(argv[optind + 1]);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	for (int64_t beat = now_ns();
	     !stopped && beat < end && count < MAX && divide(decided(), slow, false) < stretches;
	     beat += interval) {
		send_one(&from, &to);
		/* A machine that was busy does not send the beats that it missed. */
		if (now_ns() > beat + interval)
			beat = now_ns();
		if (receive_until(&to, beat + interval) && !ready) {
			ready = true;
			printf("ready\n");
			fflush(stdout);
		}
	}
	/* Shows the state of the link at the moment of the signal. */
	if (count < MAX)
		send_one(&from, &to);
	while (receive_until(&to, now_ns() + QUIET_MS * NS_MS))
		;
	divide(count, slow, true);
	print_lag();
	return ready ? 0 : 1;
}
