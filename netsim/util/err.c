// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errors: set one, prepend context, collect those of a file. All text passes clean(), so
 * that no file can break a line or send control sequences to a terminal.
 */
#include "netsim/util/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Removes an incomplete UTF-8 sequence from the end of truncated text. */
static void cut_between_characters(char *text)
{
	size_t len = strlen(text), back = 1;

	while (back <= 4 && back <= len && ((unsigned char)text[len - back] & 0xc0) == 0x80)
		back++;
	if (back > len || back > 4)
		return;
	unsigned char lead = (unsigned char)text[len - back];
	size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;

	if (need > back)
		text[len - back] = '\0';
}

static void clean(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		/* C1 controls; one of them, CSI, starts control sequences */
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

__attribute__((format(printf, 3, 0))) static void fill(char *buf, size_t size, const char *fmt,
						       va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	if (n < 0)
		buf[0] = '\0';
	if (n >= 0 && (size_t)n >= size)
		cut_between_characters(buf);
	clean(buf);
}

const char *err_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(buf, size, fmt, ap);
	va_end(ap);
	return buf;
}

const char *err_shown(const char *text, char buf[static ERR_SHOWN])
{
	if (strlen(text) < ERR_SHOWN)
		return err_format(buf, ERR_SHOWN, "%s", text);
	err_format(buf, ERR_SHOWN - 3, "%s", text);
	return strcat(buf, "...");
}

static void set_loc(struct netsim_err *err, const struct netsim_loc *loc)
{
	err->loc = (struct netsim_loc) {0};
	err->file[0] = '\0';
	if (!loc || !loc->file)
		return;
	err->loc = *loc;
	err_format(err->file, sizeof(err->file), "%s", loc->file);
	err->loc.file = err->file;
}

int err_set(struct netsim_err *err, enum netsim_err_kind kind, int code,
	    const struct netsim_loc *loc, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->kind != NETSIM_ERR_NONE)
		return code;
	err->kind = kind;
	err->code = code;
	set_loc(err, loc);
	va_start(ap, fmt);
	fill(err->what, sizeof(err->what), fmt, ap);
	va_end(ap);
	return code;
}

