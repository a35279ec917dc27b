// SPDX-License-Identifier: GPL-2.0-or-later
/* Delay distributions: computes the built-in tables, and reads table files. */
#include "netsim/config/dist.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define SCALE 8192.0

/* The quantile function of the standard normal distribution, by bisection. */
static double normal_quantile(double p)
{
	double low = -10, high = 10;

	for (int i = 0; i < 60; i++) {
		double mid = (low + high) / 2;

		if (0.5 * erfc(-mid / M_SQRT2) < p)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Shape 3, with mean 3/2 and variance 3/4, scaled to mean 0 and standard deviation 1. */
static double pareto_quantile(double p)
{
	return (pow(1 - p, -1.0 / 3) - 1.5) / sqrt(0.75);
}

static double quantile(enum distribution kind, double p)
{
	switch (kind) {
	case DIST_NORMAL:
		return normal_quantile(p);
	case DIST_PARETO:
		return pareto_quantile(p);
	case DIST_PARETONORMAL:
		return 0.25 * normal_quantile(p) + 0.75 * pareto_quantile(p);
	case DIST_UNIFORM:
	case DIST_FILE:
		break;
	}
	return (p - 0.5) * sqrt(12);
}

/*
 * An int16_t entry clips at four standard deviations, which cuts off pareto's tail and
 * a fifth of its deviation. Shifts and scales repeatedly until mean and deviation fit.
 */
static void standardise(double value[static DIST_ENTRIES])
{
	for (int round = 0; round < 50; round++) {
		double sum = 0, squares = 0, mean, deviation;

		for (size_t i = 0; i < DIST_ENTRIES; i++) {
			value[i] = fmax(INT16_MIN / SCALE, fmin(INT16_MAX / SCALE, value[i]));
			sum += value[i];
			squares += value[i] * value[i];
		}
		mean = sum / DIST_ENTRIES;
		deviation = sqrt(squares / DIST_ENTRIES - mean * mean);
		for (size_t i = 0; i < DIST_ENTRIES; i++)
			value[i] = (value[i] - mean) / deviation;
	}
}

void dist_fill(enum distribution kind, int16_t table[static DIST_ENTRIES])
{
	double value[DIST_ENTRIES];

	for (int i = 0; kind == DIST_UNIFORM && i < DIST_ENTRIES; i++)
		table[i] = (int16_t)(-SCALE + (2 * SCALE * i + SCALE) / DIST_ENTRIES);
	if (kind == DIST_UNIFORM)
		return;
	for (size_t i = 0; i < DIST_ENTRIES; i++)
		value[i] = quantile(kind, ((double)i + 0.5) / DIST_ENTRIES);
	standardise(value);
	for (size_t i = 0; i < DIST_ENTRIES; i++)
		table[i] = (int16_t)fmax(INT16_MIN, fmin(INT16_MAX, rint(value[i] * SCALE)));
}

void dist_tables_done(struct dist_tables *tables)
{
	for (int i = 0; i < DIST_FILE; i++)
		free(tables->of[i]);
	*tables = (struct dist_tables) {0};
}

const int16_t *dist_table(struct dist_tables *tables, enum distribution kind)
{
	if (!tables->of[kind]) {
		tables->of[kind] = calloc(DIST_ENTRIES, sizeof(int16_t));
		if (tables->of[kind])
			dist_fill(kind, tables->of[kind]);
	}
	return tables->of[kind];
}

/* Appends the numbers of one line, up to a '#'. */
static int read_line(const char *line, int16_t **table, size_t *len)
{
	for (;;) {
		char *end;

		line += strspn(line, " \t\r\n\f\v");
		if (!*line || *line == '#')
			return 0;
		errno = 0;
		long value = strtol(line, &end, 10);

		if (end == line || errno || value < INT16_MIN || value > INT16_MAX ||
		    !strchr(" \t\r\n\f\v#", *end))
			return -EINVAL;
		if (*len == DIST_MAX)
			return -E2BIG;
		int16_t *slot = array_push(*table, *len);

		if (!slot)
			return -ENOMEM;
		*slot = (int16_t)value;
		line = end;
	}
}

int dist_read(const char *path, int16_t **ret, size_t *ret_len)
{
	/* O_NONBLOCK: opening a FIFO must not block before it is refused. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	auto_free int16_t *table = NULL;
	auto_fclose FILE *file = NULL;
	auto_free char *line = NULL;
	size_t room = 0, len = 0;
	struct stat st;
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return -errno;
	file = fdopen(fd, "r");
	if (!file) {
		r = -errno;
		close(fd);
		return r;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (st.st_size > 1 << 20)
		return -E2BIG;
	while (r == 0 && (n = getline(&line, &room, file)) > 0)
		r = strlen(line) == (size_t)n ? read_line(line, &table, &len) : -EINVAL;
	if (r == 0 && ferror(file))
		r = -EIO;
	if (r == 0 && len == 0)
		r = -EINVAL;
	if (r < 0)
		return r;
	*ret = take(table);
	*ret_len = len;
	return 0;
}
