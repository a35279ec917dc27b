// SPDX-License-Identifier: GPL-2.0-or-later
/* Records as lines of text. */
#include "netsim/judge/record.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* --- writing */

static void put_number(struct buf *out, int64_t number)
{
	char digits[24], *at = digits + sizeof(digits);
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		*--at = '-';
	buf_add(out, at, (size_t)(digits + sizeof(digits) - at));
}

/* Returns how many bytes of a text can be written as they are. */
static size_t plain_length(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t step = utf8_length(text + at, len - at);

		if (!step || (unsigned char)text[at] < 0x20 || text[at] == '"' || text[at] == '\\')
			break;
		at += step;
	}
	return at;
}

void record_quote(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	buf_add(out, "\"", 1);
	while (len) {
		size_t plain = plain_length(text, len);

		buf_add(out, text, plain);
		text += plain;
		len -= plain;
		if (!len)
			break;
		if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			buf_printf(out, "\\u%04x", (unsigned)*text);
		else
			buf_puts(out, "\xef\xbf\xbd");
		text++;
		len--;
	}
	buf_add(out, "\"", 1);
}

static void put_real(struct buf *out, const void *record, const struct record_key *key)
{
	double value;

	memcpy(&value, (const char *)record + key->offset, sizeof(value));
	buf_printf(out, "%.17g", value);
}

/* A field read as a number: all types fit into one, and 0 is the same in all. */
static int64_t field_number(const struct record_key *key, const void *record)
{
	const char *field = (const char *)record + key->offset;
	int64_t number = 0;
	uint32_t small = 0;

	if (key->type == RECORD_NUMBER || key->type == RECORD_REAL)
		memcpy(&number, field, sizeof(number));
	else if (key->type == RECORD_FLAG)
		number = *(const bool *)field;
	else if (key->type == RECORD_WORD)
		number = *(const uint8_t *)field;
	else {
		memcpy(&small, field, sizeof(small));
		number = small;
	}
	return number;
}

void record_write(struct buf *out, const struct record_kind *kind, const void *record,
		  const struct record_texts *texts)
{
	buf_puts(out, "{\"record\":");
	record_quote(out, kind->name);
	for (size_t i = 0; i < kind->key_count; i++) {
		const struct record_key *key = &kind->keys[i];
		int64_t number = field_number(key, record);

		if (!number && !key->needed)
			continue;
		buf_add(out, ",\"", 2);
		buf_puts(out, key->key);
		buf_add(out, "\":", 2);
		if (key->type == RECORD_WORD)
			record_quote(out, key->words[number]);
		else if (key->type == RECORD_NAME)
			record_quote(out, text_table_get(texts->names, (uint32_t)number));
		else if (key->type == RECORD_VALUE)
			record_quote(out, text_table_get(texts->values, (uint32_t)number));
		else if (key->type == RECORD_REAL)
			put_real(out, record, key);
		else
			put_number(out, number);
	}
	buf_add(out, "}\n", 2);
}

/* --- reading */

struct reader {
	const char *at, *end;
	const struct record_line *line;
	const struct record_texts *texts;
	struct buf unescaped;
	struct netsim_err *err;
};

static int damaged(struct reader *r, const char *at, const char *what)
{
	struct netsim_loc loc = r->line->loc;

	loc.column = (unsigned)(at - r->line->text) + 1;
	return err_set(r->err, NETSIM_ERR_INPUT, -EINVAL, &loc, "%s", what);
}

static bool take_text(struct reader *r, const char *text, size_t len)
{
	if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
		return false;
	r->at += len;
	return true;
}

#define take_literal(r, text) take_text((r), (text), sizeof(text) - 1)

static int read_number(struct reader *r, int64_t *ret)
{
	const char *begin = r->at;
	bool minus = take_literal(r, "-");
	uint64_t number = 0, most = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	const char *digits = r->at;

	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
		unsigned digit = (unsigned)(*r->at - '0');

		if (number > (most - digit) / 10)
			return damaged(r, begin, "this number is too large");
		number = number * 10 + digit;
	}
	if (r->at == digits || (*digits == '0' && r->at - digits > 1))
		return damaged(r, begin, "expected a whole number");
	*ret = (int64_t)(minus ? -number : number);
	return 0;
}

