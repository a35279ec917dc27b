// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of etcd's JSON gateway: base64, requests, answers, and what a failure proves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "netsim/run/etcd_json.h"
#include "netsim/util/auto.h"

/* --- base64 */

static void test_base64(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xff\xfe\x80", "//6A"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_buf struct buf buf = {0};
		auto_free char *back = NULL;
		size_t size;

		etcd_base64(&buf, rows[i][0], strlen(rows[i][0]));
		assert_string_equal(buf.data ? buf.data : "", rows[i][1]);
		assert_int_equal(etcd_unbase64(rows[i][1], &back, &size), 0);
		assert_int_equal(size, strlen(rows[i][0]));
		assert_string_equal(back, rows[i][0]);
	}
}

/* Each byte value, at each of the three places. */
static void test_base64_bytes(void **state)
{
	char data[3 * 256];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 + i / 256);
	for (size_t length = sizeof(data) - 3; length <= sizeof(data); length++) {
		auto_buf struct buf buf = {0};
		auto_free char *back = NULL;
		size_t size;

		etcd_base64(&buf, data, length);
		assert_int_equal(etcd_unbase64(buf.data, &back, &size), 0);
		assert_int_equal(size, length);
		assert_memory_equal(back, data, length);
	}
}

static void test_base64_wrong(void **state)
{
	static const char *const rows[] = {
		"Z", "Zg=", "Zg=a", "Z===", "====", "Zm9v!m8=", "Zg==Zg==", "Z g=", "Zm8=\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *back = NULL;
		size_t size;

		if (etcd_unbase64(rows[i], &back, &size) != -EINVAL)
			fail_msg("\"%s\" is accepted", rows[i]);
	}
}

/* --- requests */

static void assert_body(struct buf *buf, const char *want)
{
	assert_false(buf->failed);
	assert_string_equal(buf->data, want);
	buf_done(buf);
}

static void test_requests(void **state)
{
	struct buf buf = {0};

	(void)state;
	etcd_put_request(&buf, "a", "b");
	assert_body(&buf, "{\"key\":\"YQ==\",\"value\":\"Yg==\"}");
	etcd_get_request(&buf, "a", false);
	assert_body(&buf, "{\"key\":\"YQ==\"}");
	etcd_get_request(&buf, "a", true);
	assert_body(&buf, "{\"key\":\"YQ==\",\"serializable\":true}");
	etcd_delete_request(&buf, "a");
	assert_body(&buf, "{\"key\":\"YQ==\",\"prev_kv\":true}");
	/* "a/" up to "a0" */
	etcd_prefix_request(&buf, "a/", true);
	assert_body(&buf, "{\"key\":\"YS8=\",\"range_end\":\"YTA=\",\"serializable\":true}");
	etcd_watch_request(&buf, "a/", 7);
	assert_body(&buf, "{\"create_request\":{\"key\":\"YS8=\",\"range_end\":\"YTA=\","
			  "\"start_revision\":\"7\"}}");
	etcd_swap_request(&buf, "a", 9, "b");
	assert_body(&buf,
		    "{\"compare\":[{\"key\":\"YQ==\",\"target\":\"MOD\",\"result\":\"EQUAL\","
		    "\"mod_revision\":\"9\"}],\"success\":[{\"requestPut\":{\"key\":\"YQ==\","
		    "\"value\":\"Yg==\"}}],\"failure\":[{\"requestRange\":{\"key\":\"YQ==\"}}]}");
}

/* --- answers */

static struct etcd_reply read_ok(const char *text)
{
	struct etcd_reply reply;

	if (etcd_read_reply(text, strlen(text), &reply) != 0)
		fail_msg("not read: %s", text);
	return reply;
}

#define HEADER                                                                     \
	"\"header\":{\"cluster_id\":\"1\",\"member_id\":\"17237436991929493444\"," \
	"\"revision\":\"12\",\"raft_term\":\"3\"}"

