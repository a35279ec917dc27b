// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads pcapng: sections, interfaces, packets and names; skips all other blocks. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "netsim/packet/capture_pcapng.h"
#include "netsim/util/array.h"

#define BLOCK_SECTION	 0x0a0d0d0a
#define BLOCK_INTERFACE	 1
#define BLOCK_OLD	 2
#define BLOCK_SIMPLE	 3
#define BLOCK_NAMES	 4
#define BLOCK_STATISTICS 5
#define BLOCK_PACKET	 6
#define BLOCK_AROUND	 12 /* type and length before, length after */
#define BYTE_ORDER_MARK	 0x1a2b3c4d

#define OPTION_END	  0
#define OPTION_NAME	  2 /* of an interface */
#define OPTION_FLAGS	  2 /* of a packet */
#define OPTION_RESOLUTION 9
#define OPTION_OFFSET	  14
#define OPTION_IF_DROP	  5 /* of statistics */
#define OPTION_OS_DROP	  7

#define RECORD_END  0
#define RECORD_IPV4 1
#define RECORD_IPV6 2

#define NS 1000000000

__extension__ typedef __int128 wide;

/* The body of a block, without type and lengths. */
struct body {
	const uint8_t *at;
	uint32_t size;
	uint64_t offset; /* of the block, for messages */
};

/* The unit of time is 10^-value, or with the highest bit set 2^-value. */
static bool set_resolution(struct capture_interface *interface, uint8_t value)
{
	interface->multiply = interface->divide = 1;
	interface->shift = value & 0x80 ? value & 0x7f : 0;
	if (value & 0x80) {
		/* 2^0: whole seconds. */
		if (!interface->shift)
			interface->multiply = NS;
		return interface->shift < 64;
	}
	if (value > 18)
		return false;
	for (; value < 9; value++)
		interface->multiply *= 10;
	for (; value > 9; value--)
		interface->divide *= 10;
	return true;
}

/* Saturates at the range of 64 bits. */
static int64_t time_of(const struct capture_interface *interface, uint64_t units)
{
	wide ns = (wide)units, sum;

	if (interface->shift)
		ns = ns * NS >> interface->shift;
	else
		ns = ns * interface->multiply / interface->divide;
	sum = ns + interface->offset_ns;
	return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
}

/* An option: 16-bit code, 16-bit length, value padded to four bytes. */
struct option {
	uint16_t code, size;
	const uint8_t *value;
	bool damaged; /* it is longer than its block */
};

/* Reads the option at *at and moves behind it; false at the end, or if it is damaged. */
static bool next_option(const struct capture_file *file, const struct body *body, uint32_t *at,
			struct option *ret)
{
	*ret = (struct option) {0};
	if (*at + 4 > body->size)
		return false;
	ret->code = capture_16(file, body->at + *at);
	ret->size = capture_16(file, body->at + *at + 2);
	*at += 4;
	if (ret->code == OPTION_END)
		return false;
	ret->damaged = ret->size > body->size - *at;
	ret->value = body->at + *at;
	*at += (ret->size + 3U) & ~3U;
	return !ret->damaged;
}

static bool read_option(struct capture_file *file, struct capture_interface *interface,
			const struct body *body, const struct option *option)
{
	const uint8_t *value = option->value;
	uint16_t code = option->code, size = option->size;
	int64_t seconds;

	if (code == OPTION_NAME)
		capture_clean_name((const char *)value, size, interface->name);
	if (code == OPTION_NAME && file->names &&
	    !capture_names_view(file->names, (const char *)value, size, &interface->view))
		return capture_damaged(file, body->offset, "out of memory");
	if (code == OPTION_RESOLUTION && size >= 1 && !set_resolution(interface, value[0]))
		return capture_damaged(file, body->offset,
				       "an interface with the invalid time resolution 0x%02x",
				       value[0]);
	if (code == OPTION_OFFSET && size >= 8) {
		seconds = (int64_t)capture_64(file, value);
		if (seconds > INT64_MAX / NS || seconds < INT64_MIN / NS)
			return capture_damaged(file, body->offset,
					       "an interface with an invalid time offset");
		interface->offset_ns = seconds * NS;
	}
	return true;
}

static bool read_options(struct capture_file *file, struct capture_interface *interface,
			 const struct body *body)
{
	struct option option;
	uint32_t at = 8;

	while (next_option(file, body, &at, &option))
		if (!read_option(file, interface, body, &option))
			return false;
	return !option.damaged || capture_damaged(file, body->offset,
						  "an interface's option is longer than its block");
}

static bool read_interface(struct capture_file *file, const struct body *body)
{
	struct capture_interface *interface;

	if (body->size < 8)
		return capture_damaged(file, body->offset, "an interface's block is too short");
	interface = array_push(file->interfaces, file->interface_count);
	if (!interface)
		return capture_damaged(file, body->offset, "out of memory");
	interface->linktype = capture_16(file, body->at);
	interface->link = packet_link_of(interface->linktype);
	interface->snap = capture_32(file, body->at + 4);
	set_resolution(interface, 6);
	return read_options(file, interface, body);
}

