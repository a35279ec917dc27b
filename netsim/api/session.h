/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fleet with its policy, locked while it is changed. */
#ifndef NETSIM_SESSION_H
#define NETSIM_SESSION_H

#include "netsim/api/handle.h"

struct session {
	char *fleet;
	struct model *model;
	struct policy *policy; /* NULL until somebody opens it */
	int lock;	       /* -1: none */
};

/* With dry, nothing is locked. Always to be ended with session_done(). */
int session_open(struct netsim *ns, const char *fleet, bool dry, struct session *ret,
		 struct netsim_err *err);
void session_done(struct session *s);
/* Others may change the fleet from now on. */
void session_unlock(struct session *s);

/* Refuses a name that no fault can have, or that one has. NULL is no name. */
int session_check_name(const struct session *s, const char *name, struct netsim_err *err);

#endif
