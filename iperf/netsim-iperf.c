/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netsim-iperf: runs one end of a libiperf measurement, for netsim iperf.
 *
 *   netsim-iperf --version
 *   netsim-iperf PARENT SECONDS IPERF3-OPTION...
 *
 * A separate program, because libiperf exits its process, keeps its state in globals and
 * exports names like warning() and units(). PARENT is the pid of the parent; this
 * process is killed when the parent exits. For SECONDS, a client retries while the server does
 * not listen yet or serves another client. The result goes to standard output as
 * iperf3's JSON, with a key "error" on failure, and after SIGTERM to a client. A retry truncates
 * standard output, so it must be a regular file or a memfd.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <iperf_api.h>

#define PAUSE_NS   20000000 /* between retries of a client, and looks at idle sockets */
#define OWN_ARGS   2	    /* before iperf3's options */
#define IDLE_LOOKS 10	    /* at sockets, without waiting, that show nothing */

/*
 * libiperf calls this in place of libc's. After the end of a transfer libiperf 3.12 runs its timers
 * no more, and no longer waits in select(), because they are due: it would compute until the
 * results arrive, for as long as they are cut off. While it runs them, only a few such calls follow
 * each other.
 */
__attribute__((visibility("default"))) int select(int count, fd_set *in, fd_set *out,
						  fd_set *except, struct timeval *timeout)
{
	static int idle;
	bool looks = timeout && !timeout->tv_sec && !timeout->tv_usec;
	struct timespec wait = {0};
	int r;

	if (timeout)
		wait = (struct timespec) {timeout->tv_sec, timeout->tv_usec * 1000};
	if (looks && idle >= IDLE_LOOKS)
		wait.tv_nsec = PAUSE_NS;
	r = pselect(count, in, out, except, timeout ? &wait : NULL, NULL);
	idle = looks && r == 0 ? idle + 1 : 0;
	return r;
}

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Sets TMPDIR: libiperf creates a file there per stream and does not report failure. */
static int choose_tmpdir(void)
{
	const char *folders[] = {getenv("TMPDIR"), "/tmp", "/dev/shm", "/run"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (folders[i] && access(folders[i], W_OK | X_OK) == 0)
			return setenv("TMPDIR", folders[i], 1);
	return -1;
}

/* Prints a JSON error, unless libiperf has already printed a result. */
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

/* True if the server does not listen yet or serves another client. */
static int is_server_busy(struct iperf_test *test)
{
	const char *json = iperf_get_test_json_output_string(test);

	return json && (strstr(json, "\"unable to connect to server: Connection refused\"") ||
			strstr(json, "the server is busy running a test"));
}

/* Retries by execv(): libiperf's globals still hold the state of the failed test. */
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

/*
 * True if the kernel has the congestion control that was asked for. Checked before the client
 * connects: both ends set it, and the client's message names the cause only if the client fails
 * before the server.
 */
static int has_congestion_control(struct iperf_test *test)
{
	const char *name = iperf_get_test_congestion_control(test);
	int fd, r;

	if (!name)
		return 1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	r = setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));
	close(fd);
	return r == 0;
}

static sigjmp_buf end_early;

static void on_signal(int number)
{
	(void)number;
	siglongjmp(end_early, 1);
}

/* As iperf3 does: SIGTERM ends the client, which tells the server, and both print what they have.
 */
static int run_client(struct iperf_test *test)
{
	if (sigsetjmp(end_early, 1))
		iperf_got_sigend(test);
	signal(SIGTERM, on_signal);
	return iperf_run_client(test);
}

static int measure(int argc, char **argv, double deadline)
{
	struct iperf_test *test = iperf_new_test();
	int r;

	if (!test || iperf_defaults(test) < 0)
		return fail("out of memory");
	/* libiperf takes the first argument for the name of the program. */
	if (iperf_parse_arguments(test, argc - OWN_ARGS, argv + OWN_ARGS) < 0)
		return fail(iperf_strerror(i_errno));
	if (!has_congestion_control(test))
		return fail(iperf_strerror(IESETCONGESTION));
	r = iperf_get_test_role(test) == 's' ? iperf_run_server(test) : run_client(test);
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
		fputs("netsim-iperf: run by netsim iperf, not directly\n", stderr);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != atoi(argv[1]))
		return 1;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN); /* but see run_client() */
	if (choose_tmpdir() < 0)
		return fail("no writable directory for buffers; set TMPDIR");
	deadline = now_seconds() + atof(argv[2]);
	return measure(argc, argv, deadline);
}
