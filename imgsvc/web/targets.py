"""In front of the router: paths that no URL can have are refused before anybody makes sense of them."""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def fault_of_path(raw_path: bytes) -> str | None:
    """What is wrong with it as it was sent, in a sentence; None where nothing is (RFC 3986, sections 2.1 and 3.3)."""
    if b"%" not in raw_path:
        return None
    if _BAD_ESCAPE.search(raw_path):
        return "In the path, % must stand before two hexadecimal digits."
    decoded = unquote_to_bytes(raw_path)
    if _CONTROL.search(decoded):
        return "The path must hold no control characters."
    try:
        decoded.decode()
    except UnicodeDecodeError:
        return "The path must be UTF-8."
    return None


class WellFormed:
    """ASGI in front of `app`; `refuse` makes the answer of the sentence."""

    def __init__(self, app: ASGIApp, *, refuse: Callable[[str], ASGIApp]) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = fault_of_path(scope["raw_path"]) if scope["type"] == "http" else None
        app = self._app if fault is None else self._refuse(fault)
        await app(scope, receive, send)
