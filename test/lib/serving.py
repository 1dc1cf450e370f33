"""What the test servers share: a threading HTTP/1.1 server on loopback that
binds to a free port, tells it through a file, and logs one JSON object for
each request. With LP_KEEP in the environment what was received is kept
besides, in LOG.kept, before anything is answered: secrets.bash sweeps it."""

import argparse
import http.server
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time


def arguments(doc):
    """A parser with the options that every server has."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS")
    parser.add_argument("--port", type=int, default=0,
                        help="default: a free one")
    parser.add_argument("--port-file", metavar="FILE",
                        help="written when the server listens")
    parser.add_argument("--log", metavar="FILE",
                        help="requests, one JSON object a line")
    return parser


class Log:
    """Appends objects to a file, whole lines only, from any thread."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.start = time.monotonic()
        self.count = 0

    def keep(self, what, end=".kept"):
        """What came is on the disk when who sent it hears of it."""
        if self.file and os.environ.get("LP_KEEP"):
            with open(self.file.name + end, "ab") as file:
                file.write(what)

    def number(self):
        with self.lock:
            self.count += 1
            return self.count

    def ms(self):
        return round((time.monotonic() - self.start) * 1000)

    def add(self, record):
        if self.file:
            with self.lock:
                self.file.write(json.dumps(record) + "\n")
                self.file.flush()


def tell_port(path, port):
    """Whoever polls for the file never reads half a number."""
    if path:
        with open(path + ".new", "w", encoding="ascii") as file:
            print(port, file=file)
        os.rename(path + ".new", path)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # A client that goes away is what half of the tests are about.
        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    """One request: answer() is the subclass's; self.record is logged after
    it, whatever happens."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    log = None
    connections = 0

    def setup(self):
        super().setup()
        with self.log.lock:
            Handler.connections += 1
            self.connection_number = Handler.connections

    def log_message(self, *args):
        pass

    def handle_any(self):
        length = self.headers.get("Content-Length", "0")
        self.body = self.rfile.read(int(length) if length.isdigit() else 0)
        self.record = {
            "n": self.log.number(),
            "ms": self.log.ms(),
            "connection": self.connection_number,
            "method": self.command,
            "path": self.path,
            "headers": {k.lower(): ", ".join(self.headers.get_all(k))
                        for k in self.headers},
            "body": self.body[:4096].decode("utf-8", "replace"),
            "status": None,
            "sent": 0,
            "end": "done",
        }
        self.log.keep(b"\n".join([self.raw_requestline, bytes(self.headers), self.body, b""]))
        try:
            self.answer()
        except OSError as error:
            self.record["end"] = type(error).__name__
            self.close_connection = True
        finally:
            self.record["took_ms"] = self.log.ms() - self.record["ms"]
            self.log.add(self.record)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any
    do_CONNECT = handle_any

    def head(self, status, headers):
        """The status line and the headers, as given: nothing is added."""
        self.record["status"] = status
        reason = http.server.BaseHTTPRequestHandler.responses.get(
            status, ("Status",))[0]
        lines = [f"HTTP/1.1 {status} {reason}"]
        for name, value in headers:
            lines.append(f"{name}: {value}")
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def reply(self, status, headers, body=b""):
        """A whole, honest answer."""
        self.head(status, list(headers) + [("Content-Length", len(body))])
        if self.command != "HEAD":
            self.wfile.write(body)
            self.record["sent"] = len(body)


def until_terminated(options, server):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    tell_port(options.port_file, server.server_address[1])
    server.serve_forever()


def run(options, handler, tls=None):
    """Serve until SIGTERM."""
    handler.log = Log(options.log)
    family = socket.AF_INET6 if ":" in options.bind else socket.AF_INET
    Server.address_family = family
    server = Server((options.bind, options.port), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        # The handshake belongs to the thread of the connection: one client
        # that never speaks must not hold up the others.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False)
    until_terminated(options, server)
