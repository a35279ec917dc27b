// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uses two sockets per port, one per direction: the kernel drops packets of the other
 * direction before copying them. libpcap opens the sockets and reads their rings. The
 * filters are attached here, since libpcap lets packets in before it attaches one, and
 * mistakes the first packets after it for earlier ones.
 */
#include "netsim/packet/live.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/packet/libpcap.h"
#include "netsim/packet/live_links.h"
#include "netsim/packet/live_sort.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"
#include "netsim/util/unit.h"

#define NS_PER_MS 1000000LL
#define SNAP_MAX  262144
/* A VLAN tag, the IPv6 header, and the ports after it: 62 bytes. */
#define SNAP_MIN 64
/* An unused ethertype, for sockets that must not receive yet. */
#define PROTOCOL_NONE 0xffff

/*
 * The kernel hands over full blocks at once, and others when its timer, with this period in ms,
 * fires. A block that was begun just after that waits for almost two periods, and on a busy
 * machine LATE_MS more.
 */
#define RETIRE_MS 50
#define LATE_MS	  60

/*
 * Kernel buffers. A ring has at least two blocks of libpcap's size: one is read while the
 * other is filled. Each period uses up a block, however few packets came, so that the default lasts
 * for a second and a half without reading, even at low rates.
 */
#define BLOCK_SIZE   SNAP_MAX
#define BUFFER	     (16U << 20) /* default, both directions */
#define BUFFER_MIN   (4U * BLOCK_SIZE)
#define BUFFER_TOTAL (256U << 20)

#define SORT_MAX (64U << 20)
#define BATCH	 1024 /* packets of a socket per turn, so that no socket starves */

/* After live_stop(), how long the kernel may take to hand over what it has counted, in ns. */
#define END_NS 2000000000LL

/* How often libpcap's counters are read, in ns: they are 32 bits wide. */
#define COUNT_EVERY_NS 500000000LL

struct live_source {
	struct live *live;
	pcap_t *pcap;
	uint32_t port;
	bool sent, gone, failed;
	int64_t end_ns; /* CLOCK_MONOTONIC: the source ends then; 0: its interface exists */
	struct pcap_stat last;
	struct live_counts counts;
	uint64_t read;
};

struct live {
	struct live_links *links;
	int *bound; /* of each port: the interface of its sockets; 0: none */
	size_t port_count;
	struct live_source *sources; /* in the order of the ports */
	size_t ways;		     /* sources per port */
	size_t count;
	struct pollfd *fds; /* of the sources; then of links */
	struct live_sort *sort;
	int64_t hold_ns;	    /* upper bound on how late a packet is handed over */
	int64_t watermark_ns;	    /* all packets up to then are in sort */
	int64_t polled_ns;	    /* when packets were last polled for */
	int64_t step_back_until_ns; /* CLOCK_MONOTONIC: packets may predate a step back */
	int64_t stopped_ns;	    /* 0: running */
	int64_t give_up_ns;	    /* CLOCK_MONOTONIC: then no more is waited for */
	int64_t counted_ns;
};

/*
 * The errno of a resource that the process lacks: libpcap reports it only as text, which ends
 * with that of strerror(). -EIO: another error.
 */
static int code_of(const char *text)
{
	static const int lacks[] = {EMFILE, ENFILE, ENOMEM};
	size_t length = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(lacks); i++) {
		const char *name = strerror(lacks[i]);

		if (length >= strlen(name) && strcmp(text + length - strlen(name), name) == 0)
			return -lacks[i];
	}
	return -EIO;
}

static int refused_for(const char *port, int code, const char *why, struct netsim_err *err)
{
	err_set(err, err_kind_of(code), code, NULL, "cannot capture at %s: %s", port, why);
	err_hint_errno(err, code);
	return code;
}

static int refused(const char *port, pcap_t *pcap, int status, struct netsim_err *err)
{
	const char *why =
		pcap && *libpcap.geterr(pcap) ? libpcap.geterr(pcap) : libpcap.statustostr(status);
	int code = status == PCAP_ERROR_NO_SUCH_DEVICE ? -ENODEV :
		   status == PCAP_ERROR_PERM_DENIED || status == PCAP_ERROR_PROMISC_PERM_DENIED ?
							 -EPERM :
							 code_of(why);

	return refused_for(port, code, why, err);
}

struct ring {
	uint32_t snap, buffer;
};

/*
 * Opens a socket and its ring at an interface; nothing is received yet. Returns NULL with why
 * filled, or sets *ret_status, a code of libpcap.
 */
