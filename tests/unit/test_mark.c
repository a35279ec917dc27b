// SPDX-License-Identifier: GPL-2.0-or-later
/* The mark on every link: what is netsim's, what it says, and what only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/util/auto.h"

static void test_parse(void **state)
{
	static const struct {
		const char *alias, *fleet, *node, *iface, *roles; /* roles: each with a blank */
		uint64_t host;
		bool tso, gro;
	} rows[] = {
		{"netsim:f/lan", "f", "lan"},
		{"netsim:f/n-1/eth1", "f", "n-1", "eth1"},
		{"netsim:f/n-1/eth1 @server @a.b", "f", "n-1", "eth1", "server a.b "},
		{"netsim:f/n host=4026531992", "f", "n", .host = 4026531992},
		{"netsim:f/n host=18446744073709551615", "f", "n", .host = UINT64_MAX},
		{"netsim:f/n host=junk", "f", "n"},
		{"netsim:@/eth0 tso gro", "@", "eth0", .tso = true, .gro = true},
		{"netsim:@/eth0 gro", "@", "eth0", .gro = true},
		{"netsim:@/eth0 tso gro2 tsogro", "@", "eth0", .tso = true},
		{"netsim:f/n/e  @x   @y ", "f", "n", "e", "x y "},
		{"netsim:f/n/e ", "f", "n", "e"},
		{"netsim:f/n/e/0", "f", "n", "e/0"},
		{"netsim:f/n later=word @r", "f", "n", NULL, "r "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char roles[MARK_TEXT] = "";
		struct mark mark;

		if (!mark_parse(rows[i].alias, &mark))
			fail_msg("%s is not understood", rows[i].alias);
		assert_string_equal(mark.fleet, rows[i].fleet);
		assert_string_equal(mark.node, rows[i].node);
		assert_int_equal(!mark.iface, !rows[i].iface);
		assert_string_equal(mark.iface ? mark.iface : "",
				    rows[i].iface ? rows[i].iface : "");
		for (size_t r = 0; r < mark.role_count; r++)
			snprintf(roles + strlen(roles), sizeof(roles) - strlen(roles), "%s ",
				 mark.roles[r]);
		assert_string_equal(roles, rows[i].roles ? rows[i].roles : "");
		assert_true(mark.host == rows[i].host);
		assert_int_equal(mark.tso, rows[i].tso);
		assert_int_equal(mark.gro, rows[i].gro);
	}
}

static void test_garbage(void **state)
{
	static const char *const rows[] = {
		NULL,
		"",
		"netsim",
		"netsim:",
		"netsim: f/n",
		"netsim:f",
		"netsim:/n",
		"netsim:f/",
		"Netsim:f/n",
		"xnetsim:f/n",
		" netsim:",
		"netsim:f /n",
		"netsim:f/n/",
		"netsim:f//eth1",
		"netsim://",
		"netsim:/",
		"netsim:f/ n",
		"netsim:f// @",
		"uplink to netsim:f/n",
	};
	struct mark mark;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (mark_parse(rows[i], &mark))
			fail_msg("taken for netsim's: %s", rows[i]);
}

/* As long as the kernel allows, and more roles than there is room for. */
static void test_bounds(void **state)
{
	char alias[MARK_TEXT + 1] = "netsim:f/n/e";
	struct mark mark;

	(void)state;
	for (size_t at = strlen(alias); at + 3 < MARK_TEXT; at += 3)
		memcpy(alias + at, " @r", 4);
	assert_int_equal(strlen(alias), MARK_TEXT - 1);
	assert_true(mark_parse(alias, &mark));
	assert_int_equal(mark.role_count, ARRAY_SIZE(mark.roles));
	assert_string_equal(mark.roles[31], "r");
	strcat(alias, "r");
	assert_false(mark_parse(alias, &mark));
}

static void test_groups(void **state)
{
	static const char *const fleets[] = {"f", "n3x", "@", "", "a-much-longer-name-of-a-fleet"};
	static const uint32_t strangers[] = {0,		 1,	     0x6d000000, 0x6dffffff,
					     0x70000000, 0xee000000, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fleets); i++) {
		uint32_t group = mark_group(fleets[i]);

		assert_true(MARK_IS_GROUP(group));
		assert_true(MARK_IS_GROUP(MARK_DOOMED(group)));
		assert_int_not_equal(group, MARK_DOOMED(group));
		assert_int_equal(group, mark_group(fleets[i]));
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(group, mark_group(fleets[j]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
		assert_false(MARK_IS_GROUP(strangers[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests_name("mark", tests, NULL, NULL);
}
