/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "out.h"

#define INTERVAL 0.1 /* seconds between two drawings at least */

static char drawn[256]; /* "": no line is on the screen */
static double drawn_at; /* now_seconds() */

bool progress_wanted(const struct common *common)
{
	return isatty(STDERR_FILENO) && !common->quiet;
}

static size_t columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

void progress_line(const char *fmt, ...)
{
	char text[sizeof(drawn)];
	size_t width = columns();
	double now = now_seconds();
	va_list ap;

	if (drawn_at && now - drawn_at < INTERVAL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (width - 1 < sizeof(text))
		text[width - 1] = 0;
	if (strcmp(text, drawn) == 0)
		return;
	memcpy(drawn, text, sizeof(drawn));
	drawn_at = now;
	fprintf(stderr, "\r\033[K%s", text);
	fflush(stderr);
}

void progress_clear(void)
{
	if (*drawn)
		fputs("\r\033[K", stderr);
	*drawn = 0;
}
