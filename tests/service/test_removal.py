"""Taking assets out: bytes go with the last that shows them, never before, and a death on the way is made good."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest

from imgsvc.catalog.base import Catalog, Originals
from imgsvc.catalog.sql import open_catalog
from imgsvc.core.assets import Asset, AssetKind, AssetRef, Digest, Instance, NewAsset, StoredFile
from imgsvc.core.errors import Conflict, NotFound, RenderCrashed
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import Transform
from imgsvc.service.ingest import Ingest
from imgsvc.service.removal import Removal
from imgsvc.storage.blobs import BlobStore, LocalBlobs
from imgsvc.storage.derivatives import DerivativeFiles
from tests.fakes import NOON, PNG, FakeRenderer, make_spooled
from tests.service.deliveries import delivery_of
from tests.service.locks import held_elsewhere, waited_for

pytestmark = pytest.mark.anyio

SHOP, PRESS = Instance("shop"), Instance("press")
GRACE, FILES_KEPT = timedelta(minutes=2), timedelta(days=7)
MOMENT = timedelta(microseconds=1)


class Died(BaseException):
    """The process ends here."""


@dataclass
class DyingOriginals:
    """Of the catalogue's. `before`, `after`: the step at which the process dies, before or after it is done."""

    originals: Originals
    before: str = ""
    after: str = ""

    async def retire(self, digest: Digest, *, now: datetime) -> None:
        await self.originals.retire(digest, now=now)

    async def retired(self, *, before: datetime) -> list[Digest]:
        return await self.originals.retired(before=before)

    async def unused(self, digests: Collection[Digest]) -> list[Digest]:
        with self._dying("unused"):
            return await self.originals.unused(digests)

    async def settle(self, digests: Collection[Digest], *, gone: Collection[Digest]) -> None:
        with self._dying("settle"):
            await self.originals.settle(digests, gone=gone)

    @contextmanager
    def _dying(self, step: str) -> Generator[None]:
        if self.before == step:
            raise Died
        yield
        if self.after == step:
            raise Died


@dataclass
class DyingBlobs:
    """`frees`: how many it frees before the process dies."""

    blobs: BlobStore
    frees: int

    def spool_path(self) -> Path:
        return self.blobs.spool_path()

    def clear_spool(self, *, older_than: float) -> None:
        self.blobs.clear_spool(older_than=older_than)

    def keep(self, spooled: Path, digest: Digest) -> None:
        self.blobs.keep(spooled, digest)

    def keeping(self) -> AbstractContextManager[None]:
        return self.blobs.keeping()

    def freeing(self) -> AbstractContextManager[None]:
        return self.blobs.freeing()

    def free(self, digest: Digest) -> None:
        if self.frees == 0:
            raise Died
        self.frees -= 1
        self.blobs.free(digest)

    def kept(self) -> Iterator[Digest]:
        return self.blobs.kept()

    def local_path(self, digest: Digest) -> Path:
        return self.blobs.local_path(digest)


@dataclass
class InterruptedOriginals(DyingOriginals):
    """Somebody else does something after it was looked what is unused, before that is settled."""

    interrupt: Callable[[], Awaitable[object]] = field(kw_only=True)

    async def settle(self, digests: Collection[Digest], *, gone: Collection[Digest]) -> None:
        await self.interrupt()
        await self.originals.settle(digests, gone=gone)


