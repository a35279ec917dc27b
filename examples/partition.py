#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cuts nodes off from the rest of their fleet, shows the fault, and heals it.

    ./partition.py NODE[,NODE...] [SECONDS]     (as root; 2 seconds by default)

Nothing is built: ctypes loads libnetsim.so.0, which LD_LIBRARY_PATH or ldconfig(8)
lets it find. The structs below are those of netsim/netsim.h, up to the members that
are used: options may be shorter than the library's, and so may views of results.
"""
import ctypes
import sys
import time
from ctypes import POINTER, byref, c_bool, c_char, c_char_p, c_int, c_int64, c_size_t, c_uint
from ctypes import c_uint32, c_void_p


class Err(ctypes.Structure):
    _fields_ = [("kind", c_int), ("warning", c_bool), ("code", c_int), ("loc_file", c_char_p),
                ("line", c_uint), ("column", c_uint), ("file", c_char * 256),
                ("what", c_char * 320), ("kernel", c_char * 160), ("hint", c_char * 256),
                ("reserved", c_char * 64)]


class PartitionOpts(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("fleet", c_char_p), ("groups", POINTER(c_char_p)),
                ("group_count", c_size_t), ("isolate", c_bool), ("one_way", c_bool),
                ("name", c_char_p), ("for_ns", c_int64)]


class HealOpts(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("fleet", c_char_p), ("faults", POINTER(c_char_p)),
                ("fault_count", c_size_t)]


class Fault(ctypes.Structure):
    _fields_ = [("id", c_uint32), ("kind", c_int), ("name", c_char_p), ("text", c_char_p),
                ("left_ns", c_int64)]


class Heal(ctypes.Structure):
    _fields_ = [("faults", POINTER(POINTER(Fault))), ("fault_count", c_size_t)]


lib = ctypes.CDLL("libnetsim.so.0")
lib.netsim_open.argtypes = [POINTER(c_void_p), POINTER(Err)]
lib.netsim_close.argtypes = [c_void_p]
lib.netsim_partition.argtypes = [c_void_p, POINTER(PartitionOpts), POINTER(POINTER(Fault)),
                                 POINTER(Err)]
lib.netsim_fault_free.argtypes = [POINTER(Fault)]
lib.netsim_heal.argtypes = [c_void_p, POINTER(HealOpts), POINTER(POINTER(Heal)), POINTER(Err)]
lib.netsim_heal_free.argtypes = [POINTER(Heal)]
for free in (lib.netsim_close, lib.netsim_fault_free, lib.netsim_heal_free):
    free.restype = None


def call(function, *args):
    err = Err()
    if function(*args, byref(err)) < 0:
        sys.exit("; ".join(text.decode() for text in (err.what, err.hint) if text))


def words(*texts):
    return (c_char_p * len(texts))(*(text.encode() for text in texts))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: {sys.argv[0]} NODE[,NODE...] [SECONDS]")
    seconds = float(sys.argv[2]) if len(sys.argv) == 3 else 2.0
    ctx, fault, heal = c_void_p(), POINTER(Fault)(), POINTER(Heal)()
    call(lib.netsim_open, byref(ctx))
    # The deadline ends the partition even if this program is killed.
    cut = PartitionOpts(size=ctypes.sizeof(PartitionOpts), groups=words(sys.argv[1]),
                        group_count=1, for_ns=int((seconds + 10) * 1e9))
    call(lib.netsim_partition, ctx, byref(cut), byref(fault))
    number = fault.contents.id
    print(f"fault {number}: {fault.contents.text.decode()}", flush=True)
    lib.netsim_fault_free(fault)
    time.sleep(seconds)
    end = HealOpts(size=ctypes.sizeof(HealOpts), faults=words(str(number)), fault_count=1)
    call(lib.netsim_heal, ctx, byref(end), byref(heal))
    for i in range(heal.contents.fault_count):
        print(f"healed: {heal.contents.faults[i].contents.text.decode()}")
    lib.netsim_heal_free(heal)
    lib.netsim_close(ctx)


if __name__ == "__main__":
    main()
