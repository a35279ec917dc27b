/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of libvirt that netsim calls, loaded when a topology names a domain, and those of
 * libxml2, which libvirt depends on: its symbols are found through libvirt's. They are declared
 * here, so that building needs neither; libvirt keeps its functions and numbers unchanged.
 */
#ifndef NETSIM_VIRT_LIBRARY_H
#define NETSIM_VIRT_LIBRARY_H

#include "netsim/util/err.h"

typedef struct vir_connect *vir_connect_ptr;
typedef struct vir_domain *vir_domain_ptr;
typedef struct xml_reader *xml_reader_ptr;

typedef void vir_free_fn(void *arg);
typedef void vir_close_fn(vir_connect_ptr conn, int reason, void *arg);
typedef void vir_event_fn(void); /* cast to the type that an event's number says */
typedef int vir_lifecycle_fn(vir_connect_ptr conn, vir_domain_ptr domain, int event, int detail,
			     void *arg);
typedef void vir_device_fn(vir_connect_ptr conn, vir_domain_ptr domain, const char *device,
			   void *arg);
typedef void vir_error_fn(void *arg, void *error);

/* The numbers of events. */
enum { VIR_EVENT_LIFECYCLE = 0, VIR_EVENT_DEVICE_REMOVED = 15, VIR_EVENT_DEVICE_ADDED = 19 };
enum { VIR_LIFECYCLE_STARTED = 2, VIR_LIFECYCLE_STOPPED = 5 };

/* Options of xmlReaderForMemory(): no messages on stderr, and no network. */
#define XML_QUIET   (1 << 5 | 1 << 6 | 1 << 11)
#define XML_ELEMENT 1 /* xmlTextReaderNodeType() */

/* clang-format off */
#define LIBVIRT_FUNCTIONS(F)                                                                   \
	F(int, virConnectClose, (vir_connect_ptr))                                             \
	F(int, virConnectDomainEventDeregisterAny, (vir_connect_ptr, int))                     \
	F(int, virConnectDomainEventRegisterAny,                                               \
	  (vir_connect_ptr, vir_domain_ptr, int, vir_event_fn *, void *, vir_free_fn *))       \
	F(int, virConnectListAllDomains, (vir_connect_ptr, vir_domain_ptr **, unsigned))       \
	F(vir_connect_ptr, virConnectOpenReadOnly, (const char *))                             \
	F(int, virConnectRegisterCloseCallback,                                                \
	  (vir_connect_ptr, vir_close_fn *, void *, vir_free_fn *))                            \
	F(int, virConnectSetKeepAlive, (vir_connect_ptr, int, unsigned))                       \
	F(int, virConnectUnregisterCloseCallback, (vir_connect_ptr, vir_close_fn *))           \
	F(int, virDomainFree, (vir_domain_ptr))                                                \
	F(const char *, virDomainGetName, (vir_domain_ptr))                                    \
	F(char *, virDomainGetXMLDesc, (vir_domain_ptr, unsigned))                             \
	F(int, virDomainIsActive, (vir_domain_ptr))                                            \
	F(int, virEventRegisterDefaultImpl, (void))                                            \
	F(int, virEventRunDefaultImpl, (void))                                                 \
	F(const char *, virGetLastErrorMessage, (void))                                        \
	F(void, virSetErrorFunc, (void *, vir_error_fn *))                                     \
	F(void, xmlFreeTextReader, (xml_reader_ptr))                                           \
	F(xml_reader_ptr, xmlReaderForMemory,                                                  \
	  (const char *, int, const char *, const char *, int))                                \
	F(const unsigned char *, xmlTextReaderConstLocalName, (xml_reader_ptr))                \
	F(const unsigned char *, xmlTextReaderConstValue, (xml_reader_ptr))                    \
	F(int, xmlTextReaderDepth, (xml_reader_ptr))                                           \
	F(int, xmlTextReaderMoveToAttribute, (xml_reader_ptr, const unsigned char *))          \
	F(int, xmlTextReaderMoveToElement, (xml_reader_ptr))                                   \
	F(int, xmlTextReaderNodeType, (xml_reader_ptr))                                        \
	F(int, xmlTextReaderRead, (xml_reader_ptr))
/* clang-format on */

#define LIBVIRT_POINTER(result, name, parameters) result(*name) parameters;
struct libvirt {
	LIBVIRT_FUNCTIONS(LIBVIRT_POINTER)
};
#undef LIBVIRT_POINTER

/* Valid after libvirt_load(). */
extern struct libvirt libvirt;

/*
 * Loads libvirt, once, and starts the thread that runs its event loop for the rest of the process.
 * libvirt then no longer prints its errors. Returns 0 or a negative errno with err filled.
 */
int libvirt_load(struct netsim_err *err);

#endif
