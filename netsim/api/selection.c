// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/api/selection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/buf.h"

void words_done(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->list[i]);
	free(words->list);
}

/* Adds a word, which it owns from then on, also on failure. */
static int add_word(struct words *words, char *word, struct netsim_err *err)
{
	char **slot = word ? array_push(words->list, words->count) : NULL;

	if (!slot) {
		free(word);
		return err_oom(err);
	}
	*slot = word;
	return 0;
}

/* Appends the nodes of the list "a,b", each with the interface that follows it: "" or "/eth1". */
static void put_nodes(struct buf *out, const char *nodes, const char *iface)
{
	for (size_t length; *nodes; nodes += length + (nodes[length] == ',')) {
		length = strcspn(nodes, ",");
		buf_add(out, nodes, length);
		buf_puts(out, iface);
		if (nodes[length])
			buf_puts(out, ",");
	}
}

/* Resolves a name, a selector, or an interface of the nodes of a selector. */
static int resolve_one(const struct selection_source *source, char *word, struct buf *out,
		       struct netsim_err *err)
{
	auto_free char *nodes = NULL, *iface = NULL;
	char *slash = strchr(word, '/');
	struct selector selector;
	const char *why;
	size_t bad;
	int r;

	if (!selector_is(word)) {
		buf_puts(out, word);
		if (slash)
			*slash = '\0';
		if (source->look)
			source->look(source->arg, word);
		return 0;
	}
	iface = strdup(slash ? slash : "");
	if (!iface)
		return err_oom(err);
	if (slash)
		*slash = '\0';
	if (selector_parse(word, &selector, &bad, &why) < 0) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s is not a selector", word);
		err_hint(err, "%s", why);
		return -EINVAL;
	}
	r = source->resolve(source->arg, &selector, word, &nodes, err);
	if (r == 0)
		put_nodes(out, nodes, iface);
	return r;
}

int selection_resolve(const struct selection_source *source, const char *words, char **ret,
		      struct netsim_err *err)
{
	auto_buf struct buf out = {0};
	auto_free char *copy = strdup(words);
	char *save = NULL;
	int r = copy ? 0 : err_oom(err);

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; r == 0 && word;
	     word = strtok_r(NULL, ",", &save)) {
		if (out.len)
			buf_puts(&out, ",");
		r = resolve_one(source, word, &out, err);
	}
	if (r < 0)
		return r;
	*ret = buf_take(&out);
	return *ret ? 0 : err_oom(err);
}

int selection_groups(const struct selection_source *source, const char *const *groups, size_t count,
		     struct words *ret, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		char *words = NULL;

		r = selection_resolve(source, groups[i], &words, err);
		if (r == 0)
			r = add_word(ret, words, err);
	}
	return r;
}

/* For each node in the list "a,b", adds the word before + node + after. */
static int add_each(const char *before, char *nodes, const char *after, struct words *ret,
		    struct netsim_err *err)
{
	char *save = NULL;
	int r = 0;

	for (char *node = strtok_r(nodes, ",", &save); r == 0 && node;
	     node = strtok_r(NULL, ",", &save)) {
		char *word = NULL;

		if (asprintf(&word, "%s%s%s", before, node, after) < 0)
			word = NULL;
		r = add_word(ret, word, err);
	}
	return r;
}

static int resolve_target(const struct selection_source *source, const char *target,
			  struct words *ret, struct netsim_err *err)
{
	const char *split = strpbrk(target, ":/");
	auto_free char *first = split ? strndup(target, (size_t)(split - target)) : strdup(target);
	auto_free char *nodes = NULL, *others = NULL;
	auto_words struct words pairs = {0};
	int r;

	/* Some addresses have colons, too. */
	if (source->look && source->look(source->arg, target) > 0)
		return add_word(ret, strdup(target), err);
	r = first ? selection_resolve(source, first, &nodes, err) : err_oom(err);
	if (r < 0)
		return r;
	if (!split || *split == '/')
		return add_each("", nodes, split ? split : "", ret, err);
	r = selection_resolve(source, split + 1, &others, err);
	if (r == 0)
		r = add_each(":", others, "", &pairs, err);
	for (size_t i = 0; r == 0 && i < pairs.count; i++) {
		auto_free char *copy = strdup(nodes);

		r = copy ? add_each("", copy, pairs.list[i], ret, err) : err_oom(err);
	}
	return r;
}

int selection_targets(const struct selection_source *source, const char *const *targets,
		      size_t count, struct words *ret, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = resolve_target(source, targets[i], ret, err);
	return r;
}
