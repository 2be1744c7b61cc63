"""Taking originals in: bytes decide, equal bytes are kept once, and what is refused leaves nothing."""

import asyncio
import fcntl
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.catalog.base import Catalog
from imgsvc.catalog.sql import open_catalog
from imgsvc.core.assets import Asset, AssetKind, AssetRef, ImageInfo, Instance, NewAsset
from imgsvc.core.errors import Conflict, CorruptOriginal, NotFound, RenderCrashed, UnsupportedMedia
from imgsvc.core.formats import Format
from imgsvc.core.media import media_type
from imgsvc.service.ingest import Ingest, clean_name
from imgsvc.storage.blobs import LocalBlobs
from imgsvc.storage.spool import Spooled
from tests.fakes import NOON, PNG, FakeProber, make_file, make_original, make_spooled
from tests.service.locks import held_elsewhere, waited_for

pytestmark = pytest.mark.anyio

SHOP, PRESS = Instance("shop"), Instance("press")
PDF, GIF = b"%PDF-1.7 and more", b"GIF89a and more"


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

    async def add(self, name: str = "shirt.png", data: bytes = PNG, **rest: Any) -> Asset:
        return await self.ingest.add(self.spooled(data), NewAsset(instance=SHOP, name=name, **rest))

    async def found(self, asset: Asset) -> Asset | None:
        return await self.catalog.assets.find(ref_of(asset))


def ref_of(asset: Asset, instance: Instance = SHOP) -> AssetRef:
    return AssetRef(AssetKind.GUID, str(asset.id), instance)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    blobs, prober, clock = LocalBlobs(tmp_path / "originals"), FakeProber(), Clock()
    async with open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}", changed=lambda *_: None) as catalog:
        ingest = Ingest(catalog=catalog, blobs=blobs, prober=prober, now=clock)
        yield Bench(ingest, catalog, blobs, prober, clock, tmp_path)


class TestAdding:
    async def test_an_asset_is_of_its_bytes_and_its_name(self, bench: Bench) -> None:
        """What is known of the bytes comes from them alone; what is said of the asset is kept."""
        asset = await bench.add("folder/Red Shirt.jpg", by=3, code="SKU-1", description="Red.")

        assert asset.name == "Red Shirt.jpg"
        assert asset.original == make_original(PNG)
        assert (asset.created, asset.modified) == (NOON, NOON)
        assert (asset.created_by, asset.code, asset.description) == (3, "SKU-1", "Red.")
        assert await bench.found(asset) == asset

    @pytest.mark.parametrize("name", ["shirt.png", "shirt", "manual.pdf", "film.mp4"])
    async def test_the_bytes_decide_on_the_format(self, bench: Bench, name: str) -> None:
        """The prober is told what the signature says, whatever the name."""
        spooled = bench.spooled(GIF)

        asset = await bench.ingest.add(spooled, NewAsset(instance=SHOP, name=name))

        assert bench.prober.probed == [(spooled.path, Format.GIF)]
        assert asset.original.picture.format is Format.GIF
        assert media_type(asset.name, asset.original) == "image/gif"

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("Size Chart.PDF", "application/pdf"),
            ("film.mp4", "video/mp4"),
            ("raw.heic", "image/heic"),
            ("page.html", "application/octet-stream"),
            ("LICENSE", "application/octet-stream"),
        ],
    )
    async def test_what_is_no_picture_is_taken_as_a_file(self, bench: Bench, name: str, expected: str) -> None:
        """Nobody decodes it; its name tells the media type."""
        asset = await bench.add(name, PDF)

        assert asset.original == make_file(PDF)
        assert media_type(asset.name, asset.original) == expected
        assert bench.prober.probed == []
        assert bench.kept() == [PDF]
        assert await bench.found(asset) == asset

    async def test_a_files_type_is_that_of_its_own_name(self, bench: Bench) -> None:
        """Whoever sent the same bytes before under another name."""
        first = await bench.add("notes", b"hello")
        second = await bench.add("notes.txt", b"hello")

        found = [await bench.found(asset) for asset in (first, second)]
        assert [asset and media_type(asset.name, asset.original) for asset in found] == [
            "application/octet-stream",
            "text/plain",
        ]

    @pytest.mark.parametrize("name", ["shirt.png", "Shirt.JPG", "shirt.jfif", "shirt.svg", "shirt.avif", "shirt.bmp"])
    async def test_a_mislabelled_picture_is_refused(self, bench: Bench, name: str) -> None:
        """Its name says that it is a picture and its bytes are none: a mistake that somebody wants to hear of."""
        with pytest.raises(UnsupportedMedia, match="The file is of another format; taken in are JPEG, PNG"):
            await bench.add(name, PDF)

        assert bench.prober.probed == []
        assert bench.kept() == []
        assert await bench.catalog.assets.is_empty()

    @pytest.mark.parametrize("name", ["shirt.png", "manual.pdf", "LICENSE"])
    async def test_an_empty_file_is_refused(self, bench: Bench, name: str) -> None:
        with pytest.raises(UnsupportedMedia, match="The file is empty; taken in are JPEG, PNG"):
            await bench.add(name, b"")

        assert bench.kept() == []

    async def test_what_cannot_be_decoded_is_not_kept(self, bench: Bench) -> None:
        """Neither its bytes nor a record of it."""
        bench.prober.failure = CorruptOriginal("The original cannot be decoded to its end.")

        with pytest.raises(CorruptOriginal):
            await bench.add()

        assert bench.kept() == []
        assert await bench.catalog.assets.is_empty()

    async def test_equal_bytes_are_kept_once_and_are_assets_each(self, bench: Bench) -> None:
        """Also under the same name."""
        assets = [await bench.add() for _ in range(3)]

        assert len({asset.id for asset in assets}) == 3
        assert bench.kept() == [PNG]

    async def test_the_original_is_durable_before_the_asset_can_be_seen(self, bench: Bench) -> None:
        """Where the record cannot be written, the bytes are there; the other way round a URL would show nothing."""
        asset = await bench.add()

        with pytest.raises(Conflict):
            await bench.add("other.png", PNG + b"other", id=asset.id)

        assert bench.kept() == [PNG, PNG + b"other"]

    async def test_a_folder_that_is_not_there_is_not_found(self, bench: Bench) -> None:
        with pytest.raises(NotFound):
            await bench.add(folder=4711)

        assert await bench.catalog.assets.is_empty()

    async def test_while_bytes_are_freed_nothing_is_entered(self, bench: Bench) -> None:
        """In whatever process: they might be those that were just kept."""
        lock = bench.folder / "originals" / "lock"
        async with held_elsewhere(lock, fcntl.LOCK_EX) as release:
            adding = asyncio.create_task(bench.add())
            await waited_for(lock)
            before = await bench.catalog.assets.is_empty()
            release()
            asset = await adding

        assert before
        assert await bench.found(asset) == asset