static pcap_t *open_ring(const char *device, const struct ring *ring, int *ret_status, char *why)
{
	pcap_t *pcap = libpcap.create(device, why);

	if (!pcap)
		return NULL;
	libpcap.set_snaplen(pcap, (int)ring->snap);
	libpcap.set_promisc(pcap, 0);
	libpcap.set_timeout(pcap, RETIRE_MS);
	libpcap.set_buffer_size(pcap, (int)ring->buffer);
	libpcap.set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	libpcap.set_protocol_linux(pcap, PROTOCOL_NONE);
	*ret_status = libpcap.activate(pcap);
	return pcap;
}

/*
 * Opens a source. libpcap refuses an interface that is down, although a socket bound to it
 * receives once it comes up: the socket is then opened at another interface, and only
 * bind_sources() binds it to its port.
 */
static int open_source(struct live_source *source, const char *const *ports,
		       const struct ring *ring, struct netsim_err *err)
{
	const char *port = ports[source->port], *const *other = ports;
	char why[PCAP_ERRBUF_SIZE] = "";
	int r = 0;

	source->pcap = open_ring(port, ring, &r, why);
	for (const char *device = "lo"; source->pcap && r == PCAP_ERROR_IFACE_NOT_UP && device;
	     device = other < ports + source->live->port_count ? *other++ : NULL) {
		libpcap.close(source->pcap);
		source->pcap = open_ring(device, ring, &r, why);
	}
	if (!source->pcap)
		return refused_for(port, code_of(why), why, err);
	if (r < 0)
		return refused(port, source->pcap, r, err);
	if (libpcap.datalink(source->pcap) != DLT_EN10MB)
		return err_set(err, NETSIM_ERR_KERNEL, -EPROTONOSUPPORT, NULL,
			       "cannot capture at %s: not an Ethernet interface", port);
	if (libpcap.setnonblock(source->pcap, 1, why) < 0)
		return refused_for(port, code_of(why), why, err);
	return 0;
}

/*
 * Compiles the filter alone: within the parentheses added later, "ip) or (tcp" would be
 * valid.
 */
static int check_filter(pcap_t *pcap, const char *filter, struct netsim_err *err)
{
	struct bpf_program program;

	if (libpcap.compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "the filter %s: %s",
			       shown(filter), libpcap.geterr(pcap));
	libpcap.freecode(&program);
	return 0;
}

static int compile(pcap_t *pcap, const char *way, const char *filter, struct bpf_program *ret,
		   struct netsim_err *err)
{
	auto_free char *text = NULL;

	if (asprintf(&text, filter ? "%s and (%s)" : "%s", way, filter) < 0) {
		text = NULL;
		return err_oom(err);
	}
	if (libpcap.compile(pcap, ret, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "the filter %s: %s",
			       shown(filter ? filter : way), libpcap.geterr(pcap));
	return 0;
}

static int attach(const struct live *live, const struct bpf_program *programs,
		  const char *const *ports, struct netsim_err *err)
{
	for (size_t i = 0; i < live->count; i++) {
		const struct bpf_program *program = &programs[live->sources[i].sent ? 0 : 1];
		/* libpcap's instructions have the kernel's format. */
		struct sock_fprog kernel = {.len = (unsigned short)program->bf_len,
					    .filter = (struct sock_filter *)program->bf_insns};

		if (setsockopt(libpcap.fileno(live->sources[i].pcap), SOL_SOCKET, SO_ATTACH_FILTER,
			       &kernel, sizeof(kernel)) < 0)
			return err_errno(err, -errno, NULL, "cannot filter at %s",
					 ports[i / live->ways]);
	}
	return 0;
}

/* Binds the sockets of a port to its present interface. */
static bool bind_port(struct live *live, size_t port)
{
	const struct sockaddr_ll address = {.sll_family = AF_PACKET,
					    .sll_protocol = htons(ETH_P_ALL),
					    .sll_ifindex = live_links_index(live->links, port)};

	for (size_t i = live->ways * port; i < live->ways * (port + 1); i++)
		if (bind(libpcap.fileno(live->sources[i].pcap), (const struct sockaddr *)&address,
			 sizeof(address)) < 0)
			return false;
	live->bound[port] = address.sll_ifindex;
	return true;
}

/* Starts all sockets back to back: each takes a few microseconds. */
static int bind_sources(struct live *live, const char *const *ports, struct netsim_err *err)
{
	for (size_t i = 0; i < live->port_count; i++) {
		if (!live_links_index(live->links, i))
			return refused(ports[i], NULL, PCAP_ERROR_NO_SUCH_DEVICE, err);
		if (!bind_port(live, i))
			return err_errno(err, -errno, NULL, "cannot capture at %s", ports[i]);
	}
	return 0;
}

static int start(struct live *live, const char *const *ports, const struct live_options *options,
		 struct netsim_err *err)
{
	const char *filter = options->filter;
	struct bpf_program programs[2] = {0};
	pcap_t *pcap = live->sources->pcap;
	int r = 0;

