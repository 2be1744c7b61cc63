"""The work of `imgsvc sign`: a URL that holds where signatures are asked for, made without a server or a library."""

import re
from time import time
from urllib.parse import unquote, urlsplit

from imgsvc.app.gate import load_signing_keys, make_bounds
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.places import inner_path
from imgsvc.dialects.pictures import read_picture_url
from imgsvc.dialects.signed import Form, sign_query, signed_shape
from imgsvc.settings import Settings

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}
_LIFETIME = re.compile(r"([1-9][0-9]{0,8})([smhdw]?)", re.ASCII)
LIFETIME = "a number of seconds, or with a unit as in 90m, 24h, 7d, 2w"


def sign_url(
    settings: Settings, url: str, *, lifetime: str | None = None, floating: bool = False, key_id: str | None = None
) -> str:
    """The URL as it was given, signed. Raises InvalidParameter, NotFound, NotPermitted, InvalidSignature."""
    parts = urlsplit(url)
    path = _inner_path(settings, url)
    try:
        wanted = read_picture_url(path, parts.query, presets=settings.presets)
    except NotFound:
        raise NotFound(f"{url} is no picture's URL; README lists them under Ask for pictures.") from None
    if floating:
        make_bounds(settings).bound_floating(wanted, shape=signed_shape(parts.query))
    query = sign_query(
        path,
        parts.query,
        load_signing_keys(settings),
        form=Form.FLOATING if floating else Form.EXACT,
        expires=None if lifetime is None else int(time()) + _read_lifetime(lifetime),
        key_id=key_id,
    )
    return parts._replace(query=query, fragment="").geturl()


def _inner_path(settings: Settings, url: str) -> str:
    """Decoded, as the service itself has it, from the URL as the public has it."""
    parts, public = urlsplit(url), urlsplit(settings.public_url or "")
    path = parts.path
    if parts.netloc and parts.netloc == public.netloc and path.startswith(f"{public.path}/"):
        path = path[len(public.path) :]
    inner = inner_path(settings.places, parts.netloc.lower(), path)
    return unquote(path if inner is None else inner)


def _read_lifetime(text: str) -> int:
    """Seconds."""
    match = _LIFETIME.fullmatch(text)
    if match is None:
        raise InvalidParameter("expires", expected=LIFETIME, received=text)
    return int(match[1]) * _UNITS[match[2]]