class TestAddingOnce:
    async def test_it_is_safe_to_repeat(self, bench: Bench) -> None:
        """The same bytes under the same name, from whatever folder, are the same asset; they are decoded once."""
        names = ["a/shirt.png", "b/shirt.png", "trousers.png"]
        taken = [await bench.ingest.add_once(bench.spooled(), NewAsset(instance=SHOP, name=name)) for name in names]
        other = await bench.ingest.add_once(bench.spooled(PNG + b"other"), NewAsset(instance=SHOP, name="shirt.png"))
        elsewhere = await bench.ingest.add_once(bench.spooled(), NewAsset(instance=PRESS, name="shirt.png"))

        assert [one.is_new for one in (*taken, other, elsewhere)] == [True, False, True, True, True]
        assert taken[1].asset == taken[0].asset
        assert len({one.asset.id for one in (*taken, other, elsewhere)}) == 4
        assert len(bench.prober.probed) == 4

    async def test_many_at_the_same_time_add_one(self, bench: Bench) -> None:
        new = NewAsset(instance=SHOP, name="shirt.png")

        taken = await asyncio.gather(*(bench.ingest.add_once(bench.spooled(), new) for _ in range(8)))

        assert sum(one.is_new for one in taken) == 1
        assert len({one.asset.id for one in taken}) == 1

    @pytest.mark.parametrize(("name", "data"), [("manual.pdf", PDF), ("shirt.png", PDF), ("shirt.png", b"")])
    async def test_it_takes_pictures_alone(self, bench: Bench, name: str, data: bytes) -> None:
        """A folder that is imported holds many other things."""
        with pytest.raises(UnsupportedMedia):
            await bench.ingest.add_once(bench.spooled(data), NewAsset(instance=SHOP, name=name))

        assert bench.kept() == []
        assert await bench.catalog.assets.is_empty()


