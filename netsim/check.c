// SPDX-License-Identifier: GPL-2.0-or-later
/* `netsim check`: which kind of file it is, then its own reader. */
#include "netsim/check.h"

#include "netsim/doc.h"
#include "netsim/profile.h"
#include "netsim/topo.h"

/* What cannot be read at all is taken for a topology: the message is the same. */
static bool is_profile(const char *path, const char *data, size_t len)
{
	auto_doc struct doc_node *doc = NULL;
	struct netsim_diags ignored = {0};

	if (doc_parse(path, data, len, &doc, &ignored) < 0)
		return false;
	if (doc_get(doc, "fleet") || doc_get(doc, "networks"))
		return false;
	return doc_get(doc, "profile") || doc_get(doc, "default") || doc_get(doc, "engine") ||
	       doc_get(doc, "nodes");
}

int check_file(const char *path, FILE *out, struct netsim_diags *diags)
{
	auto_free char *data = NULL;
	struct profile *profile;
	struct topo *topo;
	size_t len;
	int r = doc_read(path, &data, &len, diags);

	if (r < 0)
		return r;
	if (is_profile(path, data, len)) {
		r = profile_parse(path, data, len, &profile, diags);
		if (r < 0)
			return r;
		r = out ? profile_print(profile, out) : 0;
		profile_free(profile);
	} else {
		r = topo_parse(path, data, len, &topo, diags);
		if (r < 0)
			return r;
		r = out ? topo_print(topo, out) : 0;
		topo_free(topo);
	}
	return r;
}
