// SPDX-License-Identifier: GPL-2.0-or-later
/* The probes of a run: one lane per target; their samples as evidence. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/run_parts.h"
#include "netsim/run/prober.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

#define LEAD	       1000000000LL /* ns of success that the judge requires before a fault */
#define LEAD_INTERVALS 10
#define PATIENCE       5000000000LL /* ns for probes to succeed before the timeline */
#define POLL	       20000000LL

/* A target of a probe, and its texts. */
struct lane {
	const struct probe *probe;
	struct prober_probe spec;
	char **command;
	uint32_t probe_name, target_name;
	int64_t down; /* since when it has failed; 0: it answers; -1: no sample yet */
};

struct run_probes {
	struct run *run;
	struct lane *lanes;
	size_t count;
	struct prober_probe *specs;
	struct prober *prober; /* NULL: ended */
	pthread_mutex_t lock;  /* of down */
};

/* --- samples */

static void on_sample(void *arg, const struct prober_sample *from)
{
	static const uint8_t results[] = {[PROBER_OK] = SAMPLE_OK,
					  [PROBER_WRONG] = SAMPLE_WRONG,
					  [PROBER_ERROR] = SAMPLE_REFUSED,
					  [PROBER_TIMEOUT] = SAMPLE_HUNG};
	struct run_probes *p = arg;
	struct lane *lane = &p->lanes[from->target];
	struct sample sample = {.sent = from->sent,
				.took = from->end - from->sent,
				.lateness = from->sent - from->due,
				.probe = lane->probe_name,
				.target = lane->target_name};

	/* A probe that was not sent is a gap, which the judge sees. */
	if (from->result == PROBER_UNSENT)
		return;
	sample.result = results[from->result];
	recorder_add(p->run->rec, EVIDENCE_SAMPLE, &sample);
	pthread_mutex_lock(&p->lock);
	if (sample.result == SAMPLE_OK)
		lane->down = 0;
	else if (lane->down <= 0)
		lane->down = sample.sent;
	pthread_mutex_unlock(&p->lock);
}

/* --- texts */

static char *fill(const struct run *run, const struct probe *p, const struct node *target,
		  const char *folder, const char *text)
{
	const struct ip *ip = target ? scenario_address(target) : NULL;
	char address[UNIT_TEXT] = "";
	const struct template_values values = {.self = {target ? target->name : "", address},
					       .folder = folder ? folder : run->s->folder};

	(void)p;
	if (ip)
		unit_format_address(ip, address);
	return template_fill(text, &values);
}

static int fill_command(const struct run *run, const struct node *target, struct lane *lane)
{
	const struct probe *p = lane->probe;

	lane->command = calloc(p->run.count + 1, sizeof(*lane->command));
	for (size_t i = 0; lane->command && i < p->run.count; i++) {
		lane->command[i] = fill(run, p, target, NULL, p->run.list[i].s);
		if (!lane->command[i])
			return -ENOMEM;
	}
	lane->spec.run = (const char *const *)lane->command;
	return lane->command ? 0 : -ENOMEM;
}

static int fill_files(const struct run *run, const struct node *target, struct lane *lane)
{
	const struct recipe *client = lane->probe->client;

	if (!client)
		return 0;
	lane->spec.ca = fill(run, lane->probe, target, client->folder, client->tls.ca.s);
	lane->spec.cert = fill(run, lane->probe, target, client->folder, client->tls.cert.s);
	lane->spec.key = fill(run, lane->probe, target, client->folder, client->tls.key.s);
	return lane->spec.ca && lane->spec.cert && lane->spec.key ? 0 : -ENOMEM;
}

/* Splits "HOST:PORT", "[HOST]:PORT". */
static void split_port(char *text, struct prober_probe *spec)
{
	char *colon = strrchr(text, ':');
	size_t length;

	spec->port = (uint16_t)atoi(colon + 1);
	*colon = '\0';
	length = strlen(text);
	if (*text == '[' && length > 1 && text[length - 1] == ']') {
		text[length - 1] = '\0';
		memmove(text, text + 1, length - 1);
	}
}

