// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/flow/oneway.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/flow/oneway_parts.h"

#define BIN_FIRST_NS   1000000
#define TIME_MAX       (INT64_MAX / 2)
#define MAC_KEY	       (1ULL << 48) /* a bit above the six bytes, so that no key is 0 */
#define IP_KEY	       (1ULL << 63)
#define HOPS_SEEDED    0  /* so that observed traffic overrides seeds */
#define ALLOC_OVERHEAD 16 /* overhead of an allocation, in bytes */

/*
 * At most this many candidates are compared per digest, so that colliding packets cannot
 * make matching quadratic.
 */
#define CANDIDATES_MAX 4096
/*
 * A candidate that would be this late (a multiple of the longest unambiguous delay, but at
 * least LATE_NS) is taken for lost instead.
 */
#define LATE_FACTOR 2
#define LATE_NS	    10000000

int oneway_new(const struct class_set *classes, uint32_t waiting, struct oneway **ret,
	       struct netsim_err *err)
{
	struct oneway *o = calloc(1, sizeof(*o));
	uint32_t room = waiting ? waiting : ONEWAY_WAITING;

	if (!o)
		return err_oom(err);
	o->mask = room - 1;
	o->ring = calloc(room, sizeof(*o->ring));
	o->slots = calloc(2 * (size_t)room, sizeof(*o->slots));
	o->learned = calloc(LEARNED_SLOTS, sizeof(*o->learned));
	o->reach = calloc(REACH_SLOTS, sizeof(*o->reach));
	o->rows = calloc(ONEWAY_ROWS + FLOW_CLASSES, sizeof(*o->rows));
	o->row_slots = calloc(ROW_SLOTS, sizeof(*o->row_slots));
	o->classifier = flow_classifier_new(classes);
	o->totals.bin_ns = BIN_FIRST_NS;
	if (!o->ring || !o->slots || !o->learned || !o->reach || !o->rows || !o->row_slots ||
	    !o->classifier) {
		oneway_free(o);
		return err_oom(err);
	}
	*ret = o;
	return 0;
}

void oneway_free(struct oneway *o)
{
	if (!o)
		return;
	for (uint64_t i = o->begin; o->ring && i < o->next; i++)
		free(o->ring[i & o->mask].reached);
	for (uint32_t i = 0; o->reach && i < REACH_SLOTS; i++)
		free(o->reach[i].views);
	for (uint32_t i = 0; i < o->row_count; i++) {
		histogram_done(&o->rows[i].delay);
		free(o->rows[i].bins);
	}
	free(o->ring);
	free(o->slots);
	free(o->learned);
	free(o->reach);
	free(o->rows);
	free(o->row_slots);
	flow_classifier_free(o->classifier);
	free(o);
}

/* --- addresses */

static uint64_t mac_key(const uint8_t *mac)
{
	uint64_t key = 0;

	for (int i = 0; i < 6; i++)
		key = key << 8 | mac[i];
	return key | MAC_KEY;
}

static uint64_t ip_key(bool v6, const uint8_t *address)
{
	uint64_t word[2] = {0, 0};

	memcpy(word, address, v6 ? 16 : 4);
	return oneway_mix(oneway_mix(v6 ? 6 : 4, word[0]), word[1]) | IP_KEY;
}

/* 0 for packets without an address. */
static uint64_t packet_key(const struct packet *p, const uint8_t *address)
{
	if (!address || (!p->version && p->ethertype != 0x0806))
		return 0;
	return ip_key(p->version == 6, address);
}

static struct learned *learned_at(const struct oneway *o, uint64_t key)
{
	uint32_t i = (uint32_t)oneway_mix(key, key) % LEARNED_SLOTS;

	while (o->learned[i].key && o->learned[i].key != key)
		i = (i + 1) % LEARNED_SLOTS;
	return &o->learned[i];
}

