/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/forwarding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define IPV4_FORWARDING "/proc/sys/net/ipv4/ip_forward"
#define IPV6_FORWARDING "/proc/sys/net/ipv6/conf/all/forwarding"

/* Returns whether the setting is on, or -errno. */
static int read_setting(const char *path)
{
	FILE *file = fopen(path, "re");
	int value;

	if (!file)
		return -errno;
	value = fgetc(file);
	(void)fclose(file);
	return value == EOF ? -EIO : value != '0';
}

bool forwarding_is_on(uint8_t family, const char *device)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/forwarding",
		 family == AF_INET ? "ipv4" : "ipv6", family == AF_INET ? device : "all");
	return read_setting(path) > 0;
}

int forwarding_read_here(void *arg, struct netsim_err *err)
{
	struct forwarding *ret = arg;
	int ipv4 = read_setting(IPV4_FORWARDING), ipv6 = read_setting(IPV6_FORWARDING);

	*ret = (struct forwarding) {ipv4 > 0, ipv6 > 0, ipv6 == -ENOENT};
	if (ipv4 >= 0 && (ipv6 >= 0 || ret->lacks_ipv6))
		return 0;
	return err_errno(err, ipv4 < 0 ? ipv4 : ipv6, NULL, "cannot read %s",
			 ipv4 < 0 ? IPV4_FORWARDING : IPV6_FORWARDING);
}

static int write_setting(const char *path, bool on)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, on ? "1" : "0", 1) != 1)
		r = -errno;
	close(fd);
	return r;
}

int forwarding_set_here(void *arg, struct netsim_err *err)
{
	const bool *on = arg;
	const char *path = IPV4_FORWARDING;
	int r = write_setting(path, *on);

	if (r == 0) {
		path = IPV6_FORWARDING;
		r = write_setting(path, *on);
		r = r == -ENOENT ? 0 : r;
	}
	return r < 0 ? err_errno(err, r, NULL, "cannot write %s", path) : 0;
}

bool forwarding_differs(bool on, const struct forwarding *have)
{
	return on ? !have->ipv4 || !(have->ipv6 || have->lacks_ipv6) : have->ipv4 || have->ipv6;
}
