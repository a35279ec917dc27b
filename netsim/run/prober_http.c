/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kind http: the URL, and the judgement of answers. With TLS, transfers of libcurl, whose
 * connections are shared within a probe only.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/run/prober_parts.h"
#include "netsim/util/buf.h"

#define BODY_MAX 65536 /* bytes in which the expected text is looked for */

enum { SCHEME, USER, HOST, PORT, CONNECT_PORT, PATH, QUERY, PART_COUNT };
static const struct {
	CURLUPart part;
	unsigned flags;
} parts[PART_COUNT] = {
	[SCHEME] = {CURLUPART_SCHEME, 0}, [USER] = {CURLUPART_USER, 0},
	[HOST] = {CURLUPART_HOST, 0},	  [PORT] = {CURLUPART_PORT, 0},
	[PATH] = {CURLUPART_PATH, 0},	  [CONNECT_PORT] = {CURLUPART_PORT, CURLU_DEFAULT_PORT},
	[QUERY] = {CURLUPART_QUERY, 0}};

void http_close(struct lane *lane)
{
	if (lane->share)
		libcurl.share_cleanup(lane->share);
	if (lane->resolved)
		libcurl.slist_free_all(lane->resolved);
	free(lane->request);
	lane->request = NULL;
	lane->share = NULL;
	lane->resolved = NULL;
}

static int refuse(const struct lane *lane, const char *why, struct netsim_err *err)
{
	return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "probe %s: %s: %s", lane->spec->name,
		       lane->spec->url, why);
}

/* Splits the URL; parts that it lacks are NULL. The caller frees them also after a failure. */
static int split_url(const struct lane *lane, char *ret[static PART_COUNT], struct netsim_err *err)
{
	CURLU *url = libcurl.url();
	CURLUcode code = url ? libcurl.url_set(url, CURLUPART_URL, lane->spec->url, 0) :
			       CURLUE_OUT_OF_MEMORY;

	for (size_t i = 0; code == CURLUE_OK && i < PART_COUNT; i++)
		libcurl.url_get(url, parts[i].part, &ret[i], parts[i].flags);
	libcurl.url_cleanup(url);
	if (code != CURLUE_OK)
		return refuse(lane, libcurl.url_strerror(code), err);
	return ret[HOST] && ret[CONNECT_PORT] ? 0 : refuse(lane, "it has no host", err);
}

/* Resolves the host of the URL, and gives libcurl the answer: "HOST:PORT:ADDRESS". */
static int resolve_url(struct lane *lane, char *const part[static PART_COUNT],
		       struct netsim_err *err)
{
	char address[INET6_ADDRSTRLEN] = "", entry[512], bare[256];
	const char *host = part[HOST], *port = part[CONNECT_PORT];
	int r;

	/* IPv6 addresses are in brackets. */
	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(host + (*host == '['), "]"),
		 host + (*host == '['));
	r = lane_resolve(lane, bare, (uint16_t)atoi(port), err);
	if (r == 0 &&
	    getnameinfo((struct sockaddr *)&lane->to, lane->to_size, address, sizeof(address), NULL,
			0, NI_NUMERICHOST) == 0 &&
	    strcmp(bare, address) != 0) {
		snprintf(entry, sizeof(entry), "%s:%s:%s", host, port, address);
		lane->resolved = libcurl.slist_append(NULL, entry);
		if (!lane->resolved)
			r = err_oom(err);
	}
	return r;
}

/* Writes the request of an http URL without a user; all other requests are left to libcurl. */
static int write_request(struct lane *lane, char *const part[static PART_COUNT],
			 struct netsim_err *err)
{
	struct buf text = {0};

	if (strcmp(part[SCHEME], "http") != 0 || part[USER])
		return 0;
	buf_printf(&text, "GET %s%s%s HTTP/1.1\r\nHost: %s%s%s\r\n", part[PATH],
		   part[QUERY] ? "?" : "", part[QUERY] ? part[QUERY] : "", part[HOST],
		   part[PORT] ? ":" : "", part[PORT] ? part[PORT] : "");
	buf_puts(&text, "User-Agent: netsim\r\nAccept: */*\r\n\r\n");
	lane->request_size = text.len;
	lane->request = buf_take(&text);
	return lane->request ? 0 : err_oom(err);
}

