/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A topology and the links that it asks for. Include cmocka.h first. */
#ifndef TESTS_UNIT_LAID_H
#define TESTS_UNIT_LAID_H

#include <string.h>

#include "netsim/fleet/layout.h"

struct laid {
	struct topo *topo;
	struct model *model;
};

static inline struct laid lay_out(const char *text)
{
	struct netsim_diags diags = {0};
	struct netsim_err err = {0};
	struct laid laid = {0};

	if (topo_parse("f.yaml", text, strlen(text), &laid.topo, &diags) < 0)
		fail_msg("%u:%u %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].what);
	if (layout_make(laid.topo, &laid.model, &err) < 0)
		fail_msg("%s", err.what);
	return laid;
}

static inline void done(struct laid *laid)
{
	model_free(laid->model);
	topo_free(laid->topo);
}

#endif
