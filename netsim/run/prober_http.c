/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kind http: transfers of libcurl, whose connections are shared within a probe only. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/run/prober_parts.h"

#define BODY_MAX 65536 /* bytes in which the expected text is looked for */

void http_close(struct lane *lane)
{
	if (lane->share)
		libcurl.share_cleanup(lane->share);
	if (lane->resolved)
		libcurl.slist_free_all(lane->resolved);
	lane->share = NULL;
	lane->resolved = NULL;
}

static int refuse(const struct lane *lane, const char *why, struct netsim_err *err)
{
	return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "probe %s: %s: %s", lane->spec->name,
		       lane->spec->url, why);
}

/* Resolves the host of the URL, and gives libcurl the answer: "HOST:PORT:ADDRESS". */
static int resolve_url(struct lane *lane, struct netsim_err *err)
{
	char address[INET6_ADDRSTRLEN] = "", entry[512], bare[256];
	char *host = NULL, *port = NULL;
	CURLU *url = libcurl.url();
	CURLUcode code = url ? libcurl.url_set(url, CURLUPART_URL, lane->spec->url, 0) :
			       CURLUE_OUT_OF_MEMORY;
	int r = 0;

	if (code == CURLUE_OK)
		code = libcurl.url_get(url, CURLUPART_HOST, &host, 0);
	if (code == CURLUE_OK)
		code = libcurl.url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (code != CURLUE_OK)
		r = refuse(lane, libcurl.url_strerror(code), err);
	/* IPv6 addresses are in brackets. */
	if (r == 0) {
		snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(host + (*host == '['), "]"),
			 host + (*host == '['));
		r = lane_resolve(lane, bare, (uint16_t)atoi(port), err);
	}
	if (r == 0 &&
	    getnameinfo((struct sockaddr *)&lane->to, lane->to_size, address, sizeof(address), NULL,
			0, NI_NUMERICHOST) == 0 &&
	    strcmp(bare, address) != 0) {
		snprintf(entry, sizeof(entry), "%s:%s:%s", host, port, address);
		lane->resolved = libcurl.slist_append(NULL, entry);
		if (!lane->resolved)
			r = err_oom(err);
	}
	libcurl.free(host);
	libcurl.free(port);
	libcurl.url_cleanup(url);
	return r;
}

int http_open(struct lane *lane, struct netsim_err *err)
{
	const char *files[] = {lane->spec->ca, lane->spec->cert, lane->spec->key};
	int r = resolve_url(lane, err);

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

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	struct attempt *attempt = arg;
	size_t room = BODY_MAX - attempt->body_size, length = size * count;

	if (attempt->body) {
		memcpy(attempt->body + attempt->body_size, data, length < room ? length : room);
		attempt->body_size += length < room ? length : room;
	}
	return length;
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
	const struct prober_probe *spec = attempt->lane->spec;
	long status = 0;
	bool right;

	libcurl.easy_getinfo(attempt->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
	attempt->sample.status = (int)status;
	if (code != CURLE_OK) {
		attempt->sample.error = error_of(attempt, code);
		attempt->sample.text = libcurl.easy_strerror(code);
		attempt_end(attempt, PROBER_ERROR);
		return;
	}
	right = status == (spec->status ? spec->status : 200) &&
		(!spec->body ||
		 memmem(attempt->body, attempt->body_size, spec->body, strlen(spec->body)));
	attempt_end(attempt, right ? PROBER_OK : PROBER_WRONG);
}

/* The handle is set up once, and used by all attempts in this place. */
static CURL *make_easy(struct attempt *attempt)
{
	const struct lane *lane = attempt->lane;
	const struct prober_probe *spec = lane->spec;
	CURL *easy;

	if (loop_easy(&easy, NULL) < 0)
		return NULL;
	if (spec->body && !(attempt->body = malloc(BODY_MAX))) {
		libcurl.easy_cleanup(easy);
		return NULL;
	}
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
	libcurl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, spec->ca ? 1L : 0L);
	libcurl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, spec->ca ? 2L : 0L);
	libcurl.easy_setopt(easy, CURLOPT_CAINFO, spec->ca);
	libcurl.easy_setopt(easy, CURLOPT_SSLCERT, spec->cert);
	libcurl.easy_setopt(easy, CURLOPT_SSLKEY, spec->key);
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
