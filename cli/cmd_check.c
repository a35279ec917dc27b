/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "out.h"

static const enum netsim_file kinds[] = {NETSIM_FILE_TOPOLOGY, NETSIM_FILE_PROFILE,
					 NETSIM_FILE_SCENARIO, NETSIM_FILE_RECIPE};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Checks a file and adds its mistakes to list; returns the exit status. */
static int check_file(const struct common *args, const char *path, json_t *list)
{
	struct netsim_diags diags = {0};
	FILE *print = args->verbose && !args->json ? stdout : NULL;
	int r = netsim_check(path, print, &diags);

	print_diags(&diags);
	add_diags(list, &diags);
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
static int check_name(const struct common *args, const char *name, json_t *list)
{
	int status = 0;
	bool found = false;

	for (size_t i = 0; i < KINDS; i++) {
		char path[4096];

		if (netsim_find(kinds[i], name, path, sizeof(path), NULL) < 0)
			continue;
		found = true;
		status = worse(status, check_file(args, path, list));
	}
	return found ? status : refuse_name(name, list);
}

/* True for a word that can be the name of a file elsewhere. A file here goes first. */
static bool is_name(const char *word)
{
	return !strpbrk(word, "/.") && access(word, F_OK) < 0;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	json_t *list = json_array();
	int status = 0;

	(void)err;
	for (int i = 0; i < args->count; i++) {
		const char *word = args->words[i];

		status = worse(status, is_name(word) ? check_name(args, word, list) :
						       check_file(args, word, list));
	}
	if (args->json)
		print_json(json_pack("{s:O}", "errors", list));
	json_decref(list);
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
