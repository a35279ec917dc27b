// SPDX-License-Identifier: GPL-2.0-or-later
/* Looks up files by name. */
#include "netsim/config/find.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netsim/util/auto.h"

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
