"""The sandbox's HTTP server: one port, publishers' apps by the first segment of the path."""

from __future__ import annotations

import errno
import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from data_pipeline.errors import LocalError

_logger = logging.getLogger(__name__)
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Call:
    """A request as an app receives it."""

    method: str
    path: str
    """What follows the app's mount, such as ``/3/discover/movie``."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    base_url: str
    """The app's own address, for links in its answers."""


@dataclass(frozen=True)
class Response:
    """An app's answer. ``body`` is given for HEAD too; the server sends only its length."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def json(
        status: int, payload: object | str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Return a JSON answer; text is taken as JSON that is written already."""
        if not isinstance(payload, str):
            payload = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        content_type = {"Content-Type": "application/json;charset=utf-8"}
        return Response(status, payload.encode(), {**content_type, **(headers or {})})


class App(Protocol):
    """What the sandbox can serve; ``handle`` is called from several threads at once."""

    def handle(self, call: Call) -> Response:
        """Return the answer to a request."""
        ...


@dataclass(frozen=True)
class StandIn:
    """How a publisher is stood in for: what a module's ``stand_in(folder, limit)`` returns."""

    app: App
    path: str
    """What follows the app's mount in the source's base_url, or its url."""
    secret: Mapping[str, str] | None = None
    """The credentials that the app accepts."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What the app needs other than in configs.ini, such as the subjects that it has."""


@dataclass(frozen=True)
class Request:
    """A line of the sandbox's log."""

    at: float
    """When it arrived, by ``time.monotonic``."""
    app: str
    method: str
    path: str
    query: Mapping[str, str]
    status: int


class Sandbox:
    """Serves ``apps`` at ``http://127.0.0.1:<port>/<name>`` from a background thread.

    A context manager; ``start`` and ``close`` do the same by hand. ``port`` 0 is any free one.
    Raises LocalError on ``start`` where the port is in use. ``log`` holds every request, in
    the order in which they were answered.
    """

    def __init__(self, apps: Mapping[str, App], port: int = 0) -> None:
        self.apps = dict(apps)
        self.log: list[Request] = []
        self._wanted_port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port that is listened on; LocalError before ``start``."""
        if self._server is None:
            raise LocalError("the sandbox is not running: start it before asking for its address")
        return self._server.server_port

    def url(self, app: str) -> str:
        """Return the address of ``app``, without a slash at its end; LocalError if unknown."""
        if app not in self.apps:
            raise LocalError(
                f"the sandbox does not serve {app!r}; it serves {', '.join(sorted(self.apps))}"
            )
        return f"http://{_HOST}:{self.port}/{app}"

    def start(self) -> Sandbox:
        """Listen, and return self once requests are answered."""
        try:
            self._server = _Server(self, self._wanted_port)
        except (OSError, OverflowError) as error:
            raise LocalError(_why_not(self._wanted_port, error)) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop listening and end every open connection; more than once does no harm."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Let the app that ``target`` names answer, and log it."""
        at = time.monotonic()
        parts = urlsplit(target)
        name, _, path = parts.path.lstrip("/").partition("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if name in self.apps:
            response = _handled(
                self.apps[name], Call(method, f"/{path}", query, headers, body, self.url(name))
            )
        else:
            message = f"no app {name!r}; the sandbox serves {sorted(self.apps)}"
            response = Response.json(404, {"error": message})
        self.log.append(Request(at, name, method, f"/{path}", query, response.status))
        return response


def _handled(app: App, call: Call) -> Response:
    """Return the app's answer; a failing app is logged and answers 500, as a publisher would."""
    try:
        return app.handle(call)
    except Exception as error:
        _logger.exception("the sandbox failed on %s %s", call.method, call.path)
        return Response.json(500, {"error": f"{type(error).__name__}: {error}"})


def _why_not(port: int, error: OSError | OverflowError) -> str:
    """Return the message for a port that can't be listened on."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {_HOST} is in use, so the sandbox cannot start: stop what uses it, "
            "or choose another port (0 takes any free one)"
        )
    return f"the sandbox cannot listen on port {port} of {_HOST}: {error}"


class _Server(ThreadingHTTPServer):
    """Ends its connections when it closes; else kept-alive ones would go on being served."""

    daemon_threads = True
    block_on_close = False
    # Two servers on one port would each get some of the requests.
    allow_reuse_port = False
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((_HOST, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        with self._lock:
            for connection in self._open:
                _hang_up(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is no news."""
        _logger.debug("connection from %s failed", client_address, exc_info=True)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        _logger.debug("the client hung up first", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Translates between HTTP and ``Sandbox.answer``."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Head and body of an answer leave in one packet.
    wbufsize = 64 * 1024

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
            return
        body = self.rfile.read(length)
        response = self.server.sandbox.answer(self.command, self.path, headers, body)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        # A 204 or 304 has no body, and must not announce the length of one that it lacks.
        bodiless = response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        if not bodiless:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if not bodiless and self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests are in the sandbox's log."""
