// SPDX-License-Identifier: GPL-2.0-or-later
/* Intent: layers, layers that override others, and the file in /run/netsim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netsim/shape/intent.h"
#include "netsim/util/auto.h"

#define ONE "/run/one.yaml"
#define TWO "/run/two.yaml"
#define BAD "/run/bad.yaml"

static const char one_text[] = "profile: one\ndefault: {delay: 1ms}\n"
			       "pairs:\n  - {from: a, to: b, loss: 1%}\n";
static const char two_text[] = "profile: two\n# not ASCII: \xc3\xa4 \"quoted\"\n"
			       "nodes:\n  a: {up: {rate: 8mbit}}\n  \"@server\": {loss: 2%}\n";

/* True after mounting a private /run, which protects the real files. */
static bool ready;

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0)
		return errno == EPERM ? 0 : -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/run", "tmpfs", 0, NULL) < 0)
		return errno == EPERM || errno == EACCES ? 0 : -1;
	put(ONE, one_text);
	put(TWO, two_text);
	put(BAD, "default: {delay: 5}\n");
	ready = true;
	return 0;
}

#define NEEDS_MOUNTS(state)     \
	do {                    \
		(void)state;    \
		if (!ready)     \
			skip(); \
	} while (0)

/* Adds a layer for ports, "a/eth0 b/eth0", or with NULL for the whole fleet. */
static int add(struct intent *intent, const char *path, const char *ports)
{
	struct netsim_diags diags = {0};
	struct netsim_err err = {0};
	struct intent_layer layer = {0};
	char words[128], *list[16];
	size_t count = 0;
	int r;

	snprintf(words, sizeof(words), "%s", ports ? ports : "");
	for (char *save, *word = strtok_r(words, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		list[count++] = word;
	r = path ? intent_load(path, &layer, &diags, &err) : 0;
	if (r == 0)
		r = intent_add(intent, &layer, ports ? list : NULL, count, &err);
	intent_layer_done(&layer);
	return r;
}

/* Compares the layers: "one | two:a/eth0 b/eth0 | -:c/eth0". */
static void expect(const struct intent *intent, const char *want)
{
	char text[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < intent->layer_count; i++) {
		const struct intent_layer *layer = &intent->layers[i];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s", i ? " | " : "",
					 layer->profile ? layer->profile : "-",
					 layer->ports ? ":" : "");
		for (size_t p = 0; p < layer->port_count; p++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 p ? " " : "", layer->ports[p]);
	}
	assert_string_equal(text, want);
}

static void test_add(void **state)
{
	static const struct {
		const char *path, *ports, *want;
	} rows[] = {
		{NULL, NULL, ""},
		{ONE, NULL, "one"},
		{TWO, NULL, "two"}, /* replaces it */
		{ONE, "a/eth0 b/eth0", "two | one:a/eth0 b/eth0"},
		{TWO, "a/eth0", "two | one:a/eth0 b/eth0 | two:a/eth0"},
		{ONE, "a/eth0", "two | one:a/eth0 b/eth0 | one:a/eth0"},
		{NULL, "c/eth0", "two | one:a/eth0 b/eth0 | one:a/eth0 | -:c/eth0"},
		/* overrides earlier layers of ports, but never the whole fleet's */
		{TWO, "b/eth0 a/eth0", "two | -:c/eth0 | two:b/eth0 a/eth0"},
		{ONE, "c/eth0", "two | two:b/eth0 a/eth0 | one:c/eth0"},
		{NULL, "a/eth0 b/eth0 c/eth0", "two | -:a/eth0 b/eth0 c/eth0"},
		{ONE, "d/eth0", "two | -:a/eth0 b/eth0 c/eth0 | one:d/eth0"},
		{NULL, NULL, ""},
		{TWO, "a/eth0", "two:a/eth0"},
		{ONE, NULL, "one"},
	};
	struct intent intent = {0};

	NEEDS_MOUNTS(state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(add(&intent, rows[i].path, rows[i].ports), 0);
		expect(&intent, rows[i].want);
	}
	/* a refused layer changes nothing */
	assert_int_equal(add(&intent, BAD, NULL), -EINVAL);
	assert_int_equal(add(&intent, "/run/nowhere.yaml", "a/eth0"), -EINVAL);
	expect(&intent, "one");
	assert_string_equal(intent.layers[0].file, ONE);
	assert_string_equal(intent.layers[0].text, one_text);
	assert_non_null(intent.layers[0].parsed);
	intent_done(&intent);
	assert_int_equal(intent.layer_count, 0);
}

static void resolve(const struct intent *intent, const char *name, const char *iface,
		    const char *up, const char *down)
{
	char role[] = "server", *server[] = {role};
	struct model_node node = {
		.name = (char *)name, .roles = server, .role_count = *name == 's'};
	struct link_conditions c;
	char text[128];

	assert_int_equal(intent_port(intent, &node, iface, &c, NULL), 0);
	conditions_format(&c.up, text, sizeof(text));
	assert_string_equal(text, up);
	conditions_format(&c.down, text, sizeof(text));
	assert_string_equal(text, down);
}

/* Only the last layer that names a port applies to it. */
static void test_port(void **state)
{
	struct intent intent = {0};

	NEEDS_MOUNTS(state);
	resolve(&intent, "a", "eth0", "none", "none");
	assert_null(intent_whole(&intent));
	assert_int_equal(add(&intent, ONE, NULL), 0);
	assert_int_equal(add(&intent, TWO, "a/eth1 s/eth0"), 0);
	assert_int_equal(add(&intent, NULL, "b/eth0"), 0);
	resolve(&intent, "a", "eth0", "delay 1ms", "delay 1ms");
	resolve(&intent, "a", "eth1", "8mbit", "none");
	resolve(&intent, "a", "eth11", "delay 1ms", "delay 1ms");
	resolve(&intent, "aa", "eth1", "delay 1ms", "delay 1ms");
	resolve(&intent, "s", "eth0", "loss 2%", "loss 2%");
	resolve(&intent, "b", "eth0", "none", "none");
	resolve(&intent, "b", "eth1", "delay 1ms", "delay 1ms");
	assert_non_null(intent_whole(&intent));
	assert_string_equal(intent_whole(&intent)->name, "one");
	intent_done(&intent);
	assert_int_equal(add(&intent, TWO, "a/eth1"), 0);
	assert_null(intent_whole(&intent));
	resolve(&intent, "a", "eth0", "none", "none");
	intent_done(&intent);
}

static void test_file(void **state)
{
	struct intent intent = {.engine = ENGINE_EDT}, read;
	struct netsim_err err = {0};
	struct stat st;

	NEEDS_MOUNTS(state);
	assert_int_equal(add(&intent, ONE, NULL), 0);
	assert_int_equal(add(&intent, TWO, "a/eth0 b/eth0"), 0);
	assert_int_equal(add(&intent, NULL, "c/eth0"), 0);
	intent.engine = ENGINE_EDT;
	assert_int_equal(intent_write("f", &intent, &err), 0);
	assert_int_equal(stat("/run/netsim/f.json", &st), 0);
	assert_true(stat("/run/netsim/f.json.new", &st) < 0);
	/* the intent has copies: the profiles may have changed or moved */
	assert_int_equal(rename(TWO, "/run/moved"), 0);
	assert_int_equal(intent_read("f", &read, &err), 0);
	expect(&read, "one | two:a/eth0 b/eth0 | -:c/eth0");
	assert_int_equal(read.engine, ENGINE_EDT);
	assert_string_equal(read.layers[1].file, TWO);
	assert_string_equal(read.layers[1].text, two_text);
	assert_null(read.layers[0].parsed);
	assert_int_equal(intent_parse(&read, &err), 0);
	resolve(&read, "a", "eth0", "8mbit", "none");
	resolve(&read, "c", "eth0", "none", "none");
	resolve(&read, "d", "eth0", "delay 1ms", "delay 1ms");
	intent_done(&read);
	assert_int_equal(rename("/run/moved", TWO), 0);
	/* another fleet has no intent */
	assert_int_equal(intent_read("g", &read, &err), 0);
	assert_int_equal(read.layer_count, 0);
	intent_done(&intent);
	/* an empty intent has no file */
	assert_int_equal(intent_write("f", &intent, &err), 0);
	assert_true(stat("/run/netsim/f.json", &st) < 0);
	assert_int_equal(intent_write("f", &intent, &err), 0);
	assert_int_equal(intent_read("f", &read, &err), 0);
	assert_int_equal(read.layer_count, 0);
	assert_int_equal(read.engine, ENGINE_AUTO);
}

/* A damaged file. */
static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"engine\": 5, \"applied\": 7}",
		"{\"engine\": \"warp\", \"applied\": {}}",
		"{\"applied\": [7, \"x\", null, [], {}]}",
		"{\"applied\": [{\"profile\": 1, \"file\": [], \"text\": {}, \"ports\": 5}]}",
		"{\"applied\": [{\"ports\": [1, null, \"a/eth0\"]}]}",
	};
	static const char *const refused[] = {"", "{", "[]", "7"};
	struct intent intent;
	struct netsim_err err = {0};

	NEEDS_MOUNTS(state);
	mkdir("/run/netsim", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put("/run/netsim/f.json", texts[i]);
		assert_int_equal(intent_read("f", &intent, &err), 0);
		assert_int_equal(intent.engine, ENGINE_AUTO);
		assert_int_equal(intent_parse(&intent, &err), 0);
		resolve(&intent, "a", "eth0", "none", "none");
		intent_done(&intent);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct netsim_err why = {0};

		put("/run/netsim/f.json", refused[i]);
		assert_int_equal(intent_read("f", &intent, &why), -EINVAL);
		assert_string_equal(why.what, "/run/netsim/f.json is not a record of netsim");
		intent_done(&intent);
	}
	put("/run/netsim/f.json",
	    "{\"applied\": [{\"file\": \"x.yaml\", \"text\": \"default: 5\"}]}");
	assert_int_equal(intent_read("f", &intent, &err), 0);
	assert_int_equal(intent_parse(&intent, &err), -EINVAL);
	assert_int_equal(err.kind, NETSIM_ERR_INPUT);
	intent_done(&intent);
	unlink("/run/netsim/f.json");
}

