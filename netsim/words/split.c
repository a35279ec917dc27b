// SPDX-License-Identifier: GPL-2.0-or-later
/* Splits text into words at blanks, with quotes and backslashes. */
#include "netsim/words/split.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copies the byte of the text at this offset. */
static void copy(struct split *split, const char *text, size_t at)
{
	split->origins[split->used] = at;
	split->block[split->used++] = text[at];
}

/* Copies a quoted part, from its opening quote at *at; false if it has no end. */
static bool copy_quoted(struct split *split, const char *text, size_t *at)
{
	char quote = text[*at];
	size_t i = *at + 1;

	for (; text[i] && text[i] != quote; i++) {
		if (quote == '"' && text[i] == '\\' && (text[i + 1] == '"' || text[i + 1] == '\\'))
			i++;
		copy(split, text, i);
	}
	if (!text[i])
		return false;
	*at = i + 1;
	return true;
}

/* Copies the word at *at, and moves *at past it; false: *at is the offset of the mistake. */
static bool copy_word(struct split *split, const char *text, size_t *at)
{
	while (text[*at] && !is_blank(text[*at])) {
		if (text[*at] == '\'' || text[*at] == '"') {
			if (!copy_quoted(split, text, at))
				return false;
			continue;
		}
		if (text[*at] == '\\' && !text[*at + 1])
			return false;
		*at += text[*at] == '\\';
		copy(split, text, (*at)++);
	}
	split->origins[split->used] = *at;
	split->block[split->used++] = '\0';
	return true;
}

void split_done(struct split *split)
{
	free(split->list);
	free(split->words);
	free(split->block);
	free(split->origins);
	*split = (struct split) {.list = NULL};
}

/* A text of n bytes has at most n / 2 + 1 words; with terminators they need n + 1 bytes. */
static bool allocate(struct split *split, const char *text)
{
	size_t length = strlen(text), most = length / 2 + 1;

	split->list = calloc(most + 1, sizeof(*split->list));
	split->words = calloc(most + 1, sizeof(*split->words));
	split->block = malloc(length + 1);
	split->origins = calloc(length + 1, sizeof(*split->origins));
	return split->list && split->words && split->block && split->origins;
}

int split_words(const char *text, struct split *ret, size_t *bad)
{
	auto_split struct split split = {.list = NULL};
	size_t at = 0;

	*bad = 0;
	if (!allocate(&split, text))
		return -ENOMEM;
	while (true) {
		while (is_blank(text[at]))
			at++;
		if (!text[at])
			break;
		split.words[split.count] = split.list[split.count] = split.block + split.used;
		if (!copy_word(&split, text, &at)) {
			*bad = at;
			return -EINVAL;
		}
		split.count++;
	}
	*ret = split;
	split = (struct split) {.list = NULL};
	return 0;
}

size_t split_offset(const struct split *split, const char *place)
{
	uintptr_t begin = (uintptr_t)split->block, at = (uintptr_t)place;

	return place && at >= begin && at < begin + split->used ? split->origins[at - begin] : 0;
}
