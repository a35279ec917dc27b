/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/dhcp.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "netsim/fleet/lock.h"
#include "netsim/kernel/addr.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define SECOND	   1000000000LL /* ns */
#define START_WAIT (30 * SECOND)
#define LEASE_WAIT (10 * SECOND)
#define LOOK_PAUSE 10000000 /* ns between two looks for leases */
#define PATH_TEXT  512

/* --- programs */

static int need(const char *program, const char *package, struct netsim_err *err)
{
	if (process_exists(program))
		return 0;
	err_set(err, NETSIM_ERR_ENV, -ENOENT, NULL, "DHCP needs the program %s", program);
	err_hint(err, "apt install %s", package);
	return -ENOENT;
}

static bool is_client(const struct node *node, const struct iface *iface)
{
	return node->kind == NODE_NETNS && iface->dhcp;
}

bool dhcp_has_clients(const struct topo *topo)
{
	for (size_t i = 0; i < topo->node_count; i++)
		for (size_t j = 0; j < topo->nodes[i].iface_count; j++)
			if (is_client(&topo->nodes[i], &topo->nodes[i].ifaces[j]))
				return true;
	return false;
}

int dhcp_check_programs(const struct topo *topo, struct netsim_err *err)
{
	bool server = false;
	int r = 0;

	for (size_t i = 0; i < topo->network_count; i++)
		server |= topo->networks[i].dhcp_count > 0;
	if (server)
		r = need("dnsmasq", "dnsmasq-base", err);
	if (r == 0 && dhcp_has_clients(topo)) {
		r = need("busybox", "busybox", err);
		if (r == 0)
			r = need("ip", "iproute2", err);
	}
	return r;
}

/* --- the list */

struct lister {
	struct state *st;
	const struct topo *topo;
	const struct model *have;
	const char *helper;
	struct services *services;
};

/* "NETSIM_LINK=NETNS/IFINDEX": changes if the namespace or the interface is created again. */
static int set_link(const struct lister *l, struct service *service, const char *iface,
		    struct netsim_err *err)
{
	int node = model_find_node(l->have, service->node), r;
	const struct link *link = node < 0 ? NULL : model_find_link(l->have, node, iface);
	struct handle *handle;
	struct stat st;

	if (!link || !l->have->nodes[node].netns)
		return 0;
	r = state_handle(l->st, l->topo->fleet, service->node, &handle, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (fstat(handle->fd, &st) < 0)
		return err_errno(err, -errno, NULL, "%s: cannot read its namespace", service->node);
	if (asprintf(&service->link, "NETSIM_LINK=%ju/%d", (uintmax_t)st.st_ino, link->ifindex) <
	    0) {
		service->link = NULL;
		return err_oom(err);
	}
	return 0;
}

static void lease_file(const char *fleet, const char *node, char path[static PATH_TEXT])
{
	snprintf(path, PATH_TEXT, LOCK_DIR "/%s.%s.leases", fleet, node);
}

static const char *netmask(const struct ip *ip, char text[static INET_ADDRSTRLEN])
{
	const struct in_addr mask = {htonl(0xffffffffU << (32 - ip->plen))};

	return inet_ntop(AF_INET, &mask, text, INET_ADDRSTRLEN);
}

static void add_range(struct service *service, const struct dhcp *dhcp)
{
	char first[UNIT_TEXT], last[UNIT_TEXT] = "static", mask[INET_ADDRSTRLEN];
	const struct ip subnet = ip_subnet(&dhcp->server);

	unit_format_address(dhcp->has_pool ? &dhcp->first : &subnet, first);
	if (dhcp->has_pool)
		unit_format_address(&dhcp->last, last);
	service_arg(service, "--dhcp-range=%s,%s,%s,%jus", first, last,
		    netmask(&dhcp->server, mask), (uintmax_t)(dhcp->lease.ns / SECOND));
}

/* Without an explicit option 3, dnsmasq names itself as the router. */
static void add_options(struct service *service, const struct dhcp *dhcp,
			const struct network *network)
{
	auto_buf struct buf dns = {0};
	char text[UNIT_TEXT];

	service_arg(service, "--dhcp-option=3%s%s", dhcp->has_router ? "," : "",
		    dhcp->has_router ? unit_format_address(&dhcp->router, text) : "");
	for (size_t i = 0; i < dhcp->dns_count; i++)
		buf_printf(&dns, ",%s", unit_format_address(&dhcp->dns[i], text));
	service->args.failed |= dns.failed;
	if (dhcp->dns_count)
		service_arg(service, "--dhcp-option=6%s", dns.data ? dns.data : "");
	if (network->mtu)
		service_arg(service, "--dhcp-option=26,%u", network->mtu);
}

static bool is_host_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-')
			return false;
	return true;
}

