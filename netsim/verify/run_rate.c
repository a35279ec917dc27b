/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Measures rates: chooses partners, floods them with UDP, and tries TCP. */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <time.h>

#include "netsim/util/auto.h"
#include "netsim/util/err.h"
#include "netsim/verify/run.h"
#include "netsim/verify/tcp.h"

#define OVERLOAD	  1.2  /* rate of a flood, relative to the expected rate */
#define BUCKET_MOST	  5.0  /* seconds; upper bound of the time to use up or save up a burst */
#define RATE_ROUND	  30.0 /* seconds available for all rates together */
#define TRIES		  3
#define TCP_SECONDS	  1.0
#define TRAIN_LEAST	  0.005 /* seconds of a train, which shows a peak */
#define TRAIN_SHARE	  0.9	/* of it that counts, less than the bucket lasts */
#define TRAIN_AHEAD	  0.002 /* seconds of it that are sent at once, and so keep the link busy */
#define TRAIN_AHEAD_SHARE 0.05	/* or as a share, if that is less */

#define PATH_SECONDS 0.25 /* duration of the first flood of a path */
#define TCP_PATHS    8	  /* with more rates to measure, paths are not measured by TCP as well */
#define TCP_LOSS     0.05 /* upper bound of loss: beyond it, timeouts decide */
#define TCP_WINDOW   (2 << 20) /* bytes: half of the kernel's 4 MB, which hold overhead too */
#define LOST_MOST    0.5       /* upper bound of loss for measuring a rate */

/*
 * Capacity of all partners together, relative to the measured rate, so that the flood does not
 * fill their links.
 */
#define SPREAD	     1.4  /* wanted */
#define SPREAD_LEAST 1.25 /* with less, only one partner is used */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Returns whether a path's own rate is wrong; such a path says nothing about its ends. */
static bool is_wrong(const struct verify_run *run, size_t p)
{
	for (size_t i = 0; i < run->rate_count; i++)
		if (run->rates[i].is_path && !run->rates[i].train && run->rates[i].path == p &&
		    !verify_rate_fits(&run->rates[i]))
			return true;
	return false;
}

/* Returns whether packets of full size do not pass a path: those of floods and of TCP. */
static bool limits_size(const struct verify_run *run, size_t p)
{
	unsigned limit = verify_size_limit(&run->paths[p]);
	unsigned mtu = run->links[run->probes[p].to].mtu;

	return limit && (!mtu || limit < mtu);
}

/*
 * Returns whether a path is a candidate for measuring a direction: it uses that
 * direction, full-sized packets pass, and its own rate is not wrong (unless there is none such:
 * any_partner).
 */
static bool is_candidate(const struct verify_run *run, const struct verify_rate *r, size_t p)
{
	const struct verify_path *path = &run->paths[p];

	return (r->up ? path->from : path->to) == r->end && !path->traffic && !path->echo &&
	       !path->cut && path->seen.received &&
	       (r->any_partner || (!limits_size(run, p) && !is_wrong(run, p)));
}

/* Returns the candidate with the fastest partner, leaving out except; SIZE_MAX: none. */
static size_t find_partner(const struct verify_run *run, const struct verify_rate *r, size_t except)
{
	size_t best = SIZE_MAX;

	for (size_t p = 0; p < run->path_count; p++) {
		const struct verify_path *path = &run->paths[p];

		if (!is_candidate(run, r, p) || (r->up ? path->to : path->from) == except)
			continue;
		if (best == SIZE_MAX || verify_rest(path, r) > verify_rest(&run->paths[best], r))
			best = p;
	}
	return best;
}

