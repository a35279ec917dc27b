// SPDX-License-Identifier: GPL-2.0-or-later
/* Evidence as lines of text, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/judge/evidence.h"
#include "netsim/util/auto.h"

static void fill(struct evidence *ev)
{
	const struct event event = {
		.time = 1200,
		.wall = 1700000000000000000,
		.kind = EVENT_FAULT_END,
		.subject = evidence_name(ev, "partition \"n1\""),
		.text = evidence_name(ev, "tab\there, \xc3\xa9, \x01, bad \xff."),
		.phase = evidence_name(ev, "cut"),
		.repetition = 3,
		.lateness = -5,
		.offered = 900,
		.affected = 17,
		.status = 110,
		.asked = true};
	const struct sampled_probe probe = {
		evidence_name(ev, "api"),    3, 20000000, 200000000, NEED_MAJORITY, SAMPLED_TCP,
		evidence_name(ev, "agent-2")};
	const struct sample sample = {.sent = 5,
				      .took = 7,
				      .lateness = 1,
				      .probe = probe.name,
				      .target = evidence_name(ev, "server-1"),
				      .result = SAMPLE_HUNG};
	const struct operation op = {.begin = 10,
				     .end = 20,
				     .revision = INT64_MAX,
				     .mod_revision = 4,
				     .compare = 3,
				     .ledger = evidence_name(ev, "ledger"),
				     .client = evidence_name(ev, "agent-1"),
				     .key = evidence_name(ev, "k1"),
				     .value = evidence_value(ev, "agent-1.7"),
				     .seen = evidence_value(ev, "agent-2.1"),
				     .kind = OP_CAS,
				     .result = OP_UNEQUAL};
	const struct member_sample member = {.time = 30,
					     .term = 2,
					     .revision = 3,
					     .applied = 4,
					     .hash = 5,
					     .workload = evidence_name(ev, "etcd"),
					     .member = sample.target,
					     .leader = sample.target};
	const struct figure figure = {.begin = 1,
				      .end = 2,
				      .packets = 10,
				      .lost = 1,
				      .from = sample.target,
				      .to = op.client,
				      .class = evidence_name(ev, "bulk")};

	const struct asked asked = {.begin = 1,
				    .end = 2,
				    .delay = 30,
				    .loss = 0.05,
				    .bursts = 1,
				    .packets = 7,
				    .from = sample.target,
				    .to = op.client,
				    .state = ASKED_VARIES,
				    .uncounted = true};
	const struct verified verified = {.subject = sample.target,
					  .what = evidence_name(ev, "loss"),
					  .result = VERIFIED_UNPROVED};

	assert_int_equal(evidence_add(ev, EVIDENCE_ASKED, &asked), 0);
	assert_int_equal(evidence_add(ev, EVIDENCE_VERIFIED, &verified), 0);
	assert_int_equal(evidence_add(ev, EVIDENCE_EVENT, &event), 0);
	assert_int_equal(evidence_add(ev, EVIDENCE_PROBE, &probe), 0);
	assert_int_equal(evidence_add(ev, EVIDENCE_SAMPLE, &sample), 0);
	assert_int_equal(evidence_add(ev, EVIDENCE_OPERATION, &op), 0);
	assert_int_equal(evidence_add(ev, EVIDENCE_MEMBER, &member), 0);
	assert_int_equal(evidence_add(ev, EVIDENCE_FIGURE, &figure), 0);
}

static char *write_all(const struct evidence *ev)
{
	struct buf out = {0};

	evidence_write(ev, EVIDENCE_EVENT, ev->events, &out);
	evidence_write(ev, EVIDENCE_PROBE, ev->probes, &out);
	evidence_write(ev, EVIDENCE_SAMPLE, ev->samples, &out);
	evidence_write(ev, EVIDENCE_OPERATION, ev->operations, &out);
	evidence_write(ev, EVIDENCE_MEMBER, ev->members, &out);
	evidence_write(ev, EVIDENCE_FIGURE, ev->figures, &out);
	evidence_write(ev, EVIDENCE_ASKED, ev->asked, &out);
	evidence_write(ev, EVIDENCE_VERIFIED, ev->verified, &out);
	return buf_take(&out);
}

static void test_back(void **state)
{
	struct evidence ev = {0}, again = {0};
	struct netsim_err err = {0};
	auto_free char *first = NULL, *second = NULL;

	(void)state;
	fill(&ev);
	first = write_all(&ev);
	assert_int_equal(evidence_read(&again, &(struct evidence_file) {.name = "all.jsonl"}, first,
				       strlen(first), &err),
			 0);
	assert_int_equal(again.truncated, 0);
	second = write_all(&again);
	assert_string_equal(first, second);
	assert_string_equal(text_table_get(&again.names, again.events[0].text),
			    "tab\there, \xc3\xa9, \x01, bad \xef\xbf\xbd.");
	assert_int_equal(again.events[0].lateness, -5);
	assert_true(again.events[0].asked && !again.events[0].uncounted);
	assert_int_equal(again.operations[0].revision, INT64_MAX);
	assert_int_equal(again.samples[0].result, SAMPLE_HUNG);
	assert_int_equal(again.probes[0].kind, SAMPLED_TCP);
	assert_true(again.asked[0].uncounted && again.asked[0].loss == 0.05);
	assert_int_equal(again.verified[0].result, VERIFIED_UNPROVED);
	evidence_done(&ev);
	evidence_done(&again);
}

/* Each line is a JSON object for any other reader, too. */
static void test_json(void **state)
{
	struct evidence ev = {0};
	auto_free char *text = NULL;
	char *rest;

	(void)state;
	fill(&ev);
	text = write_all(&ev);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(object);
		assert_non_null(json_string_value(json_object_get(object, "record")));
		json_decref(object);
	}
	evidence_done(&ev);
}

