// SPDX-License-Identifier: GPL-2.0-or-later
/* Templates, and recipes, which are made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/recipe.h"
#include "netsim/config/template.h"

static const struct template_member members[] = {{"a", "10.0.0.1"}, {"b", "fd00::2"}};

static void expect(const char *text, const char *want)
{
	const struct template_values values = {.self = members[1],
					       .data = "/d",
					       .folder = "/f",
					       .members = members,
					       .member_count = 2};
	const char *why, *hint;
	size_t bad;
	char *got;

	assert_true(template_check(text, TEMPLATE_ALL, &bad, &why, &hint) >= 0);
	got = template_fill(text, &values);
	assert_string_equal(got, want);
	free(got);
}

static void test_fill(void **state)
{
	(void)state;
	expect("", "");
	expect("plain } text", "plain } text");
	expect("{node}-{data}-{folder}/x", "b-/d-/f/x");
	expect("{address}", "fd00::2");
	expect("{address}:80", "[fd00::2]:80");
	expect("http://{address}/x", "http://[fd00::2]/x");
	expect("{members: {node}=http://{address}:2380}",
	       "a=http://10.0.0.1:2380,b=http://[fd00::2]:2380");
	expect("x{members:{node}}y", "xa,by");
	expect("{members: {{{node}} }}", "{a,{b }}");
	expect("{{node} {{{node}", "{node} {b");
}

static void refused(const char *text, unsigned allowed, size_t at, const char *want)
{
	const char *why, *hint;
	size_t bad;

	assert_int_equal(template_check(text, allowed, &bad, &why, &hint), -EINVAL);
	assert_int_equal(bad, at);
	assert_string_equal(why, want);
}

static void test_refuse(void **state)
{
	const char *why, *hint;
	size_t bad;

	(void)state;
	refused("a{nod}", TEMPLATE_ALL, 1, "is not known");
	refused("a{", TEMPLATE_ALL, 1, "is not known");
	refused("{data}", TEMPLATE_NODE, 0, "cannot be used here");
	refused("{members: {data}}", TEMPLATE_ALL, 10, "cannot be used here");
	refused("{members: {node}", TEMPLATE_ALL, 0, "has no end");
	refused("{members: {members: x}}", TEMPLATE_ALL, 10, "cannot be used here");
	refused("{members: x}", TEMPLATE_NODE, 0, "cannot be used here");
	assert_int_equal(
		template_check("{node} {members: {address}}", TEMPLATE_ALL, &bad, &why, &hint),
		TEMPLATE_NODE | TEMPLATE_ADDRESS | TEMPLATE_MEMBERS);
}

static void test_recipe(void **state)
{
	static const char text[] = "recipe: r\n"
				   "command: [p, \"--x={node}\"]\n"
				   "env: {K: 1}\n"
				   "ready: {tcp: 80}\n"
				   "store: etcd\n"
				   "url: \"http://{address}:1\"\n"
				   "tls: {ca: a, cert: b, key: c}\n";
	struct netsim_diags diags = {0};
	struct recipe *r;

	(void)state;
	assert_int_equal(recipe_parse("dir/r.yaml", text, sizeof(text) - 1, &r, &diags), 0);
	assert_string_equal(r->name.s, "r");
	assert_string_equal(r->folder, "dir");
	assert_int_equal(r->program.command.count, 2);
	assert_int_equal(r->program.env_count, 1);
	assert_string_equal(r->program.env[0]->value.s, "1");
	assert_int_equal(r->program.ready.kind, READY_TCP);
	assert_int_equal(r->program.ready.port, 80);
	assert_int_equal(r->program.within.ns, PROGRAM_WITHIN);
	assert_int_equal(r->store, RECIPE_STORE_ETCD);
	assert_true(recipe_has_members(r));
	assert_string_equal(r->tls.key.s, "c");
	recipe_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_recipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
