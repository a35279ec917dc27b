// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Probes as netsim run does, and prints the samples or their sum.
 *
 *   probes [-s SECONDS] [-e MS] [-t MS] [-n NETNS] [-c COUNT] [-S STATUS] [-B BODY] [-f] [-q]
 *          PROBE...
 *
 * A PROBE is http://HOST:PORT/PATH, tcp:HOST:PORT, ping:HOST or run:COMMAND (words split at
 * spaces); -c repeats the last one. Options apply to all: the seconds (1), the interval (100 ms),
 * the timeout (50 ms), the namespace, the status and body expected, -f for fresh connections.
 *
 * Prints a line "PROBE DUE SENT END RESULT STATUS ERROR TEXT" per sample, times in ms since the
 * first was due; with -q only the summary, which is the last line:
 *
 *   sum SAMPLES ok OK late MEDIAN P99 MAX rtt MEDIAN P99 cpu PERCENT realtime yes|no
 *
 * with the lateness and the time to the answer in ms, and the processor time of all threads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "netsim/run/prober.h"

#define MAX	    1024
#define MAX_SAMPLES 2000000

static struct prober_probe probes[MAX];
static const char *words[MAX][16];
static size_t count;
static struct prober_sample *samples;
static size_t sample_count;

static void on_sample(void *arg, const struct prober_sample *sample)
{
	(void)arg;
	if (sample_count < MAX_SAMPLES)
		samples[sample_count++] = *sample;
}

static void usage(void)
{
	fputs("usage: probes [-s S] [-e MS] [-t MS] [-n NETNS] [-c COUNT] [-S STATUS] [-B BODY] "
	      "[-f] "
	      "[-q] PROBE...\n",
	      stderr);
	exit(2);
}

static void read_probe(char *text, struct prober_probe *probe, const char **argv)
{
	char *colon = strrchr(text, ':');
	size_t n = 0;

	probe->name = strdup(text);
	probe->cgroup = -1;
	if (strncmp(text, "http", 4) == 0) {
		probe->kind = PROBER_HTTP;
		probe->url = text;
	} else if (strncmp(text, "tcp:", 4) == 0 && colon > text + 3) {
		*colon = '\0';
		probe->kind = PROBER_TCP;
		probe->host = text + 4;
		probe->port = (uint16_t)atoi(colon + 1);
	} else if (strncmp(text, "ping:", 5) == 0) {
		probe->kind = PROBER_PING;
		probe->host = text + 5;
	} else if (strncmp(text, "run:", 4) == 0) {
		probe->kind = PROBER_RUN;
		for (char *word = strtok(text + 4, " "); word && n < 15; word = strtok(NULL, " "))
			argv[n++] = word;
		probe->run = argv;
	} else {
		usage();
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(double *sorted, size_t n, double q)
{
	return n ? sorted[(size_t)(q * (double)(n - 1) + 0.5)] : 0;
}

static void print_samples(int64_t first)
{
	for (size_t i = 0; i < sample_count; i++) {
		const struct prober_sample *s = &samples[i];

		printf("%u %.3f %.3f %.3f %s %d %d %s\n", s->probe, (double)(s->due - first) / 1e6,
		       (double)(s->sent - first) / 1e6, (double)(s->end - first) / 1e6,
		       prober_result_name(s->result), s->status, s->error, s->text ? s->text : "");
	}
}

static void print_sum(double cpu, bool realtime)
{
	double *late = calloc(sample_count + 1, sizeof(*late));
	double *rtt = calloc(sample_count + 1, sizeof(*rtt));
	size_t ok = 0;

	for (size_t i = 0; i < sample_count; i++) {
		late[i] = (double)(samples[i].sent - samples[i].due) / 1e6;
		if (samples[i].result == PROBER_OK)
			rtt[ok++] = (double)(samples[i].end - samples[i].sent) / 1e6;
	}
	qsort(late, sample_count, sizeof(*late), compare);
	qsort(rtt, ok, sizeof(*rtt), compare);
	printf("sum %zu ok %zu late %.3f %.3f %.3f rtt %.3f %.3f cpu %.2f realtime %s\n",
	       sample_count, ok, quantile(late, sample_count, 0.5),
	       quantile(late, sample_count, 0.99), quantile(late, sample_count, 1),
	       quantile(rtt, ok, 0.5), quantile(rtt, ok, 0.99), cpu, realtime ? "yes" : "no");
	free(late);
	free(rtt);
}

static void run(double seconds, bool quiet)
{
	struct netsim_err err = {0};
	struct prober *prober;
	struct timespec pause = {(time_t)seconds,
				 (long)((seconds - (double)(time_t)seconds) * 1e9)};
	int64_t first = INT64_MAX;
	double cpu;
	bool realtime;

	if (prober_start(probes, count, on_sample, NULL, &prober, &err) < 0) {
		fprintf(stderr, "%s\n", err.what);
		exit(1);
	}
	nanosleep(&pause, NULL);
	cpu = (double)prober_cpu(prober) / 1e9 / seconds * 100;
	realtime = prober_is_realtime(prober);
	prober_stop(prober);
	for (size_t i = 0; i < sample_count; i++)
		if (samples[i].due < first)
			first = samples[i].due;
	if (!quiet)
		print_samples(first);
	print_sum(cpu, realtime);
}

int main(int argc, char **argv)
{
	struct prober_probe shared = {.every = 100000000, .timeout = 50000000};
	double seconds = 1;
	size_t repeat = 1;
	bool quiet = false;
	int option;

	while ((option = getopt(argc, argv, "s:e:t:n:c:S:B:fq")) != -1) {
		switch (option) {
		case 's':
			seconds = atof(optarg);
			break;
		case 'e':
			shared.every = (int64_t)(atof(optarg) * 1e6);
			break;
		case 't':
			shared.timeout = (int64_t)(atof(optarg) * 1e6);
			break;
		case 'n':
			shared.netns = optarg;
			break;
		case 'c':
			repeat = (size_t)atol(optarg);
			break;
		case 'S':
			shared.status = (unsigned)atoi(optarg);
			break;
		case 'B':
			shared.body = optarg;
			break;
		case 'f':
			shared.fresh = true;
			break;
		case 'q':
			quiet = true;
			break;
		default:
			usage();
		}
	}
	for (int i = optind; i < argc && count < MAX; i++) {
		probes[count] = shared;
		probes[count].probe = (unsigned)count;
		read_probe(argv[i], &probes[count], words[count]);
		count++;
	}
	if (!count)
		usage();
	for (; repeat > 1 && count < MAX; repeat--, count++) {
		probes[count] = probes[count - 1];
		probes[count].probe = (unsigned)count;
	}
	samples = calloc(MAX_SAMPLES, sizeof(*samples));
	run(seconds, quiet);
	free(samples);
	return 0;
}
