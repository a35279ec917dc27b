#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Plays a guest whose tap is created anew at each start, as libvirt does, and counts its frames.

  tapflood.py send NAME BRIDGE MAC ROUNDS MS
      ROUNDS times: creates a tap NAME0, NAME1, ... with the address that libvirt gives it
      (fe: and the rest of MAC), puts it into BRIDGE, brings it up, and sends numbered broadcast
      frames from MAC for MS milliseconds, as many as it can; then the tap disappears.
      Prints "sent N", the number of frames.

  tapflood.py again NAME BRIDGE MAC ROUNDS MS
      The same with a tap that has the same name each time, as microvm.nix does it: made
      persistent, then opened by the machine, and deleted when that has ended.

  tapflood.py receive INTERFACE...
      Counts those frames at interfaces of this network namespace until SIGTERM or SIGINT, and
      prints "received N".
"""
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 2, 0x1000
ETHERTYPE = 0x88B6  # for local experiments


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def start(name, bridge, mac):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    ip("link", "set", name, "address", "fe" + mac[2:])
    ip("link", "set", name, "master", bridge, "up")
    return fd


def start_again(name, bridge, mac):
    ip("tuntap", "add", name, "mode", "tap", "vnet_hdr")
    ip("link", "set", name, "master", bridge, "up")
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


def send(name, bridge, mac, rounds, ms, same):
    head = b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) + struct.pack("!H", ETHERTYPE)
    sent = 0
    for i in range(rounds):
        fd = start_again(name, bridge, mac) if same else start(f"{name}{i}", bridge, mac)
        end = time.monotonic() + ms / 1000
        while time.monotonic() < end:
            try:
                os.write(fd, head + struct.pack("!Q", sent) + bytes(38))
                sent += 1
            except BlockingIOError:
                select.select([], [fd], [], 0.01)
        os.close(fd)
        if same:
            ip("tuntap", "del", name, "mode", "tap")
    print(f"sent {sent}")


def receive(interfaces):
    sockets = []
    for interface in interfaces:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        s.bind((interface, ETHERTYPE))
        sockets.append(s)
    received, running = 0, [True]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.clear())
    print("ready", flush=True)
    while running:
        for s in select.select(sockets, [], [], 0.1)[0]:
            try:
                while s.recv(2048, socket.MSG_DONTWAIT):
                    received += 1
            except BlockingIOError:
                pass
    print(f"received {received}")


if len(sys.argv) == 7 and sys.argv[1] in ("send", "again"):
    send(*sys.argv[2:5], int(sys.argv[5]), float(sys.argv[6]), sys.argv[1] == "again")
elif len(sys.argv) > 2 and sys.argv[1] == "receive":
    receive(sys.argv[2:])
else:
    sys.exit(__doc__)
