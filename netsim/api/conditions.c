/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conditions: a text of them as values, with their units in the names. */
#include <errno.h>

#include "netsim/config/conditions.h"
#include "netsim/config/words.h"
#include "netsim/netsim.h"
#include "netsim/util/arena.h"
#include "netsim/util/err.h"

struct list {
	struct netsim_conditions *ret;
	bool failed;
};

static void add(struct list *list, const struct netsim_value *value)
{
	struct netsim_value *slot = arena_push(list->ret, list->ret->values, list->ret->count);

	if (slot)
		*slot = *value;
	else
		list->failed = true;
}

static void add_number(struct list *list, const char *name, double number)
{
	add(list, &(struct netsim_value) {.name = name, .number = number});
}

static void add_count(struct list *list, const char *name, uint64_t count)
{
	add(list, &(struct netsim_value) {.name = name, NETSIM_VALUE_COUNT, .count = count});
}

static void add_text(struct list *list, const char *name, const char *text)
{
	add(list, &(struct netsim_value) {.name = name, NETSIM_VALUE_TEXT, .text = text});
}

static void add_percent(struct list *list, const char *name, struct ratio ratio)
{
	add_number(list, name, (double)ratio.ppb * 100 / RATIO_ONE);
}

static void add_time(struct list *list, const char *name, struct duration time)
{
	add_number(list, name, (double)time.ns / 1e6);
}

static void add_queue(struct list *list, const struct queue *queue)
{
	if (queue->unit == QUEUE_TIME)
		add_number(list, "queue_ms", (double)queue->value / 1e6);
	else
		add_count(list, queue->unit == QUEUE_BYTES ? "queue_bytes" : "queue_packets",
			  queue->value);
}

static void add_overhead(struct list *list, struct overhead overhead)
{
	add_count(list, "overhead_bytes", overhead.bytes);
	if (overhead.atm)
		add_text(list, "overhead_cells", "atm");
}

static void add_reorder(struct list *list, const struct conditions *c)
{
	if (c->reorder == REORDER_RATIO)
		add_percent(list, "reorder_percent", c->reorder_ratio);
	else
		add_text(list, "reorder", c->reorder == REORDER_ALLOWED ? "allowed" : "forbidden");
}

static void add_loss(struct list *list, const struct loss *loss)
{
	switch (loss->model) {
	case LOSS_RANDOM:
		add_percent(list, "loss_percent", loss->ratio);
		break;
	case LOSS_GILBERT_ELLIOTT:
		add_text(list, "loss_model", "gilbert-elliott");
		add_percent(list, "loss_p_percent", loss->p);
		add_percent(list, "loss_r_percent", loss->r);
		add_percent(list, "loss_bad_percent", loss->bad);
		add_percent(list, "loss_good_percent", loss->good);
		break;
	case LOSS_4STATE:
		add_text(list, "loss_model", "4-state");
		add_percent(list, "loss_p13_percent", loss->p13);
		add_percent(list, "loss_p31_percent", loss->p31);
		add_percent(list, "loss_p32_percent", loss->p32);
		add_percent(list, "loss_p23_percent", loss->p23);
		add_percent(list, "loss_p14_percent", loss->p14);
		break;
	}
}

static void add_slot(struct list *list, const struct slot *slot)
{
	add_time(list, "slot_min_ms", slot->min);
	add_time(list, "slot_max_ms", slot->max);
	if (slot->packets)
		add_count(list, "slot_packets", slot->packets);
	if (slot->bytes.bytes)
		add_count(list, "slot_bytes", slot->bytes.bytes);
}

static void add_delays(struct list *list, const struct conditions *c)
{
	if (cond_has(c, COND_DELAY))
		add_time(list, "delay_ms", c->delay);
	if (cond_has(c, COND_JITTER))
		add_time(list, "jitter_ms", c->jitter);
	if (cond_has(c, COND_DISTRIBUTION) && c->distribution != DIST_FILE)
		add_text(list, "distribution", words_distribution[c->distribution]);
	if (cond_has(c, COND_REORDER))
		add_reorder(list, c);
}

static void add_all(struct list *list, const struct conditions *c)
{
	if (cond_has(c, COND_RATE))
		add_count(list, "rate_bps", c->rate.bps);
	if (cond_has(c, COND_BURST))
		add_count(list, "burst_bytes", c->burst.bytes);
	if (cond_has(c, COND_PEAK))
		add_count(list, "peak_bps", c->peak.bps);
	if (cond_has(c, COND_QUEUE))
		add_queue(list, &c->queue);
	if (cond_has(c, COND_OVERHEAD))
		add_overhead(list, c->overhead);
	add_delays(list, c);
	if (cond_has(c, COND_LOSS))
		add_loss(list, &c->loss);
	if (cond_has(c, COND_DUPLICATE))
		add_percent(list, "duplicate_percent", c->duplicate);
	if (cond_has(c, COND_CORRUPT))
		add_percent(list, "corrupt_percent", c->corrupt);
	if (cond_has(c, COND_LARGER))
		add_count(list, "larger_bytes", c->larger.bytes);
	if (cond_has(c, COND_HOLD))
		add_count(list, "hold", 1);
	if (cond_has(c, COND_SLOT))
		add_slot(list, &c->slot);
	if (cond_has(c, COND_SEED))
		add_count(list, "seed", c->seed);
}

int netsim_conditions(const char *text, struct netsim_conditions **ret, struct netsim_err *err)
{
	struct list list = {.ret = arena_new(sizeof(*list.ret))};
	struct conditions c = {0};
	int r = list.ret ? 0 : err_oom(err);

	if (r == 0 && *text)
		r = conditions_parse(text, &c, err);
	if (r == 0) {
		add_all(&list, &c);
		r = list.failed ? err_oom(err) : 0;
	}
	if (r < 0)
		arena_free(list.ret);
	else
		*ret = list.ret;
	return r;
}

void netsim_conditions_free(struct netsim_conditions *conditions)
{
	arena_free(conditions);
}
