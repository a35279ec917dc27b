/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine can do: libnetsim-doctor(3). <netsim/netsim.h> includes it. */
#ifndef NETSIM_NETSIM_DOCTOR_H
#define NETSIM_NETSIM_DOCTOR_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

struct netsim_finding {
	const char *what; /* "netem" */
	const char *use;  /* "delay, loss and rate of profiles" */
	bool ok;
	bool optional;	    /* few uses need it: does not count as missing */
	const char *detail; /* the kernel's message, a version, or "" */
	const char *hint;   /* how to get it */
};

struct netsim_findings {
	struct netsim_finding **list;
	size_t count;
	size_t missing;
	const char *kernel;
	const char *engines; /* the engines that this machine supports, and their uses */
	const char *ovs;     /* the bridges of Open vSwitch, with their datapaths, or NULL */
};

/*
 * Tries each feature in a child process with a temporary network namespace. Free with
 * netsim_findings_free(). Needs no handle.
 */
NETSIM_API int netsim_doctor(struct netsim_findings **ret, struct netsim_err *err);
NETSIM_API void netsim_findings_free(struct netsim_findings *findings);

#ifdef __cplusplus
}
#endif

#endif
