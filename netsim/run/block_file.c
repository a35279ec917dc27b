// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files and block devices of this machine. A thread per request under way makes the system calls,
 * because the kernel may hold one for as long as a mount or a disk hangs. Such threads outlive the
 * device; the last one frees what they share.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netsim/run/block_parts.h"
#include "netsim/util/auto.h"
#include "netsim/util/masked.h"

#define THREADS	  16
#define DATA_MOST 4096
#define FILE_SIZE (1 << 20) /* a file gets at least this size */

/* A request as the threads see it: the caller's may be gone. */
struct job {
	struct block_io *io;
	bool write, taken, ended;
	uint64_t offset;
	size_t size;
	int code; /* 0 or a positive errno */
	struct job *next;
	_Alignas(4096) uint8_t data[DATA_MOST];
};

/* Shared by the device and the threads. */
struct files {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int fd, event;
	bool closed;
	unsigned users;
	struct job *jobs; /* the latest first */
};

struct handle {
	struct block_device *device;
	struct files *files;
};

static int prepare(const char *url, struct netsim_err *err)
{
	struct stat st;

	if (stat(url, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL, NULL,
			       "%s is neither a file nor a block device", url);
	return 0;
}

/* --- threads */

static void leave(struct files *files)
{
	bool last;

	pthread_mutex_lock(&files->lock);
	last = --files->users == 0;
	pthread_mutex_unlock(&files->lock);
	if (!last)
		return;
	while (files->jobs) {
		struct job *next = files->jobs->next;

		free(files->jobs);
		files->jobs = next;
	}
	close(files->fd);
	close(files->event);
	pthread_cond_destroy(&files->wake);
	pthread_mutex_destroy(&files->lock);
	free(files);
}

/* The earliest request that no thread has taken. */
static struct job *find_job(struct files *files)
{
	struct job *found = NULL;

	for (struct job *job = files->jobs; job; job = job->next)
		if (!job->taken)
			found = job;
	return found;
}

static int do_job(const struct files *files, struct job *job)
{
	ssize_t got = job->write ? pwrite(files->fd, job->data, job->size, (off_t)job->offset) :
				   pread(files->fd, job->data, job->size, (off_t)job->offset);

	return got < 0 ? errno : (size_t)got == job->size ? 0 : EIO;
}

static void *work(void *arg)
{
	struct files *files = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&files->lock);
	while (!files->closed) {
		struct job *job = find_job(files);
		int code;

		if (!job) {
			pthread_cond_wait(&files->wake, &files->lock);
			continue;
		}
		job->taken = true;
		pthread_mutex_unlock(&files->lock);
		code = do_job(files, job);
		pthread_mutex_lock(&files->lock);
		job->code = code;
		job->ended = true;
		if (write(files->event, &one, sizeof(one)) < 0)
			continue;
	}
	pthread_mutex_unlock(&files->lock);
	leave(files);
	return NULL;
}

static bool start_threads(struct files *files)
{
	for (size_t i = 0; i < THREADS; i++) {
		pthread_t thread;

		pthread_mutex_lock(&files->lock);
		files->users++;
		pthread_mutex_unlock(&files->lock);
		if (masked_create(&thread, work, files) < 0) {
			leave(files);
			return i > 0;
		}
		pthread_detach(thread);
	}
	return true;
}

/* --- the device */

/* Each write reaches the device before it is acknowledged; some file systems have no O_DIRECT. */
static int open_file(const char *path)
{
	int flags = O_RDWR | O_CREAT | O_DSYNC | O_CLOEXEC;
	int fd = open(path, flags | O_DIRECT, 0600);
	struct stat st;

	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags, 0600);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < FILE_SIZE &&
	    ftruncate(fd, FILE_SIZE) < 0) {
		int code = errno;

		close(fd);
		errno = code;
		return -1;
	}
	return fd;
}

static void close_files(void *handle)
{
	struct handle *h = handle;

	pthread_mutex_lock(&h->files->lock);
	h->files->closed = true;
	pthread_cond_broadcast(&h->files->wake);
	pthread_mutex_unlock(&h->files->lock);
	leave(h->files);
	free(h);
}

static void *connect_to(struct block_device *device, const char *url)
{
	struct handle *h = calloc(1, sizeof(*h));
	struct files *files = calloc(1, sizeof(*files));
	int fd = h && files ? open_file(url) : -1;
	int event = fd < 0 ? -1 : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (event < 0) {
		block_device_fail(device, strerror(errno));
		if (fd >= 0)
			close(fd);
		free(files);
		free(h);
		return NULL;
	}
	*h = (struct handle) {.device = device, .files = files};
	*files = (struct files) {.fd = fd, .event = event, .users = 1};
	pthread_mutex_init(&files->lock, NULL);
	pthread_cond_init(&files->wake, NULL);
	if (start_threads(files))
		return h;
	block_device_fail(device, "cannot start a thread");
	close_files(h);
	return NULL;
}

static bool is_ready(void *handle)
{
	return handle != NULL;
}

static bool start(void *handle, struct block_io *io)
{
	const struct handle *h = handle;
	struct files *files = h->files;
	struct job *job = io->size > DATA_MOST ? NULL : aligned_alloc(4096, sizeof(*job));

	if (!job) {
		block_device_fail(h->device, "out of memory");
		return false;
	}
	job->io = io;
	job->write = io->write;
	job->taken = job->ended = false;
	job->offset = io->offset;
	job->size = io->size;
	if (io->write)
		memcpy(job->data, io->data, io->size);
	pthread_mutex_lock(&files->lock);
	job->next = files->jobs;
	files->jobs = job;
	pthread_cond_signal(&files->wake);
	pthread_mutex_unlock(&files->lock);
	return true;
}

static void poll_for(void *handle, struct pollfd *ret)
{
	const struct handle *h = handle;

	*ret = (struct pollfd) {.fd = h->files->event, .events = POLLIN};
}

/* Takes a request that has ended out of the list. */
static struct job *take_ended(struct files *files)
{
	struct job **at = &files->jobs, *job;

	pthread_mutex_lock(&files->lock);
	while (*at && !(*at)->ended)
		at = &(*at)->next;
	job = *at;
	if (job)
		*at = job->next;
	pthread_mutex_unlock(&files->lock);
	return job;
}

static bool serve(void *handle, short revents)
{
	const struct handle *h = handle;
	struct job *job;
	uint64_t count;

	if (revents & POLLIN && read(h->files->event, &count, sizeof(count)) < 0)
		return true;
	while ((job = take_ended(h->files))) {
		if (!job->write)
			memcpy(job->io->data, job->data, job->size);
		block_io_end(job->io, job->code ? strerror(job->code) : NULL);
		free(job);
	}
	return true;
}

const struct block_kind block_file = {.scheme = "/",
				      .prepare = prepare,
				      .connect = connect_to,
				      .is_ready = is_ready,
				      .start = start,
				      .poll = poll_for,
				      .serve = serve,
				      .close = close_files};
