"""Real Chromium without a screen, and a shop whose pages show pictures of a service elsewhere.

It is driven by the Chrome DevTools Protocol over a pipe: one start serves all tests, with tabs of any density, the
answers they got, their consoles and screenshots. See https://chromedevtools.github.io/devtools-protocol/.
"""

import json
import os
import select
import subprocess
import threading
import time
from base64 import b64decode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pyvips

from tests.edges import find_program
from tests.originals import decode

Event: TypeAlias = dict[str, Any]

_SECONDS = 60.0
_READ = 1 << 20

_OPTIONS = (
    "--headless",
    "--no-sandbox",  # root, and users of containers, have no namespaces of their own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)

# The browser reads commands from descriptor 3 and writes answers to 4.
_ON_PIPES = ("sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >&2', "sh")


class Answer(NamedTuple):
    """What a tab got for a URL. `kept`: by the browser itself, so that nobody was asked."""

    url: str
    status: int
    media_type: str
    kept: bool


class Browser:
    """`process` speaks on its stdin and stdout. One profile, new and empty; its tabs share one cache."""

    def __init__(self, process: subprocess.Popen[bytes], *, log: Path) -> None:
        self._process = process
        self._log = log
        self._unread = b""
        self._number = 0
        self._events: dict[str, list[Event]] = {}

    @contextmanager
    def tab(self, *, density: float = 1, width: int = 800, height: int = 600) -> Generator["Tab"]:
        """Sides in CSS pixels."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=density,
            mobile=False,
        )
        try:
            yield tab
        finally:
            self.call("Target.closeTarget", targetId=target)

    def call(self, method: str, *, session: str = "", **parameters: object) -> dict[str, Any]:
        """Its result. Raises AssertionError where the browser refuses."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        deadline = time.monotonic() + _SECONDS
        while True:
            answer = self._next(deadline)
            if answer.get("id") == number:
                assert "result" in answer, f"{method}: {answer}"
                return answer["result"]
            self._keep(answer)

    def events(self, session: str = "") -> list[Event]:
        """Of one tab, or of the browser; whoever reads them takes them out."""
        return self._events.setdefault(session, [])

    def wait(self, method: str, session: str = "", **expected: object) -> dict[str, Any]:
        """The parameters of the first event that has these among them, of those kept or to come."""
        deadline, looked_at = time.monotonic() + _SECONDS, 0
        while True:
            events = self.events(session)
            for event in events[looked_at:]:
                if event["method"] == method and expected.items() <= event["params"].items():
                    return event["params"]
            looked_at = len(events)
            self._keep(self._next(deadline))

    def _keep(self, event: Event) -> None:
        if "method" in event:
            self.events(event.get("sessionId", "")).append(event)

    def _next(self, deadline: float) -> Event:
        """Each message ends with a NUL."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        while b"\0" not in self._unread:
            ready, _, _ = select.select([pipe], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"Chromium says nothing:\n{self._log.read_text(errors='replace')}")
            data = os.read(pipe, _READ)
            assert data, f"Chromium has ended:\n{self._log.read_text(errors='replace')}"
            self._unread += data
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)


class Tab:
    """What it saw, `answers` and `complaints`, is that of the page it opened last."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._browser.call(method, session=self._session, **parameters)

    def open(self, url: str) -> None:
        """Loaded, with all its pictures, or failed."""
        self._begin()
        self.call("Page.navigate", url=url)
        self._browser.wait("Page.loadEventFired", self._session)

    def reload(self, *, past_cache: bool = False) -> None:
        """As F5 does it, or with `past_cache` as Shift and F5 do."""
        self._begin()
        self.call("Page.reload", ignoreCache=past_cache)
        self._browser.wait("Page.loadEventFired", self._session)

    def value(self, script: str) -> Any:
        """Of an expression, or of what it promises."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self) -> pyvips.Image:
        """In device pixels, without alpha."""
        return decode(b64decode(self.call("Page.captureScreenshot", format="png")["data"])).extract_band(0, n=3)

    @property
    def answers(self) -> list[Answer]:
        """Pages and pictures, in order; a redirect is one, and what it led to another."""
        self.value("0")
        found: list[Answer] = []
        kept: set[str] = set()
        for event in self._browser.events(self._session):
            about = event["params"]
            if event["method"] == "Network.requestServedFromCache":
                kept.add(about["requestId"])
            answer = about.get("redirectResponse") or about.get("response")
            if answer is not None and event["method"] in ("Network.requestWillBeSent", "Network.responseReceived"):
                is_kept = answer["fromDiskCache"] or about["requestId"] in kept
                found.append(Answer(answer["url"], answer["status"], answer["mimeType"], is_kept))
        return found

    @property
    def complaints(self) -> list[str]:
        """What the console shows in red: failures to load, violated policies, exceptions of scripts.

        Not that the service has no icon, which browsers ask of every site whose URL is opened.
        """
        self.value("0")
        found: list[str] = []
        for event in self._browser.events(self._session):
            about = event["params"]
            if event["method"] == "Log.entryAdded" and about["entry"]["level"] == "error":
                url = about["entry"].get("url", "")
                if not url.endswith("/favicon.ico"):
                    found.append(f"{about['entry']['text']} {url}")
            if event["method"] == "Runtime.exceptionThrown":
                found.append(about["exceptionDetails"]["text"])
            if event["method"] == "Runtime.consoleAPICalled" and about["type"] in ("error", "assert"):
                found.append(str(about["args"]))
        return found

    def _begin(self) -> None:
        self._browser.events(self._session).clear()


@contextmanager
def chromium(folder: Path) -> Generator[Browser]:
    """Debian's; nothing but loopback is there for it."""
    program = find_program("chromium", package="chromium")
    log = folder / "chromium.log"
    command = (*_ON_PIPES, program, *_OPTIONS, f"--user-data-dir={folder / 'profile'}")
    with log.open("wb") as written:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            env=os.environ | {"HOME": str(folder)},
        )
    with process:
        try:
            browser = Browser(process, log=log)
            yield browser
            browser.call("Browser.close")
            process.wait(_SECONDS)
        finally:
            process.kill()
            print(log.read_text(errors="replace"))


@dataclass
class Shop:
    """Pages of another site than the service's: `localhost` is not `127.0.0.1`."""

    url: str
    pages: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict[str, tuple[bytes, dict[str, str]]])

    def page(self, body: str, **headers: str) -> str:
        """The URL of one that shows `body` from its upper left corner on. Header names with `_` for `-`."""
        path = f"/{len(self.pages)}"
        document = f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">{_STYLE}{body}'
        self.pages[path] = document.encode(), {name.replace("_", "-"): value for name, value in headers.items()}
        return self.url + path


_STYLE = "<style>body { margin: 0 } img { display: block }</style>"


@contextmanager
def open_shop() -> Generator[Shop]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body, headers = shop.pages[self.path]
            self.send_response(200)
            for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """The browser tells."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        shop = Shop(url=f"http://localhost:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield shop
        finally:
            server.shutdown()
            thread.join()
