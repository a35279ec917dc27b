// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/run/libnbd.h"

#include "netsim/util/auto.h"
#include "netsim/util/load.h"

struct libnbd libnbd;

int libnbd_load(struct netsim_err *err)
{
#define SYMBOL(result, name, parameters) {#name, &libnbd.name},
	static const struct load_symbol symbols[] = {LIBNBD_FUNCTIONS(SYMBOL)};
#undef SYMBOL

	return load_library(LIBNBD, symbols, ARRAY_SIZE(symbols), err);
}
