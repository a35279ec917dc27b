/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/virt/domains.h"

#include <stdlib.h>
#include <string.h>

const struct domain *domains_find(const struct domains *domains, const char *name)
{
	for (size_t i = 0; domains && !*domains->why && i < domains->count; i++)
		if (strcmp(domains->list[i].name, name) == 0)
			return &domains->list[i];
	return NULL;
}

const struct domain_port *domain_port_of(const struct domain *domain, const char *tap)
{
	for (size_t i = 0; i < domain->port_count; i++)
		if (strcmp(domain->ports[i].tap, tap) == 0)
			return &domain->ports[i];
	return NULL;
}

const struct domain_port *domains_port_of(const struct domains *domains, const char *tap,
					  const struct domain **ret)
{
	for (size_t i = 0; domains && i < domains->count; i++) {
		const struct domain_port *port = domain_port_of(&domains->list[i], tap);

		if (!port)
			continue;
		*ret = &domains->list[i];
		return port;
	}
	return NULL;
}

struct domains *domains_new(const char *const *names, size_t count)
{
	struct domains *domains = calloc(1, sizeof(*domains));

	if (domains)
		domains->list = calloc(count + 1, sizeof(*domains->list));
	if (!domains || !domains->list) {
		domains_free(domains);
		return NULL;
	}
	for (; domains->count < count; domains->count++) {
		domains->list[domains->count].name = strdup(names[domains->count]);
		if (!domains->list[domains->count].name) {
			domains_free(domains);
			return NULL;
		}
	}
	return domains;
}

void domains_free(struct domains *domains)
{
	if (!domains)
		return;
	for (size_t i = 0; i < domains->count; i++) {
		free(domains->list[i].name);
		free(domains->list[i].ports);
	}
	free(domains->list);
	free(domains->events);
	free(domains);
}
