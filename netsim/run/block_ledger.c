// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/run/block_ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "netsim/run/block_content.h"
#include "netsim/run/block_device.h"
#include "netsim/run/thread.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define BLOCKS	    256
#define WRITE_LANES 32
#define READ_LANES  16
#define LANES	    (WRITE_LANES + READ_LANES)

/* A place for one operation. */
struct lane {
	struct block_ledger *ledger;
	struct block_io io;
	struct block_ledger_op op;
	bool busy;  /* the device has the request */
	bool ended; /* reported: its timeout has passed, but the device still has it */
	bool again; /* a read because the one before showed something else */
	bool waits; /* such a read is to begin */
};

/* What is known of a block. */
struct slot {
	bool busy;
	int64_t acknowledged; /* number of the last such write; 0: none */
	int64_t read_back;    /* the same when it was read last */
};

struct block_ledger {
	struct block_ledger_spec spec;
	struct block_device *device;
	pthread_t thread;
	bool running;
	int event;
	int64_t within; /* set before stop: for the last reads */
	atomic_bool stop;
	pthread_mutex_t lock; /* of why */
	char why[200];
	struct lane lanes[LANES];
	struct slot slots[BLOCKS];
	uint8_t *data;		 /* BLOCK_SIZE for each lane */
	int64_t start, interval; /* of writes */
	uint64_t writes, reads;	 /* due so far */
	int64_t number;		 /* of the last write */
};

static int64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static struct slot *slot_of(struct block_ledger *ledger, const struct block_ledger_op *op)
{
	return &ledger->slots[op->block - 1];
}

/* --- the end of an operation */

static void report(struct lane *lane, enum block_outcome outcome, const char *text)
{
	struct block_ledger_op *op = &lane->op;

	op->end = now();
	op->outcome = outcome;
	op->seen = outcome == BLOCK_OK && !op->write ? text : NULL;
	op->why = outcome == BLOCK_OK ? NULL : text;
	lane->ended = true;
	lane->ledger->spec.on_op(lane->ledger->spec.arg, op);
}

/*
 * A block that does not show its last write is read once more: what the device shows then tells
 * whether it has the write.
 */
static void end_read(struct lane *lane)
{
	struct block_ledger *ledger = lane->ledger;
	struct slot *slot = slot_of(ledger, &lane->op);
	char seen[BLOCK_TEXT], wanted[24];

	snprintf(wanted, sizeof(wanted), "%" PRId64, slot->acknowledged);
	block_content_text(ledger->spec.run, lane->op.block, lane->io.data, seen);
	report(lane, BLOCK_OK, seen);
	slot->read_back = slot->acknowledged;
	slot->busy = lane->waits = !lane->again && strcmp(seen, wanted) != 0;
}

static void on_done(struct block_io *io, const char *why)
{
	struct lane *lane = io->arg;
	struct slot *slot = slot_of(lane->ledger, &lane->op);

	lane->busy = slot->busy = false;
	if (lane->ended)
		return;
	if (why) {
		report(lane, BLOCK_UNKNOWN, why);
	} else if (!lane->op.write) {
		end_read(lane);
	} else {
		slot->acknowledged = lane->op.number;
		report(lane, BLOCK_OK, NULL);
	}
}

/* Operations that took too long are of unknown outcome from then on. Returns the next timeout. */
static int64_t end_overdue(struct block_ledger *ledger)
{
	int64_t next = INT64_MAX, time = now();

	for (size_t i = 0; i < LANES; i++) {
		struct lane *lane = &ledger->lanes[i];
		int64_t at = lane->op.begin + ledger->spec.timeout;

		if (!lane->busy || lane->ended)
			continue;
		if (at <= time)
			report(lane, BLOCK_UNKNOWN, "no answer within the timeout");
		else if (at < next)
			next = at;
	}
	return next;
}

/* --- the beginning of an operation */

static void begin(struct block_ledger *ledger, struct lane *lane, uint32_t block, int64_t due)
{
	bool write = lane < &ledger->lanes[WRITE_LANES];

	lane->op = (struct block_ledger_op) {.write = write, .block = block, .due = due};
	lane->ended = false;
	if (write) {
		lane->op.number = ++ledger->number;
		block_content_fill(ledger->spec.run, block, lane->op.number, lane->io.data);
	}
	lane->op.begin = now();
	if (!block_device_is_ready(ledger->device)) {
		report(lane, BLOCK_FAILED, block_device_why(ledger->device));
		return;
	}
	lane->busy = slot_of(ledger, &lane->op)->busy = true;
	lane->io.write = write;
	lane->io.offset = (uint64_t)(block - 1) * BLOCK_SIZE;
	block_device_start(ledger->device, &lane->io);
}

