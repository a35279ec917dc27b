// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Results in arenas: zeroed, aligned, stable, freed as a whole, and "out of memory" at
 * each allocation in turn. The arena's calloc() and free() are wrapped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/arena.h"

static long countdown = -1; /* allocations before the one that fails; -1: none fails */
static long held;

void *__real_calloc(size_t count, size_t size);
void __real_free(void *p);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *p);

void *__wrap_calloc(size_t count, size_t size)
{
	void *p = countdown >= 0 && countdown-- == 0 ? NULL : __real_calloc(count, size);

	held += p != NULL;
	return p;
}

void __wrap_free(void *p)
{
	held -= p != NULL;
	__real_free(p);
}

struct item {
	int number;
	const char *text;
};

struct result {
	const char *name;
	struct item **items;
	size_t count;
};

static int setup(void **state)
{
	(void)state;
	countdown = -1;
	held = 0;
	return 0;
}

static bool is_zero(const void *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const char *)p)[i])
			return false;
	return true;
}

static void test_root(void **state)
{
	struct result *root = arena_new(sizeof(*root));
	void *empty = arena_new(0);

	(void)state;
	assert_non_null(root);
	assert_true(is_zero(root, sizeof(*root)));
	assert_int_equal((uintptr_t)root % _Alignof(max_align_t), 0);
	assert_non_null(empty);
	assert_string_equal(arena_strdup(empty, "x"), "x");
	arena_free(root);
	arena_free(empty);
	arena_free(NULL);
	assert_int_equal(held, 0);
}

/* Sizes around those of a chunk, none of which overlaps another. */
static void test_alloc(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 4000, 95, 96, 97, 4096, 4097, 100000, 1};
	char *blocks[sizeof(sizes) / sizeof(*sizes)];
	void *root = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		blocks[i] = arena_alloc(root, sizes[i]);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
		assert_true(is_zero(blocks[i], sizes[i]));
		memset(blocks[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(blocks[i][k], i + 1);
	arena_free(root);
	assert_int_equal(held, 0);
}

static void test_text(void **state)
{
	char source[] = "text", *copy, *empty, *long_text;
	void *root = arena_new(0);

	(void)state;
	copy = arena_strdup(root, source);
	empty = arena_strdup(root, "");
	*source = 'T';
	assert_string_equal(copy, "text");
	assert_string_equal(empty, "");
	assert_string_equal(arena_printf(root, "%s/%d", copy, 7), "text/7");
	long_text = arena_printf(root, "%05000d", 3);
	assert_int_equal(strlen(long_text), 5000);
	assert_int_equal(long_text[4999], '3');
	arena_free(root);
	assert_int_equal(held, 0);
}

/* Elements stay where they are when the list moves. */
static void test_push(void **state)
{
	struct result *root = arena_new(sizeof(*root));
	struct item *first = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct item *item = arena_push(root, root->items, root->count);

		assert_non_null(item);
		assert_true(is_zero(item, sizeof(*item)));
		item->number = i;
		first = first ? first : item;
		assert_ptr_equal(root->items[i], item);
	}
	assert_int_equal(root->count, 1000);
	assert_ptr_equal(root->items[0], first);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(root->items[i]->number, i);
	arena_free(root);
	assert_int_equal(held, 0);
}

static void test_list(void **state)
{
	struct item *block, **list;
	void *root = arena_new(0);

	(void)state;
	block = arena_alloc(root, 3 * sizeof(*block));
	list = arena_list(root, block, 3, sizeof(*block));
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(list[i], &block[i]);
	assert_non_null(arena_list(root, block, 0, sizeof(*block)));
	arena_free(root);
	assert_int_equal(held, 0);
}

static void test_adopt(void **state)
{
	void *root = arena_new(0), *memory = calloc(1, 100), *another;

	(void)state;
	assert_ptr_equal(arena_adopt(root, memory), memory);
	assert_null(arena_adopt(root, NULL));
	/* The next small object is not taken from the adopted memory. */
	another = arena_alloc(root, 8);
	memset(another, 1, 8);
	assert_true(is_zero(memory, 100));
	arena_free(root);
	assert_int_equal(held, 0);
}

/* Builds a result as API calls do. Returns NULL, with everything freed, if memory runs out. */
static struct result *make(void)
{
	struct result *root = arena_new(sizeof(*root));
	bool good = root && (root->name = arena_printf(root, "%s", "name"));

	for (int i = 0; good && i < 300; i++) {
		struct item *item = arena_push(root, root->items, root->count);
		size_t count = root->count;

		good = item && (item->text = arena_strdup(root, "a text of some length"));
		if (!item)
			assert_true(!count || root->items[count - 1]); /* the old list is whole */
	}
	good = good && arena_adopt(root, calloc(1, 5000));
	good = good && arena_list(root, *root->items, 1, sizeof(**root->items));
	if (good)
		return root;
	arena_free(root);
	return NULL;
}

static void test_out_of_memory(void **state)
{
	struct result *result = NULL;
	long n = 0;

	(void)state;
	do {
		countdown = n++;
		held = 0;
		result = make();
		if (!result && held)
			fail_msg("allocation %ld: %ld are not freed", n - 1, held);
	} while (!result && n < 1000);
	countdown = -1;
	assert_non_null(result);
	assert_int_equal(result->count, 300);
	assert_true(n > 5);
	arena_free(result);
	assert_int_equal(held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_root, setup),
		cmocka_unit_test_setup(test_alloc, setup),
		cmocka_unit_test_setup(test_text, setup),
		cmocka_unit_test_setup(test_push, setup),
		cmocka_unit_test_setup(test_list, setup),
		cmocka_unit_test_setup(test_adopt, setup),
		cmocka_unit_test_setup(test_out_of_memory, setup),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
