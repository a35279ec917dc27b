// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replaces a value in the tree of a scenario before it is read, so that the new one is checked like
 * the old one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/scenario_parts.h"
#include "netsim/util/arena.h"
#include "netsim/util/buf.h"

/* Adds to the sentence that says what was replaced. */
static bool note(struct bind *b, struct scenario *s, const char *fmt, const char *what)
{
	char text[256];

	err_format(text, sizeof(text), fmt, what);
	s->varied = s->varied ? arena_printf(s, "%s, %s", s->varied, text) : arena_strdup(s, text);
	return s->varied || bind_oom(b);
}

static bool is_between(char c)
{
	return !c || strchr(" \t\r\n'\"", c);
}

/* Finds the value after a key in the words of a command; returns its length, or 0. */
static size_t find_value(const char *text, const char *key, const char **ret)
{
	size_t length = strlen(key), value;

	for (const char *at = text; (at = strstr(at, key)); at += length) {
		if (at == text || !is_between(at[-1]) || (at[length] != ' ' && at[length] != '\t'))
			continue;
		*ret = at + length + strspn(at + length, " \t");
		for (value = 0; !is_between((*ret)[value]);)
			value++;
		if (value)
			return value;
	}
	return 0;
}

/* Replaces the value in a command, if it is a fault that has the key. */
static bool vary_command(struct bind *b, struct scenario *s, struct doc_node *node)
{
	auto_buf struct buf text = {0};
	const char *value;
	size_t length;

	if (node->kind != DOC_TEXT || strncmp(node->text, "fault", strlen("fault")) != 0)
		return true;
	length = find_value(node->text, s->instead.key, &value);
	if (!length)
		return true;
	buf_add(&text, node->text, (size_t)(value - node->text));
	buf_puts(&text, s->instead.value);
	buf_puts(&text, value + length);
	if (text.failed || doc_set_text(node, text.data) < 0)
		return bind_oom(b);
	return note(b, s, "%s", text.data);
}

static bool vary_commands(struct bind *b, struct scenario *s, struct doc_node *node)
{
	bool good = true;

	if (node->kind != DOC_LIST)
		return vary_command(b, s, node);
	for (size_t i = 0; i < node->count; i++)
		good &= vary_command(b, s, node->items[i]);
	return good;
}

/* A phase that only waits has no value, or a mapping. */
static bool has_commands(const struct doc_node *node)
{
	return node->kind == DOC_LIST || (node->kind == DOC_TEXT && !doc_is_null(node));
}

static bool vary_for(struct bind *b, struct scenario *s, struct doc_node *phase)
{
	if (!has_commands(phase->entries[0].value) || !doc_find(phase, "for"))
		return true;
	return doc_set(phase, "for", s->instead.value) < 0 ?
		       bind_oom(b) :
		       note(b, s, "phase %s", phase->entries[0].key);
}

bool scenario_vary_timeline(struct bind *b, struct scenario *s)
{
	const struct doc_node *list = doc_get(s->doc, "timeline");
	bool is_for = strcmp(s->instead.key, "for") == 0, good = true;

	for (size_t i = 0; list && list->kind == DOC_LIST && i < list->count; i++) {
		struct doc_node *phase = list->items[i];

		if (phase->kind != DOC_MAP || !phase->count)
			continue;
		good &= is_for ? vary_for(b, s, phase) :
				 vary_commands(b, s, phase->entries[0].value);
	}
	if (good && is_for && !s->varied)
		return bind_refuse(b, list ? &list->at : &s->doc->at,
				   "give a phase with a command the key \"for\"",
				   "no phase with a command has \"for\", whose value would be "
				   "replaced");
	return good;
}

/* --- the profile */

/* The tree of the profile: in the scenario, of its file, or a new one. */
static struct doc_node *profile_tree(struct bind *b, struct scenario *s,
				     const struct doc_node *profile)
{
	static const char none[] = "{profile: none, default: {}}";

	if (!s->profile_path && !s->instead.profile && profile)
		return (struct doc_node *)profile;
	if (s->profile_path)
		doc_load(s->profile_path, &s->profile_doc, b->diags);
	else
		doc_parse(s->file, none, strlen(none), &s->profile_doc, b->diags);
	return s->profile_doc;
}

/* The conditions of every link: a mapping, which is added if the profile has none. */
static struct doc_node *default_of(struct doc_node *tree)
{
	struct doc_node *map = (struct doc_node *)doc_get(tree, "default");

	if (map && map->kind == DOC_MAP)
		return map;
	if (doc_set(tree, "default", "") < 0)
		return NULL;
	map = (struct doc_node *)doc_get(tree, "default");
	map->kind = DOC_MAP;
	free(map->text);
	map->text = NULL;
	return map;
}

/* A link has a delay or a round trip, and each direction may have its own. */
static int set_condition(struct doc_node *map, const struct scenario_instead *instead)
{
	static const char *const ways[] = {"up", "down"};
	bool is_time = strcmp(instead->key, "rtt") == 0 || strcmp(instead->key, "delay") == 0;

	for (size_t i = 0; i < 2; i++) {
		struct doc_node *way = (struct doc_node *)doc_get(map, ways[i]);

		if (way)
			doc_remove(way, instead->key);
		if (way && is_time)
			doc_remove(way, "delay");
	}
	if (is_time)
		doc_remove(map, strcmp(instead->key, "rtt") == 0 ? "delay" : "rtt");
	return doc_set(map, instead->key, instead->value);
}

bool scenario_vary_profile(struct bind *b, struct scenario *s, const struct doc_node *profile)
{
	struct doc_node *tree = profile_tree(b, s, profile);
	struct doc_node *map = tree ? default_of(tree) : NULL;
	const char *file = s->profile_path ? s->profile_path : s->file;
	bool good;

	if (!map || set_condition(map, &s->instead) < 0)
		return bind_oom(b);
	profile_free(s->profile);
	s->profile = NULL;
	good = profile_read(file, tree, &s->profile, b->diags) == 0;
	s->profile_path = NULL;
	b->mistakes += !good;
	return good && note(b, s, "the default of the profile %s", s->profile->name);
}