static void wait_seconds(double seconds)
{
	struct timespec time = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* The plan for measuring one rate. */
struct turn {
	struct probe_lane lanes[PROBE_LANES];
	size_t lane_count;
	const struct verify_path *path; /* of the first lane */
	const struct conditions *hop;	/* the one that limits the rate */
	double room;			/* rate of all partners together */
	double lost_before;		/* share lost before the hop that limits the rate */
	double burst;			/* bits that pass faster than at the rate */
	double peaks;			/* those of the other hops with a peak */
	double lead;			/* seconds that this takes at a peak; 0: none */
	double supply[PROBE_LANES];	/* what each lane lets through to that peak, bit/s */
	double refill;			/* seconds until the buckets are full again */
	double seconds;
	struct verify_expect expect; /* of the first lane */
	bool limits_size;	     /* full-sized packets do not pass some lane */
};

/* Adds the bursts of a lane's hops; own is the hop that is measured, which all lanes share. */
static void add_bursts(struct turn *turn, const struct verify_path *path,
		       const struct conditions *own)
{
	const struct conditions *hops[] = {&path->up, &path->path, &path->down};
	double plain = 0, seconds;

	for (size_t i = 0; i < ARRAY_SIZE(hops); i++) {
		double supply = verify_supply(path, hops[i]);
		double bits = verify_use_up(hops[i], supply, &seconds);

		turn->refill = fmax(turn->refill, verify_refill(hops[i]));
		plain += verify_dry(hops[i]) > 0 ? 0 : verify_burst(hops[i]);
		if (hops[i] == own) {
			turn->supply[turn->lane_count] = supply;
			continue;
		}
		turn->peaks = fmax(turn->peaks, bits);
		turn->lead = fmax(turn->lead, seconds);
	}
	turn->burst = fmax(turn->burst, plain);
}

/* Adds the burst of the hop that is measured: its bucket lasts longer if less than its peak comes.
 */
static void add_own_burst(struct turn *turn)
{
	double supply = 0, seconds, bits;

	for (size_t i = 0; i < turn->lane_count; i++)
		supply += turn->supply[i];
	bits = verify_use_up(turn->hop, supply, &seconds);
	turn->burst += fmax(turn->peaks, bits);
	turn->lead = fmax(turn->lead, seconds);
}

static int add_lane(const struct verify_run *run, const struct verify_rate *r, size_t p,
		    struct turn *turn, struct netsim_err *err)
{
	const struct verify_path *path = &run->paths[p];
	double rest = (double)verify_rest(path, r);
	struct dist_tables tables = {0};
	int result = 0;

	if (!turn->lane_count) {
		turn->path = path;
		turn->hop = !r->is_path ? (r->up ? &path->up : &path->down) :
			    r->train	? &path->path :
					  verify_slowest_hop(path);
		result = verify_expect(path, &tables, &turn->expect);
		dist_tables_done(&tables);
	}
	add_bursts(turn, path, r->is_path ? turn->hop : r->up ? &path->up : &path->down);
	turn->lanes[turn->lane_count++] =
		(struct probe_lane) {run->probes[p].from, run->probes[p].to, rest};
	turn->room += rest;
	turn->limits_size |= limits_size(run, p);
	return result < 0 ? err_oom(err) : 0;
}

/*
 * Chooses a partner that is fast enough, or several that are fast enough together, so
 * that only the link of the end itself limits the rate.
 */
static int choose(const struct verify_run *run, struct verify_rate *r, size_t first,
		  struct turn *turn, struct netsim_err *err)
{
	size_t p = first;
	int result = add_lane(run, r, p, turn, err);
	bool *used = calloc(run->path_count + 1, sizeof(*used));

	if (!used)
		return err_oom(err);
	while (result == 0 && turn->room < SPREAD * (double)r->own &&
	       turn->lane_count < PROBE_LANES) {
		used[p] = true;
		p = SIZE_MAX;
		for (size_t i = 0; i < run->path_count; i++)
			if (!used[i] && is_candidate(run, r, i) &&
			    (p == SIZE_MAX ||
			     verify_rest(&run->paths[i], r) > verify_rest(&run->paths[p], r)))
				p = i;
		if (p == SIZE_MAX)
			break;
		result = add_lane(run, r, p, turn, err);
	}
	free(used);
	if (turn->lane_count > 1 && turn->room < SPREAD_LEAST * (double)r->own) {
		turn->lane_count = 1;
		turn->room = (double)verify_rest(turn->path, r);
	}
	for (size_t i = 0; i < turn->lane_count; i++)
		turn->lanes[i].share /= turn->room;
	return result;
}

/* Returns whether the rate is right, and more was sent than that. */
static bool is_proved(const struct verify_rate *r)
{
	return verify_udp_fits(r) && !verify_sent_too_little(r);
}

/* Returns whether a try shows more than another: it proves the rate, or comes nearer to it. */
static bool is_better(const struct verify_rate *one, const struct verify_rate *other)
{
	double asked = (double)one->asked;

	if (other->udp < 0)
		return true;
	if (is_proved(one) != is_proved(other))
		return is_proved(one);
	return fabs(one->udp - asked) < fabs(other->udp - asked);
}

static void keep_best(struct verify_rate *r, const struct probe_rate *seen, double lost_before)
{
	struct verify_rate now = *r;

	now.udp = seen->passed;
	now.offered = seen->offered * (1 - lost_before);
	now.refused = seen->refused;
	now.idle = seen->idle;
	if (is_better(&now, r))
		*r = now;
}

/* A flood that uses up all bursts first, or one train that uses up the burst of a peak. */
static struct probe_flood_plan plan_flood(const struct turn *turn, const struct verify_rate *r,
					  double arrives, int times)
{
	double offer = OVERLOAD * (double)r->asked / arrives;
	struct probe_flood_plan plan = {
		.lanes = turn->lanes,
		.lane_count = turn->lane_count,
		.link = (double)(r->is_path ? r->own : r->asked) / arrives,
		.queue = 8 * verify_queue(turn->hop),
	};

	/* Keep each partner's share below the rate of its link. */
	if (turn->lane_count > 1)
		offer = fmin(offer, turn->room * OVERLOAD / SPREAD);
	plan.bps = offer;
	if (cond_has(turn->hop, COND_OVERHEAD))
		plan.overhead = turn->hop->overhead;
	if (r->train > 0) {
		plan.seconds = r->train;
		plan.train = TRAIN_SHARE * r->train * (double)r->asked;
		plan.burst = fmin(TRAIN_AHEAD, TRAIN_AHEAD_SHARE * r->train) * offer;
		return plan;
	}
	plan.seconds = times * turn->seconds + turn->lead;
	plan.burst = turn->burst;
	plan.lead = turn->lead;
	plan.pace = turn->lead > 0 ? OVERLOAD * turn->burst / turn->lead / arrives : 0;
	return plan;
}

static void flood(struct verify_run *run, struct probe *probe, struct turn *turn,
		  struct verify_rate *r)
{
	double arrives = 1 - turn->lost_before;

	add_own_burst(turn);
	if (r->train > 0 && r->train < TRAIN_LEAST)
		r->why = "its burst is too short to be timed";
	else if ((r->train > 0 ? turn->refill : turn->lead) > BUCKET_MOST)
		r->why = r->train > 0 ? "its burst takes too long to save up" :
					"its burst takes too long to use up";
	/* A stalled machine makes a link look slow or, within the window, fast: try again. */
	for (int i = 1; !r->why && i <= TRIES; i++) {
		const struct probe_flood_plan plan = plan_flood(turn, r, arrives, i);
		struct probe_rate seen;

		if (r->train > 0 || turn->lead > 0)
			wait_seconds(fmin(turn->refill, BUCKET_MOST));
		probe_flood(probe, &plan, &seen);
		keep_best(r, &seen, turn->lost_before);
		if (is_proved(r))
			break;
		if (verify_tell(run, "rate", run->rates_done))
			r->why = VERIFY_INTERRUPTED;
		if (r->why)
			break;
		verify_calibrate(run, &plan, arrives, r);
	}
}

/* Returns the way back of a path, or the path itself if it is not probed. */
static const struct verify_path *way_back(const struct verify_run *run,
					  const struct verify_path *path)
{
	for (size_t i = 0; i < run->path_count; i++)
		if (run->paths[i].from == path->to && run->paths[i].to == path->from &&
		    !run->paths[i].traffic && run->paths[i].seen.received)
			return &run->paths[i];
	return path;
}

/* Describes a path for TCP: its slowest hop holds the queue. */
static struct tcp_path tcp_path_of(const struct verify_run *run, const struct turn *turn,
				   const struct verify_rate *r)
{
	const struct verify_path *path = turn->path;

	return (struct tcp_path) {.rate = (double)r->tcp_asked,
				  .rtt = (path->seen.mean + way_back(run, path)->seen.mean) / 1e3,
				  .queue = verify_queue(verify_slowest_hop(path)),
				  .loss = turn->expect.loss,
				  .window = TCP_WINDOW};
}

static int stream(struct verify_run *run, struct probe *probe, const struct turn *turn,
		  struct verify_rate *r, struct netsim_err *err)
{
	const struct tcp_path path = tcp_path_of(run, turn, r);
	const struct tcp_rate able = verify_tcp_rate(&path);
	/* Time for slow start to fill link and queue, twice the bandwidth-delay product. */
	double warmup = 0.3 + fmin(2, 12 * path.rtt);
	int result = 0;

	r->tcp_possible = able.possible;
	r->tcp_least = able.least;
	r->tcp_idle = 1;
	for (int i = 1; result == 0 && i <= TRIES; i++) {
		struct probe_rate seen;

		result = probe_tcp(probe, &turn->lanes[0], warmup, i * TCP_SECONDS, &seen, err);
		if (result == 0 && seen.busy) {
			r->why = "its port is in use at both ends";
			return 0;
		}
		r->tcp = fmax(r->tcp, seen.passed);
		r->tcp_idle = fmin(r->tcp_idle, seen.idle);
		/* Wait for the queues to drain. */
		wait_seconds(fmin(1, path.rtt + 8 * QUEUE_MIN / (double)r->tcp_asked));
		if (verify_rate_fits(r))
			break;
		if (verify_tell(run, "rate", run->rates_done))
			r->why = VERIFY_INTERRUPTED;
		if (r->why)
			break;
		verify_calibrate_tcp(run, &path, warmup, i * TCP_SECONDS, r);
	}
	return result;
}

static const char too_large[] = "the packets that would measure it are larger than what passes";

/* Returns the reason why TCP says nothing about a rate, or NULL if it does. */
static const char *refuses_tcp(const struct verify_expect *e)
{
	return e->loss > TCP_LOSS || e->bursts > 1 || e->duplicate > 0 || e->order_free ?
		       "the throughput of TCP cannot be predicted where packets are duplicated, "
		       "reordered, or lost in bursts or too often" :
		       NULL;
}

/*
 * Returns the addition to the tolerance for a window of this length: jitter can shift both of its
 * ends, and random losses vary.
 */
static double slack_of(const struct verify_expect *e, double asked, double seconds)
{
	double count = fmax(1, asked * seconds / 8 / FULL_FRAME);
	double loss = fmin(0.99, e->loss);

	return fmin(0.5, 2 * e->sd / 1e3 / seconds + e->duplicate +
				 3.29 * sqrt(loss * e->bursts / (1 - loss) / count));
}

static size_t turns_of(const struct verify_run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < run->rate_count; i++)
		count += !run->rates[i].left_out;
	return count;
}

