/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"

/*
 * Limits of a chunk, which is one sendto(): 200 refusals with their texts fit into the
 * default receive buffer, and 64 KiB are well below the default send buffer.
 */
#define CHUNK_OPS      200
#define CHUNK_BYTES    65536
#define RECV_BYTES     65536
#define ANSWER_SECONDS 30
#define DUMP_TRIES     4
#define ERRNO_MAX      4095
#define HEADER_MAX     32 /* bytes of the fixed header that follows struct nlmsghdr */

/* A location set by rtnl_at(), and the offset in a message from which it holds. */
struct attr_loc {
	size_t op;
	uint32_t offset; /* from the start of the message */
	const struct netsim_loc *at;
};

struct op {
	size_t start; /* in the buffer */
	char *what;
	const struct netsim_loc *at;
	int tolerated;
	const char *hint;
	int hint_errno;
};

struct rtnl {
	struct mnl_socket *sock;
	uint32_t portid;
	uint32_t seq; /* sequence number of the next message */
	char *buf;
	size_t size, capacity;
	char *answer; /* RECV_BYTES, too many for the stack of some threads */
	struct op *ops;
	size_t op_count;
	struct attr_loc *attr_locs;
	size_t attr_loc_count;
	bool failed; /* out of memory while building */
};

static int set_options(struct mnl_socket *sock)
{
	struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	int fd = mnl_socket_get_fd(sock), on = 1;

	(void)mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(sock, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(sock, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

int rtnl_open(struct rtnl **ret, struct netsim_err *err)
{
	struct rtnl *rt = calloc(1, sizeof(*rt));

	if (rt)
		rt->answer = malloc(RECV_BYTES);
	if (!rt || !rt->answer) {
		free(rt);
		return err_oom(err);
	}
	rt->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!rt->sock || mnl_socket_bind(rt->sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    set_options(rt->sock) < 0) {
		int r = -errno;

		rtnl_close(rt);
		return err_errno(err, r, NULL, "cannot open an rtnetlink socket");
	}
	rt->portid = mnl_socket_get_portid(rt->sock);
	rt->seq = 1;
	*ret = rt;
	return 0;
}

void rtnl_reset(struct rtnl *rt)
{
	for (size_t i = 0; i < rt->op_count; i++)
		free(rt->ops[i].what);
	free(rt->ops);
	free(rt->attr_locs);
	rt->ops = NULL;
	rt->attr_locs = NULL;
	rt->op_count = rt->attr_loc_count = rt->size = 0;
	rt->failed = false;
}

void rtnl_close(struct rtnl *rt)
{
	if (!rt)
		return;
	rtnl_reset(rt);
	free(rt->buf);
	free(rt->answer);
	if (rt->sock)
		mnl_socket_close(rt->sock);
	free(rt);
}

/* Extends the batch by more zeroed bytes; on failure returns NULL and sets rt->failed. */
static void *reserve(struct rtnl *rt, size_t more)
{
	void *place;

	more = NLMSG_ALIGN(more);
	if (rt->failed)
		return NULL;
	if (rt->size + more > rt->capacity) {
		size_t capacity = (rt->size + more) * 2;
		char *buf = realloc(rt->buf, capacity);

		if (!buf) {
			rt->failed = true;
			return NULL;
		}
		rt->buf = buf;
		rt->capacity = capacity;
	}
	place = rt->buf + rt->size;
	memset(place, 0, more);
	rt->size += more;
	return place;
}

static struct nlmsghdr *current(const struct rtnl *rt)
{
	return (void *)(rt->buf + rt->ops[rt->op_count - 1].start);
}

static void grow_message(struct rtnl *rt)
{
	current(rt)->nlmsg_len = (uint32_t)(rt->size - rt->ops[rt->op_count - 1].start);
}

void rtnl_begin(struct rtnl *rt, uint16_t type, uint16_t flags, const struct netsim_loc *at,
		const char *fmt, ...)
{
	size_t start = rt->size;
	struct nlmsghdr *h = reserve(rt, sizeof(*h));
	struct op *op = h ? array_push(rt->ops, rt->op_count) : NULL;
	va_list ap;

	if (!op) {
		rt->failed = true;
		return;
	}
	op->start = start;
	op->at = at;
	va_start(ap, fmt);
	if (vasprintf(&op->what, fmt, ap) < 0) {
		op->what = NULL;
		rt->failed = true;
	}
	va_end(ap);
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_len = sizeof(*h);
}

void rtnl_header(struct rtnl *rt, const void *header, size_t size)
{
	void *place = reserve(rt, size);

	if (!place)
		return;
	memcpy(place, header, size);
	grow_message(rt);
}

void rtnl_at(struct rtnl *rt, const struct netsim_loc *at)
{
	struct attr_loc *slot;

	if (rt->failed)
		return;
	slot = array_push(rt->attr_locs, rt->attr_loc_count);
	if (!slot) {
		rt->failed = true;
		return;
	}
	slot->op = rt->op_count - 1;
	slot->offset = current(rt)->nlmsg_len;
	slot->at = at;
}

void rtnl_put(struct rtnl *rt, uint16_t attr, const void *data, size_t size)
{
	struct nlattr *a = reserve(rt, sizeof(*a) + size);

	if (!a)
		return;
	a->nla_type = attr;
	a->nla_len = (uint16_t)(sizeof(*a) + size);
	if (size)
		memcpy(a + 1, data, size);
	grow_message(rt);
}

void rtnl_put_u8(struct rtnl *rt, uint16_t attr, uint8_t value)
{
	rtnl_put(rt, attr, &value, sizeof(value));
}

void rtnl_put_u16(struct rtnl *rt, uint16_t attr, uint16_t value)
{
	rtnl_put(rt, attr, &value, sizeof(value));
}

void rtnl_put_u32(struct rtnl *rt, uint16_t attr, uint32_t value)
{
	rtnl_put(rt, attr, &value, sizeof(value));
}

void rtnl_put_u64(struct rtnl *rt, uint16_t attr, uint64_t value)
{
	rtnl_put(rt, attr, &value, sizeof(value));
}

void rtnl_put_str(struct rtnl *rt, uint16_t attr, const char *text)
{
	rtnl_put(rt, attr, text, strlen(text) + 1);
}

size_t rtnl_nest(struct rtnl *rt, uint16_t attr)
{
	size_t mark = rt->size;

	rtnl_put(rt, attr | NLA_F_NESTED, NULL, 0);
	return mark;
}

void rtnl_nest_end(struct rtnl *rt, size_t mark)
{
	if (!rt->failed)
		((struct nlattr *)(void *)(rt->buf + mark))->nla_len = (uint16_t)(rt->size - mark);
}

void rtnl_tolerate(struct rtnl *rt, int errnum)
{
	if (!rt->failed)
		rt->ops[rt->op_count - 1].tolerated = errnum;
}

void rtnl_needs(struct rtnl *rt, int errnum, const char *hint)
{
	if (rt->failed)
		return;
	rt->ops[rt->op_count - 1].hint = hint;
	rt->ops[rt->op_count - 1].hint_errno = errnum;
}

const void *rtnl_batch(const struct rtnl *rt, size_t *ret_size, size_t *ret_count)
{
	*ret_size = rt->size;
	*ret_count = rt->op_count;
	return rt->buf;
}

/* Returns the location of the attribute at this offset of a message, else the message's. */
static const struct netsim_loc *place_of(const struct rtnl *rt, size_t op, uint32_t offset)
{
	const struct netsim_loc *at = rt->ops[op].at;

	for (size_t i = 0; offset && i < rt->attr_loc_count; i++)
		if (rt->attr_locs[i].op == op && rt->attr_locs[i].offset <= offset)
			at = rt->attr_locs[i].at ? rt->attr_locs[i].at : rt->ops[op].at;
	return at;
}

static void fill_refusal(const struct rtnl *rt, size_t op, const struct nlmsghdr *h, int code,
			 struct netsim_err *err)
{
	const struct nlattr *tlv[NLMSGERR_ATTR_OFFS + 1] = {NULL};
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	const struct op *o = &rt->ops[op];
	bool absent = o->hint && o->hint_errno == -code;
	const char *words;

	if (h->nlmsg_flags & NLM_F_ACK_TLVS) {
		size_t skip = sizeof(*e);

		if (!(h->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > NLMSG_HDRLEN)
			skip += e->msg.nlmsg_len - NLMSG_HDRLEN;
		rtnl_parse(h, skip, tlv, NLMSGERR_ATTR_OFFS);
	}
	words = rtnl_str(tlv[NLMSGERR_ATTR_MSG]);
	err_set(err, absent ? NETSIM_ERR_ENV : err_kind_of(code), code,
		place_of(rt, op, rtnl_u32(tlv[NLMSGERR_ATTR_OFFS])), "%s: %s", o->what,
		strerror(-code));
	if (err && err->code == code && *words && !*err->kernel)
		snprintf(err->kernel, sizeof(err->kernel), "%s", words);
	if (absent)
		err_hint(err, "%s", o->hint);
	err_hint_errno(err, code);
}

/* Replaces mnl_nlmsg_ok(), which treats a length of 2 GiB or more as negative. */
static bool is_whole(const struct nlmsghdr *h, int left)
{
	return left >= NLMSG_HDRLEN && h->nlmsg_len >= NLMSG_HDRLEN &&
	       h->nlmsg_len <= (uint32_t)left;
}

static bool is_error(const struct nlmsghdr *h)
{
	return h->nlmsg_type == NLMSG_ERROR &&
	       mnl_nlmsg_get_payload_len(h) >= sizeof(struct nlmsgerr);
}

/* Returns the kernel's result, forced into the range of 0 and negative errnos. */
static int verdict_of(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

	return e->error > 0 || e->error < -ERRNO_MAX ? -EPROTO : e->error;
}

/* Reads answers until the last message of the chunk is answered. */
static int collect(struct rtnl *rt, size_t first, size_t count, uint32_t base,
		   struct netsim_err *err)
{
	static const char lost[] = "the kernel's answer did not arrive";
	int result = 0;

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(rt->sock, rt->answer, RECV_BYTES);
		const struct nlmsghdr *h = (const void *)rt->answer;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return result ? result :
					err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "%s: %s",
						lost, strerror(errno));
		for (; is_whole(h, left); h = mnl_nlmsg_next(h, &left)) {
			size_t i = h->nlmsg_seq - base;
			int code;

			if (!is_error(h) || i >= count)
				continue;
			code = verdict_of(h);
			if (code && -code != rt->ops[first + i].tolerated && !result) {
				result = code;
				fill_refusal(rt, first + i, h, code, err);
			}
			if (i == count - 1)
				return result;
		}
	}
}

static size_t op_end(const struct rtnl *rt, size_t op)
{
	return op + 1 < rt->op_count ? rt->ops[op + 1].start : rt->size;
}

/* Requests an ack for the last message only: the kernel reports refusals in any case. */
static int send_chunk(struct rtnl *rt, size_t first, size_t count, struct netsim_err *err)
{
	size_t from = rt->ops[first].start, to = op_end(rt, first + count - 1);
	uint32_t base = rt->seq;

	for (size_t i = 0; i < count; i++) {
		struct nlmsghdr *h = (void *)(rt->buf + rt->ops[first + i].start);

		h->nlmsg_seq = rt->seq++;
		h->nlmsg_pid = rt->portid;
		if (i == count - 1)
			h->nlmsg_flags |= NLM_F_ACK;
	}
	if (mnl_socket_sendto(rt->sock, rt->buf + from, to - from) < 0)
		return err_set(err, NETSIM_ERR_KERNEL, -errno, rt->ops[first].at, "%s: %s",
			       rt->ops[first].what, strerror(errno));
	return collect(rt, first, count, base, err);
}

int rtnl_send(struct rtnl *rt, struct netsim_err *err)
{
	size_t first = 0;
	int r = rt->failed ? err_oom(err) : 0;

	while (r == 0 && first < rt->op_count) {
		size_t count = 1;

		while (first + count < rt->op_count && count < CHUNK_OPS &&
		       op_end(rt, first + count) - rt->ops[first].start <= CHUNK_BYTES)
			count++;
		r = send_chunk(rt, first, count, err);
		first += count;
	}
	rtnl_reset(rt);
	return r;
}

/* Appends a message, and zeroes in case it is shorter than its fixed header. */
static int append(struct rtnl_reply *reply, const struct nlmsghdr *h)
{
	size_t size = NLMSG_ALIGN(h->nlmsg_len);
	char *data = realloc(reply->data, reply->size + size + HEADER_MAX);

	if (!data)
		return -ENOMEM;
	memset(data + reply->size, 0, size + HEADER_MAX);
	memcpy(data + reply->size, h, h->nlmsg_len);
	reply->data = data;
	reply->size += size;
	return 0;
}

/* NLMSG_DONE carries the error of a dump that failed midway. */
static int end_of_dump(const struct rtnl *rt, const struct nlmsghdr *h, struct netsim_err *err)
{
	int code = 0;

	if (mnl_nlmsg_get_payload_len(h) >= sizeof(code))
		memcpy(&code, mnl_nlmsg_get_payload(h), sizeof(code));
	if (code >= 0)
		return 1;
	code = code == -EAGAIN || code < -ERRNO_MAX ? -EIO : code;
	return err_errno(err, code, NULL, "%s", rt->ops[0].what);
}

/*
 * Handles one message of an answer. Returns 1 if the answer is complete, 0 if more
 * follows, -EAGAIN if the dump was interrupted, or another negative errno.
 */
static int take_message(struct rtnl *rt, const struct nlmsghdr *h, struct rtnl_reply *reply,
			struct netsim_err *err)
{
	if (h->nlmsg_seq != rt->seq - 1)
		return 0;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EAGAIN;
	if (h->nlmsg_type == NLMSG_DONE)
		return end_of_dump(rt, h, err);
	if (h->nlmsg_type == NLMSG_ERROR && !is_error(h))
		return 0;
	if (h->nlmsg_type == NLMSG_ERROR) {
		int code = verdict_of(h);

		if (code == 0)
			return 1;
		if (-code != rt->ops[0].tolerated)
			fill_refusal(rt, 0, h, code, err);
		return code == -EAGAIN ? -EIO : code;
	}
	if (append(reply, h) < 0)
		return err_oom(err);
	return h->nlmsg_flags & NLM_F_MULTI ? 0 : 1;
}

static int receive_reply(struct rtnl *rt, struct rtnl_reply *reply, struct netsim_err *err)
{
	bool interrupted = false;

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(rt->sock, rt->answer, RECV_BYTES);
		const struct nlmsghdr *h = (const void *)rt->answer;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "%s: %s",
				       rt->ops[0].what, strerror(errno));
		for (; is_whole(h, left); h = mnl_nlmsg_next(h, &left)) {
			int r = take_message(rt, h, reply, err);

			if (r == -EAGAIN)
				interrupted = true;
			if (r < 0 && r != -EAGAIN)
				return r;
			if (h->nlmsg_type == NLMSG_DONE && h->nlmsg_seq == rt->seq - 1)
				return interrupted ? -EAGAIN : 0;
			if (r > 0)
				return 0;
		}
	}
}

