/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A YAML (or JSON) file as a small tree in which every key and value knows its
 * place. Everything is text here: what it means is for bind.h to say. Refused:
 * aliases, anchors, tags, further documents, duplicate keys, NUL, what is not
 * UTF-8, and files of unreasonable depth or size.
 */
#ifndef NETSIM_DOC_H
#define NETSIM_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "netsim/util/auto.h"
#include "netsim/util/err.h"

#define DOC_DEPTH_MAX 32
#define DOC_NODES_MAX 2500000
#define DOC_SIZE_MAX  (16U << 20)

enum doc_kind { DOC_TEXT, DOC_LIST, DOC_MAP };

struct doc_entry;

struct doc_node {
	enum doc_kind kind;
	bool quoted; /* DOC_TEXT: "null" in quotes is a word */
	char *text;  /* DOC_TEXT */
	struct netsim_loc at;
	struct doc_node **items;   /* DOC_LIST */
	struct doc_entry *entries; /* DOC_MAP */
	size_t count;		   /* of items or entries */
};

struct doc_entry {
	char *key;
	struct netsim_loc at;
	struct doc_node *value;
};

/*
 * Reads a file. On success *ret is the caller's, to be freed with doc_free().
 * On failure returns -EINVAL and adds to diags. Places point to path, which
 * must outlive the tree.
 */
int doc_load(const char *path, struct doc_node **ret, struct netsim_diags *diags);

/* Only the bytes, terminated; *ret is the caller's. */
int doc_read(const char *path, char **ret, size_t *ret_len, struct netsim_diags *diags);

/* doc_load() from memory; file is what places call it. */
int doc_parse(const char *file, const char *data, size_t len, struct doc_node **ret,
	      struct netsim_diags *diags);

void doc_free(struct doc_node *node);

static inline void auto_doc_fn(struct doc_node **node)
{
	doc_free(*node);
}
#define auto_doc autofn(auto_doc_fn)

/* A key with its value, or only the value, or NULL; node may be of any kind. */
const struct doc_entry *doc_find(const struct doc_node *node, const char *key);
const struct doc_node *doc_get(const struct doc_node *node, const char *key);

/* True for a value that was left out or written as null or ~. */
bool doc_is_null(const struct doc_node *node);

/* "a mapping", "a list", "nothing" or "text": for messages. */
const char *doc_kind_name(const struct doc_node *node);

#endif
