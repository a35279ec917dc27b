/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnetlink: one socket per network namespace, messages built one after the
 * other into a batch, sent in large chunks, and every refusal turned into a
 * struct netsim_err with the kernel's own words and the place in the file that
 * asked for the attribute at fault.
 *
 * Everything is written through here. Links, qdiscs and filters are read
 * through here too, because libnl-route models only part of them; routes and
 * forwarding entries are read with libnl-route (see route.h).
 */
#ifndef NETSIM_RT_H
#define NETSIM_RT_H

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"

struct rt;

/*
 * Opens a socket in the calling thread's network namespace; it stays in that
 * namespace. The result is the caller's, closed with rt_close().
 */
int rt_open(struct rt **ret, struct netsim_err *err);
void rt_close(struct rt *rt);

/*
 * Begins a message in the batch. at (may be NULL) is the place that asks for it
 * and must outlive rt_send(); the format says what is being done, for the error:
 * "n100-1: cannot add eth1". The functions below fill the message begun last.
 * Running out of memory is remembered and reported by rt_send().
 */
void rt_begin(struct rt *rt, uint16_t type, uint16_t flags, const struct netsim_loc *at,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Appends a fixed header; call right after rt_begin(). */
void rt_header(struct rt *rt, const void *header, size_t size);
/* The next attributes are asked for at this place, until rt_at(rt, NULL). */
void rt_at(struct rt *rt, const struct netsim_loc *at);
void rt_put(struct rt *rt, uint16_t attr, const void *data, size_t size);
void rt_put_u8(struct rt *rt, uint16_t attr, uint8_t value);
void rt_put_u16(struct rt *rt, uint16_t attr, uint16_t value);
void rt_put_u32(struct rt *rt, uint16_t attr, uint32_t value);
void rt_put_u64(struct rt *rt, uint16_t attr, uint64_t value);
void rt_put_str(struct rt *rt, uint16_t attr, const char *text);
/* Opens a nested attribute; close it with the returned mark. */
size_t rt_nest(struct rt *rt, uint16_t attr);
void rt_nest_end(struct rt *rt, size_t mark);
/* The message begun last may fail with this errno: that counts as done. */
void rt_tolerate(struct rt *rt, int errnum);
/*
 * If the message begun last fails with this errno, something is missing on this
 * machine (kind ENV), and the hint says what.
 */
void rt_needs(struct rt *rt, int errnum, const char *hint);

/*
 * Sends the batch and waits for the kernel's answers. The kernel executes every
 * message of a chunk even when one fails; no further chunk is sent then. The
 * batch is empty afterwards. Returns 0 or the errno of the first refusal, with
 * err filled (kind KERNEL, or ENV for missing privilege and missing modules).
 */
int rt_send(struct rt *rt, struct netsim_err *err);
/* Forgets the batch. */
void rt_reset(struct rt *rt);
/* The bytes and number of messages in the batch, for tests. */
const void *rt_batch(const struct rt *rt, size_t *ret_size, size_t *ret_count);

/* The kernel's answer to a dump: whole messages, one after the other. */
struct rt_reply {
	char *data;
	size_t size;
};

/*
 * Sends the one message begun last as a dump (flags must hold NLM_F_DUMP) or a
 * plain request, and collects the answers. A dump that the kernel reports as
 * inconsistent is repeated. ret->data is the caller's (free()).
 */
int rt_ask(struct rt *rt, struct rt_reply *ret, struct netsim_err *err);

#define rt_reply_each(reply, msg)                                      \
	for (const struct nlmsghdr *msg = (const void *)(reply)->data; \
	     msg && (const char *)msg < (reply)->data + (reply)->size; \
	     msg = (const void *)((const char *)msg + NLMSG_ALIGN(msg->nlmsg_len)))

struct nlattr;
/*
 * Sorts the attributes of a message (after a fixed header of header_size) or of
 * a nest into table[0..max]; unknown ones are ignored, missing ones NULL.
 */
void rt_parse(const struct nlmsghdr *msg, size_t header_size, const struct nlattr **table,
	      uint16_t max);
void rt_parse_nest(const struct nlattr *nest, const struct nlattr **table, uint16_t max);
/* The same for a nest that begins with a fixed header. */
void rt_parse_tail(const struct nlattr *nest, size_t header_size, const struct nlattr **table,
		   uint16_t max);
/* The value of an attribute, 0 or "" where it is missing or of the wrong size. */
uint8_t rt_u8(const struct nlattr *attr);
uint16_t rt_u16(const struct nlattr *attr);
uint32_t rt_u32(const struct nlattr *attr);
uint64_t rt_u64(const struct nlattr *attr);
const char *rt_str(const struct nlattr *attr);

#endif
