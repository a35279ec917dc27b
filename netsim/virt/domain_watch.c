/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/virt/domain_watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "netsim/virt/domain_xml.h"
#include "netsim/virt/library.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"
#include "netsim/util/masked.h"
#include "netsim/util/name.h"

#define ALIVE_INTERVAL 5 /* seconds */
#define ALIVE_COUNT    3 /* how often libvirtd may fail to answer */
#define AGAIN_MS       1000
#define ANSWER_MS      5000
#define END_NS	       1000000000LL
#define EVENT_COUNT    3

/* An answer is taken by the owner's thread, events come from libvirt's; the lock is for both. */
struct domain_watch {
	pthread_mutex_t lock;
	pthread_cond_t ended_cond;
	unsigned refs; /* of the owner, the thread, and the callbacks of libvirt */
	char *uri;
	char **names;
	size_t count;
	int wake, news; /* eventfd */
	bool stopped, ended, asked, closed;
	struct domains *answer;
	struct domain_event *events;
	size_t event_count;
	/* of the thread alone */
	vir_connect_ptr conn;
	int event_ids[EVENT_COUNT];
	size_t id_count;
	bool watches_close;
	char why[DOMAINS_WHY]; /* as in the latest answer */
	bool answered;
};

static void unref(void *arg)
{
	struct domain_watch *w = arg;
	bool last;

	pthread_mutex_lock(&w->lock);
	last = --w->refs == 0;
	pthread_mutex_unlock(&w->lock);
	if (!last)
		return;
	for (size_t i = 0; i < w->count; i++)
		free(w->names[i]);
	free(w->names);
	free(w->uri);
	free(w->events);
	domains_free(w->answer);
	close(w->wake);
	close(w->news);
	pthread_cond_destroy(&w->ended_cond);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static struct domain_watch *ref(struct domain_watch *w)
{
	pthread_mutex_lock(&w->lock);
	w->refs++;
	pthread_mutex_unlock(&w->lock);
	return w;
}

static void signal_fd(int fd)
{
	/* The write can fail only if the counter is full, and then the descriptor is readable. */
	(void)!write(fd, &(uint64_t) {1}, sizeof(uint64_t));
}

static void drain_fd(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

/* --- callbacks, in the thread of libvirt's event loop */

static void ask_again(struct domain_watch *w, bool closed)
{
	pthread_mutex_lock(&w->lock);
	w->asked = true;
	w->closed |= closed;
	pthread_mutex_unlock(&w->lock);
	signal_fd(w->wake);
}

static void on_close(vir_connect_ptr conn, int reason, void *arg)
{
	(void)conn;
	(void)reason;
	ask_again(arg, true);
}

static const char *how(bool started, int detail)
{
	static const char *const starts[] = {"booted", "migrated", "restored", "restored",
					     "woken up"};
	static const char *const stops[] = {"shut down", "destroyed", "crashed", "migrated",
					    "saved",	 "failed",    "restored"};

	if (started)
		return (size_t)detail < ARRAY_SIZE(starts) ? starts[detail] : "started";
	return (size_t)detail < ARRAY_SIZE(stops) ? stops[detail] : "stopped";
}

static int on_lifecycle(vir_connect_ptr conn, vir_domain_ptr domain, int event, int detail,
			void *arg)
{
	const char *name = libvirt.virDomainGetName(domain);
	bool started = event == VIR_LIFECYCLE_STARTED;
	struct domain_watch *w = arg;

	(void)conn;
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; name && i < w->count; i++) {
		struct domain_event *slot;

		if (strcmp(w->names[i], name) != 0 || (!started && event != VIR_LIFECYCLE_STOPPED))
			continue;
		slot = array_push(w->events, w->event_count);
		if (slot)
			*slot = (struct domain_event) {i, started, how(started, detail)};
	}
	pthread_mutex_unlock(&w->lock);
	ask_again(w, false);
	return 0;
}

static void on_device(vir_connect_ptr conn, vir_domain_ptr domain, const char *device, void *arg)
{
	(void)conn;
	(void)domain;
	(void)device;
	ask_again(arg, false);
}

/* --- the connection */

static void disconnect(struct domain_watch *w)
{
	for (size_t i = 0; i < w->id_count; i++)
		libvirt.virConnectDomainEventDeregisterAny(w->conn, w->event_ids[i]);
	if (w->watches_close)
		libvirt.virConnectUnregisterCloseCallback(w->conn, on_close);
	if (w->conn)
		libvirt.virConnectClose(w->conn);
	w->conn = NULL;
	w->id_count = 0;
	w->watches_close = false;
}

static void follow(struct domain_watch *w, int number, vir_event_fn *fn)
{
	int id = libvirt.virConnectDomainEventRegisterAny(w->conn, NULL, number, fn, ref(w), unref);

	if (id >= 0)
		w->event_ids[w->id_count++] = id;
	else
		unref(w);
}

static bool connect_again(struct domain_watch *w)
{
	w->conn = libvirt.virConnectOpenReadOnly(w->uri);
	if (!w->conn)
		return false;
	libvirt.virConnectSetKeepAlive(w->conn, ALIVE_INTERVAL, ALIVE_COUNT);
	w->watches_close =
		libvirt.virConnectRegisterCloseCallback(w->conn, on_close, ref(w), unref) == 0;
	if (!w->watches_close)
		unref(w);
	follow(w, VIR_EVENT_LIFECYCLE, (vir_event_fn *)on_lifecycle);
	follow(w, VIR_EVENT_DEVICE_ADDED, (vir_event_fn *)on_device);
	follow(w, VIR_EVENT_DEVICE_REMOVED, (vir_event_fn *)on_device);
	return true;
}

/* --- asking */

static int read_domain(vir_domain_ptr from, struct domain *to)
{
	char *xml;
	int r;

	to->state = libvirt.virDomainIsActive(from) == 1 ? DOMAIN_RUNNING : DOMAIN_OFF;
	xml = libvirt.virDomainGetXMLDesc(from, 0);
	/* It was stopped meanwhile, which is an event. */
	if (!xml) {
		to->state = DOMAIN_OFF;
		return 0;
	}
	r = domain_xml_read(xml, to);
	free(xml);
	return r;
}

static int read_list(const vir_domain_ptr *list, size_t count, struct domains *to)
{
	auto_free const char **names = calloc(count + 1, sizeof(*names));
	int r = names ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < count; i++) {
		names[i] = libvirt.virDomainGetName(list[i]);
		for (size_t j = 0; r == 0 && names[i] && j < to->count; j++)
			if (strcmp(to->list[j].name, names[i]) == 0)
				r = read_domain(list[i], &to->list[j]);
	}
	for (size_t j = 0; r == 0 && j < to->count; j++) {
		const char *near = to->list[j].state == DOMAIN_UNKNOWN ?
					   name_nearest(to->list[j].name, names, count) :
					   NULL;

		snprintf(to->list[j].near, sizeof(to->list[j].near), "%s", near ? near : "");
	}
	return r;
}

