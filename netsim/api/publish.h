/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts an analysis to the public result. */
#ifndef NETSIM_API_PUBLISH_H
#define NETSIM_API_PUBLISH_H

#include "netsim/flow/analysis.h"

/* Moves an analysis into a result, which netsim_analysis_free() frees. */
int analysis_publish(struct analysis *from, struct netsim_analysis **ret, struct netsim_err *err);

#endif
