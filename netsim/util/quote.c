// SPDX-License-Identifier: GPL-2.0-or-later
/* YAML quoting for printing files back. */
#include "netsim/util/quote.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * True if the text needs no quotes: no YAML parser takes it for a number, a boolean or a
 * time.
 */
static bool is_plain(const char *text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no",
					    "on",   "off",  "y",     "n"};
	char *end;

	if (!isalpha((unsigned char)*text) && !isdigit((unsigned char)*text) && *text != '/')
		return false;
	strtod(text, &end);
	if (!*end)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], text) == 0)
			return false;
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789._-+/~%")] == '\0';
}

/*
 * Prints the escape of a UTF-8 character that YAML takes for a line break, or does not allow;
 * returns its bytes, 0 for any other character.
 */
static size_t escape(const unsigned char *p, FILE *out)
{
	static const struct {
		char bytes[4], text[8];
	} others[] = {{"\xe2\x80\xa8", "\\u2028"},
		      {"\xe2\x80\xa9", "\\u2029"},
		      {"\xef\xbb\xbf", "\\ufeff"},
		      {"\xef\xbf\xbe", "\\ufffe"},
		      {"\xef\xbf\xbf", "\\uffff"}};

	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
		fprintf(out, "\\x%02x", p[1]);
		return 2;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strncmp((const char *)p, others[i].bytes, 3) == 0) {
			fputs(others[i].text, out);
			return 3;
		}
	return 0;
}

void quote_print(const char *text, FILE *out)
{
	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		size_t escaped = escape(p, out);

		if (escaped)
			p += escaped - 1;
		else if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\x%02x", *p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}
