/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recipes: how a system is run, and how its members and leader are learnt. */
#ifndef NETSIM_RECIPE_H
#define NETSIM_RECIPE_H

#include <stdio.h>

#include "netsim/config/program.h"

/* How members and leader are learnt, and which client the ledger uses. */
enum recipe_store {
	RECIPE_STORE_NONE,
	RECIPE_STORE_ETCD,  /* its JSON gateway */
	RECIPE_STORE_BLOCK, /* a block device: its URL names the protocol */
};

/* Files of a client, as templates; all are given, or none. */
struct recipe_tls {
	struct text ca, cert, key;
};

struct recipe {
	char *file;
	char *folder; /* of the file, for {folder}: "." if its name has none */
	struct text name;
	struct text why; /* may be missing */
	struct netsim_loc at;
	struct program program;
	uint32_t store;	      /* enum recipe_store */
	struct text url;      /* of the store; a template */
	struct texts members; /* a command that prints "NODE ROLE" for each member; templates */
	struct text metrics;  /* a URL of metrics in Prometheus' format; a template */
	struct texts series;  /* of its metrics, that are kept and drawn */
	struct texts classes; /* of its traffic */
	struct recipe_tls tls;
	struct doc_node *doc; /* holds the texts */
};

/* True if its members and leader can be learnt. */
bool recipe_has_members(const struct recipe *recipe);

/* True for the URL of a block device: nbd://, iscsi://. */
bool recipe_is_block_url(const char *url);

/*
 * Reads a recipe. The caller frees *ret with recipe_free(); locations point to recipe->file.
 * Returns -EINVAL with all mistakes in diags on failure.
 */
int recipe_load(const char *path, struct recipe **ret, struct netsim_diags *diags);
void recipe_free(struct recipe *recipe);

/* The same from memory; file is the name used in messages. */
int recipe_parse(const char *file, const char *data, size_t len, struct recipe **ret,
		 struct netsim_diags *diags);

/* Prints the recipe as YAML that loads to the same recipe. */
int recipe_print(const struct recipe *recipe, FILE *out);

#endif