static void ask(struct domain_watch *w, struct domains *to)
{
	vir_domain_ptr *list = NULL;
	int count, r = 0;

	if (!w->conn && !connect_again(w)) {
		snprintf(to->why, sizeof(to->why), "%s", libvirt.virGetLastErrorMessage());
		return;
	}
	count = libvirt.virConnectListAllDomains(w->conn, &list, 0);
	if (count < 0) {
		snprintf(to->why, sizeof(to->why), "%s", libvirt.virGetLastErrorMessage());
		disconnect(w);
		return;
	}
	r = read_list(list, (size_t)count, to);
	for (int i = 0; i < count; i++)
		libvirt.virDomainFree(list[i]);
	free(list);
	if (r < 0)
		snprintf(to->why, sizeof(to->why), "cannot read the XML of a domain: %s",
			 strerror(-r));
}

static void add_events(struct domains *to, const struct domain_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct domain_event *slot = array_push(to->events, to->event_count);

		if (slot)
			*slot = events[i];
	}
}

/* Makes an answer available, with the events of one that was not taken. */
static void publish(struct domain_watch *w, struct domains *answer, struct domain_event *events,
		    size_t event_count)
{
	struct domains *old;

	pthread_mutex_lock(&w->lock);
	old = w->answer;
	if (old)
		add_events(answer, old->events, old->event_count);
	add_events(answer, events, event_count);
	w->answer = answer;
	pthread_mutex_unlock(&w->lock);
	domains_free(old);
	free(events);
	signal_fd(w->news);
}

/* Asks libvirt; the same failure as before is no news. */
static void answer(struct domain_watch *w)
{
	struct domains *fresh = domains_new((const char *const *)w->names, w->count);
	struct domain_event *events;
	size_t event_count;
	bool repeated;

	if (!fresh)
		return;
	/* Events that come from now on belong to the next answer. */
	pthread_mutex_lock(&w->lock);
	events = take(w->events);
	event_count = w->event_count;
	w->event_count = 0;
	pthread_mutex_unlock(&w->lock);
	ask(w, fresh);
	repeated = w->answered && *fresh->why && strcmp(w->why, fresh->why) == 0;
	w->answered = true;
	snprintf(w->why, sizeof(w->why), "%s", fresh->why);
	if (repeated) {
		domains_free(fresh);
		free(events);
	} else {
		publish(w, fresh, events, event_count);
	}
}

