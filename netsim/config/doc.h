/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses a YAML (or JSON) file into a tree that records the location of every key and
 * value. Scalars stay text; bind.h converts them. Refuses aliases, anchors, tags, a
 * second document, duplicate keys, NUL bytes, invalid UTF-8, and excessive depth or
 * size.
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
	bool quoted;   /* DOC_TEXT: then "null" is a text */
	bool verbatim; /* DOC_TEXT: the file has it on one line, without escapes */
	bool flawed;   /* the root: the file has mistakes that let reading continue */
	char *text;    /* DOC_TEXT */
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
 * Parses a file. The caller frees *ret with doc_free(). Returns -EINVAL with diags
 * filled on failure. Of a key that is there twice, the tree has the first one, diags the mistake,
 * and the root is flawed: bind_map() says no to it in the end, once it has found all other
 * mistakes. Locations point to path, which must outlive the tree.
 */
int doc_load(const char *path, struct doc_node **ret, struct netsim_diags *diags);

/* Reads the bytes of a file and appends a NUL. The caller frees *ret. */
int doc_read(const char *path, char **ret, size_t *ret_len, struct netsim_diags *diags);

/* As doc_load(), from memory; file is the name used in locations. */
int doc_parse(const char *file, const char *data, size_t len, struct doc_node **ret,
	      struct netsim_diags *diags);

void doc_free(struct doc_node *node);

static inline void auto_doc_fn(struct doc_node **node)
{
	doc_free(*node);
}
#define auto_doc autofn(auto_doc_fn)

/* Look up a key: return its entry or its value, or NULL. node may be of any kind. */
const struct doc_entry *doc_find(const struct doc_node *node, const char *key);
const struct doc_node *doc_get(const struct doc_node *node, const char *key);

/* Replaces the text of a node by a copy. Returns 0 or -ENOMEM. */
int doc_set_text(struct doc_node *node, const char *text);
/* Sets the text of a key of a map, which is added after the others if it is new. */
int doc_set(struct doc_node *map, const char *key, const char *text);
/* Removes a key from a map, if it has it. */
void doc_remove(struct doc_node *map, const char *key);

/* Returns the location of the byte at offset in a text, or of the text unless it is verbatim. */
struct netsim_loc doc_within(const struct doc_node *node, size_t offset);

/* Returns whether a value is missing, null or ~. */
bool doc_is_null(const struct doc_node *node);

/* "a mapping", "a list", "nothing" or "text": for messages. */
const char *doc_kind_name(const struct doc_node *node);

#endif
