// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs the members of workloads as its input says, one command per line:
 *
 *   workload FLEET
 *
 *   add NAME NODE LOG CMD...    a member; NODE "host": on the host; words are split at spaces
 *   env KEY=VALUE               in the environment of the members added from then on
 *   folder PATH                 their working directory
 *   start NAME NODE             prints "started NAME NODE PID"
 *   pause | continue | state NAME NODE
 *   kill SIGNAL NAME NODE
 *   ready NAME NODE MS tcp PORT | http URL | run CMD... | log TEXT
 *   end MS                      ends all members after this grace, prints "ended KILLED"
 *   descriptors                 prints "descriptors COUNT" of this process
 *   processes                   prints "process MEMBER PID" for each, then "listed"
 *
 * Prints "done COMMAND" or "error TEXT" after each, and "exit NAME NODE requested|alone TEXT" when
 * a member has ended.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/netns.h"
#include "netsim/run/cgroup.h"
#include "netsim/run/members.h"
#include "netsim/run/ready.h"

#define MAX	  64
#define MAX_WORDS 64

struct entry {
	char *line; /* holds the words */
	char *words[MAX_WORDS];
	char netns[160];
	struct process_spec spec;
	struct member *member;
};

static struct entry entries[MAX];
static size_t entry_count;
static const char *fleet;
static uint64_t own_id;
static struct members *members;
static const char *env[16];
static size_t env_count;
static char *folder;

static void on_end(void *arg, struct member *member, const struct member_end *end)
{
	char text[PROCESS_TEXT];

	(void)arg;
	(void)member;
	printf("exit %s %s %s %s\n", end->workload, end->node,
	       end->requested ? "requested" : "alone", process_exit_text(&end->exit, text));
	fflush(stdout);
}

static size_t split(char *line, char **words)
{
	size_t count = 0;

	for (char *word = strtok(line, " \n"); word && count < MAX_WORDS - 1;
	     word = strtok(NULL, " \n"))
		words[count++] = word;
	words[count] = NULL;
	return count;
}

static struct entry *find(char **words)
{
	for (size_t i = 0; i < entry_count; i++)
		if (words[0] && words[1] && strcmp(entries[i].words[1], words[0]) == 0 &&
		    strcmp(entries[i].words[2], words[1]) == 0)
			return &entries[i];
	fputs("workload: no such member\n", stderr);
	exit(2);
}

static int add(struct entry *entry, struct netsim_err *err)
{
	bool host = strcmp(entry->words[2], "host") == 0;

	snprintf(entry->netns, sizeof(entry->netns), "%s.%s", fleet, entry->words[2]);
	entry->spec = (struct process_spec) {.argv = (const char *const *)entry->words + 4,
					     .env = env,
					     .netns = host ? NULL : entry->netns,
					     .folder = folder,
					     .log = entry->words[3]};
	return members_add(members, entry->words[1], entry->words[2], &entry->spec, &entry->member,
			   err);
}

static bool has_ended(void *arg, char *why, size_t size)
{
	struct process_exit end;
	char text[PROCESS_TEXT];

	if (member_state(arg, &end) != MEMBER_ENDED)
		return false;
	snprintf(why, size, "%s", process_exit_text(&end, text));
	return true;
}

static int ready(char **words, struct netsim_err *err)
{
	struct entry *entry = find(words);
	struct ready_spec spec = {.who = words[1],
				  .netns = entry->spec.netns,
				  .log = entry->spec.log,
				  .log_start = member_log_start(entry->member),
				  .within = atoll(words[2]) * 1000000,
				  .cgroup = -1,
				  .stop = has_ended,
				  .arg = entry->member};

	if (strcmp(words[3], "tcp") == 0) {
		spec.kind = READY_TCP;
		spec.port = (uint16_t)atoi(words[4]);
	} else if (strcmp(words[3], "http") == 0) {
		spec.kind = READY_HTTP;
		spec.url = words[4];
	} else if (strcmp(words[3], "run") == 0) {
		spec.kind = READY_RUN;
		spec.run = (const char *const *)words + 4;
	} else {
		spec.kind = READY_LOG;
		spec.text = words[4];
	}
	return ready_wait(&spec, err);
}

