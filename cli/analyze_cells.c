// SPDX-License-Identifier: GPL-2.0-or-later
/* Figures with three digits and a unit, for the cells of tables. */
#include <inttypes.h>

#include "analyze.h"

const char *analyze_scaled(double value, const char *unit, char text[ANALYZE_CELL])
{
	static const char prefixes[] = " kMGTPE";
	int i = 0;

	while (value >= 999.5 && i < 6) {
		value /= 1000;
		i++;
	}
	snprintf(text, ANALYZE_CELL, "%.*f%s%.*s%s",
		 i == 0 || value >= 99.95 ? 0 :
		 value >= 9.995		  ? 1 :
					    2,
		 value, *unit || i ? " " : "", i ? 1 : 0, prefixes + i, unit);
	return text;
}

const char *analyze_duration(double ns, char text[ANALYZE_CELL])
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	int i = 0;

	while (ns >= 999.5 && i < 3) {
		ns /= 1000;
		i++;
	}
	snprintf(text, ANALYZE_CELL, "%.*f %s",
		 i == 0 || ns >= 99.95 ? 0 :
		 ns >= 9.995	       ? 1 :
					 2,
		 ns, units[i]);
	return text;
}

const char *analyze_count(uint64_t value, char text[ANALYZE_CELL])
{
	if (value >= 100000)
		return analyze_scaled((double)value, "", text);
	snprintf(text, ANALYZE_CELL, "%" PRIu64, value);
	return text;
}