static struct lane *free_lane(struct block_ledger *ledger, bool write)
{
	size_t first = write ? 0 : WRITE_LANES, end = write ? WRITE_LANES : LANES;

	for (size_t i = first; i < end; i++)
		if (!ledger->lanes[i].busy && !ledger->lanes[i].waits)
			return &ledger->lanes[i];
	return NULL;
}

/* The block whose turn it is to be written, or the next one that can be; 0: none. */
static uint32_t find_free(const struct block_ledger *ledger, uint64_t turn)
{
	for (uint64_t i = 0; i < BLOCKS; i++)
		if (!ledger->slots[(turn + i) % BLOCKS].busy)
			return (uint32_t)((turn + i) % BLOCKS) + 1;
	return 0;
}

/* The same of `span` blocks to be read: the first that was not since its last write. */
static uint32_t find_unread(const struct block_ledger *ledger, uint64_t turn, uint64_t span)
{
	for (uint64_t i = 0; i < span; i++) {
		const struct slot *slot = &ledger->slots[(turn + i) % BLOCKS];

		if (!slot->busy && slot->acknowledged > slot->read_back)
			return (uint32_t)((turn + i) % BLOCKS) + 1;
	}
	return 0;
}

static int64_t write_due(const struct block_ledger *ledger)
{
	return ledger->start + (int64_t)ledger->writes * ledger->interval;
}

static int64_t read_due(const struct block_ledger *ledger)
{
	return ledger->start + (int64_t)ledger->reads * ledger->interval + ledger->interval / 2;
}

static void begin_write(struct block_ledger *ledger)
{
	struct lane *lane = free_lane(ledger, true);
	uint32_t block = lane ? find_free(ledger, ledger->writes) : 0;

	if (block)
		begin(ledger, lane, block, write_due(ledger));
}

/*
 * Reads the block that was written half a round before, so that its content had time to go wrong.
 * Of those that were left out in a stall, the ones written a quarter of a round before or earlier.
 */
static void begin_read(struct block_ledger *ledger)
{
	struct lane *lane = free_lane(ledger, false);
	uint32_t block = 0;

	if (lane && block_device_is_ready(ledger->device))
		block = find_unread(ledger, ledger->reads + BLOCKS / 2, BLOCKS / 4);
	if (!block)
		return;
	lane->again = false;
	begin(ledger, lane, block, read_due(ledger));
}

/* Returns when the next operation is due. */
static int64_t begin_due(struct block_ledger *ledger)
{
	for (; write_due(ledger) <= now(); ledger->writes++)
		begin_write(ledger);
	for (; read_due(ledger) <= now(); ledger->reads++)
		begin_read(ledger);
	return write_due(ledger) < read_due(ledger) ? write_due(ledger) : read_due(ledger);
}

/* --- the thread */

static void note_state(struct block_ledger *ledger)
{
	const char *why =
		block_device_is_ready(ledger->device) ? "" : block_device_why(ledger->device);

	pthread_mutex_lock(&ledger->lock);
	err_format(ledger->why, sizeof(ledger->why), "%s", why);
	pthread_mutex_unlock(&ledger->lock);
}

/* Begins the reads that follow others, which must not be done inside of their callback. */
static void read_again(struct block_ledger *ledger)
{
	for (size_t i = WRITE_LANES; i < LANES; i++) {
		struct lane *lane = &ledger->lanes[i];

		if (!lane->waits)
			continue;
		lane->waits = slot_of(ledger, &lane->op)->busy = false;
		lane->again = true;
		if (block_device_is_ready(ledger->device))
			begin(ledger, lane, lane->op.block, now());
	}
}

static void turn(struct block_ledger *ledger, int64_t wake)
{
	struct pollfd fds[2];
	int64_t device_wake = block_device_poll(ledger->device, &fds[1]), left;
	struct timespec timeout;

	fds[0] = (struct pollfd) {.fd = ledger->event, .events = POLLIN};
	left = (device_wake < wake ? device_wake : wake) - now();
	left = left < 0 ? 0 : left;
	timeout = (struct timespec) {left / 1000000000, left % 1000000000};
	if (ppoll(fds, 2, &timeout, NULL) <= 0)
		fds[1].revents = 0;
	block_device_serve(ledger->device, fds[1].revents);
	read_again(ledger);
}