@dataclass
class Bench:
    """A Removal and what it works with."""

    catalog: Catalog
    blobs: LocalBlobs
    renderer: FakeRenderer
    folder: Path
    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment

    def removal(self, *, catalog: Catalog | None = None, blobs: BlobStore | None = None) -> Removal:
        """With the parts given in the place of the sound ones."""
        return Removal(
            catalog=catalog or self.catalog, blobs=blobs or self.blobs, forget=self.renderer.forget, now=self.now
        )

    @property
    def ingest(self) -> Ingest:
        return Ingest(catalog=self.catalog, blobs=self.blobs, prober=self.renderer, now=self.now)

    async def add(self, data: bytes = PNG, *, instance: Instance = SHOP) -> Asset:
        return await self.ingest.add(make_spooled(self.blobs.spool_path(), data), NewAsset(instance=instance, name="a"))

    async def send_ahead(self, data: bytes = PNG) -> StoredFile:
        return await self.ingest.send_ahead(make_spooled(self.blobs.spool_path(), data), "a", PRESS)

    async def replace(self, asset: Asset, data: bytes) -> Asset:
        return await self.ingest.replace(ref_of(asset), make_spooled(self.blobs.spool_path(), data), "a")

    async def render(self, asset: Asset, width: int = 30) -> Path:
        """Where the rendition lies."""
        delivery = delivery_of(self.catalog.assets.find, blobs=self.blobs, renderer=self.renderer)
        variant = await delivery.identify(PictureRequest(ref=ref_of(asset), transform=Transform(width=width)))
        body = await delivery.load(variant)
        assert body.derivative is not None
        return self.renderer.files.path(variant.key, body.derivative.format)

    def kept(self) -> set[bytes]:
        return {path.read_bytes() for path in (self.folder / "originals").glob("??/??/*")}

    async def shown(self) -> set[bytes]:
        """By all assets there are; every one of them has its bytes."""
        assets = [
            asset
            for instance in (SHOP, PRESS)
            for asset in await self.catalog.assets.following(instance, after=0, limit=1000)
        ]
        return {self.blobs.local_path(asset.original.digest).read_bytes() for asset in assets}

    async def retired(self) -> list[Digest]:
        return await self.catalog.originals.retired(before=NOON + timedelta(days=1000))

    def harm(self, asset: Asset) -> Callable[[], None]:
        """So that its bytes cannot be freed until what is given is called."""
        path = self.blobs.local_path(asset.original.digest)
        data = path.read_bytes()
        path.unlink()
        path.mkdir()

        def mend() -> None:
            path.rmdir()
            path.write_bytes(data)

        return mend

    def is_locked(self) -> bool:
        """By anybody, in this process or another."""
        descriptor = os.open(self.folder / "originals" / "lock", os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)


def ref_of(asset: Asset, instance: Instance | None = None) -> AssetRef:
    return AssetRef(AssetKind.GUID, str(asset.id), instance or asset.instance)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    renderer = FakeRenderer(files=DerivativeFiles(tmp_path / "derivatives"))
    async with open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}", changed=lambda *_: None) as catalog:
        yield Bench(catalog, LocalBlobs(tmp_path / "originals"), renderer, tmp_path)


