/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks up files by name: below the current directory, in /etc/netsim, and as installed. */
#ifndef NETSIM_FIND_H
#define NETSIM_FIND_H

#include <stdbool.h>

#define FIND_PATH 4096

/* The folders, with a slash at the end, in the order of the search: "", "/etc/netsim/", ... */
#define FIND_PLACES 3
extern const char *const find_places[FIND_PLACES];

/* True if a name is a path: it has a slash, or ends in .yaml, .yml or .json. */
bool find_is_path(const char *name);

/* Stores the path of FOLDER/NAME.yaml in path; -ENOENT if it does not exist. */
int find_named(const char *folder, const char *name, char path[static FIND_PATH]);
/*
 * For a path such as "topo/simple.yaml" that does not exist: sets name to "simple" and returns true
 * if there is a file of that name elsewhere.
 */
bool find_elsewhere(const char *path, char name[static FIND_PATH]);

/* The most similar name of a file in these folders, which the caller frees; or NULL. */
char *find_nearest(const char *folder, const char *name);

#endif
