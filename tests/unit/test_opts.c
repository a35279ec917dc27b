// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of programs that were built with an older or a newer header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "netsim/util/opts.h"

struct older {
	size_t size;
	const char *fleet;
};

struct now {
	size_t size;
	const char *fleet;
	bool dry_run;
	int64_t for_ns;
};

struct newer {
	struct now now;
	bool flag; /* followed by padding, which is checked as well */
	uint64_t last;
};

/* The result before the call, all of which must be overwritten. */
static struct now dirty(void)
{
	struct now o;

	memset(&o, 0xa5, sizeof(o));
	return o;
}

static void test_defaults(void **state)
{
	struct now o = dirty(), want;

	(void)state;
	memset(&want, 0, sizeof(want));
	want.size = sizeof(want);
	assert_int_equal(opts_read(&o, sizeof(o), NULL, NULL), 0);
	assert_memory_equal(&o, &want, sizeof(o));
}

static void test_same(void **state)
{
	const struct now given = {sizeof(given), "f", true, 7};
	struct now o = dirty();

	(void)state;
	assert_int_equal(opts_read(&o, sizeof(o), &given, NULL), 0);
	assert_int_equal(o.size, sizeof(o));
	assert_string_equal(o.fleet, "f");
	assert_true(o.dry_run);
	assert_int_equal(o.for_ns, 7);
}

static void test_older(void **state)
{
	const struct older given = {sizeof(given), "f"};
	struct now o = dirty();

	(void)state;
	assert_int_equal(opts_read(&o, sizeof(o), &given, NULL), 0);
	assert_int_equal(o.size, sizeof(o));
	assert_string_equal(o.fleet, "f");
	assert_false(o.dry_run);
	assert_int_equal(o.for_ns, 0);
}

/* Memory beyond the given size is not read: it is not accessible here. */
static void test_older_at_end(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct older given = {sizeof(given), "f"};
	struct now o = dirty();

	(void)state;
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
	memcpy(map + page - sizeof(given), &given, sizeof(given));
	assert_int_equal(opts_read(&o, sizeof(o), map + page - sizeof(given), NULL), 0);
	assert_string_equal(o.fleet, "f");
	assert_int_equal(munmap(map, 2 * page), 0);
}

/* With a size that covers only itself, all other members are zero. */
static void test_smallest(void **state)
{
	struct now given = {sizeof(given.size), "f", true, 7}, o = dirty();

	(void)state;
	assert_int_equal(opts_read(&o, sizeof(o), &given, NULL), 0);
	assert_null(o.fleet);
	assert_false(o.dry_run);
	assert_int_equal(o.for_ns, 0);
}

static void test_newer(void **state)
{
	struct newer given;
	struct now o = dirty();

	(void)state;
	memset(&given, 0, sizeof(given));
	given.now = (struct now) {sizeof(given), "f", true, 7};
	assert_int_equal(opts_read(&o, sizeof(o), &given, NULL), 0);
	assert_int_equal(o.size, sizeof(o));
	assert_int_equal(o.for_ns, 7);
}

/* Any byte behind the known members may be an unknown option, including the first and last. */
static void test_unknown(void **state)
{
	struct netsim_err err;
	struct newer given;
	struct now o;

	(void)state;
	for (size_t i = sizeof(o); i < sizeof(given); i++) {
		memset(&err, 0, sizeof(err));
		memset(&given, 0, sizeof(given));
		given.now.size = sizeof(given);
		((char *)&given)[i] = 1;
		assert_int_equal(opts_read(&o, sizeof(o), &given, &err), -E2BIG);
		assert_int_equal(err.kind, NETSIM_ERR_USAGE);
		assert_int_equal(err.code, -E2BIG);
		assert_non_null(strstr(err.what, "does not know"));
	}
}

static void test_no_size(void **state)
{
	struct now given = {.fleet = "f"}, o;
	struct netsim_err err = {0};

	(void)state;
	assert_int_equal(opts_read(&o, sizeof(o), &given, &err), -EINVAL);
	assert_int_equal(err.kind, NETSIM_ERR_USAGE);
	assert_non_null(strstr(err.what, "NETSIM_OPTS()"));
	given.size = sizeof(given.size) - 1;
	assert_int_equal(opts_read(&o, sizeof(o), &given, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_same),
		cmocka_unit_test(test_older),	 cmocka_unit_test(test_older_at_end),
		cmocka_unit_test(test_smallest), cmocka_unit_test(test_newer),
		cmocka_unit_test(test_unknown),	 cmocka_unit_test(test_no_size),
	};

	return cmocka_run_group_tests_name("opts", tests, NULL, NULL);
}