class TestDeleting:
    async def test_with_the_last_asset_its_bytes_go(self, bench: Bench) -> None:
        """At once, and all that was made of them; the others' stay."""
        asset, other = await bench.add(), await bench.add(PNG + b"other")
        made = [await bench.render(asset, width) for width in (30, 40)]
        stays = await bench.render(other)

        gone = await bench.removal().delete([ref_of(asset)])

        assert gone == [asset]
        assert await bench.catalog.assets.find(ref_of(asset)) is None
        assert bench.kept() == await bench.shown() == {PNG + b"other"}
        assert [path.exists() for path in (*made, stays)] == [False, False, True]
        assert await bench.retired() == []

    async def test_bytes_that_another_shows_stay(self, bench: Bench) -> None:
        """An asset in whatever instance, or a file that was sent ahead; until the last of them is gone."""
        assets = [await bench.add(), await bench.add(instance=PRESS), await bench.add()]
        made = await bench.render(assets[0])
        await bench.send_ahead()

        kept: list[set[bytes]] = []
        for asset in assets:
            await bench.removal().delete([ref_of(asset)])
            kept.append(bench.kept())
        derivative_stays = made.exists()
        bench.moment += FILES_KEPT + MOMENT
        await bench.removal().sweep()
        bench.moment += GRACE + MOMENT
        await bench.removal().sweep()

        assert kept == [{PNG}] * 3
        assert derivative_stays
        assert bench.kept() == set()
        assert not made.exists()

    async def test_many_of_the_same_bytes_are_deleted_together(self, bench: Bench) -> None:
        assets = [await bench.add() for _ in range(3)] + [await bench.add(PNG + b"other")]

        gone = await bench.removal().delete([ref_of(asset) for asset in assets])

        assert {asset.id for asset in gone} == {asset.id for asset in assets}
        assert bench.kept() == set()

    async def test_where_one_is_not_there_nothing_goes(self, bench: Bench) -> None:
        """Nor what is another's."""
        asset, theirs = await bench.add(), await bench.add(PNG + b"theirs", instance=PRESS)

        with pytest.raises(NotFound):
            await bench.removal().delete([ref_of(asset), ref_of(theirs, SHOP)])

        assert bench.kept() == await bench.shown() == {PNG, PNG + b"theirs"}

    async def test_a_broker_that_does_not_answer_stands_against_nothing(self, bench: Bench) -> None:
        """Nothing leads to the renditions any more; eviction takes them in time."""
        asset = await bench.add()
        await bench.render(asset)
        bench.renderer.failure = RenderCrashed("The renderer is not there at the moment.")

        assert await bench.removal().delete([ref_of(asset)]) == [asset]

        assert bench.kept() == set()
        assert await bench.retired() == []

    async def test_a_store_that_cannot_free_stands_against_nothing(self, bench: Bench) -> None:
        """The asset is gone; its bytes go with a later sweep."""
        asset = await bench.add()
        mend = bench.harm(asset)

        gone = await bench.removal().delete([ref_of(asset)])

        assert gone == [asset]
        assert await bench.catalog.assets.find(ref_of(asset)) is None
        assert await bench.retired() == [asset.original.digest]
        assert not bench.is_locked()
        mend()
        bench.moment += GRACE + MOMENT
        await bench.removal().sweep()
        assert bench.kept() == set()
        assert await bench.retired() == []


