// SPDX-License-Identifier: GPL-2.0-or-later
/* Arbitrary bytes as a class file: no crash; the printed form of a valid one prints the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/classes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct class_set *set)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out || classes_print(set, out) < 0 || fclose(out))
		abort();
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netsim_diags diags = {0}, none = {0};
	struct class_set *set, *again;

	if (classes_parse("fuzz", (const char *)data, size, &set, &diags) < 0) {
		if (diags.count == diags.warnings)
			abort();
		return 0;
	}
	char *first = print(set), *second;

	if (classes_parse("fuzz", first, strlen(first), &again, &none) < 0)
		abort();
	second = print(again);
	if (strcmp(first, second) != 0 || set->count > CLASSES_MAX)
		abort();
	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(set->list[i].name, set->list[j].name) == 0)
				abort();
	classes_nearest(set, "etcd");
	free(first);
	free(second);
	classes_free(set);
	classes_free(again);
	return 0;
}
