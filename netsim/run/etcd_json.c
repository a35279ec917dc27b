/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/etcd_json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* --- base64 */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void etcd_base64(struct buf *buf, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i += 3) {
		unsigned left = size - i < 3 ? (unsigned)(size - i) : 3;
		uint32_t bits = (uint32_t)(uint8_t)data[i] << 16;
		char text[4];

		if (left > 1)
			bits |= (uint32_t)(uint8_t)data[i + 1] << 8;
		if (left > 2)
			bits |= (uint8_t)data[i + 2];
		for (unsigned j = 0; j < 4; j++)
			text[j] = j <= left ? digits[bits >> (18 - 6 * j) & 63] : '=';
		buf_add(buf, text, 4);
	}
}

int etcd_unbase64(const char *text, char **ret, size_t *ret_size)
{
	size_t length = strlen(text), used = 0;
	char *data;

	if (length % 4)
		return -EINVAL;
	data = malloc(length / 4 * 3 + 1);
	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < length; i += 4) {
		unsigned pad = i + 4 < length ? 0 : (text[i + 3] == '=') + (text[i + 2] == '=');
		uint32_t bits = 0;

		for (unsigned j = 0; j < 4; j++) {
			const char *digit = j < 4 - pad ? strchr(digits, text[i + j]) : digits;

			if (!digit || (j >= 4 - pad && text[i + j] != '=')) {
				free(data);
				return -EINVAL;
			}
			bits = bits << 6 | (uint32_t)(digit - digits);
		}
		for (unsigned j = 0; j < 3 - pad; j++)
			data[used++] = (char)(bits >> (16 - 8 * j));
	}
	data[used] = '\0';
	*ret = data;
	*ret_size = used;
	return 0;
}

/* --- requests */

static void add_text(struct buf *buf, const char *name, const char *text, size_t size)
{
	buf_printf(buf, "\"%s\":\"", name);
	etcd_base64(buf, text, size);
	buf_puts(buf, "\"");
}

static void add_key(struct buf *buf, const char *key)
{
	add_text(buf, "key", key, strlen(key));
}

/* The keys from prefix up to, not including, its successor: the last byte plus one. */
static void add_prefix(struct buf *buf, const char *prefix)
{
	auto_free char *end = strdup(prefix);
	size_t length = strlen(prefix);

	if (!end) {
		buf->failed = true;
		return;
	}
	end[length - 1]++;
	add_key(buf, prefix);
	buf_puts(buf, ",");
	add_text(buf, "range_end", end, length);
}

void etcd_put_request(struct buf *buf, const char *key, const char *value)
{
	buf_puts(buf, "{");
	add_key(buf, key);
	buf_puts(buf, ",");
	add_text(buf, "value", value, strlen(value));
	buf_puts(buf, "}");
}

void etcd_get_request(struct buf *buf, const char *key, bool serializable)
{
	buf_puts(buf, "{");
	add_key(buf, key);
	buf_puts(buf, serializable ? ",\"serializable\":true}" : "}");
}

void etcd_prefix_request(struct buf *buf, const char *prefix, bool serializable)
{
	buf_puts(buf, "{");
	add_prefix(buf, prefix);
	buf_puts(buf, serializable ? ",\"serializable\":true}" : "}");
}

void etcd_swap_request(struct buf *buf, const char *key, int64_t mod_revision, const char *value)
{
	buf_puts(buf, "{\"compare\":[{");
	add_key(buf, key);
	buf_printf(buf,
		   ",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":\"%" PRId64 "\"}],",
		   mod_revision);
	buf_puts(buf, "\"success\":[{\"requestPut\":");
	etcd_put_request(buf, key, value);
	buf_puts(buf, "}],\"failure\":[{\"requestRange\":");
	etcd_get_request(buf, key, false);
	buf_puts(buf, "}]}");
}

void etcd_delete_request(struct buf *buf, const char *key)
{
	buf_puts(buf, "{");
	add_key(buf, key);
	buf_puts(buf, ",\"prev_kv\":true}");
}

void etcd_watch_request(struct buf *buf, const char *prefix, int64_t revision)
{
	buf_puts(buf, "{\"create_request\":{");
	add_prefix(buf, prefix);
	if (revision)
		buf_printf(buf, ",\"start_revision\":\"%" PRId64 "\"", revision);
	buf_puts(buf, "}}");
}

/* --- answers */

/* A number, as a number or as a string; 0 if it is absent. */
static uint64_t number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_string(value)) {
		const char *text = json_string_value(value);

		return *text == '-' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 10);
	}
	return json_is_integer(value) ? (uint64_t)json_integer_value(value) : 0;
}

static bool flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static int read_kv(const json_t *object, struct etcd_kv *ret)
{
	size_t size;
	int r = etcd_unbase64(text_of(object, "key"), &ret->key, &size);

	if (r == 0)
		r = etcd_unbase64(text_of(object, "value"), &ret->value, &ret->value_size);
	ret->create_revision = (int64_t)number(object, "create_revision");
	ret->mod_revision = (int64_t)number(object, "mod_revision");
	ret->version = (int64_t)number(object, "version");
	return r;
}

static int read_kvs(const json_t *list, struct etcd_reply *ret)
{
	const json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(list, i, item)
	{
		struct etcd_kv *kv = array_push(ret->kvs, ret->kv_count);

		r = kv ? read_kv(item, kv) : -ENOMEM;
		if (r < 0)
			break;
	}
	return r;
}

static int read_responses(const json_t *list, struct etcd_reply *ret)
{
	const json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(list, i, item)
	{
		const json_t *range = json_object_get(item, "response_range");

		r = read_kvs(json_object_get(range, "kvs"), ret);
		if (r < 0)
			break;
	}
	return r;
}