	if (filter && !filter[strspn(filter, " \t\n")])
		filter = NULL;
	if (filter)
		r = check_filter(pcap, filter, err);
	if (r == 0)
		r = compile(pcap, options->own ? "outbound" : "inbound", filter, &programs[0], err);
	if (r == 0)
		r = compile(pcap, options->own ? "inbound" : "outbound", filter, &programs[1], err);
	if (r == 0)
		r = attach(live, programs, ports, err);
	if (r == 0)
		r = bind_sources(live, ports, err);
	libpcap.freecode(&programs[0]);
	libpcap.freecode(&programs[1]);
	return r;
}

static int check(const struct live_options *options, struct netsim_err *err)
{
	char text[UNIT_TEXT];

	if (options->snap && options->snap < SNAP_MIN)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			       "a snap length of %s is too short: addresses and ports need %uB",
			       unit_format_size((struct size) {options->snap}, text), SNAP_MIN);
	if (!options->buffer || options->buffer >= BUFFER_MIN)
		return 0;
	return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
		       "a buffer of %s is too small: the minimum is %uMiB, two blocks of 256KiB "
		       "for each direction",
		       unit_format_size((struct size) {options->buffer}, text), BUFFER_MIN >> 20);
}

/* The ring size of a socket; libpcap rounds it to whole blocks. */
static uint32_t buffer_of(uint32_t wanted, size_t ways, size_t sources)
{
	size_t size = (wanted ? wanted : BUFFER) / ways;

	if (!wanted && size > BUFFER_TOTAL / sources)
		size = BUFFER_TOTAL / sources / BLOCK_SIZE * BLOCK_SIZE;
	if (size < 2 * BLOCK_SIZE)
		size = 2 * BLOCK_SIZE;
	return size > INT32_MAX ? INT32_MAX : (uint32_t)size;
}

static int open_sources(struct live *live, const char *const *ports,
			const struct live_options *options, struct netsim_err *err)
{
	size_t total = live->port_count * live->ways;
	const struct ring ring = {
		.snap = options->snap && options->snap < SNAP_MAX ? options->snap : SNAP_MAX,
		.buffer = buffer_of(options->buffer, live->ways, total)};
	int r = 0;

	live->hold_ns = (2 * RETIRE_MS + LATE_MS) * NS_PER_MS;
	for (size_t i = 0; r == 0 && i < total; i++) {
		struct live_source *source = &live->sources[i];

		*source = (struct live_source) {.live = live,
						.port = (uint32_t)(i / live->ways),
						.sent = live->ways == 2 ? i % 2 == 0 :
									  options->only_sent};
		live->count++;
		r = open_source(source, ports, &ring, err);
		if (r == 0)
			live->fds[i] = (struct pollfd) {
				.fd = libpcap.get_selectable_fd(source->pcap), .events = POLLIN};
	}
	live->fds[live->count] =
		(struct pollfd) {.fd = live_links_fd(live->links), .events = POLLIN};
	return r;
}

int live_open(const char *const *ports, size_t count, const struct live_options *options,
	      struct live **ret, struct netsim_err *err)
{
	struct live *live;
	int r = check(options, err);

	if (r == 0)
		r = libpcap_load(err);
	if (r < 0)
		return r;
	live = calloc(1, sizeof(*live));
	if (!live)
		return err_oom(err);
	live->ways = options->only_sent == options->only_delivered ? 2 : 1;
	live->port_count = count;
	live->bound = calloc(count + 1, sizeof(*live->bound));
	live->sources = calloc(2 * count + 1, sizeof(*live->sources));
	live->fds = calloc(2 * count + 1, sizeof(*live->fds));
	live->sort = live_sort_new(SORT_MAX);
	if (!live->bound || !live->sources || !live->fds || !live->sort)
		r = err_oom(err);
	if (r == 0)
		r = live_links_open(ports, count, &live->links, err);
	if (r == 0)
		r = open_sources(live, ports, options, err);
	if (r == 0 && count)
		r = start(live, ports, options, err);
	if (r < 0) {
		live_close(live);
		return r;
	}
	live->watermark_ns = INT64_MIN;
	*ret = live;
	return 0;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	for (size_t i = 0; i < live->count; i++)
		if (live->sources[i].pcap)
			libpcap.close(live->sources[i].pcap);
	live_sort_free(live->sort);
	live_links_close(live->links);
	free(live->bound);
	free(live->sources);
	free(live->fds);
	free(live);
}

