// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/packet/capture_write.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netsim/util/auto.h"

#define BUFFER		(1U << 20)
#define PACKET_MAX	(BUFFER / 2)
#define PCAP_NS		0xa1b23c4d
#define PCAP_HEADER	24
#define PCAP_AROUND	16
#define SECTION		0x0a0d0d0a
#define BYTE_ORDER_MARK 0x1a2b3c4d
#define INTERFACE	1
#define NAMES		4
#define STATISTICS	5
#define PACKET		6
#define ETHERNET	1
#define NS		1000000000
#define NAME_RECORD_MAX 512   /* upper bound of one record */
#define FILTER_MAX	65534 /* limit of an option's length, less the leading zero */

/* PIPE_BUF: a pipe that poll() reports writable takes this much without blocking. */
#define PIPE_CHUNK 4096
#define WAIT_MS	   100
#define WAITS_MAX  10

enum option {
	OPTION_END = 0,
	SECTION_APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_RESOLUTION = 9,
	INTERFACE_FILTER = 11,
	PACKET_FLAGS = 2,
	STATISTICS_RECEIVED = 4,
	STATISTICS_DROPPED = 5,
};

enum record { RECORD_END = 0, RECORD_IPV4 = 1, RECORD_IPV6 = 2 };

enum flags { FLAG_INBOUND = 1, FLAG_OUTBOUND = 2 };

struct capture_writer {
	char *name;
	char *path; /* only of a file that open_path() created */
	int fd;
	bool pcap, failed;
	bool begun;
	bool piped; /* not a regular file: cannot be truncated, and writes may block */
	bool (*ended)(void *arg);
	void *arg;
	size_t port_count;
	uint64_t written; /* bytes in the file; the buffer follows */
	size_t used, block;
	uint8_t *buffer; /* starts at the file header or at a block */
};

bool capture_write_is_pcap(const char *path)
{
	size_t length = strlen(path);

	return length >= 5 && strcmp(path + length - 5, ".pcap") == 0;
}

static void put(struct capture_writer *w, const void *data, size_t size)
{
	if (size)
		memcpy(w->buffer + w->used, data, size);
	w->used += size;
}

static void put_16(struct capture_writer *w, uint16_t value)
{
	put(w, &value, sizeof(value));
}

static void put_32(struct capture_writer *w, uint32_t value)
{
	put(w, &value, sizeof(value));
}

/* Pads to a multiple of four bytes. */
static void put_padded(struct capture_writer *w, const void *data, size_t size)
{
	put(w, data, size);
	put(w, "\0\0\0", -size & 3);
}

static void put_option(struct capture_writer *w, uint16_t code, const void *value, size_t size)
{
	put_16(w, code);
	put_16(w, (uint16_t)size);
	put_padded(w, value, size);
}

static void put_text(struct capture_writer *w, uint16_t code, const char *text)
{
	put_option(w, code, text, strlen(text));
}

static void begin_block(struct capture_writer *w, uint32_t type)
{
	w->block = w->used;
	put_32(w, type);
	put_32(w, 0); /* its length: set by end_block() */
}

static void end_block(struct capture_writer *w)
{
	uint32_t length = (uint32_t)(w->used - w->block) + 4;

	put_32(w, length);
	memcpy(w->buffer + w->block + 4, &length, sizeof(length));
}

/* The end of the last complete block within the first "bytes" of the buffer. */
static size_t complete_blocks(const struct capture_writer *w, size_t bytes)
{
	size_t at = 0, next = w->pcap && !w->written ? PCAP_HEADER : 0;
	uint32_t length;

	while (next <= bytes) {
		at = next;
		if (w->used - at < 12)
			break;
		memcpy(&length, w->buffer + at + (w->pcap ? 8 : 4), sizeof(length));
		next = at + length + (w->pcap ? PCAP_AROUND : 0);
	}
	return at;
}

/*
 * Handles a failed write after "bytes" of the buffer: cuts the file back to its last
 * complete block.
 */
static int failed(struct capture_writer *w, size_t bytes, int code, const char *why,
		  struct netsim_err *err)
{
	off_t end = lseek(w->fd, 0, SEEK_CUR), over = (off_t)(bytes - complete_blocks(w, bytes));

	w->failed = true;
	/*
	 * Relative to the current end: standard output may have had content before. A pipe
	 * cannot be truncated.
	 */
	if (end >= 0 && over)
		(void)!ftruncate(w->fd, end - over);
	return err_set(err, NETSIM_ERR_KERNEL, -code, NULL, "cannot write %s: %s", w->name, why);
}

/*
 * Waits until the pipe is writable; after the capture's end, for a second at most. A
 * blocking write() could not be ended: it is restarted after a signal, or the signal comes
 * just before it.
 */
