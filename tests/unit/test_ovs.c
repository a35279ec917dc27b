// SPDX-License-Identifier: GPL-2.0-or-later
/* Open vSwitch: its database, from a server that gives one answer, and the links it explains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "netsim/kernel/mark.h"
#include "netsim/kernel/ovs.h"

#define UUID(name)  "[\"uuid\",\"" name "\"]"
#define ROWS(...)   "{\"rows\":[" __VA_ARGS__ "]}"
#define ANSWER(...) "{\"id\":0,\"error\":null,\"result\":[" __VA_ARGS__ "]}"
#define ECHO	    "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[]}"

/* br0 with two taps and its own port; br1, userspace, with one tap. */
static const char database
	[] = ECHO ANSWER(ROWS("{\"_uuid\":" UUID("b0") ",\"name\":\"br0\",\"datapath_type\":\"\","
						       "\"ports\":[\"set\","
						       "[" UUID("p0") "," UUID("p1") "," UUID("p2") "]]}"
												    ",{\"_uuid\":" UUID("b1") ",\"name\":\"br1\",\"datapath_type\":\"netdev\",\"ports\":" UUID("p3") "}") "," ROWS("{\"_uuid\":" UUID("p0") ",\"interfaces\":" UUID("i0") ",\"qos\":[\"set\",[]]}"
																																	  ",{\"_uuid\":" UUID("p1") ",\"interfaces\":" UUID("i1") ",\"qos\":" UUID("q") "}"
																																											",{\"_uuid\":" UUID("p2") ",\"interfaces\":" UUID(
																																												"i2") ",\"qos\":[\"set\",[]]}"
																																												      ",{\"_uuid\":" UUID("p3") ",\"interfaces\":" UUID(
																																													      "i3") ",\"qos\":[\"set\",[]]}") "," ROWS("{\"_uuid\":" UUID("i0") ",\"name\":\"br0\",\"type\":\"internal\","
																																																						"\"external_ids\":[\"map\",[]],\"ingress_policing_rate\":0}"
																																																						",{\"_uuid\":" UUID(
																																																							"i1") ",\"name\":\"vnet1\",\"type\":\"\",\"external_ids\":[\"map\","
																																																							      "[[\"iface-status\",\"active\"],[\"attached-mac\",\"52:54:00:12:34:01\"]]],"
																																																							      "\"ingress_policing_rate\":0}"
																																																							      ",{\"_uuid\":" UUID("i2") ",\"name\":\"vnet2\",\"type\":\"system\","
																																																											"\"external_ids\":[\"map\",[]],\"ingress_policing_rate\":1000}"
																																																											",{\"_uuid\":" UUID("i3") ",\"name\":\"vnet3\",\"type\":\"\","
																																																														  "\"external_ids\":[\"map\",[]],\"ingress_policing_rate\":0}") "," ROWS("{\"_uuid\":" UUID("q") ",\"type\":\"linux-htb\"}"));

struct server {
	char dir[64], path[128];
	int fd;
	const char *answer;
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	char request[4096];
	int fd = accept(s->fd, NULL, NULL);

	if (fd < 0)
		return NULL;
	if (recv(fd, request, sizeof(request), 0) > 0)
		(void)!write(fd, s->answer, strlen(s->answer));
	close(fd);
	return NULL;
}

static void read_from(const char *answer, struct ovs *ret)
{
	struct server s = {.dir = "/tmp/test_ovs.XXXXXX", .answer = answer};
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	assert_non_null(mkdtemp(s.dir));
	snprintf(s.path, sizeof(s.path), "%s/db.sock", s.dir);
	snprintf(at.sun_path, sizeof(at.sun_path), "%.100s", s.path);
	s.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s.fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s.fd, 1), 0);
	assert_int_equal(pthread_create(&s.thread, NULL, serve, &s), 0);
	setenv("OVS_RUNDIR", s.dir, 1);
	assert_int_equal(ovs_read(ret, NULL), 0);
	pthread_join(s.thread, NULL);
	close(s.fd);
	unlink(s.path);
	rmdir(s.dir);
}

