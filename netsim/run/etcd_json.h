/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages of etcd's JSON gateway (/v3/..., etcd 3.4 and later). Pure: builds requests, reads
 * answers, and decides what a failed request proves.
 *
 * Keys and values travel in base64. 64-bit numbers are strings, and fields that are 0, false or
 * empty are left out.
 */
#ifndef NETSIM_RUN_ETCD_JSON_H
#define NETSIM_RUN_ETCD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/buf.h"

/* --- requests; each appends the body to buf */

#define ETCD_PUT	 "/v3/kv/put"
#define ETCD_RANGE	 "/v3/kv/range"
#define ETCD_TXN	 "/v3/kv/txn"
#define ETCD_DELETE	 "/v3/kv/deleterange"
#define ETCD_WATCH	 "/v3/watch"
#define ETCD_STATUS	 "/v3/maintenance/status"
#define ETCD_HASH	 "/v3/maintenance/hash"
#define ETCD_MEMBER_LIST "/v3/cluster/member/list"

void etcd_base64(struct buf *buf, const char *data, size_t size);
/* The caller frees *ret, which ends with a 0 that *ret_size does not count. -EINVAL, -ENOMEM. */
int etcd_unbase64(const char *text, char **ret, size_t *ret_size);

void etcd_put_request(struct buf *buf, const char *key, const char *value);
/* serializable: the member answers alone, perhaps with an old state. */
void etcd_get_request(struct buf *buf, const char *key, bool serializable);
/* All keys that begin with prefix, which is not empty. */
void etcd_prefix_request(struct buf *buf, const char *prefix, bool serializable);
/* Puts the value if the key has this mod_revision (0: does not exist); otherwise reads the key. */
void etcd_swap_request(struct buf *buf, const char *key, int64_t mod_revision, const char *value);
/* Its answer has the previous value, which alone shows whether it deleted anything. */
void etcd_delete_request(struct buf *buf, const char *key);
/* Events of all keys that begin with prefix, from this revision on (0: from now on). */
void etcd_watch_request(struct buf *buf, const char *prefix, int64_t revision);

/* --- answers */

struct etcd_kv {
	char *key, *value; /* decoded; end with a 0 */
	size_t value_size;
	int64_t create_revision, mod_revision, version;
};

struct etcd_event {
	bool is_delete;
	struct etcd_kv kv; /* of a deletion: without value */
};

struct etcd_member {
	uint64_t id;
	char *name;
	char *client_url; /* the first one; or NULL */
};

/* All that the answers may contain; absent fields are 0. */
struct etcd_reply {
	uint64_t member, term; /* of the header: the member that answered */
	int64_t revision;
	bool succeeded; /* of a transaction */
	int64_t count, deleted;
	struct etcd_kv *kvs; /* of a range, also of one inside a transaction; deleted ones */
	size_t kv_count;
	/* status */
	uint64_t leader; /* 0: none known */
	uint64_t raft_term, raft_index, applied_index;
	char version[24];
	uint64_t hash;
	struct etcd_member *members;
	size_t member_count;
	/* watch */
	bool created, canceled;
	int64_t compact_revision;
	struct etcd_event *events;
	size_t event_count;
	/* error: code of gRPC; 0: none */
	int error_code;
	char error[160];
};

/* Reads an answer, or a line of a watch. -EINVAL: not of this form; -ENOMEM. Free *ret after 0. */
int etcd_read_reply(const char *text, size_t size, struct etcd_reply *ret);
void etcd_reply_done(struct etcd_reply *reply);

/* --- outcomes */

enum etcd_outcome {
	ETCD_OK,	    /* answered: it took place, or the read is valid */
	ETCD_FAILED,	    /* it certainly had no effect, and never will */
	ETCD_INDETERMINATE, /* it may have taken place, or do so later */
};

/*
 * Judges a request. sent: any part of its body may have left this process; status: of HTTP, 0 if
 * there was no complete answer; reply: the answer as read, NULL if it could not be read.
 */
enum etcd_outcome etcd_judge(bool sent, int status, const struct etcd_reply *reply);
/* "ok", "failed", "indeterminate" */
const char *etcd_outcome_name(enum etcd_outcome outcome);

#endif
