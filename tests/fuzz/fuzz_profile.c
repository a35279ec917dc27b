// SPDX-License-Identifier: GPL-2.0-or-later
/* Arbitrary bytes as a profile: no crash; the printed form of a valid one prints the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct profile *profile)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out || profile_print(profile, out) < 0 || fclose(out))
		abort();
	return text;
}

static void resolve(const struct profile *profile)
{
	static const char *const roles[] = {"server", "a"};
	struct link_conditions link;
	struct netsim_err err = {0};
	char text[256];

	if (profile_resolve(profile, "n100-1", roles, 2, &link, &err) < 0) {
		if (err.kind != NETSIM_ERR_INPUT || !err.loc.line)
			abort();
		return;
	}
	conditions_format(&link.up, text, sizeof(text));
	conditions_format(&link.down, text, 1);
}

static void resolve_pair(const struct profile *profile)
{
	static const char *const roles[] = {"server", "a"};
	struct netsim_err err = {0};
	struct conditions c;
	char text[256];

	if (profile_resolve_pair(profile, (struct profile_end) {"n100-1", roles, 2},
				 (struct profile_end) {"host"}, &c, &err) < 0) {
		if (err.kind != NETSIM_ERR_INPUT || !err.loc.line)
			abort();
		return;
	}
	conditions_format(&c, text, sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netsim_diags diags = {0}, none = {0};
	struct profile *profile, *again;

	if (profile_parse("fuzz", (const char *)data, size, &profile, &diags) < 0) {
		if (diags.count == diags.warnings)
			abort();
		return 0;
	}
	char *first = print(profile), *second;

	if (profile_parse("fuzz", first, strlen(first), &again, &none) < 0)
		abort();
	second = print(again);
	if (strcmp(first, second) != 0)
		abort();
	resolve(profile);
	resolve_pair(profile);
	free(first);
	free(second);
	profile_free(profile);
	profile_free(again);
	return 0;
}