class TestSendingAhead:
    async def test_an_asset_is_made_of_what_was_sent(self, bench: Bench) -> None:
        """Under the file's name where it is given none of its own; nothing is decoded again."""
        files = [await bench.ingest.send_ahead(bench.spooled(), "folder/shirt.png", SHOP) for _ in range(2)]
        before = await bench.catalog.assets.is_empty()

        named = await bench.ingest.add_file(files[0].id, NewAsset(instance=SHOP, name="a/Red.png", code="SKU-1"))
        unnamed = await bench.ingest.add_file(files[1].id, NewAsset(instance=SHOP, name=""))

        assert before
        assert {(file.name, file.created) for file in files} == {("shirt.png", NOON)}
        assert (named.name, named.code, unnamed.name) == ("Red.png", "SKU-1", "shirt.png")
        assert named.original == unnamed.original == files[0].original == make_original(PNG)
        assert len(bench.prober.probed) == 2
        assert bench.kept() == [PNG]

    async def test_a_file_that_was_used_is_kept_by_its_assets_alone(self, bench: Bench) -> None:
        """It may go into several; without any of them nobody shows its bytes."""
        file = await bench.ingest.send_ahead(bench.spooled(), "shirt.png", SHOP)
        assets = [await bench.ingest.add_file(file.id, NewAsset(instance=SHOP, name="")) for _ in range(2)]
        shown = await bench.catalog.originals.unused([file.original.digest])

        refs = [AssetRef(AssetKind.GUID, str(asset.id), SHOP) for asset in assets]
        await bench.catalog.assets.delete(refs, now=NOON)

        assert shown == []
        assert await bench.catalog.originals.unused([file.original.digest]) == [file.original.digest]

    async def test_a_mislabelled_picture_is_refused(self, bench: Bench) -> None:
        with pytest.raises(UnsupportedMedia):
            await bench.ingest.send_ahead(bench.spooled(PDF), "shirt.png", SHOP)

        assert bench.kept() == []

    @pytest.mark.parametrize("of", ["another instance", "nobody"])
    async def test_a_file_that_is_not_there_is_not_found(self, bench: Bench, of: str) -> None:
        """Neither for a new asset nor for one that is there."""
        asset = await bench.add()
        file = await bench.ingest.send_ahead(bench.spooled(GIF), "film.gif", PRESS)
        file_id: UUID = file.id if of == "another instance" else uuid4()
        attempts: list[Callable[[], Awaitable[object]]] = [
            lambda: bench.ingest.add_file(file_id, NewAsset(instance=SHOP, name="")),
            lambda: bench.ingest.replace_by_file(ref_of(asset), file_id, SHOP),
        ]

        for attempt in attempts:
            with pytest.raises(NotFound):
                await attempt()

        assert await bench.found(asset) == asset
        assert await bench.catalog.assets.count(SHOP) == 1


class TestReplacing:
    async def test_a_replaced_asset_keeps_its_names(self, bench: Bench) -> None:
        """And shows the new bytes, from the moment the clock says; who did it is known."""
        asset = await bench.add()
        bench.clock.moment = NOON + timedelta(days=1)

        changed = await bench.ingest.replace(ref_of(asset), bench.spooled(PNG + b"new"), "new.png", by=4)

        assert (changed.id, changed.serial, changed.slug, changed.code, changed.name) == (
            asset.id, asset.serial, asset.slug, asset.code, asset.name,
        )  # fmt: skip
        assert changed.original == make_original(PNG + b"new")
        assert (changed.created, changed.modified) == (NOON, NOON + timedelta(days=1))
        assert (changed.created_by, changed.updated_by) == (0, 4)
        assert await bench.found(changed) == changed

    @pytest.mark.parametrize(
        ("before", "name", "after"),
        [
            (("shirt.png", PNG), ("new.png", PNG + b"new"), "shirt.png"),
            (("holiday.jpg", PNG), ("new.png", PNG + b"new"), "holiday.jpg"),
            (("shirt.png", PNG), ("new.gif", GIF), "shirt.gif"),
            (("shirt.png", PNG), ("new", GIF), "shirt.gif"),
            (("red.shirt.png", PNG), ("new.gif", GIF), "red.shirt.gif"),
            (("shirt.png", PNG), ("Manual.PDF", PDF), "shirt.PDF"),
            (("shirt.png", PNG), ("LICENSE", PDF), "shirt"),
            (("manual.pdf", PDF), ("new.docx", b"PK and more"), "manual.docx"),
            (("manual.pdf", PDF), ("a/b.pdf", PDF + b"new"), "manual.pdf"),
            (("manual.pdf", PDF), ("shirt.gif", GIF), "manual.gif"),
            (("x" * 251 + ".png", PNG), ("new.docx", PDF), "x" * 250 + ".docx"),
        ],
    )
    async def test_the_extension_follows_the_kind(
        self, bench: Bench, before: tuple[str, bytes], name: tuple[str, bytes], after: str
    ) -> None:
        """Of a picture it is its format's, of another file that of the name it came under; else the name stays."""
        asset = await bench.add(*before)
        sent_ahead = await bench.add(*before)
        file = await bench.ingest.send_ahead(bench.spooled(name[1]), name[0], SHOP)

        changed = [
            await bench.ingest.replace(ref_of(asset), bench.spooled(name[1]), name[0]),
            await bench.ingest.replace_by_file(ref_of(sent_ahead), file.id, SHOP, by=4),
        ]

        assert [one.name for one in changed] == [after] * 2
        assert changed[0].original == changed[1].original == file.original
        assert changed[1].updated_by == 4

    async def test_replacing_what_is_not_there_keeps_nothing(self, bench: Bench) -> None:
        """It is found out before anything is probed; another instance's is not there."""
        asset = await bench.add()
        bench.prober.probed.clear()

        for ref in (AssetRef(AssetKind.GUID, str(uuid4()), SHOP), ref_of(asset, PRESS)):
            with pytest.raises(NotFound):
                await bench.ingest.replace(ref, bench.spooled(PNG + b"new"), "new.png")

        assert bench.prober.probed == []
        assert bench.kept() == [PNG]
        assert await bench.found(asset) == asset

    async def test_replacing_with_what_says_it_is_a_picture_and_is_none_changes_nothing(self, bench: Bench) -> None:
        asset = await bench.add()

        with pytest.raises(UnsupportedMedia):
            await bench.ingest.replace(ref_of(asset), bench.spooled(PDF), "new.png")

        assert await bench.found(asset) == asset


