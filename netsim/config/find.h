/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where files lie that are called by a name: here, in /etc/netsim, installed. */
#ifndef NETSIM_FIND_H
#define NETSIM_FIND_H

#define FIND_PATH 4096

/* Finds FOLDER/NAME.yaml; -ENOENT where it is in none of the places. */
int find_named(const char *folder, const char *name, char path[static FIND_PATH]);

#endif
