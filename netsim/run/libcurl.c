// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/run/libcurl.h"

#include <errno.h>
#include <pthread.h>

#include "netsim/util/auto.h"
#include "netsim/util/load.h"

struct libcurl libcurl;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode initialized;

static void initialize(void)
{
	initialized = libcurl.global_init(CURL_GLOBAL_DEFAULT);
}

int libcurl_load(struct netsim_err *err)
{
#define SYMBOL(name) {"curl_" #name, &libcurl.name},
	static const struct load_symbol symbols[] = {LIBCURL_FUNCTIONS(SYMBOL)};
#undef SYMBOL
	int r = load_library(LIBCURL, symbols, ARRAY_SIZE(symbols), err);

	if (r < 0)
		return r;
	pthread_once(&once, initialize);
	if (initialized != CURLE_OK)
		return err_set(err, NETSIM_ERR_ENV, -ENOMEM, NULL, "cannot initialize libcurl: %s",
			       libcurl.easy_strerror(initialized));
	return 0;
}

void libcurl_set_tls(CURL *easy, const char *ca, const char *cert, const char *key)
{
	libcurl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, ca ? 1L : 0L);
	libcurl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, ca ? 2L : 0L);
	libcurl.easy_setopt(easy, CURLOPT_CAINFO, ca);
	libcurl.easy_setopt(easy, CURLOPT_SSLCERT, cert);
	libcurl.easy_setopt(easy, CURLOPT_SSLKEY, key);
}
