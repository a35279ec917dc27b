/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <time.h>

#include "cmd.h"
#include "figures.h"
#include "interrupt.h"
#include "out.h"

static const char *const kinds[] = {
	[NETSIM_EVENT_FLEET_UP] = "fleet-up",
	[NETSIM_EVENT_FLEET_DOWN] = "fleet-down",
	[NETSIM_EVENT_PROFILE] = "profile",
	[NETSIM_EVENT_FAULT_BEGIN] = "fault-begin",
	[NETSIM_EVENT_FAULT_CHANGED] = "fault-changed",
	[NETSIM_EVENT_FAULT_HEALED] = "fault-healed",
	[NETSIM_EVENT_FAULT_EXPIRED] = "fault-expired",
	[NETSIM_EVENT_PORT_NEW] = "port-new",
	[NETSIM_EVENT_PORT_GONE] = "port-gone",
	[NETSIM_EVENT_PORT_UP] = "port-up",
	[NETSIM_EVENT_PORT_DOWN] = "port-down",
	[NETSIM_EVENT_FAULT_REPLACED] = "fault-replaced",
};

/* "12:00:01.036", local time */
static void write_time(int64_t at_ns, char *text, size_t size)
{
	time_t seconds = (time_t)(at_ns / 1000000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	snprintf(text, size, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)(at_ns / 1000000 % 1000));
}

/* "fault 1: wan: loss 5% on a:b", as status has it */
static void print_fault(const struct netsim_event *event, const char *done)
{
	printf("fault %u%s%s: %s%s", event->fault, event->name ? ": " : "",
	       event->name ? event->name : "", event->text, done);
	if (event->kind == NETSIM_EVENT_FAULT_BEGIN && event->left_ns >= 0)
		printf(", %.1f s left", (double)event->left_ns / 1e9);
	if (event->problem)
		printf("; not wholly in force: %s", event->problem);
}

static void print_event(const struct netsim_event *event)
{
	char time[32];

	write_time(event->at_ns, time, sizeof(time));
	printf("%s %s: ", time, event->fleet);
	switch (event->kind) {
	case NETSIM_EVENT_FLEET_UP:
		fputs("up", stdout);
		break;
	case NETSIM_EVENT_FLEET_DOWN:
		fputs("down", stdout);
		break;
	case NETSIM_EVENT_PROFILE:
		printf("%s%s", event->name ? "profile " : "no profile",
		       event->name ? event->name : "");
		break;
	case NETSIM_EVENT_FAULT_BEGIN:
		print_fault(event, "");
		break;
	case NETSIM_EVENT_FAULT_CHANGED:
		print_fault(event, event->problem ? "" : ": in force again");
		break;
	case NETSIM_EVENT_FAULT_HEALED:
		print_fault(event, ": healed");
		break;
	case NETSIM_EVENT_FAULT_REPLACED:
		print_fault(event, ": replaced");
		break;
	case NETSIM_EVENT_FAULT_EXPIRED:
		print_fault(event, ": expired");
		break;
	case NETSIM_EVENT_PORT_NEW:
		printf("%s appeared", event->name);
		break;
	case NETSIM_EVENT_PORT_GONE:
		printf("%s is gone", event->name);
		break;
	case NETSIM_EVENT_PORT_UP:
		printf("%s is up", event->name);
		break;
	case NETSIM_EVENT_PORT_DOWN:
		printf("%s is down", event->name);
		break;
	}
	putchar('\n');
}

static void print_event_json(const struct netsim_event *event)
{
	json_t *line = json_pack("{s:s, s:o, s:s, s:s*}", "event", kinds[event->kind], "time",
				 json_decimal((double)event->at_ns / 1e9, 3), "fleet", event->fleet,
				 "name", event->name);

	if (event->already)
		json_object_set_new(line, "already", json_true());
	if (event->fault) {
		json_object_set_new(line, "fault", json_integer(event->fault));
		json_object_set_new(line, "text", json_words(event->text));
	}
	if (event->problem)
		json_object_set_new(line, "problem", json_words(event->problem));
	if (event->kind == NETSIM_EVENT_FAULT_BEGIN && event->left_ns >= 0)
		json_object_set_new(line, "left_seconds",
				    json_seconds((double)event->left_ns / 1e9));
	print_json_line(line);
}

static void on_event(void *arg, const struct netsim_event *event)
{
	const struct common *common = arg;

	if (common->json)
		print_event_json(event);
	else
		print_event(event);
	fflush(stdout);
}

static bool on_stop(void *arg)
{
	(void)arg;
	return interrupted() || ferror(stdout);
}

static int run(const void *p, struct netsim_err *err)
{
	struct common common = *(const struct common *)p;
	const struct netsim_events_opts request = NETSIM_OPTS(
		struct netsim_events_opts, .fleet = common.count ? common.words[0] : common.fleet,
		.event = on_event, .stop = on_stop, .arg = &common);
	struct netsim *ctx = NULL;
	int r = netsim_open(&ctx, err);

	interrupt_catch();
	if (r == 0)
		r = netsim_events(ctx, &request, err);
	netsim_close(ctx);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "[FLEET]",
	.summary = "Print faults, profiles and ports as they begin, change and end.",
	.max = 1,
};

const struct cmd cmd_events = {
	.name = "events",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
