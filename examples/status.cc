/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists the fleets, their nodes, and how many other nodes each reaches.
 *
 *   c++ -std=c++17 -o status status.cc $(pkg-config --cflags --libs libnetsim)
 */
#include <netsim/netsim.h>

#include <iostream>
#include <memory>

int main()
{
	netsim_err err = {};
	netsim *ctx = nullptr;
	struct netsim_status *status = nullptr;

	if (netsim_open(&ctx, &err) < 0) {
		std::cerr << err.what << "\n";
		return 1;
	}
	const std::unique_ptr<netsim, decltype(&netsim_close)> handle(ctx, netsim_close);

	if (netsim_status_opts opts = {};
	    opts.size = sizeof(opts), netsim_status(ctx, &opts, &status, &err) < 0) {
		std::cerr << err.what << "\n";
		return 1;
	}
	for (size_t i = 0; i < status->fleet_count; i++) {
		const netsim_fleet &fleet = *status->fleets[i];

		std::cout << fleet.name << "\n";
		for (size_t k = 0; k < fleet.node_count; k++)
			std::cout << "  " << fleet.nodes[k]->name << " reaches "
				  << fleet.nodes[k]->reaches << "\n";
	}
	netsim_status_free(status);
	return 0;
}
