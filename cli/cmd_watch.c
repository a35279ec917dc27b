/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd.h"
#include "figures.h"
#include "interrupt.h"
#include "out.h"

struct watch_args {
	struct common common;
	bool once;
};

static const struct netsim_opt opts[] = {
	{0, "once", NETSIM_OPT_FLAG, offsetof(struct watch_args, once), NULL,
	 "repair once, instead of waiting for changes"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

/* Reports to systemd that the service is ready; see sd_notify(3). */
static void notify_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET"), ready[] = "READY=1";
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd;

	if (!path || !*path || strlen(path) >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, strlen(path));
	if (*path == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (const struct sockaddr *)&to,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
	close(fd);
}

static const char *const kinds[] = {
	[NETSIM_WATCH_WAITING] = "waiting", [NETSIM_WATCH_READY] = "ready",
	[NETSIM_WATCH_SHAPED] = "shaped",   [NETSIM_WATCH_GONE] = "gone",
	[NETSIM_WATCH_MISSING] = "missing", [NETSIM_WATCH_MENDED] = "mended",
	[NETSIM_WATCH_LEFT] = "left",	    [NETSIM_WATCH_PROBLEM] = "problem",
	[NETSIM_WATCH_DOMAIN] = "domain",
};

static void print_event(const struct netsim_watch_event *event)
{
	const char *name = event->name ? event->name : "";
	const char *device = event->device ? event->device : "";
	double ms = (double)event->after_ns / 1e6;

	switch (event->kind) {
	case NETSIM_WATCH_WAITING:
		printf("%s: waiting for one\n", event->text ? event->text : "no fleet is up");
		break;
	case NETSIM_WATCH_READY:
		printf("%s: watching\n", name);
		break;
	case NETSIM_WATCH_SHAPED:
		printf("%s: %s appeared, shaped after %.1f ms\n", name, device, ms);
		break;
	case NETSIM_WATCH_GONE:
		printf("%s: %s is gone\n", name, device);
		break;
	case NETSIM_WATCH_MISSING:
		printf("%s: not shaped: %s\n", name, event->text);
		break;
	case NETSIM_WATCH_MENDED:
		printf("%s: %s: %s; put back after %.1f ms", name, device, event->text, ms);
		if (event->times > 1)
			printf(", %u times in the last minute", event->times);
		putchar('\n');
		break;
	case NETSIM_WATCH_LEFT:
		printf("%s: %s: another program changes it again and again: left alone until it is "
		       "created again\n",
		       name, device);
		break;
	case NETSIM_WATCH_PROBLEM:
		printf("problem: %s\n", event->text);
		break;
	case NETSIM_WATCH_DOMAIN:
		printf("%s: %s%s%s\n", name, device, *device ? ": " : "", event->text);
		break;
	}
}

static void print_event_json(const struct netsim_watch_event *event)
{
	json_t *line = json_pack("{s:s, s:s*, s:s*, s:s*}", "event", kinds[event->kind], "link",
				 event->name, "device", event->device, "text", event->text);

	if (event->after_ns)
		json_object_set_new(line, "seconds", json_seconds((double)event->after_ns / 1e9));
	if (event->times)
		json_object_set_new(line, "times", json_integer(event->times));
	print_json_line(line);
}

static void on_event(void *arg, const struct netsim_watch_event *event)
{
	const struct common *common = arg;

	if (common->json)
		print_event_json(event);
	else if (!common->quiet)
		print_event(event);
	fflush(stdout);
	if (event->kind == NETSIM_WATCH_READY || event->kind == NETSIM_WATCH_WAITING ||
	    event->kind == NETSIM_WATCH_PROBLEM)
		notify_ready();
}

static bool on_stop(void *arg)
{
	(void)arg;
	return interrupted() || ferror(stdout);
}

static int run(const void *p, struct netsim_err *err)
{
	const struct watch_args *args = p;
	struct common common = args->common;
	const struct netsim_watch_opts request = NETSIM_OPTS(
		struct netsim_watch_opts, .fleet = common.count ? common.words[0] : common.fleet,
		.once = args->once, .event = on_event, .stop = on_stop, .arg = &common);
	struct netsim *ctx = NULL;
	size_t missing = 0;
	int r = netsim_open(&ctx, err);

	interrupt_catch();
	if (r == 0)
		r = netsim_watch(ctx, &request, &missing, err);
	netsim_close(ctx);
	return r == 0 && args->once && missing ? exit_status(NETSIM_ERR_FAILED) : r;
}

static const struct netsim_syntax syntax = {
	.args = "[FLEET]",
	.summary = "Shape taps as they come and go, and undo changes by others.",
	.opts = opts,
	.max = 1,
};

const struct cmd cmd_watch = {
	.name = "watch",
	.syntax = &syntax,
	.size = sizeof(struct watch_args),
	.run = run,
};
