// SPDX-License-Identifier: GPL-2.0-or-later
#include "select.h"

#include <string.h>

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

	/* With JSON, the nodes of patterns are shown, too; a wrong one is up to the command. */
	if (!has_selector(words)) {
		if (common->json && *words->count)
			(void)netsim_select(ctx, *words->list, *words->count, &how, ret, NULL);
		return 0;
	}
	r = netsim_select(ctx, *words->list, *words->count, &how, ret, err);
	if (r < 0)
		return r;
	*words->list = (const char *const *)(*ret)->words;
	*words->count = (*ret)->word_count;
	for (size_t i = 0; !common->json && !common->quiet && i < (*ret)->count; i++)
		if (strchr((*ret)->list[i]->selector, '('))
			printf("%s is %s\n", (*ret)->list[i]->selector, (*ret)->list[i]->nodes);
	return 0;
}

json_t *json_selected(const struct netsim_select *const *list, size_t count)
{
	json_t *array = json_array();

	for (size_t k = 0; k < count; k++)
		for (size_t i = 0; list[k] && i < list[k]->count; i++) {
			const struct netsim_selected *one = list[k]->list[i];

			json_array_append_new(array, json_pack("{s:s, s:o, s:I}", "selector",
							       one->selector, "nodes",
							       json_list(one->nodes), "at_ns",
							       (json_int_t)one->at_ns));
		}
	if (json_array_size(array))
		return array;
	json_decref(array);
	return NULL;
}
