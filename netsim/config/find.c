// SPDX-License-Identifier: GPL-2.0-or-later
/* Looks up files by name. */
#include "netsim/config/find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

const char *const find_places[FIND_PLACES] = {"", "/etc/netsim/", NETSIM_DATADIR "/"};

bool find_is_path(const char *name)
{
	static const char *const endings[] = {".yaml", ".yml", ".json"};
	size_t length = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t ending = strlen(endings[i]);

		if (length > ending && strcmp(name + length - ending, endings[i]) == 0)
			return true;
	}
	return strchr(name, '/');
}

int find_named(const char *folder, const char *name, char path[static FIND_PATH])
{
	for (size_t i = 0; i < FIND_PLACES; i++) {
		int length =
			snprintf(path, FIND_PATH, "%s%s/%s.yaml", find_places[i], folder, name);

		/* A file that cannot be examined counts as found: reading it reports why. */
		if (length < FIND_PATH &&
		    (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)))
			return 0;
	}
	return -ENOENT;
}

/* True if a path of this length is the folder, or ends in it. */
static bool ends_in(const char *path, size_t length, const char *folder)
{
	size_t last = strlen(folder);

	return length >= last && memcmp(path + length - last, folder, last) == 0 &&
	       (length == last || path[length - last - 1] == '/');
}

bool find_elsewhere(const char *path, char name[static FIND_PATH])
{
	static const char *const folders[] = {"topo", "profiles", "scenarios", "scenarios/recipes"};
	const char *slash = strrchr(path, '/'), *end = strstr(slash ? slash : "", ".yaml");
	char found[FIND_PATH];

	if (!end || end[strlen(".yaml")] || end - slash >= FIND_PATH)
		return false;
	snprintf(name, FIND_PATH, "%.*s", (int)(end - slash - 1), slash + 1);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (ends_in(path, (size_t)(slash - path), folders[i]) &&
		    find_named(folders[i], name, found) == 0)
			return true;
	return false;
}

struct names {
	const char **list;
	size_t count;
};

/* Adds what the files of a folder are called, without .yaml; what cannot be read is left out. */
static void list_names(const char *folder, struct names *names)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);
		const char **slot;
		char *name;

		/* The class file is among the profiles, but is none. */
		if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0 ||
		    strcmp(entry->d_name, "classes.yaml") == 0)
			continue;
		name = strndup(entry->d_name, length - 5);
		slot = name ? array_push(names->list, names->count) : NULL;
		if (slot)
			*slot = name;
		else
			free(name);
	}
	if (dir)
		closedir(dir);
}

char *find_nearest(const char *folder, const char *name)
{
	struct names names = {0};
	const char *near;
	char path[FIND_PATH], *ret;

	for (size_t i = 0; i < FIND_PLACES; i++)
		if (snprintf(path, sizeof(path), "%s%s", find_places[i], folder) <
		    (int)sizeof(path))
			list_names(path, &names);
	near = name_nearest(name, names.list, names.count);
	ret = near ? strdup(near) : NULL;
	for (size_t i = 0; i < names.count; i++)
		free((char *)names.list[i]);
	free(names.list);
	return ret;
}
