/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the ports of attached nodes that are not shaped, and the bridges of Open vSwitch. */
#ifndef NETSIM_CLI_MISSING_H
#define NETSIM_CLI_MISSING_H

#include <jansson.h>
#include <stdio.h>

#include "cmd.h"

/* A line for each: "PREFIXn100-1/eth1: why". */
void missing_print(struct netsim_missing *const *list, size_t count, const char *prefix, FILE *out);
json_t *missing_json(struct netsim_missing *const *list, size_t count);
/* A line for each: "br0: Open vSwitch, kernel datapath". */
void ovs_print(struct netsim_ovs *const *list, size_t count);
json_t *ovs_json(struct netsim_ovs *const *list, size_t count);

#endif
