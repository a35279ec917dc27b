// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Simulates a virtual machine: opens a tap as QEMU does, and answers ARP, neighbour
 * discovery, ping and UDP echo (port 7) for one MAC address.
 *
 *   guest [-6 IP6] [-g GATEWAY] [-s IP,PORT,COUNT,SIZE,PACE] TAP MAC IP
 *
 * With -s it sends COUNT UDP packets of SIZE bytes (including headers), PACE per
 * second, once ARP has resolved the address, or that of the gateway. It runs until SIGTERM. It
 * prints its counters as a line of JSON once it has the tap, at the end, on SIGUSR1, and half a
 * second after the last packet was sent:
 *
 *   arp, echo   requests for it, by ARP or discovery and by ping
 *   foreign     frames for the MAC address of another machine
 *   asked       ARP requests that it sent; sent: UDP packets that it sent
 *   udp, bytes  UDP received; ms: from the first to the last packet
 *   echoed      echoes of its UDP packets; rtt: their median, in us
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define ETHER	 14
#define FRAME	 9100
#define MAX_RTTS 100000
#define LINGER	 500000000LL

static struct {
	int fd;
	uint8_t mac[6], ip[4], ip6[16];
	bool has_ip6;
	/* packets to send (-s) */
	uint8_t to[4], gateway[4], to_mac[6];
	bool sends, has_gateway, knows_mac, reported;
	unsigned port, count, size, pace;
	long long asked_at, started, ended;
	/* counters */
	unsigned long arp, echo, foreign, asked, sent, udp, bytes, echoed;
	long long first, last;
	uint32_t rtt[MAX_RTTS];
} g;

static volatile sig_atomic_t wants_report, wants_end;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		wants_report = 1;
	else
		wants_end = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "guest: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report(void)
{
	size_t count = g.echoed < MAX_RTTS ? g.echoed : MAX_RTTS;

	qsort(g.rtt, count, sizeof(*g.rtt), by_value);
	printf("{\"arp\":%lu, \"echo\":%lu, \"foreign\":%lu, \"asked\":%lu, \"sent\":%lu, "
	       "\"udp\":%lu, \"bytes\":%lu, \"ms\":%.3f, \"echoed\":%lu, \"rtt\":%u}\n",
	       g.arp, g.echo, g.foreign, g.asked, g.sent, g.udp, g.bytes,
	       (double)(g.last - g.first) / 1e6, g.echoed, count ? g.rtt[count / 2] : 0);
	fflush(stdout);
}

static void put16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)(p[0] << 8 | p[1]);
}

static uint32_t sum(uint32_t start, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		start += get16(p + i);
	return len % 2 ? start + (uint32_t)(p[len - 1] << 8) : start;
}

static unsigned fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

/* Over an IPv6 packet's payload with the pseudo header. */
static void sum_icmp6(uint8_t *ip, size_t len)
{
	put16(ip + 42, 0);
	put16(ip + 42, fold(sum(sum(58 + (uint32_t)len, ip + 8, 32), ip + 40, len)));
}

/* A full queue drops the frame, as on a real machine. */
static void transmit(const uint8_t *frame, size_t len)
{
	if (write(g.fd, frame, len) < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EIO)
		die("write");
}

static void reply(uint8_t *f, size_t len)
{
	memcpy(f, f + 6, 6);
	memcpy(f + 6, g.mac, 6);
	transmit(f, len);
}

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
	uint8_t keep[16];

	memcpy(keep, a, len);
	memcpy(a, b, len);
	memcpy(b, keep, len);
}

/* The address that ARP resolves before packets are sent. */
static const uint8_t *next_hop(void)
{
	return g.has_gateway ? g.gateway : g.to;
}

static void on_arp(uint8_t *f, size_t len)
{
	uint8_t *arp = f + ETHER;

	if (len < ETHER + 28 || memcmp(arp + 24, g.ip, 4) != 0)
		return;
	if (get16(arp + 6) == 2 && memcmp(arp + 14, next_hop(), 4) == 0) {
		memcpy(g.to_mac, arp + 8, 6);
		g.knows_mac = true;
	}
	if (get16(arp + 6) != 1)
		return;
	g.arp++;
	put16(arp + 6, 2);
	memcpy(arp + 18, arp + 8, 10);
	memcpy(arp + 8, g.mac, 6);
	memcpy(arp + 14, g.ip, 4);
	reply(f, ETHER + 28);
}