static int read_events(const json_t *list, struct etcd_reply *ret)
{
	const json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(list, i, item)
	{
		struct etcd_event *event = array_push(ret->events, ret->event_count);

		if (!event)
			return -ENOMEM;
		event->is_delete = strcmp(text_of(item, "type"), "DELETE") == 0;
		r = read_kv(json_object_get(item, "kv"), &event->kv);
		if (r < 0)
			break;
	}
	return r;
}

static int read_members(const json_t *list, struct etcd_reply *ret)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		struct etcd_member *member = array_push(ret->members, ret->member_count);
		const json_t *urls = json_object_get(item, "clientURLs");
		const char *url = json_string_value(json_array_get(urls, 0));

		if (!member)
			return -ENOMEM;
		member->id = number(item, "ID");
		member->name = strdup(text_of(item, "name"));
		member->client_url = url ? strdup(url) : NULL;
		if (!member->name || (url && !member->client_url))
			return -ENOMEM;
	}
	return 0;
}

/* {"error": TEXT, "code": N}, or of a watch {"error": {"message": TEXT, "grpc_code": N}} */
static void read_error(const json_t *root, struct etcd_reply *ret)
{
	const json_t *error = json_object_get(root, "error");
	const json_t *object = json_is_object(error) ? error : root;
	const char *text =
		json_is_string(error) ? json_string_value(error) : text_of(object, "message");

	if (!error)
		return;
	ret->error_code = (int)number(object, json_is_object(error) ? "grpc_code" : "code");
	if (ret->error_code == 0)
		ret->error_code = 2; /* unknown */
	err_format(ret->error, sizeof(ret->error), "%s", text);
}

static int read_fields(const json_t *root, struct etcd_reply *ret)
{
	const json_t *header = json_object_get(root, "header");
	int r;

	ret->member = number(header, "member_id");
	ret->term = number(header, "raft_term");
	ret->revision = (int64_t)number(header, "revision");
	ret->succeeded = flag(root, "succeeded");
	ret->count = (int64_t)number(root, "count");
	ret->deleted = (int64_t)number(root, "deleted");
	ret->leader = number(root, "leader");
	ret->raft_term = number(root, "raftTerm");
	ret->raft_index = number(root, "raftIndex");
	ret->applied_index = number(root, "raftAppliedIndex");
	err_format(ret->version, sizeof(ret->version), "%s", text_of(root, "version"));
	ret->hash = number(root, "hash");
	ret->created = flag(root, "created");
	ret->canceled = flag(root, "canceled");
	ret->compact_revision = (int64_t)number(root, "compact_revision");
	r = read_kvs(json_object_get(root, "kvs"), ret);
	if (r == 0 && !ret->kv_count)
		r = read_kvs(json_object_get(root, "prev_kvs"), ret);
	if (r == 0)
		r = read_responses(json_object_get(root, "responses"), ret);
	if (r == 0)
		r = read_events(json_object_get(root, "events"), ret);
	if (r == 0)
		r = read_members(json_object_get(root, "members"), ret);
	return r;
}

int etcd_read_reply(const char *text, size_t size, struct etcd_reply *ret)
{
	json_t *root = json_loadb(text, size, 0, NULL);
	const json_t *result = json_object_get(root, "result");
	struct etcd_reply reply = {0};
	int r = json_is_object(root) ? read_fields(result ? result : root, &reply) : -EINVAL;

	read_error(root, &reply);
	json_decref(root);
	if (r < 0)
		etcd_reply_done(&reply);
	else
		*ret = reply;
	return r;
}

static void free_kv(struct etcd_kv *kv)
{
	free(kv->key);
	free(kv->value);
}

void etcd_reply_done(struct etcd_reply *reply)
{
	for (size_t i = 0; i < reply->kv_count; i++)
		free_kv(&reply->kvs[i]);
	for (size_t i = 0; i < reply->event_count; i++)
		free_kv(&reply->events[i].kv);
	for (size_t i = 0; i < reply->member_count; i++) {
		free(reply->members[i].name);
		free(reply->members[i].client_url);
	}
	free(reply->kvs);
	free(reply->events);
	free(reply->members);
	*reply = (struct etcd_reply) {0};
}

/* --- outcomes */

/*
 * Codes of gRPC for requests that etcd refuses before proposing them, or that all members alike
 * refuse to apply. Timeouts, a changed leader and a stopping server (deadline exceeded,
 * unavailable, unknown) prove nothing: the proposal may be in the log.
 */
static bool is_refusal(int code)
{
	switch (code) {
	case 3:	 /* invalid argument */
	case 5:	 /* not found */
	case 7:	 /* permission denied */
	case 8:	 /* resource exhausted: too many requests, or no space */
	case 9:	 /* failed precondition */
	case 11: /* out of range: a future or compacted revision */
	case 12: /* a method that the server does not have */
	case 16: /* unauthenticated */
		return true;
	default:
		return false;
	}
}

enum etcd_outcome etcd_judge(bool sent, int status, const struct etcd_reply *reply)
{
	if (!sent)
		return ETCD_FAILED;
	if (status == 200 && reply && !reply->error_code && reply->revision > 0)
		return ETCD_OK;
	if (status >= 400 && reply && is_refusal(reply->error_code))
		return ETCD_FAILED;
	return ETCD_INDETERMINATE;
}

const char *etcd_outcome_name(enum etcd_outcome outcome)
{
	static const char *const names[] = {
		[ETCD_OK] = "ok", [ETCD_FAILED] = "failed", [ETCD_INDETERMINATE] = "indeterminate"};

	return names[outcome];
}