/* After a kill, any part of the last line may be missing. */
static void test_truncated(void **state)
{
	struct evidence ev = {0};
	auto_free char *text = NULL;
	size_t len;

	(void)state;
	fill(&ev);
	text = write_all(&ev);
	len = strlen(text);
	for (size_t cut = 0; cut < len; cut++) {
		struct evidence again = {0};
		struct netsim_err err = {0};
		/* Not terminated, so that reading beyond it is noticed. */
		auto_free char *part = malloc(cut + 1);
		size_t lines = 0, whole = 0;

		memcpy(part, text, cut);
		for (size_t i = 0; i < cut; i++)
			lines += part[i] == '\n';
		if (cut && part[cut - 1] != '\n')
			whole = text[cut] == '\n';
		part = realloc(part, cut ? cut : 1);
		assert_int_equal(evidence_read(&again,
					       &(struct evidence_file) {.name = "all.jsonl"}, part,
					       cut, &err),
				 0);
		assert_int_equal(again.event_count + again.probe_count + again.sample_count +
					 again.operation_count + again.member_count +
					 again.figure_count + again.asked_count +
					 again.verified_count,
				 lines + whole);
		assert_int_equal(again.truncated, cut && part[cut - 1] != '\n' && !whole ? 1 : 0);
		evidence_done(&again);
	}
	evidence_done(&ev);
}

static void test_escapes(void **state)
{
	static const char text[] = "{\"record\":\"event\",\"time\":1,\"kind\":\"note\",\"text\":"
				   "\"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\\\\\"\"}\n";
	struct evidence ev = {0};
	struct netsim_err err = {0};

	(void)state;
	assert_int_equal(
		evidence_read(&ev, &(struct evidence_file) {.name = "x"}, text, strlen(text), &err),
		0);
	assert_string_equal(text_table_get(&ev.names, ev.events[0].text),
			    "\xc3\xa9\xf0\x9f\x98\x80/\b\f\n\r\t\\\"");
	evidence_done(&ev);
}

/* Lines are counted over pieces, and only the last piece may end within a line. */
static void test_pieces(void **state)
{
	static const char line[] = "{\"record\":\"event\",\"time\":1,\"kind\":\"note\"}\n";
	struct evidence_file file = {.name = "events.jsonl", .more = true};
	struct evidence ev = {0};
	struct netsim_err err = {0};

	(void)state;
	assert_int_equal(evidence_read(&ev, &file, line, strlen(line), &err), 0);
	assert_int_equal(evidence_read(&ev, &file, line, strlen(line), &err), 0);
	assert_int_equal(evidence_read(&ev, &file, line, 10, &err), -EINVAL);
	assert_int_equal(err.loc.line, 3);
	assert_int_equal(ev.event_count, 2);
	assert_int_equal(ev.truncated, 0);
	evidence_done(&ev);
}

#define GOOD  "{\"record\":\"event\",\"time\":1,\"kind\":\"note\"}\n"
#define EVENT "{\"record\":\"event\",\"time\":1,"
#define OP    "{\"record\":\"operation\",\"ledger\":\"l\",\"client\":\"a\",\"kind\":"

