// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests reachability: pings from every node to every other, all at once, from a single
 * process because the emulated machine starts processes slowly.
 *
 *   reach FLEET NODE=ADDRESS...
 *
 * The node "host" is the host; the addresses are of IPv4, or all of IPv6. Sends five pings per
 * pair, and prints "A>B" if one was answered within half a second. Makes the nodes retry neighbour
 * discovery every 100 ms instead of every second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX   64
#define TRIES 5
#define EACH  100 /* ms */

static struct {
	char *name;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at;
	bool answered[MAX];
} node[MAX];
static struct pollfd sock[MAX];
static int count;

static void die(const char *what)
{
	fprintf(stderr, "reach: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void ask_often(void)
{
	glob_t found;

	if (glob("/proc/sys/net/ipv[46]/neigh/*/retrans_time_ms", 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "100", 3) != 3)
			die(found.gl_pathv[i]);
		close(fd);
	}
	globfree(&found);
}

static bool is_v6(void)
{
	return node[0].at.any.sa_family == AF_INET6;
}

static bool read_address(const char *text, int i)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	node[i].at.any.sa_family = (sa_family_t)family;
	if (family != node[0].at.any.sa_family)
		return false;
	return inet_pton(family, text,
			 family == AF_INET ? (void *)&node[i].at.v4.sin_addr :
					     (void *)&node[i].at.v6.sin6_addr) == 1;
}

static void open_node(const char *fleet, char *word, int own)
{
	char *equals = strchr(word, '='), path[256];
	bool host = strncmp(word, "host=", 5) == 0;
	int fd = own, i = count++;

	if (!equals || i == MAX || !read_address(equals + 1, i)) {
		errno = EINVAL;
		die(word);
	}
	*equals = 0;
	node[i].name = word;
	snprintf(path, sizeof(path), "/run/netns/%s.%s", fleet, word);
	if (!host)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(path);
	if (!host)
		close(fd);
	ask_often();
	sock[i].fd = socket(node[i].at.any.sa_family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    is_v6() ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	sock[i].events = POLLIN;
	if (sock[i].fd < 0)
		die("socket");
}

static uint16_t checksum(const uint16_t *words, size_t n)
{
	uint32_t sum = 0;

	while (n--)
		sum += *words++;
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* An unreachable destination is no error here. The headers of both families have the same layout.
 */
static void send_all(void)
{
	for (int from = 0; from < count; from++)
		for (int to = 0; to < count; to++) {
			struct icmphdr echo = {.type = is_v6() ? ICMP6_ECHO_REQUEST : ICMP_ECHO};

			if (from == to || node[from].answered[to])
				continue;
			echo.un.echo.id = htons((uint16_t)(getpid() & 0x7fff));
			echo.un.echo.sequence = htons((uint16_t)(from * MAX + to));
			/* The kernel fills in that of ICMPv6. */
			echo.checksum = checksum((uint16_t *)&echo, sizeof(echo) / 2);
			(void)!sendto(sock[from].fd, &echo, sizeof(echo), 0, &node[to].at.any,
				      is_v6() ? sizeof(node[to].at.v6) : sizeof(node[to].at.v4));
		}
}

static bool same_address(int to, const struct sockaddr_in6 *source, const uint8_t *packet)
{
	if (is_v6())
		return memcmp(&source->sin6_addr, &node[to].at.v6.sin6_addr, 16) == 0;
	return memcmp(packet + 12, &node[to].at.v4.sin_addr, 4) == 0;
}

/* A raw socket gives the header of IPv4, but not that of IPv6. */
static void receive(int from)
{
	uint8_t packet[256];
	struct sockaddr_in6 source = {0};
	socklen_t size = sizeof(source);
	ssize_t len = recvfrom(sock[from].fd, packet, sizeof(packet), 0, (struct sockaddr *)&source,
			       &size);
	size_t head = is_v6() ? 0 : (packet[0] & 15U) * 4;
	struct icmphdr echo;
	int to;

	if (len < (ssize_t)(head + sizeof(echo)))
		return;
	memcpy(&echo, packet + head, sizeof(echo));
	to = ntohs(echo.un.echo.sequence) - from * MAX;
	if (echo.type == (is_v6() ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) && to >= 0 && to < count &&
	    ntohs(echo.un.echo.id) == (getpid() & 0x7fff) && same_address(to, &source, packet))
		node[from].answered[to] = true;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* What has come is read even after the end, which a busy machine may miss. */
static void receive_until(long long end)
{
	int ready;

	do {
		long long left = end - now_ms();

		ready = poll(sock, (nfds_t)count, left > 0 ? (int)left + 1 : 0);
		for (int i = 0; ready > 0 && i < count; i++)
			if (sock[i].revents)
				receive(i);
	} while (ready > 0 || now_ms() < end);
}

static bool all_answered(void)
{
	for (int from = 0; from < count; from++)
		for (int to = 0; to < count; to++)
			if (from != to && !node[from].answered[to])
				return false;
	return true;
}

int main(int argc, char **argv)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (argc < 3) {
		fprintf(stderr, "usage: reach FLEET NODE=ADDRESS...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		open_node(argv[1], argv[i], own);
	for (int i = 0; i < TRIES && !all_answered(); i++) {
		send_all();
		receive_until(now_ms() + EACH);
	}
	for (int from = 0; from < count; from++)
		for (int to = 0; to < count; to++)
			if (node[from].answered[to])
				printf("%s>%s\n", node[from].name, node[to].name);
	return 0;
}
