/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event loop for one thread: descriptors, transfers of libcurl, and an absolute wake-up time.
 * All times are CLOCK_MONOTONIC in ns.
 */
#ifndef NETSIM_RUN_LOOP_H
#define NETSIM_RUN_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "netsim/run/libcurl.h"
#include "netsim/util/err.h"

/* The callback for events of a descriptor; the struct must outlive the watch. */
struct loop_watch {
	void (*fn)(void *arg, uint32_t events);
	void *arg;
};

/* A transfer; done is called when it has ended, with the easy handle out of the loop again. */
struct loop_transfer {
	CURL *easy;
	void (*done)(void *arg, CURLcode code);
	void *arg;
};

struct loop;

/* The loop belongs to the thread that runs it. The caller closes *ret with loop_close(). */
int loop_open(struct loop **ret, struct netsim_err *err);
void loop_close(struct loop *loop);

/* Watches a descriptor for EPOLLIN, EPOLLOUT. 0, or a negative errno. */
int loop_watch(struct loop *loop, int fd, uint32_t events, struct loop_watch *watch);
void loop_unwatch(struct loop *loop, int fd);

/*
 * Starts a transfer, which is sent at once as far as possible. transfer must outlive it; done may
 * be called before this returns.
 */
void loop_start(struct loop *loop, struct loop_transfer *transfer);
/* Stops a transfer without calling done; closes its connection if it was not complete. */
void loop_abort(struct loop *loop, struct loop_transfer *transfer);

/* Waits for events until wake at most, and handles them. */
void loop_turn(struct loop *loop, int64_t wake);

/* Makes loop_turn() return; loop_stopped() is true from then on. For other threads. */
void loop_stop(struct loop *loop);
bool loop_stopped(const struct loop *loop);

/* Makes an easy handle with settings that all transfers share. */
int loop_easy(CURL **ret, struct netsim_err *err);

#endif