static int fill_target(const struct run *run, const struct node *target, struct lane *lane)
{
	static const enum prober_kind kinds[] = {[PROBE_HTTP] = PROBER_HTTP,
						 [PROBE_TCP] = PROBER_TCP,
						 [PROBE_PING] = PROBER_PING,
						 [PROBE_RUN] = PROBER_RUN};
	const struct probe *p = lane->probe;
	char *text;

	lane->spec.kind = kinds[p->kind];
	if (p->kind == PROBE_RUN)
		return fill_command(run, target, lane);
	text = fill(run, p, target, NULL, p->target.s);
	if (!text)
		return -ENOMEM;
	if (p->kind == PROBE_HTTP)
		lane->spec.url = text;
	else
		lane->spec.host = text;
	if (p->kind == PROBE_TCP)
		split_port(text, &lane->spec);
	return fill_files(run, target, lane);
}

static int add_lane(struct run_probes *p, const struct probe *probe, const struct node *target)
{
	struct lane *lane = array_push(p->lanes, p->count);
	char netns[NETNS_TEXT];

	if (!lane)
		return -ENOMEM;
	*lane = (struct lane) {.probe = probe, .down = -1};
	lane->probe_name = recorder_name(p->run->rec, probe->name);
	lane->target_name = target ? recorder_name(p->run->rec, target->name) : 0;
	lane->spec = (struct prober_probe) {.target = (unsigned)(p->count - 1),
					    .name = probe->name,
					    .status = probe->status,
					    .body = probe->body.s,
					    .cgroup = -1,
					    .every = probe->every.ns,
					    .timeout = probe->timeout.ns};
	if (!probe->from.host) {
		state_netns_name(p->run->s->topo->fleet,
				 p->run->s->topo->nodes[probe->from.list[0]].name, netns);
		lane->spec.netns = strdup(netns);
		if (!lane->spec.netns)
			return -ENOMEM;
	}
	return fill_target(p->run, target, lane);
}

/* --- begin and end */

static int add_probe(struct run_probes *p, const struct probe *probe)
{
	static const uint8_t kinds[] = {[PROBE_HTTP] = SAMPLED_HTTP,
					[PROBE_TCP] = SAMPLED_TCP,
					[PROBE_PING] = SAMPLED_PING,
					[PROBE_RUN] = SAMPLED_RUN};
	const char *from =
		probe->from.host ? HOST_NAME : p->run->s->topo->nodes[probe->from.list[0]].name;
	struct sampled_probe record = {
		.name = recorder_name(p->run->rec, probe->name),
		.targets = probe->nodes.count ? (uint32_t)probe->nodes.count : 1,
		.interval = probe->every.ns,
		.timeout = probe->timeout.ns,
		.need = (uint8_t)probe->need,
		.kind = kinds[probe->kind],
		.from = recorder_name(p->run->rec, from)};
	int r = probe->nodes.count ? 0 : add_lane(p, probe, NULL);

	recorder_add(p->run->rec, EVIDENCE_PROBE, &record);
	for (size_t i = 0; r == 0 && i < probe->nodes.count; i++)
		r = add_lane(p, probe, &p->run->s->topo->nodes[probe->nodes.list[i]]);
	return r;
}

int probes_start(struct run *run, struct netsim_err *err)
{
	struct run_probes *p = calloc(1, sizeof(*p));
	int r = 0;

	if (!p)
		return err_oom(err);
	p->run = run;
	pthread_mutex_init(&p->lock, NULL);
	run->probes = p;
	for (size_t i = 0; r == 0 && i < run->s->probe_count; i++)
		r = add_probe(p, run->s->probes[i]);
	p->specs = r == 0 ? calloc(p->count + 1, sizeof(*p->specs)) : NULL;
	if (!p->specs)
		return err_oom(err);
	for (size_t i = 0; i < p->count; i++)
		p->specs[i] = p->lanes[i].spec;
	if (!p->count)
		return 0;
	r = prober_start(p->specs, p->count, on_sample, p, &p->prober, err);
	if (r == 0 && !prober_is_realtime(p->prober))
		run_note(run, "real-time priority is not permitted: probes run without it");
	return r;
}

