"""What the operator sets: `IMGSVC_*` of the environment, a row each, every mistake reported at once.

This module alone reads the environment.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from imgsvc.core.assets import Instance
from imgsvc.core.bounds import OffLadder, Signatures, Unsigned
from imgsvc.core.color import Color
from imgsvc.core.ladder import Ladder
from imgsvc.core.parameters import words
from imgsvc.core.places import FACES, Face, Place
from imgsvc.core.purges import HookAddress, HookKind
from imgsvc.core.signing import SigningKey
from imgsvc.core.transform import Transform
from imgsvc.setting_readers import (
    MOST_RUNGS,
    SET_BY_CLASS,
    YEAR,
    Mistake,
    cores,
    read_bytes,
    read_hosts,
    read_instance,
    read_ladder,
    read_lifetimes,
    read_location,
    read_networks,
    read_opaque_color,
    read_places,
    read_presets,
    read_purge_hooks,
    read_rate,
    read_seconds,
    read_signing_keys,
    read_switch,
    read_tag_headers,
    read_url,
    whole,
)
from imgsvc.web.caching import TagHeader, UrlClass

PREFIX = "IMGSVC_"


class SettingsError(Exception):
    """All that is wrong, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """As `SETTINGS` tells, row by row; bytes, seconds and px where units are due."""

    host: str
    port: int
    data: Path
    token: str | None
    instance: Instance
    public_url: str | None
    places: Mapping[Face, Place]
    accel_redirect: str | None
    workers: int
    render_workers: int
    render_deadline: float
    render_memory: int
    render_queue: int
    client_renders: float
    client_renders_at_once: int
    proxies: tuple[IPv4Network | IPv6Network, ...]
    upload_bytes: int
    import_hosts: tuple[str, ...]
    import_private: bool
    import_deadline: float
    max_pixels: int
    max_frames: int
    max_output_side: int
    surrender_side: int
    cache_bytes: int
    memory_bytes: int
    pyramid_bytes: int
    max_age: int
    lifetimes: Mapping[UrlClass, int]
    shared_max_age: int | None
    stale_while_revalidate: int
    stale_if_error: int
    cache_tags: tuple[TagHeader, ...]
    connections: int
    header_seconds: float
    stall_seconds: float
    keep_alive_seconds: int
    signing_key: str | None
    signing_keys: tuple[SigningKey, ...]
    signatures: Signatures
    unsigned: Unsigned
    off_ladder: OffLadder
    ladder: Ladder
    link_seconds: int
    negotiate: bool
    avif_seconds: float
    quality_jpeg: int
    quality_webp: int
    quality_avif: int
    background: Color
    presets: Mapping[str, Transform]
    purge_hooks: tuple[HookAddress, ...]
    purge_key: str | None
    strip_originals: bool
    avif_input: bool

    @property
    def run(self) -> Path:
        """What lives as long as the processes: sockets, counters, metrics."""
        return self.data / "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """`read` raises ValueError where the text is not `expected`. `default` as it would be written."""

    read: Callable[[str], Any]
    default: str
    expected: str
    meaning: str


def url_of(host: str, port: int) -> str:
    """An IPv6 address stands in brackets (RFC 3986, section 3.2.2)."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def load_settings(environment: Mapping[str, str] = os.environ, /, **overrides: str | None) -> Settings:
    """`overrides` by field, None where there is none; they win. Raises SettingsError."""
    given = {name: value for name, value in environment.items() if name.upper().startswith(PREFIX)}
    given |= {variable_name(field): value for field, value in overrides.items() if value is not None}
    known = set(map(variable_name, SETTINGS))
    mistakes = [_unknown(name) for name in given if name not in known]
    values: dict[str, Any] = {}
    for field, row in SETTINGS.items():
        text = given.get(variable_name(field), "") or row.default
        try:
            values[field] = row.read(text)
        except Mistake as mistake:
            mistakes.append(f"{variable_name(field)}: {mistake}")
        except ValueError:
            mistakes.append(f"{variable_name(field)} must be {row.expected}; it is {text!r}.")
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return Settings(**values)


