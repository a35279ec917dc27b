/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows what an application gets from a node that it is cut off from. ADDRESS is of IPv4 or IPv6.
 *
 *   refused tcp ADDRESS PORT COUNT   connects COUNT times, one after the other: the error, and the
 *                                    median and the longest time until it came, in us
 *   refused udp ADDRESS PORT COUNT   the same of sending, and receiving the error
 *   refused kept ADDRESS PORT        connects, prints "connected", and with each line of the
 *                                    standard input sends a byte and prints the error that follows
 *   refused serve PORT               accepts connections over both families until it is killed
 *
 * An error that does not come within WAIT counts as ETIMEDOUT.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT 2000 /* ms */
#define MOST 1000

struct end {
	struct sockaddr_in6 address; /* or IPv4's, which is shorter */
	socklen_t length;
	int family;
};

static struct end end_of(const char *address, const char *port)
{
	struct end end = {.length = sizeof(struct sockaddr_in6), .family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	end.address.sin6_family = AF_INET6;
	end.address.sin6_port = four.sin_port;
	if (inet_pton(AF_INET6, address, &end.address.sin6_addr) == 1)
		return end;
	if (inet_pton(AF_INET, address, &four.sin_addr) != 1) {
		fprintf(stderr, "refused: %s is not an address\n", address);
		exit(2);
	}
	memcpy(&end.address, &four, sizeof(four));
	end.length = sizeof(four);
	end.family = AF_INET;
	return end;
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The error that a socket has, once it has one. */
static int wait_error(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};
	socklen_t size = sizeof(int);
	int error = ETIMEDOUT;

	if (poll(&one, 1, WAIT) == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

static int try(const struct end *end, int type)
{
	int fd = socket(end->family, type | SOCK_NONBLOCK, 0), error = 0;

	if (connect(fd, (const struct sockaddr *)&end->address, end->length) < 0)
		error = errno;
	if (type == SOCK_STREAM && error == EINPROGRESS)
		error = wait_error(fd, POLLOUT);
	else if (type == SOCK_DGRAM && !error && send(fd, "?", 1, 0) == 1)
		error = wait_error(fd, POLLIN);
	close(fd);
	return error;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static int show_tries(const struct end *end, int type, int count)
{
	static double took[MOST];
	int last = 0;

	for (int i = 0; i < count && i < MOST; i++) {
		double start = now_us();
		int error = try(end, type);

		took[i] = now_us() - start;
		if (i && error != last) {
			printf("%s, then %s\n", strerrorname_np(last), strerrorname_np(error));
			return 1;
		}
		last = error;
	}
	qsort(took, (size_t)count, sizeof(*took), compare);
	printf("%s %.0f %.0f\n", last ? strerrorname_np(last) : "none", took[count / 2],
	       took[count - 1]);
	return 0;
}

static int keep(const struct end *end)
{
	int fd = socket(end->family, SOCK_STREAM, 0);
	char line[16];

	if (connect(fd, (const struct sockaddr *)&end->address, end->length) < 0) {
		perror("refused: connect");
		return 1;
	}
	puts("connected");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		double start = now_us();
		int error = send(fd, "?", 1, MSG_NOSIGNAL) < 0 ? errno : wait_error(fd, POLLIN);

		printf("%s %.0f\n", error ? strerrorname_np(error) : "none", now_us() - start);
		fflush(stdout);
	}
	return 0;
}

static int serve(const char *port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 64) < 0) {
		perror("refused: serve");
		return 1;
	}
	while (accept(fd, NULL, NULL) >= 0)
		;
	return 1;
}

int main(int argc, char **argv)
{
	struct end end;

	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc < 4)
		return 2;
	end = end_of(argv[2], argv[3]);
	if (strcmp(argv[1], "kept") == 0)
		return keep(&end);
	return argc == 5 ? show_tries(&end, strcmp(argv[1], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM,
				      atoi(argv[4])) :
			   2;
}
