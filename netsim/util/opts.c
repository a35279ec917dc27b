/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/util/opts.h"

#include <errno.h>
#include <string.h>

#include "netsim/util/err.h"

int opts_read(void *ret, size_t size, const void *opts, struct netsim_err *err)
{
	size_t given = size;

	memset(ret, 0, size);
	if (opts)
		memcpy(&given, opts, sizeof(given));
	if (given < sizeof(given))
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			       "the options have no size: start from NETSIM_OPTS()");
	for (size_t i = size; opts && i < given; i++)
		if (((const char *)opts)[i])
			return err_set(err, NETSIM_ERR_USAGE, -E2BIG, NULL,
				       "this libnetsim does not know all options of the program");
	if (opts)
		memcpy(ret, opts, given < size ? given : size);
	memcpy(ret, &size, sizeof(size));
	return 0;
}