/* A router forwards with fewer hops left than the owner of the address has. */
static void learn(struct oneway *o, uint64_t key, uint16_t view, uint8_t hops)
{
	struct learned *l = learned_at(o, key);

	if (l->key && l->hops > hops)
		return;
	if (!l->key) {
		if (o->learned_count >= LEARNED_SLOTS / 4 * 3)
			return;
		o->learned_count++;
	}
	*l = (struct learned) {.key = key, .view = view, .hops = hops};
}

static void seed(struct oneway *o, uint64_t key, uint16_t view, bool maybe_routed)
{
	struct learned *l = learned_at(o, key);

	if (l->key)
		return;
	learn(o, key, view, HOPS_SEEDED);
	l->maybe_routed = maybe_routed && l->key;
}

void oneway_seed_mac(struct oneway *o, const struct mac *mac, uint16_t view)
{
	seed(o, mac_key(mac->b), view, false);
}

void oneway_seed_ip(struct oneway *o, const struct ip *ip, uint16_t view)
{
	seed(o, ip_key(ip->family == AF_INET6, ip->b), view, true);
}

/* The receiver; NULL: unknown. */
static const struct learned *receiver_of(const struct oneway *o, const struct sent_packet *s)
{
	const struct learned *l = learned_at(o, s->group);

	if (!l->key && s->address)
		l = learned_at(o, s->address);
	return l->key ? l : NULL;
}

/* --- multicast */

static struct reach *reach_at(const struct oneway *o, const struct sent_packet *s)
{
	uint32_t i = (uint32_t)oneway_mix(s->group, s->from) % REACH_SLOTS;

	while (o->reach[i].group && (o->reach[i].group != s->group || o->reach[i].from != s->from))
		i = (i + 1) % REACH_SLOTS;
	return &o->reach[i];
}

/* Records that this view receives frames of this multicast group. */
static void note_reach(struct oneway *o, const struct sent_packet *s, uint16_t view)
{
	struct reach *reach = reach_at(o, s);
	uint16_t *views;

	for (uint32_t i = 0; i < reach->count; i++)
		if (reach->views[i] == view)
			return;
	if (o->reach_views == REACH_VIEWS)
		return;
	if (!reach->group) {
		if (o->reach_count >= REACH_SLOTS / 4 * 3)
			return;
		o->reach_count++;
		reach->group = s->group;
		reach->from = s->from;
	}
	views = realloc(reach->views, (reach->count + 1) * sizeof(*views));
	if (!views) {
		o->failed = true;
		return;
	}
	views[reach->count++] = view;
	o->reach_views++;
	reach->views = views;
}

static bool has_reached(const struct sent_packet *s, uint16_t view)
{
	return view / 64 < s->words && (s->reached[view / 64] >> view % 64 & 1);
}

static size_t reached_bytes(const struct sent_packet *s)
{
	return s->words ? s->words * sizeof(*s->reached) + ALLOC_OVERHEAD : 0;
}

static void mark_reached(struct oneway *o, struct sent_packet *s, uint16_t view)
{
	uint16_t words = (uint16_t)(view / 64 + 1);
	uint64_t *reached;

	if (words > s->words) {
		reached = realloc(s->reached, words * sizeof(*reached));
		if (!reached) {
			o->failed = true;
			return;
		}
		memset(reached + s->words, 0, (words - s->words) * sizeof(*reached));
		o->reached_bytes -= reached_bytes(s);
		s->reached = reached;
		s->words = words;
		o->reached_bytes += reached_bytes(s);
	}
	s->reached[view / 64] |= 1ULL << view % 64;
}

/* --- sending */

/* Accounts for a packet that is dropped from memory: lost or in flight if undelivered. */
static void expire(struct oneway *o, struct sent_packet *s)
{
	if (s->multicast) {
		const struct reach *reach = reach_at(o, s);

		for (uint32_t i = 0; i < reach->count; i++)
			if (!has_reached(s, reach->views[i]))
				row_undelivered(o, s, reach->views[i]);
		o->totals.unobserved += !reach->count;
	} else if (!s->delivered) {
		const struct learned *to = receiver_of(o, s);

		if (to && to->view != s->from)
			row_undelivered(o, s, to->view);
		else
			o->totals.unobserved++;
	}
	o->reached_bytes -= reached_bytes(s);
	free(s->reached);
	s->reached = NULL;
}

