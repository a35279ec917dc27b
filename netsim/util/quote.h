/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words for the print-back of files. */
#ifndef NETSIM_QUOTE_H
#define NETSIM_QUOTE_H

#include <stdio.h>

/* A text as a YAML value or key, in quotes where it needs them. */
void quote_print(const char *text, FILE *out);

#endif
