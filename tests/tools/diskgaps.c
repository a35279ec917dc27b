/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches a file for new content, to say when the writes to a disk that is kept in it stopped.
 *
 *   diskgaps FILE MS
 *
 * Waits for the file, and looks at the first bytes of each 4 KiB of its first MiB a thousand
 * times a second, through a mapping, so that it sees what other processes write at once. Until
 * SIGTERM, prints a line for each time longer than MS in which nothing changed, after the first
 * change: "gap BEGIN END", in seconds of CLOCK_MONOTONIC. Each end is at most as late as the time
 * between two looks; the last line is "slowest MS", the longest such time.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIZE	(1 << 20)
#define BLOCK	4096
#define LOOK_NS 1000000

static volatile sig_atomic_t ended;

static void on_term(int signal)
{
	(void)signal;
	ended = 1;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static const volatile uint64_t *map(const char *path)
{
	struct stat st = {0};
	void *data;
	int fd;

	while (!ended && (stat(path, &st) < 0 || st.st_size < SIZE))
		nanosleep(&(struct timespec) {0, LOOK_NS}, NULL);
	fd = open(path, O_RDONLY);
	data = fd < 0 ? MAP_FAILED : mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	return data;
}

int main(int argc, char **argv)
{
	static uint64_t known[SIZE / BLOCK];
	const struct sched_param priority = {.sched_priority = 1};
	const volatile uint64_t *data;
	int64_t limit, changed = 0, last, slowest = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: diskgaps FILE MS\n");
		return 2;
	}
	limit = atoll(argv[2]) * 1000000;
	signal(SIGTERM, on_term);
	sched_setscheduler(0, SCHED_FIFO, &priority);
	data = map(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (last = now(); !ended; nanosleep(&(struct timespec) {0, LOOK_NS}, NULL)) {
		int64_t time = now();
		bool change = false;

		if (time - last > slowest)
			slowest = time - last;
		last = time;
		for (size_t i = 0; i < SIZE / BLOCK; i++) {
			uint64_t seen = data[i * BLOCK / sizeof(seen)];

			change |= seen != known[i];
			known[i] = seen;
		}
		if (!change)
			continue;
		if (changed && time - changed > limit)
			printf("gap %.4f %.4f\n", (double)changed / 1e9, (double)time / 1e9);
		changed = time;
	}
	printf("slowest %.1f\n", (double)slowest / 1e6);
	return 0;
}
