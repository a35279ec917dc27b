/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/offload.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netsim/util/auto.h"

#define MAX_FEATURES 256
#define BLOCKS	     ((MAX_FEATURES + 31) / 32)

static int ask(int sock, const char *device, void *request)
{
	struct ifreq ifr = {0};

	strncpy(ifr.ifr_name, device, IFNAMSIZ - 1);
	ifr.ifr_data = request;
	return ioctl(sock, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

/* Looks up the kernel's number of a feature by its name; -ENOENT if it has none. */
static int find_feature(int sock, const char *device, const char *feature, uint32_t *ret,
			uint32_t *ret_blocks)
{
	auto_free struct ethtool_gstrings *names =
		calloc(1, sizeof(*names) + MAX_FEATURES * ETH_GSTRING_LEN);
	int r;

	if (!names)
		return -ENOMEM;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	r = ask(sock, device, names);
	if (r < 0)
		return r;
	*ret_blocks = (names->len + 31) / 32;
	for (*ret = 0; *ret < names->len && *ret < MAX_FEATURES; ++*ret)
		if (strncmp((const char *)names->data + *ret * ETH_GSTRING_LEN, feature,
			    ETH_GSTRING_LEN) == 0)
			return 0;
	return -ENOENT;
}

/* Newer features have no ioctl of their own. */
static int set_feature(int sock, const char *device, const char *feature, bool on)
{
	auto_free struct ethtool_sfeatures *wanted =
		calloc(1, sizeof(*wanted) + BLOCKS * sizeof(wanted->features[0]));
	uint32_t i, blocks;
	int r = wanted ? find_feature(sock, device, feature, &i, &blocks) : -ENOMEM;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	wanted->cmd = ETHTOOL_SFEATURES;
	wanted->size = blocks;
	wanted->features[i / 32].valid = 1U << (i % 32);
	wanted->features[i / 32].requested = on ? 1U << (i % 32) : 0;
	return ask(sock, device, wanted);
}

bool offload_wants_tso(const char *device)
{
	auto_free struct ethtool_gfeatures *now =
		calloc(1, sizeof(*now) + BLOCKS * sizeof(now->features[0]));
	auto_close int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t i, blocks;

	if (!now || sock < 0 || find_feature(sock, device, "tx-tcp-segmentation", &i, &blocks) < 0)
		return false;
	now->cmd = ETHTOOL_GFEATURES;
	now->size = blocks;
	return ask(sock, device, now) == 0 && now->features[i / 32].requested & 1U << (i % 32);
}

static const struct {
	uint32_t get, set, also; /* ethtool commands; also: a second one to set, or 0 */
	const char *feature;	 /* one more to set, which has no command; or NULL */
} offloads[] = {
	[OFFLOAD_SEND] = {ETHTOOL_GTSO, ETHTOOL_STSO, 0, "tx-udp-segmentation"},
	[OFFLOAD_RECEIVE] = {ETHTOOL_GGRO, ETHTOOL_SGRO, 0, NULL},
	[OFFLOAD_CHECKSUM] = {ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM, NULL},
};

int offload_set(const char *device, enum offload which, bool on, bool *ret_was,
		struct netsim_err *err)
{
	auto_close int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value was = {.cmd = offloads[which].get};
	struct ethtool_value value = {.cmd = offloads[which].set, .data = on};
	struct ethtool_value also = {.cmd = offloads[which].also, .data = on};
	int r = sock < 0 ? -errno : ask(sock, device, &was);

	if (r == 0)
		r = ask(sock, device, &value);
	if (r == 0 && also.cmd)
		r = ask(sock, device, &also);
	if (r == 0 && offloads[which].feature)
		r = set_feature(sock, device, offloads[which].feature, on);
	if (ret_was)
		*ret_was = was.data;
	if (r == 0 || r == -EOPNOTSUPP || r == -EINVAL)
		return 0;
	return err_errno(err, r, NULL, "%s: cannot switch an offload %s", device,
			 on ? "on" : "off");
}

bool offload_is_on(const char *device, enum offload which)
{
	auto_close int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value value = {.cmd = offloads[which].get};

	return sock >= 0 && ask(sock, device, &value) == 0 && value.data;
}
