// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Simulates a virtual machine whose inside is a network namespace: opens a tap as QEMU does, and
 * passes frames between it and an interface of the namespace.
 *
 *   relay TAP NETNS INTERFACE
 *
 * TAP and INTERFACE are both taps; those that do not exist are created, and removed at its end. It
 * prints "ready", and runs until it is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FRAME (64 << 10)

static void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_tap(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		die(name);
	return fd;
}

/* A tap that is down does not take frames (EIO): they are lost, as in a machine without power. */
static void pass(int from, int to)
{
	static char frame[FRAME];
	ssize_t size;

	while ((size = read(from, frame, sizeof(frame))) > 0)
		if (write(to, frame, (size_t)size) < 0 && errno != EIO && errno != EAGAIN)
			die("write");
	if (size < 0 && errno != EAGAIN && errno != EIO)
		die("read");
}

int main(int argc, char **argv)
{
	char path[128];
	int netns;
	struct pollfd taps[2] = {{.events = POLLIN}, {.events = POLLIN}};

	if (argc != 4) {
		fputs("usage: relay TAP NETNS INTERFACE\n", stderr);
		return 2;
	}
	taps[0].fd = open_tap(argv[1]);
	snprintf(path, sizeof(path), "/run/netns/%s", argv[2]);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0 || setns(netns, CLONE_NEWNET) < 0)
		die(path);
	taps[1].fd = open_tap(argv[3]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(taps, 2, -1) < 0 && errno != EINTR)
			die("poll");
		pass(taps[0].fd, taps[1].fd);
		pass(taps[1].fd, taps[0].fd);
	}
}
