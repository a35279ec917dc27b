/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds, lists and checks files. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/api/handle.h"
#include "netsim/config/check.h"
#include "netsim/config/classes.h"
#include "netsim/config/find.h"
#include "netsim/util/auto.h"

/*
 * A kind of file: its name in messages, and the folder in which a file given by name is looked
 * up.
 */
static const struct {
	const char *what, *folder;
} kinds[] = {
	[NETSIM_FILE_TOPOLOGY] = {"topology", "topo"},
	[NETSIM_FILE_PROFILE] = {"profile", "profiles"},
	[NETSIM_FILE_SCENARIO] = {"scenario", "scenarios"},
	[NETSIM_FILE_RECIPE] = {"recipe", "scenarios/recipes"},
};

static bool is_listed(const struct netsim_list *list, const char *name)
{
	for (size_t i = 0; i < list->file_count; i++)
		if (strcmp(list->files[i]->name, name) == 0)
			return true;
	return false;
}

static int add(struct netsim_list *list, const struct netsim_named *named, struct netsim_err *err)
{
	struct netsim_named *new = arena_push(list, list->files, list->file_count);

	if (!new)
		return err_oom(err);
	*new = (struct netsim_named) {.kind = named->kind,
				      .name = arena_strdup(list, named->name),
				      .path = arena_strdup(list, named->path),
				      .summary = arena_strdup(list, named->summary)};
	return new->name &&new->path &&new->summary ? 0 : err_oom(err);
}

/* Returns the period that ends the first sentence, if another one follows; not one of "...". */
static char *sentence_end(char *text)
{
	for (char *at = text; (at = strstr(at, ". ")); at++)
		if (at > text && at[-1] != '.')
			return at;
	return NULL;
}

/* Joins the lines of the comment that a file begins with, up to the end of its first sentence. */
static void read_summary(const char *path, char *text, size_t size)
{
	auto_fclose FILE *file = fopen(path, "re");
	char line[256];
	size_t length = 0;

	*text = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		char *end;

		if (strncmp(line, "# ", 2) != 0)
			break;
		line[strcspn(line, "\n")] = '\0';
		length += (size_t)snprintf(text + length, size - length, "%s%s", length ? " " : "",
					   line + 2);
		if (length >= size)
			break;
		end = sentence_end(text);
		if (end) {
			*end = '\0';
			break;
		}
	}
	length = strlen(text);
	if (length && text[length - 1] == '.')
		text[length - 1] = '\0';
}

/* Cuts ".yaml" off. The class file is among the profiles, but is none. */
static bool take_name(enum netsim_file kind, char *name)
{
	size_t length = strlen(name);

	if (length < 6 || strcmp(name + length - 5, ".yaml") != 0)
		return false;
	name[length - 5] = '\0';
	return kind != NETSIM_FILE_PROFILE || strcmp(name, "classes") != 0;
}

static int list_folder(enum netsim_file kind, const char *place, struct netsim_list *list,
		       struct netsim_err *err)
{
	char folder[FIND_PATH], path[FIND_PATH + 256], summary[512];
	struct dirent *entry;
	DIR *dir;
	int r = 0;

	snprintf(folder, sizeof(folder), "%s%s", place, kinds[kind].folder);
	dir = opendir(folder);
	if (!dir && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!dir)
		return err_set(err, NETSIM_ERR_ENV, -errno, NULL, "cannot list %s: %s", folder,
			       strerror(errno));
	while (r == 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (!take_name(kind, entry->d_name) || is_listed(list, entry->d_name))
			continue;
		read_summary(path, summary, sizeof(summary));
		r = add(list, &(struct netsim_named) {kind, entry->d_name, path, summary}, err);
	}
	closedir(dir);
	return r;
}

static int list_classes(struct netsim_list *list, struct netsim_diags *diags,
			struct netsim_err *err)
{
	struct class_set *set = NULL;
	char path[FIND_PATH];
	int r = 0;

	if (find_named("profiles", "classes", path) < 0)
		return 0;
	r = classes_load(path, &set, diags);
	for (size_t i = 0; r == 0 && i < set->count; i++) {
		auto_free char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		if (!out) {
			r = err_oom(err);
			break;
		}
		class_print(&set->list[i], out);
		if (fclose(out) != 0)
			r = err_oom(err);
		else
			r = add(list,
				&(struct netsim_named) {NETSIM_FILE_CLASS, set->list[i].name, path,
							text},
				err);
	}
	classes_free(set);
	return r;
}

static int by_name(const void *a, const void *b)
{
	const struct netsim_named *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int netsim_list(enum netsim_file kind, struct netsim_list **ret, struct netsim_diags *diags,
		struct netsim_err *err)
{
	struct netsim_diags ignored = {0};
	struct netsim_list *list = arena_new(sizeof(*list));
	int r = 0;

	if (!list)
		return err_oom(err);
	if (kind == NETSIM_FILE_CLASS)
		r = list_classes(list, diags ? diags : &ignored, err);
	for (size_t i = 0; r == 0 && kind != NETSIM_FILE_CLASS && i < FIND_PLACES; i++)
		r = list_folder(kind, find_places[i], list, err);
	if (r < 0) {
		netsim_list_free(list);
		return r;
	}
	/* Classes stay in the order in which they match. */
	if (list->file_count && kind != NETSIM_FILE_CLASS)
		qsort(list->files, list->file_count, sizeof(*list->files), by_name);
	*ret = list;
	return 0;
}

void netsim_list_free(struct netsim_list *list)
{
	arena_free(list);
}

static int unknown(enum netsim_file kind, const char *name, struct netsim_err *err)
{
	const char *folder = kinds[kind].folder;
	auto_free char *near = find_nearest(folder, name);
	char path[FIND_PATH];

	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "no %s named %s", kinds[kind].what, name);
	if (snprintf(path, sizeof(path), "%s.yaml", name) < (int)sizeof(path) &&
	    access(path, R_OK) == 0)
		err_hint(err, "did you mean %s?", path);
	else if (near)
		err_hint(err, "did you mean %s?", near);
	else
		err_hint(err, "looked for %s/%s.yaml here, in /etc/netsim and in " NETSIM_DATADIR,
			 folder, name);
	return -ENOENT;
}

int netsim_find(enum netsim_file kind, const char *name, char *buf, size_t size,
		struct netsim_err *err)
{
	char path[FIND_PATH];

	if (find_is_path(name))
		snprintf(path, sizeof(path), "%s", name);
	else if (find_named(kinds[kind].folder, name, path) < 0)
		return unknown(kind, name, err);
	if (snprintf(buf, size, "%s", path) >= (int)size)
		return err_set(err, NETSIM_ERR_USAGE, -ENAMETOOLONG, NULL,
			       "the path of %s is longer than %zu bytes", name, size - 1);
	return 0;
}

int netsim_check(const char *path, FILE *print, struct netsim_diags *diags)
{
	return check_file(path, print, NULL, diags);
}

int netsim_check_json(const char *path, FILE *print, const char **ret_kind,
		      struct netsim_diags *diags)
{
	auto_free char *text = NULL;
	const char *kind = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r = out ? check_file(path, out, &kind, diags) : -ENOMEM;

	if (out && fclose(out) != 0 && r == 0)
		r = -ENOMEM;
	if (r == 0)
		r = check_to_json(path, strcmp(kind ? kind : "", "trace") == 0, text, print);
	if (ret_kind)
		*ret_kind = kind;
	return r;
}
