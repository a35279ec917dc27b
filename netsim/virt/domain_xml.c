/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/virt/domain_xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/virt/library.h"
#include "netsim/util/array.h"

#define DEPTH 5 /* /domain/devices/interface/bandwidth/inbound */

struct reading {
	xml_reader_ptr reader;
	char path[DEPTH][16]; /* the names of the elements around this one, and its own */
	struct domain *domain;
	struct domain_port port;
	bool in_port;
};

static bool is_name(const struct reading *r, int depth, const char *name)
{
	return strcmp(r->path[depth], name) == 0;
}

/* Copies an attribute of the element; an absent or longer one is "". */
static void get_attribute(const struct reading *r, const char *name, char *ret, size_t size)
{
	const char *value = NULL;

	if (libvirt.xmlTextReaderMoveToAttribute(r->reader, (const unsigned char *)name) == 1)
		value = (const char *)libvirt.xmlTextReaderConstValue(r->reader);
	snprintf(ret, size, "%s", value && strlen(value) < size ? value : "");
	libvirt.xmlTextReaderMoveToElement(r->reader);
}

static int end_port(struct reading *r)
{
	struct domain_port *port;

	if (!r->in_port)
		return 0;
	port = array_push(r->domain->ports, r->domain->port_count);
	if (!port)
		return -ENOMEM;
	*port = r->port;
	return 0;
}

static int take_element(struct reading *r, int depth)
{
	const char *why;
	char mac[32];
	int end = 0;

	snprintf(r->path[depth], sizeof(r->path[depth]), "%s",
		 (const char *)libvirt.xmlTextReaderConstLocalName(r->reader));
	if (depth <= 2) {
		end = end_port(r);
		r->port = (struct domain_port) {0};
		r->in_port = depth == 2 && is_name(r, 1, "devices") && is_name(r, 2, "interface");
	}
	if (end < 0 || !r->in_port || depth < 3)
		return end;
	if (depth == 3 && is_name(r, 3, "target"))
		get_attribute(r, "dev", r->port.tap, sizeof(r->port.tap));
	if (depth == 3 && is_name(r, 3, "mac")) {
		get_attribute(r, "address", mac, sizeof(mac));
		r->port.has_mac = unit_parse_mac(mac, &r->port.mac, &why) == 0;
	}
	if (depth == 4 && is_name(r, 3, "bandwidth")) {
		r->port.inbound |= is_name(r, 4, "inbound");
		r->port.outbound |= is_name(r, 4, "outbound");
	}
	return 0;
}

int domain_xml_read(const char *xml, struct domain *domain)
{
	struct reading r = {.domain = domain};
	int code = 0, more;

	r.reader = libvirt.xmlReaderForMemory(xml, (int)strlen(xml), NULL, NULL, XML_QUIET);
	if (!r.reader)
		return -ENOMEM;
	while (code == 0 && (more = libvirt.xmlTextReaderRead(r.reader)) != 0) {
		int depth = libvirt.xmlTextReaderDepth(r.reader);

		if (more < 0)
			code = -EINVAL;
		else if (libvirt.xmlTextReaderNodeType(r.reader) == XML_ELEMENT && depth < DEPTH)
			code = take_element(&r, depth);
	}
	if (code == 0)
		code = end_port(&r);
	libvirt.xmlFreeTextReader(r.reader);
	return code;
}