static void on_echoed(const uint8_t *payload)
{
	int64_t when;

	memcpy(&when, payload, sizeof(when));
	if (g.echoed < MAX_RTTS)
		g.rtt[g.echoed] = (uint32_t)((now() - when) / 1000);
	g.echoed++;
}

static void on_udp(uint8_t *f, size_t len)
{
	uint8_t *ip = f + ETHER, *udp = ip + 20;

	if (len < ETHER + 36)
		return;
	if (get16(udp) == 7) {
		on_echoed(udp + 8);
		return;
	}
	g.udp++;
	g.bytes += len;
	g.last = now();
	g.first = g.first ? g.first : g.last;
	if (get16(udp + 2) != 7)
		return;
	swap(ip + 12, ip + 16, 4);
	swap(udp, udp + 2, 2);
	reply(f, len);
}

static void on_ip(uint8_t *f, size_t len)
{
	uint8_t *ip = f + ETHER, *icmp = ip + 20;

	/* IP headers without options only, as Linux sends them. */
	if (len < ETHER + 28 || ip[0] != 0x45 || memcmp(ip + 16, g.ip, 4) != 0)
		return;
	if (ip[9] == IPPROTO_UDP)
		on_udp(f, len);
	if (ip[9] != IPPROTO_ICMP || icmp[0] != 8)
		return;
	g.echo++;
	swap(ip + 12, ip + 16, 4);
	icmp[0] = 0;
	put16(icmp + 2, 0);
	put16(icmp + 2, fold(sum(0, icmp, get16(ip + 2) - 20U)));
	reply(f, len);
}

static void on_solicitation(uint8_t *f)
{
	uint8_t *ip = f + ETHER, *icmp = ip + 40;

	g.arp++;
	memcpy(ip + 24, ip + 8, 16);
	memcpy(ip + 8, g.ip6, 16);
	put16(ip + 4, 32);
	icmp[0] = 136;
	icmp[4] = 0x60;
	icmp[24] = 2;
	icmp[25] = 1;
	memcpy(icmp + 26, g.mac, 6);
	sum_icmp6(ip, 32);
	reply(f, ETHER + 72);
}

static void on_ip6(uint8_t *f, size_t len)
{
	uint8_t *ip = f + ETHER, *icmp = ip + 40;
	size_t payload = get16(ip + 4);

	if (!g.has_ip6 || len < ETHER + 48 || ip[6] != 58 || len < ETHER + 40 + payload)
		return;
	if (icmp[0] == 135 && len >= ETHER + 72 && memcmp(icmp + 8, g.ip6, 16) == 0)
		on_solicitation(f);
	if (icmp[0] != 128 || memcmp(ip + 24, g.ip6, 16) != 0)
		return;
	g.echo++;
	swap(ip + 8, ip + 24, 16);
	icmp[0] = 129;
	sum_icmp6(ip, payload);
	reply(f, len);
}

static void receive(void)
{
	uint8_t f[FRAME];
	ssize_t len = read(g.fd, f, sizeof(f));

	if (len < 0 && errno != EAGAIN && errno != EINTR && errno != EIO)
		die("read");
	if (len < ETHER)
		return;
	if (!(f[0] & 1) && memcmp(f, g.mac, 6) != 0) {
		g.foreign++;
		return;
	}
	if (get16(f + 12) == ETHERTYPE_ARP)
		on_arp(f, (size_t)len);
	else if (get16(f + 12) == ETHERTYPE_IP)
		on_ip(f, (size_t)len);
	else if (get16(f + 12) == ETHERTYPE_IPV6)
		on_ip6(f, (size_t)len);
}

