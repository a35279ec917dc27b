// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The metrics, read back by a parser that is as strict as Prometheus': each family
 * once, with HELP and TYPE before its samples; no two samples alike; labels escaped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/prometheus.h"

#define FAMILIES 64
#define SAMPLES	 256

struct family {
	char name[64];
	bool counter;
};

/* The families and samples read so far. */
struct metrics {
	struct family families[FAMILIES];
	size_t family_count;
	char *samples[SAMPLES]; /* name and labels */
	double values[SAMPLES];
	size_t sample_count;
};

/* Reads a name [a-zA-Z_][a-zA-Z0-9_]*, with colons for a metric. */
static const char *read_name(const char *at, bool metric, char *ret, size_t size)
{
	size_t n = 0;

	assert_true(isalpha((unsigned char)*at) || *at == '_' || (metric && *at == ':'));
	while (isalnum((unsigned char)*at) || *at == '_' || (metric && *at == ':')) {
		assert_true(n + 1 < size);
		ret[n++] = *at++;
	}
	ret[n] = 0;
	return at;
}

static const char *read_text(const char *at, const char *text)
{
	assert_memory_equal(at, text, strlen(text));
	return at + strlen(text);
}

/* "...": backslash, quote and newline are escaped, and nothing else is. */
static const char *read_value(const char *at)
{
	at = read_text(at, "\"");
	for (; *at != '"'; at++) {
		assert_true(*at && *at != '\n');
		if (*at == '\\') {
			at++;
			assert_true(*at == '\\' || *at == '"' || *at == 'n');
		}
	}
	return at + 1;
}

static const char *read_labels(const char *at)
{
	char names[16][64];
	size_t count = 0;

	if (*at != '{')
		return at;
	at++;
	while (*at != '}') {
		assert_true(count < 16);
		at = read_name(at, false, names[count], sizeof(names[0]));
		for (size_t i = 0; i < count; i++)
			assert_string_not_equal(names[i], names[count]);
		count++;
		at = read_value(read_text(at, "="));
		if (*at == ',')
			at++;
		else
			assert_int_equal(*at, '}');
	}
	return at + 1;
}

/* Reads HELP, then TYPE, of a new family. */
static const char *read_family(struct metrics *m, const char *at)
{
	struct family *family = &m->families[m->family_count++];
	char again[64];

	assert_true(m->family_count < FAMILIES);
	at = read_name(read_text(at, "# HELP "), true, family->name, sizeof(family->name));
	for (size_t i = 0; i + 1 < m->family_count; i++)
		assert_string_not_equal(m->families[i].name, family->name);
	at = read_text(at, " ");
	assert_true(isupper((unsigned char)*at));
	at = strchr(at, '\n');
	assert_non_null(at);
	at = read_name(read_text(at, "\n# TYPE "), true, again, sizeof(again));
	assert_string_equal(again, family->name);
	family->counter = strncmp(at, " counter\n", 9) == 0;
	/* Naming convention: counters, and only counters, end in _total. */
	assert_int_equal(family->counter,
			 strlen(again) > 6 && strcmp(again + strlen(again) - 6, "_total") == 0);
	return read_text(at, family->counter ? " counter\n" : " gauge\n");
}

static const char *read_sample(struct metrics *m, const char *at)
{
	const char *begin = at;
	char name[64], *end;

	at = read_name(at, true, name, sizeof(name));
	assert_true(m->family_count > 0 && m->sample_count < SAMPLES);
	assert_string_equal(name, m->families[m->family_count - 1].name);
	at = read_labels(at);
	m->samples[m->sample_count] = strndup(begin, (size_t)(at - begin));
	for (size_t i = 0; i < m->sample_count; i++)
		assert_string_not_equal(m->samples[i], m->samples[m->sample_count]);
	at = read_text(at, " ");
	assert_true(isdigit((unsigned char)*at));
	m->values[m->sample_count++] = strtod(at, &end);
	return read_text(end, "\n");
}

static void parse(const char *text, struct metrics *ret)
{
	*ret = (struct metrics) {0};
	while (*text)
		text = *text == '#' ? read_family(ret, text) : read_sample(ret, text);
}

static void done(struct metrics *m)
{
	for (size_t i = 0; i < m->sample_count; i++)
		free(m->samples[i]);
}

static void print_and_parse(const struct netsim_status *status,
			    struct netsim_traffic *const *traffic, size_t count,
			    struct metrics *ret)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	prometheus_print(out, status, traffic, count);
	fclose(out);
	parse(text, ret);
	free(text);
}

