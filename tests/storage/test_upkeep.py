"""A cache in order: what it is compared with, and when."""

import asyncio
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.upkeep import keep_in_order
from tests.storage.shelves import admit

pytestmark = pytest.mark.anyio


async def test_a_folder_that_was_away_is_compared_when_it_is_back(tmp_path: Path) -> None:
    """Files that came into it meanwhile go, and of those that went the rows."""
    root, away = tmp_path / "cache", tmp_path / "away"
    with closing(DerivativeCache(root, budget=10_000)) as cache:
        one, other = admit(cache, "one"), admit(cache, "other")
        before, orphan = cache.shelf, away / "ab" / "cd" / "abcd.webp"
        upkeep = asyncio.create_task(keep_in_order(cache, measured=lambda _: None))
        try:
            with anyio.fail_after(30):
                root.rename(away)
                while cache.shelf is before:
                    await anyio.sleep(0.01)
                (away / cache.path(one).relative_to(root)).unlink()
                orphan.parent.mkdir(parents=True)
                orphan.write_bytes(b"nobody's")
                root.rename(tmp_path / "made")
                away.rename(root)
                while cache.length != other.length or (root / "ab" / "cd" / "abcd.webp").exists():
                    await anyio.sleep(0.01)
        finally:
            upkeep.cancel()

        assert cache.find(other.key) == other