static bool wait_writable(const struct capture_writer *w)
{
	struct pollfd out = {.fd = w->fd, .events = POLLOUT};

	for (int waits = 0; waits < WAITS_MAX;) {
		int ready = poll(&out, 1, WAIT_MS);

		if (ready > 0 || (ready < 0 && errno != EINTR))
			return true;
		waits += w->ended && w->ended(w->arg);
	}
	return false;
}

int capture_write_flush(struct capture_writer *w, struct netsim_err *err)
{
	size_t done = 0;

	while (!w->failed && done < w->used) {
		size_t chunk = w->used - done;
		ssize_t n;

		if (w->piped && chunk > PIPE_CHUNK)
			chunk = PIPE_CHUNK;
		if (w->piped && !wait_writable(w))
			return failed(w, done, ETIMEDOUT, "timed out waiting for the reader", err);
		n = write(w->fd, w->buffer + done, chunk);
		if (n < 0 && errno != EINTR)
			return failed(w, done, errno, strerror(errno), err);
		done += n > 0 ? (size_t)n : 0;
	}
	w->written += done;
	w->used = 0;
	return 0;
}

static int make_room(struct capture_writer *w, size_t bytes, struct netsim_err *err)
{
	return BUFFER - w->used < bytes ? capture_write_flush(w, err) : 0;
}

static void put_pcap_header(struct capture_writer *w, uint32_t snap)
{
	put_32(w, PCAP_NS);
	put_16(w, 2);
	put_16(w, 4);
	put_32(w, 0);
	put_32(w, 0);
	put_32(w, snap ? snap : 262144);
	put_32(w, ETHERNET);
}

static void put_section(struct capture_writer *w)
{
	const int64_t unknown = -1;

	begin_block(w, SECTION);
	put_32(w, BYTE_ORDER_MARK);
	put_16(w, 1);
	put_16(w, 0);
	put(w, &unknown, sizeof(unknown));
	put_text(w, SECTION_APPLICATION, "netsim " NETSIM_VERSION);
	put_option(w, OPTION_END, NULL, 0);
	end_block(w);
}

/* The leading zero marks filter text; "..." marks that it was truncated. */
static void put_filter(struct capture_writer *w, const char *filter)
{
	size_t length = strlen(filter), kept = length > FILTER_MAX ? FILTER_MAX - 3 : length;
	size_t size = 1 + kept + (kept < length ? 3 : 0);

	put_16(w, INTERFACE_FILTER);
	put_16(w, (uint16_t)size);
	put(w, "", 1);
	put(w, filter, kept);
	put(w, "...", size - 1 - kept);
	put(w, "\0\0\0", -size & 3);
}

static void put_interface(struct capture_writer *w, const struct capture_writing *what,
			  const char *name)
{
	const uint8_t resolution = 9; /* 10^-9 s */

	begin_block(w, INTERFACE);
	put_16(w, ETHERNET);
	put_16(w, 0);
	put_32(w, what->snap);
	put_text(w, INTERFACE_NAME, name);
	put_option(w, INTERFACE_RESOLUTION, &resolution, 1);
	if (what->filter && *what->filter)
		put_filter(w, what->filter);
	put_option(w, OPTION_END, NULL, 0);
	end_block(w);
}

/* Writes blocks of names, none longer than a packet block may be. */
static int put_names(struct capture_writer *w, const struct capture_writing *what,
		     struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < what->name_count;) {
		r = make_room(w, PACKET_MAX, err);
		if (r < 0)
			break;
		begin_block(w, NAMES);
		for (; i < what->name_count && w->used - w->block < PACKET_MAX - NAME_RECORD_MAX;
		     i++) {
			const struct address_name *name = &what->names[i];
			bool four = name->ip.family == AF_INET;
			size_t bytes = four ? 4 : 16, length = strlen(name->name) + 1;
			char record[16 + 256];

			if (length > 256)
				continue;
			memcpy(record, name->ip.b, bytes);
			memcpy(record + bytes, name->name, length);
			put_option(w, four ? RECORD_IPV4 : RECORD_IPV6, record, bytes + length);
		}
		put_option(w, RECORD_END, NULL, 0);
		end_block(w);
	}
	return r;
}

static int put_head(struct capture_writer *w, const struct capture_writing *what,
		    struct netsim_err *err)
{
	int r = 0;

	if (w->pcap) {
		put_pcap_header(w, what->snap);
		return 0;
	}
	put_section(w);
	for (size_t i = 0; r == 0 && i < what->port_count; i++) {
		r = make_room(w, FILTER_MAX + 8192, err);
		if (r == 0)
			put_interface(w, what, what->ports[i]);
	}
	return r == 0 ? put_names(w, what, err) : r;
}

static void free_writer(struct capture_writer *w)
{
	if (w->fd > STDOUT_FILENO)
		close(w->fd);
	free(w->buffer);
	free(w->name);
	free(w->path);
	free(w);
}

