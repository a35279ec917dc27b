// SPDX-License-Identifier: GPL-2.0-or-later
/* Opens capture files, and reads the pcap format. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "netsim/packet/capture_buffer.h"
#include "netsim/packet/capture_pcapng.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define PCAP_HEADER 24
#define PCAP_RECORD 16
#define PCAP_MICRO  0xa1b2c3d4
#define PCAP_NANO   0xa1b23c4d
#define PCAP_DGUX   543 /* major version of tcpdump on DG/UX */
#define NG_SECTION  0x0a0d0d0a
/* libpcap's limit, for files with a smaller snap length than their packets. */
#define SNAP_DEFAULT 262144

/* --- pcap */

/*
 * Before version 2.3 the length on the wire came first. Programs that wrote version 2.3 used
 * either order: if the first number is the larger one, it is the length on the wire.
 */
static void read_lengths(const struct capture_file *file, uint32_t *ret_captured,
			 uint32_t *ret_length)
{
	uint32_t first = capture_32(file, file->at + 8), second = capture_32(file, file->at + 12);
	bool turned = file->lengths_swapped || (file->lengths_maybe_swapped && first > second);

	*ret_captured = turned ? second : first;
	*ret_length = turned ? first : second;
}

static bool pcap_next(struct capture_file *file, struct capture_packet *ret)
{
	const struct capture_interface *interface = file->interfaces;
	uint64_t offset = capture_offset(file);
	uint32_t captured, length;

	if (!capture_want(file, PCAP_RECORD)) {
		if (file->at == file->end || file->broken)
			return false;
		return capture_truncated(file, offset, "the header of a packet", PCAP_RECORD);
	}
	read_lengths(file, &captured, &length);
	if (captured > interface->snap)
		return capture_damaged(file, offset,
				       "a packet of %" PRIu32 " bytes, but the maximum is %" PRIu32,
				       captured, interface->snap);
	if (!capture_want(file, PCAP_RECORD + (size_t)captured))
		return file->broken ? false :
				      capture_truncated(file, offset, "a packet",
							PCAP_RECORD + (uint64_t)captured);
	ret->time_ns = (int64_t)capture_32(file, file->at) * 1000000000 +
		       (int64_t)(capture_32(file, file->at + 4) * interface->multiply);
	ret->length = length;
	ret->captured = captured;
	ret->link = interface->link;
	ret->view = 0;
	ret->seen = PACKET_UNSEEN;
	ret->data = file->at + PCAP_RECORD;
	file->at += PCAP_RECORD + (size_t)captured;
	return ret->link != PACKET_UNKNOWN ||
	       capture_count_unread(file, interface->linktype, offset);
}

static struct capture_interface *add_interface(struct capture_file *file)
{
	return array_push(file->interfaces, file->interface_count);
}

static int pcap_open(struct capture_file *file, uint32_t magic, struct netsim_err *err)
{
	struct capture_interface *interface = add_interface(file);
	unsigned major, minor;

	if (!interface)
		return err_oom(err);
	interface->multiply = magic == PCAP_NANO ? 1 : 1000;
	interface->snap = capture_32(file, file->at + 16);
	if (interface->snap < SNAP_DEFAULT)
		interface->snap = SNAP_DEFAULT;
	if (interface->snap > CAPTURE_PACKET_MAX)
		interface->snap = CAPTURE_PACKET_MAX;
	/* The upper 16 bits hold the FCS length and flags. */
	interface->linktype = capture_32(file, file->at + 20) & 0xffff;
	interface->link = packet_link_of(interface->linktype);
	major = capture_16(file, file->at + 4);
	minor = capture_16(file, file->at + 6);
	file->lengths_swapped = (major == 2 && minor < 3) || major == PCAP_DGUX;
	file->lengths_maybe_swapped = major == 2 && minor == 3;
	file->at += PCAP_HEADER;
	file->next = pcap_next;
	return 0;
}

/* --- both formats */