int rtnl_ask(struct rtnl *rt, struct rtnl_reply *ret, struct netsim_err *err)
{
	struct rtnl_reply reply = {0};
	int r = rt->failed ? err_oom(err) : -EAGAIN;

	for (int tries = 0; r == -EAGAIN && tries < DUMP_TRIES; tries++) {
		struct nlmsghdr *h = current(rt);

		free(reply.data);
		reply = (struct rtnl_reply) {0};
		h->nlmsg_seq = rt->seq++;
		h->nlmsg_pid = rt->portid;
		if (mnl_socket_sendto(rt->sock, h, h->nlmsg_len) < 0)
			r = err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "%s: %s", rt->ops[0].what,
				    strerror(errno));
		else
			r = receive_reply(rt, &reply, err);
	}
	if (r == -EAGAIN)
		err_set(err, NETSIM_ERR_KERNEL, r, NULL, "%s: the kernel's state keeps changing",
			rt->ops[0].what);
	rtnl_reset(rt);
	if (r < 0)
		free(reply.data);
	else
		*ret = reply;
	return r;
}

static void sort_attrs(const struct nlattr *attr, const char *end, const struct nlattr **table,
		       uint16_t max)
{
	for (; mnl_attr_ok(attr, (int)(end - (const char *)attr)); attr = mnl_attr_next(attr)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type <= max)
			table[type] = attr;
	}
}

