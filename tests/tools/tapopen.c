/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens an existing tap as a program for virtual machines does, and shows that frames pass in both
 * directions: asks by ARP for an address of the host, and waits for the answer.
 *
 *   tapopen PROGRAM[-mq] TAP ADDRESS
 *
 * PROGRAM is qemu, qemu-plain (vnet_hdr=off), cloud-hypervisor or firecracker; with -mq, two
 * queues. The device is /dev/net/tun, or $TUN. Prints "answered", or the call that failed, with its
 * error, and then exits with 1. The order of the calls is that of the programs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HEADER	   12 /* of virtio 1.0 */
#define ARP_LENGTH 42

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

/* Not every kernel has all offloads: QEMU tries fewer, Firecracker wants these. */
static void set_offloads(int fd, const char *program)
{
	unsigned long flags = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	if (strncmp(program, "qemu", 4) == 0)
		flags |= TUN_F_TSO_ECN;
	if (ioctl(fd, TUNSETOFFLOAD, flags) < 0)
		fail("TUNSETOFFLOAD");
}

static int open_queue(const char *program, const char *tap, bool header, bool several)
{
	const char *path = getenv("TUN");
	int fd = open(path ? path : "/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), size = HEADER;
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	unsigned features;

	if (fd < 0)
		fail("open");
	if (strncmp(program, "firecracker", 11) != 0) {
		if (ioctl(fd, TUNGETFEATURES, &features) < 0)
			fail("TUNGETFEATURES");
		if (header && !(features & IFF_VNET_HDR))
			fail("IFF_VNET_HDR");
	}
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", tap);
	ifr.ifr_flags |= (header ? IFF_VNET_HDR : 0) | (several ? IFF_MULTI_QUEUE : 0);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		fail("TUNSETIFF");
	if (header && ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
		fail("TUNSETVNETHDRSZ");
	if (header)
		set_offloads(fd, program);
	return fd;
}

/* An ARP request for an address, from 169.254.0.9 and 52:54:00:00:00:09. */
static void make_request(const char *address, unsigned char frame[static ARP_LENGTH])
{
	static const unsigned char start[ARP_LENGTH] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 9, 8,	 6,   0, 1,
		8,    0,    6,	  4,	0,    1,    0x52, 0x54, 0, 0, 0, 9, 169, 254, 0, 9};

	memcpy(frame, start, sizeof(start));
	if (inet_pton(AF_INET, address, frame + 38) != 1)
		fail(address);
}

static bool is_answer(const unsigned char *frame, ssize_t length, const unsigned char *request)
{
	return length >= ARP_LENGTH && frame[12] == 8 && frame[13] == 6 && frame[21] == 2 &&
	       memcmp(frame + 28, request + 38, 4) == 0 && memcmp(frame, request + 6, 6) == 0;
}

int main(int argc, char **argv)
{
	unsigned char out[HEADER + ARP_LENGTH] = {0}, in[65536];
	struct pollfd fds[2] = {{-1, POLLIN, 0}, {-1, POLLIN, 0}};
	bool header, several;

	if (argc != 4)
		return 2;
	header = !strstr(argv[1], "-plain");
	several = strstr(argv[1], "-mq");
	for (int i = 0; i < 1 + several; i++)
		fds[i].fd = open_queue(argv[1], argv[2], header, several);
	make_request(argv[3], out + HEADER);
	/* The bridge may still learn that the tap has a carrier. */
	for (int try = 0; try < 100; try++) {
		size_t skip = header ? 0 : HEADER;

		if (write(fds[0].fd, out + skip, sizeof(out) - skip) < 0 && errno != EIO)
			fail("write");
		if (poll(fds, 2, 100) < 0)
			fail("poll");
		for (int i = 0; i < 1 + several; i++) {
			ssize_t got;

			while ((got = read(fds[i].fd, in, sizeof(in))) > 0)
				if (is_answer(in + (header ? HEADER : 0),
					      got - (header ? HEADER : 0), out + HEADER)) {
					puts("answered");
					return 0;
				}
		}
	}
	puts("no answer");
	return 1;
}