static void test_read(void **state)
{
	const struct ovs_port *port;
	struct ovs ovs;

	(void)state;
	read_from(database, &ovs);
	assert_string_equal(ovs.why, "");
	assert_int_equal(ovs.bridge_count, 2);
	assert_false(ovs_find_bridge(&ovs, "br0")->userspace);
	assert_true(ovs_find_bridge(&ovs, "br1")->userspace);
	assert_null(ovs_find_bridge(&ovs, "br"));
	/* Internal ports are none. */
	assert_int_equal(ovs.port_count, 3);
	assert_null(ovs_find_port(&ovs, "br0"));
	port = ovs_find_port(&ovs, "vnet1");
	assert_string_equal(port->bridge, "br0");
	assert_string_equal(port->qos, "linux-htb");
	assert_true(port->has_mac && port->mac.b[5] == 1 && !port->policed && !port->userspace);
	port = ovs_find_port(&ovs, "vnet2");
	assert_true(port->policed && !port->has_mac);
	port = ovs_find_port(&ovs, "vnet3");
	assert_string_equal(port->bridge, "br1");
	assert_true(port->userspace);
	ovs_done(&ovs);
}

static void test_bad_answers(void **state)
{
	static const char *const answers[] = {
		"",
		"{",
		"[]",
		"{\"id\":0,\"error\":\"no\",\"result\":null}",
		ANSWER("{\"error\":\"syntax error\"}"),
		ANSWER(ROWS("{}") "," ROWS() "," ROWS() "," ROWS()),
	};
	struct ovs ovs;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		read_from(answers[i], &ovs);
		assert_non_null(strstr(ovs.why, "the answer is not understood"));
		assert_int_equal(ovs.bridge_count + ovs.port_count, 0);
		ovs_done(&ovs);
	}
	setenv("OVS_RUNDIR", "/nowhere", 1);
	assert_int_equal(ovs_read(&ovs, NULL), 0);
	assert_string_equal(ovs.why, "/nowhere/db.sock: No such file or directory");
	ovs_done(&ovs);
	/* References that lead nowhere, names that no link has. */
	read_from(
		ANSWER(ROWS("{\"_uuid\":" UUID("b") ",\"name\":\"br\",\"ports\":" UUID(
			"p") "}"
			     ",{\"_uuid\":" UUID(
				     "c") ",\"name\":\"a-name-of-16-char\"}") "," ROWS() "," ROWS() "," ROWS()),
		&ovs);
	assert_string_equal(ovs.why, "");
	assert_int_equal(ovs.bridge_count, 1);
	assert_int_equal(ovs.port_count, 0);
	ovs_done(&ovs);
}

static struct link *add(struct model *host, const char *name, enum link_kind kind,
			const char *master)
{
	struct link *link = model_add_link(host, MODEL_HOST, name, kind);

	assert_non_null(link);
	snprintf(link->master, sizeof(link->master), "%s", master);
	link->ifindex = (int)host->link_count;
	return link;
}

