/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/etcd.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "netsim/run/thread.h"
#include "netsim/util/auto.h"

#define RESPONSE_MAX (64U << 20)

/* --- one request */

/* Without a seek function, libcurl cannot send the body again on another connection. */
static size_t give_body(char *to, size_t size, size_t count, void *arg)
{
	struct etcd_call *call = arg;
	size_t left = call->request.len - call->taken, room = size * count;
	size_t length = left < room ? left : room;

	if (length)
		memcpy(to, call->request.data + call->taken, length);
	call->taken += length;
	return length;
}

/* Splits the response of a watch into lines, and keeps an incomplete last one. */
static void take_lines(struct etcd_call *call)
{
	struct buf *buf = &call->response;
	char *start = buf->data, *end;

	while ((end = memchr(start, '\n', buf->len - (size_t)(start - buf->data)))) {
		struct etcd_reply reply;

		if (etcd_read_reply(start, (size_t)(end - start), &reply) == 0) {
			call->line(call->arg, &reply);
			etcd_reply_done(&reply);
		}
		start = end + 1;
	}
	buf->len -= (size_t)(start - buf->data);
	memmove(buf->data, start, buf->len + 1);
}

static size_t take_response(char *data, size_t size, size_t count, void *arg)
{
	struct etcd_call *call = arg;

	if (call->response.len > RESPONSE_MAX)
		return 0;
	buf_add(&call->response, data, size * count);
	if (call->response.failed)
		return 0;
	if (call->line)
		take_lines(call);
	return size * count;
}

static void describe(struct etcd_call *call, CURLcode code, long status)
{
	struct etcd_answer *answer = &call->answer;
	const char *error = *call->error ? call->error : libcurl.easy_strerror(code);

	if (code == CURLE_OPERATION_TIMEDOUT)
		err_format(answer->why, sizeof(answer->why), "no answer within %g s",
			   (double)call->timeout / 1e9);
	else if (code == CURLE_COULDNT_CONNECT)
		err_format(answer->why, sizeof(answer->why), "connection refused or failed: %s",
			   error);
	else if (code == CURLE_SEND_FAIL_REWIND)
		err_format(answer->why, sizeof(answer->why), "the connection was closed");
	else if (code != CURLE_OK)
		err_format(answer->why, sizeof(answer->why), "%s", error);
	else if (answer->reply.error_code)
		err_format(answer->why, sizeof(answer->why), "%s", answer->reply.error);
	else
		err_format(answer->why, sizeof(answer->why),
			   "HTTP status %ld, without an answer of etcd", status);
}

/* Fills call->answer from the result of a transfer. */
static void conclude(struct etcd_call *call, CURLcode code)
{
	struct etcd_answer *answer = &call->answer;
	bool readable = false;
	long status = 0;

	if (code == CURLE_OK) {
		libcurl.easy_getinfo(call->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
		readable = call->response.data &&
			   etcd_read_reply(call->response.data, call->response.len,
					   &answer->reply) == 0;
	}
	answer->outcome =
		etcd_judge(call->taken > 0, (int)status, readable ? &answer->reply : NULL);
	if (answer->outcome != ETCD_OK)
		describe(call, code, status);
}

static void on_done(void *arg, CURLcode code)
{
	struct etcd_call *call = arg;

	conclude(call, code);
	call->done(call->arg, &call->answer);
}

int etcd_call_open(struct etcd_call *call, struct netsim_err *err)
{
	CURL *easy;
	int r = loop_easy(&easy, err);

	if (r < 0)
		return r;
	*call = (struct etcd_call) {.transfer = {easy, on_done, call}};
	/* No "Expect: 100-continue", which costs a round trip. */
	call->headers = libcurl.slist_append(NULL, "Expect:");
	if (!call->headers) {
		etcd_call_close(call);
		return err_oom(err);
	}
	libcurl.easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	libcurl.easy_setopt(easy, CURLOPT_POST, 1L);
	libcurl.easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
	libcurl.easy_setopt(easy, CURLOPT_READDATA, call);
	libcurl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_response);
	libcurl.easy_setopt(easy, CURLOPT_WRITEDATA, call);
	libcurl.easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	/* With HTTP/2, concurrent calls share a connection, and one that hangs holds up others. */
	libcurl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	return 0;
}

void etcd_call_close(struct etcd_call *call)
{
	if (call->transfer.easy)
		libcurl.easy_cleanup(call->transfer.easy);
	if (call->headers)
		libcurl.slist_free_all(call->headers);
	buf_done(&call->request);
	buf_done(&call->response);
	etcd_answer_done(&call->answer);
	*call = (struct etcd_call) {0};
}

struct buf *etcd_call_body(struct etcd_call *call)
{
	buf_done(&call->request);
	return &call->request;
}

static void prepare(struct etcd_call *call, const struct etcd_endpoint *to, const char *path,
		    int64_t timeout_ns)
{
	CURL *easy = call->transfer.easy;

	etcd_answer_done(&call->answer);
	call->response.len = 0;
	call->taken = 0;
	call->timeout = timeout_ns;
	*call->error = '\0';
	snprintf(call->url, sizeof(call->url), "%s%s", to->url, path);
	libcurl.easy_setopt(easy, CURLOPT_URL, call->url);
	libcurl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->request.len);
	libcurl.easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)((timeout_ns + 999999) / 1000000));
	libcurl_set_tls(easy, to->tls.ca, to->tls.cert, to->tls.key);
}

