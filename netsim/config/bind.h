/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binds the tree of a file to structs, driven by tables with one row per key. The
 * rows also supply the candidates for "did you mean" and the list of keys that the
 * manual must explain. A mistake is recorded, and reading continues.
 */
#ifndef NETSIM_BIND_H
#define NETSIM_BIND_H

#include "netsim/config/doc.h"
#include "netsim/util/err.h"
#include "netsim/util/unit.h"

/* Limit on expansion, so that a small file cannot exhaust memory. */
#define BIND_VALUES_MAX 2000000

struct bind {
	struct netsim_diags *diags;
	const char *number; /* replaces {n}; NULL: {n} is an error */
	size_t values;	    /* read so far, at most BIND_VALUES_MAX */
	size_t mistakes;
	char **texts; /* owned: the results of replacing {n} */
	size_t text_count;
	void *context; /* for the caller's bind functions */
};

/* Frees the expanded texts; bound structs must not be used after this. */
void bind_done(struct bind *b);
#define auto_bind autofn(bind_done)

struct field;

/* Reads one value into ret. Returns false after reporting a mistake. */
typedef bool bind_fn(struct bind *b, const struct field *field, const struct doc_node *node,
		     void *ret);

struct field {
	const char *name;
	bind_fn *bind;
	size_t offset, size;	 /* of the value */
	size_t has;		 /* offset + 1 of a bool or bit set that records its presence */
	unsigned has_bit;	 /* the bit, if `has` gives a bit set */
	size_t at;		 /* offset + 1 of a struct netsim_loc for its location */
	unsigned in;		 /* scopes that allow it, the caller's bits; 0: all */
	bool required, nullable; /* nullable: bind is called for null, too */
	bool nonzero;
	uint64_t min, max;
	const char *unit;	   /* suggested for a number without a unit */
	const char *const *words;  /* bind_word: the value is the index */
	const struct field *below; /* rows of the nested mapping */
	const char *mistake;	   /* hint for a common misspelling, which is not a key */
};

#define FIELD(type, member, key, fn)                                   \
	.name = (key), .bind = (fn), .offset = offsetof(type, member), \
	.size = sizeof(((type *)0)->member)
#define FIELD_HAS(type, member)	     .has = offsetof(type, member) + 1
#define FIELD_BIT(type, member, bit) .has = offsetof(type, member) + 1, .has_bit = 1U << (bit)
#define FIELD_AT(type, member)	     .at = offsetof(type, member) + 1

/* The context of a mapping: selects the rows allowed in it, and names it in messages. */
struct scope {
	const char *what;	     /* "a network" */
	const struct netsim_loc *at; /* the location of its key */
	unsigned in;		     /* matched against field.in */
	const char *hint;	     /* for keys not allowed here, or NULL */
};

/* Reports a mistake, as diag_add() does. Always returns false. */
bool bind_refuse(struct bind *b, const struct netsim_loc *at, const char *hint, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
bool bind_oom(struct bind *b);

/*
 * Reads a mapping; an empty row ends rows. null counts as an empty mapping. Returns
 * false after reporting its mistakes.
 */
bool bind_map(struct bind *b, const struct field *rows, const struct doc_node *node,
	      const struct scope *scope, void *ret);

/*
 * Counts one value of a list or mapping. Returns false beyond BIND_VALUES_MAX, which is
 * reported once.
 */
bool bind_spend(struct bind *b, const struct netsim_loc *at);

/*
 * Return a text with {n} replaced, or NULL after reporting a mistake. The text lives
 * as long as both b and the tree. name is the key, for messages.
 */
const char *bind_string(struct bind *b, const char *name, const struct doc_node *node);
/* The same for numbers and addresses: an {n} that begins a number loses the zeroes of a range. */
const char *bind_number(struct bind *b, const char *name, const struct doc_node *node);
const char *bind_expand(struct bind *b, const char *text, const struct netsim_loc *at);

/* As name_nearest(), but NULL once there are far more mistakes than will be shown. */
const char *bind_nearest(const struct bind *b, const char *text, const char *const *names,
			 size_t count);

/* A text with its location; s is NULL if it was not given. */
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
bind_fn bind_texts; /* struct texts, from a list or a single text; the caller frees .list */
/* Lets the arena b->context adopt the list, also after a mistake; returns good. */
bool bind_keep_texts(struct bind *b, struct texts *texts, bool good);
bind_fn bind_node; /* const struct doc_node * */
bind_fn bind_word; /* any unsigned integer */
bind_fn bind_bool;
bind_fn bind_count; /* any unsigned integer, min..max */
bind_fn bind_duration, bind_rate, bind_size, bind_ratio, bind_mac;

/* Calls item for a single value, or for every value of a list. */
bool bind_each(struct bind *b, const struct field *field, const struct doc_node *node,
	       bind_fn *item, void *ret);

/* Appends the keys of rows and of nested rows to names, without duplicates; returns the count. */
size_t bind_keys(const struct field *rows, const char **names, size_t count, size_t max);

#endif
