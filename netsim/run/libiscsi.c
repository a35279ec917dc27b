// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/run/libiscsi.h"

#include "netsim/util/auto.h"
#include "netsim/util/load.h"

struct libiscsi libiscsi;

int libiscsi_load(struct netsim_err *err)
{
#define SYMBOL(result, name, parameters) {#name, &libiscsi.name},
	static const struct load_symbol symbols[] = {LIBISCSI_FUNCTIONS(SYMBOL)};
#undef SYMBOL

	return load_library(LIBISCSI, symbols, ARRAY_SIZE(symbols), err);
}
