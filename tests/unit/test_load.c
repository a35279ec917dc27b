// SPDX-License-Identifier: GPL-2.0-or-later
/* Libraries that are loaded when they are needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "netsim/util/load.h"

static void test_fills_pointers(void **state)
{
	double (*cosine)(double) = NULL, (*sine)(double) = NULL;
	const struct load_symbol symbols[] = {{"cos", &cosine}, {"sin", &sine}};
	struct netsim_err err = {0};

	(void)state;
	assert_int_equal(load_library("libm.so.6", symbols, 2, &err), 0);
	assert_true(cosine(0) == 1 && sine(0) == 0);
	assert_int_equal(load_library("unused: the pointers are filled", symbols, 2, &err), 0);
}

static void test_missing_library(void **state)
{
	void (*function)(void) = NULL;
	const struct load_symbol symbols[] = {{"function", &function}};
	struct netsim_err err = {0};

	(void)state;
	assert_int_equal(load_library("libmissing.so.9", symbols, 1, &err), -ELIBACC);
	assert_int_equal(err.kind, NETSIM_ERR_ENV);
	assert_non_null(strstr(err.what, "cannot load libmissing.so.9: "));
	assert_string_equal(err.hint, "install the package that has libmissing.so.9");
	assert_null(function);
}

static void test_missing_symbol(void **state)
{
	double (*cosine)(double) = NULL;
	void (*function)(void) = NULL;
	const struct load_symbol symbols[] = {{"cos", &cosine}, {"no_such_function", &function}};
	struct netsim_err err = {0};

	(void)state;
	assert_int_equal(load_library("libm.so.6", symbols, 2, &err), -ELIBACC);
	assert_non_null(strstr(err.what, "no_such_function"));
	assert_null(function);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fills_pointers),
		cmocka_unit_test(test_missing_library),
		cmocka_unit_test(test_missing_symbol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
