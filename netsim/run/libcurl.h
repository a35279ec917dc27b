/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of libcurl that netsim calls, loaded at the first request: most commands make
 * none, and loading libcurl with its libraries takes twice as long as such a command.
 */
#ifndef NETSIM_RUN_LIBCURL_H
#define NETSIM_RUN_LIBCURL_H

#include <curl/curl.h>

#include "netsim/util/err.h"

#define LIBCURL_FUNCTIONS(F)   \
	F(easy_cleanup)        \
	F(easy_getinfo)        \
	F(easy_init)           \
	F(easy_perform)        \
	F(easy_setopt)         \
	F(easy_strerror)       \
	F(free)                \
	F(global_init)         \
	F(multi_add_handle)    \
	F(multi_assign)        \
	F(multi_cleanup)       \
	F(multi_info_read)     \
	F(multi_init)          \
	F(multi_remove_handle) \
	F(multi_setopt)        \
	F(multi_socket_action) \
	F(share_cleanup)       \
	F(share_init)          \
	F(share_setopt)        \
	F(slist_append)        \
	F(slist_free_all)      \
	F(url)                 \
	F(url_cleanup)         \
	F(url_get)             \
	F(url_set)             \
	F(url_strerror)

#define LIBCURL_POINTER(name) __typeof__(curl_##name) *name;
struct libcurl {
	LIBCURL_FUNCTIONS(LIBCURL_POINTER)
};
#undef LIBCURL_POINTER

/* Valid after libcurl_load(). */
extern struct libcurl libcurl;

/* Loads and initializes libcurl, once. Returns 0 or a negative errno with err filled. */
int libcurl_load(struct netsim_err *err);

/*
 * How a transfer makes TLS connections: ca: the file that the server's certificate is checked
 * with, or NULL to accept any; cert and key: the client's own, or NULL.
 */
void libcurl_set_tls(CURL *easy, const char *ca, const char *cert, const char *key);

#endif
