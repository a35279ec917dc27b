#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes captures of TCP that loses, duplicates and reorders, and compares them with tshark.

    captures.py FIRST COUNT DIR NETSIM   captures of the seeds FIRST ... FIRST + COUNT - 1

Each seed gives one capture, in one of several formats, read by netsim analyze. tshark reads all
of a format at once: their addresses differ. Each direction of each connection must agree in
packets, bytes, data, kinds of retransmission, duplicate acknowledgements, zero windows, resets
and handshake. Prints the disagreements, and how much was compared.
"""
import csv, heapq, ipaddress, os, random, struct, subprocess, sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
T0 = 1700000000 * 10**9
MS = 10**6


# --- packets

def tcp(seg):
    options = b''
    if seg['flags'] & SYN:
        options += struct.pack('!BBHBBB', 2, 4, 1460, 3, 3, seg['scale']) + b'\1'
    if seg['sacks']:
        options += b'\1\1' + struct.pack('!BB', 5, 2 + 8 * len(seg['sacks'][:3]))
        for a, b in seg['sacks'][:3]:
            options += struct.pack('!II', a & 0xffffffff, b & 0xffffffff)
    header = 20 + len(options)
    return struct.pack('!HHIIBBHHH', seg['ports'][0], seg['ports'][1], seg['seq'] & 0xffffffff,
                       seg['ack'] & 0xffffffff if seg['flags'] & ACK else 0, header // 4 << 4,
                       seg['flags'], seg['window'], 0, 0) + options + b'x' * seg['data']


def ip(seg):
    body = tcp(seg)
    source, to = (ipaddress.ip_address(a).packed for a in seg['ends'])
    if len(source) == 16:
        return struct.pack('!IHBB', 6 << 28, len(body), 6, 64) + source + to + body
    return struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(body), seg['id'], 0x4000, 64, 6, 0) + source + to + body


def ethertype(packet):
    return b'\x86\xdd' if packet[0] >> 4 == 6 else b'\x08\0'


def from_us(packet):
    """The type of a cooked packet: the client, whose address is odd, captures."""
    return b'\4' if packet[23 if packet[0] >> 4 == 6 else 15] & 1 else b'\0'


MACS = b'\2\0\0\0\0\1\2\0\0\0\0\2'
# name: link type, frame, kind of file
FORMATS = {
    'ethernet': (1, lambda p: MACS + ethertype(p) + p, 'pcap'),
    'nano': (1, lambda p: MACS + ethertype(p) + p, 'nano'),
    'vlan': (1, lambda p: MACS + b'\x81\0\0\7' + ethertype(p) + p, 'pcap'),
    'raw': (101, lambda p: p, 'pcap'),
    'loopback': (0, lambda p: struct.pack('<I', 30 if p[0] >> 4 == 6 else 2) + p, 'pcap'),
    'loopback-big': (0, lambda p: struct.pack('>I', 30 if p[0] >> 4 == 6 else 2) + p, 'big'),
    'loop': (108, lambda p: struct.pack('>I', 24 if p[0] >> 4 == 6 else 2) + p, 'pcap'),
    'ppp': (9, lambda p: b'\xff\3\0' + (b'\x57' if p[0] >> 4 == 6 else b'\x21') + p, 'pcap'),
    'hdlc': (104, lambda p: b'\x0f\0' + ethertype(p) + p, 'pcap'),
    'cooked': (113, lambda p: b'\0\7\0\1\0\6\2\0\0\0\0\1\0\0' + ethertype(p) + p, 'pcap'),
    'cooked2': (276, lambda p: ethertype(p) + b'\0\0\0\0\0\2\0\1' + from_us(p) + b'\6\2\0\0\0\0\1\0\0' + p, 'pcap'),
    'old': (1, lambda p: MACS + ethertype(p) + p, 'old'),
    'ng': (1, lambda p: MACS + ethertype(p) + p, 'ng'),
}
NAMES = list(FORMATS)


def block(kind, body):
    body += b'\0' * (-len(body) % 4)
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


def write(path, name, packets):
    link, frame, kind = FORMATS[name]
    order = '>' if kind == 'big' else '<'
    with open(path, 'wb') as out:
        if kind == 'ng':
            out.write(block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1)))
            out.write(block(1, struct.pack('<HHI', 220, 0, 0)))  # never used
            out.write(block(1, struct.pack('<HHI', link, 0, 0) + struct.pack('<HHBxxxI', 9, 1, 9, 0)))
        else:
            out.write(struct.pack(order + 'IHHiIII', 0xa1b23c4d if kind == 'nano' else 0xa1b2c3d4, 2,
                                  2 if kind == 'old' else 4, 0, 0, 262144, link))
        for when, segment in packets:
            bytes_ = frame(ip(segment))
            captured = bytes_[:segment['snap'] + len(bytes_) - len(ip(segment))]
            sizes = (len(captured), len(bytes_))
            if kind == 'ng':
                out.write(block(6, struct.pack('<IIIII', 1, when >> 32, when & 0xffffffff, *sizes) +
                                captured))
                continue
            if kind == 'old':
                sizes = sizes[::-1]
            part = when % 10**9 if kind == 'nano' else when % 10**9 // 1000
            out.write(struct.pack(order + 'IIII', when // 10**9, part, *sizes) + captured)


# --- one connection

class End:
    def __init__(self, world, number, start):
        self.world, self.number = world, number
        self.una = self.next = self.start = start
        self.expected = 0
        self.early = []       # ranges received out of order, after a gap
        self.open = self.closed = self.fin_sent = False
        self.duplicates = 0
        self.unread = 0
        self.timeout = 200 * MS
        self.deadline = None
        self.to_send = 0
        self.window = 60000   # of the other side


class Path:
    """Two ends, and a network that loses, delays and duplicates; the capture is in its middle."""

    def __init__(self, world, rng, ends, ports):
        self.world, self.rng, self.ends_, self.ports = world, rng, ends, ports
        self.legs = [rng.choice([100000, 2 * MS, 20 * MS]), rng.choice([50000, 5 * MS, 30 * MS])]
        self.loss = [rng.choice([0, 0, 0.03, 0.15]) for _ in range(2)]
        self.jitter = rng.choice([0, 0, 0, 1 * MS, 8 * MS])
        self.twice = rng.choice([0, 0, 0, 0.05])
        self.sack = rng.random() < 0.5
        self.snap = rng.choice([262144, 100])
        self.slow = rng.random() < 0.2
        self.limit = 20000 if self.slow else 60000
        self.ends = [End(self, i, rng.choice([rng.getrandbits(32), 2**32 - 500])) for i in range(2)]
        self.ends[0].to_send = rng.choice([0, 1, 300, 5000, 30000])
        self.ends[1].to_send = rng.choice([0, 0, 1, 4000, 30000])
        self.id = [rng.getrandbits(16), rng.getrandbits(16)]

    # Sending: by the first leg to the capture, by the second to the other end.
    def send(self, end, flags, seq, data=0, window=None):
        rng, n = self.rng, end.number
        other = self.ends[1 - n]
        self.id[n] = self.id[n] + 1 & 0xffff
        free = max(0, self.limit - end.unread) if self.slow else 60000
        free = 0 if free < 1400 else free
        seg = dict(ends=self.ends_ if n == 0 else self.ends_[::-1], flags=flags, seq=seq, data=data,
                   ports=self.ports if n == 0 else self.ports[::-1], ack=end.expected, scale=0,
                   window=free if window is None else window, id=self.id[n], snap=self.snap,
                   sacks=[r[:2] for r in end.early] if self.sack else [])
        legs = self.legs if n == 0 else self.legs[::-1]
        loss = self.loss if n == 0 else self.loss[::-1]
        now = self.world.now
        for _ in range(1 + (rng.random() < self.twice)):
            if rng.random() < loss[0]:
                continue
            at = now + legs[0] + rng.randrange(self.jitter + 1)
            self.world.at(at, lambda s=seg: self.world.capture(s))
            if rng.random() < loss[1]:
                continue
            self.world.at(at + legs[1] + rng.randrange(self.jitter + 1), lambda s=seg: self.receive(other, s))


class Connection(Path):
    """A plain TCP between the two ends."""

    def start(self):
        client = self.ends[0]
        client.next = client.start + 1
        self.send(client, SYN, client.start)
        self.arm(client)

    def arm(self, end):
        end.deadline = self.world.now + end.timeout
        self.world.at(end.deadline, lambda d=end.deadline: self.expire(end, d))

    def expire(self, end, deadline):
        if end.deadline != deadline or end.una == end.next or end.closed:
            return
        end.timeout *= 2
        if end.timeout > 3000 * MS:
            end.closed = True
            return
        self.again(end)
        self.arm(end)

    def again(self, end):
        if end.una == end.start:
            flags = SYN if end.number == 0 else SYN | ACK
            return self.send(end, flags, end.start)
        left = end.next - end.una - (1 if end.fin_sent else 0)
        if left > 0:
            return self.send(end, ACK, end.una, min(1400, left))
        return self.send(end, FIN | ACK, end.una)

    def push(self, end):
        while end.to_send and end.next - end.una < min(8400, end.window):
            size = min(1400, end.to_send)
            self.send(end, ACK | PSH, end.next, size)
            end.next += size
            end.to_send -= size
        if not end.to_send and not end.fin_sent and self.rng.random() < 0.7:
            end.fin_sent = True
            self.send(end, FIN | ACK, end.next)
            end.next += 1
        if end.una != end.next:
            self.arm(end)

    def drain(self, end):
        end.unread = 0
        self.send(end, ACK, end.next)

    def receive(self, end, seg):
        if end.closed:
            return
        if seg['flags'] & RST:
            end.closed = True
            return
        if seg['flags'] & SYN:
            new = not end.expected
            end.expected = seg['seq'] + 1
            if end.number == 1:
                end.next = end.start + 1
                self.send(end, SYN | ACK, end.start)
                return self.arm(end) if new else None
            end.open = True
        if seg['flags'] & ACK and seg['ack'] > end.una:
            end.una, end.duplicates, end.timeout, end.open = seg['ack'], 0, 200 * MS, True
            if end.una != end.next:
                self.arm(end)
        elif seg['flags'] & ACK and seg['ack'] == end.una != end.next and not seg['data']:
            end.duplicates += 1
            if end.duplicates == 3:
                self.again(end)
        end.window = seg['window']
        size = seg['data'] + bool(seg['flags'] & FIN)
        if size:
            end.early.insert(0, (seg['seq'], seg['seq'] + size))
            end.early = [r for r in end.early if r[1] > end.expected]
            while any(r[0] <= end.expected for r in end.early):
                end.expected = max(r[1] for r in end.early if r[0] <= end.expected)
                end.early = [r for r in end.early if r[1] > end.expected]
            end.unread += seg['data']
            if self.slow and end.unread > self.limit - 1400:
                self.world.at(self.world.now + 500 * MS, lambda: self.drain(end))
        if seg['flags'] & SYN or size:
            self.send(end, ACK, end.next)
        if self.rng.random() < 0.002:
            end.closed = True
            return self.send(end, RST | ACK, end.next)
        if end.open:
            self.push(end)


class World:
    def __init__(self, rng):
        self.rng, self.now, self.queue, self.count, self.packets = rng, T0, [], 0, []

    def at(self, when, act):
        self.count += 1
        heapq.heappush(self.queue, (when, self.count, act))

    def capture(self, segment):
        self.packets.append((self.now // 1000 * 1000, segment))

    def run(self):
        while self.queue and len(self.packets) < 400:
            self.now, _, act = heapq.heappop(self.queue)
            act()


def stale(rng, world, connection):
    """The other end has a connection of these ports already: what a restarted node meets.

    tshark keeps the numbers of the old connection, and so takes data for sent again: it reads
    the capture without these packets, which are added to what it counts.
    """
    client, server = connection.ends
    world.now = T0
    one = dict(ends=connection.ends_, ports=connection.ports, scale=0, window=64000, id=1,
               snap=262144, sacks=[], data=0, stale=True)
    back = dict(one, ends=connection.ends_[::-1], ports=connection.ports[::-1])
    number = rng.getrandbits(32)
    for after, seg in ((0, dict(one, flags=SYN, seq=client.start, ack=0)),
                       (1, dict(back, flags=ACK, seq=rng.getrandbits(32), ack=number)),
                       (2, dict(one, flags=RST, seq=number, ack=0))):
        world.packets.append((T0 + after * MS, seg))
    world.now = T0 + 1000 * MS


def refused(world, ends, ports, rng):
    one = dict(ends=ends, ports=ports, scale=0, window=64000, id=1, snap=262144, sacks=[], data=0)
    start = rng.getrandbits(32)
    for i in range(rng.choice([1, 1, 3])):
        world.packets.append((T0 + i * 1000 * MS, dict(one, flags=SYN, seq=start, ack=0)))
    if rng.random() < 0.5:
        world.packets.append((T0 + 2500 * MS, dict(one, ends=ends[::-1], ports=ports[::-1], seq=0,
                                                  flags=RST | ACK, ack=start + 1)))


def make(seed):
    rng = random.Random(seed)
    world = World(rng)
    for n in range(rng.randrange(1, 4)):
        if rng.random() < 0.3:
            ends = ('fd00::%x:1' % seed, 'fd00::%x:2' % seed)
        else:
            base = int(ipaddress.ip_address('10.0.0.0')) + seed * 8
            ends = (str(ipaddress.ip_address(base + 1)), str(ipaddress.ip_address(base + 2)))
        ports = (40000 + n, 2379 + n)
        if rng.random() < 0.15:
            refused(world, ends, ports, rng)
            continue
        connection = Connection(world, rng, ends, ports)
        if rng.random() < 0.15:
            stale(rng, world, connection)
        connection.start()
    world.run()
    packets = sorted(world.packets, key=lambda p: p[0])
    if rng.random() < 0.2 and not any('stale' in segment for _, segment in packets):
        packets = packets[rng.randrange(1 + len(packets) // 2):]  # begins within connections
    return packets


# --- what each program sees

FIELDS = ['ip.src', 'ipv6.src', 'tcp.srcport', 'ip.dst', 'ipv6.dst', 'tcp.dstport', 'frame.len', 'tcp.len',
          'tcp.analysis.fast_retransmission', 'tcp.analysis.retransmission',
          'tcp.analysis.spurious_retransmission', 'tcp.analysis.out_of_order',
          'tcp.analysis.duplicate_ack', 'tcp.analysis.zero_window', 'tcp.flags.reset',
          'tcp.analysis.ack_lost_segment', 'tcp.analysis.initial_rtt', 'tcp.flags.ack']
COLUMNS = ['packets', 'bytes', 'payload', 'fast', 'timeout', 'spurious', 'reordered', 'dup_acks',
           'zero_windows', 'resets', 'handshake_ns']
KINDS = [COLUMNS.index(kind) for kind in ('fast', 'timeout', 'spurious', 'reordered')]


def by_tshark(path):
    command = ['tshark', '-n', '-r', path, '-Y', 'tcp', '-T', 'fields', '-E', 'separator=,', '-E', 'occurrence=f']
    for field in FIELDS:
        command += ['-e', field]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = defaultdict(lambda: [0] * len(COLUMNS))
    confused, opened = set(), set()
    for line in text.splitlines():
        f = line.split(',')
        key = f[0] + f[1], int(f[2]), f[3] + f[4], int(f[5])
        row = rows[key]
        if f[15]:
            confused.add(key[2:] + key[:2])
        reset, ack = (f[i] in ('1', 'True') for i in (14, 17))
        if f[16] and ack and key[1] > key[3] and key not in opened:
            opened.add(key)
            # By a reset instead of an acknowledgement there is no handshake to compare.
            row[-1] = None if reset else round(float(f[16]) * 1e9)
        fast, again, spurious = (bool(x) for x in f[8:11])
        for i, value in enumerate([1, int(f[6]), int(f[7]), fast, again and not fast and not spurious, spurious,
                                   bool(f[11]), bool(f[12]), bool(f[13]), f[14] in ('1', 'True')]):
            row[i] += int(value)
    return rows, confused


def by_netsim(netsim, path):
    text = subprocess.run([netsim, 'analyze', '--by', 'connection', '--top', '0', '--csv', path],
                          capture_output=True, text=True, check=True).stdout
    rows = defaultdict(lambda: [0] * len(COLUMNS))
    for line in csv.DictReader(text.splitlines()):
        if int(line['packets']):
            row = rows[line['from'], int(line['from_port']), line['to'], int(line['to_port'])]
            for i, name in enumerate(COLUMNS[:-1]):
                row[i] += int(line[name])
            if line['from_port'] > line['to_port']:
                row[-1] = int(line['handshake_ns'] or 0)
    return rows


def add_stale(rows, name, segment):
    key = segment['ends'][0], segment['ports'][0], segment['ends'][1], segment['ports'][1]
    row = rows.setdefault(key, [0] * len(COLUMNS))
    row[COLUMNS.index('packets')] += 1
    row[COLUMNS.index('bytes')] += len(FORMATS[name][1](ip(segment)))
    # The SYN that follows the old connection counts as a retransmission.
    row[COLUMNS.index('timeout')] += segment['flags'] == SYN and row[0] > 1
    row[COLUMNS.index('resets')] += segment['flags'] == RST


def together_kinds(*rows):
    for row in rows:
        row[KINDS[0]] = sum(row[kind] for kind in KINDS)
        for kind in KINDS[1:]:
            row[kind] = 0


def main():
    first, count, where, netsim = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    together, old, paths = defaultdict(list), defaultdict(list), {}
    for seed in range(first, first + count):
        name = NAMES[seed % len(NAMES)]
        packets = make(seed)
        together[name] += [p for p in packets if 'stale' not in p[1]]
        old[name] += [p[1] for p in packets if 'stale' in p[1]]
        paths[seed] = '%s/%05d-%s' % (where, seed, name)
        write(paths[seed], name, packets)
    for name, packets in together.items():
        write('%s/all-%s' % (where, name), name, sorted(packets, key=lambda p: p[0]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        theirs, confused = {}, set()
        for rows, some in pool.map(by_tshark, ['%s/all-%s' % (where, name) for name in together]):
            theirs.update(rows)
            confused |= some
        for name, segments in old.items():
            for segment in segments:
                add_stale(theirs, name, segment)
        ours, origin = {}, {}
        for seed, rows in zip(paths, pool.map(lambda p: by_netsim(netsim, p), paths.values())):
            ours.update(rows)
            origin.update({key: paths[seed] for key in rows})
    bad = 0
    for key in sorted(set(ours) | set(theirs)):
        if key in confused:
            # Acknowledged, but not captured: tshark takes the next segment for a fast
            # retransmission.
            together_kinds(ours[key], theirs[key])
        if key in ours and theirs.get(key, [0])[-1] is None:
            ours[key][-1] = None
        if ours.get(key) != theirs.get(key):
            bad += 1
            print(origin.get(key), *key)
            for i, name in enumerate(COLUMNS):
                a, b = (rows.get(key, [None] * len(COLUMNS))[i] for rows in (ours, theirs))
                if a != b:
                    print('  %s: netsim %s, tshark %s' % (name, a, b))
    print('%d captures, %d packets, %d directions, %d figures: %d directions differ' % (
        len(paths), sum(len(p) for p in together.values()), len(ours), len(ours) * len(COLUMNS), bad))
    return bad != 0


sys.exit(main())
