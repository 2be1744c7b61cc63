"""The URL of an original on another server: text to value, in one spelling that is checked, called and named."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import unquote

import httpx

MAX_LENGTH = 2048
"""Characters of a URL."""

_DEFAULT_PORT = {"http": 80, "https": 443}

_FIRST_FREE_PORT = 1024
"""Below it other protocols are at home (RFC 6335, section 6): of those, 80 and 443 alone are called."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
"""RFC 1123, section 2.1, and the underscore, which intranets have."""

_MAX_HOST = 253
"""RFC 1035, section 2.3.4, as text."""


@dataclass(frozen=True, slots=True)
class Target:
    """`host` is in lower case, IDNA-encoded, without brackets or a trailing dot; so it stands in `url`, too."""

    url: httpx.URL
    host: str

    @classmethod
    def parse(cls, text: str) -> "Target":
        """An absolute http or https URL without user information, to port 80, 443 or one from 1024 up.

        The fragment is left out. Raises ValueError.
        """
        _check_text(text)
        try:
            return _target_from_url(httpx.URL(text))
        except httpx.InvalidURL as error:
            raise ValueError(text) from error

    def join(self, reference: str) -> "Target":
        """Where a Location leads from here (RFC 3986, section 5). Raises ValueError."""
        _check_text(reference)
        try:
            return _target_from_url(self.url.join(reference))
        except httpx.InvalidURL as error:
            raise ValueError(reference) from error

    @property
    def port(self) -> int:
        return _port(self.url)

    @property
    def is_secure(self) -> bool:
        return self.url.scheme == "https"

    @property
    def file_name(self) -> str:
        """The path's last segment, percent-decoded, so with any characters at all; "" where it has none."""
        path = self.url.raw_path.partition(b"?")[0].decode("ascii")
        return unquote(path.rpartition("/")[2])

    def at(self, address: IPv4Address | IPv6Address) -> httpx.URL:
        """The same resource by that address, where nothing is left to resolve."""
        return self.url.copy_with(host=str(address))


def canonical_host(text: str) -> str:
    """As `Target.host` has it. Raises ValueError."""
    try:
        return _host_of(httpx.URL(scheme="http", host=text))
    except httpx.InvalidURL as error:
        raise ValueError(text) from error


def _check_text(text: str) -> None:
    """Whitespace, backslashes and control characters, over which parsers disagree, are in no URL (RFC 3986)."""
    if len(text) > MAX_LENGTH or any(character in " \\" or not character.isprintable() for character in text):
        raise ValueError(text)


def _target_from_url(url: httpx.URL) -> Target:
    if url.scheme not in _DEFAULT_PORT or url.userinfo:
        raise ValueError(url.scheme)
    port = _port(url)
    if port not in _DEFAULT_PORT.values() and not _FIRST_FREE_PORT <= port < 1 << 16:
        raise ValueError(port)
    host = _host_of(url)
    return Target(url.copy_with(host=host, fragment=None), host)


def _port(url: httpx.URL) -> int:
    return _DEFAULT_PORT[url.scheme] if url.port is None else url.port


def _host_of(url: httpx.URL) -> str:
    host = url.raw_host.decode("ascii").removesuffix(".")
    if ":" in host:
        address = IPv6Address(host)
        if address.scope_id is not None:
            raise ValueError(host)
        return str(address)
    if len(host) > _MAX_HOST or not all(map(_LABEL.fullmatch, host.split("."))):
        raise ValueError(host)
    return host
