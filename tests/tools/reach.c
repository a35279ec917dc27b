// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests reachability: pings from every node to every other, all at once, from a single
 * process because the emulated machine starts processes slowly.
 *
 *   reach FLEET NODE=ADDRESS...
 *
 * The node "host" is the host. Sends five pings per pair, and prints "A>B" if one was
 * answered within half a second. Makes the nodes retry neighbour discovery every 100 ms
 * instead of every second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
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
	struct sockaddr_in at;
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

	if (glob("/proc/sys/net/ipv4/neigh/*/retrans_time_ms", 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "100", 3) != 3)
			die(found.gl_pathv[i]);
		close(fd);
	}
	globfree(&found);
}

static void open_node(const char *fleet, char *word, int own)
{
	char *equals = strchr(word, '='), path[256];
	bool host = strncmp(word, "host=", 5) == 0;
	int fd = own, i = count++;

	if (!equals || i == MAX || inet_pton(AF_INET, equals + 1, &node[i].at.sin_addr) != 1) {
		errno = EINVAL;
		die(word);
	}
	*equals = 0;
	node[i].name = word;
	node[i].at.sin_family = AF_INET;
	snprintf(path, sizeof(path), "/run/netns/%s.%s", fleet, word);
	if (!host)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(path);
	if (!host)
		close(fd);
	ask_often();
	sock[i].fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
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

/* An unreachable destination is no error here. */
static void send_all(void)
{
	for (int from = 0; from < count; from++)
		for (int to = 0; to < count; to++) {
			struct icmphdr echo = {.type = ICMP_ECHO};

			if (from == to || node[from].answered[to])
				continue;
			echo.un.echo.id = htons((uint16_t)(getpid() & 0x7fff));
			echo.un.echo.sequence = htons((uint16_t)(from * MAX + to));
			echo.checksum = checksum((uint16_t *)&echo, sizeof(echo) / 2);
			(void)!sendto(sock[from].fd, &echo, sizeof(echo), 0,
				      (struct sockaddr *)&node[to].at, sizeof(node[to].at));
		}
}

static void receive(int from)
{
	uint8_t packet[256];
	ssize_t len = recv(sock[from].fd, packet, sizeof(packet), 0);
	size_t head = (packet[0] & 15U) * 4;
	struct icmphdr echo;
	int to;

	if (len < (ssize_t)(head + sizeof(echo)))
		return;
	memcpy(&echo, packet + head, sizeof(echo));
	to = ntohs(echo.un.echo.sequence) - from * MAX;
	if (echo.type == ICMP_ECHOREPLY && to >= 0 && to < count &&
	    ntohs(echo.un.echo.id) == (getpid() & 0x7fff) &&
	    memcmp(packet + 12, &node[to].at.sin_addr, 4) == 0)
		node[from].answered[to] = true;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void receive_until(long long end)
{
	while (now_ms() < end)
		if (poll(sock, (nfds_t)count, (int)(end - now_ms()) + 1) > 0)
			for (int i = 0; i < count; i++)
				if (sock[i].revents)
					receive(i);
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