class TestSweeping:
    async def test_a_replaced_original_stays_for_the_grace(self, bench: Bench) -> None:
        """A render of it may be waiting; afterwards it goes with what was made of it."""
        asset = await bench.add()
        made = await bench.render(asset)
        await bench.replace(asset, PNG + b"new")
        removal = bench.removal()

        await removal.sweep()
        at_once = (bench.kept(), made.exists())
        bench.moment += GRACE
        await removal.sweep()
        in_the_grace = (bench.kept(), made.exists())
        bench.moment += MOMENT
        await removal.sweep()

        assert at_once == in_the_grace == ({PNG, PNG + b"new"}, True)
        assert bench.kept() == await bench.shown() == {PNG + b"new"}
        assert not made.exists()
        assert await bench.retired() == []

    async def test_an_original_that_came_back_stays(self, bench: Bench) -> None:
        """Replaced, and shown again by the same or by another asset."""
        asset = await bench.add()
        await bench.replace(asset, PNG + b"new")
        await bench.replace(asset, PNG)
        bench.moment += GRACE + MOMENT

        await bench.removal().sweep()

        assert bench.kept() == await bench.shown() == {PNG}
        assert await bench.retired() == []

    async def test_a_file_that_nobody_fetched_goes(self, bench: Bench) -> None:
        """After a week, and its bytes after the grace; one that an asset shows keeps its bytes."""
        file = await bench.send_ahead()
        await bench.send_ahead(PNG + b"shown")
        await bench.add(PNG + b"shown")

        bench.moment += FILES_KEPT
        await bench.removal().sweep()
        found_in_time = await bench.catalog.files.find(PRESS, file.id)
        bench.moment += MOMENT
        await bench.removal().sweep()
        found_later = await bench.catalog.files.find(PRESS, file.id)
        kept_in_the_grace = bench.kept()
        bench.moment += GRACE + MOMENT
        await bench.removal().sweep()

        assert (found_in_time, found_later) == (file, None)
        assert kept_in_the_grace == {PNG, PNG + b"shown"}
        assert bench.kept() == {PNG + b"shown"}

    async def test_bytes_that_were_kept_for_nobody_go(self, bench: Bench) -> None:
        """Their record could not be made; a moment later they may be somebody's."""
        asset, other = await bench.add(), PNG + b"other"
        for data in (PNG, other, PNG + b"taken later"):
            with pytest.raises(Conflict):
                await bench.ingest.add(
                    make_spooled(bench.blobs.spool_path(), data), NewAsset(instance=SHOP, name="a", id=asset.id)
                )
        await bench.add(PNG + b"taken later")

        await bench.removal().sweep()
        kept_in_the_grace = bench.kept()
        bench.moment += GRACE + MOMENT
        await bench.removal().sweep()

        assert kept_in_the_grace == {PNG, other, PNG + b"taken later"}
        assert bench.kept() == await bench.shown() == {PNG, PNG + b"taken later"}

    async def test_what_cannot_be_freed_is_left_and_the_rest_goes(self, bench: Bench) -> None:
        """One that the disk does not give up is no reason to keep all others."""
        assets = [await bench.add(PNG + bytes([number])) for number in range(4)]
        mend = bench.harm(assets[1])
        await bench.catalog.assets.delete([ref_of(asset) for asset in assets], now=bench.moment)
        bench.moment += GRACE + MOMENT

        await bench.removal().sweep()
        left = {path.name for path in (bench.folder / "originals").glob("??/??/*")}
        mend()
        await bench.removal().sweep()

        assert left == {assets[1].original.digest}
        assert bench.kept() == set()
        assert await bench.retired() == []

    async def test_where_there_is_nothing_to_do_nobody_is_kept_waiting(self, bench: Bench) -> None:
        """Uploads go on beside it: the lock is not even taken."""
        await bench.add()
        lock = bench.folder / "originals" / "lock"

        async with held_elsewhere(lock, fcntl.LOCK_EX):
            await bench.removal().sweep()

        assert bench.kept() == {PNG}


class TestDying:
    """At every step: no asset without its bytes, and a later sweep does what is left."""

    @pytest.mark.parametrize("step", ["before unused", "after unused", "before settle", "after settle"])
    async def test_in_the_catalogue(self, bench: Bench, step: str) -> None:
        when, name = step.split()
        originals = DyingOriginals(bench.catalog.originals, **{when: name})
        await self._die(bench, bench.removal(catalog=replace(bench.catalog, originals=originals)))

    @pytest.mark.parametrize("frees", [0, 1])
    async def test_in_the_store(self, bench: Bench, frees: int) -> None:
        """With one of two freed, too."""
        await self._die(bench, bench.removal(blobs=DyingBlobs(bench.blobs, frees)))

    async def _die(self, bench: Bench, removal: Removal) -> None:
        assets = [await bench.add(PNG + suffix) for suffix in (b"1", b"2", b"stays")]

        with pytest.raises(Died):
            await removal.delete([ref_of(asset) for asset in assets[:2]])

        assert await bench.shown() == {PNG + b"stays"}
        assert not bench.is_locked()
        again = await bench.add(PNG + b"1")
        bench.moment += GRACE + MOMENT
        await bench.removal().sweep()
        assert bench.kept() == await bench.shown() == {PNG + b"1", PNG + b"stays"}
        assert await bench.retired() == []
        await bench.removal().delete([ref_of(again)])
        assert bench.kept() == {PNG + b"stays"}

    async def test_in_a_sweep(self, bench: Bench) -> None:
        """What it was about to free is found by the next."""
        asset = await bench.add()
        await bench.replace(asset, PNG + b"new")
        bench.moment += GRACE + MOMENT

        with pytest.raises(Died):
            await bench.removal(blobs=DyingBlobs(bench.blobs, 0)).sweep()
        await bench.removal().sweep()

        assert bench.kept() == {PNG + b"new"}

    @pytest.mark.parametrize("step", ["before unused", "after unused", "before settle", "after settle"])
    async def test_what_was_sent_ahead_makes_no_asset_without_bytes(self, bench: Bench, step: str) -> None:
        """A file that was used once may be named again; where its bytes are gone it is gone, too."""
        file = await bench.send_ahead()
        asset = await bench.ingest.add_file(file.id, NewAsset(instance=PRESS, name=""))
        when, name = step.split()
        originals = DyingOriginals(bench.catalog.originals, **{when: name})
        with pytest.raises(Died):
            await bench.removal(catalog=replace(bench.catalog, originals=originals)).delete([ref_of(asset)])

        with suppress(NotFound):
            await bench.ingest.add_file(file.id, NewAsset(instance=PRESS, name=""))

        assert await bench.shown() <= {PNG}

    async def test_of_another_while_this_one_frees(self, bench: Bench) -> None:
        """What it had left to free is still in the catalogue, though this one has settled the same bytes meanwhile."""
        first, second = await bench.add(), await bench.add()

        async def delete_the_other_and_die() -> None:
            await bench.catalog.assets.delete([ref_of(second)], now=bench.moment)

        originals = InterruptedOriginals(bench.catalog.originals, interrupt=delete_the_other_and_die)
        await bench.removal(catalog=replace(bench.catalog, originals=originals)).delete([ref_of(first)])
        bench.moment += GRACE + MOMENT
        await bench.removal().sweep()

        assert bench.kept() == await bench.shown() == set()


