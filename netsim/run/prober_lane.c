/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of targets, attempts in flight, and the delivery of their samples. */
#include "netsim/run/prober_parts.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "netsim/util/clock.h"

void sample_deliver(struct prober *prober, const struct prober_sample *sample)
{
	pthread_mutex_lock(&prober->lock);
	prober->on_sample(prober->arg, sample);
	pthread_mutex_unlock(&prober->lock);
}

void attempt_end(struct attempt *attempt, enum prober_result result)
{
	attempt->sample.end = clock_ns(CLOCK_MONOTONIC);
	attempt->sample.result = result;
	/* A command is collected later, if it was killed. */
	attempt->over = true;
	attempt->busy = attempt->process.pidfd >= 0;
	sample_deliver(attempt->lane->worker->prober, &attempt->sample);
}

void attempt_hang_up(struct attempt *attempt)
{
	if (attempt->fd < 0)
		return;
	loop_unwatch(attempt->lane->worker->loop, attempt->fd);
	close(attempt->fd);
	attempt->fd = -1;
}

struct attempt *lane_attempt(struct lane *lane, uint64_t number)
{
	struct attempt *oldest = NULL;

	for (size_t i = 0; i < lane->attempt_count; i++) {
		struct attempt *attempt = lane->attempts[i];

		if (!attempt->busy || attempt->over)
			continue;
		if (attempt->number == number)
			return attempt;
		if (!oldest || attempt->number < oldest->number)
			oldest = attempt;
	}
	return number == UINT64_MAX ? oldest : NULL;
}

int lane_resolve(struct lane *lane, const char *host, uint16_t port, struct netsim_err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char service[8];
	int code;

	snprintf(service, sizeof(service), "%u", port);
	code = getaddrinfo(host, service, &hints, &found);
	if (code)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			       "probe %s: cannot resolve %s: %s", lane->spec->name, host,
			       code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
	memcpy(&lane->to, found->ai_addr, found->ai_addrlen);
	lane->to_size = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}
