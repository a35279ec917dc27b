// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/packet/capture_names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/util/array.h"

void capture_clean_name(const char *name, size_t size, char ret[CAPTURE_NAME_MAX + 1])
{
	size_t used = 0;

	for (size_t i = 0; i < size && name[i] && used < CAPTURE_NAME_MAX; i++)
		ret[used++] = name[i] > ' ' && name[i] < 0x7f && name[i] != ',' ? name[i] : '_';
	ret[used] = 0;
}

bool capture_names_view(struct capture_names *names, const char *name, size_t size, uint16_t *ret)
{
	char text[CAPTURE_NAME_MAX + 1];
	char *slash, **slot;

	*ret = 0;
	capture_clean_name(name, size, text);
	slash = strchr(text, '/');
	if (slash)
		*slash = 0;
	for (size_t i = 0; i < names->view_count; i++)
		if (strcmp(names->views[i], text) == 0) {
			*ret = (uint16_t)(i + 1);
			return true;
		}
	if (!*text || names->view_count == CAPTURE_VIEWS_MAX)
		return true;
	slot = array_push(names->views, names->view_count);
	if (!slot || !(*slot = strdup(text))) {
		names->view_count -= slot != NULL;
		return false;
	}
	*ret = (uint16_t)names->view_count;
	return true;
}

bool capture_names_add(struct capture_names *names, uint8_t version, const uint8_t *address,
		       const char *name, size_t size)
{
	struct ip ip = {.family = version == 6 ? AF_INET6 : AF_INET,
			.plen = version == 6 ? 128 : 32};
	char text[CAPTURE_NAME_MAX + 1];
	struct capture_name *slot;

	memcpy(ip.b, address, version == 6 ? 16 : 4);
	capture_clean_name(name, size, text);
	for (size_t i = names->count; i-- > 0;)
		if (ip_equal(&names->list[i].ip, &ip))
			return true;
	if (!*text || names->count == CAPTURE_NAMES_MAX)
		return true;
	slot = array_push(names->list, names->count);
	if (!slot)
		return false;
	slot->ip = ip;
	slot->name = strdup(text);
	names->count -= slot->name == NULL;
	return slot->name != NULL;
}

void capture_names_done(struct capture_names *names)
{
	for (size_t i = 0; i < names->view_count; i++)
		free(names->views[i]);
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i].name);
	free(names->views);
	free(names->list);
	*names = (struct capture_names) {0};
}
