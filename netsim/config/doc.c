// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Builds the tree from libyaml's events. libyaml's document API is no alternative: it
 * resolves aliases, does not record the location of keys, and takes forty seconds for
 * 100,000 open brackets.
 */
#include "netsim/config/doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml.h>

#include "netsim/config/find.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

/* A list or mapping that is still being read. */
struct open_node {
	struct doc_node *node;
	char *key; /* in a mapping: a key still without its value */
	struct netsim_loc key_at;
};

struct doc_reader {
	const char *file;
	yaml_parser_t parser;
	struct netsim_diags *diags;
	struct doc_node *root;
	struct open_node open[DOC_DEPTH_MAX];
	size_t depth;
	size_t documents, nodes;
	bool failed; /* after a mistake that lets reading continue */
};

bool doc_is_null(const struct doc_node *node)
{
	return node->kind == DOC_TEXT && !node->quoted &&
	       (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

const char *doc_kind_name(const struct doc_node *node)
{
	switch (node->kind) {
	case DOC_MAP:
		return "a mapping";
	case DOC_LIST:
		return "a list";
	case DOC_TEXT:
		break;
	}
	return doc_is_null(node) ? "nothing" : "text";
}

const struct doc_entry *doc_find(const struct doc_node *node, const char *key)
{
	if (node->kind == DOC_MAP)
		for (size_t i = 0; i < node->count; i++)
			if (strcmp(node->entries[i].key, key) == 0)
				return &node->entries[i];
	return NULL;
}

const struct doc_node *doc_get(const struct doc_node *node, const char *key)
{
	const struct doc_entry *entry = doc_find(node, key);

	return entry ? entry->value : NULL;
}

static void entry_done(struct doc_entry *entry)
{
	free(entry->key);
	doc_free(entry->value);
}

void doc_free(struct doc_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->count; i++) {
		if (node->kind == DOC_LIST) {
			doc_free(node->items[i]);
		} else {
			entry_done(&node->entries[i]);
		}
	}
	free(node->items);
	free(node->entries);
	free(node->text);
	free(node);
}

static struct netsim_loc place(const struct doc_reader *reader, yaml_mark_t mark)
{
	return (struct netsim_loc) {reader->file, (unsigned)mark.line + 1,
				    (unsigned)mark.column + 1};
}

/* Refuses a character with which no word can begin. */
static int refuse_character(struct doc_reader *reader, const struct netsim_loc *at, char c)
{
	if (c == '\t')
		return diag_add(reader->diags, at, "indent with spaces",
				"a tab where a word begins");
	return diag_add(reader->diags, at,
			c == '@' ? "put it into quotes, as in \"@server\"" : "put it into quotes",
			"a word cannot begin with %c", c);
}

/* Replaces libyaml's messages that are hard to understand. */
static int refuse_syntax(struct doc_reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	struct netsim_loc at = place(reader, parser->problem_mark);
	const char *context = parser->context ? parser->context : "";

	if (parser->error == YAML_MEMORY_ERROR)
		return diag_oom(reader->diags);
	if (parser->problem && strstr(parser->problem, "cannot start any token"))
		return refuse_character(reader, &at, (char)*parser->buffer.pointer);
	return diag_add(reader->diags, &at,
			strstr(context, "flow") ?
				"close every bracket; quote values with {n}: \"10.0.0.{n}/24\"" :
				NULL,
			"not YAML: %s%s%s", context, *context ? ", " : "",
			parser->problem ? parser->problem : "unreadable");
}

static int key_compare(const void *va, const void *vb)
{
	const struct doc_entry *const *a = va, *const *b = vb;
	int order = strcmp((*a)->key, (*b)->key);

	if (order)
		return order;
	return *a < *b ? -1 : *a > *b; /* by address: the order of the file */
}

/* Removes the entries without a key. */
static void compact(struct doc_node *map)
{
	size_t kept = 0;

	for (size_t i = 0; i < map->count; i++)
		if (map->entries[i].key)
			map->entries[kept++] = map->entries[i];
	map->count = kept;
}

/* Refuses and removes keys that are there twice. Sorts them: comparing all pairs takes minutes for
 * a large file. */
static int refuse_duplicates(struct doc_reader *reader, struct doc_node *map)
{
	auto_free struct doc_entry **sorted = NULL;

	if (map->count < 2)
		return 0;
	sorted = calloc(map->count, sizeof(*sorted));
	if (!sorted)
		return diag_oom(reader->diags);
	for (size_t i = 0; i < map->count; i++)
		sorted[i] = &map->entries[i];
	qsort(sorted, map->count, sizeof(struct doc_entry *), key_compare);
	const struct doc_entry *first = sorted[0];

	for (size_t i = 1; i < map->count; i++) {
		if (strcmp(first->key, sorted[i]->key) != 0) {
			first = sorted[i];
			continue;
		}
		reader->failed = true;
		diag_add(reader->diags, &sorted[i]->at, "remove one of them",
			 "duplicate key \"%s\" (first in line %u)", shown(first->key),
			 first->at.line);
		entry_done(sorted[i]);
		*sorted[i] = (struct doc_entry) {0};
	}
	compact(map);
	return 0;
}

/* Attaches a node to the innermost open list or mapping; frees it on failure. */
static int attach(struct doc_reader *reader, struct doc_node *node)
{
	if (reader->depth == 0) {
		reader->root = node;
		return 0;
	}
	struct open_node *open = &reader->open[reader->depth - 1];

	if (open->node->kind == DOC_LIST) {
		struct doc_node **item = array_push(open->node->items, open->node->count);

		if (item)
			*item = node;
		else
			doc_free(node);
		return item ? 0 : diag_oom(reader->diags);
	}
	struct doc_entry *entry = array_push(open->node->entries, open->node->count);

	if (!entry) {
		doc_free(node);
		return diag_oom(reader->diags);
	}
	*entry = (struct doc_entry) {take(open->key), open->key_at, node};
	return 0;
}

static bool awaits_key(const struct doc_reader *reader)
{
	const struct open_node *open = NULL;

	if (reader->depth > 0)
		open = &reader->open[reader->depth - 1];
	return open && open->node->kind == DOC_MAP && !open->key;
}

static int refuse_marks(struct doc_reader *reader, const yaml_event_t *event,
			const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct netsim_loc at = place(reader, event->start_mark);

	if (anchor)
		return diag_add(reader->diags, &at, "write the value out in each place",
				"anchors (&%s) are not accepted", shown((const char *)anchor));
	if (tag)
		return diag_add(reader->diags, &at, "remove it", "tags (%s) are not accepted",
				shown((const char *)tag));
	return 0;
}

/* The columns of the first bytes of a UTF-8 text. */
static unsigned columns(const char *text, size_t bytes)
{
	unsigned count = 0;

	for (size_t i = 0; i < bytes && text[i]; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

struct netsim_loc doc_within(const struct doc_node *node, size_t offset)
{
	struct netsim_loc at = node->at;

	if (node->kind == DOC_TEXT && node->verbatim)
		at.column += node->quoted + columns(node->text, offset);
	return at;
}

static int read_scalar(struct doc_reader *reader, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	struct netsim_loc at = place(reader, event->start_mark);
	int r = refuse_marks(reader, event, event->data.scalar.anchor, event->data.scalar.tag);

	if (r < 0)
		return r;
	if (memchr(value, '\0', event->data.scalar.length))
		return diag_add(reader->diags, &at, NULL, "this text contains a NUL byte");
	auto_free char *text = strdup(value);

	if (!text)
		return diag_oom(reader->diags);
	if (awaits_key(reader)) {
		reader->open[reader->depth - 1].key = take(text);
		reader->open[reader->depth - 1].key_at = at;
		return 0;
	}
	struct doc_node *node = calloc(1, sizeof(*node));

	if (!node)
		return diag_oom(reader->diags);
	node->kind = DOC_TEXT;
	node->at = at;
	node->text = take(text);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->verbatim = event->start_mark.line == event->end_mark.line &&
			 event->end_mark.column - event->start_mark.column ==
				 columns(node->text, SIZE_MAX) + 2 * node->quoted;
	return attach(reader, node);
}

static int read_start(struct doc_reader *reader, const yaml_event_t *event, enum doc_kind kind)
{
	bool map = kind == DOC_MAP;
	struct netsim_loc at = place(reader, event->start_mark);
	int r = refuse_marks(reader, event,
			     map ? event->data.mapping_start.anchor :
				   event->data.sequence_start.anchor,
			     map ? event->data.mapping_start.tag : event->data.sequence_start.tag);

	if (r < 0)
		return r;
	if (awaits_key(reader))
		return diag_add(reader->diags, &at, "quote a key that begins with [ or {",
				"a key must be text, not %s", map ? "a mapping" : "a list");
	if (reader->depth == DOC_DEPTH_MAX)
		return diag_add(reader->diags, &at, NULL, "nested too deeply (more than %d levels)",
				DOC_DEPTH_MAX);
	struct doc_node *node = calloc(1, sizeof(*node));

	if (!node)
		return diag_oom(reader->diags);
	node->kind = kind;
	node->at = at;
	r = attach(reader, node);
	if (r == 0)
		reader->open[reader->depth++] = (struct open_node) {.node = node};
	return r;
}

static int read_end(struct doc_reader *reader)
{
	struct doc_node *node = reader->open[--reader->depth].node;

	return node->kind == DOC_MAP ? refuse_duplicates(reader, node) : 0;
}

static int read_event(struct doc_reader *reader, const yaml_event_t *event)
{
	struct netsim_loc at = place(reader, event->start_mark);

	if (++reader->nodes > DOC_NODES_MAX)
		return diag_add(reader->diags, &at, NULL, "more than %d values", DOC_NODES_MAX);
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (reader->documents++)
			return diag_add(reader->diags, &at, "one file holds one document",
					"a second document begins here");
		return 0;
	case YAML_ALIAS_EVENT:
		return diag_add(reader->diags, &at, "write the value out in each place",
				"aliases (*%s) are not accepted",
				shown((const char *)event->data.alias.anchor));
	case YAML_SCALAR_EVENT:
		return read_scalar(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		return read_start(reader, event, DOC_LIST);
	case YAML_MAPPING_START_EVENT:
		return read_start(reader, event, DOC_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return read_end(reader);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

static int read_events(struct doc_reader *reader)
{
	yaml_event_t event;
	bool end = false;
	int r = 0;

	while (r == 0 && !end) {
		if (!yaml_parser_parse(&reader->parser, &event))
			return refuse_syntax(reader);
		end = event.type == YAML_STREAM_END_EVENT;
		r = read_event(reader, &event);
		yaml_event_delete(&event);
	}
	return r;
}

/* Returns the length of the UTF-8 sequence at data, 0 if it is invalid. */
static size_t utf8_length(const unsigned char *data, size_t len)
{
	size_t n = data[0] < 0x80		     ? 1 :
		   data[0] >= 0xc2 && data[0] < 0xe0 ? 2 :
		   data[0] >= 0xe0 && data[0] < 0xf0 ? 3 :
		   data[0] >= 0xf0 && data[0] < 0xf5 ? 4 :
						       0;

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	if ((data[0] == 0xe0 && data[1] < 0xa0) || (data[0] == 0xed && data[1] >= 0xa0) ||
	    (data[0] == 0xf0 && data[1] < 0x90) || (data[0] == 0xf4 && data[1] >= 0x90))
		return 0; /* overlong, a surrogate, or above U+10FFFF */
	return n;
}

/* Checks the encoding, since libyaml reports no location for such errors and accepts UTF-16. */
static int check_bytes(const char *file, const char *data, size_t len, struct netsim_diags *diags)
{
	struct netsim_loc at = {file, 1, 1};
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		const unsigned char *p = (const unsigned char *)data + i;

		n = utf8_length(p, len - i);
		if (n == 0)
			return diag_add(diags, &at, NULL, "this is not UTF-8 (byte 0x%02x)", *p);
		if (*p == '\0')
			return diag_add(diags, &at, NULL, "the file contains a NUL byte");
		if ((*p < 0x20 && *p != '\t' && *p != '\n' && *p != '\r') || *p == 0x7f ||
		    (*p == 0xc2 && p[1] < 0xa0 && p[1] != 0x85) ||
		    (*p == 0xef && p[1] == 0xbf && p[2] >= 0xbe))
			return diag_add(diags, &at, NULL, "the file contains a control character");
		at.column++;
		if (*p == '\n') {
			at.line++;
			at.column = 1;
		}
	}
	return 0;
}

static void reader_done(struct doc_reader *reader)
{
	for (size_t i = 0; i < reader->depth; i++)
		free(reader->open[i].key);
	doc_free(reader->root);
	yaml_parser_delete(&reader->parser);
}

int doc_parse(const char *file, const char *data, size_t len, struct doc_node **ret,
	      struct netsim_diags *diags)
{
	struct doc_reader reader = {.file = file, .diags = diags};
	struct netsim_loc start = {file, 1, 1};
	int r = check_bytes(file, data, len, diags);

	if (r < 0)
		return r;
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		data += 3;
		len -= 3;
	}
	if (!yaml_parser_initialize(&reader.parser))
		return diag_oom(diags);
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)data, len);
	r = read_events(&reader);
	if (r == 0 && !reader.root)
		r = diag_add(diags, &start, NULL, "the file is empty");
	if (r == 0) {
		reader.root->flawed = reader.failed;
		*ret = take(reader.root);
	}
	reader_done(&reader);
	return r;
}

int doc_read(const char *path, char **ret, size_t *ret_len, struct netsim_diags *diags)
{
	struct netsim_loc at = {.file = path};
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	auto_buf struct buf buf = {0};
	char name[FIND_PATH];
	struct stat st;

	if (fd < 0 && errno == ENOENT && find_elsewhere(path, name))
		return diag_add(diags, &at, hint_f("the one that netsim has is called %s", name),
				"cannot open: %s", strerror(ENOENT));
	if (fd < 0)
		return diag_errno(diags, &at, -errno, "cannot open");
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return diag_add(diags, &at, "name a file in it", "is a directory");
	int r = buf_read(&buf, fd, DOC_SIZE_MAX);

	if (r == -EFBIG)
		return diag_add(diags, &at, NULL, "is larger than %u MiB", DOC_SIZE_MAX >> 20);
	if (r < 0 && r != -ENOMEM)
		return diag_errno(diags, &at, r, "cannot read");
	*ret_len = buf.len;
	*ret = buf_take(&buf);
	return *ret ? 0 : diag_oom(diags);
}

int doc_load(const char *path, struct doc_node **ret, struct netsim_diags *diags)
{
	auto_free char *data = NULL;
	size_t len;
	int r = doc_read(path, &data, &len, diags);

	return r < 0 ? r : doc_parse(path, data, len, ret, diags);
}

int doc_set_text(struct doc_node *node, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(node->text);
	node->text = copy;
	node->verbatim = false;
	return 0;
}

int doc_set(struct doc_node *map, const char *key, const char *text)
{
	struct doc_entry *found = (struct doc_entry *)doc_find(map, key), *entries;
	struct doc_node *value;

	if (found && found->value->kind == DOC_TEXT)
		return doc_set_text(found->value, text);
	doc_remove(map, key);
	entries = realloc(map->entries, (map->count + 1) * sizeof(*entries));
	value = calloc(1, sizeof(*value));
	if (entries)
		map->entries = entries;
	if (!entries || !value) {
		free(value);
		return -ENOMEM;
	}
	*value = (struct doc_node) {.kind = DOC_TEXT, .text = strdup(text), .at = map->at};
	map->entries[map->count] =
		(struct doc_entry) {.key = strdup(key), .at = map->at, .value = value};
	found = &map->entries[map->count++];
	return found->key && value->text ? 0 : -ENOMEM;
}

void doc_remove(struct doc_node *map, const char *key)
{
	struct doc_entry *entry = (struct doc_entry *)doc_find(map, key);

	if (!entry)
		return;
	entry_done(entry);
	memmove(entry, entry + 1, (size_t)(map->entries + map->count - entry - 1) * sizeof(*entry));
	map->count--;
}
