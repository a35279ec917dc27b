// SPDX-License-Identifier: GPL-2.0-or-later
/* The names of fleets, networks, nodes, roles and links. */
#include <string.h>

#include "netsim/config/topo_parts.h"
#include "netsim/util/name.h"

bool topo_check_name(struct bind *b, const char *what, const char *text, size_t max,
		     const struct netsim_loc *at)
{
	if (name_is_plain(text, max))
		return true;
	if (strlen(text) > max)
		return bind_refuse(b, at, NULL, "\"%s\" has %zu characters; %s has at most %zu",
				   shown(text), strlen(text), what, max);
	return bind_refuse(b, at, "letters, digits, '.', '-' and '_', first a letter or digit",
			   "\"%s\" is not valid as %s", shown(text), what);
}
