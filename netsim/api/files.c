/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds and checks files. */
#include <errno.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/config/check.h"
#include "netsim/config/find.h"

static bool is_path(const char *name)
{
	size_t length = strlen(name);

	return strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".yaml") == 0) ||
	       (length > 4 && strcmp(name + length - 4, ".yml") == 0) ||
	       (length > 5 && strcmp(name + length - 5, ".json") == 0);
}

int netsim_find(enum netsim_file kind, const char *name, char *buf, size_t size,
		struct netsim_err *err)
{
	const char *folder = kind == NETSIM_FILE_TOPOLOGY ? "topo" : "profiles";
	char path[FIND_PATH];

	if (is_path(name)) {
		snprintf(path, sizeof(path), "%s", name);
	} else if (find_named(folder, name, path) < 0) {
		err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "no %s named %s",
			kind == NETSIM_FILE_TOPOLOGY ? "topology" : "profile", name);
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
