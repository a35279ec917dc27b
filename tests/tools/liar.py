#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""A proxy between a ledger and the JSON gateway of an etcd, which lies once.

    liar.py [-n COUNT] LISTEN UPSTREAM FAULT      each address as HOST:PORT

Answers are those of the store until COUNT operations (12) have passed. At the first operation
after that which suits the fault, the fault is planted, and "planted FAULT OPERATION KEY VALUE" is
printed; after COUNT * 3 more operations, "settled". Nothing may excuse a lie: it waits until no
other operation on the key is in progress, and is repeated if its client did not wait for it.
Operations pass one after the other, so that the store is in the state that the proxy believes; with
"honest" and "unsteady" they overlap. Those two never lie; "unsteady" leaves some outcomes unknown.
FAULT "list" prints the faults.
"""

import base64
import json
import socket
import sys
import threading
import time


def text(data):
    return base64.b64decode(data).decode()


def number(data, name):
    return int(data.get(name, 0))


# --- HTTP/1.1


class Refused(Exception):
    """The store answers with an error: it has done nothing."""


class Hangup(Exception):
    """The connection ends without an answer."""


def read_head(file):
    first = file.readline().split()
    fields = {}
    while first:
        line = file.readline().strip().lower()
        if not line:
            break
        name, _, value = line.partition(b":")
        fields[name] = value.strip()
    return first, fields


def read_chunks(file):
    while True:
        size = int(file.readline() or b"0", 16)
        if not size:
            break
        yield file.read(size)
        file.readline()
    # Trailers, after an error
    while file.readline().strip():
        pass


def read_body(file, fields):
    if fields.get(b"transfer-encoding") == b"chunked":
        return b"".join(read_chunks(file))
    return file.read(int(fields.get(b"content-length", 0)))


class Upstream:
    """A connection to the store."""

    def __init__(self, address):
        self.address = address
        self.file = None

    def send(self, method, path, body):
        if not self.file:
            connection = socket.create_connection(self.address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.file = connection.makefile("rwb")
        self.file.write(b"%s %s HTTP/1.1\r\nHost: etcd\r\nContent-Length: %d\r\n\r\n%s" % (
            method, path, len(body), body))
        self.file.flush()
        first, fields = read_head(self.file)
        if not first:
            raise Hangup
        return int(first[1]), fields

    def ask(self, method, path, body):
        status, fields = self.send(method, path, body)
        return status, read_body(self.file, fields)

    def lines(self, body):
        """The lines of a watch."""
        self.send(b"POST", b"/v3/watch", body)
        rest = b""
        for data in read_chunks(self.file):
            *lines, rest = (rest + data).split(b"\n")
            yield from lines


# --- operations


class Call:
    """A request of the ledger, or one of the proxy's own."""

    def __init__(self, upstream, path, body, connection):
        self.upstream = upstream
        self.connection = connection
        self.path = path
        self.body = body
        self.kind = self.key = self.value = None
        self.expected = 0
        request = json.loads(body)
        if path == b"/v3/kv/put":
            self.kind = "put"
        elif path == b"/v3/kv/range" and "range_end" not in request:
            self.kind = "get"
        elif path == b"/v3/kv/deleterange":
            self.kind = "delete"
        elif path == b"/v3/kv/txn":
            self.kind = "cas"
            self.expected = number(request["compare"][0], "mod_revision")
            request = request["success"][0]["requestPut"]
        self.key = request.get("key")
        self.value = request.get("value")

    def ask(self, path, request):
        status, body = self.upstream.ask(b"POST", path, json.dumps(request).encode())
        answer = json.loads(body)
        if status != 200:
            raise Refused(status, body)
        return answer

    def forward(self):
        return self.ask(self.path, json.loads(self.body))

    def put(self, value=None, key=None):
        return self.ask(b"/v3/kv/put", {"key": key or self.key, "value": value or self.value})

    def delete(self, key=None):
        return self.ask(b"/v3/kv/deleterange", {"key": key or self.key, "prev_kv": True})

    def peek(self, key=None):
        """The header, and the key with its value, or None."""
        answer = self.ask(b"/v3/kv/range", {"key": key or self.key})
        return answer["header"], (answer.get("kvs") or [None])[0]