void probes_stop(struct run *run)
{
	if (!run->probes)
		return;
	prober_stop(run->probes->prober);
	run->probes->prober = NULL;
}

void probes_free(struct run *run)
{
	struct run_probes *p = run->probes;

	if (!p)
		return;
	if (p->prober)
		prober_stop(p->prober);
	for (size_t i = 0; i < p->count; i++) {
		struct lane *lane = &p->lanes[i];

		free((char *)lane->spec.netns);
		free((char *)lane->spec.url);
		free((char *)lane->spec.host);
		free((char *)lane->spec.ca);
		free((char *)lane->spec.cert);
		free((char *)lane->spec.key);
		for (size_t k = 0; lane->command && lane->command[k]; k++)
			free(lane->command[k]);
		free(lane->command);
	}
	pthread_mutex_destroy(&p->lock);
	free(p->lanes);
	free(p->specs);
	free(p);
	run->probes = NULL;
}

/* --- progress */

static int compare_times(const void *va, const void *vb)
{
	int64_t a = *(const int64_t *)va, b = *(const int64_t *)vb;

	return (a > b) - (a < b);
}

/* When a probe went down: when too many targets failed; 0: up, -1: no sample yet. */
static int64_t down_since(const struct run_probes *p, const struct probe *probe)
{
	auto_free int64_t *downs = calloc(p->count + 1, sizeof(*downs));
	size_t targets = 0, count = 0, most;

	for (size_t i = 0; downs && i < p->count; i++) {
		if (p->lanes[i].probe != probe)
			continue;
		if (p->lanes[i].down < 0)
			return -1;
		targets++;
		if (p->lanes[i].down)
			downs[count++] = p->lanes[i].down;
	}
	most = probe->need == NEED_ANY ? targets : probe->need == NEED_ALL ? 1 : (targets + 1) / 2;
	if (!downs || count < most || !count)
		return 0;
	qsort(downs, count, sizeof(*downs), compare_times);
	return downs[most - 1];
}

void probes_text(struct run *run, char *buf, size_t size)
{
	struct run_probes *p = run->probes;
	int64_t now = run_now();

	*buf = '\0';
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < run->s->probe_count; i++) {
		const struct probe *probe = run->s->probes[i];
		size_t used = strlen(buf);
		int64_t since = down_since(p, probe);

		err_format(buf + used, size - used, "%s%s ", used ? ", " : "", probe->name);
		used = strlen(buf);
		if (since > 0)
			err_format(buf + used, size - used, "down for %.1f s",
				   (double)(now - since) / 1e9);
		else
			err_format(buf + used, size - used, since ? "..." : "up");
	}
	pthread_mutex_unlock(&p->lock);
}

/* --- before the timeline */

/* The time for which all probes must be up, so that the judge finds them steady. */
static int64_t lead_of(const struct run *run)
{
	int64_t lead = LEAD;

	for (size_t i = 0; i < run->s->probe_count; i++) {
		const struct probe *probe = run->s->probes[i];
		int64_t time = LEAD_INTERVALS * probe->every.ns;

		lead = time > lead ? time : lead;
	}
	return lead + LEAD / 10;
}

static bool are_up(struct run *run)
{
	bool up = true;

	pthread_mutex_lock(&run->probes->lock);
	for (size_t i = 0; i < run->s->probe_count; i++)
		up &= run->s->probes[i]->of_pair || down_since(run->probes, run->s->probes[i]) == 0;
	pthread_mutex_unlock(&run->probes->lock);
	return up;
}

bool probes_settle(struct run *run)
{
	int64_t lead = lead_of(run), begin = run_now(), since = begin, now = begin;

	while (run->s->probe_count && now - since < lead && now - begin < lead + PATIENCE) {
		if (!run_sleep(run, now + POLL))
			return false;
		now = run_now();
		if (!are_up(run))
			since = now;
	}
	return true;
}