/* Reads the direction from the options of a packet, which begin at offset "at". */
static uint8_t read_seen(const struct capture_file *file, const struct body *body, uint32_t at)
{
	struct option option;

	while (next_option(file, body, &at, &option)) {
		uint32_t direction;

		if (option.code != OPTION_FLAGS || option.size < 4)
			continue;
		direction = capture_32(file, option.value) & 3;
		/* Inbound packets were sent by the node behind the interface. */
		return direction == 1 ? PACKET_SENT :
		       direction == 2 ? PACKET_DELIVERED :
					PACKET_UNSEEN;
	}
	return PACKET_UNSEEN;
}

/* The packet begins "header" bytes into the block. */
static bool fill_packet(struct capture_file *file, const struct body *body, uint32_t header,
			uint32_t number, struct capture_packet *ret)
{
	const struct capture_interface *interface;
	uint64_t units;

	if (number >= file->interface_count)
		return capture_damaged(file, body->offset,
				       "a packet of the undefined interface %" PRIu32, number);
	interface = &file->interfaces[number];
	units = (uint64_t)capture_32(file, body->at + 4) << 32 | capture_32(file, body->at + 8);
	ret->captured = capture_32(file, body->at + 12);
	ret->length = capture_32(file, body->at + 16);
	if (ret->captured > body->size - header)
		return capture_damaged(file, body->offset,
				       "a packet of %" PRIu32 " bytes in a block of %" PRIu32,
				       ret->captured, body->size + BLOCK_AROUND);
	ret->time_ns = interface->multiply == 1 && interface->divide == 1 && !interface->shift &&
				       !interface->offset_ns && units <= INT64_MAX ?
			       (int64_t)units :
			       time_of(interface, units);
	ret->data = body->at + header;
	ret->link = interface->link;
	ret->view = interface->view;
	ret->seen = read_seen(file, body, header + ((ret->captured + 3U) & ~3U));
	file->last_ns = ret->time_ns;
	return ret->link != PACKET_UNKNOWN ||
	       capture_count_unread(file, interface->linktype, body->offset);
}

/* A simple packet block has no time, and is truncated to the interface's snap length. */
static bool fill_simple(struct capture_file *file, const struct body *body,
			struct capture_packet *ret)
{
	const struct capture_interface *interface = file->interfaces;

	if (!file->interface_count || body->size < 4)
		return capture_damaged(file, body->offset, "a packet without an interface");
	ret->length = capture_32(file, body->at);
	ret->captured = ret->length;
	if (interface->snap && ret->captured > interface->snap)
		ret->captured = interface->snap;
	if (ret->captured > body->size - 4)
		ret->captured = body->size - 4;
	ret->data = body->at + 4;
	ret->link = interface->link;
	ret->view = interface->view;
	ret->seen = PACKET_UNSEEN;
	ret->time_ns = file->last_ns;
	return ret->link != PACKET_UNKNOWN ||
	       capture_count_unread(file, interface->linktype, body->offset);
}

/* Statistics count from the beginning of the capture: later blocks replace earlier ones. */
static bool note_drops(struct capture_file *file, struct capture_interface *interface,
		       uint64_t dropped, uint64_t offset)
{
	struct capture_drops *drops;

	if (!interface->drops) {
		drops = array_push(file->drops, file->drop_count);
		if (!drops)
			return capture_damaged(file, offset, "out of memory");
		memcpy(drops->name, interface->name, sizeof(drops->name));
		interface->drops = file->drop_count;
	}
	drops = &file->drops[interface->drops - 1];
	drops->dropped = dropped;
	drops->offset = offset;
	return true;
}

/* Reads the packets dropped at an interface: those of the interface and those of the system. */
static bool read_statistics(struct capture_file *file, const struct body *body)
{
	uint64_t dropped = 0, value;
	uint32_t number, at = 12;
	struct option option;

	if (body->size < at)
		return capture_damaged(file, body->offset, "a block of statistics is too short");
	number = capture_32(file, body->at);
	while (next_option(file, body, &at, &option))
		if ((option.code == OPTION_IF_DROP || option.code == OPTION_OS_DROP) &&
		    option.size == 8) {
			value = capture_64(file, option.value);
			/* All bits set: unknown. */
			dropped += value == UINT64_MAX ? 0 : value;
		}
	if (number >= file->interface_count || !dropped)
		return true;
	return note_drops(file, &file->interfaces[number], dropped, body->offset);
}

