/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETSIM_NEED_H
#define NETSIM_NEED_H

/* How many targets of a probe must answer. */
enum probe_need {
	NEED_ANY,
	NEED_MAJORITY,
	NEED_ALL,
};

#endif
