/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content that a block ledger writes. Each sector of a block has a checksum of its own over
 * the run, the block, the number of the write, and its place, so that a sector of another write,
 * block, place or run is found. Pure: no I/O, no clock.
 */
#ifndef NETSIM_RUN_BLOCK_CONTENT_H
#define NETSIM_RUN_BLOCK_CONTENT_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_SECTOR 512
#define BLOCK_SIZE   4096

/* Fills BLOCK_SIZE bytes at data. */
void block_content_fill(uint64_t run, uint32_t block, int64_t number, uint8_t *data);

/*
 * Describes what a block shows: the contents of its sectors, each named once and joined by "+":
 * the number of a write, "empty" (zeros), or "bad". Returns buf.
 */
#define BLOCK_TEXT 192
const char *block_content_text(uint64_t run, uint32_t block, const uint8_t *data,
			       char buf[static BLOCK_TEXT]);

#endif
