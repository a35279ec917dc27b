/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iperf_run.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"
#include "out.h"

#define CONNECT_SECONDS	 8  /* for establishing the connection */
#define GRACE_SECONDS	 15 /* after the end, for the results to arrive */
#define LISTEN_SECONDS	 "5"
#define FOREIGN_SECONDS	 "1" /* a server in a guest may still be busy */
#define FAREWELL_SECONDS 2   /* for the server to exit after the client */
#define LOOK_SECONDS	 0.2 /* between looks at the signals and the meter */
#define TEXT_OF(n)	 #n
#define MS_TEXT(n)	 TEXT_OF(n) "000"

struct child {
	pid_t pid;
	int pidfd;
	int out, errors; /* memfds: need no reader while it runs */
	bool ended;
	int status;
};

static int failed(struct netsim_err *err, enum netsim_err_kind kind, int code, const char *what,
		  const char *why)
{
	err->kind = kind;
	err->code = code;
	snprintf(err->what, sizeof(err->what), "%.120s: %.180s", what, why);
	return code;
}

/* --- in the child */

static void complain(const char *what)
{
	json_t *json = json_pack("{s:s}", "error", what);

	json_dumpf(json, stdout, 0);
	fflush(stdout);
	_exit(1);
}

static void enter(const char *fleet, const char *node)
{
	struct netsim_err err = {0};
	struct netsim *ctx = NULL;

	if (strcmp(node, "host") == 0)
		return;
	if (netsim_open(&ctx, &err) < 0 || netsim_enter(ctx, fleet, node, &err) < 0)
		complain(err.what);
	netsim_close(ctx);
}

