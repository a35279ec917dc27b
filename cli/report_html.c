/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_html.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out.h"

/* The pages without data, built from page/: of traffic, of a run, of a search for the edge. */
__asm__(".pushsection .rodata\n"
	"page_begin:\n"
	".incbin \"build/page/page.html\"\n"
	"page_end:\n"
	"run_begin:\n"
	".incbin \"build/page/run.html\"\n"
	"run_end:\n"
	"edge_begin:\n"
	".incbin \"build/page/edge.html\"\n"
	"edge_end:\n"
	".popsection\n");
extern const char page_begin[], page_end[], run_begin[], run_end[], edge_begin[], edge_end[];

struct page {
	const char *begin, *end; /* of the page without data */
	const json_t *data;
};

/* Placeholder of the data. */
static const char mark[] = "@DATA@";

/* Escapes '<', so that no string in the data can end the script element or open another. */
static int put_escaped(const char *text, size_t size, void *arg)
{
	FILE *out = arg;
	size_t done = 0;

	while (done < size) {
		const char *less = memchr(text + done, '<', size - done);
		size_t plain = less ? (size_t)(less - text) - done : size - done;

		fwrite(text + done, 1, plain, out);
		done += plain;
		if (less) {
			fputs("\\u003c", out);
			done++;
		}
	}
	return ferror(out) ? -1 : 0;
}

static int put_page(FILE *out, const struct page *page)
{
	const char *place =
		memmem(page->begin, (size_t)(page->end - page->begin), mark, sizeof(mark) - 1);
	const char *rest = place + sizeof(mark) - 1;

	fwrite(page->begin, 1, (size_t)(place - page->begin), out);
	if (json_dump_callback(page->data, put_escaped, out, JSON_COMPACT | JSON_DIGITS) < 0)
		return -EIO;
	fwrite(rest, 1, (size_t)(page->end - rest), out);
	return ferror(out) ? -EIO : 0;
}

static int cannot_write(const char *path, int error, struct netsim_err *err)
{
	*err = (struct netsim_err) {.kind = NETSIM_ERR_KERNEL, .code = -error};
	snprintf(err->file, sizeof(err->file), "%s", path);
	err->loc.file = err->file;
	snprintf(err->what, sizeof(err->what), "cannot write the page");
	snprintf(err->kernel, sizeof(err->kernel), "%s", strerror(error));
	return -error;
}

/* Writes the page and closes fd. Returns 0 or an errno. */
static int write_open(int fd, const struct page *page)
{
	FILE *out = fdopen(fd, "w");
	int error = 0;

	if (!out) {
		error = errno;
		close(fd);
		return error;
	}
	errno = 0;
	if (put_page(out, page) < 0)
		error = errno ? errno : EIO;
	if (fclose(out) != 0 && !error)
		error = errno;
	return error;
}

/*
 * Only regular files are replaced; pipes and symbolic links are written to, since
 * /dev/stdout is a link even if standard output is a file.
 */
static bool is_replaced(const char *path)
{
	struct stat there;

	return lstat(path, &there) < 0 || S_ISREG(there.st_mode);
}

/* Creates a temporary file in the directory of path; the caller frees its name. */
static int open_beside(const char *path, char **ret_name)
{
	int fd;

	if (asprintf(ret_name, "%s.%d.part", path, (int)getpid()) < 0) {
		*ret_name = NULL;
		return -1;
	}
	fd = open(*ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		free(*ret_name);
		*ret_name = NULL;
	}
	return fd;
}

/* Replaces path atomically; page NULL: only checks that it could. Returns 0 or an errno. */
static int replace(const char *path, const struct page *page)
{
	char *beside;
	int fd = open_beside(path, &beside), error;

	if (fd < 0)
		return errno;
	if (page)
		error = write_open(fd, page);
	else
		error = close(fd) < 0 ? errno : 0;
	if (page && !error && rename(beside, path) < 0)
		error = errno;
	if (!page || error)
		unlink(beside);
	free(beside);
	return error;
}

/* Blocks signals that would leave the temporary file behind. */
static int replace_blocking_signals(const char *path, const struct page *page)
{
	sigset_t ends, before;
	int error;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGQUIT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &before);
	error = replace(path, page);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

static int write_page(const char *path, const struct page *page)
{
	int fd;

	if (is_replaced(path))
		return replace_blocking_signals(path, page);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return fd < 0 ? errno : write_open(fd, page);
}

int page_check(const char *path, struct netsim_err *err)
{
	struct stat there;
	int error = 0;

	if (is_replaced(path))
		error = replace_blocking_signals(path, NULL);
	else if (stat(path, &there) == 0 && S_ISDIR(there.st_mode))
		error = EISDIR;
	return error ? cannot_write(path, error, err) : 0;
}

static int write_data(const char *path, struct page *page, json_t *data, struct netsim_err *err)
{
	int error;

	page->data = data;
	error = data ? write_page(path, page) : ENOMEM;
	json_decref(data);
	return error ? cannot_write(path, error, err) : 0;
}

int page_write(const char *path, const char *title, json_t *report, struct netsim_err *err)
{
	struct page page = {.begin = page_begin, .end = page_end};

	return write_data(path, &page,
			  json_pack("{s:o, s:s, s:o}", "title", json_words(title), "version",
				    netsim_version(), "report", report),
			  err);
}

/* Returns the parts of the traffic that the page of a run draws: classes and gaps. */
static json_t *classes_of(json_t *traffic)
{
	static const char *const keys[] = {"first_ns", "last_ns", "bin_ns", "classes", "gaps"};
	json_t *part = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_object_set(part, keys[i], json_object_get(traffic, keys[i]));
	return part;
}

int page_write_run(const char *path, const struct netsim_run *run, json_t *traffic,
		   struct netsim_err *err)
{
	struct page page = {.begin = run_begin, .end = run_end};
	json_t *verdict = json_loads(run->json, 0, NULL);
	json_t *chart = json_loads(run->chart, 0, NULL);
	json_t *source = run->source ? json_words(run->source) : json_null();

	return write_data(path, &page,
			  json_pack("{s:o, s:s, s:{s:o, s:o, s:o, s:o}}", "title",
				    json_words(run->scenario), "version", netsim_version(),
				    "report", "verdict", verdict, "chart", chart, "source", source,
				    "traffic", traffic ? classes_of(traffic) : json_null()),
			  err);
}

int page_write_edge(const char *path, const char *title, json_t *data, struct netsim_err *err)
{
	struct page page = {.begin = edge_begin, .end = edge_end};

	return write_data(path, &page,
			  json_pack("{s:o, s:s, s:o}", "title", json_words(title), "version",
				    netsim_version(), "report", data),
			  err);
}
