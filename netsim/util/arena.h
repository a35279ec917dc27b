/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results: a root object, and all that it points to, in one arena that is freed as a
 * whole. Everything is zeroed, and lists are arrays of pointers, so that the structs of
 * a public header can grow at their end.
 */
#ifndef NETSIM_UTIL_ARENA_H
#define NETSIM_UTIL_ARENA_H

#include <stddef.h>

/* The root of a new arena; NULL when out of memory, as below. */
void *arena_new(size_t size);
/* Frees a root with all that was allocated for it; NULL is fine. */
void arena_free(void *root);

void *arena_alloc(void *root, size_t size);
char *arena_strdup(void *root, const char *text);
char *arena_printf(void *root, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Makes memory from realloc() part of the arena; frees it on failure. */
void *arena_adopt(void *root, void *memory);
/* Pointers to count elements of a block that belongs to the arena. */
void *arena_list(void *root, void *block, size_t count, size_t size);

/* struct x *new = arena_push(root, root->xs, root->x_count): one more element of a list. */
#define arena_push(root, list, count) \
	((__typeof__(*(list)))arena_push_((root), &(list), &(count), sizeof(**(list))))
void *arena_push_(void *root, void *list, size_t *count, size_t size);

#endif
