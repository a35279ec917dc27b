// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "figures.h"
#include "interrupt.h"
#include "machine.h"
#include "out.h"
#include "port_changes.h"
#include "progress.h"

struct capture_args {
	struct common common;
	struct machine_words machine;
	const char *write, *dir, *filter, *classes, *direction, *snap, *buffer, *rotate;
	struct netsim_opt_words class;
	unsigned keep, count;
	int64_t for_ns;
};

static const struct netsim_opt opts[] = {
	{'w', "write", NETSIM_OPT_TEXT, offsetof(struct capture_args, write), "FILE",
	 "write all ports to one pcapng file (-: stdout)"},
	{'d', "dir", NETSIM_OPT_TEXT, offsetof(struct capture_args, dir), "DIR",
	 "write a file for each port"},
	{'F', "filter", NETSIM_OPT_TEXT, offsetof(struct capture_args, filter), "EXPR",
	 "only packets that match this pcap filter"},
	{0, "class", NETSIM_OPT_WORDS, offsetof(struct capture_args, class), "CLASS,...",
	 "only traffic of these classes; can be repeated"},
	{0, "classes", NETSIM_OPT_TEXT, offsetof(struct capture_args, classes), "FILE",
	 "use this class file instead of the default"},
	{0, "direction", NETSIM_OPT_TEXT, offsetof(struct capture_args, direction), "WAY",
	 "sent by the nodes, delivered to them, or both"},
	{'s', "snap", NETSIM_OPT_TEXT, offsetof(struct capture_args, snap), "SIZE",
	 "capture this many bytes of each packet, such as 128B"},
	{0, "buffer", NETSIM_OPT_TEXT, offsetof(struct capture_args, buffer), "SIZE",
	 "buffer for each port (16MiB)"},
	{'r', "rotate", NETSIM_OPT_TEXT, offsetof(struct capture_args, rotate), "LIMIT",
	 "start a new file at this size or time: 100MB, 60s"},
	{'k', "keep", NETSIM_OPT_NUMBER, offsetof(struct capture_args, keep), "N",
	 "with --rotate: keep only the last N files"},
	{0, "for", NETSIM_OPT_DURATION, offsetof(struct capture_args, for_ns), "TIME",
	 "stop after TIME"},
	{'c', "count", NETSIM_OPT_NUMBER, offsetof(struct capture_args, count), "N",
	 "stop after N packets"},
	TOPOLOGY_OPT(struct capture_args, machine),
	AS_OPT(struct capture_args, machine),
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

struct show {
	bool quiet, progress;
};

static bool show_progress(void *arg, const struct netsim_progress *now)
{
	const struct show *show = arg;
	char text[FIGURE_TEXT];

	if (now->change)
		report_port_change(now->change);
	else if (show->progress && now->elapsed_ns >= 2000000000)
		progress_line("capturing: %.0f s, %" PRIu64 " packets, %s",
			      (double)now->elapsed_ns / 1e9, now->packets,
			      figure_bytes((double)now->bytes, text));
	return interrupted() || ferror(stdout);
}

static void show_packet(void *arg, const struct netsim_captured *packet)
{
	const struct show *show = arg;
	time_t seconds = packet->time_ns / 1000000000;
	struct tm tm;

	localtime_r(&seconds, &tm);
	printf("%02d:%02d:%02d.%09d %s %s: %s > %s %s", tm.tm_hour, tm.tm_min, tm.tm_sec,
	       (int)(packet->time_ns % 1000000000), packet->port,
	       packet->sent ? "sent" : "delivered", packet->from, packet->to, packet->class_name);
	if (!show->quiet)
		printf(" %s", packet->what);
	printf(" %" PRIu32 "\n", packet->length);
}

static int parse_size(const char *name, const char *text, uint32_t *ret, struct netsim_err *err)
{
	uint64_t bytes;
	const char *why;

	if (!text)
		return 0;
	if (netsim_parse_size(text, &bytes, &why) < 0)
		return usage_error(err, &cmd_capture, "--%s %s: %s", name, text, why);
	if (!bytes || bytes > INT32_MAX)
		return usage_error(err, &cmd_capture, "--%s %s: must be from 1B to 2GB", name,
				   text);
	*ret = (uint32_t)bytes;
	return 0;
}

static int parse_rotate(const struct capture_args *args, struct netsim_capture_opts *how,
			struct netsim_err *err)
{
	const char *text = args->rotate, *why;

	if (args->keep && !text)
		return usage_error(err, &cmd_capture, "--keep needs --rotate");
	if (!text)
		return 0;
	if (!how->file && !how->dir)
		return usage_error(err, &cmd_capture, "--rotate needs --write or --dir");
	if (how->file && strcmp(how->file, "-") == 0)
		return usage_error(err, &cmd_capture, "--rotate cannot be combined with --write -");
	if (netsim_parse_duration(text, &how->rotate_ns, &why) < 0 &&
	    netsim_parse_size(text, &how->rotate_bytes, &why) < 0)
		return usage_error(
			err, &cmd_capture,
			"--rotate %s: must be a size such as 100MB or a time such as 60s", text);
	if (how->rotate_ns <= 0 && !how->rotate_bytes)
		return usage_error(err, &cmd_capture, "--rotate %s: must be above zero", text);
	return 0;
}

static int parse_direction(const char *text, struct netsim_capture_opts *how,
			   struct netsim_err *err)
{
	if (!text || strcmp(text, "both") == 0)
		return 0;
	how->only_sent = strcmp(text, "sent") == 0;
	how->only_delivered = strcmp(text, "delivered") == 0;
	if (how->only_sent || how->only_delivered)
		return 0;
	return usage_error(err, &cmd_capture, "--direction %s: must be sent, delivered or both",
			   text);
}

/* The summary goes to standard output unless the packets go there. */
static FILE *summary_stream(const struct capture_args *args)
{
	bool out = args->dir || (args->write && strcmp(args->write, "-") != 0) ||
		   (args->common.json && !args->write);

	return out ? stdout : stderr;
}

static void print_json_summary(const struct netsim_capture *capture, FILE *out)
{
	json_t *ports = json_array(), *classes = json_array(), *json;

	for (size_t i = 0; i < capture->port_count; i++) {
		const struct netsim_capture_port *port = capture->ports[i];

		json_array_append_new(ports,
				      json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "port",
						port->name, "packets", (json_int_t)port->packets,
						"bytes", (json_int_t)port->bytes, "received",
						(json_int_t)port->received, "dropped",
						(json_int_t)port->dropped, "gone", port->gone));
	}
	for (size_t i = 0; i < capture->class_count; i++)
		json_array_append_new(
			classes, json_pack("{s:s, s:I, s:I}", "class", capture->classes[i]->name,
					   "packets", (json_int_t)capture->classes[i]->packets,
					   "bytes", (json_int_t)capture->classes[i]->bytes));
	json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:o}", "fleet",
			 capture->fleet, "packets", (json_int_t)capture->packets, "bytes",
			 (json_int_t)capture->bytes, "received", (json_int_t)capture->received,
			 "dropped", (json_int_t)capture->dropped, "seconds",
			 json_seconds((double)capture->elapsed_ns / 1e9), "files",
			 (json_int_t)capture->files, "ports", ports, "classes", classes, "changes",
			 port_changes_json(capture->changes, capture->change_count));
	print_json_to(out, json);
}

