/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "out.h"

static const struct {
	const char *word, *plural;
	enum netsim_file kind;
} kinds[] = {
	{"topology", "topologies", NETSIM_FILE_TOPOLOGY},
	{"profile", "profiles", NETSIM_FILE_PROFILE},
	{"class", "classes", NETSIM_FILE_CLASS},
	{"scenario", "scenarios", NETSIM_FILE_SCENARIO},
	{"recipe", "recipes", NETSIM_FILE_RECIPE},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *word_of(enum netsim_file kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].word;
	return "";
}

static int read_kind(const char *text, enum netsim_file *ret, struct netsim_err *err)
{
	const char *names[2 * KINDS], *near;

	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(text, kinds[i].word) == 0 || strcmp(text, kinds[i].plural) == 0) {
			*ret = kinds[i].kind;
			return 0;
		}
		names[2 * i] = kinds[i].plural;
		names[2 * i + 1] = kinds[i].word;
	}
	near = netsim_nearest(text, names, 2 * KINDS);
	return usage_error(err, &cmd_list, "there is no kind %s; %s%s%s", text,
			   near ? "did you mean " :
				  "use topologies, profiles, classes, scenarios or recipes",
			   near ? near : "", near ? "?" : "");
}

static json_t *describe(const struct netsim_named *named)
{
	return json_pack("{s:s, s:o, s:o, s:o}", "kind", word_of(named->kind), "name",
			 json_words(named->name), "path", json_words(named->path), "summary",
			 json_words(named->summary));
}

/* One line, or on a terminal as many as its words need. */
static void print_words(const char *label, const char *summary, const char *path)
{
	struct wrap wrap;

	if (!isatty(STDOUT_FILENO)) {
		printf("%s%s%s", label, *summary ? " " : "", summary);
		if (path)
			printf("%s(%s)", *summary ? "  " : " ", path);
		putchar('\n');
		return;
	}
	wrap_begin(&wrap, stdout, label, (int)strlen(label) + 1);
	for (size_t length; *summary; summary += length + (summary[length] == ' ')) {
		length = strcspn(summary, " ");
		wrap_word(&wrap, "%.*s", (int)length, summary);
	}
	if (path)
		wrap_word(&wrap, "(%s)", path);
	wrap_end(&wrap);
}

/* A file that is not among the installed ones is shown with its path. */
static void print_named(const struct common *args, const struct netsim_named *named, bool all,
			int width)
{
	bool local = named->kind != NETSIM_FILE_CLASS &&
		     strncmp(named->path, NETSIM_DATADIR, strlen(NETSIM_DATADIR)) != 0;
	const char *path = local || args->verbose ? named->path : NULL;
	char label[256];

	if (args->quiet) {
		puts(named->name);
		return;
	}
	snprintf(label, sizeof(label), "%-*s%-*s%s", all ? 10 : 0, all ? word_of(named->kind) : "",
		 *named->summary || path ? width : 0, named->name,
		 *named->summary || path ? " " : "");
	print_words(label, named->summary, path);
}

/* Lists one kind; adds to json, or prints. */
static int list_kind(const struct common *args, enum netsim_file kind, bool all, json_t *json,
		     struct netsim_err *err)
{
	struct netsim_diags diags = {0};
	struct netsim_list *list = NULL;
	int width = 0, r;

	r = report_file(netsim_list(kind, &list, &diags, err), args, &diags, err);
	if (r != 0)
		return r;
	for (size_t i = 0; i < list->file_count; i++)
		if ((int)strlen(list->files[i]->name) > width)
			width = (int)strlen(list->files[i]->name);
	for (size_t i = 0; i < list->file_count; i++) {
		if (args->json)
			json_array_append_new(json, describe(list->files[i]));
		else
			print_named(args, list->files[i], all, width);
	}
	netsim_list_free(list);
	return 0;
}