class TestTheLock:
    async def test_while_an_original_is_kept_nothing_is_freed(self, bench: Bench) -> None:
        """In whatever process: it may be entered any moment. The asset is gone at once all the same."""
        asset = await bench.add()
        lock = bench.folder / "originals" / "lock"
        async with held_elsewhere(lock, fcntl.LOCK_SH) as release:
            deleting = asyncio.create_task(bench.removal().delete([ref_of(asset)]))
            await waited_for(lock)
            meanwhile = (await bench.catalog.assets.find(ref_of(asset)), bench.kept())
            release()
            await deleting

        assert meanwhile == (None, {PNG})
        assert bench.kept() == set()

    async def test_hundreds_of_uploads_and_deletions_wait_for_each_other_and_end(self, bench: Bench) -> None:
        """Whoever waits for the lock takes no thread that whoever has it needs: there are 40 for all."""
        doomed = [await bench.add(PNG + bytes([number])) for number in range(5)]
        removal = bench.removal()

        with anyio.fail_after(120):
            await asyncio.gather(
                *(bench.add(PNG + b"%d" % number) for number in range(150)),
                *(removal.delete([ref_of(asset)]) for asset in doomed),
            )

        assert len(bench.kept()) == 150

    async def test_uploads_go_on_beside_each_other(self, bench: Bench) -> None:
        """Those who keep do not wait for one another."""
        async with held_elsewhere(bench.folder / "originals" / "lock", fcntl.LOCK_SH):
            await bench.add()

        assert bench.kept() == {PNG}

    async def test_bytes_taken_in_while_they_are_freed_are_there(self, bench: Bench) -> None:
        """Either kept before, so that they are used, or kept anew: time after time, many at once."""
        removal = bench.removal()
        for number in range(10):
            asset = await bench.add()
            await asyncio.gather(removal.delete([ref_of(asset)]), *(bench.add() for _ in range(number % 3 + 1)))

            assert bench.kept() == await bench.shown() == {PNG}

    @pytest.mark.parametrize("work", ["delete", "sweep"])
    async def test_it_is_released(self, bench: Bench, work: str) -> None:
        """Whatever was done, also where nothing could be freed."""
        asset = await bench.add()
        await bench.replace(asset, PNG + b"new")
        bench.moment += GRACE + MOMENT
        removal = bench.removal()

        await (removal.delete([ref_of(asset)]) if work == "delete" else removal.sweep())

        assert not bench.is_locked()