static void add_packet(u_char *arg, const struct pcap_pkthdr *header, const u_char *data)
{
	struct live_source *source = (struct live_source *)arg;
	const struct live_packet packet = {.time_ns = (int64_t)header->ts.tv_sec * 1000000000 +
						      header->ts.tv_usec,
					   .data = data,
					   .captured = header->caplen,
					   .length = header->len,
					   .port = source->port,
					   .sent = source->sent};

	source->read++;
	if (!live_sort_add(source->live->sort, &packet))
		source->failed = true;
}

static void count(struct live_source *source)
{
	struct pcap_stat now;

	if (libpcap.stats(source->pcap, &now) < 0)
		return;
	source->counts.received += now.ps_recv - source->last.ps_recv;
	source->counts.dropped += now.ps_drop - source->last.ps_drop;
	source->last = now;
}

/*
 * Whether all packets that the kernel has counted have been read. On a busy machine its timer hands
 * over the last block later than hold_ns allows for.
 */
static bool is_read(struct live_source *source)
{
	count(source);
	return source->read + source->counts.dropped >= source->counts.received;
}

/*
 * Ends the source of a removed interface after hold_ns, or once it is read: until then the kernel
 * may hand over the block that it had begun. An interface that is only down comes back.
 */
static void end_later(struct live *live, size_t i)
{
	if (!live->sources[i].end_ns)
		live->sources[i].end_ns = clock_ns(CLOCK_MONOTONIC) + live->hold_ns;
}

static void end_due_sources(struct live *live, int64_t now)
{
	for (size_t i = 0; i < live->count; i++) {
		struct live_source *source = &live->sources[i];

		if (source->gone || !source->end_ns || source->end_ns > now)
			continue;
		if (!is_read(source) && source->end_ns + END_NS > now)
			continue;
		source->gone = true;
		live->fds[i].fd = -1;
	}
}

/* Reads available packets; sets *ret_all to false if there may be more. */
static int read_source(struct live *live, size_t i, bool *ret_all, struct netsim_err *err)
{
	struct live_source *source = &live->sources[i];
	int r = libpcap.dispatch(source->pcap, BATCH, add_packet, (u_char *)source);

	if (source->failed)
		return err_oom(err);
	if (r == PCAP_ERROR)
		end_later(live, i);
	else if (r >= BATCH)
		*ret_all = false;
	return 0;
}

/* Follows a port whose interface was created again; the rings keep their packets. */
static void rebind(struct live *live, size_t port)
{
	if (!bind_port(live, port))
		return; /* removed again: a notification follows */
	for (size_t i = live->ways * port; i < live->ways * (port + 1); i++) {
		live->sources[i].gone = false;
		live->sources[i].end_ns = 0;
		live->fds[i].fd = libpcap.get_selectable_fd(live->sources[i].pcap);
	}
}

static void follow_links(struct live *live)
{
	live_links_read(live->links);
	for (size_t i = 0; i < live->port_count; i++) {
		int now = live_links_index(live->links, i);

		if (now == live->bound[i])
			continue;
		if (now) {
			rebind(live, i);
			continue;
		}
		live->bound[i] = 0;
		for (size_t s = live->ways * i; s < live->ways * (i + 1); s++)
			end_later(live, s);
	}
}

/* Waits for packets and reads them. */
static int pump(struct live *live, int wait_ms, struct netsim_err *err)
{
	int64_t polled_ns = clock_ns(CLOCK_REALTIME), steady_ns = clock_ns(CLOCK_MONOTONIC);
	bool all = true;
	int r, ready = poll(live->fds, live->count + 1, wait_ms);

	if (ready < 0 && errno != EINTR)
		return err_errno(err, -errno, NULL, "cannot wait for packets");
	if (ready < 0)
		return -EINTR;
	for (size_t i = 0; ready && i < live->count; i++) {
		if (!live->fds[i].revents || live->fds[i].fd < 0)
			continue;
		r = read_source(live, i, &all, err);
		if (r < 0)
			return r;
	}
	if (ready && live->fds[live->count].revents)
		follow_links(live);
	end_due_sources(live, steady_ns);
	/*
	 * Packets not handed over yet are younger than polled_ns - hold_ns. After the clock
	 * was set back, release everything at once for hold_ns: packets from before the
	 * step would wait until the clock catches up.
	 */
	if (polled_ns < live->polled_ns)
		live->step_back_until_ns = steady_ns + live->hold_ns;
	if (steady_ns < live->step_back_until_ns)
		live->watermark_ns = INT64_MAX;
	else if (all)
		live->watermark_ns = polled_ns - live->hold_ns;
	live->polled_ns = polled_ns;
	return 0;
}

