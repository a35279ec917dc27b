/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the kernel's state: the links of this network namespace and of the nodes, and
 * which of them are netsim's. Caches sockets in the nodes' namespaces.
 */
#ifndef NETSIM_STATE_H
#define NETSIM_STATE_H

#include "netsim/kernel/mark.h"
#include "netsim/kernel/model.h"
#include "netsim/kernel/rtnl.h"

struct nl_sock;

/* File descriptor and sockets of a node's namespace. */
struct handle {
	char *netns;
	int fd;
	struct rtnl *rt;
	struct nl_sock *routes; /* opened when routes are read */
	bool no_routes;		/* just created, without routes: skip reading them */
};

struct state {
	int own_fd;	    /* this process's network namespace */
	uint64_t own_id;    /* its inode */
	struct rtnl *rt;    /* a socket in it */
	struct model *host; /* all links in it, netsim's or not; see state_read_host() */
	struct handle **handles;
	size_t handle_count;
	/* A dry run: the marks that interfaces of this machine would get, and their topology. */
	struct assumed_mark *assumed;
	size_t assumed_count;
	struct topo *assumed_topo;
};

struct assumed_mark {
	char device[IFNAMSIZ], alias[MARK_TEXT];
};

/* From the next state_read_host() on, a link has this alias; in this process only. */
int state_assume(struct state *st, const char *device, const char *alias);

int state_open(struct state *ret, struct netsim_err *err);
void state_close(struct state *st);

/* Reads all links of this namespace into st->host, replacing an earlier snapshot. */
int state_read_host(struct state *st, struct netsim_err *err);

/* Formats the name of a node's namespace, FLEET.NODE; its 32 + 1 + 63 characters fit. */
#define NETNS_TEXT 128
void state_netns_name(const char *fleet, const char *node, char ret[static NETNS_TEXT]);

/*
 * Returns the handle of a node's namespace, opening it on first use; st owns it. Returns
 * -ENOENT without filling err if the namespace does not exist, is not netsim's, or
 * belongs to a fleet in another network namespace.
 */
int state_handle(struct state *st, const char *fleet, const char *node, struct handle **ret,
		 struct netsim_err *err);
/* Adds the handle of a new namespace. st takes fd and rt, even on failure. NULL: no memory. */
struct handle *state_adopt(struct state *st, const char *fleet, const char *node, int fd,
			   struct rtnl *rt);
/* Closes all handles: a process that runs for long must not keep removed namespaces alive. */
void state_forget_all(struct state *st);
/* Closes one handle; a namespace without a name disappears with it. */
void state_forget(struct state *st, const char *fleet, const char *node);
/* Opens an rtnetlink socket in the namespace fd; the caller closes *ret. */
int state_rt_in(struct state *st, int fd, struct rtnl **ret, struct netsim_err *err);

enum state_depth {
	STATE_PORTS, /* links in this namespace: bridges, ports, IFBs */
	STATE_NODES, /* also the existing namespaces of nodes */
	STATE_ALL,   /* also links, addresses and routes inside the nodes */
};

/*
 * Reads a fleet from the kernel; the model is empty if it does not exist. Call
 * state_read_host() first. The caller frees *ret with model_free().
 */
int state_read(struct state *st, const char *fleet, enum state_depth depth, struct model **ret,
	       struct netsim_err *err);

/* Lists all fleets with a link or namespace here, sorted; the caller frees array and names. */
int state_fleets(struct state *st, char ***ret, size_t *ret_count, struct netsim_err *err);

/* Sets *ret to whether netsim created the namespace FLEET.NODE, or began to. */
int state_owns_netns(struct state *st, const char *fleet, const char *node, bool *ret,
		     struct netsim_err *err);

/* Returns whether a link belongs to this fleet; made: whether netsim also created it. */
bool state_is_ours(const struct link *link, const char *fleet);
bool state_made(const struct link *link, const char *fleet);
/* True if this machine is a node of the fleet: some of its interfaces have the mark. */
bool state_is_machine(const struct state *st, const char *fleet);
/* True if a group has links that are not the fleet's: it cannot be removed as a whole. */
bool state_shares_group(const struct state *st, const char *fleet, uint32_t group);

#endif
