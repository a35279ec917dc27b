/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named network namespaces, as ip-netns(8) knows them: files below /run/netns.
 *
 * A new namespace stays without a name until everything in it is made: whoever
 * kills netsim before that makes it vanish with its last file descriptor. The
 * file carries netsim's mark before the namespace is mounted over it, and lo in
 * the namespace carries it after.
 */
#ifndef NETSIM_NETNS_H
#define NETSIM_NETNS_H

#include <stddef.h>
#include <sys/types.h>

#include "netsim/util/err.h"

#define NETNS_DIR "/run/netns"

/* Opens the namespace that this process lives in; closed by the caller. */
int netns_open_own(int *ret_fd, struct netsim_err *err);
/* Its inode number, which tells namespaces apart. */
int netns_own_id(uint64_t *ret, struct netsim_err *err);

/*
 * Calls fn in another namespace and comes back: the one way in which the
 * main thread changes namespaces. Sockets that fn opens stay in that namespace.
 */
int netns_within(int own_fd, int fd, int (*fn)(void *arg, struct netsim_err *err), void *arg,
		 struct netsim_err *err);
/* Makes a namespace without a name and moves the calling thread there for good. */
int netns_become_new(int *ret_fd, struct netsim_err *err);
/* Makes /run/netns as ip-netns(8) wants it: a shared mount, so that names spread. */
int netns_prepare(struct netsim_err *err);
/* Gives a namespace its name there, marked as netsim's; -EEXIST where the name is taken. */
int netns_publish(int fd, const char *name, const char *mark, struct netsim_err *err);
/* Takes the name away; what lives in it goes when its last process ends. */
int netns_remove(const char *name, struct netsim_err *err);

/*
 * Opens a named namespace. -ENOENT without filling err if there is no such name,
 * or only the file of an interrupted netns_publish() (netns_is_stale() tells).
 */
int netns_open(const char *name, int *ret_fd, struct netsim_err *err);
/* True for a file that carries this mark but that no namespace is mounted on. */
bool netns_is_stale(const char *name, const char *mark_prefix);
/* True where a file of this name exists. */
bool netns_exists(const char *name);

/* All names that begin with prefix; the array and its strings are the caller's. */
int netns_list(const char *prefix, char ***ret, size_t *ret_count, struct netsim_err *err);

/*
 * Enters a named namespace as `ip netns exec` does: /sys shows it, and files of
 * /etc/netns/NAME stand for those of /etc. For a process about to exec.
 */
int netns_enter(const char *name, struct netsim_err *err);

#endif
