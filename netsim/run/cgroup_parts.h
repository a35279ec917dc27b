/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to the files cgroup*.c: where the cgroups are, and their files. */
#ifndef NETSIM_RUN_CGROUP_PARTS_H
#define NETSIM_RUN_CGROUP_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "netsim/util/err.h"

/* The folder where cgroup2 is mounted; kind ENV if it is nowhere. The caller frees *ret. */
int cgroup_mount(char **ret, struct netsim_err *err);
/* The folder of a fleet, which need not exist. The caller frees *ret. */
int cgroup_fleet_path(const char *fleet, uint64_t netns_id, char **ret, struct netsim_err *err);
/* Makes a folder unless it exists. */
int cgroup_make_folder(const char *path, struct netsim_err *err);
/* Returns a descriptor of a file in a folder, or -errno. */
int cgroup_open_file(const char *path, const char *name, int flags);
/* Returns 0 or -errno. */
int cgroup_write_file(const char *path, const char *name, const char *text);
/* Calls fn for each folder below path; stops at the first error. */
int cgroup_each_below(const char *path, int (*fn)(const char *below, void *arg), void *arg);
/* Whether a folder of a fleet is that of a node with limits, not that of a member. */
bool cgroup_is_node(const char *path);

#endif
