#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""An NBD server with a disk in memory, which lies once.

    lying_disk.py PORT FAULT

It is honest until a number of writes (300) have been acknowledged, so that each block has content.
At the first request after that which suits the fault, the fault is planted, and "planted FAULT
BLOCK" is printed, with the block as the ledger counts them, from 1. "honest" and "unsteady" never
lie; "unsteady" closes connections in the middle of requests, which it sometimes has done by then,
and sometimes does later. FAULT "list" prints the faults.
"""

import socket
import struct
import sys
import threading
import time

SIZE = 1 << 21
BLOCK = 4096
AFTER = 300
READ, WRITE, LEAVE, FLUSH = range(4)

FAULTS = {}


def fault(of):
    """Registers a function that is called once, at a write or a read of old content."""

    def add(function):
        FAULTS[function.__name__.replace("_", "-")] = (of, function)
        return function

    return add


class Disk:
    def __init__(self, name):
        self.data = bytearray(SIZE)
        self.old = {}  # the content of each block before its last write
        self.name = name
        self.writes = 0
        self.planted = False
        self.requests = 0
        self.pending = []  # writes that "unsteady" does after the end of their connection
        self.lock = threading.Lock()

    def get(self, at, size):
        return bytes(self.data[at : at + size])

    def put(self, at, data):
        self.data[at : at + len(data)] = data

    def lies(self, kind, at):
        """Whether to plant the fault at this request."""
        if self.planted or self.name not in FAULTS or self.writes < AFTER:
            return False
        if FAULTS[self.name][0] != kind or at not in self.old:
            return False
        self.planted = True
        print("planted", self.name, at // BLOCK + 1, flush=True)
        return True

    def write(self, at, data):
        with self.lock:
            self.writes += 1
            if self.lies(WRITE, at):
                FAULTS[self.name][1](self, at, data)
                return
            self.old[at] = self.get(at, len(data))
            self.put(at, data)

    def read(self, at, size):
        with self.lock:
            if self.lies(READ, at):
                return FAULTS[self.name][1](self, at, size)
            return self.get(at, size)

    def hangs_up(self):
        """Each 80th request of "unsteady" gets no answer."""
        self.requests += 1
        return self.name == "unsteady" and self.requests % 80 == 0


# --- writes that are acknowledged


@fault(WRITE)
def lost_write(disk, at, data):
    pass


@fault(WRITE)
def zeroed_write(disk, at, data):
    disk.put(at, bytes(len(data)))


@fault(WRITE)
def torn_write(disk, at, data):
    disk.put(at, data[:2048])


@fault(WRITE)
def torn_sector(disk, at, data):
    disk.put(at, data[:1000] + disk.get(at + 1000, len(data) - 1000))


@fault(WRITE)
def flipped_bit(disk, at, data):
    disk.put(at, data[:3000] + bytes([data[3000] ^ 16]) + data[3001:])


@fault(WRITE)
def swapped_sectors(disk, at, data):
    disk.put(at, data[512:1024] + data[:512] + data[1024:])


@fault(WRITE)
def misdirected_write(disk, at, data):
    disk.put(at ^ BLOCK, data)


@fault(WRITE)
def reverted_write(disk, at, data):
    """It is there for one read only, as in a cache that is lost."""
    disk.reverts = {at: [disk.get(at, len(data)), 0]}
    disk.put(at, data)

    def revert():
        time.sleep(0.2)
        with disk.lock:
            if disk.get(at, len(data)) == data:
                disk.put(at, disk.reverts[at][0])

    threading.Thread(target=revert, daemon=True).start()


# --- reads


@fault(READ)
def old_read(disk, at, size):
    return disk.old[at]


@fault(READ)
def empty_read(disk, at, size):
    return bytes(size)


@fault(READ)
def misdirected_read(disk, at, size):
    return disk.get(at ^ BLOCK, size)


@fault(READ)
def torn_read(disk, at, size):
    return disk.old[at][:512] + disk.get(at + 512, size - 512)


# --- NBD, with the newstyle handshake


class Hangup(Exception):
    pass


def receive(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise Hangup
        data += more
    return data


def shake_hands(sock):
    sock.sendall(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3))
    receive(sock, 4)
    while True:
        _, option, length = struct.unpack(">8sLL", receive(sock, 16))
        data = receive(sock, length)
        reply = lambda kind, data=b"": sock.sendall(struct.pack(">QLLL", 0x3E889045565A9, option, kind, len(data)) + data)
        if option == 7:  # GO
            reply(3, struct.pack(">HQH", 0, SIZE, 1))
            reply(1)
            return
        if option == 2:  # ABORT
            raise Hangup
        del data
        reply(0x80000001)


def serve(sock, disk):
    shake_hands(sock)
    while True:
        _, _, kind, handle, at, size = struct.unpack(">LHHQQL", receive(sock, 28))
        data = receive(sock, size) if kind == WRITE else b""
        if kind == LEAVE:
            return
        if disk.hangs_up():
            if kind == WRITE and disk.requests % 160 == 0:
                disk.write(at, data)
            elif kind == WRITE:
                threading.Timer(0.3, disk.write, (at, data)).start()
            raise Hangup
        if kind == WRITE:
            disk.write(at, data)
        elif kind == READ:
            data = disk.read(at, size)
        sock.sendall(struct.pack(">LLQ", 0x67446698, 0, handle) + (data if kind == READ else b""))


def connection(sock, disk):
    with sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(sock, disk)
        except (Hangup, OSError):
            pass


def main():
    if sys.argv[-1] == "list":
        print("\n".join(FAULTS))
        return
    disk = Disk(sys.argv[2])
    listener = socket.create_server(("", int(sys.argv[1])))
    print("ready", flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=connection, args=(sock, disk), daemon=True).start()


main()