static void test_damage(void **state)
{
	static const struct {
		const char *line;
		unsigned column;
		const char *what;
	} cases[] = {
		{"", 1, "a record should begin here"},
		{"nonsense", 1, "a record should begin here"},
		{"{\"record\":\"even\"}", 11, "unknown kind of record"},
		{EVENT "\"kind\":\"none\"}", 1, "an event without a kind"},
		{EVENT "\"kind\":\"nothing\"}", 35, "this word is unknown here"},
		{EVENT "\"kind\":\"note\"", 41, "the record should end here"},
		{EVENT "\"kind\":\"note\"} ", 42, "the record should end here"},
		{EVENT "\"kind\":\"note\",\"kind\":\"note\"}", 42, "this member is already given"},
		{EVENT "\"kin\":\"note\"}", 28, "this member is unknown here"},
		{EVENT "\"kind\" :\"note\"}", 34, "expected a colon"},
		{EVENT "\"kind\":\"no", 35, "this text has no end"},
		{EVENT "\"kind\":7}", 35, "expected a text in quotes"},
		{EVENT "\"text\":\"\xff\"}", 36, "this byte is not allowed in a text"},
		{EVENT "\"text\":\"\\x\"}", 36, "not an escape of JSON, or one for NUL"},
		{EVENT "\"text\":\"\\u0000\"}", 36, "not an escape of JSON, or one for NUL"},
		{EVENT "\"text\":\"\\ud800\"}", 36, "half a surrogate pair"},
		{EVENT "\"wall\":9223372036854775808}", 35, "this number is too large"},
		{EVENT "\"wall\":1.5}", 36, "the record should end here"},
		{EVENT "\"wall\":01}", 35, "expected a whole number"},
		{EVENT "\"wall\":-}", 35, "expected a whole number"},
		{EVENT "\"repetition\":-1}", 41, "this number is out of range"},
		{EVENT "\"asked\":2}", 36, "this number is out of range"},
		{"{\"record\":\"event\",\"kind\":\"note\"}", 33, "the record lacks a member"},
		{OP "\"get\",\"begin\":1,\"end\":2,\"result\":\"ok\"}", 1,
		 "an operation without a key"},
		{OP "\"get\",\"key\":\"k\",\"begin\":1,\"end\":2,\"result\":\"ok\"}", 1,
		 "an answer without a revision"},
		{OP "\"get\",\"key\":\"k\",\"begin\":3,\"end\":2,\"result\":\"unknown\"}", 1,
		 "an operation that ends before it begins"},
		{OP "\"put\",\"key\":\"k\",\"begin\":1,\"end\":2,\"result\":\"unknown\"}", 1,
		 "a write without a value"},
		{OP "\"get\",\"key\":\"k\",\"begin\":1,\"end\":2,\"result\":\"ok\",\"revision\":2,"
		    "\"seen\":\"v\"}",
		 1, "a value seen needs its revision, and a revision its value"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence ev = {0};
		struct netsim_err err = {0};
		char text[512];

		snprintf(text, sizeof(text), GOOD "%s\n" GOOD, cases[i].line);
		assert_int_equal(evidence_read(&ev,
					       &(struct evidence_file) {.name = "events.jsonl"},
					       text, strlen(text), &err),
				 -EINVAL);
		assert_string_equal(err.what, cases[i].what);
		assert_string_equal(err.loc.file, "events.jsonl");
		assert_int_equal(err.loc.line, 2);
		assert_int_equal(err.loc.column, cases[i].column);
		assert_int_equal(err.kind, NETSIM_ERR_INPUT);
		evidence_done(&ev);
	}
}

static void test_texts(void **state)
{
	struct text_table texts = {0};
	char text[32];

	(void)state;
	assert_int_equal(text_table_find(&texts, "nothing"), 0);
	assert_int_equal(text_table_add(&texts, "", 0), 0);
	for (uint32_t i = 1; i <= 5000; i++) {
		int len = snprintf(text, sizeof(text), "text-%u", i);

		assert_int_equal(text_table_add(&texts, text, (size_t)len), i);
	}
	for (uint32_t i = 1; i <= 5000; i++) {
		int len = snprintf(text, sizeof(text), "text-%u", i);

		assert_int_equal(text_table_add(&texts, text, (size_t)len), i);
		assert_int_equal(text_table_find(&texts, text), i);
		assert_string_equal(text_table_get(&texts, i), text);
	}
	/* A prefix of a text is a text of its own. */
	assert_int_equal(text_table_add(&texts, "text-12", 5), 5001);
	assert_string_equal(text_table_get(&texts, 5001), "text-");
	assert_int_equal(text_table_find(&texts, "text-5001"), 0);
	assert_string_equal(text_table_get(&texts, 0), "");
	text_table_done(&texts);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t want;
	} cases[] = {
		{"a", 1},
		{"\xc3\xa9", 2},
		{"\xe2\x82\xac", 3},
		{"\xf0\x9f\x98\x80", 4},
		{"\x80", 0},
		{"\xc0\xaf", 0},
		{"\xc3", 0},
		{"\xe0\x80\xaf", 0},
		{"\xed\xa0\x80", 0},
		{"\xf4\x90\x80\x80", 0},
		{"\xf8\x88\x80\x80", 0},
		{"\xe2\x82", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(utf8_length(cases[i].text, strlen(cases[i].text)), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back),	  cmocka_unit_test(test_json),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_damage),	  cmocka_unit_test(test_texts),
		cmocka_unit_test(test_utf8),	  cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
