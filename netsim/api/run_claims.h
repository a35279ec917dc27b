/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences as claims for the judge. */
#ifndef NETSIM_API_RUN_CLAIMS_H
#define NETSIM_API_RUN_CLAIMS_H

#include "netsim/config/expectation.h"
#include "netsim/judge/claim.h"

/* Fills a claim, which points to the texts of e; phase and repetitions are the caller's. */
void claim_make(const struct expectation *e, const char *phase, unsigned repetitions,
		struct claim *ret);

#endif