int http_open(struct lane *lane, struct netsim_err *err)
{
	const char *files[] = {lane->spec->ca, lane->spec->cert, lane->spec->key};
	char *part[PART_COUNT] = {NULL};
	int r = split_url(lane, part, err);

	if (r == 0)
		r = resolve_url(lane, part, err);
	if (r == 0)
		r = write_request(lane, part, err);
	for (size_t i = 0; i < PART_COUNT; i++)
		libcurl.free(part[i]);
	for (size_t i = 0; r == 0 && i < 3; i++)
		if (files[i] && access(files[i], R_OK) < 0)
			r = err_errno(err, -errno, NULL, "probe %s: cannot read %s",
				      lane->spec->name, files[i]);
	if (r == 0) {
		lane->share = libcurl.share_init();
		if (!lane->share || libcurl.share_setopt(lane->share, CURLSHOPT_SHARE,
							 CURL_LOCK_DATA_CONNECT) != CURLSHE_OK)
			r = err_oom(err);
	}
	return r;
}

/* --- an attempt */

void http_take(struct attempt *attempt, const char *data, size_t size)
{
	size_t room = BODY_MAX - attempt->body_size, length = size < room ? size : room;

	if (!attempt->lane->spec->body)
		return;
	if (!attempt->body)
		attempt->body = malloc(BODY_MAX);
	if (!attempt->body)
		return;
	memcpy(attempt->body + attempt->body_size, data, length);
	attempt->body_size += length;
}

void http_answered(struct attempt *attempt)
{
	const struct prober_probe *spec = attempt->lane->spec;
	int status = attempt->sample.status;
	bool right = status == (int)(spec->status ? spec->status : 200);

	if (spec->body && !(attempt->body && memmem(attempt->body, attempt->body_size, spec->body,
						    strlen(spec->body))))
		right = false;
	attempt_end(attempt, right ? PROBER_OK : PROBER_WRONG);
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	http_take(arg, data, size * count);
	return size * count;
}

/* The errno of a failed connection. */
static int error_of(const struct attempt *attempt, CURLcode code)
{
	long error = 0;

	libcurl.easy_getinfo(attempt->transfer.easy, CURLINFO_OS_ERRNO, &error);
	if (error == 0 &&
	    (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING))
		error = ECONNRESET;
	return (int)error;
}

static void http_done(void *arg, CURLcode code)
{
	struct attempt *attempt = arg;
	long status = 0;

	libcurl.easy_getinfo(attempt->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
	attempt->sample.status = (int)status;
	if (code != CURLE_OK) {
		attempt->sample.error = error_of(attempt, code);
		attempt->sample.text = libcurl.easy_strerror(code);
		attempt_end(attempt, PROBER_ERROR);
		return;
	}
	http_answered(attempt);
}

/* The handle is set up once, and used by all attempts that reuse this struct. */
static CURL *make_easy(struct attempt *attempt)
{
	const struct lane *lane = attempt->lane;
	const struct prober_probe *spec = lane->spec;
	CURL *easy;

	if (loop_easy(&easy, NULL) < 0)
		return NULL;
	libcurl.easy_setopt(easy, CURLOPT_URL, spec->url);
	libcurl.easy_setopt(easy, CURLOPT_SHARE, lane->share);
	libcurl.easy_setopt(easy, CURLOPT_RESOLVE, lane->resolved);
	libcurl.easy_setopt(easy, CURLOPT_FRESH_CONNECT, spec->fresh ? 1L : 0L);
	libcurl.easy_setopt(easy, CURLOPT_FORBID_REUSE, spec->fresh ? 1L : 0L);
	libcurl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	libcurl.easy_setopt(easy, CURLOPT_WRITEDATA, attempt);
	libcurl.easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L); /* bodies are short */
	/* HTTP/2 would put several attempts on one connection. */
	libcurl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	libcurl_set_tls(easy, spec->ca, spec->cert, spec->key);
	return easy;
}

void http_begin(struct attempt *attempt)
{
	if (!attempt->transfer.easy) {
		attempt->transfer = (struct loop_transfer) {make_easy(attempt), http_done, attempt};
		if (!attempt->transfer.easy) {
			attempt->sample.error = ENOMEM;
			attempt_end(attempt, PROBER_UNSENT);
			return;
		}
	}
	attempt->body_size = 0;
	loop_start(attempt->lane->worker->loop, &attempt->transfer);
}

void http_abandon(struct attempt *attempt)
{
	loop_abort(attempt->lane->worker->loop, &attempt->transfer);
}
