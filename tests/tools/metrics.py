#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An endpoint of metrics for tests: metrics.py ADDRESS PORT FILE

Serves the text of FILE as it is at each request, and counts the requests in FILE.asked. If the
text begins with "hang", it does not answer for a minute.
"""
import http.server
import socketserver
import sys
import time

path = sys.argv[3]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with open(path + ".asked", "a", encoding="ascii") as asked:
            asked.write(f"{time.monotonic():.3f}\n")
        with open(path, "rb") as text:
            body = text.read()
        if body.startswith(b"hang"):
            time.sleep(60)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


server = Server((sys.argv[1], int(sys.argv[2])), Handler)
print("ready", flush=True)
server.serve_forever()
