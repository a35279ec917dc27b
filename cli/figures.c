// SPDX-License-Identifier: GPL-2.0-or-later
#include "figures.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* Scales a value to less than 1000 of a unit, except in the last unit. */
static double scale(double value, int last, int *ret_unit)
{
	for (*ret_unit = 0; value >= 999.5 && *ret_unit < last; ++*ret_unit)
		value /= 1000;
	return value;
}

static int places(double value)
{
	return value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
}

/* The smallest unit has no fraction. */
static const char *in_units(double value, const char *const *units, int last,
			    char text[static FIGURE_TEXT])
{
	int unit;

	value = scale(value, last, &unit);
	snprintf(text, FIGURE_TEXT, "%.*f %s", unit ? places(value) : 0, value, units[unit]);
	return text;
}

const char *figure_rate(double bps, char text[static FIGURE_TEXT])
{
	static const char *const units[] = {"bit", "kbit", "mbit", "gbit", "tbit"};

	return in_units(bps, units, 4, text);
}

const char *figure_bytes(double bytes, char text[static FIGURE_TEXT])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};

	return in_units(bytes, units, 4, text);
}

const char *figure_duration(double ns, char text[static FIGURE_TEXT])
{
	static const char *const units[] = {"ns", "us", "ms", "s"};

	return in_units(ns, units, 3, text);
}

const char *figure_short(double value, char text[static FIGURE_TEXT])
{
	int unit;
	bool whole = value < 999.5 && value == (double)(int)value;

	value = scale(value, 6, &unit);
	snprintf(text, FIGURE_TEXT, "%.*f%.*s", whole ? 0 : places(value),
		 value < 999 ? value : 999, unit ? 1 : 0, " kMGTPE" + unit);
	return text;
}

const char *figure_count(uint64_t count, char text[static FIGURE_TEXT])
{
	if (count >= 100000)
		return figure_short((double)count, text);
	snprintf(text, FIGURE_TEXT, "%" PRIu64, count);
	return text;
}