static void print_state(struct member *member)
{
	static const char *const names[] = {"new", "running", "paused", "ended"};

	printf("state %s\n", names[member_state(member, NULL)]);
}

static void print_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -3; /* ., .. and that of dir */

	while (readdir(dir))
		count++;
	closedir(dir);
	printf("descriptors %d\n", count);
}

static int print_processes(struct netsim_err *err)
{
	struct cgroup_processes found = {0};
	int r = cgroup_processes(fleet, own_id, CGROUP_ALL, &found, err);

	for (size_t i = 0; r == 0 && i < found.count; i++)
		printf("process %s %d\n", found.list[i].member, found.list[i].pid);
	cgroup_processes_done(&found);
	return r;
}

static int signal_number(const char *name)
{
	for (int i = 1; i < 65; i++)
		if (sigabbrev_np(i) && strcmp(sigabbrev_np(i), name) == 0)
			return i;
	return atoi(name);
}

static int run(char **words, struct netsim_err *err)
{
	unsigned killed = 0;
	int r = 0;

	if (strcmp(words[0], "env") == 0) {
		env[env_count++] = strdup(words[1]);
	} else if (strcmp(words[0], "folder") == 0) {
		folder = strdup(words[1]);
	} else if (strcmp(words[0], "start") == 0) {
		r = member_start(find(words + 1)->member, err);
	} else if (strcmp(words[0], "pause") == 0) {
		r = member_pause(find(words + 1)->member, err);
	} else if (strcmp(words[0], "continue") == 0) {
		r = member_continue(find(words + 1)->member, err);
	} else if (strcmp(words[0], "state") == 0) {
		print_state(find(words + 1)->member);
	} else if (strcmp(words[0], "kill") == 0) {
		r = member_kill(find(words + 2)->member, signal_number(words[1]), err);
	} else if (strcmp(words[0], "ready") == 0) {
		r = ready(words + 1, err);
	} else if (strcmp(words[0], "descriptors") == 0) {
		print_descriptors();
	} else if (strcmp(words[0], "processes") == 0) {
		r = print_processes(err);
	} else if (strcmp(words[0], "end") == 0) {
		r = members_end(members, atoll(words[1]) * 1000000, &killed, err);
		if (r == 0)
			printf("ended %u\n", killed);
	} else {
		fprintf(stderr, "workload: no command %s\n", words[0]);
		exit(2);
	}
	return r;
}

/* The words of a member stay; those of other commands do not. */
static int run_line(char *line, struct netsim_err *err)
{
	struct entry *entry = &entries[entry_count];
	char *words[MAX_WORDS];

	if (strncmp(line, "add ", 4) == 0 && entry_count < MAX) {
		entry->line = strdup(line);
		split(entry->line, entry->words);
		entry_count++;
		return add(entry, err);
	}
	return split(line, words) ? run(words, err) : 0;
}

int main(int argc, char **argv)
{
	struct netsim_err err = {0};
	char line[4096], command[16];

	if (argc != 2) {
		fputs("usage: workload FLEET\n", stderr);
		return 2;
	}
	fleet = argv[1];
	if (netns_own_id(&own_id, &err) < 0 ||
	    members_open(fleet, own_id, on_end, NULL, &members, &err) < 0) {
		printf("error %s\n", err.what);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		snprintf(command, sizeof(command), "%.*s", (int)strcspn(line, " \n"), line);
		err = (struct netsim_err) {0};
		if (run_line(line, &err) < 0)
			printf("error %s\n", err.what);
		else
			printf("done %s\n", command);
		fflush(stdout);
	}
	members_free(members);
	for (size_t i = 0; i < entry_count; i++)
		free(entries[i].line);
	for (size_t i = 0; i < env_count; i++)
		free((char *)env[i]);
	free(folder);
	return 0;
}
