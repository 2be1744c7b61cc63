"""What was purged softly: answered without waiting, made again once, when nobody else needs a worker."""

import asyncio
from pathlib import Path

import anyio
import pytest

from imgsvc.render.client import BrokerClient
from tests.render.darkroom import HeldOriginal, until
from tests.render.desks import DATA, INFO, Desk, key, open_desk, resizing, stripping

pytestmark = pytest.mark.anyio


async def test_nobody_waits_for_it(folder: Path, whole: Path, tmp_path: Path) -> None:
    """While the only worker is busy the stale one is answered; then it is made again, once for all who asked."""
    held = HeldOriginal(tmp_path / "held")

    async with open_desk(folder) as desk, desk.client() as client:
        first = await client.render(key("a"), whole, INFO, resizing(100))
        purged = await client.purge([whole], [], soft=True)
        other = asyncio.create_task(client.render(key("b"), held.path, INFO, stripping()))
        await held.reached()
        with anyio.fail_after(10):
            stale = [await client.render(key("a"), whole, INFO, resizing(100)) for _ in range(5)]
        held.release(DATA)
        await other
        await until(lambda: _is_fresh(client, whole))
        again = await client.render(key("a"), whole, INFO, resizing(100))

    assert purged.stale == 1
    assert [(one.key, one.crc32, one.stale) for one in stale] == [(first.key, first.crc32, True)] * 5
    assert again == first
    assert desk.observed == ["rendered"] * 3


async def test_what_fails_leaves_it_as_it_is(folder: Path, whole: Path, tmp_path: Path) -> None:
    """And is not tried again with every request. A purge that is hard takes it away."""
    sound = tmp_path / "sound.jpg"
    sound.write_bytes(DATA)

    async with open_desk(folder) as desk, desk.client() as client:
        first = await client.render(key("a"), whole, INFO, resizing(100))
        await client.purge([], [key("a")], soft=True)
        whole.write_bytes(b"no picture")
        await client.render(key("a"), whole, INFO, resizing(100))
        await until(lambda: _has_tried(desk))
        stale = [await client.render(key("a"), whole, INFO, resizing(100)) for _ in range(3)]
        await client.render(key("b"), sound, INFO, resizing(100))
        twice, hard = await client.purge([whole], [], soft=True), await client.purge([whole], [], soft=False)

    assert [(one.crc32, one.stale) for one in stale] == [(first.crc32, True)] * 3
    assert desk.observed == ["rendered", "CorruptOriginal", "rendered"]
    assert (twice.stale, hard.derivatives) == (0, 1)


async def test_it_outlives_the_broker(folder: Path, whole: Path) -> None:
    """That it is stale."""
    async with open_desk(folder) as desk, desk.client() as client:
        await client.render(key("a"), whole, INFO, resizing(100))
        await client.purge([whole], [], soft=True)

    async with open_desk(folder) as desk, desk.client() as client:
        (found,) = await client.find([key("a")])
        await until(lambda: _is_fresh(client, whole))

    assert found is not None
    assert found.stale
    assert desk.observed == ["rendered"]


async def _is_fresh(client: BrokerClient, whole: Path) -> bool:
    derivative = await client.render(key("a"), whole, INFO, resizing(100))
    return not derivative.stale


async def _has_tried(desk: Desk) -> bool:
    return len(desk.observed) > 1
