/* SPDX-License-Identifier: GPL-2.0-or-later */
/* YAML quoting for printing files back. */
#ifndef NETSIM_QUOTE_H
#define NETSIM_QUOTE_H

#include <stdio.h>

/* Prints text as a YAML value or key, quoted if necessary. */
void quote_print(const char *text, FILE *out);

#endif