/* The rate of full frames, which TCP sends, in a rate that counts their overhead. */
static uint64_t without_overhead(uint64_t rate, const struct conditions *hop)
{
	return (uint64_t)((double)rate / conditions_stretch(hop));
}

/* Returns whether other links pass a burst no faster than its peak, and sets the reason. */
static bool is_hidden(struct verify_rate *r)
{
	if (r->train > 0 && r->asked < r->own)
		r->why = "no link of a partner passes a burst that fast";
	return r->why != NULL;
}

static int measure_over(struct verify_run *run, struct probe *probe, struct verify_rate *r,
			size_t first, bool alone, struct netsim_err *err)
{
	struct turn turn = {0};
	double each = RATE_ROUND / (double)turns_of(run);
	int result =
		alone ? add_lane(run, r, first, &turn, err) : choose(run, r, first, &turn, err);

	if (result < 0)
		return result;
	if (turn.limits_size) {
		r->why = too_large;
		return 0;
	}
	if (alone)
		turn.lanes[0].share = 1;
	turn.seconds = run->quick ? 0.3 : fmin(0.8, fmax(0.3, each / 3));
	if (turn.lane_count > 1)
		turn.seconds += 0.3;
	r->partner = r->up ? turn.path->to : turn.path->from;
	r->asked = least(r->own, turn.room < 1e18 ? (uint64_t)turn.room : UINT64_MAX);
	r->udp = r->tcp = -1;
	r->shared = turn.room < SPREAD * (double)r->own;
	r->control = r->machine = r->tcp_control = -1;
	r->excess = 0;
	r->slack = slack_of(&turn.expect, (double)r->asked, r->train > 0 ? r->train : turn.seconds);
	if (is_hidden(r))
		return 0;
	flood(run, probe, &turn, r);
	if (r->train > 0 || each < 1 || refuses_tcp(&turn.expect) || !verify_udp_fits(r))
		return result;
	r->no_tcp = run->quick;
	r->tcp_asked = without_overhead(least(r->own, verify_rest(turn.path, r)), turn.hop);
	return run->quick ? result : stream(run, probe, &turn, r, err);
}