/* Reads names of addresses, records encoded like options; skips other records. */
static bool read_names(struct capture_file *file, const struct body *body)
{
	uint32_t at = 0;

	while (file->names && at + 4 <= body->size) {
		uint16_t kind = capture_16(file, body->at + at);
		uint16_t size = capture_16(file, body->at + at + 2);
		uint32_t address = kind == RECORD_IPV6 ? 16 : 4;

		at += 4;
		if (kind == RECORD_END)
			return true;
		if (size > body->size - at)
			return capture_damaged(file, body->offset,
					       "a name is longer than its block");
		if ((kind == RECORD_IPV4 || kind == RECORD_IPV6) && size > address &&
		    !capture_names_add(file->names, kind == RECORD_IPV6 ? 6 : 4, body->at + at,
				       (const char *)body->at + at + address, size - address))
			return capture_damaged(file, body->offset, "out of memory");
		at += (size + 3U) & ~3U;
	}
	return true;
}

/* Returns whether the block was a packet. Damage sets file->broken. */
static bool read_block(struct capture_file *file, uint32_t type, const struct body *body,
		       struct capture_packet *ret)
{
	switch (type) {
	case BLOCK_INTERFACE:
		read_interface(file, body);
		return false;
	case BLOCK_NAMES:
		read_names(file, body);
		return false;
	case BLOCK_STATISTICS:
		read_statistics(file, body);
		return false;
	case BLOCK_SIMPLE:
		return fill_simple(file, body, ret);
	case BLOCK_PACKET:
	case BLOCK_OLD:
		if (body->size < 20)
			return capture_damaged(file, body->offset, "a packet's block is too short");
		return fill_packet(file, body, 20,
				   type == BLOCK_OLD ? capture_16(file, body->at) :
						       capture_32(file, body->at),
				   ret);
	default:
		return false;
	}
}

/* Passes over a block of any length, without a buffer for all of it. */
static bool skip_block(struct capture_file *file, uint32_t length)
{
	uint64_t offset = capture_offset(file);
	uint32_t left = length;

	while (left) {
		uint32_t part = left < 65536 ? left : 65536;

		if (!capture_want(file, part))
			return file->broken ? false :
					      capture_truncated(file, offset, "a block", length);
		file->at += part;
		left -= part;
	}
	return true;
}

static bool next_packet(struct capture_file *file, struct capture_packet *ret);

bool capture_ng_section(struct capture_file *file)
{
	uint64_t offset = capture_offset(file);
	uint32_t mark, length;

	if (!capture_want(file, 12))
		return capture_truncated(file, offset, "the header of a section", 0);
	file->swapped = false;
	mark = capture_32(file, file->at + 8);
	if (mark != BYTE_ORDER_MARK && mark != __builtin_bswap32(BYTE_ORDER_MARK))
		return capture_damaged(file, offset,
				       "a section with the invalid byte-order magic 0x%08x", mark);
	file->swapped = mark != BYTE_ORDER_MARK;
	length = capture_32(file, file->at + 4);
	if (length < 28 || length % 4)
		return capture_damaged(file, offset,
				       "a section header with the invalid length %" PRIu32, length);
	/* A section starts a new list of interfaces. */
	free(file->interfaces);
	file->interfaces = NULL;
	file->interface_count = 0;
	file->next = next_packet;
	return skip_block(file, length);
}

static bool is_used(uint32_t type)
{
	return type == BLOCK_INTERFACE || type == BLOCK_OLD || type == BLOCK_SIMPLE ||
	       type == BLOCK_PACKET || type == BLOCK_NAMES || type == BLOCK_STATISTICS;
}

/* Reads a block; *ret_packet: it was a packet. False at the end. */
static bool next_block(struct capture_file *file, struct capture_packet *ret, bool *ret_packet)
{
	struct body body = {.offset = capture_offset(file)};
	uint32_t type, length;

	*ret_packet = false;
	if (!capture_want(file, 8)) {
		if (file->at == file->end || file->broken)
			return false;
		return capture_truncated(file, body.offset, "the header of a block", 8);
	}
	type = capture_32(file, file->at);
	if (type == BLOCK_SECTION)
		return capture_ng_section(file);
	length = capture_32(file, file->at + 4);
	if (length < BLOCK_AROUND || length % 4)
		return capture_damaged(file, body.offset,
				       "a block with the invalid length %" PRIu32, length);
	if (!is_used(type))
		return skip_block(file, length);
	if (length > CAPTURE_PACKET_MAX)
		return capture_damaged(file, body.offset,
				       "a block of %" PRIu32 " bytes, but the maximum is %u",
				       length, CAPTURE_PACKET_MAX);
	if (!capture_want(file, length))
		return file->broken ? false :
				      capture_truncated(file, body.offset, "a block", length);
	if (capture_32(file, file->at + length - 4) != length)
		return capture_damaged(file, body.offset,
				       "a block of %" PRIu32
				       " bytes whose trailing length is %" PRIu32,
				       length, capture_32(file, file->at + length - 4));
	body.at = file->at + 8;
	body.size = length - BLOCK_AROUND;
	file->at += length;
	*ret_packet = read_block(file, type, &body, ret);
	return !file->broken;
}

static bool next_packet(struct capture_file *file, struct capture_packet *ret)
{
	bool packet;

	while (next_block(file, ret, &packet))
		if (packet)
			return true;
	return false;
}
