"""Heads of requests that are answered before anybody routes them: RFC 9112, sections 2 and 3, as pure functions."""

import re
from collections.abc import Sequence

from starlette.responses import Response

from imgsvc.web.problems import problem_response
from imgsvc.web.routing import options_response

MAX_TARGET = 8 * 1024
MAX_FIELDS = 32 * 1024
"""Bytes of a request's target, and of its header fields: those of nginx' large_client_header_buffers."""

Field = tuple[bytes, bytes]

_AUTHORITY = rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
"""Host and port (RFC 3986, section 3.2). No name: a client's that knows none."""

_HOST = re.compile(_AUTHORITY)
_ABSOLUTE = re.compile(rb"https?://(?P<authority>(?![/?:])%b)(?P<path>(?:[/?][^#]*)?)" % _AUTHORITY, re.IGNORECASE)
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP/1\.[01]\r?\n")


def _refusal(status: int, detail: str, **headers: str) -> Response:
    return problem_response(status, detail=detail, headers={"Connection": "close"} | headers)


MALFORMED = _refusal(400, "The request is not well-formed HTTP.")
TOO_SLOW = _refusal(408, "The request did not arrive in time.")
TARGET_TOO_LONG = _refusal(414, f"The request's target is longer than {MAX_TARGET} bytes.")
FIELDS_TOO_LARGE = _refusal(431, f"The request's header fields are larger than {MAX_FIELDS} bytes.")
CROWDED = _refusal(503, "Too many connections are open.", **{"Retry-After": "1"})
NO_HOST = _refusal(400, "Host must be given, once, as a name or an address.")
NO_VERSION = _refusal(505, "The request's version of HTTP is not spoken here.")
_NO_TARGET = _refusal(400, "The request's target must be a path, or an http URL.")
_NOT_IMPLEMENTED = _refusal(501, "The method is not known here.")
SERVER_WIDE = options_response()
"""To OPTIONS of the server as a whole (RFC 9110, section 9.3.7)."""


def refusal_of_unknown_method(data: bytes) -> Response:
    """`data` as it came: a method that is nobody's, or nothing like a request."""
    return _NOT_IMPLEMENTED if _REQUEST_LINE.match(data) else MALFORMED


def refusal_of_size(target: bytes, fields: Sequence[Field]) -> Response | None:
    if len(target) > MAX_TARGET:
        return TARGET_TOO_LONG
    return FIELDS_TOO_LARGE if sum(len(name) + len(value) for name, value in fields) > MAX_FIELDS else None


def are_one_host(values: Sequence[bytes]) -> bool:
    """Of several nobody knows which is meant, and URLs in answers are made of it (section 3.2)."""
    return len(values) == 1 and _HOST.fullmatch(values[0]) is not None


def answer_without_path(method: bytes, target: bytes) -> Response:
    """Of a target that is neither a path nor an http URL: authority and asterisk form, and whatever else it is."""
    if method == b"CONNECT":
        return _NOT_IMPLEMENTED
    return SERVER_WIDE if method == b"OPTIONS" and target == b"*" else _NO_TARGET


def read_absolute(target: bytes) -> tuple[bytes, bytes] | None:
    """Authority, which goes before Host, and path with query; None where it is no http URL (section 3.2.2)."""
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        return None
    return match["authority"], match["path"] if match["path"].startswith(b"/") else b"/" + match["path"]