/* Reports why the file is not a capture. */
static int refuse(const struct capture_file *file, struct netsim_err *err)
{
	static const struct {
		uint8_t bytes[4];
		size_t count;
		const char *program;
	} packed[] = {{{0x1f, 0x8b}, 2, "zcat"},
		      {{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstdcat"},
		      {{0xfd, '7', 'z', 'X'}, 4, "xzcat"},
		      {{'B', 'Z', 'h'}, 3, "bzcat"}};
	struct netsim_loc at = {.file = file->name};
	size_t left = (size_t)(file->end - file->at);

	if (!left && !file->broken)
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL, &at, "the file is empty");
	if (file->broken)
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL, &at, "%s", file->problem.what);
	err_set(err, NETSIM_ERR_INPUT, -EINVAL, &at,
		"offset 0: this is neither a pcap nor a pcapng file");
	for (size_t i = 0; i < ARRAY_SIZE(packed); i++)
		if (left >= packed[i].count &&
		    memcmp(file->at, packed[i].bytes, packed[i].count) == 0)
			err_hint(err, "it is compressed: %s FILE | netsim analyze -",
				 packed[i].program);
	return -EINVAL;
}

static int read_start(struct capture_file *file, struct netsim_err *err)
{
	uint32_t magic;
	int r;

	if (!capture_want(file, 4))
		return refuse(file, err);
	magic = capture_32(file, file->at);
	if (magic == NG_SECTION) {
		if (capture_ng_section(file))
			return 0;
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL,
			       &(struct netsim_loc) {.file = file->name}, "offset 0: %s",
			       file->problem.what);
	}
	file->swapped =
		magic == __builtin_bswap32(PCAP_MICRO) || magic == __builtin_bswap32(PCAP_NANO);
	magic = capture_32(file, file->at);
	if (magic != PCAP_MICRO && magic != PCAP_NANO)
		return refuse(file, err);
	if (!capture_want(file, PCAP_HEADER))
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL,
			       &(struct netsim_loc) {.file = file->name},
			       "offset 0: the file ends within its header");
	r = pcap_open(file, magic, err);
	return r;
}

static struct capture_file *new_file(const char *name)
{
	struct capture_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->fd = -1;
	file->name = strdup(name);
	if (!file->name) {
		free(file);
		return NULL;
	}
	return file;
}

int capture_open_memory(const char *name, const void *data, size_t size, struct capture_file **ret,
			struct netsim_err *err)
{
	struct capture_file *file = new_file(name);
	int r;

	if (!file)
		return err_oom(err);
	file->at = data;
	file->end = file->at + size;
	file->offset = size;
	file->ended = true;
	r = read_start(file, err);
	if (r < 0)
		capture_close(file);
	else
		*ret = file;
	return r;
}

int capture_open(const char *path, struct capture_file **ret, struct netsim_err *err)
{
	bool in = strcmp(path, "-") == 0;
	struct capture_file *file = new_file(in ? "standard input" : path);
	int r;

	if (!file)
		return err_oom(err);
	file->fd = in ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0) {
		r = err_file(err, -errno, &(struct netsim_loc) {.file = path}, "cannot open");
		capture_close(file);
		return r;
	}
	(void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	file->buffer = malloc(CAPTURE_BUFFER_SIZE);
	file->room = CAPTURE_BUFFER_SIZE;
	file->at = file->end = file->buffer;
	r = file->buffer ? read_start(file, err) : err_oom(err);
	if (r < 0)
		capture_close(file);
	else
		*ret = file;
	return r;
}

void capture_close(struct capture_file *file)
{
	if (!file)
		return;
	if (file->fd >= 0)
		close(file->fd);
	free(file->name);
	free(file->buffer);
	free(file->interfaces);
	free(file->unread);
	free(file->drops);
	free(file);
}

void capture_use_names(struct capture_file *file, struct capture_names *names)
{
	file->names = names;
}

bool capture_next(struct capture_file *file, struct capture_packet *ret)
{
	return !file->broken && file->next(file, ret);
}

const struct capture_problem *capture_problem(const struct capture_file *file)
{
	return &file->problem;
}

size_t capture_unread(const struct capture_file *file, const struct capture_unread **ret)
{
	*ret = file->unread;
	return file->unread_count;
}

size_t capture_drops(const struct capture_file *file, const struct capture_drops **ret)
{
	*ret = file->drops;
	return file->drop_count;
}

const char *capture_name(const struct capture_file *file)
{
	return file->name;
}