static void *work(void *arg)
{
	struct domain_watch *w = arg;
	struct pollfd wait = {.fd = w->wake, .events = POLLIN};
	bool stopped = false;

	while (!stopped) {
		bool asked, closed;

		pthread_mutex_lock(&w->lock);
		stopped = w->stopped;
		asked = w->asked;
		closed = w->closed;
		w->asked = w->closed = false;
		pthread_mutex_unlock(&w->lock);
		if (closed || stopped)
			disconnect(w);
		if (!stopped && (asked || !w->conn))
			answer(w);
		if (!stopped && poll(&wait, 1, w->conn ? -1 : AGAIN_MS) > 0)
			drain_fd(w->wake);
	}
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_cond_signal(&w->ended_cond);
	pthread_mutex_unlock(&w->lock);
	unref(w);
	return NULL;
}

/* --- the owner's side */

static bool copy_names(struct domain_watch *w, const char *uri, const char *const *names,
		       size_t count)
{
	w->uri = strdup(uri ? uri : DOMAINS_URI);
	w->names = calloc(count + 1, sizeof(*w->names));
	if (!w->uri || !w->names)
		return false;
	for (; w->count < count; w->count++) {
		w->names[w->count] = strdup(names[w->count]);
		if (!w->names[w->count])
			return false;
	}
	return true;
}

int domain_watch_open(const char *uri, const char *const *names, size_t count,
		      struct domain_watch **ret, struct netsim_err *err)
{
	pthread_condattr_t monotonic;
	struct domain_watch *w;
	pthread_t thread;
	int r = libvirt_load(err);

	if (r < 0)
		return r;
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_oom(err);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->ended_cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&w->lock, NULL);
	w->refs = 2;
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake < 0 || w->news < 0)
		r = err_errno(err, -errno, NULL, "cannot follow libvirt");
	else if (!copy_names(w, uri, names, count))
		r = err_oom(err);
	if (r == 0 && (r = masked_create(&thread, work, w)) < 0)
		err_errno(err, r, NULL, "cannot start a thread");
	if (r < 0) {
		unref(w);
		unref(w);
		return r;
	}
	pthread_detach(thread);
	*ret = w;
	return 0;
}

void domain_watch_close(struct domain_watch *w)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + END_NS;
	struct timespec until = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
	int r = 0;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopped = true;
	signal_fd(w->wake);
	while (!w->ended && r == 0)
		r = pthread_cond_timedwait(&w->ended_cond, &w->lock, &until);
	pthread_mutex_unlock(&w->lock);
	unref(w);
}

bool domain_watch_is_for(const struct domain_watch *w, const char *uri, const char *const *names,
			 size_t count)
{
	bool same = w->count == count && strcmp(w->uri, uri ? uri : DOMAINS_URI) == 0;

	for (size_t i = 0; same && i < count; i++)
		same = strcmp(w->names[i], names[i]) == 0;
	return same;
}

int domain_watch_fd(const struct domain_watch *w)
{
	return w->news;
}

void domain_watch_refresh(struct domain_watch *w)
{
	ask_again(w, false);
}

struct domains *domain_watch_take(struct domain_watch *w)
{
	struct domains *answer;

	pthread_mutex_lock(&w->lock);
	answer = take(w->answer);
	drain_fd(w->news);
	pthread_mutex_unlock(&w->lock);
	return answer;
}

int domains_ask(const char *uri, const char *const *names, size_t count, struct domains **ret,
		struct netsim_err *err)
{
	struct domain_watch *w = NULL;
	struct netsim_err why = {0};
	struct pollfd wait = {.events = POLLIN};
	int r = domain_watch_open(uri, names, count, &w, &why);

	*ret = NULL;
	if (r == 0) {
		wait.fd = domain_watch_fd(w);
		while (poll(&wait, 1, ANSWER_MS) < 0 && errno == EINTR)
			;
		*ret = domain_watch_take(w);
		snprintf(why.what, sizeof(why.what), "no answer within %d s", ANSWER_MS / 1000);
	}
	domain_watch_close(w);
	if (!*ret) {
		*ret = domains_new(names, count);
		if (!*ret)
			return err_oom(err);
		snprintf((*ret)->why, sizeof((*ret)->why), "%s", why.what);
	}
	return 0;
}
