// SPDX-License-Identifier: GPL-2.0-or-later
/* Merges, checks and prints conditions. */
#include "netsim/config/conditions.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "netsim/config/words.h"
#include "netsim/util/buf.h"

static void merge_one(struct conditions *c, const struct conditions *more, enum cond cond)
{
	switch (cond) {
	case COND_RATE:
		c->rate = more->rate;
		break;
	case COND_BURST:
		c->burst = more->burst;
		break;
	case COND_PEAK:
		c->peak = more->peak;
		break;
	case COND_QUEUE:
		c->queue = more->queue;
		break;
	case COND_OVERHEAD:
		c->overhead = more->overhead;
		break;
	case COND_DELAY:
		c->delay = more->delay;
		break;
	case COND_JITTER:
		c->jitter = more->jitter;
		break;
	case COND_DISTRIBUTION:
		c->distribution = more->distribution;
		c->table_file = more->table_file;
		c->table = more->table;
		c->table_len = more->table_len;
		break;
	case COND_REORDER:
		c->reorder = more->reorder;
		c->reorder_ratio = more->reorder_ratio;
		break;
	case COND_LOSS:
		c->loss = more->loss;
		break;
	case COND_DUPLICATE:
		c->duplicate = more->duplicate;
		break;
	case COND_CORRUPT:
		c->corrupt = more->corrupt;
		break;
	case COND_LARGER:
		c->larger = more->larger;
		break;
	case COND_HOLD:
		break;
	case COND_SLOT:
		c->slot = more->slot;
		break;
	case COND_SEED:
		c->seed = more->seed;
		break;
	case COND_TRACE:
		c->trace_file = more->trace_file;
		c->trace = more->trace;
		c->trace_has = more->trace_has;
		break;
	case COND_COUNT:
		return;
	}
	c->has |= 1U << cond;
	c->at[cond] = more->at[cond];
}

void conditions_merge(struct conditions *c, const struct conditions *more)
{
	if (cond_has(more, COND_TRACE))
		c->has &= ~more->trace_has;
	for (enum cond cond = 0; cond < COND_COUNT; cond++)
		if (cond_has(more, cond))
			merge_one(c, more, cond);
}

uint64_t overhead_charge(struct overhead overhead, uint64_t bytes)
{
	bytes += overhead.bytes;
	return overhead.atm ? (bytes + CELL_PAYLOAD - 1) / CELL_PAYLOAD * CELL : bytes;
}

uint64_t conditions_charge(const struct conditions *c, uint64_t bytes)
{
	return cond_has(c, COND_OVERHEAD) ? overhead_charge(c->overhead, bytes) : bytes;
}

double conditions_stretch(const struct conditions *c)
{
	return (double)conditions_charge(c, FULL_FRAME) / FULL_FRAME;
}

/* Returns whether a condition is given, directly or by a column of the trace. */
static bool has_or_traces(const struct conditions *c, enum cond cond)
{
	return cond_has(c, cond) || (cond_has(c, COND_TRACE) && c->trace_has & 1U << cond);
}

/* A peak needs a bucket that fills at a lower rate; a trace, whose rate varies, has none. */
static int check_peak(const struct conditions *c, const char *owner, const char *direction,
		      struct netsim_err *err)
{
	const char *blank = *direction ? " " : "";
	char peak[UNIT_TEXT], rate[UNIT_TEXT];
	int r = 0;

	if (!cond_has(c, COND_RATE)) {
		bool traced = has_or_traces(c, COND_RATE);

		r = err_set(err, NETSIM_ERR_INPUT, -EINVAL, &c->at[COND_PEAK], "peak: %s%s%s: %s",
			    owner, blank, direction,
			    traced ? "the rate is that of a trace, which has no burst" :
				     "there is no rate to exceed");
		err_hint(err, traced ? "give a rate instead of the trace's" :
				       "give a rate and a burst as well");
	} else if (!cond_has(c, COND_BURST)) {
		r = err_set(err, NETSIM_ERR_INPUT, -EINVAL, &c->at[COND_PEAK],
			    "peak: %s%s%s: there is no burst to limit", owner, blank, direction);
		err_hint(err, "give a burst as well");
	} else if (c->peak.bps / 8 <= c->rate.bps / 8) {
		r = err_set(err, NETSIM_ERR_INPUT, -EINVAL, &c->at[COND_PEAK],
			    "peak: %s%s%s: %s is not more than the rate, %s", owner, blank,
			    direction, unit_format_rate(c->peak, peak),
			    unit_format_rate(c->rate, rate));
		err_hint(err, c->peak.bps > c->rate.bps ?
				      "the shapers count whole bytes per second" :
				      "a burst leaves faster than at the rate");
	}
	return r;
}

int conditions_check(const struct conditions *c, const char *owner, const char *direction,
		     struct netsim_err *err)
{
	bool delay = has_or_traces(c, COND_DELAY);
	const char *blank = *direction ? " " : "";
	int r = 0;