class TestPreparing:
    """For its renditions, when a picture has been taken in."""

    async def test_each_way_in_prepares_the_picture(self, bench: Bench) -> None:
        """As it is kept, once its asset can be seen."""
        asset = await bench.add()
        taken = await bench.ingest.add_once(bench.spooled(PNG + b"2"), NewAsset(instance=SHOP, name="two.png"))
        file = await bench.ingest.send_ahead(bench.spooled(PNG + b"3"), "three.png", SHOP)
        changed = await bench.ingest.replace(ref_of(asset), bench.spooled(GIF), "new.gif")

        originals = (asset.original, taken.asset.original, file.original, changed.original)
        assert bench.prober.prepared == [bench.blobs.local_path(one.digest) for one in originals]

    async def test_what_is_known_already_is_not_prepared_again(self, bench: Bench) -> None:
        """Neither where nothing was taken in nor where it was sent ahead."""
        new = NewAsset(instance=SHOP, name="shirt.png")
        await bench.ingest.add_once(bench.spooled(), new)
        file = await bench.ingest.send_ahead(bench.spooled(GIF), "film.gif", SHOP)
        bench.prober.prepared.clear()

        await bench.ingest.add_once(bench.spooled(), new)
        await bench.ingest.add_file(file.id, NewAsset(instance=SHOP, name=""))

        assert bench.prober.prepared == []

    async def test_a_file_is_not_prepared(self, bench: Bench) -> None:
        """Nothing is drawn of it."""
        await bench.add("manual.pdf", PDF)

        assert bench.prober.prepared == []

    async def test_what_is_refused_is_not_prepared(self, bench: Bench) -> None:
        """Nobody may ask for it."""
        asset = await bench.add()
        bench.prober.prepared.clear()

        with pytest.raises(Conflict):
            await bench.add(data=PNG + b"2", id=asset.id)

        assert bench.prober.prepared == []

    async def test_it_is_taken_in_where_it_cannot_be_prepared(self, bench: Bench) -> None:
        """It costs the first rendition some time, and the upload nothing."""
        bench.prober.unprepared = RenderCrashed("The renderer is not there at the moment.")

        asset = await bench.add()

        assert await bench.found(asset) == asset
        assert bench.kept() == [PNG]

    async def test_nobody_waits_for_it(self, bench: Bench) -> None:
        """While it is being prepared others take in theirs, and free: the lock is given back (flock(2))."""

        class Watching(FakeProber):
            async def prepare(self, original: Path, info: ImageInfo) -> None:
                with (bench.folder / "originals" / "lock").open() as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                await super().prepare(original, info)

        prober = Watching()
        ingest = Ingest(catalog=bench.catalog, blobs=bench.blobs, prober=prober, now=bench.clock)
        await ingest.add(bench.spooled(), NewAsset(instance=SHOP, name="shirt.png"))

        assert len(prober.prepared) == 1


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