/* The MAC address of an interface: the topology's or, in a namespace, the kernel's. */
static bool find_mac(const struct lister *l, const struct node *node, const struct iface *iface,
		     struct mac *ret)
{
	const struct link *link = NULL;
	int n;

	*ret = iface->mac;
	if (iface->has_mac || node->kind != NODE_NETNS)
		return iface->has_mac;
	n = model_find_node(l->have, node->name);
	if (n >= 0)
		link = model_find_link(l->have, n, iface->name);
	if (link)
		*ret = link->mac;
	return link;
}

static void add_reservations(const struct lister *l, struct service *service,
			     const struct dhcp *dhcp)
{
	for (size_t i = 0; i < l->topo->node_count; i++)
		for (size_t j = 0; j < l->topo->nodes[i].iface_count; j++) {
			const struct node *node = &l->topo->nodes[i];
			const struct iface *iface = &node->ifaces[j];
			const struct ip *ip = topo_reservation(dhcp, iface);
			bool named = is_host_name(node->name);
			char mac_text[UNIT_TEXT], ip_text[UNIT_TEXT];
			struct mac mac;

			if (!ip || topo_dhcp_of(l->topo, node, iface) != dhcp ||
			    !find_mac(l, node, iface, &mac))
				continue;
			service_arg(service, "--dhcp-host=%s,%s%s%s",
				    unit_format_mac(mac, mac_text),
				    unit_format_address(ip, ip_text), named ? "," : "",
				    named ? node->name : "");
		}
}

/*
 * dnsmasq goes into the background when it is ready. It answers at once, without a ping, because
 * the fleet's addresses are known; as the only server, it also refuses wrong requests.
 */
static int add_server(const struct lister *l, const struct network *network,
		      const struct dhcp *dhcp, struct netsim_err *err)
{
	static const char *const fixed[] = {"dnsmasq",	  "--conf-file=/dev/null",
					    "--pid-file", "--no-resolv",
					    "--no-hosts", "--port=0",
					    "--no-ping",  "--dhcp-authoritative"};
	struct service *service = services_add(l->services, DHCP_SERVER, dhcp->node);
	char path[PATH_TEXT];

	if (!service)
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		service_arg(service, "%s", fixed[i]);
	lease_file(l->topo->fleet, dhcp->node, path);
	service_arg(service, "--interface=eth0");
	service_arg(service, "--except-interface=lo");
	service_arg(service, "--dhcp-leasefile=%s", path);
	add_range(service, dhcp);
	add_options(service, dhcp, network);
	add_reservations(l, service, dhcp);
	return service->args.failed ? err_oom(err) : set_link(l, service, "eth0", err);
}

/* udhcpc asks every second until it has a lease, and then goes into the background. */
static int add_client(const struct lister *l, const struct node *node, const struct iface *iface,
		      struct netsim_err *err)
{
	static const char *const fixed[] = {"busybox", "udhcpc", "-t", "3", "-T", "1", "-A", "1"};
	struct service *service;
	char name[IFNAMSIZ + 8];

	snprintf(name, sizeof(name), "dhcp:%s", iface->name);
	service = services_add(l->services, name, node->name);
	if (!service)
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		service_arg(service, "%s", fixed[i]);
	service_arg(service, "-i");
	service_arg(service, "%s", iface->name);
	service_arg(service, "-s");
	service_arg(service, "%s", l->helper);
	if (is_host_name(node->name)) {
		service_arg(service, "-x");
		service_arg(service, "hostname:%s", node->name);
	}
	return service->args.failed ? err_oom(err) : set_link(l, service, iface->name, err);
}

int dhcp_list(struct state *st, const struct topo *topo, const struct model *have,
	      const char *helper, struct services *ret, struct netsim_err *err)
{
	struct services services = {.fleet = topo->fleet, .netns_id = st->own_id};
	const struct lister l = {st, topo, have, helper, &services};
	int r = 0;

	for (size_t i = 0; r == 0 && i < topo->network_count; i++)
		for (size_t j = 0; r == 0 && j < topo->networks[i].dhcp_count; j++)
			r = add_server(&l, &topo->networks[i], &topo->networks[i].dhcps[j], err);
	for (size_t i = 0; r == 0 && i < topo->node_count; i++)
		for (size_t j = 0; r == 0 && j < topo->nodes[i].iface_count; j++)
			if (is_client(&topo->nodes[i], &topo->nodes[i].ifaces[j]))
				r = add_client(&l, &topo->nodes[i], &topo->nodes[i].ifaces[j], err);
	if (r == 0)
		r = services_look(&services, err);
	if (r < 0)
		services_done(&services);
	else
		*ret = services;
	return r;
}

