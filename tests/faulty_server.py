"""A real HTTP server on 127.0.0.1 that misbehaves on demand."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

AUTO = "auto"
# A file to serve.
DATA = bytes(range(256)) * 2000
MD5 = "md5:" + hashlib.md5(DATA).hexdigest()
SHA256 = "sha256:" + hashlib.sha256(DATA).hexdigest()


class Answer(NamedTuple):
    """What one request gets.

    Attributes
    ----------
    body, status, headers
        As they are sent; a header of None takes away one that is sent by itself. Status 0 hangs up.
    ranges
        Whether Range is honoured (If-Range, too).
    etag, last_modified
        Validators; AUTO makes an ETag from the body, None sends none.
    length
        Announced length of the whole; AUTO tells the truth, None says nothing.
    cut
        Bytes of this answer after which the connection is closed.
    pause
        Seconds between bytes from the byte `cut` on (0 without it), instead of closing.
    gate
        Waited for at the byte `cut` instead of closing.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str | None] = {}
    ranges: bool = True
    etag: str | None = AUTO
    last_modified: str | None = None
    length: int | str | None = AUTO
    cut: int | None = None
    pause: float | None = None
    gate: threading.Event | None = None


class Request(NamedTuple):
    """A request that arrived: its path as sent, and its headers."""

    path: str
    headers: Mapping[str, str]


class FaultyServer:
    """Answers GET by path: each answer once, in order, the last one for ever; 404 elsewhere.

    Use it in a `with`; `requests` lists what arrived. As a proxy it answers for any host.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.httpd.daemon_threads = True
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FaultyServer:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()

    @property
    def root(self) -> str:
        """Address of the server, without a slash at the end."""
        return f"http://127.0.0.1:{self.httpd.server_port}"

    def url(self, path: str, *answers: Answer | bytes) -> str:
        """Address of a path; with answers, what is answered there from now on."""
        if answers:
            self.answers[path] = [Answer(a) if isinstance(a, bytes) else a for a in answers]
        return self.root + path

    def asked(self, path: str) -> list[Request]:
        """Requests of a path, in order."""
        return [request for request in self.requests if plain(request.path) == path]

    def take(self, request: Request) -> Answer:
        """Note a request and choose its answer."""
        with self.lock:
            self.requests.append(request)
            queue = self.answers.get(plain(request.path), [Answer(b"nothing here", 404)])
            return queue.pop(0) if len(queue) > 1 else queue[0]


def plain(path: str) -> str:
    """Path without query, and without the host that a proxy is sent."""
    if path.startswith("http://"):
        path = "/" + path.removeprefix("http://").partition("/")[2]
    return path.partition("?")[0]


def etag_of(answer: Answer) -> str | None:
    """ETag that goes with an answer."""
    if answer.etag == AUTO:
        return f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
    return answer.etag


def _range(answer: Answer, headers: Mapping[str, str]) -> int | None:
    """First byte to send where a range is asked for and honoured; None for all of it."""
    asked, condition = headers.get("Range", ""), headers.get("If-Range")
    if not (answer.ranges and answer.status == 200 and asked.startswith("bytes=")):
        return None
    if condition is not None and condition not in (etag_of(answer), answer.last_modified):
        return None
    return int(asked.removeprefix("bytes=").rstrip("-"))


def _respond(answer: Answer, headers: Mapping[str, str]) -> tuple[int, dict, bytes]:
    """Status, headers and body of the answer to a request with some headers."""
    first, whole = _range(answer, headers), len(answer.body)
    sent = {"ETag": etag_of(answer), "Last-Modified": answer.last_modified}
    if first is not None and first >= whole:
        return 416, {**sent, "Content-Range": f"bytes */{whole}", "Content-Length": 0}, b""
    body = answer.body[first or 0 :]
    length = whole if answer.length == AUTO else answer.length
    sent["Content-Length"] = None if length is None else int(length) - (first or 0)
    if first is not None:
        sent["Content-Range"] = f"bytes {first}-{whole - 1}/{whole}"
    return (answer.status if first is None else 206), {**sent, **answer.headers}, body


def _handler(server: FaultyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = dict(self.headers.items())
            answer = server.take(Request(self.path, asked))
            if answer.status == 0:
                return
            status, headers, body = _respond(answer, asked)
            self.send_response(status)
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, str(value))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # the client has had enough
                self.send_body(body, answer)

        def send_body(self, body: bytes, answer: Answer) -> None:
            cut = len(body) if answer.cut is None else answer.cut
            if answer.pause is not None and answer.cut is None:
                cut = 0
            self.wfile.write(body[:cut])
            if answer.gate is not None:
                answer.gate.wait(60)
                self.wfile.write(body[cut:])
            elif answer.pause is not None:
                for start in range(cut, len(body)):
                    self.wfile.write(body[start : start + 1])
                    time.sleep(answer.pause)

        def log_message(self, *args: object) -> None:
            pass

    return Handler
