// SPDX-License-Identifier: GPL-2.0-or-later
/* Pairs and classes of profiles, class files, and traces merged with conditions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "netsim/config/classes.h"
#include "netsim/config/profile.h"
#include "netsim/config/trace.h"
#include "netsim/util/auto.h"

static const char *const server[] = {"server"};

static struct profile *load_from(const char *file, const char *text)
{
	struct netsim_diags diags = {0};
	struct profile *profile = NULL;

	if (profile_parse(file, text, strlen(text), &profile, &diags) < 0)
		fail_msg("%u:%u %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].what);
	return profile;
}

static struct profile *load(const char *text)
{
	return load_from("profiles/f.yaml", text);
}

static struct class_set *load_classes(const char *text, struct netsim_diags *diags)
{
	struct class_set *set = NULL;

	*diags = (struct netsim_diags) {0};
	if (classes_parse("c.yaml", text, strlen(text), &set, diags) < 0)
		fail_msg("%u:%u %s", diags->list[0].loc.line, diags->list[0].loc.column,
			 diags->list[0].what);
	return set;
}

static void test_pairs(void **state)
{
	static const struct {
		const char *from, *to, *want; /* names that begin with s have the role server */
	} rows[] = {
		{"n-1", "n-2", "3mbit delay 3ms loss 1%"},
		{"n-2", "n-1", "delay 4ms"},
		{"n-3", "n-1", "delay 4ms"},
		{"n-9", "n-8", "delay 1ms"},
		{"n-1", "n-1", "none"},
		{"s-1", "n-1", "delay 2ms jitter 1ms"},
		{"n-1", "s-1", "delay 2ms jitter 1ms"},
		{"s-1", "s-2", "delay 1ms"},
		/* patterns do not match the host */
		{"n-9", "host", "none"},
		{"host", "n-9", "none"},
		{"n-1", "host", "delay 9ms"},
		{"host", "n-1", "none"},
		{"n-2", "host", "delay 8ms"},
		{"host", "n-2", "delay 8ms"},
		{"host", "host", "none"},
		/* between equally specific pairs, the later wins */
		{"m-1", "m-2", "delay 6ms"},
		{"m-2", "m-1", "delay 6ms"},
	};
	struct profile *profile = load("pairs:\n"
				       "  - {from: n-1, to: n-2, rate: 3mbit, delay: 3ms}\n"
				       "  - {between: [m-1, m-2], delay: 5ms}\n"
				       "  - {between: [m-2, m-1], rtt: 12ms}\n"
				       "  - {between: [\"*\", \"*\"], delay: 1ms}\n"
				       "  - {from: n-1, to: n-2, loss: 1%}\n"
				       "  - {from: \"n-*\", to: n-1, delay: 4ms}\n"
				       "  - {between: [\"@server\", n-1], rtt: 4ms, jitter: 2ms}\n"
				       "  - {from: n-1, to: host, delay: 9ms}\n"
				       "  - {between: [n-2, host], delay: 8ms}\n");

	(void)state;
	assert_true(profile_has_paths(profile));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct profile_end from = {rows[i].from, server, rows[i].from[0] == 's'};
		struct profile_end to = {rows[i].to, server, rows[i].to[0] == 's'};
		struct netsim_err err = {0};
		struct conditions c;
		char buf[256];

		assert_int_equal(profile_resolve_pair(profile, from, to, &c, &err), 0);
		conditions_format(&c, buf, sizeof(buf));
		if (strcmp(buf, rows[i].want) != 0)
			fail_msg("%s to %s: %s, not %s", rows[i].from, rows[i].to, buf,
				 rows[i].want);
	}
	profile_free(profile);
}

