// SPDX-License-Identifier: GPL-2.0-or-later
/* The progress of a measurement, and its end before everything is measured. */
#include "netsim/verify/run.h"

bool verify_tell(struct verify_run *run, const char *what, double done)
{
	if (!run->stopped)
		run->stopped = run->progress && run->progress(run->arg, what, done);
	return run->stopped;
}