class Clients:
    """What the connections show of the operations in progress. A client has read an answer when its
    connection has another request, or has given up after a second."""

    def __init__(self):
        self.keys = {}  # of each connection: the key of its last operation, and when it was answered
        self.deceived = None  # connection of the lie, until it is read

    def leave_alone(self, call):
        """No other operation on the key of this one is in progress."""
        return not any(key == call.key and connection is not call.connection and
                       (not answered or time.monotonic() - answered < 1)
                       for connection, (key, answered) in list(self.keys.items()))

    def ask(self, call):
        self.keys[call.connection] = (call.key, None)

    def answered(self, connection):
        if connection in self.keys:
            self.keys[connection] = (self.keys[connection][0], time.monotonic())

    def read(self, connection):
        if self.deceived is connection:
            self.deceived = None

    def leave(self, connection):
        """Returns True if the lie was not read."""
        self.keys.pop(connection, None)
        missed = self.deceived is connection
        self.read(connection)
        return missed


def disturb(liar, call):
    """Leaves outcomes unknown in ways that a network has, if it is unsteady."""
    liar.count += 1
    way = liar.count % 9 if liar.name == "unsteady" else 0
    if way == 3:  # the request is lost
        raise Hangup
    if way == 5:  # the answer is lost
        call.forward()
        raise Hangup
    if way == 7:  # the request is late, maybe after the client's patience
        time.sleep(0.7)
    answer = call.forward()
    if way == 8 and call.kind != "get":
        raise Refused(503, b'{"error":"etcdserver: request timed out","code":14}')
    return answer


class Liar:
    def __init__(self, fault, after):
        self.name = fault
        self.fault = FAULTS.get(fault)
        self.lock = threading.Lock() if self.fault else None
        self.left = after
        self.rest = 3 * after
        self.planted = False
        self.clients = Clients()
        self.kvs = {}  # of each key, oldest first
        self.floor = 0  # the highest revision of a write
        self.held = None  # what the next operation does first
        self.first = None  # event that is held back
        self.stream = None  # the watch that is concerned
        self.silent = False
        self.count = 0
        self.status = None

    def note(self, operation, key, value, connection=None):
        self.planted = True
        self.clients.deceived = connection
        print("planted", self.name, operation, text(key), text(value) if value else "-", flush=True)

    def pass_by(self):
        self.left -= 1
        if self.planted and not self.clients.deceived:
            self.rest -= 1
            if self.rest == 0:
                print("settled", flush=True)

    def old(self, key, newer):
        """A version of a key older than another one, or None."""
        older = [kv for kv in self.kvs.get(key, []) if number(kv, "mod_revision") < newer]
        return older[-1] if older else None

    def learn(self, call, answer):
        """Remembers what an answer shows, or has written."""
        kvs = answer.get("kvs", [])
        wrote = call.kind == "put" or (call.kind == "cas" and answer.get("succeeded"))
        if wrote:
            kvs = [{"key": call.key, "value": call.value, "mod_revision": answer["header"]["revision"]}]
        if wrote or call.kind == "delete":
            self.floor = max(self.floor, number(answer["header"], "revision"))
        for kv in kvs:
            known = self.kvs.setdefault(kv["key"], [])
            if not known or number(known[-1], "mod_revision") < number(kv, "mod_revision"):
                known.append(kv)

    def operate(self, call):
        answer = None
        if not self.fault:
            return disturb(self, call)
        self.clients.ask(call)
        with self.lock:
            self.pass_by()
            if self.held:
                answer = self.held(call)
            elif (self.left < 0 and not self.planted and self.fault.operation == call.kind
                  and self.clients.leave_alone(call)):
                answer = self.fault.plant(self, call)
                if answer:
                    self.note(call.kind, call.key, call.value, call.connection)
            if not answer:
                answer = call.forward()
                self.learn(call, answer)
            return answer

    def watch(self, event, stream):
        """The events to deliver in place of one, in one of several streams."""
        if not self.fault or self.fault.operation != "watch":
            return [event]
        with self.lock:
            if self.silent:
                return []
            if self.left >= 0 or self.planted:
                return [event]
            if stream is not (self.stream or stream):
                return [event]
            self.stream = stream
            events = self.fault.plant(self, event)
            if events is None:
                return []
            kv = (events or [event])[-1]["kv"]
            self.note("watch", kv["key"], kv.get("value"))
            return events


# --- the faults: each is given the proxy and a call, and returns a false answer, or None if the
# call does not suit it


class Fault:
    def __init__(self, operation, plant):
        self.operation = operation
        self.plant = plant


