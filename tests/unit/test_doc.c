// SPDX-License-Identifier: GPL-2.0-or-later
/* The parsed tree: the location of every key and value; refusals and their locations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netsim/config/doc.h"
#include "netsim/util/buf.h"

/* Draws the tree as words "L:C kind", compact enough to compare as one string. */
static void draw(const struct doc_node *node, struct buf *buf)
{
	buf_printf(buf, "%u:%u", node->at.line, node->at.column);
	switch (node->kind) {
	case DOC_TEXT:
		buf_printf(buf, node->quoted ? "'%s'" : "=%s", node->text);
		break;
	case DOC_LIST:
		buf_puts(buf, "[");
		for (size_t i = 0; i < node->count; i++) {
			buf_puts(buf, i ? " " : "");
			draw(node->items[i], buf);
		}
		buf_puts(buf, "]");
		break;
	case DOC_MAP:
		buf_puts(buf, "{");
		for (size_t i = 0; i < node->count; i++) {
			const struct doc_entry *entry = &node->entries[i];

			buf_printf(buf, "%s%u:%u %s: ", i ? ", " : "", entry->at.line,
				   entry->at.column, entry->key);
			draw(entry->value, buf);
		}
		buf_puts(buf, "}");
		break;
	}
}

static void test_places(void **state)
{
	static const struct {
		const char *text, *tree;
	} rows[] = {
		{"a: 1\n", "1:1{1:1 a: 1:4=1}"},
		{"a:\n  b: [x, 'y']\n  c:\n",
		 "1:1{1:1 a: 2:3{2:3 b: 2:6[2:7=x 2:10'y'], 3:3 c: 3:5=}}"},
		{"{\"a\":{\"b\":[1,2.5,null]}}",
		 "1:1{1:2 a: 1:6{1:7 b: 1:11[1:12=1 1:14=2.5 1:18=null]}}"},
		{"- a\n- - b\n", "1:1[1:3=a 2:3[2:5=b]]"},
		{"\xc3\xbc: {\xc3\xa4: x}\n", "1:1{1:1 \xc3\xbc: 1:4{1:5 \xc3\xa4: 1:8=x}}"},
		{"a: |\n  two\n  lines\nb: 50ms # note\n",
		 "1:1{1:1 a: 1:4'two\nlines\n', 4:1 b: 4:4=50ms}"},
		{"\xef\xbb\xbf"
		 "a: 1\r\nb: 2\r\n",
		 "1:1{1:1 a: 1:4=1, 2:1 b: 2:4=2}"},
		{"just text", "1:1=just text"},
		{"---\na: 1\n...\n", "2:1{2:1 a: 2:4=1}"},
		{"\"\": \"\"", "1:1{1:1 : 1:5''}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_diags diags = {0};
		auto_doc struct doc_node *doc = NULL;
		auto_buf struct buf buf = {0};

		if (doc_parse("f", rows[i].text, strlen(rows[i].text), &doc, &diags) < 0)
			fail_msg("%s: %s", rows[i].text, diags.list[0].what);
		draw(doc, &buf);
		assert_string_equal(buf.data, rows[i].tree);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		unsigned line, column;
		const char *what;
	} rows[] = {
#define ROW(text) text, sizeof(text) - 1
		{ROW(""), 1, 1, "the file is empty"},
		{ROW("# only\n"), 1, 1, "the file is empty"},
		{ROW("a: &x 1\n"), 1, 4, "anchors (&x) are not accepted"},
		{ROW("&x a: 1\n"), 1, 1, "anchors (&x) are not accepted"},
		{ROW("a: &x [1]\n"), 1, 4, "anchors (&x) are not accepted"},
		{ROW("a: *x\n"), 1, 4, "aliases (*x) are not accepted"},
		{ROW("a: !t 1\n"), 1, 4, "tags (!t) are not accepted"},
		{ROW("a: !!map {}\n"), 1, 4, "tags (tag:yaml.org,2002:map) are not accepted"},
		{ROW("a: 1\n---\nb: 2\n"), 2, 1, "a second document begins here"},
		{ROW("[a]: 1\n"), 1, 1, "a key must be text, not a list"},
		{ROW("{{a: 1}: 1}\n"), 1, 2, "a key must be text, not a mapping"},
		{ROW("a: \"x\\0y\"\n"), 1, 4, "this text contains a NUL byte"},
		{ROW("a: 1\nb\0: 2\n"), 2, 2, "the file contains a NUL byte"},
		{ROW("a: \xc3\xbc\xff\n"), 1, 5, "this is not UTF-8 (byte 0xff)"},
		{ROW("\xc0\xaf"), 1, 1, "this is not UTF-8 (byte 0xc0)"},
		{ROW("\xed\xa0\x80"), 1, 1, "this is not UTF-8 (byte 0xed)"},
		{ROW("\xf4\x90\x80\x80"), 1, 1, "this is not UTF-8 (byte 0xf4)"},
		{ROW("a: \xe2\x82"), 1, 4, "this is not UTF-8 (byte 0xe2)"},
		{ROW("\xff\xfe"
		     "a\0"),
		 1, 1, "this is not UTF-8 (byte 0xff)"},
		{ROW("a: \x07\n"), 1, 4, "the file contains a control character"},
		{ROW("a: \xc2\x9b\n"), 1, 4, "the file contains a control character"},
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_diags diags = {0};
		struct doc_node *doc = NULL;
		int r = doc_parse("f", rows[i].text, rows[i].len, &doc, &diags);

		if (r != -EINVAL || doc || diags.count != 1 ||
		    diags.list[0].loc.line != rows[i].line ||
		    diags.list[0].loc.column != rows[i].column ||
		    strcmp(diags.list[0].what, rows[i].what) != 0)
			fail_msg("%s: %d %u:%u %s", rows[i].text, r, diags.list[0].loc.line,
				 diags.list[0].loc.column, diags.list[0].what);
	}
}

/* A key that is there twice is a mistake, but the rest of the file is read. */
static void test_duplicates(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *what, *tree;
	} rows[] = {
		{"a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key \"a\" (first in line 1)",
		 "1:1{1:1 a: 1:4=1, 2:1 b: 2:4=2}"},
		{"{a: {b: 1, c: 2, b: [3, 4]}}", 1, 18, "duplicate key \"b\" (first in line 1)",
		 "1:1{1:2 a: 1:5{1:6 b: 1:9=1, 1:12 c: 1:15=2}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_diags diags = {0};
		auto_doc struct doc_node *doc = NULL;
		auto_buf struct buf buf = {0};

		assert_int_equal(doc_parse("f", rows[i].text, strlen(rows[i].text), &doc, &diags),
				 0);
		assert_true(doc->flawed);
		assert_int_equal(diags.count, 1);
		assert_int_equal(diags.list[0].loc.line, rows[i].line);
		assert_int_equal(diags.list[0].loc.column, rows[i].column);
		assert_string_equal(diags.list[0].what, rows[i].what);
		draw(doc, &buf);
		assert_string_equal(buf.data, rows[i].tree);
	}
}

static void test_syntax(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
	} rows[] = {
		{"a: [1, 2\nb: 3\n", 2, 2}, {"a: 1\n b: 2\n", 2, 3}, {"a: \"x\n", 2, 1},
		{"\ta: 1\n", 1, 1},	    {"a: @x\n", 1, 4},	     {"%bad\n", 1, 5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_diags diags = {0};
		struct doc_node *doc = NULL;

		assert_int_equal(doc_parse("f", rows[i].text, strlen(rows[i].text), &doc, &diags),
				 -EINVAL);
		if (diags.count != 1 || diags.list[0].loc.line != rows[i].line ||
		    diags.list[0].loc.column != rows[i].column)
			fail_msg("%s: %u:%u %s", rows[i].text, diags.list[0].loc.line,
				 diags.list[0].loc.column, diags.list[0].what);
	}
}

static void test_depth(void **state)
{
	char text[200];

	(void)state;
	for (int depth = DOC_DEPTH_MAX; depth <= DOC_DEPTH_MAX + 1; depth++) {
		struct netsim_diags diags = {0};
		auto_doc struct doc_node *doc = NULL;

		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		assert_int_equal(doc_parse("f", text, 2 * (size_t)depth, &doc, &diags),
				 depth > DOC_DEPTH_MAX ? -EINVAL : 0);
		if (diags.count)
			assert_int_equal(diags.list[0].loc.column, DOC_DEPTH_MAX + 1);
	}
}

/* Comparing all pairs of keys would take minutes. */
static void test_many_keys(void **state)
{
	struct netsim_diags diags = {0};
	auto_doc struct doc_node *doc = NULL;
	auto_buf struct buf buf = {0};

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_printf(&buf, "key%d: value\n", i);
	assert_int_equal(doc_parse("f", buf.data, buf.len, &doc, &diags), 0);
	assert_int_equal(doc->count, 100000);
	assert_string_equal(doc_get(doc, "key99999")->text, "value");
	assert_null(doc_get(doc, "key100000"));
}

static void test_null(void **state)
{
	static const struct {
		const char *text;
		bool null;
	} rows[] = {{"a:", true},	  {"a: ~", true},    {"a: null", true}, {"a: ''", false},
		    {"a: 'null'", false}, {"a: nil", false}, {"a: []", false},	{"a: {}", false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_diags diags = {0};
		auto_doc struct doc_node *doc = NULL;

		assert_int_equal(doc_parse("f", rows[i].text, strlen(rows[i].text), &doc, &diags),
				 0);
		assert_int_equal(doc_is_null(doc_get(doc, "a")), rows[i].null);
	}
}

static void test_files(void **state)
{
	static const struct {
		const char *path, *what;
	} rows[] = {
		{"/", "is a directory"},
		{"/nonexistent/x.yaml", "cannot open: No such file or directory"},
		{"/proc/self/mem", "cannot read: Input/output error"},
		{"/dev/zero", "is larger than 16 MiB"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_diags diags = {0};
		struct doc_node *doc = NULL;

		assert_int_equal(doc_load(rows[i].path, &doc, &diags), -EINVAL);
		assert_int_equal(diags.count, 1);
		assert_int_equal(diags.list[0].kind, NETSIM_ERR_INPUT);
		assert_string_equal(diags.list[0].file, rows[i].path);
		assert_string_equal(diags.list[0].what, rows[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),	   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_duplicates), cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_depth),	   cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_null),	   cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("doc", tests, NULL, NULL);
}