static void expire_oldest(struct oneway *o)
{
	expire(o, &o->ring[o->begin++ & o->mask]);
}

static bool same_digest(const struct oneway_digest *a, const struct oneway_digest *b)
{
	return a->word[0] == b->word[0] && a->word[1] == b->word[1];
}

static uint32_t *slot_at(const struct oneway *o, const struct oneway_digest *digest)
{
	return &o->slots[digest->word[0] & (2 * (uint64_t)o->mask + 1)];
}

/*
 * Walks the chain of one slot from the latest packet to earlier ones. A reused ring entry
 * has a newer serial number than the link to it, so the walk ends there.
 */
struct walk {
	uint64_t serial; /* of s */
	struct sent_packet *s;
	unsigned steps;
};

static bool walk_to(const struct oneway *o, uint32_t position, struct walk *w)
{
	uint64_t serial;

	if (!position || w->steps++ == CANDIDATES_MAX)
		return false;
	/* The latest serial number with this ring position before the current one. */
	serial = w->serial - 1 - ((w->serial - 1 - (position - 1)) & o->mask);
	if (w->serial == 0 || serial < o->begin || serial >= w->serial)
		return false;
	w->serial = serial;
	w->s = &o->ring[position - 1];
	return true;
}

/* Detects a frame captured again, at a bridge or another device on its way. */
static bool is_known(const struct oneway *o, const struct sent_packet *s)
{
	struct walk w = {.serial = o->next};

	for (uint32_t position = *slot_at(o, &s->digest); walk_to(o, position, &w);
	     position = w.s->before)
		if (same_digest(&w.s->digest, &s->digest) && w.s->macs == s->macs)
			return w.s->from != s->from && !w.s->delivered;
	return false;
}

static void add_sent(struct oneway *o, const struct packet *p, struct sent_packet *s)
{
	uint32_t *slot = slot_at(o, &s->digest), position;
	uint64_t source = packet_key(p, p->source);

	learn(o, mac_key(p->mac + 6), p->view, 0);
	if (source)
		learn(o, source, p->view, p->hops);
	s->from = p->view;
	if (is_known(o, s))
		return;
	if (o->next - o->begin > o->mask)
		expire_oldest(o);
	s->address = packet_key(p, p->destination);
	s->class = (uint8_t)flow_classify(o->classifier, p);
	s->before = *slot;
	position = (uint32_t)(o->next & o->mask);
	o->ring[position] = *s;
	*slot = position + 1;
	o->next++;
	o->totals.sent++;
}

/* --- delivering */

/* The candidates among packets with the same digest. */
struct candidates {
	struct sent_packet *oldest, *latest, *plausible; /* not delivered here yet */
	uint64_t oldest_serial, latest_serial, plausible_serial;
	struct sent_packet *delivered; /* the latest one delivered here */
	unsigned count;
};

static bool fits(const struct oneway *o, const struct sent_packet *s,
		 const struct sent_packet *want, uint16_t view)
{
	const struct learned *to;

	if (!same_digest(&s->digest, &want->digest) || s->from == view ||
	    s->multicast != want->multicast || (s->multicast && s->macs != want->macs))
		return false;
	to = s->multicast ? NULL : receiver_of(o, s);
	return !to || to->maybe_routed || to->view == view;
}

static void consider(struct oneway *o, struct sent_packet *s, uint64_t serial, uint16_t view,
		     struct candidates *c)
{
	uint64_t age = (uint64_t)(o->now_ns - s->time_ns);
	uint64_t certain;