FAULTS = {}
REFUSAL = (400, b'{"error":"etcdserver: requested lease not found","code":5}')


def fault(operation):
    def add(function):
        FAULTS[function.__name__.replace("_", "-")] = Fault(operation, function)
        return function
    return add


def at(header, revision):
    return {**header, "revision": str(revision)}


def next_of(header):
    """As if one more write had happened."""
    return at(header, number(header, "revision") + 1)


def swapped(header):
    return {"header": header, "succeeded": True, "responses": [{"response_put": {"header": header}}]}


def not_swapped(header, kv):
    read = {"header": header, "kvs": [kv] if kv else [], "count": "1" if kv else "0"}
    return {"header": header, "responses": [{"response_range": read}]}


def holds(call, kv):
    return call.expected == (number(kv, "mod_revision") if kv else 0)


@fault("put")
def lost_put(_, call):
    """Acknowledged, and dropped."""
    return {"header": next_of(call.peek()[0])}


@fault("put")
def failed_put(_, call):
    """The store refuses it, and it is acknowledged."""
    try:
        call.ask(b"/v3/kv/put", {"key": call.key, "value": call.value, "lease": "4242"})
    except Refused:
        return {"header": call.peek()[0]}
    return None


@fault("delete")
def lost_delete(_, call):
    header, kv = call.peek()
    return kv and {"header": next_of(header), "deleted": "1", "prev_kvs": [kv]}


@fault("cas")
def lost_cas(_, call):
    header, kv = call.peek()
    return swapped(next_of(header)) if holds(call, kv) else None


@fault("put")
def doubled_put(_, call):
    """Takes effect twice."""
    answer = call.forward()
    call.put()
    return answer


@fault("delete")
def undone_delete(_, call):
    """The value comes back."""
    header, kv = call.peek()
    if not header or not kv:
        return None
    answer = call.forward()
    call.put(kv["value"])
    return answer


@fault("get")
def stale_value(liar, call):
    """An older value, and the present revision."""
    header, kv = call.peek()
    old = kv and liar.old(call.key, number(kv, "mod_revision"))
    return old and {"header": header, "kvs": [old], "count": "1"}


@fault("get")
def stale_member(liar, call):
    """The state of a member that lags behind."""
    header, kv = call.peek()
    old = kv and liar.old(call.key, number(kv, "mod_revision"))
    return old and {"header": at(header, old["mod_revision"]), "kvs": [old], "count": "1"}


@fault("get")
def torn_read(liar, call):
    """An older value with the present mod_revision."""
    header, kv = call.peek()
    old = kv and liar.old(call.key, number(kv, "mod_revision"))
    return old and {"header": header, "kvs": [{**kv, "value": old["value"]}], "count": "1"}


@fault("get")
def absent_read(_, call):
    """A key that exists is said not to."""
    header, kv = call.peek()
    return kv and {"header": header}


@fault("get")
def phantom_read(_, call):
    """A value that is never written."""
    header = call.peek()[0]
    value = base64.b64encode(b"4242424242").decode()
    kv = {"key": call.key, "value": value, "mod_revision": header["revision"]}
    return {"header": header, "kvs": [kv], "count": "1"}


@fault("get")
def other_key(liar, call):
    """The value of another key."""
    for key in liar.kvs:
        header, kv = call.peek(key)
        if key != call.key and kv:
            return {"header": header, "kvs": [{**kv, "key": call.key}], "count": "1"}
    return None


@fault("put")
def early_put(_, call):
    """The next value of the client takes effect before the client sends it."""
    answer = call.forward()
    call.put(base64.b64encode(str(int(text(call.value)) + 1).encode()).decode())
    return answer


@fault("put")
def late_put(liar, call):
    """Refused, and takes effect later."""
    def later(_):
        liar.held = None
        call.put()

    liar.held = later
    liar.note("put", call.key, call.value, call.connection)
    raise Refused(*REFUSAL)


@fault("put")
def refused_put(liar, call):
    """Refused, and takes effect."""
    call.put()
    liar.note("put", call.key, call.value, call.connection)
    raise Refused(*REFUSAL)


@fault("put")
def swapped_puts(liar, call):
    """Two of a key, acknowledged in their order, and applied in the other one."""
    def later(other):
        if other.kind != "put" or other.key != call.key:
            return None
        liar.held = None
        other.put()
        return call.put()

    liar.held = later
    return {"header": next_of(call.peek()[0])}