static void ask(long long at)
{
	uint8_t f[ETHER + 28] = {0}, *arp = f + ETHER;

	if (at - g.asked_at < 100000000)
		return;
	g.asked_at = at;
	g.asked++;
	memset(f, 0xff, 6);
	memcpy(f + 6, g.mac, 6);
	put16(f + 12, ETHERTYPE_ARP);
	memcpy(arp, "\0\1\10\0\6\4\0\1", 8);
	memcpy(arp + 8, g.mac, 6);
	memcpy(arp + 14, g.ip, 4);
	memcpy(arp + 24, next_hop(), 4);
	transmit(f, sizeof(f));
}

static void send_one(void)
{
	uint8_t f[FRAME] = {0}, *ip = f + ETHER, *udp = ip + 20;
	int64_t at = now();

	memcpy(f, g.to_mac, 6);
	memcpy(f + 6, g.mac, 6);
	put16(f + 12, ETHERTYPE_IP);
	ip[0] = 0x45;
	put16(ip + 2, g.size - ETHER);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, g.ip, 4);
	memcpy(ip + 16, g.to, 4);
	put16(ip + 10, fold(sum(0, ip, 20)));
	put16(udp, 40000);
	put16(udp + 2, g.port);
	put16(udp + 4, g.size - ETHER - 20);
	memcpy(udp + 8, &at, sizeof(at));
	transmit(f, g.size);
	g.sent++;
}

/* Sends all packets that are due. */
static void send_due(void)
{
	long long at = now();

	if (!g.knows_mac) {
		ask(at);
		return;
	}
	g.started = g.started ? g.started : at;
	while (g.sent < g.count && g.started + (long long)g.sent * 1000000000 / g.pace <= at)
		send_one();
	if (g.sent == g.count && !g.ended)
		g.ended = at;
	if (g.ended && !g.reported && at - g.ended > LINGER) {
		g.reported = true;
		report();
	}
}

static void open_tap(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	g.fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (g.fd < 0)
		die("/dev/net/tun");
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(g.fd, TUNSETIFF, &ifr) == 0)
		return;
	ifr.ifr_flags |= IFF_MULTI_QUEUE;
	if (ioctl(g.fd, TUNSETIFF, &ifr) < 0)
		die(name);
}

static bool parse_send(const char *text)
{
	char ip[16];

	g.sends = true;
	return sscanf(text, "%15[0-9.],%u,%u,%u,%u", ip, &g.port, &g.count, &g.size, &g.pace) ==
		       5 &&
	       inet_pton(AF_INET, ip, g.to) == 1 && g.pace > 0 && g.size >= 60 && g.size <= FRAME;
}

static bool parse(int argc, char **argv)
{
	uint8_t *m = g.mac;
	bool good = true;
	int c;

	while (good && (c = getopt(argc, argv, "6:g:s:")) != -1) {
		if (c == '6')
			good = g.has_ip6 = inet_pton(AF_INET6, optarg, g.ip6) == 1;
		else if (c == 'g')
			good = g.has_gateway = inet_pton(AF_INET, optarg, g.gateway) == 1;
		else
			good = c == 's' && parse_send(optarg);
	}
	return good && argc - optind == 3 &&
	       sscanf(argv[optind + 1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3,
		      m + 4, m + 5) == 6 &&
	       inet_pton(AF_INET, argv[optind + 2], g.ip) == 1;
}

int main(int argc, char **argv)
{
	struct pollfd poll_fd = {.events = POLLIN};

	if (!parse(argc, argv)) {
		fprintf(stderr, "usage: guest [-6 IP6] [-g GATEWAY] "
				"[-s IP,PORT,COUNT,SIZE,PACE] TAP MAC IP\n");
		return 2;
	}
	signal(SIGUSR1, on_signal);
	signal(SIGTERM, on_signal);
	open_tap(argv[optind]);
	report();
	poll_fd.fd = g.fd;
	while (!wants_end) {
		if (poll(&poll_fd, 1, g.sends && !g.reported ? 1 : 20) > 0)
			receive();
		if (g.sends)
			send_due();
		if (wants_report) {
			wants_report = 0;
			report();
		}
	}
	report();
	return 0;
}