/* Opens without truncating: the capture can still fail to begin. */
static int open_path(struct capture_writer *w, const char *path, struct netsim_err *err)
{
	w->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (w->fd >= 0) {
		w->path = strdup(path);
		if (w->path)
			return 0;
		(void)unlink(path);
		return err_oom(err);
	}
	if (errno == EEXIST)
		w->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return w->fd >= 0 ? 0 :
			    err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "cannot write %s: %s",
				    path, strerror(errno));
}

int capture_write_open(const char *path, struct capture_writer **ret, struct netsim_err *err)
{
	struct capture_writer *w = calloc(1, sizeof(*w));
	bool out = strcmp(path, "-") == 0;
	struct stat stat;
	int r = 0;

	if (!w)
		return err_oom(err);
	w->fd = -1;
	w->name = strdup(out ? "standard output" : path);
	w->buffer = malloc(BUFFER);
	w->pcap = capture_write_is_pcap(path);
	if (!w->name || !w->buffer)
		r = err_oom(err);
	else if (out)
		w->fd = STDOUT_FILENO;
	else
		r = open_path(w, path, err);
	if (r < 0) {
		free_writer(w);
		return r;
	}
	w->piped = fstat(w->fd, &stat) < 0 || !S_ISREG(stat.st_mode);
	*ret = w;
	return 0;
}

int capture_write_begin(struct capture_writer *w, const struct capture_writing *what,
			struct netsim_err *err)
{
	w->port_count = what->port_count;
	w->ended = what->ended;
	w->arg = what->arg;
	w->begun = true;
	if (w->fd > STDOUT_FILENO && !w->piped && ftruncate(w->fd, 0) < 0)
		return failed(w, 0, errno, strerror(errno), err);
	return put_head(w, what, err);
}

static void add_pcap(struct capture_writer *w, const struct capture_written *packet)
{
	put_32(w, (uint32_t)(packet->time_ns / NS));
	put_32(w, (uint32_t)(packet->time_ns % NS));
	put_32(w, packet->captured);
	put_32(w, packet->length);
	put(w, packet->data, packet->captured);
}

static void put_time(struct capture_writer *w, int64_t time_ns)
{
	put_32(w, (uint32_t)((uint64_t)time_ns >> 32));
	put_32(w, (uint32_t)time_ns);
}

int capture_write_add(struct capture_writer *w, const struct capture_written *packet,
		      struct netsim_err *err)
{
	const uint32_t flags = packet->sent ? FLAG_INBOUND : FLAG_OUTBOUND;
	int r;

	if (packet->captured > PACKET_MAX - 64)
		return err_set(err, NETSIM_ERR_BUG, -EMSGSIZE, NULL,
			       "a packet of %u bytes is too long for a capture file",
			       packet->captured);
	r = make_room(w, packet->captured + 64, err);
	if (r < 0)
		return r;
	if (w->pcap) {
		add_pcap(w, packet);
		return 0;
	}
	begin_block(w, PACKET);
	put_32(w, (uint32_t)packet->port);
	put_time(w, packet->time_ns);
	put_32(w, packet->captured);
	put_32(w, packet->length);
	put_padded(w, packet->data, packet->captured);
	put_option(w, PACKET_FLAGS, &flags, sizeof(flags));
	put_option(w, OPTION_END, NULL, 0);
	end_block(w);
	return 0;
}

uint64_t capture_write_size(const struct capture_writer *w)
{
	return w->written + w->used;
}

static int put_totals(struct capture_writer *w, const struct capture_totals *totals,
		      int64_t time_ns, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->port_count; i++) {
		r = make_room(w, 64, err);
		if (r < 0)
			break;
		begin_block(w, STATISTICS);
		put_32(w, (uint32_t)i);
		put_time(w, time_ns);
		put_option(w, STATISTICS_RECEIVED, &totals[i].received, 8);
		put_option(w, STATISTICS_DROPPED, &totals[i].dropped, 8);
		put_option(w, OPTION_END, NULL, 0);
		end_block(w);
	}
	return r;
}

int capture_write_close(struct capture_writer *w, const struct capture_totals *totals,
			int64_t time_ns, struct netsim_err *err)
{
	int r = 0, fd;

	if (!w)
		return 0;
	if (!w->begun && w->path)
		(void)unlink(w->path);
	if (totals && !w->pcap && w->begun && !w->failed)
		r = put_totals(w, totals, time_ns, err);
	if (r == 0)
		r = capture_write_flush(w, err);
	fd = take_fd(&w->fd);
	/* Some file systems report only here that the disk is full. */
	if (fd > STDOUT_FILENO && close(fd) < 0 && r == 0)
		r = err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "cannot write %s: %s", w->name,
			    strerror(errno));
	free_writer(w);
	return r;
}
