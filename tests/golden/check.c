// SPDX-License-Identifier: GPL-2.0-or-later
/* A minimal `netsim check`, to run the golden files without the command. */
#include <stdio.h>
#include <string.h>

#include "netsim/config/check.h"

static void print(const struct netsim_err *err)
{
	if (err->file[0] && err->loc.line)
		fprintf(stderr, "%s:%u:%u: ", err->file, err->loc.line, err->loc.column);
	else if (err->file[0])
		fprintf(stderr, "%s: ", err->file);
	fprintf(stderr, "%s: %s%s%s\n", err->warning ? "warning" : "error", err->what,
		err->hint[0] ? "; " : "", err->hint);
}

int main(int argc, char **argv)
{
	static struct netsim_diags diags;
	bool verbose = argc > 3 && strcmp(argv[2], "-v") == 0;
	int r = argc > 2 ? check_file(argv[argc - 1], verbose ? stdout : NULL, NULL, &diags) : -1;

	for (size_t i = 0; i < diags.count; i++)
		print(&diags.list[i]);
	if (diags.more)
		fprintf(stderr, "and %zu more\n", diags.more);
	return r < 0 ? 3 : 0;
}
