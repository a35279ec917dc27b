/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to the intent code: intent.c (the file, and changes), intent_json.c (its form). */
#ifndef NETSIM_INTENT_PARTS_H
#define NETSIM_INTENT_PARTS_H

#include "netsim/shape/intent.h"

/* Adds to an empty intent what a text contains; -EINVAL if it is not a JSON object. */
int intent_from_json(const char *text, size_t len, struct intent *ret);
/* Returns the text of an intent, which the caller frees; NULL: no memory. */
char *intent_to_json(const struct intent *intent);

/* Appends a copy of a port's name; -ENOMEM. */
int intent_add_port(struct intent_layer *layer, const char *port);

#endif
