/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Class files: kinds of traffic, matched by protocol, port and VLAN. */
#ifndef NETSIM_CLASSES_H
#define NETSIM_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

#define CLASSES_MAX	  63
#define CLASS_NAME_MAX	  23
#define CLASS_MATCHES_MAX 64
#define CLASS_OTHER	  "other" /* traffic that matches no class; reserved as a name */

struct doc_node;

/* One alternative that puts a packet into a class. */
struct class_match {
	uint8_t protocol;		/* IP protocol, 0: any */
	uint16_t ethertype;		/* 0: IPv4 and IPv6 */
	uint16_t port_first, port_last; /* of either end of a connection; 0: any */
};

struct port_range {
	uint16_t first, last;
};

/* Ports, of which a packet must have one; none: it need not have any. */
struct port_list {
	struct port_range *list;
	size_t count;
};

/* All that a class requires of a packet, at the same time. */
struct class
{
	char *name;
	struct netsim_loc at;
	struct class_match *matches; /* one of these; none: any packet */
	size_t match_count;
	uint16_t vlan;	      /* 0: any */
	struct ip *addresses; /* prefixes: one has the sender or the recipient; none: any */
	size_t address_count;
	struct port_list from, to; /* of TCP or UDP */
	int64_t gap_ns;		   /* the longest silence the component tolerates; 0: not given */
};

/* The classes in order: the first match determines a packet's class. */
struct class_set {
	char *file;
	struct class *list;
	size_t count;
};

/*
 * Reads a class file. The caller frees *ret with classes_free(). Returns -EINVAL with
 * diags filled on failure.
 */
int classes_load(const char *path, struct class_set **ret, struct netsim_diags *diags);
/* The same from memory; file is the name used in messages. */
int classes_parse(const char *file, const char *data, size_t len, struct class_set **ret,
		  struct netsim_diags *diags);
void classes_free(struct class_set *set);

/*
 * Returns whether name selects class: by its full name, or by a prefix that ends
 * before a '-' ("etcd" selects etcd-client and etcd-peer).
 */
bool class_matches_name(const char *class, const char *name);

/* Returns the class name closest to name, for a hint; NULL if none is close. */
const char *classes_nearest(const struct class_set *set, const char *name);

/* Whether the prefix a has all addresses of the prefix b. */
bool class_ip_covers(const struct ip *a, const struct ip *b);

int classes_print(const struct class_set *set, FILE *out);
/* Prints what a class matches: "tcp: 2380, gap: 1s". */
void class_print(const struct class *class, FILE *out);

/* Returns whether a document is a class file; profiles have a key "classes", too. */
bool classes_is_file(const struct doc_node *doc);

/* Loads the class file at path, or the default one if path is NULL. The caller frees *ret. */
int classes_open(const char *path, struct class_set **ret, struct netsim_diags *diags,
		 struct netsim_err *err);

#endif