static void test_range(void **state)
{
	struct etcd_reply reply =
		read_ok("{" HEADER ",\"kvs\":[{\"key\":\"YQ==\","
			"\"create_revision\":\"2\",\"mod_revision\":\"9\","
			"\"version\":\"4\",\"value\":\"Yg==\"}],\"count\":\"1\"}");

	(void)state;
	assert_true(reply.member == 17237436991929493444U);
	assert_int_equal(reply.revision, 12);
	assert_int_equal(reply.term, 3);
	assert_int_equal(reply.count, 1);
	assert_int_equal(reply.kv_count, 1);
	assert_string_equal(reply.kvs[0].key, "a");
	assert_string_equal(reply.kvs[0].value, "b");
	assert_int_equal(reply.kvs[0].mod_revision, 9);
	assert_int_equal(reply.kvs[0].create_revision, 2);
	assert_int_equal(reply.kvs[0].version, 4);
	etcd_reply_done(&reply);
}

/* Absent fields are 0: an empty range, a failed comparison, a member without a leader. */
static void test_absent(void **state)
{
	struct etcd_reply reply = read_ok("{" HEADER "}");

	(void)state;
	assert_int_equal(reply.kv_count, 0);
	assert_false(reply.succeeded);
	assert_int_equal(reply.leader, 0);
	assert_int_equal(reply.deleted, 0);
	etcd_reply_done(&reply);
}

static void test_txn(void **state)
{
	struct etcd_reply won = read_ok("{" HEADER ",\"succeeded\":true,\"responses\":["
					"{\"response_put\":{\"header\":{\"revision\":\"12\"}}}]}"),
			  lost = read_ok("{" HEADER ",\"responses\":[{\"response_range\":{"
					 "\"kvs\":[{\"key\":\"YQ==\",\"mod_revision\":\"11\","
					 "\"value\":\"Yg==\"}]}}]}");

	(void)state;
	assert_true(won.succeeded);
	assert_int_equal(won.kv_count, 0);
	assert_false(lost.succeeded);
	assert_int_equal(lost.kv_count, 1);
	assert_int_equal(lost.kvs[0].mod_revision, 11);
	etcd_reply_done(&won);
	etcd_reply_done(&lost);
}

static void test_status(void **state)
{
	struct etcd_reply reply =
		read_ok("{" HEADER ",\"version\":\"3.4.23\",\"leader\":\"17237436991929493444\","
			"\"raftIndex\":\"70\",\"raftTerm\":\"3\",\"raftAppliedIndex\":\"69\"}");

	(void)state;
	assert_true(reply.leader == reply.member);
	assert_int_equal(reply.raft_term, 3);
	assert_int_equal(reply.raft_index, 70);
	assert_int_equal(reply.applied_index, 69);
	assert_string_equal(reply.version, "3.4.23");
	etcd_reply_done(&reply);
}

static void test_members(void **state)
{
	struct etcd_reply reply =
		read_ok("{" HEADER ",\"members\":[{\"ID\":\"5\",\"name\":\"s1\","
			"\"clientURLs\":[\"http://10.0.0.1:2379\"]},{\"ID\":\"6\"}]}");

	(void)state;
	assert_int_equal(reply.member_count, 2);
	assert_int_equal(reply.members[0].id, 5);
	assert_string_equal(reply.members[0].name, "s1");
	assert_string_equal(reply.members[0].client_url, "http://10.0.0.1:2379");
	assert_string_equal(reply.members[1].name, "");
	assert_null(reply.members[1].client_url);
	etcd_reply_done(&reply);
}

static void test_watch(void **state)
{
	struct etcd_reply reply = read_ok("{\"result\":{" HEADER ",\"created\":true}}");

	(void)state;
	assert_true(reply.created);
	assert_int_equal(reply.revision, 12);
	etcd_reply_done(&reply);
	reply = read_ok("{\"result\":{" HEADER ",\"events\":[{\"kv\":{\"key\":\"YQ==\","
			"\"mod_revision\":\"12\",\"value\":\"Yg==\"}},{\"type\":\"DELETE\","
			"\"kv\":{\"key\":\"YQ==\",\"mod_revision\":\"13\"}}]}}");
	assert_int_equal(reply.event_count, 2);
	assert_false(reply.events[0].is_delete);
	assert_string_equal(reply.events[0].kv.value, "b");
	assert_true(reply.events[1].is_delete);
	assert_int_equal(reply.events[1].kv.mod_revision, 13);
	assert_string_equal(reply.events[1].kv.value, "");
	etcd_reply_done(&reply);
}

