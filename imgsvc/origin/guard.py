"""Which hosts and addresses may be called for an original: no I/O, and what is judged was resolved, not spelled.

`ipaddress.is_global` is not asked: in Python 3.11 it lets 64:ff9b::/96, 2002::/16 and 192.88.99.0/24 pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from imgsvc.origin.target import canonical_host

Address = IPv4Address | IPv6Address

_BELOW = "*."


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressGuard:
    """What the operator allows.

    `allowed_hosts`: `shop.example` is this host, `*.shop.example` every host below it, at any depth, and not itself;
    none means any host. Raises ValueError for an entry that is no host.

    `private` opens an intranet's ranges: RFC 1918, unique local, shared (carrier-grade NAT) and loopback, for a DAM on
    the same machine. It opens nothing else: cloud metadata, which hands out credentials, stays closed wherever it is.
    """

    allowed_hosts: tuple[str, ...] = ()
    private: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed_hosts", tuple(map(_canonical_entry, self.allowed_hosts)))

    def permits_host(self, host: str) -> bool:
        """`host` as a `Target` has it."""
        return not self.allowed_hosts or any(
            host.endswith(entry[1:]) if entry.startswith(_BELOW) else host == entry for entry in self.allowed_hosts
        )

    def permitted(self, addresses: Sequence[str]) -> tuple[Address, ...]:
        """All of them, to be called as they come out; none where a single one may not be called or is no address.

        An IPv4-mapped address is judged and called as its IPv4 address. IPv6 forms that embed an IPv4 address otherwise
        are refused as such, whatever they embed; so are addresses with a zone.
        """
        found: list[Address] = []
        for text in addresses:
            address = _address_from(text)
            if address is None or not self._permits(address):
                return ()
            found.append(address)
        return tuple(found)

    def _permits(self, address: Address) -> bool:
        """The narrowest range decides, as in routing: a closed address in an intranet's range stays closed."""
        ranges = [row for row in RANGES if address in row.network]
        if not ranges:
            return True
        return self.private and max(ranges, key=lambda row: row.network.prefixlen).is_intranet


def _canonical_entry(entry: str) -> str:
    host = entry.removeprefix(_BELOW)
    try:
        return entry[: len(entry) - len(host)] + canonical_host(host)
    except ValueError as error:
        raise ValueError(f'"{entry}" is no host.') from error


def _address_from(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:
        return None
    return address.ipv4_mapped or address


class Range(NamedTuple):
    """Addresses that are not called, unless `private` opens them: those of an intranet."""

    network: IPv4Network | IPv6Network
    source: str
    is_intranet: bool = False


RANGES: tuple[Range, ...] = (
    Range(ip_network("0.0.0.0/8"), "this network: RFC 1122, section 3.2.1.3"),
    Range(ip_network("10.0.0.0/8"), "private: RFC 1918, section 3", is_intranet=True),
    Range(ip_network("100.64.0.0/10"), "shared, carrier-grade NAT: RFC 6598", is_intranet=True),
    Range(ip_network("100.100.100.200/32"), "metadata: Alibaba Cloud, ECS instance metadata"),
    Range(ip_network("127.0.0.0/8"), "loopback: RFC 1122, section 3.2.1.3", is_intranet=True),
    Range(ip_network("168.63.129.16/32"), "metadata: Azure, What is IP address 168.63.129.16"),
    Range(ip_network("169.254.0.0/16"), "link-local, with most clouds' metadata: RFC 3927"),
    Range(ip_network("172.16.0.0/12"), "private: RFC 1918, section 3", is_intranet=True),
    Range(ip_network("192.0.0.0/24"), "IETF protocol assignments: RFC 6890, section 2.1"),
    Range(ip_network("192.0.2.0/24"), "documentation: RFC 5737"),
    Range(ip_network("192.88.99.0/24"), "6to4 relays: RFC 7526"),
    Range(ip_network("192.168.0.0/16"), "private: RFC 1918, section 3", is_intranet=True),
    Range(ip_network("198.18.0.0/15"), "benchmarking: RFC 2544, appendix C.2.2"),
    Range(ip_network("198.51.100.0/24"), "documentation: RFC 5737"),
    Range(ip_network("203.0.113.0/24"), "documentation: RFC 5737"),
    Range(ip_network("224.0.0.0/4"), "multicast: RFC 5771"),
    Range(ip_network("240.0.0.0/4"), "reserved: RFC 1112, section 4; its last is broadcast: RFC 919"),
    Range(ip_network("::/96"), "unspecified, and IPv4-compatible: RFC 4291, sections 2.5.2 and 2.5.5.1"),
    Range(ip_network("::1/128"), "loopback: RFC 4291, section 2.5.3", is_intranet=True),
    Range(ip_network("::ffff:0:0:0/96"), "IPv4-translated: RFC 2765, section 2.1"),
    Range(ip_network("64:ff9b::/96"), "NAT64: RFC 6052, section 2.1"),
    Range(ip_network("64:ff9b:1::/48"), "local NAT64: RFC 8215"),
    Range(ip_network("100::/64"), "discard: RFC 6666"),
    Range(ip_network("100:0:0:1::/64"), "dummy: RFC 9780"),
    Range(ip_network("2001::/23"), "IETF protocol assignments: RFC 2928"),
    Range(ip_network("2001::/32"), "Teredo: RFC 4380"),
    Range(ip_network("2001:2::/48"), "benchmarking: RFC 5180"),
    Range(ip_network("2001:10::/28"), "ORCHID: RFC 4843"),
    Range(ip_network("2001:20::/28"), "ORCHIDv2: RFC 7343"),
    Range(ip_network("2001:db8::/32"), "documentation: RFC 3849"),
    Range(ip_network("2002::/16"), "6to4: RFC 3056"),
    Range(ip_network("3fff::/20"), "documentation: RFC 9637"),
    Range(ip_network("5f00::/16"), "SRv6 segments: RFC 9602"),
    Range(ip_network("fc00::/7"), "unique local: RFC 4193", is_intranet=True),
    Range(ip_network("fd00:42::42/128"), "metadata: Scaleway, instance metadata"),
    Range(ip_network("fd00:ec2::/32"), "metadata and other services: AWS, IPv6 on AWS, Supporting Amazon VPC services"),
    Range(ip_network("fd20:ce::254/128"), "metadata: Google Cloud, About VM metadata"),
    Range(ip_network("fe80::/10"), "link-local: RFC 4291, section 2.5.6"),
    Range(ip_network("fec0::/10"), "site-local: RFC 3879"),
    Range(ip_network("ff00::/8"), "multicast: RFC 4291, section 2.7"),
    # Global unicast is 2000::/3 alone (IANA IPv6 address space); overlay networks help themselves to the rest.
    Range(ip_network("::/3"), "not global unicast: RFC 4291, section 2.4"),
    Range(ip_network("4000::/2"), "not global unicast: RFC 4291, section 2.4"),
    Range(ip_network("8000::/1"), "not global unicast: RFC 4291, section 2.4"),
)
