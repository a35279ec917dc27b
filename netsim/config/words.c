/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/config/words.h"

#include <string.h>

#include "netsim/config/profile.h"

const char *const words_distribution[] = {
	[DIST_UNIFORM] = "uniform",
	[DIST_NORMAL] = "normal",
	[DIST_PARETO] = "pareto",
	[DIST_PARETONORMAL] = "paretonormal",
	NULL,
};

const char *const words_engine[] = {
	[ENGINE_AUTO] = "auto",
	[ENGINE_NETEM] = "netem",
	[ENGINE_EDT] = "edt",
	NULL,
};

int words_find(const char *const *words, const char *text)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}
