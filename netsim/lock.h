/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files below /run/netsim: one lock per fleet, so that writers take turns, and
 * one label file with what the kernel has no place for (the profile's name).
 * Losing them loses no control.
 */
#ifndef NETSIM_LOCK_H
#define NETSIM_LOCK_H

#include "netsim/err.h"

/* Waits for the fleet's lock; *ret_fd holds it until it is closed. */
int lock_take(const char *fleet, int *ret_fd, struct netsim_err *err);
/* Removes the lock's file; the caller holds the lock and closes it after. */
void lock_remove(const char *fleet);

/* What is written down about a fleet. Empty texts: nothing. */
struct label {
	char profile[64];
	char file[4096];
	bool changed; /* some of its nodes were shaped otherwise since */
};

/* Always fills ret; with nothing where there is no file or it cannot be read. */
void label_read(const char *fleet, struct label *ret);
/* Replaces the file in one step; label NULL removes it. */
int label_write(const char *fleet, const struct label *label, struct netsim_err *err);

#endif
