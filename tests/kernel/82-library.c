/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run by 82-library.sh: options of older and newer programs, calls stopped by a progress
 * function, and resources left by a handle. Prints one "NAME RESULT" per line.
 */
#define _GNU_SOURCE
#include <netsim/netsim.h>

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKETS 1100000 /* more than netsim_analyze() reads between two calls of progress */

static void print(const char *name, int r)
{
	printf("%s %s\n", name, r == 0 ? "0" : strerrorname_np(-r));
}

/* Options that end where readable memory ends. */
static void *at_end_of_memory(const void *opts, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + page, page, PROT_NONE) < 0)
		return NULL;
	return memcpy(map + page - size, opts, size);
}

/* A program whose struct netsim_partition_opts had no member after group_count. */
static void older(struct netsim *ctx, const char *node)
{
	struct netsim_partition_opts opts = {
		.size = offsetof(struct netsim_partition_opts, isolate),
		.groups = &node,
		.group_count = 1};
	struct netsim_fault *fault = NULL;

	print("older", netsim_partition(ctx, at_end_of_memory(&opts, opts.size), &fault, NULL));
	printf("older-fault %s\n", fault ? fault->text : "none");
	netsim_fault_free(fault);
}

/* A program whose struct netsim_heal_opts has one more member. */
static void newer(struct netsim *ctx)
{
	struct {
		struct netsim_heal_opts known;
		uint64_t unknown;
	} opts = {.known.size = sizeof(opts), .known.dry_run = true, .unknown = 1};
	struct netsim_heal *heal = NULL;
	struct netsim_err err = {0};

	print("newer", netsim_heal(ctx, &opts.known, &heal, &err));
	printf("newer-err %d %s\n", err.kind == NETSIM_ERR_USAGE, err.what);
	printf("newer-result %s\n", heal ? "touched" : "untouched");
	opts.unknown = 0;
	print("newer-zero", netsim_heal(ctx, &opts.known, &heal, NULL));
	printf("newer-zero-faults %zu\n", heal ? heal->fault_count : 0);
	netsim_heal_free(heal);
}

static void without_size(struct netsim *ctx)
{
	struct netsim_heal_opts opts = {.dry_run = true};
	struct netsim_heal *heal = NULL;

	print("no-size", netsim_heal(ctx, &opts, &heal, NULL));
}

static bool stop(void *arg, const struct netsim_progress *progress)
{
	(void)progress;
	++*(unsigned *)arg;
	return true;
}

static void stop_pings(struct netsim *ctx)
{
	unsigned calls = 0;
	struct netsim_ping_opts opts = NETSIM_OPTS(struct netsim_ping_opts, .count = 100000,
						   .progress = stop, .arg = &calls);
	struct netsim_ping_matrix *matrix = NULL;
	struct netsim_err err = {0};

	print("stop-pings", netsim_ping_matrix(ctx, &opts, &matrix, &err));
	printf("stop-pings-calls %u %d\n", calls, matrix && matrix->interrupted);
	netsim_ping_matrix_free(matrix);
}

/* Frames of 14 bytes, a microsecond apart. */
static bool write_capture(const char *path)
{
	const uint32_t head[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
	const char frame[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, (char)0x88, (char)0xb5};
	FILE *out = fopen(path, "w");

	if (!out)
		return false;
	fwrite(head, sizeof(head), 1, out);
	for (uint32_t i = 0; i < PACKETS; i++) {
		const uint32_t packet[] = {1 + i / 1000000, i % 1000000, sizeof(frame),
					   sizeof(frame)};

		fwrite(packet, sizeof(packet), 1, out);
		fwrite(frame, sizeof(frame), 1, out);
	}
	return fclose(out) == 0;
}

static void stop_analysis(const char *path, const char *classes)
{
	unsigned calls = 0;
	struct netsim_analyze_opts opts =
		NETSIM_OPTS(struct netsim_analyze_opts, .files = &path, .file_count = 1,
			    .class_file = classes, .progress = stop, .arg = &calls);
	struct netsim_analysis *analysis = NULL;
	struct netsim_diags diags = {0};

	if (!write_capture(path))
		return;
	print("stop-analysis", netsim_analyze(&opts, &analysis, &diags, NULL));
	printf("stop-analysis-calls %u\n", calls);
	opts.progress = NULL;
	print("analysis", netsim_analyze(&opts, &analysis, &diags, NULL));
	printf("analysis-packets %d\n", analysis && analysis->packets == PACKETS);
	netsim_analysis_free(analysis);
}

static void wrong_file(struct netsim *ctx, const char *path)
{
	struct netsim_up *up = NULL;
	struct netsim_diags diags = {0};
	struct netsim_err err = {0};

	print("wrong-file", netsim_up(ctx, path, NULL, &up, &diags, &err));
	printf("wrong-file-diags %zu %d\n", diags.count, err.kind == NETSIM_ERR_NONE);
	print("wrong-file-null", netsim_up(ctx, path, NULL, &up, NULL, NULL));
}

static ino_t own_namespace(void)
{
	struct stat st = {0};

	return stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0;
}

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* A profile whose burst no port can use: refused after the ports have been listed. */
static void refused(struct netsim *ctx)
{
	static const char path[] = "burst.yaml";
	struct netsim_apply *apply = NULL;
	struct netsim_diags diags = {0};
	struct netsim_err err = {0};
	FILE *file = fopen(path, "w");

	if (!file)
		return;
	fputs("profile: burst\ndefault: {rate: 1mbit, burst: 200B}\n", file);
	fclose(file);
	print("refused", netsim_apply(ctx, path, NULL, &apply, &diags, &err));
	printf("refused-err %d %s:%u\n", err.kind == NETSIM_ERR_INPUT, err.loc.file, err.loc.line);
	printf("refused-result %s\n", apply ? "touched" : "untouched");
}

int main(int argc, char **argv)
{
	unsigned before = count_descriptors();
	ino_t own = own_namespace();
	struct netsim *ctx = NULL;
	struct rlimit limit;

	if (argc != 5)
		return 2;
	print("open", netsim_open(&ctx, NULL));
	if (!ctx)
		return 1;
	getrlimit(RLIMIT_NOFILE, &limit);
	printf("limit %s\n", limit.rlim_cur == limit.rlim_max ? "raised" : "lower");
	older(ctx, argv[1]);
	newer(ctx);
	without_size(ctx);
	refused(ctx);
	stop_pings(ctx);
	stop_analysis(argv[2], argv[3]);
	wrong_file(ctx, argv[4]);
	printf("namespace %s\n", own_namespace() == own ? "same" : "another");
	netsim_close(ctx);
	printf("descriptors %s\n", count_descriptors() == before ? "same" : "more");
	return 0;
}