static void count_all(struct live *live)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now - live->counted_ns < COUNT_EVERY_NS)
		return;
	live->counted_ns = now;
	for (size_t i = 0; i < live->count; i++)
		if (!live->sources[i].gone)
			count(&live->sources[i]);
}

/* How long to wait for the next packet, in ms. */
static int wait_of(const struct live *live, int64_t deadline_ns, int64_t now_ns)
{
	int64_t first, left = deadline_ns - now_ns, until_watermark;

	if (live_sort_first(live->sort, &first)) {
		until_watermark = first + live->hold_ns - clock_ns(CLOCK_REALTIME);
		left = until_watermark < left ? until_watermark : left;
	}
	if (left <= 0)
		return 0;
	left = (left + NS_PER_MS - 1) / NS_PER_MS;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Everything up to live_stop() has been read. */
static bool is_over(struct live *live)
{
	if (!live->stopped_ns || live->watermark_ns < live->stopped_ns)
		return false;
	for (size_t i = 0; i < live->count; i++)
		if (!live->sources[i].gone && !is_read(&live->sources[i]))
			return clock_ns(CLOCK_MONOTONIC) >= live->give_up_ns;
	return true;
}

int live_next(struct live *live, int wait_ms, struct live_packet *ret, struct netsim_err *err)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	int64_t deadline_ns = wait_ms < 0 ? INT64_MAX : now + wait_ms * NS_PER_MS;
	bool tried = false;
	int r, wait;

	for (;;) {
		if (live_sort_take(live->sort, live->watermark_ns, ret))
			return 1;
		if (is_over(live))
			return live_sort_take(live->sort, INT64_MAX, ret);
		if (tried && now >= deadline_ns && !live->stopped_ns)
			return 0;
		wait = live->stopped_ns ? RETIRE_MS : wait_of(live, deadline_ns, now);
		r = pump(live, wait, err);
		if (r == -EINTR && !live->stopped_ns)
			return 0;
		if (r < 0 && r != -EINTR)
			return r;
		count_all(live);
		tried = true;
		now = clock_ns(CLOCK_MONOTONIC);
	}
}

void live_stop(struct live *live)
{
	struct sock_filter nothing = {.code = BPF_RET | BPF_K};
	const struct sock_fprog program = {.len = 1, .filter = &nothing};

	if (live->stopped_ns)
		return;
	for (size_t i = 0; i < live->count; i++)
		if (!live->sources[i].gone)
			(void)setsockopt(libpcap.fileno(live->sources[i].pcap), SOL_SOCKET,
					 SO_ATTACH_FILTER, &program, sizeof(program));
	live->stopped_ns = clock_ns(CLOCK_REALTIME);
	live->give_up_ns = clock_ns(CLOCK_MONOTONIC) + END_NS;
}

void live_counts(const struct live *live, size_t port, struct live_counts *ret)
{
	*ret = (struct live_counts) {0};
	for (size_t i = live->ways * port; i < live->ways * (port + 1); i++) {
		struct live_source *source = &live->sources[i];

		if (!source->gone)
			count(source);
		ret->received += source->counts.received;
		ret->dropped += source->counts.dropped;
	}
}

/* Whether the interface was removed. */
static bool has_gone(const struct live_source *source)
{
	struct sockaddr_ll address = {0};
	socklen_t length = sizeof(address);

	return getsockname(libpcap.fileno(source->pcap), (struct sockaddr *)&address, &length) ==
		       0 &&
	       address.sll_ifindex <= 0;
}

bool live_gone(const struct live *live, size_t port)
{
	bool gone = true;

	for (size_t i = live->ways * port; i < live->ways * (port + 1); i++) {
		const struct live_source *source = &live->sources[i];

		/*
		 * After live_stop(), a removed interface counts as gone at once, without
		 * waiting for its last packets.
		 */
		gone = gone && (source->gone || (live->stopped_ns && has_gone(source)));
	}
	return gone;
}

bool live_event(struct live *live, struct live_event *ret)
{
	return live_links_event(live->links, ret);
}