	if (cond_has(c, COND_PEAK))
		r = check_peak(c, owner, direction, err);
	if (r < 0)
		return r;
	if (cond_has(c, COND_BURST) && !has_or_traces(c, COND_RATE)) {
		r = err_set(err, NETSIM_ERR_INPUT, -EINVAL, &c->at[COND_BURST],
			    "burst: %s%s%s: there is no rate to apply it to", owner, blank,
			    direction);
		err_hint(err, "give a rate as well");
	} else if (cond_has(c, COND_OVERHEAD) && !has_or_traces(c, COND_RATE)) {
		r = err_set(err, NETSIM_ERR_INPUT, -EINVAL, &c->at[COND_OVERHEAD],
			    "overhead: %s%s%s: there is no rate to count it", owner, blank,
			    direction);
		err_hint(err, "give a rate as well");
	} else if (cond_has(c, COND_QUEUE) && c->queue.unit != QUEUE_PACKETS &&
		   !has_or_traces(c, COND_RATE)) {
		r = err_set(err, NETSIM_ERR_INPUT, -EINVAL, &c->at[COND_QUEUE],
			    "queue: %s%s%s: there is no rate, which a queue %s needs", owner, blank,
			    direction, c->queue.unit == QUEUE_TIME ? "of a duration" : "in bytes");
		err_hint(err, "give a rate as well, or a number of packets");
	} else if (cond_has(c, COND_JITTER) && c->jitter.ns && !delay) {
		r = err_set(err, NETSIM_ERR_INPUT, -EINVAL, &c->at[COND_JITTER],
			    "jitter: %s%s%s: there is no delay to vary", owner, blank, direction);
		err_hint(err, "give a delay or an rtt as well");
	} else if (cond_has(c, COND_REORDER) && c->reorder == REORDER_RATIO &&
		   c->reorder_ratio.ppb && !delay) {
		r = err_set(err, NETSIM_ERR_INPUT, -EINVAL, &c->at[COND_REORDER],
			    "reorder: %s%s%s: there is no delay for packets to skip", owner, blank,
			    direction);
		err_hint(err, "give a delay or an rtt as well");
	}
	return r;
}

int conditions_check_frame(const struct conditions *c, unsigned mtu, const char *owner,
			   struct netsim_err *err)
{
	uint64_t frame = (uint64_t)mtu + FRAME_HEADER;
	bool burst = cond_has(c, COND_BURST) && c->burst.bytes < frame;
	bool queue =
		cond_has(c, COND_QUEUE) && c->queue.unit == QUEUE_BYTES && c->queue.value < frame;
	char text[UNIT_TEXT];

	if (!burst && !queue)
		return 0;
	unit_format_size((struct size) {burst ? c->burst.bytes : c->queue.value}, text);
	err_set(err, NETSIM_ERR_INPUT, -EINVAL, &c->at[burst ? COND_BURST : COND_QUEUE],
		"%s: %s is less than a frame of %s, whose MTU is %u", burst ? "burst" : "queue",
		text, owner, mtu);
	err_hint(err, "at least %lluB", (unsigned long long)frame);
	return -EINVAL;
}

int loss_parse_burst(const char *text, uint64_t *ret)
{
	uint64_t burst;
	int r = unit_parse_decimal(text, RATIO_ONE, (uint64_t)LOSS_BURST_MAX * RATIO_ONE, &burst);

	if (r < 0)
		return r;
	if (burst < RATIO_ONE)
		return -ERANGE;
	*ret = burst;
	return 0;
}

/*
 * A burst ends after each packet with probability r, so its mean length is 1/r. p
 * follows from the mean loss p/(p+r), the share of packets in bursts.
 */
int loss_from_mean(struct ratio mean, uint64_t burst, struct loss *ret, const char **why)
{
	uint64_t one = (uint64_t)RATIO_ONE * RATIO_ONE, rest = RATIO_ONE - mean.ppb;
	uint64_t r = (one + burst / 2) / burst;
	double p = rest ? (double)one / (double)burst * mean.ppb / (double)rest : INFINITY;

	*why = NULL;
	if (mean.ppb && p < 0.5)
		*why = "the loss is too small for bursts of this length";
	if (p > RATIO_ONE)
		*why = "the loss is too large for bursts of this length";
	if (*why)
		return -ERANGE;
	*ret = (struct loss) {.model = LOSS_GILBERT_ELLIOTT,
			      .p = {(uint32_t)lround(p)},
			      .r = {(uint32_t)r},
			      .bad = {RATIO_ONE},
			      .p23 = {RATIO_ONE}};
	return 0;
}