static void test_show(void **state)
{
	struct model *host = model_new("");
	struct neigh_mac *macs = NULL;
	const struct link *link;
	size_t count = 0;
	struct ovs ovs;

	(void)state;
	read_from(database, &ovs);
	add(host, "br0", LINK_OVS, "");
	add(host, "br1", LINK_TAP, "");
	add(host, "vnet1", LINK_TAP, OVS_SYSTEM);
	add(host, "vnet2", LINK_TAP, ""); /* in the database, but not in the datapath */
	add(host, "vnet3", LINK_TAP, "");
	add(host, "vnet4", LINK_TAP, OVS_SYSTEM); /* the reverse */
	ovs_show(&ovs, host);
	link = model_find_link(host, MODEL_HOST, "br0");
	assert_true(link->kind == LINK_BRIDGE && link->ovs && !link->userspace);
	link = model_find_link(host, MODEL_HOST, "br1");
	assert_true(link->kind == LINK_BRIDGE && link->ovs && link->userspace);
	link = model_find_link(host, MODEL_HOST, "vnet1");
	assert_true(link->ovs && !link->userspace);
	assert_string_equal(link->master, "br0");
	assert_string_equal(model_find_link(host, MODEL_HOST, "vnet2")->master, "");
	assert_string_equal(model_find_link(host, MODEL_HOST, "vnet3")->master, "br1");
	assert_string_equal(model_find_link(host, MODEL_HOST, "vnet4")->master, OVS_SYSTEM);
	assert_int_equal(ovs_add_macs(&ovs, host, &macs, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(macs[0].port, 3);
	free(macs);
	ovs_done(&ovs);
	/* Ports that the database no longer has are none, whatever their marks say. */
	ovs_show(&ovs, host);
	assert_string_equal(model_find_link(host, MODEL_HOST, "vnet1")->master, OVS_SYSTEM);
	assert_string_equal(model_find_link(host, MODEL_HOST, "vnet3")->master, "");
	model_free(host);
}

/* name, kind and master of a link, its alias; then kind, master and the guest that it shows */
static const struct {
	enum link_kind kind;
	const char *master, *alias;
	enum link_kind shown_kind;
	const char *shown_master;
	bool ovs, userspace, guest;
} links[] = {
	{LINK_OVS, "", "netsim:f/lan attached ovs=br0", LINK_BRIDGE, "", true},
	{LINK_OVS, "", NULL, LINK_OVS, ""},
	{LINK_TAP, "", "netsim:f/lan closed attached ovs=br0 userspace", LINK_BRIDGE, "", true,
	 true},
	{LINK_TAP, OVS_SYSTEM, "netsim:f/n/e attached ovs=br0", LINK_TAP, "br0", true},
	{LINK_TAP, "", "netsim:f/n/e attached ovs=br0", LINK_TAP, ""},
	{LINK_TAP, "br7", "netsim:f/n/e attached ovs=br0", LINK_TAP, "br7"},
	{LINK_TAP, "", "netsim:f/n/e attached ovs=br0 guest=525400123401", LINK_TAP, "br0", true,
	 true, true},
	{LINK_TAP, OVS_SYSTEM, "netsim:f/n/e attached ovs=br0 guest=525400123401", LINK_TAP,
	 OVS_SYSTEM},
	{LINK_IFB, "", "netsim:f/lan attached ovs=br0", LINK_IFB, ""},
	{LINK_TAP, "", "netsim:f/n/e", LINK_TAP, ""},
};

static void test_marks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		struct link link = {.kind = links[i].kind, .alias = (char *)links[i].alias};

		snprintf(link.master, sizeof(link.master), "%s", links[i].master);
		ovs_read_mark(&link);
		assert_int_equal(link.kind, links[i].shown_kind);
		assert_string_equal(link.master, links[i].shown_master);
		assert_int_equal(link.ovs, links[i].ovs);
		assert_int_equal(link.userspace, links[i].userspace);
		assert_int_equal(link.has_guest, links[i].guest);
		assert_int_equal(link.guest.b[5], links[i].guest ? 1 : 0);
	}
}

static void test_mark_text(void **state)
{
	static const char *const aliases[] = {
		"netsim:f/lan closed attached ovs=br0 userspace",
		"netsim:f/lan attached ovs=br0",
		"netsim:f/n/e @a attached ovs=br0 guest=525400123401",
	};
	struct mark mark;
	char text[MARK_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
		assert_true(mark_parse(aliases[i], &mark));
		mark_format(&mark, text);
		assert_string_equal(text, aliases[i]);
	}
	assert_true(mark_parse("netsim:f/n/e attached ovs=br0 guest=5254", &mark));
	assert_false(mark.has_guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	  cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_show),	  cmocka_unit_test(test_marks),
		cmocka_unit_test(test_mark_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
