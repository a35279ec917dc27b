// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/util/load.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int missing(const char *soname, struct netsim_err *err)
{
	const char *why = dlerror();

	err_set(err, NETSIM_ERR_ENV, -ELIBACC, NULL, "cannot load %s: %s", soname,
		why ? why : "not found");
	err_hint(err, "install the package that has %s", soname);
	return -ELIBACC;
}

/* The last symbol is filled last, so that its pointer shows whether all are. */
static int fill(const char *soname, const struct load_symbol *symbols, size_t count,
		struct netsim_err *err)
{
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return missing(soname, err);
	for (size_t i = 0; i < count; i++) {
		void *address = dlsym(library, symbols[i].name);

		if (!address)
			return missing(soname, err);
		/* A function's address: ISO C has no conversion from a pointer to data. */
		memcpy(symbols[i].pointer, &address, sizeof(address));
	}
	return 0;
}

int load_library(const char *soname, const struct load_symbol *symbols, size_t count,
		 struct netsim_err *err)
{
	void *last;
	int r = 0;

	pthread_mutex_lock(&lock);
	memcpy(&last, symbols[count - 1].pointer, sizeof(last));
	if (!last)
		r = fill(soname, symbols, count, err);
	pthread_mutex_unlock(&lock);
	return r;
}