static void format_loss(const struct loss *loss, struct buf *buf)
{
	char a[UNIT_TEXT], b[UNIT_TEXT], c[UNIT_TEXT], d[UNIT_TEXT], e[UNIT_TEXT];

	switch (loss->model) {
	case LOSS_RANDOM:
		buf_printf(buf, " loss %s", unit_format_ratio(loss->ratio, a));
		break;
	case LOSS_GILBERT_ELLIOTT:
		buf_printf(buf, " loss gilbert-elliott p %s r %s bad %s good %s",
			   unit_format_ratio(loss->p, a), unit_format_ratio(loss->r, b),
			   unit_format_ratio(loss->bad, c), unit_format_ratio(loss->good, d));
		break;
	case LOSS_4STATE:
		buf_printf(buf, " loss 4-state p13 %s p31 %s p32 %s p23 %s p14 %s",
			   unit_format_ratio(loss->p13, a), unit_format_ratio(loss->p31, b),
			   unit_format_ratio(loss->p32, c), unit_format_ratio(loss->p23, d),
			   unit_format_ratio(loss->p14, e));
		break;
	}
}

static void format_queue(const struct queue *queue, struct buf *buf)
{
	char text[UNIT_TEXT];

	switch (queue->unit) {
	case QUEUE_TIME:
		unit_format_duration((struct duration) {(int64_t)queue->value}, text);
		break;
	case QUEUE_BYTES:
		unit_format_size((struct size) {queue->value}, text);
		break;
	case QUEUE_PACKETS:
		snprintf(text, sizeof(text), "%" PRIu64 " packets", queue->value);
		break;
	}
	buf_printf(buf, " queue %s", text);
}

static void format_slot(const struct slot *slot, struct buf *buf)
{
	char a[UNIT_TEXT], b[UNIT_TEXT];

	buf_printf(buf, " slot %s", unit_format_duration(slot->min, a));
	if (slot->max.ns != slot->min.ns)
		buf_printf(buf, "..%s", unit_format_duration(slot->max, b));
	if (slot->packets)
		buf_printf(buf, " %" PRIu32 " packets", slot->packets);
	if (slot->bytes.bytes)
		buf_printf(buf, " %s", unit_format_size(slot->bytes, a));
}

static void format_delay(const struct conditions *c, struct buf *buf)
{
	char text[UNIT_TEXT];

	if (cond_has(c, COND_DELAY))
		buf_printf(buf, " delay %s", unit_format_duration(c->delay, text));
	if (cond_has(c, COND_JITTER))
		buf_printf(buf, " jitter %s", unit_format_duration(c->jitter, text));
	if (cond_has(c, COND_DISTRIBUTION))
		buf_printf(buf, " %s",
			   c->distribution == DIST_FILE ? c->table_file :
							  words_distribution[c->distribution]);
	if (!cond_has(c, COND_REORDER))
		return;
	if (c->reorder == REORDER_RATIO)
		buf_printf(buf, " reorder %s", unit_format_ratio(c->reorder_ratio, text));
	else
		buf_printf(buf, " reorder %s",
			   c->reorder == REORDER_ALLOWED ? "allowed" : "forbidden");
}

int conditions_format(const struct conditions *c, char *ret, size_t size)
{
	auto_buf struct buf buf = {0};
	char text[UNIT_TEXT];

	if (cond_has(c, COND_RATE))
		buf_printf(&buf, " %s", unit_format_rate(c->rate, text));
	if (cond_has(c, COND_BURST))
		buf_printf(&buf, " burst %s", unit_format_size(c->burst, text));
	if (cond_has(c, COND_PEAK))
		buf_printf(&buf, " peak %s", unit_format_rate(c->peak, text));
	if (cond_has(c, COND_QUEUE))
		format_queue(&c->queue, &buf);
	if (cond_has(c, COND_OVERHEAD))
		buf_printf(&buf, " overhead %" PRIu32 "B%s", c->overhead.bytes,
			   c->overhead.atm ? " atm" : "");
	format_delay(c, &buf);
	if (cond_has(c, COND_LOSS))
		format_loss(&c->loss, &buf);
	if (cond_has(c, COND_DUPLICATE))
		buf_printf(&buf, " duplicate %s", unit_format_ratio(c->duplicate, text));
	if (cond_has(c, COND_CORRUPT))
		buf_printf(&buf, " corrupt %s", unit_format_ratio(c->corrupt, text));
	if (cond_has(c, COND_LARGER))
		buf_printf(&buf, " larger %s", unit_format_size(c->larger, text));
	if (cond_has(c, COND_HOLD))
		buf_printf(&buf, " hold");
	if (cond_has(c, COND_SLOT))
		format_slot(&c->slot, &buf);
	if (cond_has(c, COND_SEED))
		buf_printf(&buf, " seed %" PRIu64, c->seed);
	if (cond_has(c, COND_TRACE))
		buf_printf(&buf, " trace %s", c->trace_file);
	if (buf.failed)
		return -ENOMEM;
	return snprintf(ret, size, "%s", buf.data ? buf.data + 1 : "none");
}