static double value_of(const struct metrics *m, const char *sample)
{
	for (size_t i = 0; i < m->sample_count; i++)
		if (strcmp(m->samples[i], sample) == 0)
			return m->values[i];
	fail_msg("there is no %s", sample);
	return -1;
}

static struct netsim_direction from = {.text = "", .packets = 5}, to = {.text = "", .drops = 6};
static struct netsim_direction out = {.text = ""}, in = {.text = "", .bytes = 7};
static struct netsim_port port = {
	.name = "p1", .iface = "eth1", .bridge = "lan", .up = true, .from = &from, .to = &to};
static struct netsim_port *ports[] = {&port};
static struct netsim_node node = {.name = "n1", .ports = ports, .port_count = 1, .reaches = 3};
static struct netsim_node *nodes[] = {&node};
static struct netsim_fault wan = {
	.id = 1, .name = "wan", .text = "loss 5% on \"n1\\\n", .left_ns = -1};
static struct netsim_fault cut = {.id = 2, .text = "partition n1 | rest", .left_ns = 2500000000};
static struct netsim_fault *faults[] = {&wan, &cut};
static struct netsim_fleet a = {.name = "a",
				.profile = "lossy",
				.engine = NETSIM_ENGINE_EDT,
				.nodes = nodes,
				.node_count = 1,
				.faults = faults,
				.fault_count = 2};
static struct netsim_fleet b = {
	.name = "b", .engine = NETSIM_ENGINE_NETEM, .nodes = nodes, .node_count = 1};
static struct netsim_fleet *fleets[] = {&a, &b};
static struct netsim_bare eth1 = {.device = "eth1", .out = &out, .in = &in};
static struct netsim_bare *bare[] = {&eth1};

static void test_everything(void **state)
{
	struct netsim_flow etcd = {"n1", "host", "etcd", 10, UINT64_MAX, {1, 2, 3, 4}, 5, 6};
	struct netsim_flow overflow = {NULL, NULL, "other", 1, 2, {0}, 0, 0};
	struct netsim_flow *flows[] = {&etcd, &overflow};
	struct netsim_traffic of_a = {"a", 1, flows, 2}, of_b = {"b", 1, flows, 1};
	struct netsim_traffic *traffic[] = {&of_a, &of_b};
	struct netsim_status status = {fleets, 2, bare, 1};
	struct metrics m;

	(void)state;
	print_and_parse(&status, traffic, 2, &m);
	assert_true(
		value_of(&m, "netsim_fleet_info{fleet=\"a\",profile=\"lossy\",engine=\"edt\"}") ==
		1);
	assert_true(value_of(&m, "netsim_fault_active{fleet=\"a\",fault=\"1\",name=\"wan\","
				 "text=\"wan: loss 5% on \\\"n1\\\\\\n\"}") == 1);
	assert_true(value_of(&m, "netsim_fault_left_seconds{fleet=\"a\",fault=\"2\",name=\"\","
				 "text=\"partition n1 | rest\"}") == 2.5);
	assert_true(value_of(&m, "netsim_node_reaches{fleet=\"b\",node=\"n1\"}") == 3);
	assert_true(value_of(&m, "netsim_link_dropped_total{fleet=\"a\",node=\"n1\","
				 "interface=\"eth1\",port=\"p1\",direction=\"down\"}") == 6);
	assert_true(
		value_of(&m, "netsim_link_bytes_total{interface=\"eth1\",direction=\"down\"}") ==
		7);
	assert_true(value_of(&m, "netsim_packets_total{fleet=\"a\",from=\"n1\",to=\"host\","
				 "class=\"etcd\"}") == 10);
	assert_true(value_of(&m, "netsim_bytes_total{fleet=\"b\",from=\"n1\",to=\"host\","
				 "class=\"etcd\"}") == (double)UINT64_MAX);
	assert_true(value_of(&m, "netsim_dropped_total{fleet=\"a\",from=\"n1\",to=\"host\","
				 "class=\"etcd\",reason=\"queue\"}") == 4);
	assert_true(value_of(&m, "netsim_corrupted_total{fleet=\"a\",from=\"\",to=\"\","
				 "class=\"other\"}") == 0);
	done(&m);
}

static void test_nothing(void **state)
{
	struct netsim_status status = {0};
	struct metrics m;

	(void)state;
	print_and_parse(&status, NULL, 0, &m);
	assert_true(m.family_count > 10);
	assert_int_equal(m.sample_count, 0);
	done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
