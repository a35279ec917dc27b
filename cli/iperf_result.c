/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iperf_result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* Reads the RTT over all streams that this end sent; converts from us to ms. */
static void read_rtt(const json_t *said, struct iperf_flow *flow)
{
	const json_t *streams = json_object_get(json_object_get(said, "end"), "streams");
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(streams); i++) {
		const json_t *sender = json_object_get(json_array_get(streams, i), "sender");
		double mean = number(sender, "mean_rtt") / 1e3;

		if (!json_is_true(json_object_get(sender, "sender")) || mean <= 0)
			continue;
		flow->rtt_min = count ? fmin(flow->rtt_min, number(sender, "min_rtt") / 1e3) :
					number(sender, "min_rtt") / 1e3;
		flow->rtt_max = fmax(flow->rtt_max, number(sender, "max_rtt") / 1e3);
		flow->rtt_mean += (mean - flow->rtt_mean) / (double)++count;
	}
	flow->has_rtt = count > 0;
}

static void read_flow(const json_t *end, const char *sent_key, const char *received_key,
		      struct iperf_flow *flow)
{
	const json_t *sent = json_object_get(end, sent_key);
	const json_t *received = json_object_get(end, received_key);

	flow->seconds = number(received, "seconds");
	flow->bps = number(received, "bits_per_second");
	flow->sent_bps = number(sent, "bits_per_second");
	flow->bytes = number(received, "bytes");
	flow->has_retransmissions = json_object_get(sent, "retransmits") != NULL;
	flow->retransmissions = number(sent, "retransmits");
	flow->udp = json_object_get(received, "jitter_ms") != NULL;
	flow->jitter = number(received, "jitter_ms");
	flow->lost = number(received, "lost_packets");
	flow->packets = number(received, "packets");
	flow->loss = flow->packets > 0 ? 100 * flow->lost / flow->packets : 0;
}

int iperf_flows(const json_t *client, const json_t *server, const char *from, const char *to,
		struct iperf_flow flows[2])
{
	const json_t *end = json_object_get(client, "end");
	const json_t *start = json_object_get(json_object_get(client, "start"), "test_start");
	bool reverse = json_integer_value(json_object_get(start, "reverse"));

	flows[0] = (struct iperf_flow) {.from = reverse ? to : from, .to = reverse ? from : to};
	read_flow(end, "sum_sent", "sum_received", &flows[0]);
	read_rtt(reverse ? server : client, &flows[0]);
	if (!json_object_get(end, "sum_received_bidir_reverse"))
		return 1;
	flows[1] = (struct iperf_flow) {.from = to, .to = from};
	read_flow(end, "sum_sent_bidir_reverse", "sum_received_bidir_reverse", &flows[1]);
	read_rtt(server, &flows[1]);
	return 2;
}

/*
 * Takes the sums of one direction from its ends. The client's time holds for both: the server
 * counts the bytes to the end, but the time to its last report.
 */
static void join_sums(json_t *end, const json_t *sender, const json_t *receiver,
		      const char *sent_key, const char *received_key)
{
	double seconds = number(json_object_get(end, received_key), "seconds");
	json_t *sent = json_copy(json_object_get(json_object_get(sender, "end"), sent_key));
	json_t *received =
		json_copy(json_object_get(json_object_get(receiver, "end"), received_key));

	for (int i = 0; i < 2; i++) {
		json_t *sum = i ? sent : received;
		double bps = seconds > 0 ? 8 * number(sum, "bytes") / seconds : 0;

		json_object_set_new(sum, "seconds", json_real(seconds));
		json_object_set_new(sum, "bits_per_second", json_real(bps));
	}
	json_object_set_new(end, sent_key, sent);
	json_object_set_new(end, received_key, received);
}

int iperf_flows_so_far(const json_t *client, const json_t *server, const char *from, const char *to,
		       struct iperf_flow flows[2])
{
	json_t *joined = json_deep_copy(client), *end = json_object_get(joined, "end");
	const json_t *start = json_object_get(json_object_get(client, "start"), "test_start");
	bool reverse = json_integer_value(json_object_get(start, "reverse"));
	bool known = json_object_get(end, "sum_received") &&
		     json_object_get(json_object_get(server, "end"), "sum_received");
	int count = 0;

	if (known && json_object_get(end, "sum_received_bidir_reverse"))
		join_sums(end, server, client, "sum_sent_bidir_reverse",
			  "sum_received_bidir_reverse");
	if (known) {
		join_sums(end, reverse ? server : client, reverse ? client : server, "sum_sent",
			  "sum_received");
		count = iperf_flows(joined, server, from, to, flows);
	}
	json_decref(joined);
	return count;
}