static void add_row(struct table *table, const char *name, uint64_t packets, uint64_t bytes)
{
	char counts[2][FIGURE_TEXT];

	table_add(table,
		  (const char *[]) {name, figure_count(packets, counts[0]),
				    figure_bytes((double)bytes, counts[1])},
		  3);
}

static void print_summary(const struct netsim_capture *capture, FILE *out)
{
	struct table classes = {0}, ports = {0};
	char bytes[FIGURE_TEXT];

	fprintf(out, "%s: %" PRIu64 " packet%s, %s in %.1f s", capture->fleet, capture->packets,
		plural(capture->packets), figure_bytes((double)capture->bytes, bytes),
		(double)capture->elapsed_ns / 1e9);
	if (capture->files > 1)
		fprintf(out, ", %" PRIu64 " files", capture->files);
	fputc('\n', out);
	table_add(&classes, (const char *[]) {"class", "packets", "bytes"}, 3);
	for (size_t i = 0; i < capture->class_count; i++)
		add_row(&classes, capture->classes[i]->name, capture->classes[i]->packets,
			capture->classes[i]->bytes);
	table_add(&ports, (const char *[]) {"port", "packets", "bytes"}, 3);
	for (size_t i = 0; i < capture->port_count; i++)
		add_row(&ports, capture->ports[i]->name, capture->ports[i]->packets,
			capture->ports[i]->bytes);
	if (capture->packets) {
		table_print(&classes, out);
		table_print(&ports, out);
	}
	free(classes.cells);
	free(ports.cells);
	print_port_changes(&(struct port_changes_shown) {capture->changes, capture->change_count,
							 capture->begin_ns, "beginning"},
			   out);
}