static bool is_server(const struct service *service)
{
	return strcmp(service->name, DHCP_SERVER) == 0;
}

const char *dhcp_describe(const struct topo *topo, const struct service *service,
			  char buf[static DHCP_TEXT])
{
	char text[UNIT_TEXT];

	snprintf(buf, DHCP_TEXT, "udhcpc on %s", strchr(service->name, ':') + 1);
	for (size_t i = 0; is_server(service) && i < topo->network_count; i++)
		for (size_t j = 0; j < topo->networks[i].dhcp_count; j++)
			if (strcmp(topo->networks[i].dhcps[j].node, service->node) == 0)
				snprintf(buf, DHCP_TEXT, "dnsmasq, %s",
					 unit_format_ip(&topo->networks[i].dhcps[j].server, text));
	return buf;
}

const char *dhcp_describe_stale(const char *member, char buf[static DHCP_TEXT])
{
	const char *colon = strchr(member, ':') + 1, *at = strrchr(member, '@');
	bool server = strncmp(member, DHCP_SERVER "@", strlen(DHCP_SERVER "@")) == 0;

	snprintf(buf, DHCP_TEXT, "%s: %s%.*s", at + 1, server ? "dnsmasq" : "udhcpc on ",
		 server ? 0 : (int)(at - colon), colon);
	return buf;
}

/* --- starting */

/* What a service printed, as the end of a message. */
static const char *said(const struct service *service, char buf[static SERVICE_TEXT + 2])
{
	char text[SERVICE_TEXT];

	service_output(service, text);
	snprintf(buf, SERVICE_TEXT + 2, "%s%s", *text ? ": " : "", text);
	return buf;
}

static int refuse_end(const struct service *service, const struct process_exit *end,
		      struct netsim_err *err)
{
	char how[PROCESS_TEXT], text[SERVICE_TEXT + 2];

	return err_set(err, NETSIM_ERR_KERNEL, -ECHILD, NULL, "%s: %s %s%s", service->node,
		       is_server(service) ? "dnsmasq" : "udhcpc", process_exit_text(end, how),
		       said(service, text));
}

/* Waits until a server has gone into the background: then it answers. */
static int wait_server(struct service *service, struct netsim_err *err)
{
	struct pollfd ends = {service->process.pidfd, POLLIN, 0};
	struct process_exit end;
	int r;

	do
		r = poll(&ends, 1, (int)(START_WAIT / 1000000));
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return err_set(err, NETSIM_ERR_KERNEL, -ETIMEDOUT, NULL,
			       "%s: dnsmasq is not ready after %lld s", service->node,
			       START_WAIT / SECOND);
	process_collect(&service->process, true, &end);
	return end.killed || end.code ? refuse_end(service, &end, err) : 0;
}

static int start_all(struct services *services, bool servers, size_t *count, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < services->count; i++) {
		struct service *service = &services->list[i];

		if (service->state == SERVICE_RUNS || is_server(service) != servers)
			continue;
		r = service_start(services, service, err);
		if (r == 0 && servers)
			r = wait_server(service, err);
		(*count)++;
	}
	return r;
}

/* The leases of a server that is no longer wanted end with it. */
static void remove_stale_files(const struct services *services)
{
	char path[PATH_TEXT];

	for (size_t i = 0; i < services->stale_count; i++) {
		size_t length = strlen(DHCP_SERVER "@");

		if (strncmp(services->stale[i], DHCP_SERVER "@", length) != 0)
			continue;
		lease_file(services->fleet, services->stale[i] + length, path);
		unlink(path);
	}
}

/* Removes the leased addresses of an interface before its client is ended. */
static int remove_leases(struct state *st, const struct model *have, const struct link *link,
			 bool *ret_any, struct netsim_err *err)
{
	const char *node = have->nodes[link->node].name;
	struct handle *handle;
	int r = state_handle(st, have->fleet, node, &handle, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < link->addr_count; i++)
		if (link->addrs[i].leased) {
			addr_del(handle->rt, link->ifindex, &link->addrs[i], node);
			*ret_any = true;
		}
	return rtnl_send(handle->rt, err);
}

static int remove_stale_leases(struct state *st, const struct model *have,
			       const struct services *services, bool *ret_any,
			       struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < services->stale_count; i++) {
		const char *colon = strchr(services->stale[i], ':') + 1;
		const char *at = strrchr(services->stale[i], '@');
		int node = model_find_node(have, at + 1);
		const struct link *link;
		char iface[IFNAMSIZ];

		snprintf(iface, sizeof(iface), "%.*s", (int)(at - colon), colon);
		link = node < 0 ? NULL : model_find_link(have, node, iface);
		if (link)
			r = remove_leases(st, have, link, ret_any, err);
	}
	return r;
}