static void test_error(void **state)
{
	struct etcd_reply reply =
		read_ok("{\"error\":\"etcdserver: request timed out\","
			"\"message\":\"etcdserver: request timed out\",\"code\":14}");

	(void)state;
	assert_int_equal(reply.error_code, 14);
	assert_string_equal(reply.error, "etcdserver: request timed out");
	etcd_reply_done(&reply);
	reply = read_ok(
		"{\"error\":{\"grpc_code\":11,\"http_code\":400,\"message\":\"compacted\"}}");
	assert_int_equal(reply.error_code, 11);
	assert_string_equal(reply.error, "compacted");
	etcd_reply_done(&reply);
	reply = read_ok("{\"error\":\"odd\"}");
	assert_int_equal(reply.error_code, 2);
	etcd_reply_done(&reply);
}

static void test_unreadable(void **state)
{
	static const char *const rows[] = {
		"",
		"not found",
		"[]",
		"{",
		"{\"kvs\":[{\"key\":\"Y\"}]}",
		"{\"kvs\":[{\"key\":\"YQ==\",\"value\":\"Zg==\"},{\"key\":\"!\"}]}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct etcd_reply reply;

		if (etcd_read_reply(rows[i], strlen(rows[i]), &reply) != -EINVAL)
			fail_msg("read: %s", rows[i]);
	}
}

/* --- outcomes */

static void test_judge(void **state)
{
	static const struct {
		bool sent;
		int status;
		bool readable;
		int64_t revision;
		int code;
		enum etcd_outcome want;
	} rows[] = {
		{false, 0, false, 0, 0, ETCD_FAILED},	    /* refused: nothing was sent */
		{true, 0, false, 0, 0, ETCD_INDETERMINATE}, /* timeout, or broken off */
		{true, 200, true, 5, 0, ETCD_OK},
		{true, 200, false, 0, 0, ETCD_INDETERMINATE}, /* cut off, or not etcd's */
		{true, 200, true, 0, 0, ETCD_INDETERMINATE},  /* an answer without a revision */
		{true, 400, true, 0, 3, ETCD_FAILED},	      /* invalid argument */
		{true, 400, true, 0, 11, ETCD_FAILED},	      /* a compacted revision */
		{true, 429, true, 0, 8, ETCD_FAILED},	      /* too many requests */
		{true, 401, true, 0, 16, ETCD_FAILED},
		{true, 503, true, 0, 14, ETCD_INDETERMINATE}, /* timed out, or the leader changed */
		{true, 500, true, 0, 2, ETCD_INDETERMINATE},
		{true, 504, true, 0, 4, ETCD_INDETERMINATE},
		{true, 408, true, 0, 1, ETCD_INDETERMINATE},
		{true, 502, false, 0, 0, ETCD_INDETERMINATE}, /* a proxy's page */
		{true, 200, true, 5, 14, ETCD_INDETERMINATE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct etcd_reply reply = {.revision = rows[i].revision,
						 .error_code = rows[i].code};
		enum etcd_outcome got =
			etcd_judge(rows[i].sent, rows[i].status, rows[i].readable ? &reply : NULL);

		if (got != rows[i].want)
			fail_msg("row %zu: %s, not %s", i, etcd_outcome_name(got),
				 etcd_outcome_name(rows[i].want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),	     cmocka_unit_test(test_base64_bytes),
		cmocka_unit_test(test_base64_wrong), cmocka_unit_test(test_requests),
		cmocka_unit_test(test_range),	     cmocka_unit_test(test_absent),
		cmocka_unit_test(test_txn),	     cmocka_unit_test(test_status),
		cmocka_unit_test(test_members),	     cmocka_unit_test(test_watch),
		cmocka_unit_test(test_error),	     cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
