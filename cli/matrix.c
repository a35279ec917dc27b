/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "matrix.h"

#include <string.h>

static int wider(int width, const char *text)
{
	int length = (int)strlen(text);

	return length > width ? length : width;
}

void matrix_print(const char *corner, const struct netsim_routes *routes,
		  const char (*cells)[MATRIX_CELL], FILE *out)
{
	size_t n = routes->node_count;
	int first = (int)strlen(corner);

	for (size_t i = 0; i < n; i++)
		first = wider(first, routes->nodes[i]->name);
	for (size_t row = 0; row <= n; row++) {
		fprintf(out, "%-*s", first, row ? routes->nodes[row - 1]->name : corner);
		for (size_t c = 0; c < n; c++) {
			int width = wider(0, routes->nodes[c]->name);

			for (size_t i = 0; i < n; i++)
				width = wider(width, cells[i * n + c]);
			fprintf(out, "  %*s", width,
				row ? cells[(row - 1) * n + c] : routes->nodes[c]->name);
		}
		fputc('\n', out);
	}
}