int err_wrap(struct netsim_err *err, int code, const char *fmt, ...)
{
	char what[sizeof(err->what)];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	fill(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (err->what[0]) {
		size_t len = strlen(what);

		err_format(what + len, sizeof(what) - len, ": %s", err->what);
	}
	memcpy(err->what, what, sizeof(what));
	return code;
}

void err_hint(struct netsim_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->hint[0])
		return;
	va_start(ap, fmt);
	fill(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

bool err_is_lack(int code)
{
	return code == -EMFILE || code == -ENFILE || code == -ENOMEM;
}

/* Root gets EACCES only from the object itself, never for lack of privilege. */
enum netsim_err_kind err_kind_of(int code)
{
	switch (-code) {
	case EACCES:
		return geteuid() ? NETSIM_ERR_ENV : NETSIM_ERR_KERNEL;
	case EPERM:
	case EROFS:
		return NETSIM_ERR_ENV;
	default:
		return err_is_lack(code) ? NETSIM_ERR_ENV : NETSIM_ERR_KERNEL;
	}
}

void err_hint_errno(struct netsim_err *err, int code)
{
	bool root = geteuid() == 0;

	if (!root && (code == -EPERM || code == -EACCES))
		err_hint(err, "run netsim as root");
	else if (code == -EPERM)
		err_hint(err, "root lacks a capability here, as in a container without "
			      "CAP_NET_ADMIN, CAP_SYS_ADMIN or CAP_BPF");
	else if (code == -EMFILE)
		err_hint(err, "raise the limit of open files of this process: ulimit -n");
	else if (code == -ENFILE)
		err_hint(err, "raise the machine's limit of open files: sysctl fs.file-max");
}

int err_errno(struct netsim_err *err, int code, const struct netsim_loc *loc, const char *fmt, ...)
{
	char what[sizeof(err->what)];
	va_list ap;

	va_start(ap, fmt);
	fill(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(err, err_kind_of(code), code, loc, "%s: %s", what, strerror(-code));
	err_hint_errno(err, code);
	return code;
}

int err_oom(struct netsim_err *err)
{
	return err_set(err, NETSIM_ERR_ENV, -ENOMEM, NULL, "out of memory");
}

/* By position in the file; at one position, errors before warnings. */
static int diag_compare(const void *va, const void *vb)
{
	const struct netsim_err *a = va, *b = vb;

	if (a->loc.line != b->loc.line)
		return a->loc.line < b->loc.line ? -1 : 1;
	if (a->loc.column != b->loc.column)
		return a->loc.column < b->loc.column ? -1 : 1;
	if (a->warning != b->warning)
		return a->warning ? 1 : -1;
	return strcmp(a->what, b->what);
}

/* Priority when the list is full: errors before warnings, then by position. */
static bool diag_outranks(const struct netsim_err *a, const struct netsim_err *b)
{
	if (a->warning != b->warning)
		return b->warning;
	return diag_compare(a, b) < 0;
}

static void diag_keep(struct netsim_diags *diags, const struct netsim_err *diag)
{
	struct netsim_err *slot = &diags->list[diags->count];

	for (size_t i = 0; i < diags->count; i++)
		if (diag_compare(&diags->list[i], diag) == 0)
			return;
	if (diags->count < NETSIM_DIAGS_MAX) {
		diags->count++;
	} else {
		slot = &diags->list[0];
		for (size_t i = 1; i < diags->count; i++)
			if (diag_outranks(slot, &diags->list[i]))
				slot = &diags->list[i];
		diags->more++;
		if (!diag_outranks(diag, slot))
			return;
		diags->warnings -= slot->warning;
	}
	*slot = *diag;
	if (diag->loc.file)
		slot->loc.file = slot->file;
	diags->warnings += diag->warning;
}

int diag_add(struct netsim_diags *diags, const struct netsim_loc *loc, const char *hint,
	     const char *fmt, ...)
{
	struct netsim_err diag = {.kind = NETSIM_ERR_INPUT, .code = -EINVAL};
	va_list ap;

	if (!diags)
		return -EINVAL;
	set_loc(&diag, loc);
	va_start(ap, fmt);
	fill(diag.what, sizeof(diag.what), fmt, ap);
	va_end(ap);
	if (hint)
		err_hint(&diag, "%s", hint);
	diag_keep(diags, &diag);
	return -EINVAL;
}

int err_file(struct netsim_err *err, int code, const struct netsim_loc *loc, const char *what)
{
	err_set(err, err_is_lack(code) ? NETSIM_ERR_ENV : NETSIM_ERR_INPUT, code, loc, "%s: %s",
		what, strerror(-code));
	if (err_is_lack(code))
		err_hint_errno(err, code);
	return code;
}

int diag_errno(struct netsim_diags *diags, const struct netsim_loc *loc, int code, const char *what)
{
	struct netsim_err diag = {0};

	if (diags) {
		err_file(&diag, code, loc, what);
		diag_keep(diags, &diag);
	}
	return -EINVAL;
}

int diag_oom(struct netsim_diags *diags)
{
	struct netsim_err diag = {0};

	if (diags) {
		err_oom(&diag);
		diag_keep(diags, &diag);
	}
	return -EINVAL;
}

void diag_warn(struct netsim_diags *diags, const struct netsim_loc *loc, const char *fmt, ...)
{
	struct netsim_err diag = {.kind = NETSIM_ERR_INPUT, .warning = true};
	va_list ap;

	if (!diags)
		return;
	set_loc(&diag, loc);
	va_start(ap, fmt);
	fill(diag.what, sizeof(diag.what), fmt, ap);
	va_end(ap);
	diag_keep(diags, &diag);
}

void diags_sort(struct netsim_diags *diags)
{
	if (!diags)
		return;
	qsort(diags->list, diags->count, sizeof(diags->list[0]), diag_compare);
	for (size_t i = 0; i < diags->count; i++)
		if (diags->list[i].loc.file)
			diags->list[i].loc.file = diags->list[i].file;
}

int err_first_mistake(const struct netsim_diags *diags, struct netsim_err *err)
{
	const struct netsim_err *first = NULL;
	size_t others = diags->more;

	for (size_t i = 0; i < diags->count; i++) {
		if (diags->list[i].warning)
			continue;
		others += first != NULL;
		first = first ? first : &diags->list[i];
	}
	if (!err || !first)
		return -EINVAL;
	*err = *first;
	if (err->loc.file)
		err->loc.file = err->file;
	if (others)
		err_hint(err, "%zu more mistake%s follow%s", others, others == 1 ? "" : "s",
			 others == 1 ? "s" : "");
	return -EINVAL;
}

int err_canceled(struct netsim_err *err)
{
	return err_set(err, NETSIM_ERR_FAILED, -ECANCELED, NULL, "stopped");
}
