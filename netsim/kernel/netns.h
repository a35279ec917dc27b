/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named network namespaces, as ip-netns(8) uses them: files below /run/netns.
 *
 * A new namespace gets its name only when its content is complete: if netsim is killed
 * earlier, it disappears with its last file descriptor. The file contains netsim's mark
 * until the namespace is mounted over it; lo in the namespace carries the mark, too.
 */
#ifndef NETSIM_NETNS_H
#define NETSIM_NETNS_H

#include <stddef.h>
#include <sys/types.h>

#include "netsim/util/err.h"

#define NETNS_DIR "/run/netns"

/* Opens the network namespace of this process; the caller closes *ret_fd. */
int netns_open_own(int *ret_fd, struct netsim_err *err);
/* Reads the inode number of this process's network namespace, which identifies it. */
int netns_own_id(uint64_t *ret, struct netsim_err *err);

/*
 * Calls fn in another network namespace, then returns to own_fd. The main thread
 * changes namespaces in no other way. Sockets that fn opens stay in that namespace.
 * Returns the result of fn, or a negative errno with err filled; exits the process if
 * it cannot return.
 */
int netns_within(int own_fd, int fd, int (*fn)(void *arg, struct netsim_err *err), void *arg,
		 struct netsim_err *err);
/* Creates a namespace without a name and moves the calling thread there for good. */
int netns_become_new(int *ret_fd, struct netsim_err *err);
/* Prepares /run/netns as ip-netns(8) does: as a shared mount, so that names propagate. */
int netns_prepare(struct netsim_err *err);
/* Mounts a namespace under its name, in a file with the mark; -EEXIST if the name is taken. */
int netns_publish(int fd, const char *name, const char *mark, struct netsim_err *err);
/* Removes a name; the namespace itself lives until its last process ends. */
int netns_remove(const char *name, struct netsim_err *err);

/*
 * Opens a named namespace. Returns -ENOENT without filling err if the name does not
 * exist, or is only the file of an interrupted netns_publish() (see netns_is_stale()).
 */
int netns_open(const char *name, int *ret_fd, struct netsim_err *err);
/* Sets *ret to whether name is a file with this mark on which no namespace is mounted. */
int netns_is_stale(const char *name, const char *mark_prefix, bool *ret, struct netsim_err *err);
/* Sets *ret to whether a file of this name exists; fails if that cannot be determined. */
int netns_exists(const char *name, bool *ret, struct netsim_err *err);

/* Lists all names that begin with prefix; the caller frees the array and its strings. */
int netns_list(const char *prefix, char ***ret, size_t *ret_count, struct netsim_err *err);

/*
 * Enters a named namespace as `ip netns exec` does: with its own view of /sys, and with
 * files of /etc/netns/NAME mounted over those of /etc. For a process about to exec.
 */
int netns_enter(const char *name, struct netsim_err *err);

#endif
