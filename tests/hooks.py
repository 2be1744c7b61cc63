"""A cache in front, as far as hooks see one: a server on loopback that writes down what it is told."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Call(NamedTuple):
    """Names of headers in lower case. `status`: what it was answered."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def tags(self) -> list[str]:
        """Of either kind of hook."""
        return self.json["tags"] if self.body else self.headers["surrogate-key"].split()


@dataclass
class Listening:
    """`status`: what it answers from now on."""

    url: str
    status: int = 200
    calls: list[Call] = field(default_factory=list[Call])

    def tags(self) -> list[str]:
        """Of all that it has taken, in order."""
        return [tag for call in self.calls if call.status == 200 for tag in call.tags]


@contextmanager
def listening(port: int = 0) -> Generator[Listening]:
    """Bound when it is given; calls are written down before they are answered."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            listener.calls.append(Call(self.command, self.path, headers, body, listener.status))
            self.send_response(listener.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PURGE = do_POST = answer  # noqa: N815 as the class wants them

        def log_message(self, format: str, *args: object) -> None:
            """What is of interest is written down."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Who calls may be killed while he does."""

    with Server(("127.0.0.1", port), Handler) as server:
        listener = Listening(url=f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
