/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of libpcap that netsim calls, loaded when a capture begins. */
#ifndef NETSIM_LIBPCAP_H
#define NETSIM_LIBPCAP_H

#include <pcap/pcap.h>

#include "netsim/util/err.h"

#define LIBPCAP_FUNCTIONS(F)    \
	F(activate)             \
	F(close)                \
	F(compile)              \
	F(create)               \
	F(datalink)             \
	F(dispatch)             \
	F(fileno)               \
	F(freecode)             \
	F(get_selectable_fd)    \
	F(geterr)               \
	F(set_buffer_size)      \
	F(set_promisc)          \
	F(set_protocol_linux)   \
	F(set_snaplen)          \
	F(set_timeout)          \
	F(set_tstamp_precision) \
	F(setnonblock)          \
	F(stats)                \
	F(statustostr)

#define LIBPCAP_POINTER(name) __typeof__(pcap_##name) *name;
struct libpcap {
	LIBPCAP_FUNCTIONS(LIBPCAP_POINTER)
};
#undef LIBPCAP_POINTER

/* Valid after libpcap_load(). */
extern struct libpcap libpcap;

/* Returns 0 or a negative errno with err filled. */
int libpcap_load(struct netsim_err *err);

#endif
