// SPDX-License-Identifier: GPL-2.0-or-later
/* Errors: the first cause wins, text is sanitized, the first errors of a file are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netsim/util/err.h"

static void test_first_cause_wins(void **state)
{
	struct netsim_err err = {0};
	struct netsim_loc at = {"f.yaml", 3, 4};

	(void)state;
	assert_int_equal(err_set(&err, NETSIM_ERR_KERNEL, -EPERM, &at, "cannot add %s", "eth1"),
			 -EPERM);
	assert_int_equal(err_set(&err, NETSIM_ERR_BUG, -EIO, NULL, "later"), -EIO);
	assert_int_equal(err.kind, NETSIM_ERR_KERNEL);
	assert_int_equal(err.code, -EPERM);
	assert_string_equal(err.what, "cannot add eth1");
	assert_ptr_equal(err.loc.file, err.file);
	assert_string_equal(err.file, "f.yaml");
	assert_int_equal(err_wrap(&err, -EPERM, "n100-%d", 1), -EPERM);
	assert_string_equal(err.what, "n100-1: cannot add eth1");
	err_hint(&err, "first");
	err_hint(&err, "second");
	assert_string_equal(err.hint, "first");
}

static void test_null(void **state)
{
	struct netsim_loc at = {"f", 1, 1};

	(void)state;
	assert_int_equal(err_set(NULL, NETSIM_ERR_BUG, -EIO, NULL, "x"), -EIO);
	assert_int_equal(err_wrap(NULL, -EIO, "x"), -EIO);
	assert_int_equal(err_oom(NULL), -ENOMEM);
	err_hint(NULL, "x");
	assert_int_equal(diag_add(NULL, &at, NULL, "x"), -EINVAL);
	diag_warn(NULL, &at, "x");
}

static void test_texts_are_one_clean_line(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"plain", "plain"},
		{"two\nlines\t\x1b[31m\x7f", "two?lines??[31m?"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xc2\x9b"
		 "31m",
		 "??31m"},
		{"0123456789012345678901234567890123456789012345678901234567890",
		 "01234567890123456789012345678901234567890123..."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(shown(rows[i].in), rows[i].out);
}

static void test_cut_between_characters(void **state)
{
	char text[64], buf[8];

	(void)state;
	for (int before = 0; before < 4; before++) {
		memset(text, 'a', sizeof(text));
		strcpy(text + before, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
		err_format(buf, sizeof(buf), "%s", text);
		/* a character is kept whole or dropped */
		assert_int_equal(strlen(buf), before == 3 ? 7 : before + 4);
	}
}

static void test_diags_keep_the_first(void **state)
{
	struct netsim_diags diags = {0};
	struct netsim_loc at = {"f", 0, 1};

	(void)state;
	for (unsigned line = 30; line > 0; line--) {
		at.line = line;
		assert_int_equal(diag_add(&diags, &at, NULL, "line %u", line), -EINVAL);
	}
	assert_int_equal(diags.count, NETSIM_DIAGS_MAX);
	assert_int_equal(diags.more, 10);
	diags_sort(&diags);
	for (unsigned i = 0; i < NETSIM_DIAGS_MAX; i++) {
		assert_int_equal(diags.list[i].loc.line, i + 1);
		assert_ptr_equal(diags.list[i].loc.file, diags.list[i].file);
	}
}

static void test_diags_once_and_mistakes_first(void **state)
{
	struct netsim_diags diags = {0};
	struct netsim_loc at = {"f", 1, 1};

	(void)state;
	diag_add(&diags, &at, "hint", "same");
	diag_add(&diags, &at, "hint", "same");
	assert_int_equal(diags.count, 1);
	assert_string_equal(diags.list[0].hint, "hint");
	for (at.line = 1; at.line < 30; at.line++)
		diag_warn(&diags, &at, "remark");
	assert_int_equal(diags.warnings, NETSIM_DIAGS_MAX - 1);
	at.line = 100;
	diag_add(&diags, &at, NULL, "a mistake displaces a remark");
	assert_int_equal(diags.warnings, NETSIM_DIAGS_MAX - 2);
	diags_sort(&diags);
	assert_int_equal(diags.list[NETSIM_DIAGS_MAX - 1].loc.line, 100);
}

