"""On whose account a picture is rendered: by the address that a request comes from."""

import pytest

from imgsvc.web.images import client_of


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("somebody", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_is_a_client(address: str, client: str) -> None:
    """One of IPv4 each, also where a socket of both families tells it; of IPv6 each customer's network."""
    assert client_of({"type": "http", "client": (address, 1)}) == client


def test_where_there_is_no_address_there_is_no_client() -> None:
    """The other end of a Unix socket."""
    assert client_of({"type": "http", "client": None}) == ""
