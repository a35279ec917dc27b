// SPDX-License-Identifier: GPL-2.0-or-later
/* Arbitrary bytes as a matrix: no crash; the printed form of a valid one prints the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/matrix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct matrix *matrix)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out || matrix_print_yaml(matrix, out) < 0 || fclose(out))
		abort();
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netsim_diags diags = {0}, none = {0};
	struct matrix *matrix, *again;
	char *first, *second;

	if (matrix_parse("fuzz", (const char *)data, size, &matrix, &diags) < 0) {
		if (diags.count == diags.warnings)
			abort();
		return 0;
	}
	first = print(matrix);
	if (matrix_parse("fuzz", first, strlen(first), &again, &none) < 0)
		abort();
	second = print(again);
	if (strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
	matrix_free(matrix);
	matrix_free(again);
	return 0;
}
