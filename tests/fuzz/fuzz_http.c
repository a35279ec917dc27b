// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arbitrary bytes as a server's answer to a probe, in parts of different sizes: each attempt ends
 * at most once, and a body is never longer than the answer. The first byte is the size of the
 * parts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/run/prober_plain.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned ends;
static size_t body;

void attempt_hang_up(struct attempt *attempt)
{
	attempt->fd = -1;
}

void attempt_end(struct attempt *attempt, enum prober_result result)
{
	(void)attempt;
	(void)result;
	ends++;
}

void http_take(struct attempt *attempt, const char *part, size_t size)
{
	static volatile char sum;

	(void)attempt;
	for (size_t i = 0; i < size; i++)
		sum = (char)(sum + part[i]);
	body += size;
}

void http_answered(struct attempt *attempt)
{
	attempt_end(attempt, PROBER_OK);
}

int loop_watch(struct loop *loop, int fd, uint32_t events, struct loop_watch *watch)
{
	(void)loop;
	(void)fd;
	(void)events;
	(void)watch;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct prober_probe spec;
	struct lane lane = {.spec = &spec};
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	size_t part = size ? data[0] % 64 + 1 : 1;

	if (!attempt)
		return 0;
	attempt->lane = &lane;
	attempt->plain.stage = STAGE_HEAD;
	ends = 0;
	body = 0;
	for (size_t at = 1; at < size && !ends; at += part) {
		size_t count = size - at < part ? size - at : part;
		char *copy = malloc(count);

		if (!copy)
			break;
		memcpy(copy, data + at, count);
		take(attempt, copy, count);
		free(copy);
	}
	if (ends > 1 || body > size)
		abort();
	free(attempt);
	return 0;
}