@fault("cas")
def applied_cas(_, call):
    """Takes effect, and is said to have failed."""
    header, kv = call.peek()
    if not holds(call, kv):
        return None
    call.forward()
    return not_swapped(header, kv)


@fault("cas")
def refused_cas(_, call):
    """Said to have failed, although the comparison holds."""
    header, kv = call.peek()
    return not_swapped(header, kv) if holds(call, kv) else None


@fault("cas")
def two_holders(_, call):
    """Succeeds after another client has changed the key: a lock with two holders."""
    _, kv = call.peek()
    return swapped(call.put()["header"]) if kv and not holds(call, kv) else None


@fault("put")
def put_back(liar, call):
    """Answered with a revision before that of an earlier write."""
    if not liar.floor:
        return None
    return {"header": at(call.forward()["header"], liar.floor - 1)}


@fault("get")
def read_back(liar, call):
    """Answered with a revision before that of an earlier write."""
    header, kv = call.peek()
    if not kv or number(kv, "mod_revision") >= liar.floor:
        return None
    return {"header": at(header, kv["mod_revision"]), "kvs": [kv], "count": "1"}


@fault("delete")
def silent_delete(_, call):
    """Takes effect, and is said to have found nothing."""
    _, kv = call.peek()
    return {"header": call.forward()["header"]} if kv else None


@fault("get")
def rogue_delete(_, call):
    """A key that no client deletes is gone."""
    _, kv = call.peek()
    return {"header": call.delete()["header"]} if kv else None


@fault("watch")
def watch_gap(_, __):
    """An event is left out."""
    return []


@fault("watch")
def watch_double(_, event):
    """An event comes twice."""
    return [event, event]


@fault("watch")
def watch_swap(liar, event):
    """Two events come in the wrong order."""
    first, liar.first = liar.first, event
    return [event, first] if first else None


@fault("watch")
def watch_phantom(_, event):
    """The event of a write that was none."""
    value = base64.b64encode(b"4242424242").decode()
    return [{"kv": {**event["kv"], "value": value}}]


@fault("watch")
def watch_silent(liar, _):
    """No event comes any more, of this watch or a later one. The last fault: it has many findings."""
    liar.silent = True
    return []


# --- connections


def serve_watch(liar, upstream, body, file):
    file.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    for line in upstream.lines(body):
        answer = json.loads(line)
        events = answer.get("result", {}).get("events")
        if events:
            answer["result"]["events"] = [told for event in events for told in liar.watch(event, upstream)]
        data = json.dumps(answer).encode() + b"\n"
        file.write(b"%x\r\n%s\r\n" % (len(data), data))
        file.flush()


def answer_to(liar, upstream, connection, method, path, body):
    if method == b"GET":
        return upstream.ask(method, path, body)
    if path == b"/v3/maintenance/status":
        # Asked five times a second; the leader of a single member never changes.
        liar.status = liar.status or upstream.ask(method, path, body)
        return liar.status
    call = Call(upstream, path, body, connection)
    try:
        return 200, json.dumps(liar.operate(call) if call.kind else call.forward()).encode()
    except Refused as error:
        return error.args


def serve(liar, connection, address):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    file = connection.makefile("rwb")
    upstream = Upstream(address)
    try:
        while True:
            first, fields = read_head(file)
            if len(first) < 2:
                break
            body = read_body(file, fields)
            liar.clients.read(connection)
            if first[1] == b"/v3/watch":
                serve_watch(liar, upstream, body, file)
                break
            status, data = answer_to(liar, upstream, connection, first[0], first[1], body)
            file.write(b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
                status, len(data), data))
            file.flush()
            liar.clients.answered(connection)
    except (OSError, Hangup):
        pass
    finally:
        if liar.clients.leave(connection):
            liar.planted = False
        connection.close()


def address_of(word):
    host, _, port = word.rpartition(":")
    return host, int(port)


def main(words):
    after = 12
    if words[:1] == ["-n"]:
        after = int(words[1])
        words = words[2:]
    if words == ["list"]:
        print("\n".join(FAULTS))
        return
    if len(words) != 3 or (words[2] not in FAULTS and words[2] not in ("honest", "unsteady")):
        sys.exit(__doc__)
    liar = Liar(words[2], after)
    listener = socket.create_server(address_of(words[0]), backlog=128)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(liar, connection, address_of(words[1])), daemon=True).start()


main(sys.argv[1:])