void etcd_call_wait(struct etcd_call *call, const struct etcd_endpoint *to, const char *path,
		    int64_t timeout_ns)
{
	prepare(call, to, path, timeout_ns);
	conclude(call, libcurl.easy_perform(call->transfer.easy));
}

void etcd_call_start(struct etcd_call *call, struct loop *loop, const struct etcd_endpoint *to,
		     const char *path, int64_t timeout_ns)
{
	prepare(call, to, path, timeout_ns);
	loop_start(loop, &call->transfer);
}

void etcd_call_watch(struct etcd_call *call, struct loop *loop, const struct etcd_endpoint *to)
{
	prepare(call, to, ETCD_WATCH, 0);
	loop_start(loop, &call->transfer);
}

void etcd_answer_done(struct etcd_answer *answer)
{
	etcd_reply_done(&answer->reply);
	*answer = (struct etcd_answer) {0};
}

/* --- all members at once */

struct question {
	const struct etcd_endpoint *to;
	const char *path, *body;
	int64_t timeout;
	struct etcd_answer *answer;
	pthread_t thread;
	bool running;
};

static void ask_one(void *arg)
{
	struct question *question = arg;
	struct etcd_answer *answer = question->answer;
	struct etcd_call call;

	if (etcd_call_open(&call, NULL) < 0) {
		answer->outcome = ETCD_FAILED;
		snprintf(answer->why, sizeof(answer->why), "out of memory");
		return;
	}
	buf_puts(etcd_call_body(&call), question->body);
	etcd_call_wait(&call, question->to, question->path, question->timeout);
	*answer = call.answer;
	call.answer = (struct etcd_answer) {0};
	etcd_call_close(&call);
}

/* For a member whose namespace cannot be entered, the outcome is ETCD_FAILED. */
int etcd_ask(const struct etcd_endpoint *endpoints, size_t count, const char *path,
	     const char *body, int64_t timeout_ns, struct etcd_answer *answers,
	     struct netsim_err *err)
{
	auto_free struct question *questions = calloc(count + 1, sizeof(*questions));

	if (!questions)
		return err_oom(err);
	for (size_t i = 0; i < count; i++) {
		struct question *question = &questions[i];
		struct netsim_err why = {0};

		answers[i] = (struct etcd_answer) {0};
		*question = (struct question) {&endpoints[i], path,	    body, timeout_ns,
					       &answers[i],   (pthread_t)0, false};
		if (thread_start(endpoints[i].netns, ask_one, question, &question->thread, &why) ==
		    0) {
			question->running = true;
			continue;
		}
		answers[i].outcome = ETCD_FAILED;
		err_format(answers[i].why, sizeof(answers[i].why), "%s", why.what);
	}
	for (size_t i = 0; i < count; i++)
		if (questions[i].running)
			pthread_join(questions[i].thread, NULL);
	return 0;
}

/* --- the leader */

/* The node whose member has this ID, or the ID in hexadecimal, as etcd prints it. */
static const char *name_member(uint64_t id, const struct etcd_endpoint *endpoints,
			       const struct etcd_answer *answers, size_t count, char buf[static 32])
{
	for (size_t i = 0; i < count; i++)
		if (answers[i].outcome == ETCD_OK && answers[i].reply.member == id)
			return endpoints[i].node;
	snprintf(buf, 32, "member %" PRIx64, id);
	return buf;
}

static int no_leader(const struct etcd_endpoint *endpoints, const struct etcd_answer *answers,
		     size_t count, struct netsim_err *err)
{
	struct buf text = {0};
	int r = -ENOENT;

	buf_puts(&text, "no leader:");
	for (size_t i = 0; i < count; i++) {
		const struct etcd_answer *answer = &answers[i];
		char id[32];

		buf_printf(&text, "%s %s: ", i ? ";" : "", endpoints[i].node);
		if (answer->outcome != ETCD_OK)
			buf_puts(&text, answer->why);
		else if (answer->reply.leader == 0)
			buf_printf(&text, "knows none in term %" PRIu64, answer->reply.raft_term);
		else
			buf_printf(&text, "follows %s in term %" PRIu64,
				   name_member(answer->reply.leader, endpoints, answers, count, id),
				   answer->reply.raft_term);
	}
	if (text.failed)
		r = err_oom(err);
	else
		err_set(err, NETSIM_ERR_FAILED, r, NULL, "%s", text.data);
	buf_done(&text);
	return r;
}

int etcd_find_leader(const struct etcd_endpoint *endpoints, const struct etcd_answer *answers,
		     size_t count, size_t *ret, struct netsim_err *err)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++) {
		const struct etcd_reply *reply = &answers[i].reply;

		/* A leader that was cut off may still believe in itself, in an earlier term. */
		if (answers[i].outcome == ETCD_OK && reply->leader &&
		    reply->leader == reply->member &&
		    (best == count || reply->raft_term > answers[best].reply.raft_term))
			best = i;
	}
	if (best == count)
		return no_leader(endpoints, answers, count, err);
	*ret = best;
	return 0;
}

int etcd_leader(const struct etcd_endpoint *endpoints, size_t count, int64_t timeout_ns,
		size_t *ret, struct netsim_err *err)
{
	auto_free struct etcd_answer *answers = calloc(count + 1, sizeof(*answers));
	int r = answers ? etcd_ask(endpoints, count, ETCD_STATUS, "{}", timeout_ns, answers, err) :
			  err_oom(err);

	if (r == 0)
		r = etcd_find_leader(endpoints, answers, count, ret, err);
	for (size_t i = 0; answers && i < count; i++)
		etcd_answer_done(&answers[i]);
	return r;
}