/* Errnos of privilege and of exhausted resources are the environment's, with their remedy. */
static void test_errnos(void **state)
{
	static const struct {
		int code;
		enum netsim_err_kind kind;
		const char *hint;
	} cases[] = {
		{-EMFILE, NETSIM_ERR_ENV, "ulimit -n"}, {-ENFILE, NETSIM_ERR_ENV, "fs.file-max"},
		{-ENOMEM, NETSIM_ERR_ENV, ""},		{-EROFS, NETSIM_ERR_ENV, ""},
		{-ENOENT, NETSIM_ERR_KERNEL, ""},	{-EIO, NETSIM_ERR_KERNEL, ""},
		{-EINTR, NETSIM_ERR_KERNEL, ""},	{-EPERM, NETSIM_ERR_ENV, "root"},
	};
	struct netsim_err refused = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct netsim_err err = {0};
		char want[256];

		snprintf(want, sizeof(want), "cannot open x: %s", strerror(-cases[i].code));
		assert_int_equal(err_errno(&err, cases[i].code, NULL, "cannot open %s", "x"),
				 cases[i].code);
		assert_int_equal(err.kind, cases[i].kind);
		assert_string_equal(err.what, want);
		assert_non_null(strstr(err.hint, cases[i].hint));
		assert_int_equal(!*err.hint, !*cases[i].hint);
	}
	assert_int_equal(err_errno(NULL, -EIO, NULL, "x"), -EIO);
	/* Root is refused by the object itself. */
	err_errno(&refused, -EACCES, NULL, "x");
	assert_int_equal(refused.kind, geteuid() ? NETSIM_ERR_ENV : NETSIM_ERR_KERNEL);
	assert_string_equal(refused.hint, geteuid() ? "run netsim as root" : "");
}

/* A file is not wrong because this process cannot open another one. */
static void test_diags_of_the_process(void **state)
{
	static const struct {
		int code;
		enum netsim_err_kind kind;
		const char *hint;
	} cases[] = {
		{-ENOENT, NETSIM_ERR_INPUT, ""},	{-EIO, NETSIM_ERR_INPUT, ""},
		{-EMFILE, NETSIM_ERR_ENV, "ulimit -n"}, {-ENFILE, NETSIM_ERR_ENV, "fs.file-max"},
		{-ENOMEM, NETSIM_ERR_ENV, ""},
	};
	const struct netsim_loc at = {.file = "x.yaml"};
	char want[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netsim_diags diags = {0};

		assert_int_equal(diag_errno(&diags, &at, cases[i].code, "cannot open"), -EINVAL);
		snprintf(want, sizeof(want), "cannot open: %s", strerror(-cases[i].code));
		assert_int_equal(diags.count, 1);
		assert_int_equal(diags.list[0].kind, cases[i].kind);
		assert_string_equal(diags.list[0].what, want);
		assert_string_equal(diags.list[0].loc.file, "x.yaml");
		assert_non_null(strstr(diags.list[0].hint, cases[i].hint));
		assert_int_equal(!*diags.list[0].hint, !*cases[i].hint);
		assert_int_equal(diag_oom(&diags), -EINVAL);
		assert_int_equal(diags.count, 2);
	}
	assert_int_equal(diag_errno(NULL, &at, -EMFILE, "cannot open"), -EINVAL);
	assert_int_equal(diag_oom(NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_cause_wins),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_errnos),
		cmocka_unit_test(test_texts_are_one_clean_line),
		cmocka_unit_test(test_cut_between_characters),
		cmocka_unit_test(test_diags_keep_the_first),
		cmocka_unit_test(test_diags_once_and_mistakes_first),
		cmocka_unit_test(test_diags_of_the_process),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
