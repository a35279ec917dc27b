/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "interrupt.h"

#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t caught;
static struct sigaction inherited_size_limit;

static void on_signal(int number)
{
	(void)number;
	caught = 1;
}

void interrupt_catch(void)
{
	struct sigaction action = {.sa_handler = on_signal}, before;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* nohup(1) ignores SIGHUP; that is kept. */
	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

bool interrupted(void)
{
	return caught;
}

void report_interrupted(bool was)
{
	if (was)
		fputs("netsim: interrupted: these are the results until then\n", stderr);
}

void size_limit_catch(void)
{
	const struct sigaction ignored = {.sa_handler = SIG_IGN};

	sigaction(SIGXFSZ, &ignored, &inherited_size_limit);
}

void size_limit_restore(void)
{
	sigaction(SIGXFSZ, &inherited_size_limit, NULL);
}
