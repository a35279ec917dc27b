// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/packet/libpcap.h"

#include "netsim/util/auto.h"
#include "netsim/util/load.h"

struct libpcap libpcap;

int libpcap_load(struct netsim_err *err)
{
#define SYMBOL(name) {"pcap_" #name, &libpcap.name},
	static const struct load_symbol symbols[] = {LIBPCAP_FUNCTIONS(SYMBOL)};
#undef SYMBOL

	return load_library(LIBPCAP, symbols, ARRAY_SIZE(symbols), err);
}
