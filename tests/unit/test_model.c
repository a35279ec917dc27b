// SPDX-License-Identifier: GPL-2.0-or-later
/* The model, and the growing arrays it consists of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "netsim/kernel/model.h"
#include "netsim/util/array.h"

/* Elements are kept, new ones are zeroed, and the capacity only doubles. */
static void test_array(void **state)
{
	struct {
		uint32_t *list;
		size_t count;
	} a = {0};
	size_t moves = 0;

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t *before = a.list, *slot = array_push(a.list, a.count);

		assert_non_null(slot);
		assert_ptr_equal(slot, a.list + i);
		assert_int_equal(a.count, i + 1);
		assert_int_equal(*slot, 0);
		*slot = ~i;
		moves += before != a.list;
		for (uint32_t j = i > 3 ? i - 3 : 0; j <= i; j++)
			assert_int_equal(a.list[j], ~j);
	}
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(a.list[i], ~i);
	assert_true(moves <= 14);
	free(a.list);
}

/* New elements are zero even if realloc() returns dirty memory. */
static void test_array_zeroes(void **state)
{
	struct {
		char (*list)[40];
		size_t count;
	} a = {0};

	(void)state;
	for (int round = 0; round < 2; round++) {
		a.count = 0;
		for (size_t i = 0; i < 64; i++) {
			char(*slot)[40] = array_push(a.list, a.count);

			assert_non_null(slot);
			for (size_t b = 0; b < sizeof(*slot); b++)
				assert_int_equal((*slot)[b], 0);
			memset(*slot, 0xaa, sizeof(*slot));
		}
	}
	free(a.list);
}

static void test_nodes_and_links(void **state)
{
	struct model *model = model_new("fleet");
	struct link *link;

	(void)state;
	assert_string_equal(model->fleet, "fleet");
	assert_int_equal(model_find_node(model, "n"), -1);
	assert_null(model_find_link(model, MODEL_HOST, "eth1"));
	for (int i = 0; i < 40; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		assert_non_null(model_add_node(model, name));
		assert_non_null(model_add_link(model, i, "eth1", LINK_VETH));
	}
	assert_int_equal(model_find_node(model, "n0"), 0);
	assert_int_equal(model_find_node(model, "n39"), 39);
	assert_int_equal(model_find_node(model, "n"), -1);
	link = model_find_link(model, 39, "eth1");
	assert_ptr_equal(link, &model->links[39]);
	assert_null(model_find_link(model, 39, "eth2"));
	assert_null(model_find_link(model, MODEL_HOST, "eth1"));
	link = model_add_link(model, 0, "a-name-that-is-longer", LINK_BOND);
	assert_string_equal(link->name, "a-name-that-is-");
	assert_int_equal(link->kind, LINK_BOND);
	assert_int_equal(link->ifindex, 0);
	model_free(model);
	model_free(NULL);
}

static void test_port(void **state)
{
	static const struct {
		int ns;
		enum link_kind kind;
		bool port;
	} rows[] = {
		{MODEL_HOST, LINK_VETH, true},
		{MODEL_HOST, LINK_TAP, true},
		{MODEL_HOST, LINK_BRIDGE, false},
		{MODEL_HOST, LINK_IFB, false},
		{MODEL_HOST, LINK_OTHER, false},
		{0, LINK_VETH, false},
		{0, LINK_TAP, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			link_is_port(&(struct link) {.node = rows[i].ns, .kind = rows[i].kind}),
			rows[i].port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_array_zeroes),
		cmocka_unit_test(test_nodes_and_links),
		cmocka_unit_test(test_port),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
