"""A scrub: what the medium has lost is found, named, and nothing else is."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imgsvc.catalog.base import Catalog
from imgsvc.catalog.sql import open_catalog
from imgsvc.core.assets import Asset, Digest
from imgsvc.service.scrubbing import Fault, Finding, Pace, Scrub
from imgsvc.storage.blobs import LocalBlobs
from tests.catalog.records import PRESS, SHOP, add, delete
from tests.fakes import NOON, make_original, make_spooled

pytestmark = pytest.mark.anyio


@dataclass
class Bench:
    catalog: Catalog
    blobs: LocalBlobs

    async def take_in(self, data: bytes, *, press: bool = False) -> Asset:
        self.keep(data)
        return await add(self.catalog, original=make_original(data), instance=PRESS if press else SHOP)

    def keep(self, data: bytes) -> Path:
        original = make_original(data)
        self.blobs.keep(make_spooled(self.blobs.spool_path(), data).path, original.digest)
        return self.blobs.local_path(original.digest)

    def path(self, asset: Asset) -> Path:
        return self.blobs.local_path(asset.original.digest)

    def scrub(self) -> Scrub:
        return Scrub(catalog=self.catalog, blobs=self.blobs, pace=Pace(None))

    async def findings(self) -> list[Finding]:
        return [finding async for part in self.scrub().originals(after=None) for finding in part.findings]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}", changed=lambda *_: None) as catalog:
        yield Bench(catalog, LocalBlobs(tmp_path / "originals"))


async def test_a_bit_that_flipped_is_found(bench: Bench) -> None:
    """With all who show it, in every instance."""
    first, second = await bench.take_in(b"picture"), await bench.take_in(b"picture", press=True)
    await bench.take_in(b"another")
    bench.path(first).write_bytes(b"pictuse")

    assert await bench.findings() == [
        Finding(digest=first.original.digest, fault=Fault.DAMAGED, assets=[first, second])
    ]


async def test_what_is_cut_off_empty_or_no_file_is_damaged(bench: Bench) -> None:
    assets = [await bench.take_in(b"picture %d" % number) for number in range(3)]
    bench.path(assets[0]).write_bytes(b"pic")
    bench.path(assets[1]).write_bytes(b"")
    bench.path(assets[2]).unlink()
    bench.path(assets[2]).mkdir()

    findings = await bench.findings()

    assert [one.fault for one in findings] == [Fault.DAMAGED] * 3
    assert [one.digest for one in findings] == sorted(asset.original.digest for asset in assets)


async def test_a_file_that_is_not_there_is_missing(bench: Bench) -> None:
    """Also one that was sent ahead of its asset, which nobody shows."""
    asset, ahead = await bench.take_in(b"picture"), make_original(b"ahead")
    await bench.catalog.files.add(SHOP, "ahead.png", ahead, now=NOON)
    bench.path(asset).unlink()

    findings = await bench.findings()

    assert {(one.digest, one.fault, len(one.assets)) for one in findings} == {
        (asset.original.digest, Fault.MISSING, 1),
        (ahead.digest, Fault.MISSING, 0),
    }


async def test_what_nobody_shows_any_more_is_no_finding(bench: Bench) -> None:
    """Its file goes before its record does."""
    asset = await bench.take_in(b"picture")
    await delete(bench.catalog, asset)
    bench.path(asset).unlink()

    assert await bench.findings() == []


async def test_the_same_bytes_again_heal_it(bench: Bench) -> None:
    asset = await bench.take_in(b"picture")
    bench.path(asset).write_bytes(b"")

    bench.keep(b"picture")

    assert await bench.findings() == []


async def test_it_goes_on_behind_a_digest(bench: Bench) -> None:
    """Every original once, in order, however many there are."""
    assets = [await bench.take_in(b"picture %d" % number) for number in range(70)]
    digests = sorted(asset.original.digest for asset in assets)

    parts = [part async for part in bench.scrub().originals(after=None)]
    rest = [part async for part in bench.scrub().originals(after=digests[9])]

    assert [(part.originals, part.last) for part in parts] == [(64, digests[63]), (6, digests[69])]
    assert [(part.originals, part.last) for part in rest] == [(60, digests[69])]


async def test_files_that_no_record_names_are_orphans(bench: Bench) -> None:
    """Neither what is retired nor what is no original."""
    await bench.take_in(b"shown")
    gone = await bench.take_in(b"gone")
    await delete(bench.catalog, gone)
    orphan = bench.keep(b"orphan")
    (orphan.parent / "notes.txt").write_bytes(b"foreign")

    assert await bench.scrub().orphans() == [Digest(orphan.name)]
