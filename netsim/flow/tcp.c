// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Passive TCP analysis: classifies segments by sequence numbers, acknowledgements and
 * timing. Retransmission, reordering, duplicate ACK, keep-alive and zero-window probe
 * follow Wireshark's definitions, so that figures can be compared.
 */
#include <string.h>

#include "netsim/flow/flow_parts.h"

#define FAST_WINDOW_NS	   20000000 /* after the last of the identical acknowledgements */
#define REORDER_DEFAULT_NS 3000000  /* if the handshake was not seen */
#define FAST_DUP_ACKS	   2	    /* identical acknowledgements, after the first */

/* Serial number arithmetic: a precedes b if it lies less than half the number space behind. */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static bool up_to(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

/* A segment and its context. */
struct segment {
	struct flow *flow;
	struct connection *c;
	struct side *from, *to;
	unsigned side;
	const struct packet *p;
	uint32_t end; /* one past its last number; SYN and FIN take one */
	bool probe;   /* zero-window probe */
	bool keep_alive;
};

static void count(const struct segment *s, enum flow_count what)
{
	if (!s->flow->copy)
		count_event(s->flow, s->c, s->side, what);
}

static bool has(const struct segment *s, uint8_t flags)
{
	return (s->p->tcp_flags & flags) != 0;
}

/* --- round trips */

static void sample(const struct segment *s, unsigned side, int64_t sent_ns)
{
	struct side *sender = &s->c->sides[side];
	struct flow_group *group = &s->flow->groups[s->c->group];
	unsigned way = way_of(s->c, side);
	int64_t rtt = s->flow->now_ns - sent_ns;
	uint64_t units;

	if (rtt < 0)
		return;
	units = (uint64_t)rtt / RTT_UNIT;
	if (units > UINT32_MAX)
		units = UINT32_MAX;
	if (!sender->rtt_count || units < sender->rtt_min)
		sender->rtt_min = (uint32_t)units;
	if (units > sender->rtt_max)
		sender->rtt_max = (uint32_t)units;
	sender->rtt_count += sender->rtt_count < UINT32_MAX;
	sender->rtt_sum += (uint64_t)rtt;
	if (!histogram_add(&group->ways[way].rtt, (uint64_t)rtt))
		s->flow->failed = true;
	series_rtt(s->flow, group, way, rtt);
}

static void forget(struct flight_side *f, unsigned i)
{
	f->timed_count--;
	memmove(&f->timed[i], &f->timed[i + 1], (f->timed_count - i) * sizeof(f->timed[0]));
	memmove(&f->flags[i], &f->flags[i + 1], (f->timed_count - i) * sizeof(f->flags[0]));
}

/* Starts timing a segment; segments beyond FLIGHT_TIMED go untimed. */
static void time_segment(const struct segment *s, struct flight_side *f, uint8_t flags)
{
	if (f->timed_count == FLIGHT_TIMED)
		return;
	if (s->flow->copy)
		flags |= TIMED_COPY;
	f->timed[f->timed_count] =
		(struct timed) {s->flow->now_ns, s->end, s->p->has_stamps ? s->p->stamp : 0};
	f->flags[f->timed_count++] = flags;
}

/*
 * Karn's algorithm: retransmitted segments give no RTT, nor do later segments whose
 * acknowledgement had to wait for them. If the timestamps differ, the echo identifies the
 * copy.
 */
static void time_retransmission(const struct segment *s, struct flight_side *f)
{
	bool distinct = false;

	for (unsigned i = 0; i < f->timed_count;) {
		if (before(s->p->seq, f->timed[i].end) && up_to(f->timed[i].end, s->end)) {
			distinct |= f->timed[i].stamp != s->p->stamp;
			forget(f, i);
			continue;
		}
		if (before(s->p->seq, f->timed[i].end))
			f->flags[i] |= TIMED_LATE;
		i++;
	}
	if (s->p->has_stamps && distinct)
		time_segment(s, f, TIMED_ECHO);
}

/* Whether a cumulative acknowledgement gives a valid RTT for this segment. */
static bool gives_rtt(const struct segment *s, const struct timed *timed, uint8_t flags)
{
	if (timed->end != s->p->ack || flags & TIMED_COPY)
		return false;
	if (flags & TIMED_ECHO)
		return s->p->has_stamps && s->p->stamp_echo == timed->stamp;
	return !(flags & TIMED_LATE);
}

/*
 * Returns whether any SACK block covers the segment; *ret_last: the first block, the most
 * recent one, ends with it.
 */
static bool is_sacked(const struct segment *s, const struct timed *timed, bool *ret_last)
{
	const struct packet *p = s->p;

	*ret_last = p->sack_count && p->sacks[0].to == timed->end;
	for (int i = 0; i < p->sack_count; i++)
		if (before(p->sacks[i].from, timed->end) && up_to(timed->end, p->sacks[i].to))
			return true;
	return false;
}

static void acknowledge(const struct segment *s, struct flight_side *f)
{
	unsigned other = 1 - s->side;

	for (unsigned i = 0; i < f->timed_count;) {
		struct timed timed = f->timed[i];
		bool last = false;

		if (up_to(timed.end, s->p->ack)) {
			if (gives_rtt(s, &timed, f->flags[i]))
				sample(s, other, timed.time_ns);
			forget(f, i);
		} else if (s->p->sack_count && is_sacked(s, &timed, &last)) {
			if (last && !(f->flags[i] & (TIMED_ECHO | TIMED_COPY)))
				sample(s, other, timed.time_ns);
			forget(f, i);
		} else {
			i++;
		}
	}
	/* Acknowledged data has arrived, whether it was captured or not. */
	while (f->hole_count && up_to(f->holes[0].to, s->p->ack)) {
		f->hole_count--;
		memmove(f->holes, f->holes + 1, f->hole_count * sizeof(f->holes[0]));
	}
}

/* --- holes: data that was not captured */

/* Records a gap in the sequence numbers; beyond FLIGHT_HOLES the oldest is dropped. */
static void add_hole(struct flight_side *f, uint32_t from, uint32_t to)
{
	if (f->hole_count == FLIGHT_HOLES) {
		f->hole_count--;
		memmove(f->holes, f->holes + 1, f->hole_count * sizeof(f->holes[0]));
	}
	f->holes[f->hole_count++] = (struct packet_sack) {from, to};
}

/* Removes the range from the holes; returns how many bytes of it were in holes. */
static uint32_t close_holes(struct flight_side *f, uint32_t from, uint32_t to)
{
	uint32_t closed = 0;

	for (unsigned i = 0; i < f->hole_count;) {
		struct packet_sack *hole = &f->holes[i];
		uint32_t a = before(from, hole->from) ? hole->from : from;
		uint32_t b = before(to, hole->to) ? to : hole->to;
		struct packet_sack rest = {b, hole->to};

		if (!before(a, b)) {
			i++;
			continue;
		}
		closed += b - a;
		hole->to = a;
		if (hole->from == a) {
			*hole = rest;
		} else if (rest.from != rest.to && f->hole_count < FLIGHT_HOLES) {
			memmove(hole + 2, hole + 1, (f->hole_count - i - 1) * sizeof(f->holes[0]));
			hole[1] = rest;
			f->hole_count++;
			i++;
		}
		if (hole->from == hole->to) {
			f->hole_count--;
			memmove(hole, hole + 1, (f->hole_count - i) * sizeof(f->holes[0]));
		} else {
			i++;
		}
	}
	return closed;
}

/* --- classification */

static void classify_window(struct segment *s)
{
	const struct side *from = s->from;
	const struct packet *p = s->p;
	bool plain = !has(s, PACKET_SYN | PACKET_FIN | PACKET_RST), same;

	if (p->payload == 1 && p->seq == from->next && (s->to->flags & SIDE_SEEN) &&
	    s->to->window == 0) {
		s->probe = true;
		return;
	}
	if (!p->window && plain)
		count(s, FLOW_ZERO_WINDOWS);
	s->keep_alive =
		p->payload <= 1 && p->seq == from->next - 1 && plain && (from->flags & SIDE_SEEN);
	same = !p->payload && p->window && p->window == from->window && p->seq == from->next &&
	       (from->flags & SIDE_ACK) && p->ack == from->ack && plain;
	if (!same || (s->to->flags & SIDE_KEEP_ALIVE))
		return;
	count(s, FLOW_DUP_ACKS);
	if (s->from->same_acks < UINT8_MAX)
		s->from->same_acks++;
}

static uint64_t reorder_window(const struct connection *c)
{
	return c->flags & CONNECTION_OPENED && c->handshake_ns ? c->handshake_ns :
								 REORDER_DEFAULT_NS;
}

/* The kind of retransmission or reordering; FLOW_COUNTS for none. */
static enum flow_count classify_data(const struct segment *s)
{
	const struct side *from = s->from, *to = s->to;
	const struct packet *p = s->p;
	bool again = (from->flags & SIDE_SEEN) && before(p->seq, from->next);
	/*
	 * Clock went back: the unsigned difference is huge and fails the window test, as
	 * wanted.
	 */
	uint64_t since_ack = (uint64_t)(s->flow->now_ns - to->last_ns);
	uint64_t since_next = (uint64_t)(s->flow->now_ns - from->next_ns);

	if (s->keep_alive)
		return FLOW_COUNTS;
	/* The byte before may have been a zero-window probe. */
	if (p->payload > 1 && from->next - 1 == p->seq)
		again = false;
	if (p->payload && (to->flags & SIDE_ACK) && up_to(p->seq + p->payload, to->ack))
		return FLOW_SPURIOUS;
	if (!again)
		return FLOW_COUNTS;
	if (to->same_acks >= FAST_DUP_ACKS && to->ack == p->seq && since_ack < FAST_WINDOW_NS)
		return FLOW_FAST;
	if (since_next < reorder_window(s->c) && from->next != s->end)
		return FLOW_REORDERED;
	return FLOW_TIMEOUT;
}

/* Counts bytes captured before, tracks holes, and times the segment. */
static void track_data(const struct segment *s)
{
	bool seen = (s->from->flags & SIDE_SEEN) != 0;
	bool again = seen && before(s->p->seq, s->from->next);
	bool skips = seen && before(s->from->next, s->p->seq);
	uint32_t end = again && before(s->from->next, s->end) ? s->from->next : s->end;
	struct flight *flight;
	struct flight_side *f;

	/* A SYN or FIN allocates nothing while no data is missing. */
	if (!s->p->payload && !skips && !s->c->flight) {
		if (again)
			count(s, FLOW_RESENT);
		return;
	}
	flight = flight_of(s->flow, s->c);
	if (!flight) {
		s->flow->failed = true;
		return;
	}
	f = &flight->sides[s->side];
	if (again && close_holes(f, s->p->seq, end) != end - s->p->seq)
		count(s, FLOW_RESENT);
	if (skips)
		add_hole(f, s->from->next, s->p->seq);
	if (s->p->payload && again)
		time_retransmission(s, f);
	else if (s->p->payload)
		time_segment(s, f, 0);
}

/* Handles a segment that takes sequence numbers: data, SYN or FIN. */
static void handle_data(struct segment *s)
{
	enum flow_count kind = classify_data(s);

	if (kind != FLOW_COUNTS)
		count(s, kind);
	if (!s->flow->copy && (kind == FLOW_FAST || kind == FLOW_TIMEOUT || kind == FLOW_SPURIOUS))
		series_retransmission(s->flow, &s->flow->groups[s->c->group],
				      way_of(s->c, s->side));
	if (!s->probe)
		track_data(s);
}

/* --- opening */

static void track_handshake(struct segment *s)
{
	struct connection *c = s->c;

	if (c->flags & CONNECTION_OPENED)
		return;
	if (s->side == 0 && has(s, PACKET_SYN)) {
		/* The last SYN counts: the previous one was not answered. */
		c->handshake_ns = s->flow->now_ns;
		return;
	}
	if (s->side != 0 || !has(s, PACKET_ACK) || has(s, PACKET_RST) ||
	    !(s->from->flags & SIDE_SYN) || s->p->ack != s->c->bases[1 - s->side] + 1 ||
	    s->flow->now_ns < c->handshake_ns)
		return;
	c->handshake_ns = s->flow->now_ns - c->handshake_ns;
	c->flags |= CONNECTION_OPENED;
	if (!(c->flags & CONNECTION_FIRST))
		return;
	if (!histogram_add(&s->flow->groups[c->group].ways[way_of(c, 0)].opened.handshake,
			   (uint64_t)c->handshake_ns))
		s->flow->failed = true;
}

/*
 * A SYN with new numbers: the old ones belong to an earlier connection of these ports, which
 * the other end still has (a half-open connection).
 */
static void restart_numbers(struct segment *s)
{
	struct flight *flight = flight_at(s->flow, s->c);

	s->c->bases[s->side] = s->from->next = s->p->seq;
	s->from->same_acks = 0;
	s->to->flags &= (uint8_t)~SIDE_ACK;
	if (flight)
		flight->sides[s->side].timed_count = flight->sides[s->side].hole_count = 0;
}

/* A SYN before the handshake is complete: the RST or FIN before did not end the connection. */
static void begin_again(struct segment *s)
{
	s->from->flags &= (uint8_t) ~(SIDE_RST | SIDE_FIN);
	s->to->flags &= (uint8_t) ~(SIDE_RST | SIDE_FIN);
	if ((s->from->flags & SIDE_BASE) && s->c->bases[s->side] != s->p->seq)
		restart_numbers(s);
}

static void set_bases(struct segment *s)
{
	if (!(s->from->flags & SIDE_BASE)) {
		s->c->bases[s->side] = has(s, PACKET_SYN) ? s->p->seq : s->p->seq - 1;
		s->from->flags |= SIDE_BASE;
	}
	if (!(s->to->flags & SIDE_BASE) && has(s, PACKET_ACK)) {
		s->c->bases[1 - s->side] = s->p->ack - 1;
		s->to->flags |= SIDE_BASE;
	}
}

static void update_side(struct segment *s)
{
	struct side *from = s->from;
	uint8_t flags = from->flags & (uint8_t) ~(SIDE_ACK | SIDE_KEEP_ALIVE);

	/* A RST takes its number from the other end's acknowledgement, even of data never sent. */
	if (!(from->flags & SIDE_SEEN) ||
	    (before(from->next, s->end) && !s->probe && !has(s, PACKET_RST))) {
		from->next = s->end;
		from->next_ns = s->flow->now_ns;
	}
	from->window = s->p->window;
	from->ack = s->p->ack;
	flags |= SIDE_SEEN | (has(s, PACKET_ACK) ? SIDE_ACK : 0) |
		 (s->keep_alive ? SIDE_KEEP_ALIVE : 0) | (has(s, PACKET_SYN) ? SIDE_SYN : 0) |
		 (has(s, PACKET_FIN) ? SIDE_FIN : 0) | (has(s, PACKET_RST) ? SIDE_RST : 0);
	from->flags = flags;
}

void tcp_packet(struct flow *flow, struct connection *c, unsigned side, const struct packet *packet)
{
	struct segment s = {flow,
			    c,
			    &c->sides[side],
			    &c->sides[1 - side],
			    side,
			    packet,
			    packet->seq + packet->payload,
			    false,
			    false};
	struct flight *flight;

	if (has(&s, PACKET_SYN | PACKET_FIN))
		s.end++;
	if (has(&s, PACKET_SYN) && !(c->flags & CONNECTION_OPENED))
		begin_again(&s);
	set_bases(&s);
	classify_window(&s);
	if (packet->ack != s.from->ack)
		s.from->same_acks = 0;
	if (s.end != packet->seq)
		handle_data(&s);
	else if ((s.from->flags & SIDE_SEEN) && before(s.from->next, packet->seq) &&
		 !has(&s, PACKET_RST))
		track_data(&s); /* its number follows a FIN or data that was not captured */
	if (has(&s, PACKET_RST))
		count(&s, FLOW_RESETS);
	flight = flight_at(flow, c);
	if (flight && has(&s, PACKET_ACK)) {
		acknowledge(&s, &flight->sides[1 - side]);
		if (!flight->sides[0].timed_count && !flight->sides[1].timed_count &&
		    !flight->sides[0].hole_count && !flight->sides[1].hole_count)
			flight_end(flow, c);
	}
	track_handshake(&s);
	update_side(&s);
}
