#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cuts a node off for two seconds: partition.py NODE"""

import ctypes
import sys
from ctypes import POINTER, byref, c_bool, c_char, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_void_p

netsim = ctypes.CDLL("libnetsim.so.0")


class Loc(ctypes.Structure):
    _fields_ = [("file", c_char_p), ("line", ctypes.c_uint), ("column", ctypes.c_uint)]


class Err(ctypes.Structure):
    _fields_ = [
        ("kind", c_int), ("warning", c_bool), ("code", c_int), ("loc", Loc), ("file", c_char * 256),
        ("what", c_char * 320), ("kernel", c_char * 160), ("hint", c_char * 256), ("reserved", c_char * 64),
    ]


class PartitionOpts(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t), ("fleet", c_char_p), ("groups", POINTER(c_char_p)), ("group_count", c_size_t),
        ("isolate", c_bool), ("one_way", c_bool), ("name", c_char_p), ("for_ns", c_int64), ("dry_run", c_bool),
    ]


class Fault(ctypes.Structure):  # may grow at its end: use it by reference only
    _fields_ = [("id", c_uint32), ("kind", c_int), ("name", c_char_p), ("text", c_char_p)]


netsim.netsim_close.restype = netsim.netsim_fault_free.restype = None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    err, ctx, fault = Err(), c_void_p(), POINTER(Fault)()
    groups = (c_char_p * 1)(sys.argv[1].encode())
    opts = PartitionOpts(size=ctypes.sizeof(PartitionOpts), groups=groups, group_count=1, for_ns=2 * 10**9)
    if netsim.netsim_open(byref(ctx), byref(err)) < 0:
        sys.exit(err.what.decode())
    if netsim.netsim_partition(ctx, byref(opts), byref(fault), byref(err)) < 0:
        netsim.netsim_close(ctx)
        sys.exit(err.what.decode())
    print(f"fault {fault.contents.id}: {fault.contents.text.decode()}")
    netsim.netsim_fault_free(fault)
    netsim.netsim_close(ctx)


main()
