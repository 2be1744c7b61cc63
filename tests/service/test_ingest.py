"""Taking originals in: bytes decide, equal bytes are kept once, and what is refused leaves nothing."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.catalog.base import Catalog
from imgsvc.catalog.sql import SqlCatalog
from imgsvc.core.assets import AssetKind, AssetRef
from imgsvc.core.errors import Conflict, CorruptOriginal, NotFound, UnsupportedMedia
from imgsvc.core.formats import Format
from imgsvc.service.ingest import Ingest, clean_name
from imgsvc.storage.blobs import LocalBlobs
from imgsvc.storage.spool import Spooled
from tests.fakes import NOON, PNG, FakeProber, make_original, make_spooled

pytestmark = pytest.mark.anyio


@dataclass
class Clock:
    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Bench:
    """An Ingest and what it works with."""

    ingest: Ingest
    catalog: Catalog
    blobs: LocalBlobs
    prober: FakeProber
    clock: Clock
    folder: Path

    def spooled(self, data: bytes = PNG) -> Spooled:
        return make_spooled(self.blobs.spool_path(), data)

    def kept(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in (self.folder / "originals").glob("??/??/*"))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    blobs, prober, clock = LocalBlobs(tmp_path / "originals"), FakeProber(), Clock()
    async with SqlCatalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
        ingest = Ingest(catalog=catalog, blobs=blobs, prober=prober, now=clock)
        yield Bench(ingest, catalog, blobs, prober, clock, tmp_path)


async def test_an_asset_is_of_its_bytes_and_its_name(bench: Bench) -> None:
    """What is known of the bytes comes from them alone."""
    asset = await bench.ingest.add(bench.spooled(), "folder/Red Shirt.jpg")

    assert asset.name == "Red Shirt.jpg"
    assert asset.original == make_original(PNG)
    assert (asset.created, asset.modified) == (NOON, NOON)
    assert await bench.catalog.find(AssetRef(AssetKind.GUID, str(asset.id))) == asset


async def test_the_bytes_decide_on_the_format(bench: Bench) -> None:
    """The prober is told what the signature says, whatever the name."""
    spooled = bench.spooled(b"GIF89a and more")

    asset = await bench.ingest.add(spooled, "shirt.png")

    assert bench.prober.probed == [(spooled.path, Format.GIF)]
    assert asset.original.info.format is Format.GIF


@pytest.mark.parametrize(("data", "says"), [(b"", "The file is empty"), (b"hello", "The file is of another format")])
async def test_what_is_no_picture_is_refused_unprobed(bench: Bench, data: bytes, says: str) -> None:
    """With the formats that are taken."""
    with pytest.raises(UnsupportedMedia, match=f"{says}; taken in are JPEG, PNG"):
        await bench.ingest.add(bench.spooled(data), "shirt.png")

    assert bench.prober.probed == []
    assert await bench.catalog.is_empty()


async def test_what_cannot_be_decoded_is_not_kept(bench: Bench) -> None:
    """Neither its bytes nor a record of it."""
    bench.prober.failure = CorruptOriginal("The original cannot be decoded to its end.")

    with pytest.raises(CorruptOriginal):
        await bench.ingest.add(bench.spooled(), "shirt.png")

    assert bench.kept() == []
    assert await bench.catalog.is_empty()


async def test_equal_bytes_are_kept_once_and_are_assets_each(bench: Bench) -> None:
    """Also under the same name."""
    assets = [await bench.ingest.add(bench.spooled(), "shirt.png") for _ in range(3)]

    assert len({asset.id for asset in assets}) == 3
    assert bench.kept() == [PNG]


async def test_the_original_is_durable_before_the_asset_can_be_seen(bench: Bench) -> None:
    """Where the record cannot be written, the bytes are there; the other way round a URL would show nothing."""
    asset = await bench.ingest.add(bench.spooled(), "shirt.png")

    with pytest.raises(Conflict):
        await bench.ingest.add(bench.spooled(PNG + b"other"), "other.png", asset_id=asset.id)

    assert bench.kept() == [PNG, PNG + b"other"]


async def test_adding_once_is_safe_to_repeat(bench: Bench) -> None:
    """The same bytes under the same name, from whatever folder, are the same asset."""
    first = await bench.ingest.add_once(bench.spooled(), "a/shirt.png")
    again = await bench.ingest.add_once(bench.spooled(), "b/shirt.png")
    other_name = await bench.ingest.add_once(bench.spooled(), "trousers.png")
    other_bytes = await bench.ingest.add_once(bench.spooled(PNG + b"other"), "shirt.png")

    assert [taken.is_new for taken in (first, again, other_name, other_bytes)] == [True, False, True, True]
    assert again.asset == first.asset
    assert len({taken.asset.id for taken in (first, other_name, other_bytes)}) == 3


async def test_a_replaced_asset_keeps_its_names(bench: Bench) -> None:
    """And shows the new bytes, from the moment the clock says."""
    asset = await bench.ingest.add(bench.spooled(), "shirt.png")
    bench.clock.moment = NOON + timedelta(days=1)

    changed = await bench.ingest.replace(asset.id, bench.spooled(PNG + b"new"))

    assert (changed.id, changed.slug, changed.name) == (asset.id, asset.slug, asset.name)
    assert changed.original == make_original(PNG + b"new")
    assert (changed.created, changed.modified) == (NOON, NOON + timedelta(days=1))


async def test_replacing_what_is_not_there_keeps_nothing(bench: Bench) -> None:
    """It is found out before anything is probed."""
    with pytest.raises(NotFound):
        await bench.ingest.replace(uuid4(), bench.spooled())

    assert bench.prober.probed == []
    assert bench.kept() == []


async def test_replacing_with_what_is_no_picture_changes_nothing(bench: Bench) -> None:
    asset = await bench.ingest.add(bench.spooled(), "shirt.png")

    with pytest.raises(UnsupportedMedia):
        await bench.ingest.replace(asset.id, bench.spooled(b"hello"))

    assert await bench.catalog.find(AssetRef(AssetKind.GUID, str(asset.id))) == asset


@given(st.text(max_size=600))
def test_a_clean_name_is_a_name(name: str) -> None:
    """Whatever came: one line, no folders, something to read, short enough for the catalogue; cleaning is done once."""
    cleaned = clean_name(name)

    assert 1 <= len(cleaned) <= 255
    assert cleaned.isprintable()
    assert not set("/\\") & set(cleaned)
    assert cleaned not in (".", "..")
    assert cleaned == cleaned.strip()
    assert clean_name(cleaned) == cleaned
    cleaned.encode()


@given(st.text(st.characters(exclude_characters="/\\."), min_size=300, max_size=400), st.sampled_from(["png", "JPEG"]))
def test_a_long_name_keeps_its_extension(stem: str, extension: str) -> None:
    """What is cut is in front of it."""
    cleaned = clean_name(f"{stem}.{extension}")

    assert cleaned.endswith(f".{extension}") or len(clean_name(stem)) < 1


@pytest.mark.parametrize(
    ("given_name", "cleaned"),
    [
        ("shirt.png", "shirt.png"),
        ("C:\\Users\\me\\shirt.png", "shirt.png"),
        ("/etc/passwd", "passwd"),
        ("shirt\r\n.png", "shirt.png"),
        ("\u202eshirt.png", "shirt.png"),
        ("\udcff.png", ".png"),
        ("", "picture"),
        ("folder/", "picture"),
        ("..", "picture"),
        ("  ", "picture"),
        ("Hemd, grün.png", "Hemd, grün.png"),
    ],
)
def test_names_of_all_kinds(given_name: str, cleaned: str) -> None:
    assert clean_name(given_name) == cleaned
