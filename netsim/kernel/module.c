/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/module.h"

#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const struct {
	const char *name, *parameter;
} modules[] = {
	[MODULE_IFB] = {"ifb", "numifbs=0"},
	[MODULE_BONDING] = {"bonding", "max_bonds=0"},
};

void module_load(enum module module)
{
	const char *name = modules[module].name, *parameter = modules[module].parameter;
	char *argv[] = {(char *)"modprobe", (char *)"-q", (char *)name, (char *)parameter, NULL};
	char path[64];
	pid_t pid;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (access(path, F_OK) == 0 || access("/proc/modules", F_OK) != 0)
		return;
	if (posix_spawnp(&pid, "modprobe", NULL, NULL, argv, environ) == 0)
		waitpid(pid, NULL, 0);
}
