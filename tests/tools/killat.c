/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a command and kills it with SIGKILL after a number of seconds:
 *
 *   killat SECONDS CMD...
 *
 * Exit status: 137 if the command was killed, else that of the command.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? strtod(argv[1], NULL) : -1;
	struct timespec delay;
	int status;
	pid_t pid;

	if (seconds < 0) {
		fprintf(stderr, "usage: killat SECONDS CMD...\n");
		return 2;
	}
	delay.tv_sec = (time_t)seconds;
	delay.tv_nsec = (long)((seconds - (double)delay.tv_sec) * 1e9);
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0) {
		perror("killat");
		return 2;
	}
	nanosleep(&delay, NULL);
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) < 0)
		return 2;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