/* Objects in the place of the file that netsim did not create. */
static void make_directory(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_fifo(const char *path)
{
	assert_int_equal(mkfifo(path, 0644), 0);
}

static void make_link(const char *path)
{
	assert_int_equal(symlink(ONE, path), 0);
}

static void make_open(const char *path)
{
	put(path, "{}");
	assert_int_equal(chmod(path, 0666), 0);
}

static void make_foreign(const char *path)
{
	put(path, "{}");
	assert_int_equal(chown(path, 1234, 1234), 0);
}

static void test_foreign(void **state)
{
	static const struct {
		void (*make)(const char *path);
		const char *what;
	} rows[] = {
		{make_directory, "/run/netsim/f.json is not a regular file"},
		{make_fifo, "/run/netsim/f.json is not a regular file"},
		{make_link, "/run/netsim/f.json is not a regular file"},
		{make_open, "/run/netsim/f.json can be written by other users"},
		{make_foreign, "/run/netsim/f.json belongs to another user"},
	};
	struct intent intent = {0}, read;

	NEEDS_MOUNTS(state);
	assert_int_equal(add(&intent, ONE, NULL), 0);
	mkdir("/run/netsim", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_err err = {0}, other = {0};

		rows[i].make("/run/netsim/f.json");
		assert_int_equal(intent_read("f", &read, &err), -EINVAL);
		assert_string_equal(err.what, rows[i].what);
		assert_int_equal(err.kind, NETSIM_ERR_KERNEL);
		assert_int_equal(read.layer_count, 0);
		assert_int_equal(intent_write("f", &intent, &other), -EINVAL);
		assert_string_equal(other.what, rows[i].what);
		assert_int_equal(remove("/run/netsim/f.json"), 0);
		assert_true(access("/run/netsim/f.json.new", F_OK) < 0);
	}
	intent_done(&intent);
}

/*
 * A draft changes nothing. Without room for a second file, a text that is not longer than the
 * file overwrites it.
 */
static void test_draft(void **state)
{
	struct intent intent = {0}, read;
	struct intent_fault fault = {.id = 7, .name = (char *)"x", .start = 5, .l2 = true};
	struct intent_draft draft;
	struct netsim_err err = {0};
	char block[4096] = {0};
	int fd;

	NEEDS_MOUNTS(state);
	mkdir("/run/netsim", 0755);
	assert_int_equal(mount("none", "/run/netsim", "tmpfs", 0, "size=16k"), 0);
	assert_int_equal(add(&intent, ONE, NULL), 0);
	assert_int_equal(intent_write("f", &intent, &err), 0);
	assert_int_equal(intent_draft_fault("f", &fault, NULL, 0, &draft, &err), 0);
	assert_int_equal(intent_read("f", &read, &err), 0);
	assert_int_equal(read.fault_count, 0);
	intent_done(&read);
	intent_discard(&draft);
	assert_true(access("/run/netsim/f.json.new", F_OK) < 0);
	assert_int_equal(intent_draft_fault("f", &fault, NULL, 0, &draft, &err), 0);
	assert_int_equal(intent_publish(&draft, &err), 0);
	intent_discard(&draft);
	assert_int_equal(intent_read("f", &read, &err), 0);
	assert_int_equal(read.fault_count, 1);
	assert_string_equal(read.faults[0].name, "x");
	assert_true(read.faults[0].start == 5 && read.faults[0].l2);
	intent_done(&read);
	fd = open("/run/netsim/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
	fault.id = 8;
	assert_int_equal(intent_draft_fault("f", &fault, NULL, 0, &draft, &err), -ENOSPC);
	assert_string_equal(err.what, "cannot write /run/netsim/f.json: No space left on device");
	assert_true(access("/run/netsim/f.json.new", F_OK) < 0);
	assert_int_equal(intent_draft_healed("f", &draft, NULL), 0);
	assert_int_equal(intent_publish(&draft, NULL), 0);
	assert_int_equal(intent_read("f", &read, NULL), 0);
	assert_int_equal(read.fault_count, 0);
	assert_int_equal(read.layer_count, 1);
	intent_done(&read);
	intent_remove("f");
	assert_true(access("/run/netsim/f.json", F_OK) < 0);
	umount("/run/netsim");
	intent_done(&intent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),	cmocka_unit_test(test_port),
		cmocka_unit_test(test_file),	cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_foreign), cmocka_unit_test(test_draft),
	};

	return cmocka_run_group_tests_name("intent", tests, set_up, NULL);
}
