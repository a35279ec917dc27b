/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/handle.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include "netsim/util/array.h"
#include "netsim/util/name.h"
#include "netsim/util/unit.h"

const char *netsim_version(void)
{
	return NETSIM_VERSION;
}

/* Raises RLIMIT_NOFILE: each node takes a socket and a network namespace descriptor. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int netsim_open(struct netsim **ret, struct netsim_err *err)
{
	struct netsim *ctx = calloc(1, sizeof(*ctx));
	int r;

	if (!ctx)
		return err_oom(err);
	raise_file_limit();
	r = state_open(&ctx->state, err);
	if (r < 0)
		free(ctx);
	else
		*ret = ctx;
	return r;
}

void netsim_close(struct netsim *ctx)
{
	if (!ctx)
		return;
	state_close(&ctx->state);
	free(ctx);
}

const char *netsim_nearest(const char *text, const char *const *names, size_t count)
{
	return name_nearest(text, names, count);
}

int netsim_parse_duration(const char *text, int64_t *ret_ns, const char **why)
{
	struct duration d;
	int r = unit_parse_duration(text, &d, why);

	if (r == 0)
		*ret_ns = d.ns;
	return r;
}

int netsim_parse_size(const char *text, uint64_t *ret_bytes, const char **why)
{
	struct size size;
	int r = unit_parse_size(text, &size, why);

	if (r == 0)
		*ret_bytes = size.bytes;
	return r;
}

int netsim_parse_rate(const char *text, uint64_t *ret_bps, const char **why)
{
	struct rate rate;
	int r = unit_parse_rate(text, &rate, why);

	if (r == 0)
		*ret_bps = rate.bps;
	return r;
}
