/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often metrics are read in a run, and how long their values hold. */
#ifndef NETSIM_JUDGE_METRICS_H
#define NETSIM_JUDGE_METRICS_H

#define METRICS_INTERVAL 1000000000LL /* ns from one scrape to the next */
#define METRICS_GAP	 (3 * METRICS_INTERVAL + METRICS_INTERVAL / 2) /* longer: unproved */

#endif
