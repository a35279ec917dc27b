/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connects a tap to an interface of this machine, as a cable: opens the tap as a program for
 * virtual machines does, without offloads, and passes all frames on in both directions until it is
 * killed.
 *
 *   wire TAP INTERFACE
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64 /* frames of one direction before the other has its turn */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_tap(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		fail(name);
	return fd;
}

static int open_interface(const char *name)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex(name)};
	struct packet_mreq promiscuous = {.mr_ifindex = at.sll_ifindex,
					  .mr_type = PACKET_MR_PROMISC};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) <
		    0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		fail(name);
	return fd;
}

/* A full queue drops the frame, as a network card does. */
static void put(int to, const unsigned char *frame, size_t length)
{
	if (write(to, frame, length) < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EIO &&
	    errno != ENETDOWN)
		fail("write");
}

/* Passes on what has arrived at the tap, at most a batch. */
static void pass_out(int tap, int card)
{
	static unsigned char frame[65536];
	ssize_t length;

	for (int i = 0; i < BATCH && (length = read(tap, frame, sizeof(frame))) > 0; i++)
		put(card, frame, (size_t)length);
}

/* Puts the VLAN tag, which the kernel has taken out of the frame, back behind the addresses. */
static size_t tag(unsigned char *frame, size_t length, const struct tpacket_auxdata *aux)
{
	uint16_t words[2] = {
		htons(aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : ETH_P_8021Q),
		htons(aux->tp_vlan_tci)};

	memmove(frame + 2 * ETH_ALEN + sizeof(words), frame + 2 * ETH_ALEN, length - 2 * ETH_ALEN);
	memcpy(frame + 2 * ETH_ALEN, words, sizeof(words));
	return length + sizeof(words);
}

static void pass_in(int card, int tap)
{
	static unsigned char frame[65536];
	char room[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec part = {frame, sizeof(frame) - 4};

	for (int i = 0; i < BATCH; i++) {
		struct msghdr msg = {.msg_iov = &part,
				     .msg_iovlen = 1,
				     .msg_control = room,
				     .msg_controllen = sizeof(room)};
		ssize_t got = recvmsg(card, &msg, 0);
		struct cmsghdr *cmsg = got > 2 * ETH_ALEN ? CMSG_FIRSTHDR(&msg) : NULL;
		struct tpacket_auxdata aux = {0};

		if (got <= 0)
			return;
		if (cmsg && cmsg->cmsg_type == PACKET_AUXDATA)
			memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
		put(tap, frame,
		    aux.tp_status & TP_STATUS_VLAN_VALID ? tag(frame, (size_t)got, &aux) :
							   (size_t)got);
	}
}

int main(int argc, char **argv)
{
	struct pollfd fds[2];

	if (argc != 3)
		return 2;
	fds[0] = (struct pollfd) {open_tap(argv[1]), POLLIN, 0};
	fds[1] = (struct pollfd) {open_interface(argv[2]), POLLIN, 0};
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			fail("poll");
		pass_out(fds[0].fd, fds[1].fd);
		pass_in(fds[1].fd, fds[0].fd);
	}
}
