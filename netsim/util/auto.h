/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cleanup attributes: variables that free or close their resource at the end of the scope,
 * and take() to pass ownership on.
 */
#ifndef NETSIM_AUTO_H
#define NETSIM_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define autofn(fn) __attribute__((cleanup(fn)))

static inline void auto_free_fn(void *p)
{
	free(*(void **)p);
}

static inline void auto_close_fn(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void auto_fclose_fn(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define auto_free   autofn(auto_free_fn)
#define auto_close  autofn(auto_close_fn)
#define auto_fclose autofn(auto_fclose_fn)

/* Passes ownership of the pointer on: the variable no longer frees it. */
#define take(p)                             \
	__extension__({                     \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
