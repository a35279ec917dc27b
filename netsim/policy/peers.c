/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of the other nodes, by which the programs of a machine know them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/policy/policy_parts.h"
#include "netsim/util/err.h"

#define IPV4_BITS 96 /* of the prefix ::ffff:0:0/96 */

uint32_t policy_ipv6_form(const struct ip *ip, uint8_t ret[static 16])
{
	memset(ret, 0, 16);
	if (ip->family == AF_INET6) {
		memcpy(ret, ip->b, 16);
		return ip->plen;
	}
	ret[10] = ret[11] = 0xff;
	memcpy(ret + 12, ip->b, 4);
	return ip->plen + IPV4_BITS;
}

static struct port_address address_key(const struct ip *ip)
{
	struct port_address key = {0};

	key.plen = policy_ipv6_form(ip, key.b);
	return key;
}

static bool is_listed(const struct policy_peer *list, size_t count, bool mac, const void *key)
{
	for (size_t i = 0; i < count; i++) {
		struct port_mac by_mac = policy_mac_key(&list[i].mac);
		struct port_address by_ip = address_key(&list[i].ip);

		if (list[i].is_mac == mac && !list[i].learned &&
		    memcmp(key, mac ? (void *)&by_mac : (void *)&by_ip,
			   mac ? sizeof(by_mac) : sizeof(by_ip)) == 0)
			return true;
	}
	return false;
}

/* Deletes the entries that are neither listed nor learned. */
static void forget(const struct policy *p, bool mac, const struct policy_peer *list, size_t count)
{
	int map = p->map[mac ? POLICY_MACS : POLICY_ADDRESSES];
	struct port_address key, next; /* the larger of the two keys */
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		struct port_peer peer;

		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &peer) < 0 ||
		    is_listed(list, count, mac, &key) ||
		    (peer.learned && peer.node != PORT_ANY && policy_node_name(p, peer.node)))
			continue;
		bpf_map_delete_elem(map, &key);
	}
}

/* What the topology says replaces what was learned, not the other way round. */
static int put(const struct policy *p, const struct policy_peer *peer)
{
	const struct port_peer value = {.node = peer->node, .learned = peer->learned};
	uint64_t flags = peer->learned ? BPF_NOEXIST : BPF_ANY;
	struct port_mac mac = policy_mac_key(&peer->mac);
	struct port_address address = address_key(&peer->ip);
	int r = peer->is_mac ?
			bpf_map_update_elem(p->map[POLICY_MACS], &mac, &value, flags) :
			bpf_map_update_elem(p->map[POLICY_ADDRESSES], &address, &value, flags);

	return r < 0 && errno != EEXIST ? -errno : 0;
}

int policy_put_peers(struct policy *p, const struct policy_peer *list, size_t count,
		     struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = put(p, &list[i]);
	if (r < 0)
		return err_errno(err, r, NULL, "cannot add an address to the policy");
	forget(p, true, list, count);
	forget(p, false, list, count);
	return 0;
}
