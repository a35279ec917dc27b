/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats figures for people: three digits, with the units of netsim's files. */
#ifndef NETSIM_CLI_FIGURES_H
#define NETSIM_CLI_FIGURES_H

#include <stdint.h>

#define FIGURE_TEXT 24

const char *figure_rate(double bps, char text[static FIGURE_TEXT]);    /* "94.3 mbit" */
const char *figure_bytes(double bytes, char text[static FIGURE_TEXT]); /* "18.0 MB" */
const char *figure_duration(double ns, char text[static FIGURE_TEXT]); /* "1.43 ms" */
/* "15168", "2.50M": exact up to five digits. */
const char *figure_count(uint64_t count, char text[static FIGURE_TEXT]);
/* "1.23k", "0.50": at most five characters, for counts and rates per second. */
const char *figure_short(double value, char text[static FIGURE_TEXT]);

#endif
