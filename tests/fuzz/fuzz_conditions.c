// SPDX-License-Identifier: GPL-2.0-or-later
/* Arbitrary text as conditions: parsing the formatted result gives the same conditions. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/conditions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netsim_err err = {0}, none = {0};
	struct conditions c, again;
	char first[1024], second[1024];
	char *text = calloc(size + 1, 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	if (conditions_parse(text, &c, &err) < 0) {
		if (err.kind != NETSIM_ERR_USAGE || !err.what[0])
			abort();
	} else {
		conditions_format(&c, first, sizeof(first));
		if (conditions_parse(first, &again, &none) < 0 || again.has != c.has)
			abort();
		conditions_format(&again, second, sizeof(second));
		if (strcmp(first, second) != 0)
			abort();
		if (conditions_check(&c, "n", "up", &err) < 0 && err.kind != NETSIM_ERR_INPUT)
			abort();
	}
	free(text);
	return 0;
}
