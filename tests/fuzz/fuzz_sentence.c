// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arbitrary text as a sentence, a command of a timeline and a template: no crash, and the position
 * of each mistake is within the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/expectation.h"
#include "netsim/config/template.h"
#include "netsim/words/selector.h"
#include "netsim/words/step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sentence(const char *text)
{
	struct netsim_err err = {0};
	struct expectation e;
	size_t bad = 0;

	if (expectation_parse(text, &e, &bad, &err) < 0) {
		if (err.kind != NETSIM_ERR_INPUT || !err.what[0] || bad > strlen(text))
			abort();
		return;
	}
	if (!(e.value >= 0) || !e.name == !e.from)
		abort();
	expectation_done(&e);
}

static void command(const char *text)
{
	struct netsim_err err = {0};
	struct step step;
	size_t bad = 0;

	if (step_parse(text, &step, &bad, &err) < 0) {
		if (err.kind != NETSIM_ERR_USAGE || !err.what[0] || bad > strlen(text))
			abort();
		return;
	}
	for (size_t i = 0; i < step.split.count; i++)
		if (step_offset(&step, step.split.words[i]) > strlen(text))
			abort();
	step_done(&step);
}

static void template(const char *text)
{
	static const struct template_member members[] = {{"a", "10.0.0.1"}, {"b", "fd00::2"}};
	const struct template_values values = {members[1], "/d", "/f", members, 2};
	const char *why, *hint;
	size_t bad = 0;

	if (template_check(text, TEMPLATE_ALL, &bad, &why, &hint) >= 0)
		free(template_fill(text, &values));
	else if (bad > strlen(text))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct selector selector;
	const char *why;
	size_t bad;
	char *text = calloc(size + 1, 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	sentence(text);
	command(text);
	template(text);
	if (selector_parse(text, &selector, &bad, &why) < 0 && bad > strlen(text))
		abort();
	free(text);
	return 0;
}
