// SPDX-License-Identifier: GPL-2.0-or-later
/* Marks of links: netsim's aliases, their content, and foreign aliases that look similar. */
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
		const char *alias, *fleet, *node, *iface,
			*roles; /* roles: each followed by a blank */
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

/* The longest alias the kernel allows, and more roles than fit. */
static void test_bounds(void **state)
{
	char alias[MARK_TEXT + 1] = "netsim:f/n/e";
	struct mark mark;

	(void)state;
	for (size_t at = strlen(alias); at + 3 < MARK_TEXT; at += 3)
		memcpy(alias + at, " @r", 4);
	assert_int_equal(strlen(alias), MARK_TEXT - 1);
	assert_true(mark_parse(alias, &mark));
	assert_int_equal(mark.role_count, TOPO_ROLES_MAX);
	assert_string_equal(mark.roles[TOPO_ROLES_MAX - 1], "r");
	strcat(alias, "r");
	assert_false(mark_parse(alias, &mark));
}

static void expect_same_mark(const struct mark *a, const struct mark *b)
{
	assert_string_equal(a->fleet, b->fleet);
	assert_string_equal(a->node, b->node);
	assert_int_equal(!a->iface, !b->iface);
	if (a->iface)
		assert_string_equal(a->iface, b->iface);
	assert_true(a->host == b->host);
	assert_int_equal(a->role_count, b->role_count);
	for (size_t i = 0; i < a->role_count; i++)
		assert_string_equal(a->roles[i], b->roles[i]);
	assert_int_equal(a->tso, b->tso);
	assert_int_equal(a->gro, b->gro);
}

/* Formatting yields the aliases shown in mark.h, which parse to the same mark. */
static void test_format(void **state)
{
	static const char *const roles[] = {"server", "a.b"};
	static const struct {
		const char *alias;
		struct mark mark;
	} rows[] = {
		{"netsim:f/lan", {.fleet = "f", .node = "lan"}},
		{"netsim:f/n-1/eth1", {.fleet = "f", .node = "n-1", .iface = "eth1"}},
		{"netsim:f/n-1/eth1 @server @a.b",
		 {.fleet = "f", .node = "n-1", .iface = "eth1", .roles = roles, .role_count = 2}},
		{"netsim:f/n host=4026531992", {.fleet = "f", .node = "n", .host = 4026531992}},
		{"netsim:f/n host=18446744073709551615",
		 {.fleet = "f", .node = "n", .host = UINT64_MAX}},
		{"netsim:@/eth0", {.fleet = MARK_BARE, .node = "eth0"}},
		{"netsim:@/eth0 gro", {.fleet = MARK_BARE, .node = "eth0", .gro = true}},
		{"netsim:@/eth0 tso gro",
		 {.fleet = MARK_BARE, .node = "eth0", .tso = true, .gro = true}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char alias[MARK_TEXT];
		struct mark parsed;

		assert_int_equal(mark_format(&rows[i].mark, alias), strlen(rows[i].alias));
		assert_string_equal(alias, rows[i].alias);
		assert_true(mark_parse(alias, &parsed));
		expect_same_mark(&parsed, &rows[i].mark);
	}
}

/* The longest alias, and one that is a character too long. */
static void test_format_bounds(void **state)
{
	const char *roles[MARK_TEXT / 3];
	struct mark mark = {.fleet = "f", .node = "n", .iface = "e", .roles = roles}, parsed;
	char alias[MARK_TEXT + 1];

	(void)state;
	memset(alias, '#', sizeof(alias));
	for (size_t len = strlen("netsim:f/n/e"); len + 3 < MARK_TEXT; len += 3)
		roles[mark.role_count++] = "r";
	assert_int_equal(mark_format(&mark, alias), MARK_TEXT - 1);
	assert_int_equal(strlen(alias), MARK_TEXT - 1);
	assert_true(mark_parse(alias, &parsed));
	assert_int_equal(parsed.role_count, TOPO_ROLES_MAX);
	roles[0] = "rr";
	assert_int_equal(mark_format(&mark, alias), MARK_TEXT);
	roles[0] = "a-role-that-is-much-longer";
	assert_int_equal(mark_format(&mark, alias), MARK_TEXT - 1 + strlen(roles[0]) - 1);
	assert_int_equal(strlen(alias), MARK_TEXT - 1);
	assert_int_equal(alias[MARK_TEXT], '#');
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
		cmocka_unit_test(test_parse),	      cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_bounds),	      cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_bounds), cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests_name("mark", tests, NULL, NULL);
}
