/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Class files: the kinds of traffic, by protocol, port and VLAN. */
#ifndef NETSIM_CLASSES_H
#define NETSIM_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "netsim/util/err.h"

#define CLASSES_MAX	  63
#define CLASS_NAME_MAX	  23
#define CLASS_MATCHES_MAX 64
#define CLASS_OTHER	  "other" /* what no class matches; no class can have this name */

struct doc_node;

/* One way to belong to a class. */
struct class_match {
	uint8_t protocol;		/* IP protocol, 0: any */
	uint16_t ethertype;		/* 0: IPv4 and IPv6 */
	uint16_t port_first, port_last; /* of either end of a connection; 0: any */
};

struct class
{
	char *name;
	struct netsim_loc at;
	uint16_t vlan;		     /* 0: any; required in addition to the matches */
	struct class_match *matches; /* alternatives; none: everything in the VLAN */
	size_t match_count;
	int64_t gap_ns; /* the silence that the component tolerates, 0: none given */
};

/* The first class that matches is a packet's class. */
struct class_set {
	char *file;
	struct class *list;
	size_t count;
};

/* *ret is the caller's (classes_free). On failure -EINVAL and diags. */
int classes_load(const char *path, struct class_set **ret, struct netsim_diags *diags);
/* The same from memory; file is what messages call it. */
int classes_parse(const char *file, const char *data, size_t len, struct class_set **ret,
		  struct netsim_diags *diags);
void classes_free(struct class_set *set);

/*
 * True where a name means this class: its own, or that of the family of classes
 * whose names begin with it and a '-' ("etcd" means etcd-client and etcd-peer).
 */
bool class_is_meant(const char *class, const char *name);

/* The nearest name of a class, or NULL where none is near enough to be meant. */
const char *classes_nearest(const struct class_set *set, const char *name);

int classes_print(const struct class_set *set, FILE *out);

/* True when a document is a class file and not a profile that has classes, too. */
bool classes_is_file(const struct doc_node *doc);

#endif