/* Prints the classes of a family, as etcd-client and etcd-peer of etcd; returns their number. */
static size_t print_family(const struct common *args, const struct netsim_list *list,
			   const char *name)
{
	json_t *json = json_array();
	size_t length = strlen(name), count;

	for (size_t i = 0; i < list->file_count; i++) {
		const struct netsim_named *class = list->files[i];

		if (strncmp(class->name, name, length) != 0 || class->name[length] != '-')
			continue;
		json_array_append_new(json, describe(class));
		if (!args->json)
			printf("%s: {%s}\n", class->name, class->summary);
	}
	count = json_array_size(json);
	if (count && args->json)
		print_json(json_pack("{s:O}", "files", json));
	json_decref(json);
	return count;
}

static int refuse_class(const struct netsim_list *list, const char *name, struct netsim_err *err)
{
	const char **names = calloc(list->file_count + 1, sizeof(*names)), *near;

	for (size_t i = 0; names && i < list->file_count; i++)
		names[i] = list->files[i]->name;
	near = names ? netsim_nearest(name, names, list->file_count) : NULL;
	free(names);
	usage_error(err, &cmd_list, "no class named %s", name);
	if (near)
		snprintf(err->hint, sizeof(err->hint), "did you mean %s?", near);
	return err->code;
}

static int print_class(const struct common *args, const char *name, struct netsim_err *err)
{
	const struct netsim_named *found = NULL;
	struct netsim_diags diags = {0};
	struct netsim_list *list = NULL;
	int r = report_file(netsim_list(NETSIM_FILE_CLASS, &list, &diags, err), args, &diags, err);

	if (r != 0)
		return r;
	for (size_t i = 0; i < list->file_count; i++)
		if (strcmp(list->files[i]->name, name) == 0)
			found = list->files[i];
	if (!found)
		r = print_family(args, list, name) ? 0 : refuse_class(list, name, err);
	else if (args->json)
		print_json(describe(found));
	else
		printf("%s: {%s}\n", found->name, found->summary);
	netsim_list_free(list);
	return r;
}

/* Prints a file as it is, or in JSON as a string. */
static int print_file(const struct common *args, enum netsim_file kind, const char *name,
		      struct netsim_err *err)
{
	char path[4096], *text = NULL;
	size_t size = 0, length;
	FILE *file;
	int r = netsim_find(kind, name, path, sizeof(path), err);

	if (r < 0)
		return r;
	file = fopen(path, "re");
	if (!file)
		return usage_error(err, &cmd_list, "cannot read %s: %s", path, strerror(errno));
	length = (size_t)getdelim(&text, &size, EOF, file);
	fclose(file);
	if (args->json)
		print_json(json_pack("{s:s, s:o, s:o, s:o}", "kind", word_of(kind), "name",
				     json_words(name), "path", json_words(path), "text",
				     json_words(text && length != (size_t)-1 ? text : "")));
	else if (length != (size_t)-1)
		fwrite(text, 1, length, stdout);
	free(text);
	return 0;
}

static int list_all(const struct common *args, const enum netsim_file *only, struct netsim_err *err)
{
	json_t *json = json_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < KINDS; i++)
		if (!only || kinds[i].kind == *only)
			r = list_kind(args, kinds[i].kind, !only, json, err);
	if (r == 0 && args->json)
		print_json(json_pack("{s:O}", "files", json));
	json_decref(json);
	return r;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	enum netsim_file kind;
	int r;

	if (!args->count)
		return list_all(args, NULL, err);
	r = read_kind(args->words[0], &kind, err);
	if (r < 0)
		return r;
	if (args->count == 1)
		return list_all(args, &kind, err);
	if (kind == NETSIM_FILE_CLASS)
		return print_class(args, args->words[1], err);
	return print_file(args, kind, args->words[1], err);
}

static const struct netsim_syntax syntax = {
	.args = "[KIND [NAME]]",
	.summary = "List topologies, profiles, classes and scenarios.",
	.max = 2,
};

const struct cmd cmd_list = {
	.name = "list",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
