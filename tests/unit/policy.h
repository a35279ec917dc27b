/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy in plain memory without eBPF, for the tests of partitions. */
#ifndef NETSIM_TESTS_UNIT_POLICY_H
#define NETSIM_TESTS_UNIT_POLICY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "netsim/policy/policy_parts.h"

/* Stubs membarrier(2): without programs there are no readers, and 1000 calls take 10 s. */
static unsigned grace_periods;
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	grace_periods += number == SYS_membarrier;
	return number == SYS_membarrier ? 0 : -1; /* no maps */
}

#define NODES 16 /* including the host */
#define NAMES "0abcdefghijklmno"
#define PAST  1 /* a deadline long ago */

static inline int make_policy(void **state)
{
	static const char *const names[NODES] = {"host", "a", "b", "c", "d", "e", "f", "g",
						 "h",	 "i", "j", "k", "l", "m", "n", "o"};
	struct policy *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->control = calloc(1, sizeof(*p->control));
	p->nodes = calloc(2 * PORT_NODES, sizeof(*p->nodes));
	assert_true(p->control && p->nodes);
	memcpy(p->names, names, sizeof(names));
	*state = p;
	return 0;
}

static inline int free_policy(void **state)
{
	struct policy *p = *state;

	free(p->control);
	free(p->nodes);
	free(p);
	return 0;
}

/* Groups of letters separated by blanks: "ab c" is two groups; 0 is the host. */
struct groups {
	uint16_t nodes[NODES * 4];
	struct policy_group list[PORT_BITS + 1];
	size_t count;
};

static inline struct groups *groups(const char *text, struct groups *g)
{
	size_t used = 0;

	memset(g, 0, sizeof(*g));
	g->count = 1;
	g->list[0].nodes = g->nodes;
	for (; *text; text++) {
		if (*text == ' ') {
			g->list[g->count++].nodes = g->nodes + used;
			continue;
		}
		g->nodes[used++] = *text == '0' ? 0 : (uint16_t)(*text - 'a' + 1);
		g->list[g->count - 1].count++;
	}
	return g;
}

static inline void heal(struct policy *p, const uint32_t *ids, size_t count)
{
	struct policy_change change;

	policy_begin(p, &change);
	policy_end_faults(&change, ids, count);
	policy_commit(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_policy, free_policy)

#endif
