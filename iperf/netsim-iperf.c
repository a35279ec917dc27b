/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netsim-iperf: one end of one measurement by libiperf, for netsim iperf.
 *
 *   netsim-iperf --version
 *   netsim-iperf PARENT SECONDS IPERF3-OPTION...
 *
 * A program of its own because libiperf ends the process that it runs in, keeps
 * its state in globals and exports names like warning() and units(). PARENT is the
 * process with which this one ends; for so many SECONDS a client tries again where
 * the server does not listen yet, or still has another client. The result goes to
 * standard output as iperf3's JSON, with a key "error" where it failed; a client
 * that tries again empties it, so that it has to be a file, if one in memory.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <iperf_api.h>

#define PAUSE_NS 20000000 /* between two tries of a client */
#define OWN_ARGS 2	  /* before iperf3's options */

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* libiperf makes a file for each stream, and does not say so when it cannot. */
static int choose_tmpdir(void)
{
	const char *folders[] = {getenv("TMPDIR"), "/tmp", "/dev/shm", "/run"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (folders[i] && access(folders[i], W_OK | X_OK) == 0)
			return setenv("TMPDIR", folders[i], 1);
	return -1;
}

/* Only where iperf has not printed its own. */
static int fail(const char *message)
{
	fflush(stdout);
	if (lseek(STDOUT_FILENO, 0, SEEK_CUR) > 0)
		return 1;
	fputs("{\"error\": \"", stdout);
	for (; *message; message++)
		if (*message == '"' || *message == '\\')
			printf("\\%c", *message);
		else if ((unsigned char)*message >= ' ')
			putchar(*message);
	puts("\"}");
	fflush(stdout);
	return 1;
}

/* The server is not there yet, or not free yet. */
static int is_server_busy(struct iperf_test *test)
{
	const char *json = iperf_get_test_json_output_string(test);

	return json && (strstr(json, "\"unable to connect to server: Connection refused\"") ||
			strstr(json, "the server is busy running a test"));
}

/* Starts from scratch: libiperf's globals are as the last test left them. */
static void try_again(char **argv, double deadline)
{
	struct timespec pause = {.tv_nsec = PAUSE_NS};
	char remaining[32];

	nanosleep(&pause, NULL);
	snprintf(remaining, sizeof(remaining), "%.3f", deadline - now_seconds());
	argv[2] = remaining;
	fflush(stdout);
	if (ftruncate(STDOUT_FILENO, 0) == 0 && lseek(STDOUT_FILENO, 0, SEEK_SET) == 0)
		execv(argv[0], argv);
}

static int measure(int argc, char **argv, double deadline)
{
	struct iperf_test *test = iperf_new_test();
	int r;

	if (!test || iperf_defaults(test) < 0)
		return fail("out of memory");
	/* It takes its first word for the name of the program. */
	if (iperf_parse_arguments(test, argc - OWN_ARGS, argv + OWN_ARGS) < 0)
		return fail(iperf_strerror(i_errno));
	r = iperf_get_test_role(test) == 's' ? iperf_run_server(test) : iperf_run_client(test);
	if (is_server_busy(test) && now_seconds() < deadline)
		try_again(argv, deadline);
	return r < 0 ? fail(iperf_strerror(i_errno)) : 0;
}

int main(int argc, char **argv)
{
	double deadline;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%s\n", iperf_get_iperf_version());
		return 0;
	}
	if (argc < OWN_ARGS + 2) {
		fputs("netsim-iperf is started by netsim iperf\n", stderr);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != atoi(argv[1]))
		return 1;
	signal(SIGPIPE, SIG_IGN);
	if (choose_tmpdir() < 0)
		return fail("no folder can be written to for its buffers; set TMPDIR");
	deadline = now_seconds() + atof(argv[2]);
	return measure(argc, argv, deadline);
}
