/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/mark.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/name.h"

uint32_t mark_group(const char *fleet)
{
	return 0x6e000000U | (name_hash(fleet) & 0xffffffU);
}

/* Appends a text, truncating it if necessary; *used grows by its whole length. */
__attribute__((format(printf, 3, 4))) static void append(char text[static MARK_TEXT], size_t *used,
							 const char *format, ...)
{
	size_t at = *used < MARK_TEXT ? *used : MARK_TEXT;
	va_list args;

	va_start(args, format);
	*used += (size_t)vsnprintf(text + at, MARK_TEXT - at, format, args);
	va_end(args);
}

size_t mark_format(const struct mark *mark, char text[static MARK_TEXT])
{
	size_t used = 0;

	append(text, &used, MARK_PREFIX "%s/%s", mark->fleet, mark->node);
	if (mark->iface)
		append(text, &used, "/%s", mark->iface);
	if (mark->host)
		append(text, &used, " host=%" PRIu64, mark->host);
	for (size_t i = 0; i < mark->role_count; i++)
		append(text, &used, " @%s", mark->roles[i]);
	if (mark->tso)
		append(text, &used, " tso");
	if (mark->gro)
		append(text, &used, " gro");
	if (mark->csum)
		append(text, &used, " csum");
	if (mark->machine)
		append(text, &used, " machine");
	if (mark->closed)
		append(text, &used, " closed");
	if (mark->routed)
		append(text, &used, " routed");
	if (mark->attached)
		append(text, &used, " attached");
	if (mark->service)
		append(text, &used, " service");
	if (mark->cable)
		append(text, &used, " cable=%u", mark->cable);
	if (mark->ovs)
		append(text, &used, " ovs=%s", mark->ovs);
	if (mark->userspace && !mark->has_guest)
		append(text, &used, " userspace");
	if (mark->has_guest)
		append(text, &used, " guest=%02x%02x%02x%02x%02x%02x", mark->guest.b[0],
		       mark->guest.b[1], mark->guest.b[2], mark->guest.b[3], mark->guest.b[4],
		       mark->guest.b[5]);
	return used;
}

static bool parse_guest(const char *word, struct mac *ret)
{
	uint64_t number;
	char *end;

	number = strtoull(word, &end, 16);
	for (int i = 0; i < 6; i++)
		ret->b[i] = (uint8_t)(number >> (40 - 8 * i));
	return end == word + 12 && !*end;
}

static void parse_word(char *word, struct mark *mark)
{
	if (strncmp(word, "host=", 5) == 0)
		mark->host = strtoull(word + 5, NULL, 10);
	else if (strcmp(word, "tso") == 0)
		mark->tso = true;
	else if (strcmp(word, "gro") == 0)
		mark->gro = true;
	else if (strcmp(word, "csum") == 0)
		mark->csum = true;
	else if (strcmp(word, "machine") == 0)
		mark->machine = true;
	else if (strcmp(word, "closed") == 0)
		mark->closed = true;
	else if (strcmp(word, "routed") == 0)
		mark->routed = true;
	else if (strcmp(word, "attached") == 0)
		mark->attached = true;
	else if (strcmp(word, "service") == 0)
		mark->service = true;
	else if (strcmp(word, "cable=1") == 0 || strcmp(word, "cable=2") == 0)
		mark->cable = (uint8_t)(word[6] - '0');
	else if (strncmp(word, "ovs=", 4) == 0)
		mark->ovs = word + 4;
	else if (strcmp(word, "userspace") == 0)
		mark->userspace = true;
	else if (strncmp(word, "guest=", 6) == 0)
		mark->userspace = mark->has_guest = parse_guest(word + 6, &mark->guest);
	else if (*word == '@' && mark->role_count < TOPO_ROLES_MAX)
		mark->parsed_roles[mark->role_count++] = word + 1;
}

bool mark_parse(const char *alias, struct mark *ret)
{
	size_t prefix = sizeof(MARK_PREFIX) - 1;
	char *rest, *slash, *save = NULL;

	if (!alias || strncmp(alias, MARK_PREFIX, prefix) != 0 || strlen(alias) >= MARK_TEXT)
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->buf, alias + prefix, strlen(alias + prefix) + 1);
	rest = strchr(ret->buf, ' ');
	if (rest)
		*rest++ = 0;
	slash = strchr(ret->buf, '/');
	if (!slash || slash == ret->buf || !slash[1])
		return false;
	*slash++ = 0;
	ret->roles = ret->parsed_roles;
	ret->fleet = ret->buf;
	ret->node = slash;
	slash = strchr(slash, '/');
	if (slash) {
		*slash++ = 0;
		ret->iface = slash;
	}
	if (!*ret->node || (ret->iface && !*ret->iface))
		return false;
	for (char *word = rest ? strtok_r(rest, " ", &save) : NULL; word;
	     word = strtok_r(NULL, " ", &save))
		parse_word(word, ret);
	return true;
}

const char *mark_call(const char *alias, const char *name, char text[static MARK_TEXT])
{
	struct mark mark;

	if (!mark_parse(alias, &mark) || !mark.iface)
		return name;
	snprintf(text, MARK_TEXT, "%s/%s", mark.node, mark.iface);
	return text;
}
