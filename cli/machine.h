/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options by which a command runs on a machine that is itself a node of a topology. */
#ifndef NETSIM_CLI_MACHINE_H
#define NETSIM_CLI_MACHINE_H

#include "cmd.h"

struct machine_words {
	const char *topology, *as;
};

/* The groups or targets of a command, in which addresses may stand for nodes. */
struct machine_groups {
	const char *const *list;
	size_t count;
};

#define TOPOLOGY_OPT(type, member)                                                       \
	{                                                                                \
		0, "topology", NETSIM_OPT_TEXT, offsetof(type, member.topology), "TOPO", \
			"this machine is itself a node of TOPO"                          \
	}
#define AS_OPT(type, member)                                                 \
	{                                                                    \
		0, "as", NETSIM_OPT_TEXT, offsetof(type, member.as), "NODE", \
			"the node that this machine is (its host name)"      \
	}

/* The topology that this machine joins as a node, or NULL: none was given. */
const char *machine_topology(const struct machine_words *words);

/*
 * Opens a handle. If a topology is given, by the option, by NETSIM_TOPOLOGY or in /etc/netsim, this
 * machine becomes a node of it; the latter two count only if no fleet is up. Returns an exit status
 * if the topology is wrong.
 */
int open_machine(const struct common *common, const struct machine_words *words,
		 struct netsim **ret, struct netsim_err *err);
/* The same; without a topology, the machine gets the addresses as peers. */
int open_machine_for(const struct common *common, const struct machine_words *words,
		     const struct machine_groups *groups, struct netsim **ret,
		     struct netsim_err *err);
/* Closes the handle; if the command has failed, the machine is as it was before. */
void close_machine(struct netsim *ctx, int result);

#endif
