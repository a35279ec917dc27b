// SPDX-License-Identifier: GPL-2.0-or-later
/* The state of a key at a revision, and which operations write or show it. */
#include "netsim/judge/ledger_parts.h"

bool ledger_writes(const struct operation *op)
{
	if (op->result != OP_OK)
		return false;
	return op->kind == OP_PUT || op->kind == OP_CAS ||
	       (op->kind == OP_DELETE && op->mod_revision);
}

bool ledger_reads(const struct operation *op)
{
	if (op->kind == OP_CAS)
		return op->result == OP_UNEQUAL;
	return op->result == OP_OK && (op->kind == OP_GET || op->kind == OP_DELETE);
}

struct version *ledger_version(const struct ledger *l, uint32_t key, int64_t revision)
{
	const struct key_range *range = &l->keys[key];
	size_t low = range->first, high = range->first + range->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->versions[middle].revision <= revision)
			low = middle + 1;
		else
			high = middle;
	}
	while (low > range->first && l->versions[low - 1].dead)
		low--;
	return low > range->first ? &l->versions[low - 1] : NULL;
}