void rtnl_parse(const struct nlmsghdr *msg, size_t header_size, const struct nlattr **table,
		uint16_t max)
{
	const char *end = (const char *)msg + msg->nlmsg_len;

	memset(table, 0, (max + 1U) * sizeof(*table));
	if (mnl_nlmsg_get_payload_len(msg) >= header_size)
		sort_attrs(mnl_nlmsg_get_payload_offset(msg, header_size), end, table, max);
}

void rtnl_parse_tail(const struct nlattr *nest, size_t header_size, const struct nlattr **table,
		     uint16_t max)
{
	size_t header = NLA_ALIGN(header_size);

	memset(table, 0, (max + 1U) * sizeof(*table));
	if (nest && nest->nla_len >= NLA_HDRLEN + header)
		sort_attrs((const void *)((const char *)(nest + 1) + header),
			   (const char *)nest + nest->nla_len, table, max);
}

void rtnl_parse_nest(const struct nlattr *nest, const struct nlattr **table, uint16_t max)
{
	rtnl_parse_tail(nest, 0, table, max);
}

static void copy_value(const struct nlattr *attr, void *value, size_t size)
{
	if (attr && mnl_attr_get_payload_len(attr) >= size)
		memcpy(value, mnl_attr_get_payload(attr), size);
}

uint8_t rtnl_u8(const struct nlattr *attr)
{
	uint8_t value = 0;

	copy_value(attr, &value, sizeof(value));
	return value;
}

uint16_t rtnl_u16(const struct nlattr *attr)
{
	uint16_t value = 0;

	copy_value(attr, &value, sizeof(value));
	return value;
}

uint32_t rtnl_u32(const struct nlattr *attr)
{
	uint32_t value = 0;

	copy_value(attr, &value, sizeof(value));
	return value;
}

uint64_t rtnl_u64(const struct nlattr *attr)
{
	uint64_t value = 0;

	copy_value(attr, &value, sizeof(value));
	return value;
}

const char *rtnl_str(const struct nlattr *attr)
{
	const char *text = attr ? mnl_attr_get_payload(attr) : NULL;
	size_t size = attr ? mnl_attr_get_payload_len(attr) : 0;

	return size && memchr(text, 0, size) ? text : "";
}