def variable_name(field: str) -> str:
    return PREFIX + field.upper()


def _unknown(name: str) -> str:
    near = get_close_matches(name[len(PREFIX) :].lower(), SETTINGS, n=1)
    hint = f" Is {variable_name(near[0])} meant?" if near else ""
    return f"{name} is not a setting.{hint}"


_BYTES = "a number of bytes, such as 500000, 64MB or 10GB"
_QUALITY = "a whole number from 1 to 100"
_SWITCH = "true or false"

SETTINGS: dict[str, Setting] = {
    "host": Setting(read=str, default="127.0.0.1", expected="an address", meaning="address to listen on"),
    "port": Setting(
        read=whole(0, 65535), default="8080", expected="a port from 0 to 65535", meaning="port to listen on; 0 for any"
    ),
    "data": Setting(
        read=lambda text: Path(text).absolute(),
        default="data",
        expected="a folder",
        meaning="the one folder that holds all state",
    ),
    "token": Setting(
        read=lambda text: text or None,
        default="",
        expected="any text",
        meaning="a token that permits everything; without it only those of `imgsvc token create` count",
    ),
    "instance": Setting(
        read=read_instance,
        default="default",
        expected="a word of a-z, 0-9, - and _",
        meaning="whose library IMGSVC_TOKEN and commands work on; no instance sees another's",
    ),
    "public_url": Setting(
        read=read_url,
        default="",
        expected="an http or https URL without a query",
        meaning="what URLs in answers begin with; without it what the request came to",
    ),
    "places": Setting(
        read=read_places,
        default="",
        expected="face: place; face: place, with faces of " + ", ".join(FACES),
        meaning="where an API or a URL dialect is served, where it is not below its own prefix: "
        "`struct: api.shop.example; cdn: cdn.shop.example; qooly: /q`",
    ),
    "accel_redirect": Setting(
        read=read_location,
        default="",
        expected="a path with a slash at both ends",
        meaning="the internal location that nginx in front has for IMGSVC_DATA, such as `/_imgsvc/`: it sends large "
        "files itself then, told by X-Accel-Redirect",
    ),
    "workers": Setting(
        read=whole(1, 256), default="1", expected="a whole number from 1 to 256", meaning="server processes"
    ),
    "render_workers": Setting(
        read=whole(1, 256),
        default=str(cores()),
        expected="a whole number from 1 to 256",
        meaning="render processes; by default one a core",
    ),
    "render_deadline": Setting(
        read=read_seconds,
        default="30",
        expected="seconds, up to 3600",
        meaning="seconds after which a render is stopped",
    ),
    "render_memory": Setting(
        read=read_bytes, default="2GB", expected=_BYTES, meaning="address space of a render process; 0 for no limit"
    ),
    "render_queue": Setting(
        read=whole(1, 100_000),
        default="256",
        expected="a whole number from 1 to 100000",
        meaning="renders that may wait or run; one more is answered 503",
    ),
    "client_renders": Setting(
        read=read_rate,
        default="0",
        expected="a number from 0 to 10000",
        meaning="renditions a second that may be made for one client, ten seconds' worth at once; 0 for any number",
    ),
    "client_renders_at_once": Setting(
        read=whole(0, 100_000),
        default="0",
        expected="a whole number from 0 to 100000",
        meaning="renditions that may wait or be made for one client at a time; 0 for any number",
    ),
    "proxies": Setting(
        read=read_networks,
        default="127.0.0.1,::1",
        expected="addresses or networks with commas between, 10.0.0.0/8 for all below one",
        meaning="the proxies in front, whose X-Forwarded-For and X-Forwarded-Proto are believed",
    ),
    "upload_bytes": Setting(read=read_bytes, default="512MB", expected=_BYTES, meaning="largest original taken in"),
    "import_hosts": Setting(
        read=read_hosts,
        default="",
        expected="hosts with commas between, *.shop.example for all below one",
        meaning="hosts from which originals may be imported by URL; without it all that are public",
    ),
    "import_private": Setting(
        read=read_switch,
        default="false",
        expected=_SWITCH,
        meaning="originals may be imported from private addresses, those of an intranet and of this host",
    ),
    "import_deadline": Setting(
        read=read_seconds,
        default="30",
        expected="seconds, up to 3600",
        meaning="seconds after which an import by URL is given up",
    ),
    "max_pixels": Setting(
        read=whole(1, 10**10),
        default="100000000",
        expected="a whole number",
        meaning="width times height times frames, of originals and of renditions",
    ),
    "max_frames": Setting(
        read=whole(1, 100_000), default="1000", expected="a whole number", meaning="frames of an animation"
    ),
    "max_output_side": Setting(
        read=whole(1, 16383), default="8192", expected="pixels, up to 16383", meaning="longest side of a rendition"
    ),
    "surrender_side": Setting(
        read=whole(1, 16383),
        default="5000",
        expected="pixels, up to 16383",
        meaning="where width or height make a side longer than this, the picture is answered unresized",
    ),
    "cache_bytes": Setting(read=read_bytes, default="10GB", expected=_BYTES, meaning="derivatives kept on disk"),
    "memory_bytes": Setting(
        read=read_bytes,
        default="64MB",
        expected=_BYTES,
        meaning="small derivatives kept in the memory of each server process; 0 for none",
    ),
    "pyramid_bytes": Setting(
        read=read_bytes,
        default="5GB",
        expected=_BYTES,
        meaning="smaller copies of originals kept on disk, from which renditions are made, about 1 MB each; 0 for none",
    ),
    "max_age": Setting(
        read=whole(0, YEAR),
        default="300",
        expected="seconds, up to a year",
        meaning="how long caches may keep answers of URLs that are not canonical",
    ),
    "lifetimes": Setting(
        read=read_lifetimes,
        default="",
        expected=f"class: seconds; class: seconds, with classes of {', '.join(SET_BY_CLASS)}",
        meaning="where a class of answers has another lifetime than `IMGSVC_MAX_AGE`: `pinned: 86400; originals: 3600; "
        "redirects: 60; missing: 5`; what is missing is kept by nobody unless it is named here",
    ),
    "shared_max_age": Setting(
        read=lambda text: whole(0, YEAR)(text) if text else None,
        default="",
        expected="seconds, up to a year",
        meaning="`s-maxage`: how long a CDN may keep what browsers may keep for less; for one that is purged",
    ),
    "stale_while_revalidate": Setting(
        read=whole(0, YEAR),
        default="0",
        expected="seconds, up to a year",
        meaning="how long caches may answer with what is out of date while they ask again; 0 for never",
    ),
    "stale_if_error": Setting(
        read=whole(0, YEAR),
        default="0",
        expected="seconds, up to a year",
        meaning="the same while the service does not answer",
    ),
    "cache_tags": Setting(
        read=read_tag_headers,
        default="surrogate-key",
        expected="surrogate-key, cache-tag, both with a comma between, or none",
        meaning="header fields that tell caches under which names to purge a picture",
    ),
    "connections": Setting(
        read=whole(1, 1_000_000),
        default="2000",
        expected="a whole number from 1 to 1000000",
        meaning="connections of a server process; one more is answered 503",
    ),
    "header_seconds": Setting(
        read=read_seconds,
        default="10",
        expected="seconds, up to 3600",
        meaning="seconds in which a request's head must have arrived",
    ),
    "stall_seconds": Setting(
        read=read_seconds,
        default="30",
        expected="seconds, up to 3600",
        meaning="seconds after which a client that sends or takes less than 500 bytes in each of them is given up",
    ),
    "keep_alive_seconds": Setting(
        read=whole(1, 3600),
        default="75",
        expected="whole seconds, up to 3600",
        meaning="how long a connection may be idle; more than a proxy in front keeps it",
    ),
    "signing_key": Setting(
        read=lambda text: text or None,
        default="",
        expected="any text, the longer the better",
        meaning="signs links to downloads and pictures; without it a key is made once and kept in the data folder",
    ),
    "signing_keys": Setting(
        read=read_signing_keys,
        default="",
        expected="id: secret; id: secret",
        meaning="keys that URLs may name by `kid`; all hold, the first signs: `2026b: new secret; 2026a: old secret`",
    ),
    "signatures": Setting(
        read=Signatures,
        default=Signatures.OFF,
        expected=words(Signatures),
        meaning="whether picture URLs are signed; optional: those that are may ask for what others may not",
    ),
    "unsigned": Setting(
        read=Unsigned,
        default=Unsigned.ANYTHING,
        expected=words(Unsigned),
        meaning="what picture URLs without a signature may ask for; where not anything, signatures are never off",
    ),
    "off_ladder": Setting(
        read=OffLadder,
        default=OffLadder.SNAP,
        expected=words(OffLadder),
        meaning="what becomes of sizes off the ladder: moved up to its next size, or refused",
    ),
    "ladder": Setting(
        read=read_ladder,
        default="160,320,480,640,800,960,1280,1600,1920,2560",
        expected=f"up to {MOST_RUNGS} numbers of pixels with commas between",
        meaning="sizes that floating signatures hold for, and URLs without one under `IMGSVC_UNSIGNED=ladder`",
    ),
    "link_seconds": Setting(
        read=whole(1, 31_536_000),
        default="86400",
        expected="seconds, up to a year",
        meaning="how long a link to a download holds",
    ),
    "negotiate": Setting(
        read=read_switch,
        default="false",
        expected=_SWITCH,
        meaning="renditions whose URL names no format are answered as with `format=auto`",
    ),
    "avif_seconds": Setting(
        read=read_seconds,
        default="0.5",
        expected="seconds, up to 3600",
        meaning="seconds an AVIF that a client accepts may take before it gets WebP for the time being",
    ),
    "quality_jpeg": Setting(read=whole(1, 100), default="82", expected=_QUALITY, meaning="where a URL names none"),
    "quality_webp": Setting(read=whole(1, 100), default="80", expected=_QUALITY, meaning="where a URL names none"),
    "quality_avif": Setting(read=whole(1, 100), default="65", expected=_QUALITY, meaning="where a URL names none"),
    "background": Setting(
        read=read_opaque_color,
        default="white",
        expected="an opaque colour: RGB, RRGGBB or a CSS name",
        meaning="bars, and what lies under alpha in formats without it, where a URL names no colour",
    ),
    "presets": Setting(
        read=read_presets,
        default="",
        expected="name: query; name: query",
        meaning="transforms with a name, for `preset=`: `hero: width=1600&height=600&mode=crop; icon: width=64`",
    ),
    "purge_hooks": Setting(
        read=read_purge_hooks,
        default="",
        expected="kind: URL; kind: URL, with kinds of " + ", ".join(HookKind),
        meaning="caches in front that are told what changed and what is purged: "
        "`varnish: http://127.0.0.1:6081; webhook: https://purge.example/hook`",
    ),
    "purge_key": Setting(
        read=lambda text: text or None,
        default="",
        expected="any text, the longer the better",
        meaning="signs what webhooks are told; without it they are not signed",
    ),
    "strip_originals": Setting(
        read=read_switch,
        default="false",
        expected=_SWITCH,
        meaning="originals are answered without their metadata, too",
    ),
    "avif_input": Setting(read=read_switch, default="true", expected=_SWITCH, meaning="AVIF originals are taken in"),
}

assert {field.name for field in fields(Settings)} == set(SETTINGS)
