/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists the rates to measure: of paths, of the directions of ends, and their peaks. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/err.h"
#include "netsim/verify/run.h"

#define TRAIN_MOST 0.5 /* seconds of a train */

#define PATH_RATES  100 /* upper bound: rates of paths, without a class, that are measured */
#define CLASS_RATES 6	/* the same per class, which may need TCP */
#define MORE_RATES  5	/* times as many if the measurement is not a quick one */

/* Adds the peak of a rate, which is measured in the same way. */
static int add_peak(struct verify_run *run, const struct verify_rate *rate,
		    const struct conditions *hop, struct netsim_err *err)
{
	struct verify_rate copy = *rate, *r;

	if (verify_dry(hop) <= 0)
		return 0;
	r = array_push(run->rates, run->rate_count);
	if (!r)
		return err_oom(err);
	*r = copy;
	r->own = r->asked = hop->peak.bps;
	r->train = fmin(verify_dry(hop), TRAIN_MOST);
	return 0;
}

static int add_directions(struct verify_run *run, struct netsim_err *err)
{
	for (size_t d = 0; d < 2 * run->end_count; d++)
		for (size_t p = 0; p < run->path_count; p++) {
			const struct verify_path *path = &run->paths[p];
			bool up = d % 2 == 0;
			uint64_t own = verify_rate_of(up ? &path->up : &path->down);
			struct verify_rate *r;

			if ((up ? path->from : path->to) != d / 2 || own == UINT64_MAX ||
			    path->echo || (run->about && !run->about[d / 2]))
				continue;
			r = array_push(run->rates, run->rate_count);
			if (!r)
				return err_oom(err);
			*r = (struct verify_rate) {.end = d / 2,
						   .partner = d / 2,
						   .up = up,
						   .own = own,
						   .asked = own,
						   .udp = -1,
						   .tcp = -1};
			if (add_peak(run, r, up ? &path->up : &path->down, err) < 0)
				return -ENOMEM;
			break;
		}
	return 0;
}

/* Returns the same path without a class, which precedes those with classes. */
static const struct verify_path *plain_of(const struct verify_run *run, size_t p)
{
	while (p && run->paths[p].traffic)
		p--;
	return &run->paths[p];
}

/* Returns whether an earlier path has the same rate of a cable between networks, and proves it. */
static bool shares_rate(const struct verify_run *run, size_t p)
{
	const struct verify_path *path = &run->paths[p];

	for (size_t i = 0; path->crossing && !path->traffic && i < p; i++) {
		const struct verify_path *other = &run->paths[i];

		if (other->crossing == path->crossing && !other->traffic && !other->cut &&
		    !other->skip && !other->echo && other->seen.received &&
		    verify_rate_of(&other->path) == verify_rate_of(&path->path))
			return true;
	}
	return false;
}

/* Returns whether a path has a rate to measure; a class that inherits its pair's has none. */
static bool has_rate(const struct verify_run *run, size_t p)
{
	const struct verify_path *path = &run->paths[p], *plain;

	if (verify_rate_of(&path->path) == UINT64_MAX || path->cut || path->skip || path->echo ||
	    !path->seen.received)
		return false;
	if (shares_rate(run, p))
		return false;
	plain = path->traffic ? plain_of(run, p) : NULL;
	return !plain || verify_rate_of(&plain->path) != verify_rate_of(&path->path);
}

static bool same_traffic(const struct verify_path *a, const struct verify_path *b)
{
	return a->traffic && b->traffic ? strcmp(a->traffic, b->traffic) == 0 :
					  a->traffic == b->traffic;
}

/* Adds all paths with the same traffic as `first`; leaves out those beyond an upper bound. */
static int add_group(struct verify_run *run, size_t first, struct netsim_err *err)
{
	size_t count = 0, place = 0;
	size_t most = (run->paths[first].traffic ? CLASS_RATES : PATH_RATES) *
		      (run->quick ? 1 : MORE_RATES);

	for (size_t p = first; p < run->path_count; p++)
		count += same_traffic(&run->paths[p], &run->paths[first]) && has_rate(run, p);
	for (size_t p = first; p < run->path_count; p++) {
		const struct verify_path *path = &run->paths[p];
		struct verify_rate *r;

		if (!same_traffic(path, &run->paths[first]) || !has_rate(run, p))
			continue;
		r = array_push(run->rates, run->rate_count);
		if (!r)
			return err_oom(err);
		*r = (struct verify_rate) {.is_path = true,
					   .path = p,
					   .end = path->from,
					   .partner = path->to,
					   .up = true,
					   .own = verify_rate_of(verify_slowest_hop(path)),
					   .udp = -1,
					   .tcp = -1,
					   .left_out = place++ % ((count + most - 1) / most)};
		r->asked = r->own;
		if (!r->left_out && add_peak(run, r, &path->path, err) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_paths(struct verify_run *run, struct netsim_err *err)
{
	int r = 0;

	for (size_t p = 0; r == 0 && p < run->path_count; p++) {
		bool known = !has_rate(run, p);

		for (size_t i = 0; !known && i < run->rate_count; i++)
			known = same_traffic(&run->paths[run->rates[i].path], &run->paths[p]);
		if (!known)
			r = add_group(run, p, err);
	}
	return r;
}

int verify_list_rates(struct verify_run *run, struct netsim_err *err)
{
	int r = add_paths(run, err);

	return r == 0 ? add_directions(run, err) : r;
}