static void test_contradictions(void **state)
{
	static const struct {
		const char *text, *what;
		unsigned line;
	} rows[] = {
		{"pairs:\n  - {from: a, to: b, jitter: 1ms}",
		 "jitter: a to b: there is no delay to vary", 2},
		{"pairs:\n  - {from: a, to: \"*\", delay: 1ms}\n  - {between: [a, b], burst: 1kB}",
		 "burst: a to b: there is no rate to apply it to", 3},
		{"pairs:\n  - {between: [b, a], reorder: 1%}",
		 "reorder: a to b: there is no delay for packets to skip", 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct profile *profile = load(rows[i].text);
		struct netsim_err err = {0};
		struct conditions c;

		assert_int_equal(profile_resolve_pair(profile, (struct profile_end) {"a"},
						      (struct profile_end) {"b"}, &c, &err),
				 -EINVAL);
		assert_string_equal(err.what, rows[i].what);
		assert_int_equal(err.loc.line, rows[i].line);
		profile_free(profile);
	}
}

static void test_profile_classes(void **state)
{
	struct netsim_diags diags;
	struct class_set *set =
		load_classes("classes: {etcd-peer: {tcp: 2380}, dns: {udp: 53}}", &diags);
	struct profile *profile = load("classes:\n"
				       "  dns: {rtt: 5ms, jitter: 3ms}\n"
				       "  etcd-per: {delay: 1ms}\n"
				       "  ssh: {}\n"
				       "class-file: sub/c.yaml\n");
	char buf[256];

	(void)state;
	assert_true(profile_has_paths(profile));
	assert_string_equal(profile->class_file, "profiles/sub/c.yaml");
	assert_int_equal(profile->class_file_at.line, 5);
	conditions_format(&profile->classes[0].conditions, buf, sizeof(buf));
	assert_string_equal(buf, "delay 2.5ms jitter 1.5ms");
	assert_int_equal(profile_check_classes(profile, set, &diags), -EINVAL);
	assert_int_equal(diags.count, 2);
	assert_string_equal(diags.list[0].what, "c.yaml has no class \"etcd-per\"");
	assert_string_equal(diags.list[0].hint, "did you mean \"etcd-peer\"?");
	assert_int_equal(diags.list[0].loc.line, 3);
	assert_string_equal(diags.list[0].loc.file, "profiles/f.yaml");
	assert_int_equal(diags.list[1].loc.line, 4);
	profile_free(profile);
	profile = load("default: {delay: 1ms}");
	assert_false(profile_has_paths(profile));
	assert_int_equal(profile_check_classes(profile, set, &diags), 0);
	profile_free(profile);
	classes_free(set);
}

static void test_class_file(void **state)
{
	struct netsim_diags diags;
	struct class_set *set = load_classes("classes:\n"
					     "  data: {tcp: [10-20, 30], udp: 7, gap: 1.5s}\n"
					     "  arp: {ethertype: arp}\n"
					     "  vrrp: {protocol: 112, vlan: 7}\n"
					     "  late: {tcp: 15-18}\n"
					     "  v: {vlan: 7}\n"
					     "  v-ssh: {tcp: 22, vlan: 7}\n",
					     &diags);
	static const struct class_match want[] = {{6, 0, 10, 20}, {6, 0, 30, 30}, {17, 0, 7, 7}};
	const struct class *class = set->list;

	(void)state;
	assert_int_equal(set->count, 6);
	assert_string_equal(set->file, "c.yaml");
	assert_int_equal(class->match_count, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(class->matches[i].protocol, want[i].protocol);
		assert_int_equal(class->matches[i].ethertype, 0);
		assert_int_equal(class->matches[i].port_first, want[i].port_first);
		assert_int_equal(class->matches[i].port_last, want[i].port_last);
	}
	assert_int_equal(class->gap_ns, 1500000000);
	assert_int_equal(class->at.line, 2);
	assert_int_equal(set->list[1].matches[0].ethertype, 0x0806);
	assert_int_equal(set->list[2].matches[0].protocol, 112);
	assert_int_equal(set->list[2].matches[0].port_first, 0);
	assert_int_equal(set->list[2].vlan, 7);
	assert_int_equal(set->list[4].match_count, 0);
	assert_string_equal(set->list[2].name, "vrrp");
	for (size_t i = 0; i < set->count; i++)
		assert_string_not_equal(set->list[i].name, "other");
	assert_string_equal(classes_nearest(set, "vrrpp"), "vrrp");
	/* classes that an earlier one covers */
	assert_int_equal(diags.count, 2);
	assert_int_equal(diags.warnings, 2);
	assert_string_equal(
		diags.list[0].what,
		"the class \"late\" never matches: \"data\" before it takes all its traffic");
	assert_int_equal(diags.list[1].loc.line, 7);
	classes_free(set);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void make_traces(char *directory)
{
	char path[128];

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sub", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(directory, "delay.trace", "time delay\n0s 20ms\n15s 40ms\n30s\n");
	write_file(directory, "sub/rate.trace", "1\n2\n");
}

static void remove_traces(const char *directory)
{
	static const char *const names[] = {"sub/rate.trace", "delay.trace", "sub", ""};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		assert_int_equal(remove(path), 0);
	}
}

/* A trace replaces the conditions it has columns for; later conditions override it. */
static void test_traces(void **state)
{
	static const struct {
		const char *node, *up;
	} rows[] = {
		{"a", "10mbit loss 1% trace delay.trace"},
		{"b", "10mbit delay 7ms loss 1% trace delay.trace"},
		{"c", "delay 5ms loss 1% trace sub/rate.trace"},
		{"d", "burst 1kB delay 5ms jitter 1ms loss 1% trace sub/rate.trace"},
	};
	static const char text[] = "default: {rate: 10mbit, delay: 5ms, loss: 1%}\n"
				   "nodes:\n"
				   "  a: {trace: delay.trace}\n"
				   "  b: {delay: 7ms, trace: delay.trace}\n"
				   "  c: {trace: sub/rate.trace}\n"
				   "  d: {trace: sub/rate.trace, burst: 1kB, jitter: 1ms}\n";
	char directory[] = "/tmp/netsim-paths.XXXXXX", file[128];
	struct profile *profile;

	(void)state;
	make_traces(directory);
	snprintf(file, sizeof(file), "%s/f.yaml", directory);
	profile = load_from(file, text);
	remove_traces(directory);
	assert_int_equal(profile->trace_count, 2);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct link_conditions link;
		struct netsim_err err = {0};
		char buf[256];

		assert_int_equal(profile_resolve(profile, rows[i].node, NULL, 0, &link, &err), 0);
		conditions_format(&link.up, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].up);
		assert_non_null(link.up.trace);
	}
	profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_profile_classes), cmocka_unit_test(test_class_file),
		cmocka_unit_test(test_traces),
	};

	return cmocka_run_group_tests_name("paths", tests, NULL, NULL);
}
