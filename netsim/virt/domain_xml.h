/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces of a domain, from its XML, which libxml2 parses. */
#ifndef NETSIM_VIRT_DOMAIN_XML_H
#define NETSIM_VIRT_DOMAIN_XML_H

#include "netsim/virt/domains.h"

/* Fills the ports of a domain. Returns 0, -EINVAL or -ENOMEM. */
int domain_xml_read(const char *xml, struct domain *domain);

#endif
