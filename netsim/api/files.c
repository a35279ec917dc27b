/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and checking files. */
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

int netsim_find(const char *folder, const char *name, char *path, struct netsim_err *err)
{
	if (is_path(name)) {
		snprintf(path, FIND_PATH, "%s", name);
		return 0;
	}
	if (find_named(folder, name, path) == 0)
		return 0;
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "there is no %s called %s",
		strcmp(folder, "topo") == 0 ? "topology" : "profile", name);
	err_hint(err, "looked for %s/%s.yaml here, in /etc/netsim and in " NETSIM_DATADIR, folder,
		 name);
	return -ENOENT;
}

int netsim_check(const char *path, FILE *print, struct netsim_diags *diags)
{
	return check_file(path, print, diags);
}