static void become(const struct child *child, const struct iperf_run *run, const char *node,
		   pid_t parent, const char **words)
{
	int nothing = memfd_create("netsim-iperf-in", 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
	    dup2(child->out, STDOUT_FILENO) < 0 || dup2(child->errors, STDERR_FILENO) < 0)
		_exit(1);
	/* Ctrl-C ends the parent's measurement, which then ends this process. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	enter(run->fleet, node);
	close_range(3, ~0U, 0);
	execv(run->helper, (char *const *)words);
	complain("cannot be started");
}

/* --- children */

static int start(struct child *child, const struct iperf_run *run, const char *node,
		 const char *patience, const char *const *options, struct netsim_err *err)
{
	const char *words[IPERF_WORDS + 16] = {run->helper};
	pid_t parent = getpid();
	char parent_text[16];
	size_t count = 1;

	snprintf(parent_text, sizeof(parent_text), "%d", (int)parent);
	words[count++] = parent_text;
	words[count++] = patience;
	while (*options && count < IPERF_WORDS + 15)
		words[count++] = *options++;
	child->out = memfd_create("netsim-iperf-out", MFD_CLOEXEC);
	child->errors = memfd_create("netsim-iperf-errors", MFD_CLOEXEC);
	fflush(stdout);
	child->pid = child->out < 0 || child->errors < 0 ? -1 : fork();
	if (child->pid == 0)
		become(child, run, node, parent, words);
	if (child->pid > 0)
		child->pidfd = pidfd_open(child->pid, 0);
	if (child->pid < 0 || child->pidfd < 0)
		return failed(err, NETSIM_ERR_ENV, -errno, "cannot start netsim-iperf",
			      strerror(errno));
	return 0;
}

static bool has_ended(struct child *child)
{
	if (!child->ended && child->pid > 0)
		child->ended = waitpid(child->pid, &child->status, WNOHANG) == child->pid;
	return child->ended;
}

static void end(struct child *child)
{
	if (child->pid > 0 && !has_ended(child)) {
		kill(child->pid, SIGKILL);
		child->ended = waitpid(child->pid, &child->status, 0) == child->pid;
	}
}

static void done(struct child *child)
{
	end(child);
	if (child->pidfd >= 0)
		close(child->pidfd);
	if (child->out >= 0)
		close(child->out);
	if (child->errors >= 0)
		close(child->errors);
}

/* Waits until one of them ends, for at most this many seconds. */
static void wait_for(const struct child *a, const struct child *b, double seconds)
{
	struct pollfd fds[2] = {{.fd = a->ended ? -1 : a->pidfd, .events = POLLIN},
				{.fd = b->ended ? -1 : b->pidfd, .events = POLLIN}};

	if (seconds > 0)
		(void)poll(fds, 2, (int)(seconds * 1e3) + 1);
}

/* --- results and errors */

static json_t *result_of(const struct child *child)
{
	if (child->out < 0 || lseek(child->out, 0, SEEK_SET) < 0)
		return NULL;
	return json_loadfd(child->out, JSON_DISABLE_EOF_CHECK, NULL);
}

static const char *error_in(const json_t *result)
{
	return json_string_value(json_object_get(result, "error"));
}

/* Returns the first line of stderr; "" if there is none. */
static void complaint_of(const struct child *child, char *text, size_t size)
{
	ssize_t got = child->errors < 0 ? -1 : pread(child->errors, text, size - 1, 0);

	text[got > 0 ? got : 0] = 0;
	text[strcspn(text, "\n")] = 0;
}

/* Reports a client or server that exited without valid JSON. */
static int describe_silence(const struct child *child, const char *what, struct netsim_err *err)
{
	char text[160];

	complaint_of(child, text, sizeof(text));
	if (WIFEXITED(child->status) && WEXITSTATUS(child->status) == 127) {
		/* 127: from the dynamic linker, with its message. */
		failed(err, NETSIM_ERR_ENV, -ENOENT, "cannot start netsim-iperf", text);
		snprintf(err->hint, sizeof(err->hint), "install Debian's libiperf0");
		return -ENOENT;
	}
	if (!*text && WIFSIGNALED(child->status))
		snprintf(text, sizeof(text), "netsim-iperf was killed by signal %d",
			 WTERMSIG(child->status));
	return failed(err, NETSIM_ERR_FAILED, -EIO, what,
		      *text ? text : "netsim-iperf exited without a result");
}

static int describe(const struct iperf_run *run, const char *what, const char *why,
		    struct netsim_err *err)
{
	failed(err, NETSIM_ERR_FAILED, -EIO, what, why);
	if (strstr(why, "unable to start listener"))
		snprintf(err->hint, sizeof(err->hint),
			 "port %u may be in use there; choose another with --port", run->port);
	else if (!run->server && strstr(why, "Connection refused"))
		snprintf(err->hint, sizeof(err->hint),
			 "run `iperf3 -s` there, listening on %s port %u", run->address, run->port);
	return -EIO;
}

/* --- progress */

/* Reads the byte counters of the device in the client's network namespace. */
static bool read_counters(pid_t pid, const char *device, double *out, double *in)
{
	char path[64], line[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	file = *device ? fopen(path, "re") : NULL;
	while (file && !found && fgets(line, sizeof(line), file)) {
		char *name = line + strspn(line, " "), *colon = strchr(name, ':');

		if (!colon)
			continue;
		*colon = 0;
		found = strcmp(name, device) == 0 &&
			sscanf(colon + 1, "%lf %*s %*s %*s %*s %*s %*s %*s %lf", in, out) == 2;
	}
	if (file)
		fclose(file);
	return found;
}

struct meter {
	double next;
	unsigned second;
	double out, in;
};

static void tick(struct meter *meter, const struct iperf_run *run, pid_t pid)
{
	double out = 0, in = 0;

	if (!run->progress || now_seconds() < meter->next)
		return;
	meter->next += 1;
	if (read_counters(pid, run->device, &out, &in) && meter->second)
		run->progress(run->arg, meter->second, 8 * (out - meter->out),
			      8 * (in - meter->in));
	meter->second++;
	meter->out = out;
	meter->in = in;
}

/* --- one measurement */

/* Waits a moment until both ends have ended, or the client, if netsim has started no server. */
static void let_end(struct child *client, struct child *server)
{
	double deadline = now_seconds() + FAREWELL_SECONDS;

	while ((!has_ended(client) || (server->pid > 0 && !has_ended(server))) &&
	       now_seconds() < deadline)
		wait_for(server, client, deadline - now_seconds());
}

/* Has both ends print what they have: the client tells the server. */
static int end_early(struct child *client, struct child *server, const char *what,
		     struct netsim_err *err)
{
	if (!has_ended(client))
		kill(client->pid, SIGTERM);
	let_end(client, server);
	return failed(err, NETSIM_ERR_FAILED, -EINTR, what, "interrupted before its result");
}

static int await(const struct iperf_run *run, struct child *client, struct child *server,
		 const char *what, struct netsim_err *err)
{
	double last = now_seconds() + CONNECT_SECONDS + run->seconds + GRACE_SECONDS;
	struct meter meter = {.next = now_seconds()};
	char why[160];

	while (!has_ended(client)) {
		double now = now_seconds();

		if (interrupted())
			return end_early(client, server, what, err);
		if (now > last) {
			snprintf(why, sizeof(why),
				 "no result %d s after the end: the connection broke, or all "
				 "packets are lost",
				 GRACE_SECONDS);
			return failed(err, NETSIM_ERR_FAILED, -ETIMEDOUT, what, why);
		}
		/* If the server fails early, the client would connect to another server. */
		if (server->pid > 0 && has_ended(server)) {
			json_t *said = result_of(server);
			const char *error = error_in(said);
			int r = !said ? describe_silence(server, what, err) :
				error ? describe(run, what, error, err) :
					0;

			json_decref(said);
			if (r < 0)
				return r;
		}
		tick(&meter, run, client->pid);
		wait_for(client, server, fmin(LOOK_SECONDS, last - now));
	}
	/* The signal may have been sent to the client, too. */
	if (interrupted())
		return end_early(client, server, what, err);
	let_end(client, server);
	return 0;
}

static int conclude(const struct iperf_run *run, const struct child *client, const char *what,
		    json_t **ret, struct netsim_err *err)
{
	json_t *said = result_of(client);
	const char *error = error_in(said);
	int r = 0;

	if (!said)
		return describe_silence(client, what, err);
	if (error || !json_object_get(json_object_get(said, "end"), "sum_received")) {
		r = describe(run, what, error ? error : "the result of iperf has no sums", err);
		json_decref(said);
		return r;
	}
	*ret = said;
	return 0;
}

int iperf_run(const struct iperf_run *run, json_t **ret_client, json_t **ret_server,
	      struct netsim_err *err)
{
	struct child client = {.pidfd = -1, .out = -1, .errors = -1}, server = client;
	char port[16], what[160];
	/* Arguments for iperf, without argv[0]. */
	const char *listen[] = {"-s", "-1", "-J", "-B", run->address, "-p", port, NULL};
	const char *connect[IPERF_WORDS + 12] = {"-c",
						 run->address,
						 "-J",
						 "-p",
						 port,
						 "--connect-timeout",
						 MS_TEXT(CONNECT_SECONDS)};
	size_t count = 7;
	int r = 0;

	snprintf(port, sizeof(port), "%u", run->port);
	snprintf(what, sizeof(what), "%.60s > %.60s", run->from,
		 run->server ? run->server : run->address);
	for (size_t i = 0; i < IPERF_WORDS && run->options[i]; i++)
		connect[count++] = run->options[i];
	if (run->server)
		r = start(&server, run, run->server, "0", listen, err);
	if (r == 0)
		r = start(&client, run, run->from, run->server ? LISTEN_SECONDS : FOREIGN_SECONDS,
			  connect, err);
	if (r == 0)
		r = await(run, &client, &server, what, err);
	if (r == 0)
		r = conclude(run, &client, what, ret_client, err);
	else if (r == -EINTR && client.ended)
		*ret_client = result_of(&client);
	if (r == 0 || r == -EINTR)
		*ret_server = server.ended ? result_of(&server) : NULL;
	done(&client);
	done(&server);
	return r;
}