/* Reports dropped packets and lost ports; returns the exit status. */
static int report_missing(const struct netsim_capture *capture)
{
	size_t gone = 0;

	for (size_t i = 0; i < capture->port_count; i++) {
		gone += capture->ports[i]->gone;
		if (capture->ports[i]->dropped)
			fprintf(stderr,
				"netsim: dropped %" PRIu64 " of %" PRIu64
				" packets at %s: they arrived faster than they were read; use a "
				"larger --buffer, a --filter or a shorter --snap\n",
				capture->ports[i]->dropped, capture->ports[i]->received,
				capture->ports[i]->name);
	}
	print_gone_ports(gone, capture->port_count);
	return capture->dropped || gone ? exit_status(NETSIM_ERR_FAILED) : 0;
}

static void print_plan(const struct netsim_capture *capture)
{
	for (size_t i = 0; i < capture->port_count; i++)
		printf("would capture at %s\n", capture->ports[i]->name);
}

static void catch_signals(void)
{
	interrupt_catch();
	/* EPIPE: the reader closed stdout; finish with the usual summary. */
	signal(SIGPIPE, SIG_IGN);
}

/* True if the reader has closed its end of standard output. */
static bool has_no_reader(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

static int capture(const struct capture_args *args, const struct netsim_capture_opts *how,
		   struct netsim_err *err)
{
	struct netsim_capture *result = NULL;
	struct netsim_diags diags = {0};
	struct netsim *ctx = NULL;
	int r = open_machine(&args->common, &args->machine, &ctx, err);

	catch_signals();
	if (r == 0)
		r = netsim_capture(ctx, how, &result, &diags, err);
	close_machine(ctx, r);
	progress_clear();
	r = report_file(r, &args->common, &diags, err);
	if (r != 0)
		return r;
	if (how->dry_run)
		print_plan(result);
	else if (args->common.json)
		print_json_summary(result, summary_stream(args));
	else if (!args->common.quiet)
		print_summary(result, summary_stream(args));
	fflush(stdout);
	r = report_missing(result);
	netsim_capture_free(result);
	/* EPIPE is no error; other write errors are. */
	if (has_no_reader())
		clearerr(stdout);
	return r;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct capture_args *args = p;
	const struct common *common = &args->common;
	struct show show = {.quiet = common->quiet};
	struct netsim_capture_opts how = {.size = sizeof(how),
					  .fleet = common->fleet,
					  .targets = (const char *const *)common->words,
					  .target_count = (size_t)common->count,
					  .file = args->write,
					  .dir = args->dir,
					  .filter = args->filter,
					  .classes = args->class.list,
					  .class_count = args->class.count,
					  .class_file = args->classes,
					  .keep_files = args->keep,
					  .for_ns = args->for_ns,
					  .count = args->count,
					  .dry_run = common->dry,
					  .progress = show_progress,
					  .arg = &show};
	int r = 0;

	if (args->write && args->dir)
		r = usage_error(err, &cmd_capture, "--write and --dir exclude each other");
	if (r == 0)
		r = parse_size("snap", args->snap, &how.snap_bytes, err);
	if (r == 0)
		r = parse_size("buffer", args->buffer, &how.buffer_bytes, err);
	if (r == 0)
		r = parse_rotate(args, &how, err);
	if (r == 0)
		r = parse_direction(args->direction, &how, err);
	if (r == 0 && args->write && strcmp(args->write, "-") == 0 && isatty(STDOUT_FILENO))
		r = usage_error(err, &cmd_capture,
				"--write - would print the capture on a terminal; redirect it");
	if (r == 0 && args->write && strcmp(args->write, "-") == 0 && common->json)
		r = usage_error(err, &cmd_capture, "--json and --write - both use standard output");
	if (!args->write && !args->dir && !common->json)
		how.packet = show_packet;
	else
		show.progress = progress_wanted(common);
	if (how.packet)
		setvbuf(stdout, NULL, _IOLBF, 0);
	if (r == 0)
		r = capture(args, &how, err);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "[TARGET]...",
	.summary = "Capture packets at the ports to files, or print a line for each.",
	.opts = opts,
	.max = -1,
};

const struct cmd cmd_capture = {
	.name = "capture",
	.syntax = &syntax,
	.size = sizeof(struct capture_args),
	.run = run,
};
