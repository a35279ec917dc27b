// SPDX-License-Identifier: GPL-2.0-or-later
#include "select.h"

#include <string.h>

#include "out.h"

static bool has_selector(const struct select_words *words)
{
	for (size_t i = 0; i < *words->count; i++)
		if (strchr((*words->list)[i], '('))
			return true;
	return false;
}

int select_nodes(struct netsim *ctx, const struct common *common,
		 const struct netsim_opt_words *clusters, const struct select_words *words,
		 struct netsim_select **ret, struct netsim_err *err)
{
	const struct netsim_select_opts how = NETSIM_OPTS(
		struct netsim_select_opts, .fleet = common->fleet, .clusters = clusters->list,
		.cluster_count = clusters->count, .targets = words->targets);
	int r;

	if (!has_selector(words))
		return 0;
	r = netsim_select(ctx, *words->list, *words->count, &how, ret, err);
	if (r < 0)
		return r;
	*words->list = (const char *const *)(*ret)->words;
	*words->count = (*ret)->word_count;
	for (size_t i = 0; !common->json && !common->quiet && i < (*ret)->count; i++)
		printf("%s is %s\n", (*ret)->list[i]->selector, (*ret)->list[i]->nodes);
	return 0;
}
