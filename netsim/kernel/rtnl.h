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
#ifndef NETSIM_RTNL_H
#define NETSIM_RTNL_H

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"

struct rtnl;

/*
 * Opens a socket in the calling thread's network namespace, where it stays. The caller
 * closes it with rtnl_close().
 */
int rtnl_open(struct rtnl **ret, struct netsim_err *err);
void rtnl_close(struct rtnl *rt);

/*
 * Begins a message in the batch. at (may be NULL) is the location it comes from and
 * must outlive rtnl_send(). The format makes the beginning of an error message:
 * "n100-1: cannot add eth1". The functions below fill the message begun last. If memory
 * runs out, rtnl_send() reports it.
 */
void rtnl_begin(struct rtnl *rt, uint16_t type, uint16_t flags, const struct netsim_loc *at,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Appends a fixed header; call it directly after rtnl_begin(). */
void rtnl_header(struct rtnl *rt, const void *header, size_t size);
/* Sets the location of the attributes that follow, until rtnl_at(rt, NULL). */
void rtnl_at(struct rtnl *rt, const struct netsim_loc *at);
void rtnl_put(struct rtnl *rt, uint16_t attr, const void *data, size_t size);
void rtnl_put_u8(struct rtnl *rt, uint16_t attr, uint8_t value);
void rtnl_put_u16(struct rtnl *rt, uint16_t attr, uint16_t value);
void rtnl_put_u32(struct rtnl *rt, uint16_t attr, uint32_t value);
void rtnl_put_u64(struct rtnl *rt, uint16_t attr, uint64_t value);
void rtnl_put_str(struct rtnl *rt, uint16_t attr, const char *text);
/* Begins a nested attribute; pass the result to rtnl_nest_end(). */
size_t rtnl_nest(struct rtnl *rt, uint16_t attr);
void rtnl_nest_end(struct rtnl *rt, size_t mark);
/* Lets the message begun last fail with this errno, which counts as success. */
void rtnl_tolerate(struct rtnl *rt, int errnum);
/*
 * Marks an errno of the message begun last as a missing feature of this machine: the
 * error gets the kind ENV and this hint, which must outlive rtnl_send().
 */
void rtnl_needs(struct rtnl *rt, int errnum, const char *hint);

/*
 * Sends the batch, waits for the kernel's answers and empties the batch. After a
 * failure the kernel still executes the rest of the chunk, but no further chunk is sent.
 * Returns 0, or the negative errno of the first refusal with err filled (kind KERNEL, or
 * ENV if a privilege or module is missing).
 */
int rtnl_send(struct rtnl *rt, struct netsim_err *err);
/* Empties the batch without sending it. */
void rtnl_reset(struct rtnl *rt);
/* Returns the batch, its size in bytes and its number of messages, for tests. */
const void *rtnl_batch(const struct rtnl *rt, size_t *ret_size, size_t *ret_count);

/* The kernel's answer to a request: complete messages in sequence. */
struct rtnl_reply {
	char *data;
	size_t size;
};

/*
 * Sends the only message of the batch, a dump (with NLM_F_DUMP in its flags) or a plain
 * request, and collects the answers. Repeats a dump that the kernel reports as
 * inconsistent. The caller frees ret->data.
 */
int rtnl_ask(struct rtnl *rt, struct rtnl_reply *ret, struct netsim_err *err);

#define rtnl_reply_each(reply, msg)                                    \
	for (const struct nlmsghdr *msg = (const void *)(reply)->data; \
	     msg && (const char *)msg < (reply)->data + (reply)->size; \
	     msg = (const void *)((const char *)msg + NLMSG_ALIGN(msg->nlmsg_len)))

struct nlattr;
/*
 * Index the attributes of a message (after a fixed header of header_size) or of a nest
 * by type in table[0..max]. Unknown ones are ignored; missing ones are NULL.
 */
void rtnl_parse(const struct nlmsghdr *msg, size_t header_size, const struct nlattr **table,
		uint16_t max);
void rtnl_parse_nest(const struct nlattr *nest, const struct nlattr **table, uint16_t max);
/* The same for a nest that begins with a fixed header. */
void rtnl_parse_tail(const struct nlattr *nest, size_t header_size, const struct nlattr **table,
		     uint16_t max);
/* Return the value of an attribute, or 0 or "" if it is missing or has the wrong size. */
uint8_t rtnl_u8(const struct nlattr *attr);
uint16_t rtnl_u16(const struct nlattr *attr);
uint32_t rtnl_u32(const struct nlattr *attr);
uint64_t rtnl_u64(const struct nlattr *attr);
const char *rtnl_str(const struct nlattr *attr);

#endif