/*
 * If the rate is wrong, tries a second partner, because the first one's link may be at
 * fault: it may be slow, lose packets or duplicate them.
 */
static int measure_rate(struct verify_run *run, struct probe *probe, struct verify_rate *r,
			struct netsim_err *err)
{
	size_t first = find_partner(run, r, SIZE_MAX), other;
	struct verify_rate second = *r;
	int result;

	if (first == SIZE_MAX) {
		r->any_partner = true; /* a doubtful partner is better than none */
		first = find_partner(run, r, SIZE_MAX);
	}
	if (first == SIZE_MAX) {
		r->why = "no other end exchanges packets with it";
		return 0;
	}
	result = measure_over(run, probe, r, first, false, err);
	if (result < 0 || r->why || verify_rate_fits(r))
		return result;
	other = find_partner(run, r, r->partner);
	r->shared = verify_rest(&run->paths[first], r) != UINT64_MAX;
	if (other == SIZE_MAX)
		return 0;
	result = measure_over(run, probe, &second, other, true, err);
	if (result < 0)
		return result;
	if (run->stopped)
		r->why = VERIFY_INTERRUPTED;
	else if (second.why)
		return 0;
	else if (!verify_rate_fits(&second))
		r->shared = false; /* with a second partner too: the measured link is wrong */
	else if (r->udp > (double)r->asked || second.udp > 1.005 * r->udp)
		*r = second; /* the second partner got more than the first, or no more than asked */
	return 0;
}

