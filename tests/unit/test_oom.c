// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading files when memory runs out. Each allocation fails in turn, including those of
 * libyaml; the result must be "out of memory", without leaks. Not with
 * AddressSanitizer, whose malloc cannot be replaced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/classes.h"
#include "netsim/config/profile.h"
#include "netsim/config/topo.h"
#include "netsim/config/trace.h"

#ifndef __SANITIZE_ADDRESS__

static volatile long countdown = -1; /* allocations before the one that fails; -1: none fails */
static volatile long held;
static volatile bool watching;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *p);

/* libc and libyaml must use these; the build hides symbols by default. */
#pragma GCC visibility push(default)
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void free(void *p);
#pragma GCC visibility pop

static bool fails(void)
{
	return watching && countdown >= 0 && countdown-- == 0;
}

void *malloc(size_t size)
{
	void *p = fails() ? NULL : __libc_malloc(size);

	held += watching && p;
	return p;
}

void *calloc(size_t count, size_t size)
{
	void *p = fails() ? NULL : __libc_calloc(count, size);

	held += watching && p;
	return p;
}

void *realloc(void *old, size_t size)
{
	void *p = fails() ? NULL : __libc_realloc(old, size);

	held += watching && p && !old;
	return p;
}

void free(void *p)
{
	held -= watching && p;
	__libc_free(p);
}

static const char topology[] =
	"fleet: f\nnetworks: {lan: {vlans: [5, 6], address: 10.1.0.1/24}}\nnodes:\n"
	"  n-[1-2]:\n    roles: [server]\n    interfaces:\n"
	"      eth1: {network: lan, mac: \"52:54:00:00:00:0{n}\"}\n      eth2: {network: lan}\n"
	"      bond0: {bond: [eth1, eth2], primary: eth1, mode: active-backup, miimon: 100ms}\n"
	"      bond0.5: {vlan: 5, address: \"10.0.0.{n}/24\", routes: [{to: default, via: "
	"10.0.0.9}]}\n";
static const char profile_text[] =
	"default: {rate: 100mbit, rtt: 5ms, loss: {model: random, ratio: 1%}}\n"
	"nodes: {n-*: {up: {queue: 5ms}, slot: {min: 5ms}}}\n"
	"pairs: [{between: [a, b], rtt: 1ms}, {from: a, to: b, loss: 1%}]\n"
	"classes: {ssh: {delay: 1ms}}\nclass-file: c.yaml\n";
static const char classes_text[] =
	"classes: {a: {tcp: [80, 81-82], vlan: 7, gap: 1s}, b: {protocol: 1, ethertype: arp}, "
	"c: {tcp: 81}}\n";
static const char trace_text[] = "time rate loss\n0s 5mbit 1%\n1s 0 0%\n2s\n";
static const char deliveries_text[] = "1\n2\n5\n7\n";
static const char wrong[] = "fleet: f\nnetworks: {lan: {colour: red}}\nnodes: {n: {interfaces: {e: "
			    "{network: lam}}}}\n";

static int load_topology(const char *text, struct netsim_diags *diags)
{
	struct topo *topo = NULL;
	int r = topo_parse("f", text, strlen(text), &topo, diags);

	topo_free(topo);
	return r;
}

static int load_profile(const char *text, struct netsim_diags *diags)
{
	struct profile *profile = NULL;
	int r = profile_parse("f", text, strlen(text), &profile, diags);

	profile_free(profile);
	return r;
}

static int load_classes(const char *text, struct netsim_diags *diags)
{
	struct class_set *set = NULL;
	int r = classes_parse("f", text, strlen(text), &set, diags);

	classes_free(set);
	return r;
}

static int load_trace(const char *text, struct netsim_diags *diags)
{
	struct trace *trace = NULL;
	int r = trace_parse("f", text, strlen(text), &trace, diags);

	trace_free(trace);
	return r;
}

/* least is a lower bound of allocations, so that ending the loop early does not pass. */
static void fail_each(int (*load)(const char *, struct netsim_diags *), const char *text, int want,
		      long least)
{
	static struct netsim_diags diags;
	int r;
	long n = 0;

	do {
		memset(&diags, 0, sizeof(diags));
		countdown = n;
		held = 0;
		watching = true;
		r = load(text, &diags);
		watching = false;
		if (held)
			fail_msg("allocation %ld: %ld are not freed", n, held);
		/* Allocations that only improve a message may fail silently. */
		if (r < 0 && !diags.count)
			fail_msg("allocation %ld: refused without a word", n);
		n++;
	} while (countdown < 0 && n < 100000);
	assert_int_equal(r, want);
	assert_true(n > least);
}

static void test_topology(void **state)
{
	(void)state;
	fail_each(load_topology, topology, 0, 50);
}

static void test_profile(void **state)
{
	(void)state;
	fail_each(load_profile, profile_text, 0, 50);
}

static void test_classes(void **state)
{
	(void)state;
	fail_each(load_classes, classes_text, 0, 50);
}

static void test_trace(void **state)
{
	(void)state;
	fail_each(load_trace, trace_text, 0, 3);
	fail_each(load_trace, deliveries_text, 0, 5);
}

static void test_wrong(void **state)
{
	(void)state;
	fail_each(load_topology, wrong, -EINVAL, 50);
}

#endif

int main(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_topology), cmocka_unit_test(test_profile),
		cmocka_unit_test(test_classes),	 cmocka_unit_test(test_trace),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests_name("oom", tests, NULL, NULL);
#else
	return 0;
#endif
}
