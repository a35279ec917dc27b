/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of libiscsi that netsim calls, loaded by the first block ledger on an iSCSI unit.
 * They are declared here, so that building needs no libiscsi; its soname stands for them.
 */
#ifndef NETSIM_RUN_LIBISCSI_H
#define NETSIM_RUN_LIBISCSI_H

#include <stdint.h>

#include "netsim/util/err.h"

struct iscsi_context;
struct scsi_task;

/* data: the task of a command, which the callee frees. */
typedef void iscsi_done_fn(struct iscsi_context *iscsi, int status, void *data, void *arg);

/* Results of a command besides those of SCSI. */
enum { ISCSI_GOOD = 0, ISCSI_CHECK = 2, ISCSI_CANCELED = 0x0f000000 };
enum { ISCSI_NORMAL_SESSION = 2, ISCSI_NO_DIGEST = 0 };

/* What scsi_datain_unmarshall() returns for READ CAPACITY (16). */
struct iscsi_capacity {
	uint64_t last;
	uint32_t sector;
};

/* clang-format off */
#define LIBISCSI_FUNCTIONS(F)                                                                  \
	F(struct iscsi_context *, iscsi_create_context, (const char *))                        \
	F(int, iscsi_destroy_context, (struct iscsi_context *))                                \
	F(int, iscsi_full_connect_async,                                                       \
	  (struct iscsi_context *, const char *, int, iscsi_done_fn *, void *))                \
	F(const char *, iscsi_get_error, (struct iscsi_context *))                             \
	F(int, iscsi_get_fd, (struct iscsi_context *))                                         \
	F(struct scsi_task *, iscsi_read16_task,                                               \
	  (struct iscsi_context *, int, uint64_t, uint32_t, int, int, int, int, int, int,      \
	   iscsi_done_fn *, void *))                                                           \
	F(struct scsi_task *, iscsi_readcapacity16_task,                                       \
	  (struct iscsi_context *, int, iscsi_done_fn *, void *))                              \
	F(int, iscsi_service, (struct iscsi_context *, int))                                   \
	F(int, iscsi_set_header_digest, (struct iscsi_context *, int))                         \
	F(int, iscsi_set_session_type, (struct iscsi_context *, int))                          \
	F(int, iscsi_set_targetname, (struct iscsi_context *, const char *))                   \
	F(int, iscsi_which_events, (struct iscsi_context *))                                   \
	F(struct scsi_task *, iscsi_write16_task,                                              \
	  (struct iscsi_context *, int, uint64_t, unsigned char *, uint32_t, int, int, int,    \
	   int, int, int, iscsi_done_fn *, void *))                                            \
	F(void *, scsi_datain_unmarshall, (struct scsi_task *))                                \
	F(void, scsi_free_scsi_task, (struct scsi_task *))                                     \
	F(int, scsi_task_add_data_in_buffer, (struct scsi_task *, int, unsigned char *))
/* clang-format on */

#define LIBISCSI_POINTER(result, name, parameters) result(*name) parameters;
struct libiscsi {
	LIBISCSI_FUNCTIONS(LIBISCSI_POINTER)
};
#undef LIBISCSI_POINTER

/* Valid after libiscsi_load(). */
extern struct libiscsi libiscsi;

/* Loads libiscsi, once. Returns 0 or a negative errno with err filled. */
int libiscsi_load(struct netsim_err *err);

#endif
