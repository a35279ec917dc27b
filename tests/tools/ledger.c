// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks etcd, and runs the ledger, as netsim run does. MEMBER is NODE=NETNS=URL; NETNS "-": here.
 *
 *   ledger leader MS MEMBER...                       prints "leader NODE", or "error TEXT"
 *   ledger ask MS PATH BODY MEMBER...                 "NODE OUTCOME REVISION TERM HASH WHY"
 *   ledger run SECONDS RATE KEYS MS NODES MEMBER...   NODES: namespaces, as "a,b", from which it
 *                                                     works; "-": here
 *
 * Certificates: ETCD_CA, ETCD_CERT, ETCD_KEY in the environment; NO_WATCH: no watch.
 *
 * run prints each operation as "KIND CLIENT ENDPOINT KEY VALUE DUE BEGIN END OUTCOME SUCCEEDED
 * EXPECTED REVISION MOD_REVISION SEEN WHY", times in ms, then "state NODE REVISION DIGEST" or
 * "state NODE WHY", "agrees yes|no" and "missed COUNT".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "netsim/run/ledger.h"

#define MAX 16

static struct etcd_endpoint members[MAX];
static size_t member_count;
static int64_t first;

static void usage(void)
{
	fputs("usage: ledger leader|ask|run ARGUMENT... MEMBER...\n", stderr);
	exit(2);
}

static void read_members(char **words)
{
	for (; *words && member_count < MAX; words++) {
		struct etcd_endpoint *member = &members[member_count++];
		char *netns = strchr(*words, '='), *url = netns ? strchr(netns + 1, '=') : NULL;

		if (!url)
			usage();
		*netns++ = *url++ = '\0';
		*member = (struct etcd_endpoint) {
			.node = *words,
			.netns = strcmp(netns, "-") == 0 ? NULL : netns,
			.url = url,
			.tls = {getenv("ETCD_CA"), getenv("ETCD_CERT"), getenv("ETCD_KEY")}};
	}
}

static void report(const struct netsim_err *err)
{
	printf("error %s\n", err->what);
	exit(1);
}

static void ask(const char *path, const char *body, int64_t timeout)
{
	struct etcd_answer answers[MAX];
	struct netsim_err err = {0};

	if (etcd_ask(members, member_count, path, body, timeout, answers, &err) < 0)
		report(&err);
	for (size_t i = 0; i < member_count; i++) {
		printf("%s %s %" PRId64 " %" PRIu64 " %" PRIu64 " %s\n", members[i].node,
		       etcd_outcome_name(answers[i].outcome), answers[i].reply.revision,
		       answers[i].reply.raft_term, answers[i].reply.hash, answers[i].why);
		etcd_answer_done(&answers[i]);
	}
}

static void leader(int64_t timeout)
{
	struct netsim_err err = {0};
	size_t found;

	if (etcd_leader(members, member_count, timeout, &found, &err) < 0)
		report(&err);
	printf("leader %s\n", members[found].node);
}

static double ms(int64_t at)
{
	return (double)(at - first) / 1e6;
}

static void on_op(void *arg, const struct ledger_op *op)
{
	(void)arg;
	if (!first)
		first = op->due;
	printf("%s %u %u %u %" PRId64 " %.3f %.3f %.3f %s %d %" PRId64 " %" PRId64 " %" PRId64
	       " %" PRId64 " %s\n",
	       ledger_kind_name(op->kind), op->client, op->endpoint, op->key, op->value,
	       ms(op->due), ms(op->begin), ms(op->end), etcd_outcome_name(op->outcome),
	       op->succeeded, op->expected, op->revision, op->mod_revision, op->seen,
	       op->why ? op->why : "");
}

static void run(double seconds, struct ledger_spec *spec)
{
	struct timespec pause = {(time_t)seconds,
				 (long)((seconds - (double)(time_t)seconds) * 1e9)};
	struct ledger_state states[MAX];
	struct netsim_err err = {0};
	struct ledger *ledger;
	uint64_t missed;

	if (ledger_start(spec, &ledger, &err) < 0)
		report(&err);
	nanosleep(&pause, NULL);
	ledger_stop(ledger, &missed);
	if (ledger_read(spec, states, &err) < 0)
		report(&err);
	for (size_t i = 0; i < member_count; i++)
		if (states[i].answered)
			printf("state %s %" PRId64 " %" PRIx64 "\n", members[i].node,
			       states[i].revision, states[i].digest);
		else
			printf("state %s %s\n", members[i].node, states[i].why);
	printf("agrees %s\n", ledger_agrees(states, member_count) ? "yes" : "no");
	printf("missed %" PRIu64 "\n", missed);
}

int main(int argc, char **argv)
{
	struct ledger_node nodes[MAX] = {{NULL}};
	struct ledger_spec spec = {.endpoints = members,
				   .nodes = nodes,
				   .prefix = "ledger/",
				   .weights = {40, 30, 20, 10},
				   .watch = !getenv("NO_WATCH"),
				   .seed = 42,
				   .on_op = on_op};

	if (argc > 3 && strcmp(argv[1], "leader") == 0) {
		read_members(argv + 3);
		leader(atoll(argv[2]) * 1000000);
	} else if (argc > 5 && strcmp(argv[1], "ask") == 0) {
		read_members(argv + 5);
		ask(argv[3], argv[4], atoll(argv[2]) * 1000000);
	} else if (argc > 7 && strcmp(argv[1], "run") == 0) {
		read_members(argv + 7);
		spec.endpoint_count = member_count;
		spec.rate = atof(argv[3]);
		spec.keys = (unsigned)atoi(argv[4]);
		spec.timeout = atoll(argv[5]) * 1000000;
		for (char *word = strtok(argv[6], ","); word; word = strtok(NULL, ","))
			nodes[spec.node_count++].netns = strcmp(word, "-") == 0 ? NULL : word;
		run(atof(argv[2]), &spec);
	} else {
		usage();
	}
	return 0;
}
