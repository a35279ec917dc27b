/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "netsim/kernel/netns.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define STACK_SIZE (256 << 10)
#define PATH_TEXT  4096

/* Shared by this process and the child, which runs while the calling thread waits. */
struct child {
	const struct process_spec *spec;
	const char **env;
	const char *path; /* value of PATH; the command is looked up in it */
	int log, null;
	int code;	   /* a negative errno: the child could not execute the command */
	const char *where; /* the step that failed, with name; NULL: the command itself */
	const char *name;
	struct netsim_err err; /* filled when it could not enter the node */
};

/* --- in the child */

static int fail(struct child *child, const char *where, const char *name)
{
	child->code = -errno;
	child->where = where;
	child->name = name;
	return 127;
}

static void reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &action, NULL); /* fails for SIGKILL and SIGSTOP */
}

/* execve(2) after a look-up in PATH; unlike execvpe(3), never with a shell. */
static void execute(const struct child *child)
{
	char *const *argv = (char *const *)child->spec->argv, *const *env =
								      (char *const *)child->env;
	const char *name = argv[0], *part = child->path, *end;
	int code = ENOENT;
	char path[PATH_TEXT];

	if (strchr(name, '/')) {
		execve(name, argv, env);
		return;
	}
	for (; *name && part; part = *end ? end + 1 : NULL) {
		end = strchrnul(part, ':');
		if (snprintf(path, sizeof(path), "%.*s/%s", (int)(end - part),
			     end > part ? part : ".", name) >= (int)sizeof(path))
			continue;
		execve(path, argv, env);
		if (errno != ENOENT && errno != ENOTDIR)
			code = errno;
		if (code != ENOENT && code != EACCES)
			break;
	}
	errno = code;
}