static int read_real(struct reader *r, double *ret)
{
	const char *begin = r->at;
	char text[40], *end;
	size_t length = 0;

	while (r->at < r->end && *r->at && strchr("0123456789+-.e", *r->at) &&
	       length + 1 < sizeof(text))
		text[length++] = *r->at++;
	text[length] = '\0';
	*ret = strtod(text, &end);
	if (!length || *end || !isfinite(*ret))
		return damaged(r, begin, "expected a number");
	return 0;
}

static int hex4(const char *at, const char *end, unsigned *ret)
{
	unsigned code = 0;

	if (end - at < 4)
		return -EINVAL;
	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = memchr(digits, at[i], sizeof(digits) - 1);

		if (!digit)
			return -EINVAL;
		code = code << 4 | ((unsigned)(digit - digits) & 15);
	}
	*ret = code;
	return 0;
}

static void put_utf8(struct buf *out, unsigned code)
{
	char bytes[4];
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = len - 1; i > 0; i--, code >>= 6)
		bytes[i] = (char)(0x80 | (code & 0x3f));
	bytes[0] = (char)(len == 1 ? code : (0xf00U >> len & 0xf0) | code);
	buf_add(out, bytes, len);
}

/* Reads an escape, whose backslash is at r->at. */
static int read_escape(struct reader *r)
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *begin = r->at++;
	const char *name = r->at < r->end ? memchr(names, *r->at, sizeof(names) - 1) : NULL;
	unsigned code, low;

	if (name) {
		buf_add(&r->unescaped, &bytes[name - names], 1);
		r->at++;
		return 0;
	}
	if (!take_literal(r, "u") || hex4(r->at, r->end, &code) < 0 || !code)
		return damaged(r, begin, "not an escape of JSON, or one for NUL");
	r->at += 4;
	if (code >= 0xd800 && code < 0xdc00) {
		if (!take_literal(r, "\\u") || hex4(r->at, r->end, &low) < 0 || low < 0xdc00 ||
		    low > 0xdfff)
			return damaged(r, begin, "half a surrogate pair");
		r->at += 4;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	} else if (code >= 0xdc00 && code < 0xe000) {
		return damaged(r, begin, "half a surrogate pair");
	}
	put_utf8(&r->unescaped, code);
	return 0;
}

/* Reads a string; *text lives until the next one is read, or as long as the line. */
static int read_text(struct reader *r, const char **text, size_t *len)
{
	const char *begin = r->at;

	if (!take_literal(r, "\""))
		return damaged(r, r->at, "expected a text in quotes");
	*text = r->at;
	r->unescaped.len = 0;
	for (;;) {
		const char *from = r->at;

		r->at += plain_length(r->at, (size_t)(r->end - r->at));
		if (r->at == r->end)
			return damaged(r, begin, "this text has no end");
		if (*r->at == '"' && !r->unescaped.len) {
			*len = (size_t)(r->at++ - *text);
			return 0;
		}
		buf_add(&r->unescaped, from, (size_t)(r->at - from));
		if (*r->at == '"')
			break;
		if (*r->at != '\\')
			return damaged(r, r->at, "this byte is not allowed in a text");
		if (read_escape(r) < 0)
			return -EINVAL;
	}
	r->at++;
	if (r->unescaped.failed)
		return err_oom(r->err);
	*text = r->unescaped.data;
	*len = r->unescaped.len;
	return 0;
}

static int read_word(struct reader *r, const struct record_key *key, uint8_t *ret)
{
	const char *begin = r->at, *text;
	size_t len;
	int code = read_text(r, &text, &len);

	if (code < 0)
		return code;
	for (uint8_t i = 0; key->words[i]; i++) {
		if (strlen(key->words[i]) != len || memcmp(key->words[i], text, len) != 0)
			continue;
		*ret = i;
		return 0;
	}
	return damaged(r, begin, "this word is unknown here");
}

static int read_interned(struct reader *r, struct text_table *texts, uint32_t *ret)
{
	const char *text;
	size_t len;
	int code = read_text(r, &text, &len);

	if (code < 0)
		return code;
	*ret = text_table_add(texts, text, len);
	return *ret == TEXT_TABLE_FULL ? err_oom(r->err) : 0;
}

