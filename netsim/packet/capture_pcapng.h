/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETSIM_PACKET_CAPTURE_PCAPNG_H
#define NETSIM_PACKET_CAPTURE_PCAPNG_H

#include "netsim/packet/capture_buffer.h"

/* Reads the section header block at file->at and sets file->next. False on an error. */
bool capture_ng_section(struct capture_file *file);

#endif
