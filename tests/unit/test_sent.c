// SPDX-License-Identifier: GPL-2.0-or-later
/* The rate at which the packets that count were sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "netsim/probe/sent.h"

/* A turn every 10 ms, of 1 ms, in which lane 0 sends two packets and lane 1 one. */
static void send_turns(struct sent *s, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const uint32_t sent[PROBE_LANES] = {2 * (i + 1), i + 1};

		sent_turn(s, 0.01 * i, 0.01 * i + 0.001, sent);
	}
}

static void is_about(double got, double wanted)
{
	if (fabs(got - wanted) > 0.001 * wanted)
		fail_msg("got %f, wanted %f", got, wanted);
}

static void nothing_counts(void **state)
{
	struct sent s = {0};

	(void)state;
	assert_true(sent_rate(&s) == 0);
	send_turns(&s, 3);
	assert_true(sent_rate(&s) == 0);
	sent_done(&s);
}

static void from_the_first_to_the_last(void **state)
{
	struct sent s = {0};

	(void)state;
	send_turns(&s, 10);
	/* Overtaken, and of turns 1 and 9: 17 packets later, in 81 ms. */
	sent_counts(&s, 0, 19);
	sent_counts(&s, 0, 2);
	sent_counts(&s, 0, 7);
	is_about(sent_rate(&s), 17 / 0.081);
	/* A lane that begins earlier and ends earlier: turns 0 to 4. */
	sent_counts(&s, 1, 0);
	sent_counts(&s, 1, 4);
	is_about(sent_rate(&s), 21 / 0.091);
	sent_done(&s);
}

/* The last packet counts as sent when its turn ends, however long that was. */
static void a_late_sender(void **state)
{
	const uint32_t more[PROBE_LANES] = {30};
	struct sent s = {0};

	(void)state;
	send_turns(&s, 10);
	sent_turn(&s, 0.1, 0.3, more);
	sent_counts(&s, 0, 0);
	sent_counts(&s, 0, 29);
	is_about(sent_rate(&s), 29 / 0.3);
	sent_done(&s);
}

static void a_packet_that_no_turn_sent(void **state)
{
	struct sent s = {0};

	(void)state;
	send_turns(&s, 10);
	sent_counts(&s, 0, 0);
	sent_counts(&s, 0, 20);
	assert_true(sent_rate(&s) == 0);
	sent_done(&s);
}

static void for_want_of_memory(void **state)
{
	struct sent s = {0};

	(void)state;
	send_turns(&s, 10);
	sent_counts(&s, 0, 0);
	sent_counts(&s, 0, 9);
	assert_true(sent_rate(&s) > 0);
	s.incomplete = true;
	assert_true(sent_rate(&s) == 0);
	sent_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_counts),     cmocka_unit_test(from_the_first_to_the_last),
		cmocka_unit_test(a_late_sender),      cmocka_unit_test(a_packet_that_no_turn_sent),
		cmocka_unit_test(for_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
