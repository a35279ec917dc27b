/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel with canned answers. The linker wraps the calls by which netsim/kernel/rtnl.c
 * sends and receives (WRAP in the Makefile), so that they end here.
 */
#ifndef TESTS_UNIT_CANNED_H
#define TESTS_UNIT_CANNED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/rtnl.h"
#include "netsim/util/auto.h"

#define PORT_ID 77

unsigned __wrap_mnl_socket_get_portid(const struct mnl_socket *sock);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *sock, void *buf, size_t size);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *sock, const void *buf, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_realloc(void *old, size_t size);

static bool no_memory;

void *__wrap_realloc(void *old, size_t size)
{
	return no_memory ? NULL : __real_realloc(old, size);
}

/*
 * The kernel's answers, one datagram each; the last datagram sent to it; and counts of all that
 * was sent.
 */
static struct {
	char data[40][512];
	size_t size[40], count, next;
	char sent[1 << 17];
	size_t sent_size, sends, sent_ops;
} kernel;

unsigned __wrap_mnl_socket_get_portid(const struct mnl_socket *sock)
{
	(void)sock;
	return PORT_ID;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *sock, void *buf, size_t size)
{
	(void)sock;
	if (kernel.next == kernel.count) {
		errno = EAGAIN;
		return -1;
	}
	assert_true(kernel.size[kernel.next] <= size);
	memcpy(buf, kernel.data[kernel.next], kernel.size[kernel.next]);
	return (ssize_t)kernel.size[kernel.next++];
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *sock, const void *buf, size_t size)
{
	(void)sock;
	assert_true(size <= sizeof(kernel.sent));
	memcpy(kernel.sent, buf, size);
	kernel.sent_size = size;
	kernel.sends++;
	for (size_t at = 0; at < size; kernel.sent_ops++)
		at += NLMSG_ALIGN(
			((const struct nlmsghdr *)(const void *)(kernel.sent + at))->nlmsg_len);
	return (ssize_t)size;
}

/* The sequence number of the next message sent. */
static uint32_t next_seq(void)
{
	return (uint32_t)kernel.sent_ops + 1;
}

static int make_rt(void **state)
{
	struct rtnl *rt = NULL;

	memset(&kernel, 0, sizeof(kernel));
	no_memory = false;
	assert_int_equal(rtnl_open(&rt, NULL), 0);
	*state = rt;
	return 0;
}

static int free_rt(void **state)
{
	rtnl_close(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_rt, free_rt)

/* --- answers */

static struct nlmsghdr *add_answer(uint32_t seq, uint16_t type, uint16_t flags, bool same_datagram)
{
	size_t i = same_datagram ? kernel.count - 1 : kernel.count++;
	struct nlmsghdr *h = (void *)(kernel.data[i] + kernel.size[i]);

	h->nlmsg_len = NLMSG_HDRLEN;
	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	h->nlmsg_seq = seq;
	kernel.size[i] += NLMSG_HDRLEN;
	return h;
}

/* Extends the last message of the last datagram. */
static void add_bytes(struct nlmsghdr *h, const void *data, size_t size)
{
	memcpy((char *)h + NLMSG_ALIGN(h->nlmsg_len), data, size);
	h->nlmsg_len = (uint32_t)(NLMSG_ALIGN(h->nlmsg_len) + size);
	kernel.size[kernel.count - 1] += NLMSG_ALIGN(size);
}

static void add_attr(struct nlmsghdr *h, uint16_t type, const void *data, uint16_t size)
{
	struct nlattr attr = {(uint16_t)(sizeof(attr) + size), type};

	add_bytes(h, &attr, sizeof(attr));
	add_bytes(h, data, size);
}

/* Adds the ack of a message with 8 bytes after its header, echoed as the kernel does. */
static struct nlmsghdr *add_verdict(uint32_t seq, int error, uint16_t flags)
{
	struct nlmsghdr *h = add_answer(seq, NLMSG_ERROR, flags, false);
	struct nlmsgerr e = {.error = error, .msg = {.nlmsg_len = 24, .nlmsg_seq = seq}};

	add_bytes(h, &e, sizeof(e));
	if (error && !(flags & NLM_F_CAPPED))
		add_bytes(h, "12345678", 8);
	return h;
}

#endif