static int child_main(void *arg)
{
	struct child *child = arg;
	const struct process_spec *spec = child->spec;
	sigset_t none;

	reset_signals();
	setsid();
	if (spec->cgroup >= 0 && write(spec->cgroup, "0", 1) != 1)
		return fail(child, "cannot move into the cgroup of", spec->argv[0]);
	if (spec->netns) {
		child->code = netns_enter(spec->netns, &child->err);
		if (child->code < 0)
			return 127;
	}
	if (spec->folder && chdir(spec->folder) < 0)
		return fail(child, "cannot change to the folder", spec->folder);
	if (dup2(child->null, 0) < 0 || dup2(child->log, 1) < 0 || dup2(child->log, 2) < 0 ||
	    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return fail(child, "cannot prepare the descriptors of", spec->argv[0]);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execute(child);
	return fail(child, NULL, spec->argv[0]);
}

/* --- in this process */

static bool same_key(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return strncmp(a, b, length + 1) == 0;
}

/* Merges this process's environment and the additions, which win. */
static const char **make_env(const char *const *more)
{
	size_t have = 0, added = 0, count = 0;
	const char **env;

	while (environ && environ[have])
		have++;
	while (more && more[added])
		added++;
	env = calloc(have + added + 1, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < have; i++) {
		bool replaced = false;

		for (size_t j = 0; j < added; j++)
			replaced |= same_key(more[j], environ[i]);
		if (!replaced)
			env[count++] = environ[i];
	}
	for (size_t j = 0; j < added; j++)
		env[count++] = more[j];
	return env;
}

static const char *find_path(const char *const *env)
{
	for (size_t i = 0; env[i]; i++)
		if (strncmp(env[i], "PATH=", 5) == 0)
			return env[i] + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

bool process_exists(const char *name)
{
	const char *part = find_path((const char *const *)environ), *end;
	char path[PATH_TEXT];

	for (; part; part = *end ? end + 1 : NULL) {
		end = strchrnul(part, ':');
		if (snprintf(path, sizeof(path), "%.*s/%s", (int)(end - part),
			     end > part ? part : ".", name) < (int)sizeof(path) &&
		    access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static int open_files(struct child *child, struct netsim_err *err)
{
	const char *log = child->spec->log;

	child->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (child->null < 0)
		return err_errno(err, -errno, NULL, "cannot open /dev/null");
	child->log = log ? open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) :
			   fcntl(child->spec->output ? child->spec->output : child->null,
				 F_DUPFD_CLOEXEC, 3);
	return child->log < 0 ? err_errno(err, -errno, NULL, "cannot write %s", log ? log : "") : 0;
}

static int report(const struct child *child, struct netsim_err *err)
{
	const char *name = child->spec->argv[0];

	if (child->err.kind != NETSIM_ERR_NONE)
		return err_set(err, child->err.kind, child->code, NULL, "cannot run %s: %s", name,
			       child->err.what);
	if (child->where)
		return err_errno(err, child->code, NULL, "%s %s", child->where, child->name);
	err_set(err, NETSIM_ERR_ENV, child->code, NULL, "cannot run %s: %s", name,
		strerror(-child->code));
	if (child->code == -ENOENT && strchr(name, '/') && access(name, F_OK) == 0)
		err_hint(err, "the file exists: its interpreter or loader does not");
	return child->code;
}

/*
 * CLONE_VFORK: the calling thread continues when the child has executed the command or exited.
 * All signals are blocked until then, because the child would run this process's handlers.
 */
static int clone_child(struct child *child, struct process *ret)
{
	auto_free char *stack = malloc(STACK_SIZE);
	sigset_t all, before;
	int pid, pidfd = -1;

	if (!stack)
		return -ENOMEM;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pid = clone(child_main, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
		    child, &pidfd);
	if (pid < 0)
		pid = -errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return pid;
	*ret = (struct process) {pid, pidfd, clock_ns(CLOCK_MONOTONIC)};
	return 0;
}

int process_start(const struct process_spec *spec, struct process *ret, struct netsim_err *err)
{
	auto_free const char **env = make_env(spec->env);
	struct child child = {.spec = spec, .env = env, .log = -1, .null = -1};
	struct process process;
	struct process_exit end;
	int r = env ? open_files(&child, err) : err_oom(err);

	if (r == 0) {
		child.path = find_path(env);
		r = clone_child(&child, &process);
		if (r < 0)
			err_errno(err, r, NULL, "cannot run %s", spec->argv[0]);
	}
	if (child.null >= 0)
		close(child.null);
	if (child.log >= 0)
		close(child.log);
	if (r < 0)
		return r;
	if (child.code < 0) {
		process_collect(&process, true, &end);
		return report(&child, err);
	}
	*ret = process;
	return 0;
}

int process_collect(struct process *process, bool wait, struct process_exit *ret)
{
	siginfo_t info = {0};
	int r;

	do
		r = waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | (wait ? 0 : WNOHANG));
	while (r < 0 && errno == EINTR);
	if (r == 0 && info.si_pid == 0)
		return 0;
	/* ECHILD: this process ignores SIGCHLD, and the kernel has collected the child. */
	*ret = (struct process_exit) {r == 0 && info.si_code != CLD_EXITED,
				      r == 0 ? info.si_status : 0, clock_ns(CLOCK_MONOTONIC)};
	close(process->pidfd);
	process->pidfd = -1;
	return 1;
}

int process_signal(const struct process *process, int sig)
{
	if (process->pidfd < 0 || pidfd_send_signal(process->pidfd, sig, NULL, 0) == 0)
		return 0;
	return errno == ESRCH ? 0 : -errno;
}

void process_signal_group(const struct process *process, int sig)
{
	if (process->pidfd >= 0)
		kill(-process->pid, sig);
}

const char *process_exit_text(const struct process_exit *end, char buf[static PROCESS_TEXT])
{
	const char *name = end->killed ? sigabbrev_np(end->code) : NULL;

	if (name)
		snprintf(buf, PROCESS_TEXT, "was killed by SIG%s", name);
	else if (end->killed)
		snprintf(buf, PROCESS_TEXT, "was killed by signal %d", end->code);
	else
		snprintf(buf, PROCESS_TEXT, "ended with exit status %d", end->code);
	return buf;
}
