"""How the text of a setting becomes its value. All raise ValueError; a Mistake says itself what is wrong."""

import os
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from imgsvc.core.assets import INSTANCE, Instance
from imgsvc.core.color import Color, color_from_name, color_from_rgba_hex
from imgsvc.core.errors import InvalidParameter
from imgsvc.core.ladder import Ladder
from imgsvc.core.parameters import read_side
from imgsvc.core.places import DEFAULT_PLACES, FACES, Face, Place, check_places, place_from_text
from imgsvc.core.purges import HookAddress, HookKind
from imgsvc.core.signing import SigningKey
from imgsvc.core.transform import Transform
from imgsvc.dialects.quable import ORIGINAL
from imgsvc.dialects.struct import read_transform
from imgsvc.web.caching import TagHeader, UrlClass

YEAR = 31_536_000
SET_BY_CLASS = (UrlClass.PINNED, UrlClass.ORIGINALS, UrlClass.REDIRECTS, UrlClass.MISSING)
MOST_RUNGS = 100


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not minimum <= number <= maximum:
            raise ValueError(text)
        return number

    return read


def read_bytes(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,15})\s*([KMGT]?)B?", text.strip().upper())
    if match is None:
        raise ValueError(text)
    return int(match[1]) * 1024 ** " KMGT".index(match[2] or " ")


def read_seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise ValueError(text)
    return seconds


def read_rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate <= 10_000:
        raise ValueError(text)
    return rate


def read_switch(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def read_url(text: str) -> str | None:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError(text)
    return text.rstrip("/") or None


def read_location(text: str) -> str | None:
    if text and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/", text):
        raise ValueError(text)
    return text or None


def read_opaque_color(text: str) -> Color:
    try:
        color = color_from_name(text)
    except ValueError:
        color = color_from_rgba_hex(text)
    if color.alpha != 255:
        raise ValueError(text)
    return color


class Mistake(ValueError):
    """Says itself what is wrong."""


def read_presets(text: str) -> Mapping[str, Transform]:
    """Each is a query in Struct's words, and may build on those before it."""
    presets: dict[str, Transform] = {}
    for entry in filter(None, (one.strip() for one in text.split(";"))):
        name, colon, query = entry.partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9_-]+", name.strip()):
            raise ValueError(text)
        if name.strip().lower() == ORIGINAL:
            raise Mistake(f"{ORIGINAL} names the original, and can be no preset's.")
        try:
            presets[name.strip().lower()] = read_transform(query.strip(), presets=presets)
        except InvalidParameter as error:
            raise Mistake(f"in {name.strip()}, {error}") from error
    return presets


def read_places(text: str) -> Mapping[Face, Place]:
    places = dict(DEFAULT_PLACES)
    for entry in filter(None, (one.strip() for one in text.split(";"))):
        name, colon, place = entry.partition(":")
        if not colon or name.strip() not in FACES:
            raise ValueError(text)
        try:
            places[Face(name.strip())] = place_from_text(place)
        except ValueError:
            raise Mistake(f"{name.strip()} must be at a path such as /pim or a host; it is {place!r}.") from None
    try:
        check_places(places)
    except ValueError as error:
        raise Mistake(f"{error}.") from None
    return places


def read_lifetimes(text: str) -> Mapping[UrlClass, int]:
    lifetimes: dict[UrlClass, int] = {}
    for entry in filter(None, (one.strip() for one in text.split(";"))):
        name, _, seconds = entry.partition(":")
        url = UrlClass(name.strip())
        if url not in SET_BY_CLASS:
            raise ValueError(text)
        lifetimes[url] = whole(0, YEAR)(seconds)
    return lifetimes


def read_tag_headers(text: str) -> tuple[TagHeader, ...]:
    names = [one.strip().lower() for one in text.split(",")]
    return () if names == ["none"] else tuple(dict.fromkeys(map(TagHeader, names)))


def read_instance(text: str) -> Instance:
    if not INSTANCE.fullmatch(text):
        raise ValueError(text)
    return Instance(text)


def read_hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(one.strip().lower() for one in text.split(",") if one.strip())
    if not all(re.fullmatch(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host) for host in hosts):
        raise ValueError(text)
    return hosts


def read_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """A network that has bits set behind its prefix is one mistyped."""
    return tuple(ip_network(one.strip()) for one in text.split(","))


def read_signing_keys(text: str) -> tuple[SigningKey, ...]:
    """Nothing of a secret is in what is said of a mistake."""
    keys: dict[str, SigningKey] = {}
    for entry in filter(None, (one.strip() for one in text.split(";"))):
        id, _, secret = (part.strip() for part in entry.partition(":"))
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", id) or not secret:
            raise Mistake("each entry must be id: secret, an id being up to 32 of A-Z, a-z, 0-9, - and _.")
        if id in keys:
            raise Mistake(f"{id} is there twice.")
        keys[id] = SigningKey(id=id, secret=secret.encode())
    return tuple(keys.values())


def read_ladder(text: str) -> Ladder:
    rungs = [read_side(one.strip()) for one in text.split(",")]
    if len(rungs) > MOST_RUNGS:
        raise ValueError(text)
    return Ladder(tuple(sorted(set(rungs))))


def read_purge_hooks(text: str) -> tuple[HookAddress, ...]:
    hooks: list[HookAddress] = []
    for entry in filter(None, (one.strip() for one in text.split(";"))):
        kind, _, url = (part.strip() for part in entry.partition(":"))
        parts = urlsplit(url)
        if kind not in list(HookKind) or parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
            raise ValueError(text)
        hooks.append(HookAddress(HookKind(kind), url))
    return tuple(hooks)


def cores() -> int:
    return len(os.sched_getaffinity(0))
