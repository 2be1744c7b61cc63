"""One fetch of one file, for tests."""

import ssl

import pytest

from imgsvc.core.errors import OriginFailure
from imgsvc.origin.fetch import Origin, Resolve
from imgsvc.origin.guard import AddressGuard
from tests.origin.loopback import FakeResolver

PUBLIC = AddressGuard()
INTRANET = AddressGuard(private=True)
LIMIT = 1_000_000
"""Bytes, where a test is about something else."""


async def fetch(
    url: str,
    *,
    guard: AddressGuard = INTRANET,
    resolve: Resolve | None = None,
    deadline: float = 30.0,
    limit: int = LIMIT,
    verify: ssl.SSLContext | None = None,
) -> tuple[str, bytes]:
    """File name and body."""
    async with (
        Origin(guard=guard, deadline=deadline, resolve=resolve or FakeResolver(), verify=verify) as origin,
        origin.open(url, name="remotePath", limit=limit) as fetching,
    ):
        return fetching.file_name, b"".join([chunk async for chunk in fetching.chunks])


async def failure(
    url: str,
    *,
    guard: AddressGuard = INTRANET,
    resolve: Resolve | None = None,
    deadline: float = 30.0,
    limit: int = LIMIT,
    verify: ssl.SSLContext | None = None,
) -> OriginFailure:
    with pytest.raises(OriginFailure) as raised:
        await fetch(url, guard=guard, resolve=resolve, deadline=deadline, limit=limit, verify=verify)
    return raised.value
