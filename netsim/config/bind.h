/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the tree of a file to structs, by tables: a row for each key. The rows
 * are also where "did you mean" comes from and the keys that the manual must
 * explain. Every mistake is collected and reading goes on.
 */
#ifndef NETSIM_BIND_H
#define NETSIM_BIND_H

#include "netsim/config/doc.h"
#include "netsim/util/err.h"
#include "netsim/util/unit.h"

/* What a file may expand to, so that a small one cannot fill the memory. */
#define BIND_VALUES_MAX 2000000

struct bind {
	struct netsim_diags *diags;
	const char *number; /* what {n} stands for here, or NULL */
	size_t values;	    /* read so far */
	size_t mistakes;
	char **texts; /* made by replacing {n} */
	size_t text_count;
	void *context; /* of the caller's own row functions */
};

/* Frees the texts: nothing bound may point to them any more. */
void bind_done(struct bind *b);
#define auto_bind autofn(bind_done)

struct field;

/* Reads one value into ret; false after having reported what is wrong. */
typedef bool bind_fn(struct bind *b, const struct field *field, const struct doc_node *node,
		     void *ret);

struct field {
	const char *name;
	bind_fn *bind;
	size_t offset, size;	 /* of the value */
	size_t has;		 /* offset + 1 of a bool or a bit set that says it was given */
	unsigned has_bit;	 /* for a bit set */
	size_t at;		 /* offset + 1 of its place, a struct netsim_loc */
	unsigned in;		 /* where it is allowed, bits of the caller; 0: everywhere */
	bool required, nullable; /* nullable: bind is called for null as well */
	bool nonzero;
	uint64_t min, max;
	const char *unit;	   /* what those who forgot it will have meant */
	const char *const *words;  /* bind_word: the value is the index */
	const struct field *below; /* the rows of the mapping that this key holds */
	const char *mistake;	   /* not a key, but what people write; this says what is right */
};

#define FIELD(type, member, key, fn)                                   \
	.name = (key), .bind = (fn), .offset = offsetof(type, member), \
	.size = sizeof(((type *)0)->member)
#define FIELD_HAS(type, member)	     .has = offsetof(type, member) + 1
#define FIELD_BIT(type, member, bit) .has = offsetof(type, member) + 1, .has_bit = 1U << (bit)
#define FIELD_AT(type, member)	     .at = offsetof(type, member) + 1

/* Where a mapping stands, for messages. */
struct scope {
	const char *what;	     /* "a network" */
	const struct netsim_loc *at; /* its key */
	unsigned in;		     /* which rows are allowed */
	const char *hint;	     /* for those that are not, or NULL */
};

/* Reports a mistake, as diag_add(); always false. */
bool bind_refuse(struct bind *b, const struct netsim_loc *at, const char *hint, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
bool bind_oom(struct bind *b);

/* Reads a mapping by its rows, which end with an empty one. null is an empty mapping. */
bool bind_map(struct bind *b, const struct field *rows, const struct doc_node *node,
	      const struct scope *scope, void *ret);

/* Must be asked for each value of a list or mapping; false when there are too many. */
bool bind_spend(struct bind *b, const struct netsim_loc *at);

/*
 * The text with {n} replaced, NULL after a report. It lives as long as b and
 * the tree. name is the key, for the message.
 */
const char *bind_string(struct bind *b, const char *name, const struct doc_node *node);
const char *bind_expand(struct bind *b, const char *text, const struct netsim_loc *at);

/* name_nearest(), for those mistakes only that will be shown. */
const char *bind_nearest(const struct bind *b, const char *text, const char *const *names,
			 size_t count);

/* A located text; s NULL: not given. */
struct text {
	const char *s;
	struct netsim_loc at;
};

struct texts {
	struct text *list;
	size_t count;
	bool given;
	struct netsim_loc at;
};

bind_fn bind_text;  /* struct text */
bind_fn bind_texts; /* struct texts, from a list or a single text; list is the caller's */
bind_fn bind_node;  /* const struct doc_node * */
bind_fn bind_word;  /* any unsigned integer */
bind_fn bind_bool;
bind_fn bind_count; /* any unsigned integer, min..max */
bind_fn bind_duration, bind_rate, bind_size, bind_ratio, bind_mac;

/* Calls item for the value, or for each value of a list. */
bool bind_each(struct bind *b, const struct field *field, const struct doc_node *node,
	       bind_fn *item, void *ret);

/* Adds the names of all rows, and of those below, to names without repeating one. */
size_t bind_keys(const struct field *rows, const char **names, size_t count, size_t max);

#endif