static int read_field(struct reader *r, const struct record_key *key, void *record)
{
	char *field = (char *)record + key->offset;
	const char *begin = r->at;
	int64_t number = 0;
	uint32_t small = 0;
	int code;

	if (key->type == RECORD_WORD)
		return read_word(r, key, (uint8_t *)field);
	if (key->type == RECORD_NAME || key->type == RECORD_VALUE) {
		code = read_interned(
			r, key->type == RECORD_NAME ? r->texts->names : r->texts->values, &small);
		memcpy(field, &small, sizeof(small));
		return code;
	}
	if (key->type == RECORD_REAL) {
		double value = 0;

		code = read_real(r, &value);
		memcpy(field, &value, sizeof(value));
		return code;
	}
	code = read_number(r, &number);
	if (code < 0)
		return code;
	if (key->type == RECORD_NUMBER) {
		memcpy(field, &number, sizeof(number));
		return 0;
	}
	if (number < 0 || number > (key->type == RECORD_FLAG ? 1 : (int64_t)UINT32_MAX))
		return damaged(r, begin, "this number is out of range");
	if (key->type == RECORD_FLAG) {
		*(bool *)field = number;
		return 0;
	}
	small = (uint32_t)number;
	memcpy(field, &small, sizeof(small));
	return 0;
}

/* Finds a member's key. The writer keeps the order of the table, so the search begins at *next. */
static const struct record_key *find_key(const struct record_kind *kind, size_t *next,
					 const char *text, size_t len)
{
	for (size_t i = 0; i < kind->key_count; i++) {
		size_t at = (*next + i) % kind->key_count;

		if (strncmp(kind->keys[at].key, text, len) != 0 || kind->keys[at].key[len])
			continue;
		*next = at + 1;
		return &kind->keys[at];
	}
	return NULL;
}

/* Reads the members after the first one, up to the closing brace. */
static int read_members(struct reader *r, const struct record_kind *kind, void *record)
{
	bool have[RECORD_KEYS_MAX] = {false};
	size_t next = 0, len;
	const char *text;

	while (take_literal(r, ",")) {
		const char *begin = r->at;
		const struct record_key *key;
		int code = read_text(r, &text, &len);

		if (code < 0)
			return code;
		key = find_key(kind, &next, text, len);
		if (!key)
			return damaged(r, begin, "this member is unknown here");
		if (have[key - kind->keys])
			return damaged(r, begin, "this member is already given");
		have[key - kind->keys] = true;
		if (!take_literal(r, ":"))
			return damaged(r, r->at, "expected a colon");
		code = read_field(r, key, record);
		if (code < 0)
			return code;
	}
	if (!take_literal(r, "}") || r->at != r->end)
		return damaged(r, r->at, "the record should end here");
	for (size_t i = 0; i < kind->key_count; i++)
		if (kind->keys[i].needed && !have[i])
			return damaged(r, r->at, "the record lacks a member");
	return 0;
}

static const struct record_kind *find_kind(const struct record_kind *kinds, size_t count,
					   const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strncmp(kinds[i].name, text, len) == 0 && !kinds[i].name[len])
			return &kinds[i];
	return NULL;
}

static int read_record(struct reader *r, const struct record_kind *kinds, size_t count,
		       void *record)
{
	const struct record_kind *kind;
	const char *text, *flaw;
	size_t len;
	int code;

	if (!take_literal(r, "{\"record\":"))
		return damaged(r, r->at, "a record should begin here");
	code = read_text(r, &text, &len);
	if (code < 0)
		return code;
	kind = find_kind(kinds, count, text, len);
	if (!kind)
		return damaged(r, r->line->text + strlen("{\"record\":"), "unknown kind of record");
	memset(record, 0, kind->size);
	code = read_members(r, kind, record);
	if (code < 0)
		return code;
	flaw = kind->flaw ? kind->flaw(record) : NULL;
	return flaw ? damaged(r, r->line->text, flaw) : (int)(kind - kinds);
}

int record_read(const struct record_line *line, const struct record_kind *kinds, size_t count,
		const struct record_texts *texts, void *ret, struct netsim_err *err)
{
	struct reader r = {.at = line->text,
			   .end = line->text + line->len,
			   .line = line,
			   .texts = texts,
			   .err = err};
	int code = read_record(&r, kinds, count, ret);

	buf_done(&r.unescaped);
	return code;
}