static bool is_under_way(const struct block_ledger *ledger)
{
	for (size_t i = 0; i < LANES; i++)
		if ((ledger->lanes[i].busy && !ledger->lanes[i].ended) || ledger->lanes[i].waits)
			return true;
	return false;
}

static bool is_unread(const struct block_ledger *ledger)
{
	for (size_t i = 0; i < BLOCKS; i++)
		if (ledger->slots[i].acknowledged > ledger->slots[i].read_back)
			return true;
	return false;
}

/* Reads all blocks, also those that were read before: they can have changed since. */
static void read_all(struct block_ledger *ledger)
{
	int64_t until = now() + ledger->within;

	for (size_t i = 0; i < BLOCKS; i++)
		ledger->slots[i].read_back = 0;
	while ((is_unread(ledger) || is_under_way(ledger)) && now() < until) {
		struct lane *lane = free_lane(ledger, false);
		bool ready = block_device_is_ready(ledger->device);
		uint32_t block = lane && ready ? find_unread(ledger, 0, BLOCKS) : 0;

		if (block) {
			lane->again = false;
			begin(ledger, lane, block, now());
		} else {
			end_overdue(ledger);
			turn(ledger, until);
		}
	}
}

static void work(void *arg)
{
	struct block_ledger *ledger = arg;
	uint64_t count;

	thread_make_realtime();
	ledger->start = now();
	while (!ledger->stop) {
		int64_t due = begin_due(ledger), overdue = end_overdue(ledger);

		turn(ledger, due < overdue ? due : overdue);
		note_state(ledger);
	}
	if (read(ledger->event, &count, sizeof(count)) < 0)
		count = 0;
	while (is_under_way(ledger))
		turn(ledger, end_overdue(ledger));
	read_all(ledger);
}

static void prepare(struct block_ledger *ledger)
{
	for (size_t i = 0; i < LANES; i++)
		ledger->lanes[i] = (struct lane) {
			.ledger = ledger,
			.io = {.data = ledger->data + i * BLOCK_SIZE,
			       .size = BLOCK_SIZE,
			       .done = on_done,
			       .arg = &ledger->lanes[i]},
		};
}

int block_ledger_start(const struct block_ledger_spec *spec, struct block_ledger **ret,
		       struct netsim_err *err)
{
	struct block_ledger *ledger = calloc(1, sizeof(*ledger));
	int r = ledger ? block_device_open(spec->url, &ledger->device, err) : err_oom(err);

	if (!ledger)
		return r;
	ledger->spec = *spec;
	ledger->interval = (int64_t)(1e9 / spec->rate);
	pthread_mutex_init(&ledger->lock, NULL);
	ledger->data = aligned_alloc(BLOCK_SIZE, (size_t)LANES * BLOCK_SIZE);
	ledger->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r == 0 && !ledger->data)
		r = err_oom(err);
	if (r == 0 && ledger->event < 0)
		r = err_errno(err, -errno, NULL, "cannot create an eventfd");
	if (r == 0) {
		prepare(ledger);
		r = thread_start(spec->netns, work, ledger, &ledger->thread, err);
	}
	ledger->running = r == 0;
	if (r < 0)
		block_ledger_free(ledger);
	else
		*ret = ledger;
	return r;
}

const char *block_ledger_why(struct block_ledger *ledger, char *buf, size_t size)
{
	pthread_mutex_lock(&ledger->lock);
	err_format(buf, size, "%s", ledger->why);
	pthread_mutex_unlock(&ledger->lock);
	return buf;
}

void block_ledger_finish(struct block_ledger *ledger, int64_t within)
{
	uint64_t one = 1;

	if (!ledger->running)
		return;
	ledger->within = within;
	ledger->stop = true;
	if (write(ledger->event, &one, sizeof(one)) < 0)
		err_format(ledger->why, sizeof(ledger->why), "%s", strerror(errno));
	pthread_join(ledger->thread, NULL);
	ledger->running = false;
}

void block_ledger_free(struct block_ledger *ledger)
{
	if (!ledger)
		return;
	block_ledger_finish(ledger, 0);
	block_device_close(ledger->device);
	if (ledger->event >= 0)
		close(ledger->event);
	pthread_mutex_destroy(&ledger->lock);
	free(ledger->data);
	free(ledger);
}
