/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds and checks files. */
#include <errno.h>

#include "netsim/api/handle.h"
#include "netsim/config/check.h"
#include "netsim/config/find.h"

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

int netsim_find(enum netsim_file kind, const char *name, char *buf, size_t size,
		struct netsim_err *err)
{
	const char *folder = kinds[kind].folder;
	char path[FIND_PATH];

	if (find_is_path(name)) {
		snprintf(path, sizeof(path), "%s", name);
	} else if (find_named(folder, name, path) < 0) {
		err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "no %s named %s", kinds[kind].what,
			name);
		err_hint(err, "looked for %s/%s.yaml here, in /etc/netsim and in " NETSIM_DATADIR,
			 folder, name);
		return -ENOENT;
	}
	if (snprintf(buf, size, "%s", path) >= (int)size)
		return err_set(err, NETSIM_ERR_USAGE, -ENAMETOOLONG, NULL,
			       "the path of %s is longer than %zu bytes", name, size - 1);
	return 0;
}

int netsim_check(const char *path, FILE *print, struct netsim_diags *diags)
{
	return check_file(path, print, diags);
}