	if (s->multicast ? has_reached(s, view) : s->delivered) {
		if (!c->delivered)
			c->delivered = s;
		return;
	}
	c->oldest = s;
	c->oldest_serial = serial;
	if (!c->count++) {
		c->latest = s;
		c->latest_serial = serial;
	}
	certain = row_certain(o, s, view);
	if (!certain)
		certain = o->certain_ns;
	if (!certain ||
	    age <= (LATE_FACTOR * certain > LATE_NS ? LATE_FACTOR * certain : LATE_NS)) {
		c->plausible = s;
		c->plausible_serial = serial;
	}
}

/*
 * Delivers candidates in the order of sending, except those so late that they were probably
 * lost.
 */
static void deliver(struct oneway *o, const struct candidates *c, uint16_t view)
{
	struct sent_packet *s = c->plausible ? c->plausible : c->latest;
	uint64_t serial = c->plausible ? c->plausible_serial : c->latest_serial;

	row_delivered(o, s, serial, view, c->count == 1 && !c->delivered);
	if (s->multicast) {
		mark_reached(o, s, view);
		note_reach(o, s, view);
	}
	s->delivered = true;
}

static void add_delivered(struct oneway *o, const struct packet *p, const struct sent_packet *want)
{
	struct walk w = {.serial = o->next};
	struct candidates c = {0};

	for (uint32_t position = *slot_at(o, &want->digest); walk_to(o, position, &w);
	     position = w.s->before)
		if (fits(o, w.s, want, p->view))
			consider(o, w.s, w.serial, p->view, &c);
	if (c.count) {
		deliver(o, &c, p->view);
	} else if (c.delivered) {
		row_duplicated(o, c.delivered, p->view);
	} else {
		const struct learned *l = learned_at(o, want->group);

		/* A bridge floods frames to an address that it has not learned. */
		if (want->multicast || !l->key || l->view == p->view)
			o->totals.unmatched++;
	}
}

bool oneway_add(struct oneway *o, const struct packet *p, int64_t time_ns)
{
	struct sent_packet s = {0};

	if (!p->mac || !p->network || !p->seen || !p->view || p->view >= PACKET_VIEW_COOKED)
		return !o->failed;
	if (time_ns < 0 || time_ns > TIME_MAX)
		time_ns = time_ns < 0 ? 0 : TIME_MAX;
	if (!o->started)
		o->totals.first_ns = time_ns;
	/* Clamp to monotonic time: a step back would distort all delays. */
	if (!o->started || time_ns > o->now_ns)
		o->now_ns = time_ns;
	o->started = true;
	oneway_digest(p, &s.digest);
	s.time_ns = o->now_ns;
	s.multicast = p->mac[0] & 1;
	s.group = mac_key(p->mac);
	s.macs = (uint32_t)oneway_mix(s.group, mac_key(p->mac + 6));
	if (p->seen == PACKET_DELIVERED) {
		add_delivered(o, p, &s);
	} else {
		if (s.multicast)
			s.group |= (uint64_t)p->vlan << 49;
		add_sent(o, p, &s);
	}
	while (o->reached_bytes > ONEWAY_REACHED)
		expire_oldest(o);
	return !o->failed;
}

/* --- results */

void oneway_finish(struct oneway *o, int64_t time_ns)
{
	uint64_t last;

	if (time_ns > o->now_ns && time_ns <= TIME_MAX)
		o->now_ns = time_ns;
	while (o->begin < o->next)
		expire_oldest(o);
	for (uint32_t i = 0; i < o->row_count; i++)
		if (o->rows[i].delivered)
			o->rows[i].deviation =
				sqrt(o->rows[i].squares / (double)o->rows[i].delivered);
	last = (uint64_t)(o->now_ns - o->totals.first_ns) / (uint64_t)o->totals.bin_ns;
	o->totals.bin_count = last < ONEWAY_BINS ? (size_t)last + 1 : ONEWAY_BINS;
}

int64_t oneway_longest(const struct oneway *o)
{
	return (int64_t)o->longest_ns;
}

size_t oneway_rows(const struct oneway *o, const struct oneway_row **ret)
{
	*ret = o->rows;
	return o->row_count;
}

void oneway_totals(const struct oneway *o, struct oneway_totals *ret)
{
	*ret = o->totals;
}
