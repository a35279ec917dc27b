/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "out.h"

static const enum netsim_file kinds[] = {NETSIM_FILE_TOPOLOGY, NETSIM_FILE_PROFILE,
					 NETSIM_FILE_SCENARIO, NETSIM_FILE_RECIPE};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What --json prints: mistakes, and with --verbose the files. */
struct checked {
	json_t *errors, *files;
};

/* Checks a file and adds its normal form; null if it has mistakes. */
static int read_file(const char *path, json_t *files, struct netsim_diags *diags)
{
	const char *kind = NULL;
	json_t *document = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r = out ? netsim_check_json(path, out, &kind, diags) : -ENOMEM;

	if (out && fclose(out) == 0 && r == 0)
		document = json_loads(text, 0, NULL);
	json_array_append_new(files,
			      json_pack("{s:o, s:s?, s:o}", "path", json_words(path), "kind", kind,
					"document", document ? document : json_null()));
	free(text);
	return r;
}

/* Checks a file and adds its mistakes; returns the exit status. */
static int check_file(const struct common *args, const char *path, const struct checked *ret)
{
	struct netsim_diags diags = {0};
	int r = args->verbose && args->json ?
			read_file(path, ret->files, &diags) :
			netsim_check(path, args->verbose ? stdout : NULL, &diags);

	print_diags(&diags);
	add_diags(ret->errors, &diags);
	return r < 0 ? diags_status(&diags) : 0;
}

/* Writes the most similar name of all kinds into the hint. */
static void hint_name(const char *name, struct netsim_err *err)
{
	snprintf(err->hint, sizeof(err->hint), "try netsim list");
	for (size_t i = 0; i < KINDS; i++) {
		struct netsim_list *list = NULL;
		const char *names[256], *near;
		size_t count = 0;

		if (netsim_list(kinds[i], &list, NULL, NULL) < 0)
			continue;
		for (; count < list->file_count && count < sizeof(names) / sizeof(names[0]);
		     count++)
			names[count] = list->files[count]->name;
		near = netsim_nearest(name, names, count);
		if (near)
			snprintf(err->hint, sizeof(err->hint), "did you mean %s?", near);
		netsim_list_free(list);
	}
}

static int refuse_name(const char *name, json_t *list)
{
	struct netsim_diags diags = {.count = 1};
	struct netsim_err *err = &diags.list[0];

	err->kind = NETSIM_ERR_USAGE;
	snprintf(err->what, sizeof(err->what),
		 "no file %s, and no topology, profile, scenario or recipe of that name", name);
	hint_name(name, err);
	print_diags(&diags);
	add_diags(list, &diags);
	return exit_status(err->kind);
}

/* That the process cannot read a file outweighs mistakes in others. */
static int worse(int a, int b)
{
	return !b || a == exit_status(NETSIM_ERR_ENV) ? a : b;
}

/* A name that several kinds of file have means them all. */
static int check_name(const struct common *args, const char *name, const struct checked *ret)
{
	int status = 0;
	bool found = false;

	for (size_t i = 0; i < KINDS; i++) {
		char path[4096];

		if (netsim_find(kinds[i], name, path, sizeof(path), NULL) < 0)
			continue;
		found = true;
		status = worse(status, check_file(args, path, ret));
	}
	return found ? status : refuse_name(name, ret->errors);
}

/* True for a word that can be the name of a file elsewhere. A file here goes first. */
static bool is_name(const char *word)
{
	return !strpbrk(word, "/.") && access(word, F_OK) < 0;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	const struct checked checked = {json_array(), args->verbose ? json_array() : NULL};
	int status = 0;

	(void)err;
	for (int i = 0; i < args->count; i++) {
		const char *word = args->words[i];

		status = worse(status, is_name(word) ? check_name(args, word, &checked) :
						       check_file(args, word, &checked));
	}
	if (args->json)
		print_json(
			json_pack("{s:O, s:O*}", "errors", checked.errors, "files", checked.files));
	json_decref(checked.errors);
	json_decref(checked.files);
	return status;
}

static const struct netsim_syntax syntax = {
	.args = "FILE...",
	.summary = "Check the files that netsim reads; with -v print them.",
	.min = 1,
	.max = -1,
};

const struct cmd cmd_check = {
	.name = "check",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
