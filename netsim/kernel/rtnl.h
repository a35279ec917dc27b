/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnetlink, with one socket per network namespace. Messages are collected in a batch and
 * sent in large chunks. A refusal becomes a struct netsim_err with the kernel's text
 * and the location in the file that the attribute at fault comes from.
 *
 * All writing goes through this interface. So does reading of links, addresses,
 * neighbours, qdiscs and filters, of which libnl-route models only a part; routes are
 * read with libnl-route (see route.h).
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
 * Opens a socket in the calling thread's network namespace, where it stays. The caller
 * closes it with rt_close().
 */
int rt_open(struct rt **ret, struct netsim_err *err);
void rt_close(struct rt *rt);

/*
 * Begins a message in the batch. at (may be NULL) is the location it comes from and
 * must outlive rt_send(). The format makes the beginning of an error message:
 * "n100-1: cannot add eth1". The functions below fill the message begun last. If memory
 * runs out, rt_send() reports it.
 */
void rt_begin(struct rt *rt, uint16_t type, uint16_t flags, const struct netsim_loc *at,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Appends a fixed header; call it directly after rt_begin(). */
void rt_header(struct rt *rt, const void *header, size_t size);
/* Sets the location of the attributes that follow, until rt_at(rt, NULL). */
void rt_at(struct rt *rt, const struct netsim_loc *at);
void rt_put(struct rt *rt, uint16_t attr, const void *data, size_t size);
void rt_put_u8(struct rt *rt, uint16_t attr, uint8_t value);
void rt_put_u16(struct rt *rt, uint16_t attr, uint16_t value);
void rt_put_u32(struct rt *rt, uint16_t attr, uint32_t value);
void rt_put_u64(struct rt *rt, uint16_t attr, uint64_t value);
void rt_put_str(struct rt *rt, uint16_t attr, const char *text);
/* Begins a nested attribute; pass the result to rt_nest_end(). */
size_t rt_nest(struct rt *rt, uint16_t attr);
void rt_nest_end(struct rt *rt, size_t mark);
/* Lets the message begun last fail with this errno, which counts as success. */
void rt_tolerate(struct rt *rt, int errnum);
/*
 * Marks an errno of the message begun last as a missing feature of this machine: the
 * error gets the kind ENV and this hint, which must outlive rt_send().
 */
void rt_needs(struct rt *rt, int errnum, const char *hint);

/*
 * Sends the batch, waits for the kernel's answers and empties the batch. After a
 * failure the kernel still executes the rest of the chunk, but no further chunk is sent.
 * Returns 0, or the negative errno of the first refusal with err filled (kind KERNEL, or
 * ENV if a privilege or module is missing).
 */
int rt_send(struct rt *rt, struct netsim_err *err);
/* Empties the batch without sending it. */
void rt_reset(struct rt *rt);
/* Returns the batch, its size in bytes and its number of messages, for tests. */
const void *rt_batch(const struct rt *rt, size_t *ret_size, size_t *ret_count);

/* The kernel's answer to a request: complete messages in sequence. */
struct rt_reply {
	char *data;
	size_t size;
};

/*
 * Sends the only message of the batch, a dump (with NLM_F_DUMP in its flags) or a plain
 * request, and collects the answers. Repeats a dump that the kernel reports as
 * inconsistent. The caller frees ret->data.
 */
int rt_ask(struct rt *rt, struct rt_reply *ret, struct netsim_err *err);

#define rt_reply_each(reply, msg)                                      \
	for (const struct nlmsghdr *msg = (const void *)(reply)->data; \
	     msg && (const char *)msg < (reply)->data + (reply)->size; \
	     msg = (const void *)((const char *)msg + NLMSG_ALIGN(msg->nlmsg_len)))

struct nlattr;
/*
 * Index the attributes of a message (after a fixed header of header_size) or of a nest
 * by type in table[0..max]. Unknown ones are ignored; missing ones are NULL.
 */
void rt_parse(const struct nlmsghdr *msg, size_t header_size, const struct nlattr **table,
	      uint16_t max);
void rt_parse_nest(const struct nlattr *nest, const struct nlattr **table, uint16_t max);
/* The same for a nest that begins with a fixed header. */
void rt_parse_tail(const struct nlattr *nest, size_t header_size, const struct nlattr **table,
		   uint16_t max);
/* Return the value of an attribute, or 0 or "" if it is missing or has the wrong size. */
uint8_t rt_u8(const struct nlattr *attr);
uint16_t rt_u16(const struct nlattr *attr);
uint32_t rt_u32(const struct nlattr *attr);
uint64_t rt_u64(const struct nlattr *attr);
const char *rt_str(const struct nlattr *attr);

#endif
