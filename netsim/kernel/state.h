/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has: the links of this network namespace and of the nodes,
 * and which of them are netsim's. Also keeps the sockets into the namespaces.
 */
#ifndef NETSIM_STATE_H
#define NETSIM_STATE_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/rtnl.h"

struct nl_sock;

/* A way into a node's namespace. */
struct handle {
	char *netns;
	int fd;
	struct rt *rt;
	struct nl_sock *routes; /* opened when routes are read */
	bool no_routes;		/* made by this process, without any: not worth reading */
};

struct state {
	int own_fd;	    /* this process's network namespace */
	uint64_t own_id;    /* its inode */
	struct rt *rt;	    /* a socket in it */
	struct model *host; /* all its links, whoever made them; state_read_host() */
	struct handle **handles;
	size_t handle_count;
};

int state_open(struct state *ret, struct netsim_err *err);
void state_close(struct state *st);

/* Reads all links of this namespace into st->host, replacing what was there. */
int state_read_host(struct state *st, struct netsim_err *err);

/* The name of a node's namespace: FLEET.NODE. Cut never: 32 + 1 + 63 fit. */
#define NETNS_TEXT 128
void state_netns_name(const char *fleet, const char *node, char ret[static NETNS_TEXT]);

/*
 * The handle of a node's namespace, opened where it is not yet. It belongs to st.
 * -ENOENT without filling err where there is no such namespace, or where it is
 * not netsim's, or a fleet's in another network namespace.
 */
int state_handle(struct state *st, const char *fleet, const char *node, struct handle **ret,
		 struct netsim_err *err);
/* Keeps a new namespace; fd and rt become st's even on failure. NULL when memory ran out. */
struct handle *state_adopt(struct state *st, const char *fleet, const char *node, int fd,
			   struct rt *rt);
/* Closes one handle, and with it a namespace that has no name. */
void state_forget(struct state *st, const char *fleet, const char *node);
/* Opens a socket in a namespace. */
int state_rt_in(struct state *st, int fd, struct rt **ret, struct netsim_err *err);

enum state_depth {
	STATE_PORTS, /* what lies in this namespace: bridges, ports, IFBs */
	STATE_NODES, /* also which namespaces are there */
	STATE_ALL,   /* also links, addresses and routes inside the nodes */
};

/*
 * The fleet as the kernel has it; empty where there is none. Call
 * state_read_host() before. The result is the caller's.
 */
int state_read(struct state *st, const char *fleet, enum state_depth depth, struct model **ret,
	       struct netsim_err *err);

/* The names of all fleets with a link or namespace here, sorted; the caller's. */
int state_fleets(struct state *st, char ***ret, size_t *ret_count, struct netsim_err *err);

/* True when the link is this fleet's. */
bool state_is_ours(const struct link *link, const char *fleet);

#endif
