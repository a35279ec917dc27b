/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out.h"

/* The page without data, which the build makes of page/. */
#define TEMPLATE "build/page/page.html"
__asm__(".pushsection .rodata\n"
	"page_begin:\n"
	".incbin \"" TEMPLATE "\"\n"
	"page_end:\n"
	".popsection\n");
extern const char page_begin[], page_end[];

/* Where the data belong. */
static const char mark[] = "@DATA@";

/* No text in the data can end their element, or begin another one. */
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

static int put_page(FILE *out, const json_t *data)
{
	const char *place =
		memmem(page_begin, (size_t)(page_end - page_begin), mark, sizeof(mark) - 1);
	const char *rest = place + sizeof(mark) - 1;

	fwrite(page_begin, 1, (size_t)(place - page_begin), out);
	if (json_dump_callback(data, put_escaped, out, JSON_COMPACT) < 0)
		return -EIO;
	fwrite(rest, 1, (size_t)(page_end - rest), out);
	return ferror(out) ? -EIO : 0;
}

static int cannot_write(const char *path, int error, struct netsim_err *err)
{
	*err = (struct netsim_err) {.kind = NETSIM_ERR_ENV, .code = -error};
	snprintf(err->file, sizeof(err->file), "%s", path);
	err->loc.file = err->file;
	snprintf(err->what, sizeof(err->what), "cannot write the page");
	snprintf(err->kernel, sizeof(err->kernel), "%s", strerror(error));
	return -error;
}

/* Returns 0 or the error. */
static int write_open(int fd, const json_t *data)
{
	FILE *out = fdopen(fd, "w");
	int error = 0;

	if (!out) {
		error = errno;
		close(fd);
		return error;
	}
	errno = 0;
	if (put_page(out, data) < 0)
		error = errno ? errno : EIO;
	if (fclose(out) != 0 && !error)
		error = errno;
	return error;
}

/*
 * What is no file, as a pipe, is not replaced but written to; and so is what a link leads to,
 * for /dev/stdout is a link even where standard output is a file.
 */
static int write_page(const char *path, const json_t *data)
{
	struct stat there;
	bool replace = lstat(path, &there) < 0 || S_ISREG(there.st_mode);
	char *beside;
	int fd, error;

	if (!replace) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		return fd < 0 ? errno : write_open(fd, data);
	}
	if (asprintf(&beside, "%s.%d.part", path, (int)getpid()) < 0)
		return ENOMEM;
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	error = fd < 0 ? errno : write_open(fd, data);
	if (!error && rename(beside, path) < 0)
		error = errno;
	if (error && fd >= 0)
		unlink(beside);
	free(beside);
	return error;
}

int page_write(const char *path, const char *title, json_t *report, struct netsim_err *err)
{
	json_t *data = json_pack("{s:o, s:s, s:o}", "title", json_words(title), "version",
				 netsim_version(), "report", report);
	int error = data ? write_page(path, data) : ENOMEM;

	json_decref(data);
	return error ? cannot_write(path, error, err) : 0;
}
