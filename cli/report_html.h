/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as a page: one file of HTML that needs no network. */
#ifndef NETSIM_CLI_PAGE_H
#define NETSIM_CLI_PAGE_H

#include <jansson.h>
#include <netsim/netsim.h>

/* Tries, before there is a report, whether its page can be written there. */
int page_check(const char *path, struct netsim_err *err);

/*
 * Writes the page of a report, as analyze_object() makes it, under a title; the
 * reference to it is given up. The file is there as a whole or not at all.
 */
int page_write(const char *path, const char *title, json_t *report, struct netsim_err *err);

#endif
