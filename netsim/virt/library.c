/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/virt/library.h"

#include <errno.h>
#include <pthread.h>

#include "netsim/util/auto.h"
#include "netsim/util/load.h"
#include "netsim/util/masked.h"

struct libvirt libvirt;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int started;

/* Prints nothing: the caller gets errors from virGetLastErrorMessage(). */
static void on_error(void *arg, void *error)
{
	(void)arg;
	(void)error;
}

static void *run_events(void *arg)
{
	while (libvirt.virEventRunDefaultImpl() == 0)
		;
	return arg;
}

/* The event loop must be registered before the first connection. */
static void start(void)
{
	pthread_t thread;

	libvirt.virSetErrorFunc(NULL, on_error);
	started = libvirt.virEventRegisterDefaultImpl() < 0 ? -EIO : 0;
	if (started == 0)
		started = masked_create(&thread, run_events, NULL);
	if (started == 0)
		pthread_detach(thread);
}

int libvirt_load(struct netsim_err *err)
{
#define SYMBOL(result, name, parameters) {#name, &libvirt.name},
	static const struct load_symbol symbols[] = {LIBVIRT_FUNCTIONS(SYMBOL)};
#undef SYMBOL
	int r = load_library(LIBVIRT, symbols, ARRAY_SIZE(symbols), err);

	if (r < 0)
		return r;
	pthread_once(&once, start);
	return started < 0 ? err_errno(err, started, NULL, "cannot run the event loop of libvirt") :
			     0;
}
