"""Which hosts and addresses may be called: judged one by one, and by whole ranges."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.origin.guard import RANGES, AddressGuard, Range

PUBLIC = AddressGuard()
INTRANET = AddressGuard(private=True)

ALLOWED = (
    ("1.1.1.1", "public"),
    ("8.8.8.8", "public"),
    ("9.255.255.255", "before 10.0.0.0/8"),
    ("11.0.0.0", "after 10.0.0.0/8"),
    ("100.63.255.255", "before 100.64.0.0/10"),
    ("100.128.0.0", "after 100.64.0.0/10"),
    ("126.255.255.255", "before 127.0.0.0/8"),
    ("128.0.0.0", "after 127.0.0.0/8"),
    ("168.63.129.15", "before Azure's"),
    ("169.253.255.255", "before 169.254.0.0/16"),
    ("169.255.0.0", "after 169.254.0.0/16"),
    ("172.15.255.255", "before 172.16.0.0/12"),
    ("172.32.0.0", "after 172.16.0.0/12"),
    ("192.0.1.0", "after 192.0.0.0/24"),
    ("192.167.255.255", "before 192.168.0.0/16"),
    ("192.169.0.0", "after 192.168.0.0/16"),
    ("198.17.255.255", "before 198.18.0.0/15"),
    ("198.20.0.0", "after 198.18.0.0/15"),
    ("223.255.255.255", "before multicast"),
    ("2000::1", "the first of global unicast"),
    ("2001:200::1", "after 2001::/23"),
    ("2001:4860:4860::8888", "public"),
    ("2001:db7:ffff::1", "before documentation"),
    ("2001:db9::1", "after documentation"),
    ("2003::1", "after 6to4"),
    ("2606:4700:4700::1111", "public"),
    ("3fff:1000::1", "after documentation"),
    ("::ffff:8.8.8.8", "public, mapped"),
)

INTRANETS = (
    ("10.0.0.0", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "shared"),
    ("100.127.255.255", "shared"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.255", "loopback"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.0.1", "private"),
    ("192.168.255.255", "private"),
    ("::1", "loopback"),
    ("fc00::1", "unique local"),
    ("fdff:ffff::1", "unique local"),
    ("::ffff:127.0.0.1", "loopback, mapped"),
    ("::ffff:a00:1", "private, mapped"),
)

REFUSED = (
    ("0.0.0.0", "unspecified"),
    ("0.255.255.255", "this network"),
    ("100.100.100.200", "Alibaba Cloud's metadata, in a shared range"),
    ("168.63.129.16", "Azure's metadata, in a public range"),
    ("169.254.0.1", "link-local"),
    ("169.254.169.254", "most clouds' metadata"),
    ("169.254.170.2", "credentials of containers at AWS"),
    ("192.0.0.1", "IETF protocol assignments"),
    ("192.0.0.192", "Oracle Cloud's old metadata"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4 relays"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::7f00:1", "IPv4-compatible loopback"),
    ("::808:808", "IPv4-compatible, though public"),
    ("::ffff:0.0.0.0", "unspecified, mapped"),
    ("::ffff:169.254.169.254", "metadata, mapped"),
    ("::ffff:0:7f00:1", "IPv4-translated"),
    ("64:ff9b::7f00:1", "NAT64 of loopback"),
    ("64:ff9b::808:808", "NAT64, though of a public address"),
    ("64:ff9b:1::7f00:1", "local NAT64"),
    ("100::1", "discard"),
    ("100:0:0:1::1", "dummy"),
    ("200::1", "not global unicast; used by overlay networks"),
    ("2001::1", "Teredo"),
    ("2001:0:7f00:1::", "Teredo"),
    ("2001:2::1", "benchmarking"),
    ("2001:10::1", "ORCHID"),
    ("2001:20::1", "ORCHIDv2"),
    ("2001:1ff:ffff::1", "the last of IETF protocol assignments"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::1", "6to4 of loopback"),
    ("2002:808:808::1", "6to4, though of a public address"),
    ("3fff::1", "documentation"),
    ("4000::1", "not global unicast"),
    ("5f00::1", "SRv6"),
    ("8000::1", "not global unicast"),
    ("fd00:42::42", "Scaleway's metadata, in a unique local range"),
    ("fd00:ec2::254", "AWS's metadata, in a unique local range"),
    ("fd20:ce::254", "Google Cloud's metadata, in a unique local range"),
    ("fe80::1", "link-local"),
    ("fe80::a9fe:a9fe", "OpenStack's metadata"),
    ("fe80::1%eth0", "a zone"),
    ("2606:4700:4700::1111%eth0", "a zone"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("", "no address"),
    ("shop.example", "no address"),
    ("0x7f.1", "no address"),
    ("127.1", "no address"),
    ("0177.0.0.1", "no address"),
    ("8.8.8.8/32", "no address"),
)

HOSTS = (
    ("shop.example", "shop.example", True),
    ("Shop.Example.", "shop.example", True),
    ("shop.example", "cdn.shop.example", False),
    ("shop.example", "myshop.example", False),
    ("shop.example", "shop.example.evil.example", False),
    ("*.shop.example", "cdn.shop.example", True),
    ("*.shop.example", "a.cdn.shop.example", True),
    ("*.shop.example", "shop.example", False),
    ("*.shop.example", "myshop.example", False),
    ("*.shop.example", "cdn.shop.example.evil.example", False),
    ("müller.example", "xn--mller-kva.example", True),
    ("*.müller.example", "cdn.xn--mller-kva.example", True),
    ("10.0.0.5", "10.0.0.5", True),
    ("10.0.0.5", "10.0.0.50", False),
    ("[FD00:0::5]", "fd00::5", True),
)

NO_HOSTS = (
    "",
    "*",
    "*.",
    "**.shop.example",
    "shop.*",
    "http://shop.example",
    "shop.example:80",
    "shop.example/a",
    "a b",
)


def addresses_in(row: Range) -> st.SearchStrategy[tuple[Range, IPv4Address | IPv6Address]]:
    return st.ip_addresses(network=str(row.network)).map(lambda address: (row, address))


def narrowest(address: IPv4Address | IPv6Address) -> Range:
    return max((row for row in RANGES if address in row.network), key=lambda row: row.network.prefixlen)


@pytest.mark.parametrize(("address", "reason"), ALLOWED)
def test_public_addresses_may_be_called(address: str, reason: str) -> None:
    """Up to the very edges of what may not."""
    assert PUBLIC.permitted([address])
    assert INTRANET.permitted([address])


@pytest.mark.parametrize(("address", "reason"), INTRANETS)
def test_an_intranets_addresses_are_the_operators_choice(address: str, reason: str) -> None:
    assert not PUBLIC.permitted([address])
    assert INTRANET.permitted([address])


@pytest.mark.parametrize(("address", "reason"), REFUSED)
def test_all_others_are_never_called(address: str, reason: str) -> None:
    """Whatever the operator chooses."""
    assert not PUBLIC.permitted([address])
    assert not INTRANET.permitted([address])


@given(st.sampled_from(RANGES).flatmap(addresses_in))
def test_every_address_of_every_range_is_refused(drawn: tuple[Range, IPv4Address | IPv6Address]) -> None:
    """Except those that are IPv4-mapped, which are no addresses of their own."""
    row, address = drawn
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return

    assert address in row.network
    assert not PUBLIC.permitted([str(address)])
    assert bool(INTRANET.permitted([str(address)])) == narrowest(address).is_intranet


@given(st.ip_addresses(v=4) | st.sampled_from([row for row in RANGES if row.network.version == 4]).flatmap(
    lambda row: st.ip_addresses(network=str(row.network))
))  # fmt: skip
def test_a_mapped_address_is_its_ipv4_address(address: IPv4Address | IPv6Address) -> None:
    """Judged and called so."""
    mapped = f"::ffff:{address}"

    for guard in (PUBLIC, INTRANET):
        assert guard.permitted([mapped]) == guard.permitted([str(address)])


@given(st.ip_addresses(v=6))
def test_nothing_but_global_unicast_is_called(address: IPv4Address | IPv6Address) -> None:
    permitted = PUBLIC.permitted([str(address)])

    if permitted and isinstance(permitted[0], IPv6Address):
        assert permitted[0] in ip_network("2000::/3")


@given(st.ip_addresses(v=4))
def test_whatever_python_holds_for_private_is_refused(address: IPv4Address | IPv6Address) -> None:
    """The table lacks nothing that the library knows."""
    if not address.is_global or address.is_multicast:
        assert not PUBLIC.permitted([str(address)])


def test_one_address_that_may_not_be_called_refuses_the_name() -> None:
    """Else the one that may would be a way to the other."""
    assert PUBLIC.permitted(["8.8.8.8", "127.0.0.1"]) == ()
    assert PUBLIC.permitted(["2606:4700:4700::1111", "::1", "8.8.8.8"]) == ()


def test_addresses_keep_their_order() -> None:
    """The resolver's, best first."""
    addresses = ["8.8.8.8", "2606:4700:4700::1111", "1.1.1.1"]

    assert PUBLIC.permitted(addresses) == tuple(map(ip_address, addresses))


def test_no_address_is_none_that_may_be_called() -> None:
    assert PUBLIC.permitted([]) == ()


@pytest.mark.parametrize("row", RANGES)
def test_every_range_names_its_source(row: Range) -> None:
    assert row.source.startswith("metadata") or "RFC " in row.source


def test_no_range_is_listed_twice() -> None:
    assert len({row.network for row in RANGES}) == len(RANGES)


@pytest.mark.parametrize(("entry", "host", "is_permitted"), HOSTS)
def test_hosts_are_listed_exactly_or_by_what_is_above_them(entry: str, host: str, is_permitted: bool) -> None:
    guard = AddressGuard(allowed_hosts=("other.example", entry))

    assert guard.permits_host(host) is is_permitted


def test_an_empty_list_permits_every_host() -> None:
    assert AddressGuard().permits_host("shop.example")


@pytest.mark.parametrize("entry", NO_HOSTS)
def test_an_entry_that_is_no_host_is_a_mistake(entry: str) -> None:
    """It would permit nothing, and nobody would know why."""
    with pytest.raises(ValueError, match=re.escape(f'"{entry}" is no host')):
        AddressGuard(allowed_hosts=("shop.example", entry))
