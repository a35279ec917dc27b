/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "netsim/util/auto.h"
#include "netsim/util/err.h"

static int refused(const struct link *want, const char *what, struct netsim_err *err)
{
	return err_errno(err, -errno, &want->at, "tap %s: cannot %s", want->name, what);
}

int tap_make(const struct link *want, int *ret_fd, struct netsim_err *err)
{
	auto_close int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	if (fd < 0) {
		int r = refused(want, "open /dev/net/tun", err);
		bool absent = r == -ENOENT || r == -ENODEV || r == -ENXIO;

		if (err && absent)
			err->kind = NETSIM_ERR_ENV;
		if (absent)
			err_hint(err, "load the module with modprobe tun");
		return r;
	}
	if (want->vnet_hdr)
		ifr.ifr_flags |= IFF_VNET_HDR;
	if (want->multi_queue)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(ifr.ifr_name, want->name, IFNAMSIZ);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return refused(want, "create it", err);
	if (want->has_tap_owner && ioctl(fd, TUNSETOWNER, (unsigned long)want->tap_owner) < 0)
		return refused(want, "set its owner", err);
	if (want->has_tap_group && ioctl(fd, TUNSETGROUP, (unsigned long)want->tap_group) < 0)
		return refused(want, "set its group", err);
	*ret_fd = take_fd(&fd);
	return 0;
}

int tap_keep(const struct link *want, int fd, struct netsim_err *err)
{
	return ioctl(fd, TUNSETPERSIST, 1UL) < 0 ? refused(want, "make it persistent", err) : 0;
}