/* --- rates of paths */

/* The rate of a path, and the loss around its slowest hop. */
struct capacity {
	uint64_t rate;
	double before, after; /* share lost before the slowest hop, and after it */
};

static struct capacity path_capacity(const struct verify_path *path)
{
	const struct conditions *hops[] = {&path->up, &path->path, &path->down};
	const struct conditions *slowest = verify_slowest_hop(path);
	struct capacity c = {.rate = verify_rate_of(slowest)};
	double before = 1, all = 1;

	for (size_t i = 0; i < ARRAY_SIZE(hops); i++) {
		double damaged = cond_has(hops[i], COND_CORRUPT) ?
					 (double)hops[i]->corrupt.ppb / RATIO_ONE :
					 0;

		all *= 1 - verify_loss(hops[i]);
		if (hops[i] == slowest)
			before = all;
		all *= 1 - damaged;
	}
	c.before = 1 - before;
	c.after = before > 0 ? 1 - all / before : 0;
	return c;
}

static int measure_path(struct verify_run *run, struct probe *probe, struct verify_rate *r,
			struct netsim_err *err)
{
	const struct probe_path *way = &run->probes[r->path];
	struct capacity capacity = path_capacity(&run->paths[r->path]);
	bool tcp_alone = way->protocol == IPPROTO_TCP;
	struct turn turn = {.seconds = PATH_SECONDS, .lost_before = capacity.before};
	int result = add_lane(run, r, r->path, &turn, err);

	if (result < 0)
		return result;
	turn.lanes[0].share = 1;
	turn.lanes[0].port = way->port;
	r->asked = r->train > 0 ? least(r->own, verify_rest(turn.path, r)) : r->own;
	r->asked = (uint64_t)((double)r->asked * (1 - capacity.after));
	r->tcp_asked = without_overhead(r->asked, turn.hop);
	r->control = r->machine = r->tcp_control = -1;
	r->excess = 0;
	r->slack = slack_of(&turn.expect, (double)r->asked, r->train > 0 ? r->train : turn.seconds);
	if (turn.limits_size)
		r->why = too_large;
	else if (capacity.before > LOST_MOST || capacity.after > LOST_MOST)
		r->why = "more than half of what is sent is lost";
	else if (tcp_alone)
		r->why = r->train > 0 ? "TCP, its only traffic, does not show it" :
					refuses_tcp(&turn.expect);
	else if (!is_hidden(r))
		flood(run, probe, &turn, r);
	if (r->why || r->train > 0 ||
	    (!tcp_alone &&
	     (turns_of(run) > TCP_PATHS || refuses_tcp(&turn.expect) || !verify_udp_fits(r))))
		return 0;
	r->no_tcp = run->quick && !tcp_alone;
	if (r->no_tcp)
		return 0;
	result = stream(run, probe, &turn, r, err);
	if (result == 0 && r->tcp == 0 && tcp_alone)
		r->why = "cannot connect to its port";
	return result;
}

int verify_run_rates(struct verify_run *run, struct probe *probe, struct netsim_err *err)
{
	int r = verify_list_rates(run, err);

	for (size_t i = 0; r == 0 && i < run->rate_count; i++) {
		struct verify_rate *rate = &run->rates[i];

		run->rates_done = (double)i / (double)run->rate_count;
		if (verify_tell(run, "rate", run->rates_done))
			rate->why = VERIFY_INTERRUPTED;
		else if (!rate->is_path)
			r = measure_rate(run, probe, rate, err);
		else if (!rate->left_out)
			r = measure_path(run, probe, rate, err);
	}
	return r;
}
