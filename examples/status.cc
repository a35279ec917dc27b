// SPDX-License-Identifier: GPL-2.0-or-later
//
// Prints the fleets that are up, and how many of the other nodes each node reaches.
//
//   c++ -std=c++17 -o status status.cc $(pkg-config --cflags --libs libnetsim)
//   ./status [FLEET]                         (as root)
#include <cstdio>
#include <memory>

#include <netsim/netsim.h>

namespace
{

struct Free {
	void operator()(netsim *ctx) const
	{
		netsim_close(ctx);
	}
	// A function has the same name, so the struct needs its keyword.
	void operator()(struct netsim_status *status) const
	{
		netsim_status_free(status);
	}
};

int fail(const netsim_err &err)
{
	std::fprintf(stderr, "%s%s%s\n", err.what, *err.hint ? "; " : "", err.hint);
	return 2;
}

void print(const netsim_fleet &fleet)
{
	std::printf("%s: profile %s\n", fleet.name, fleet.profile ? fleet.profile : "none");
	for (std::size_t i = 0; i < fleet.node_count; i++)
		std::printf("  %s reaches %zu of %zu\n", fleet.nodes[i]->name,
			    fleet.nodes[i]->reaches, fleet.node_count - 1);
}

} // namespace

int main(int argc, char **argv)
{
	netsim_status_opts opts {};
	netsim_err err {};
	netsim *ctx = nullptr;
	struct netsim_status *status = nullptr;

	opts.size = sizeof(opts);
	opts.fleet = argc > 1 ? argv[1] : nullptr;
	if (netsim_open(&ctx, &err) < 0)
		return fail(err);
	std::unique_ptr<netsim, Free> close(ctx);
	if (netsim_status(ctx, &opts, &status, &err) < 0)
		return fail(err);
	std::unique_ptr<struct netsim_status, Free> release(status);
	for (std::size_t i = 0; i < status->fleet_count; i++)
		print(*status->fleets[i]);
	return 0;
}
