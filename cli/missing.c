/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "missing.h"

void missing_print(struct netsim_missing *const *list, size_t count, const char *prefix, FILE *out)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s: %s\n", prefix, list[i]->name, list[i]->why);
}

json_t *missing_json(struct netsim_missing *const *list, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:s}", "link", list[i]->name, "why", list[i]->why));
	return array;
}

static const char *datapath(const struct netsim_ovs *ovs)
{
	return ovs->userspace ? "userspace" : "kernel";
}

void ovs_print(struct netsim_ovs *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s: Open vSwitch, %s datapath\n", list[i]->bridge, datapath(list[i]));
}

json_t *ovs_json(struct netsim_ovs *const *list, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_pack("{s:s, s:s}", "bridge", list[i]->bridge,
						       "datapath", datapath(list[i])));
	return array;
}
