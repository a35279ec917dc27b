// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses selectors of nodes: leader(etcd). */
#include "netsim/words/selector.h"

#include <errno.h>
#include <string.h>

const char *const selector_words[SELECTOR_COUNT + 1] = {
	[SELECTOR_LEADER] = "leader",	  [SELECTOR_FOLLOWERS] = "followers",
	[SELECTOR_MEMBERS] = "members",	  [SELECTOR_MAJORITY] = "majority",
	[SELECTOR_MINORITY] = "minority",
};

bool selector_is(const char *text)
{
	return strchr(text, '(');
}

int selector_parse(const char *text, struct selector *ret, size_t *bad, const char **why)
{
	size_t word = strcspn(text, "("), name = strcspn(text + word + (text[word] == '('), ")");
	const char *workload = text + word + 1;
	int kind = -1;

	for (int i = 0; i < SELECTOR_COUNT; i++)
		if (strlen(selector_words[i]) == word &&
		    strncmp(selector_words[i], text, word) == 0)
			kind = i;
	*bad = 0;
	*why = "write leader, followers, members, majority or minority";
	if (kind < 0)
		return -EINVAL;
	*bad = word;
	*why = "write it as leader(WORKLOAD)";
	if (text[word] != '(' || name == 0 || name >= SELECTOR_NAME || workload[name] != ')' ||
	    workload[name + 1])
		return -EINVAL;
	ret->kind = (enum selector_kind)kind;
	memcpy(ret->workload, workload, name);
	ret->workload[name] = '\0';
	return 0;
}

bool selector_takes(enum selector_kind kind, size_t count, bool is_leader, size_t nth)
{
	size_t minority = (count - 1) / 2, majority = count / 2 + 1;

	switch (kind) {
	case SELECTOR_LEADER:
		return is_leader;
	case SELECTOR_FOLLOWERS:
		return !is_leader;
	case SELECTOR_MAJORITY:
		/* The last followers; the leader only if they are too few. */
		return is_leader ? majority == count : nth + majority >= count - 1;
	case SELECTOR_MINORITY:
		/* The leader, even of two (where one is no minority), and the first followers. */
		return is_leader || nth + 1 < minority;
	case SELECTOR_MEMBERS:
	case SELECTOR_COUNT:
		break;
	}
	return true;
}