int dhcp_converge(struct state *st, const struct model *have, struct services *services,
		  struct dhcp_changes *ret, struct netsim_err *err)
{
	int r;

	*ret = (struct dhcp_changes) {.count = services->stale_count};
	r = remove_stale_leases(st, have, services, &ret->removed, err);
	if (r == 0)
		r = services_end(services, err);
	remove_stale_files(services);
	if (r == 0)
		r = start_all(services, true, &ret->count, err);
	return r == 0 ? start_all(services, false, &ret->count, err) : r;
}

/* --- leases */

static bool has_lease(const struct model *have, const struct service *client)
{
	int node = model_find_node(have, client->node);
	const struct link *link =
		node < 0 ? NULL : model_find_link(have, node, strchr(client->name, ':') + 1);

	for (size_t i = 0; link && i < link->addr_count; i++)
		if (link->addrs[i].leased)
			return true;
	return false;
}

bool dhcp_lacks_address(const struct topo *topo, const struct model *have,
			const struct service *service, const struct node **ret_node,
			const struct iface **ret_iface)
{
	const char *iface = strchr(service->name, ':') + 1;

	if (is_server(service) || has_lease(have, service))
		return false;
	for (size_t i = 0; i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		for (size_t j = 0; strcmp(node->name, service->node) == 0 && j < node->iface_count;
		     j++)
			if (strcmp(node->ifaces[j].name, iface) == 0) {
				*ret_node = node;
				*ret_iface = &node->ifaces[j];
				return true;
			}
	}
	return false;
}

/* The first client without an address, or NULL. */
static struct service *without_lease(const struct model *have, struct services *services)
{
	for (size_t i = 0; i < services->count; i++)
		if (!is_server(&services->list[i]) && !has_lease(have, &services->list[i]))
			return &services->list[i];
	return NULL;
}

static int refuse_timeout(const struct topo *topo, const struct service *client,
			  struct netsim_err *err)
{
	char text[SERVICE_TEXT + 2];

	err_set(err, NETSIM_ERR_KERNEL, -ETIMEDOUT, NULL,
		"%s/%s: no address by DHCP within %lld s; udhcpc%s", client->node,
		strchr(client->name, ':') + 1, LEASE_WAIT / SECOND,
		*said(client, text) ? text : " runs, and got no answer");
	err_hint(err, "see whether a fault cuts it off: netsim status %s", topo->fleet);
	return -ETIMEDOUT;
}

/* One look: 1 if *ret, a client, has no address yet; a client that ended is an error. */
static int look(struct state *st, struct services *services, struct service **ret,
		struct netsim_err *err)
{
	struct model *have = NULL;
	struct process_exit end;
	int r = state_read_host(st, err);

	if (r == 0)
		r = state_read(st, services->fleet, STATE_ALL, &have, err);
	if (r < 0)
		return r;
	*ret = without_lease(have, services);
	model_free(have);
	if (!*ret)
		return 0;
	/* With status 0, it has gone into the background, and the address is there in a moment. */
	if ((*ret)->process.pidfd >= 0 && process_collect(&(*ret)->process, false, &end) &&
	    (end.killed || end.code))
		return refuse_end(*ret, &end, err);
	return 1;
}

/* With its address, a client goes into the background: the process that was started ends. */
static void collect_clients(struct services *services)
{
	struct process_exit end;

	for (size_t i = 0; i < services->count; i++) {
		struct pollfd ends = {services->list[i].process.pidfd, POLLIN, 0};

		if (ends.fd >= 0 && poll(&ends, 1, 1000) == 1)
			process_collect(&services->list[i].process, false, &end);
	}
}

int dhcp_wait(struct state *st, const struct topo *topo, struct services *services,
	      struct netsim_err *err)
{
	const struct timespec pause = {.tv_nsec = LOOK_PAUSE};
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + LEASE_WAIT;
	struct service *client = NULL;
	int r;

	if (!dhcp_has_clients(topo))
		return 0;
	while ((r = look(st, services, &client, err)) == 1) {
		if (clock_ns(CLOCK_MONOTONIC) > deadline)
			return refuse_timeout(topo, client, err);
		nanosleep(&pause, NULL);
	}
	if (r == 0)
		collect_clients(services);
	return r;
}

void dhcp_remove_files(const char *fleet)
{
	DIR *dir = opendir(LOCK_DIR);
	char prefix[PATH_TEXT], path[PATH_TEXT];

	snprintf(prefix, sizeof(prefix), "%s.dhcp-", fleet);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		size_t length = strlen(e->d_name);

		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 || length < 7 ||
		    strcmp(e->d_name + length - 7, ".leases") != 0)
			continue;
		snprintf(path, sizeof(path), LOCK_DIR "/%s", e->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
}
