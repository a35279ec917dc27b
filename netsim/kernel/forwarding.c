/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/forwarding.h"

#include <stdio.h>
#include <sys/socket.h>

bool forwarding_is_on(uint8_t family, const char *device)
{
	char path[96];
	FILE *file;
	int value;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/forwarding",
		 family == AF_INET ? "ipv4" : "ipv6", family == AF_INET ? device : "all");
	file = fopen(path, "re");
	if (!file)
		return false;
	value = fgetc(file);
	(void)fclose(file);
	return value != '0' && value != EOF;
}
