/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growing arrays without a struct: the caller has the fields for items and count, and the
 * capacity follows from the count (the next power of two).
 */
#ifndef NETSIM_ARRAY_H
#define NETSIM_ARRAY_H

#include <stdlib.h>
#include <string.h>

/* Appends a zeroed item; NULL when out of memory, with nothing changed. */
static inline void *array_push_(void *items_ptr, size_t *count, size_t size)
{
	void *items;
	char *fresh;

	memcpy(&items, items_ptr, sizeof(items));
	if ((*count & (*count - 1)) == 0) {
		size_t bytes;

		if (__builtin_mul_overflow(*count ? *count * 2 : 1, size, &bytes))
			return NULL;
		items = realloc(items, bytes);
		if (!items)
			return NULL;
		memcpy(items_ptr, &items, sizeof(items));
	}
	fresh = (char *)items + *count * size;
	memset(fresh, 0, size);
	(*count)++;
	return fresh;
}

/* struct x *new = array_push(owner->xs, owner->x_count); */
#define array_push(items, count) \
	((__typeof__(items))array_push_(&(items), &(count), sizeof(*(items))))

#endif
