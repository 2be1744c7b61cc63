"""Delivery: identified without a file, loaded with as few renders as can be, and never a wrong byte."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from imgsvc.catalog.base import Catalog
from imgsvc.catalog.sql import open_catalog
from imgsvc.core.assets import Asset, AssetKind, AssetRef, Digest, ImageInfo, Instance, NewAsset, Original
from imgsvc.core.errors import (
    NotAnImage,
    NotFound,
    NotPermitted,
    OriginalLost,
    Overloaded,
    RenderCrashed,
    StoreFailure,
    TooManyPixels,
)
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import Metadata, Transform
from imgsvc.core.variant import VariantKey, provisional_key
from imgsvc.service.delivery import SMALL, Delivery, Variant
from imgsvc.service.ingest import Ingest
from imgsvc.storage.blobs import LocalBlobs
from imgsvc.storage.derivatives import DerivativeFiles
from tests.fakes import (
    NOON,
    PNG,
    FakeRenderer,
    make_asset,
    make_file,
    make_original,
    make_spooled,
    provisional_rendition_of,
    rendition_of,
)
from tests.service.deliveries import delivery_of

pytestmark = pytest.mark.anyio

NARROW = Transform(width=30)
PDF = b"%PDF-1.7 and more"


def asked_by_slug() -> PictureRequest:
    """Of the asset of `make_asset`, as it came."""
    return PictureRequest(ref=AssetRef(AssetKind.SLUG, make_asset().slug), transform=Transform())


@dataclass
class Bench:
    """A Delivery and what it works with; one asset is in the library."""

    delivery: Delivery
    renderer: FakeRenderer
    files: DerivativeFiles
    blobs: LocalBlobs
    catalog: Catalog
    asset: Asset

    def asked(self, transform: Transform = NARROW) -> PictureRequest:
        return PictureRequest(ref=AssetRef(AssetKind.SLUG, self.asset.slug), transform=transform)

    async def identified(self, transform: Transform = NARROW) -> Variant:
        return await self.delivery.identify(self.asked(transform))

    def file_of(self, variant: Variant) -> Path:
        assert variant.format is not None
        return self.files.path(variant.key, variant.format)

    async def kept(self, data: bytes) -> Original:
        """Of a file whose bytes are in the store."""
        original = make_file(data)
        self.blobs.keep(make_spooled(self.blobs.spool_path(), data).path, original.digest)
        return original

    async def show(self, original: Original) -> None:
        """From now on, in place of what the asset showed before."""
        ref = AssetRef(AssetKind.SLUG, self.asset.slug)
        await self.catalog.assets.change({ref: lambda asset: replace(asset, original=original)}, by=0, now=NOON)

    def another(self, *, strip_originals: bool = False, revision: str = "1") -> Delivery:
        """As another process has it: the same library, nothing remembered."""
        return delivery_of(
            self.catalog.assets.find,
            blobs=self.blobs,
            renderer=self.renderer,
            files=DerivativeFiles(self.files.path(VariantKey("0" * 32), Format.PNG).parents[2]),
            revision=revision,
            strip_originals=strip_originals,
        )


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    files, blobs = DerivativeFiles(tmp_path / "derivatives"), LocalBlobs(tmp_path / "originals")
    renderer = FakeRenderer(files=files)
    async with open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}", changed=lambda *_: None) as catalog:
        ingest = Ingest(catalog=catalog, blobs=blobs, prober=renderer, now=lambda: NOON)
        asset = await ingest.add(
            make_spooled(blobs.spool_path(), PNG), NewAsset(instance=Instance("shop"), name="shirt.png")
        )
        delivery = delivery_of(catalog.assets.find, blobs=blobs, renderer=renderer)
        yield Bench(delivery, renderer, files, blobs, catalog, asset)


class TestIdentify:
    async def test_it_touches_no_file_and_renders_nothing(self, bench: Bench) -> None:
        """So that 303 and 304 cost no pixel."""
        bench.blobs.local_path(bench.asset.original.digest).unlink()

        variant = await bench.identified()

        assert variant.asset == bench.asset
        assert variant.format is Format.PNG
        assert bench.renderer.asked == []

    async def test_asking_for_nothing_is_asking_for_the_original(self, bench: Bench) -> None:
        variant = await bench.identified(Transform())

        assert variant.plan is None
        assert variant.key == bench.asset.original.digest[:32]

    async def test_an_extension_of_another_format_asks_for_a_rendition(self, bench: Bench) -> None:
        """And the original's own for the original."""
        as_webp = await bench.delivery.identify(replace(bench.asked(Transform()), extension=Format.WEBP))
        as_png = await bench.delivery.identify(replace(bench.asked(Transform()), extension=Format.PNG))

        assert (as_webp.format, as_webp.plan is None) == (Format.WEBP, False)
        assert (as_png.format, as_png.plan is None) == (Format.PNG, True)

    async def test_a_key_says_the_original_the_plan_and_the_renderer(self, bench: Bench) -> None:
        """It changes with each of them."""
        keys = {
            (await bench.identified()).key,
            (await bench.identified(Transform(width=31))).key,
            (await bench.another(revision="2").identify(bench.asked())).key,
        }
        await bench.show(replace(bench.asset.original, digest=Digest("f" * 64)))
        keys.add((await bench.identified()).key)

        assert len(keys) == 4

    async def test_the_transform_names_its_format(self, bench: Bench) -> None:
        """A canonical URL made of it says all by itself."""
        assert (await bench.identified()).transform.format is Format.PNG

    async def test_an_asset_that_is_not_there_is_not_found(self, bench: Bench) -> None:
        ref = AssetRef(AssetKind.GUID, "00000000-0000-4000-8000-000000000000")

        with pytest.raises(NotFound):
            await bench.delivery.identify(PictureRequest(ref=ref, transform=NARROW))

    async def test_more_than_is_made_is_refused(self, bench: Bench) -> None:
        """Before anything is read."""
        tall = replace(bench.asset.original, info=ImageInfo(format=Format.PNG, size=Size(1, 9000)))
        await bench.show(replace(tall, digest=Digest("e" * 64)))

        with pytest.raises(TooManyPixels):
            await bench.identified(Transform(format=Format.WEBP))

    async def test_metadata_is_refused_where_originals_are_stripped(self, bench: Bench) -> None:
        """Whatever else is asked for."""
        stripping = bench.another(strip_originals=True)

        with pytest.raises(NotPermitted):
            await stripping.identify(bench.asked(Transform(metadata=Metadata.KEEP)))
        assert (await stripping.identify(bench.asked(Transform()))).plan is not None

    async def test_what_was_planned_for_one_is_not_anothers(self, bench: Bench) -> None:
        """Pictures of the same header share what follows from it, and not what follows from their bytes."""
        info = ImageInfo(format=Format.JPEG, size=Size(600, 400))
        request = PictureRequest(ref=asked_by_slug().ref, transform=Transform(quality=60))
        lengths = (1000, 2000, 1000)

        variants = [
            bench.delivery.variant(make_asset(original=make_original(bytes(length), info=info)), request)
            for length in lengths
        ]

        assert [variant.plan and variant.plan.max_bytes for variant in variants] == list(lengths)
        assert variants[0].key == variants[2].key != variants[1].key


class TestFiles:
    """Originals that are no pictures."""

    async def test_a_file_is_given_as_it_came(self, bench: Bench) -> None:
        """Of its own media type, and nobody renders."""
        variant = bench.delivery.variant(make_asset("chart.pdf", original=await bench.kept(PDF)), asked_by_slug())

        body = await bench.delivery.load(variant)

        assert (variant.plan, variant.format, variant.media_type) == (None, None, "application/pdf")
        assert body.data == PDF
        assert bench.renderer.asked == []

    @pytest.mark.parametrize(
        "request_",
        [
            PictureRequest(ref=asked_by_slug().ref, transform=NARROW),
            PictureRequest(ref=asked_by_slug().ref, transform=Transform(), extension=Format.PNG),
            PictureRequest(ref=asked_by_slug().ref, transform=Transform(), redirect=True),
        ],
        ids=["transform", "extension", "redirect"],
    )
    async def test_nothing_is_drawn_of_a_file(self, bench: Bench, request_: PictureRequest) -> None:
        """A size or a format can be asked of pictures alone."""
        with pytest.raises(NotAnImage):
            bench.delivery.variant(make_asset("chart.pdf", original=make_file(PDF)), request_)

    async def test_a_file_is_given_where_originals_are_stripped(self, bench: Bench) -> None:
        """Nobody knows how to take metadata out of it; but metadata cannot be asked for."""
        stripping, asset = bench.another(strip_originals=True), make_asset("chart.pdf", original=make_file(PDF))

        assert stripping.variant(asset, asked_by_slug()).plan is None
        with pytest.raises(NotPermitted):
            stripping.variant(asset, replace(asked_by_slug(), transform=Transform(metadata=Metadata.KEEP)))


class TestLook:
    async def test_what_is_rendered_already_is_told_and_nothing_is_rendered(self, bench: Bench) -> None:
        """In the order asked, some twice, of an original's bytes nothing; in one question."""
        made, other = await bench.identified(), await bench.identified(Transform(width=31))
        original = await bench.identified(Transform())
        body = await bench.delivery.load(made)
        delivery = bench.another()

        looked = await delivery.look([other, made, original, made])

        assert looked == [None, body.derivative, None, body.derivative]
        assert len(bench.renderer.looked_for) == 1
        assert bench.renderer.rendered == [made.key]

    async def test_what_was_told_is_not_asked_for_again(self, bench: Bench) -> None:
        """Loading it afterwards takes the file as it is."""
        made = await bench.identified()
        await bench.delivery.load(made)
        delivery = bench.another()
        await delivery.look([made])
        bench.renderer.asked.clear()

        assert (await delivery.load(made)).data is not None

        assert bench.renderer.asked == []

    @pytest.mark.parametrize("transforms", [[], [Transform()]], ids=["nothing", "an original"])
    async def test_where_nothing_can_be_rendered_nobody_is_asked(
        self, bench: Bench, transforms: list[Transform]
    ) -> None:
        variants = [await bench.identified(transform) for transform in transforms]

        assert await bench.delivery.look(variants) == [None] * len(variants)

        assert bench.renderer.looked_for == []

    async def test_the_renderers_failure_is_passed_on(self, bench: Bench) -> None:
        bench.renderer.failure = RenderCrashed("The renderer is not there at the moment.")

        with pytest.raises(RenderCrashed):
            await bench.delivery.look([await bench.identified()])


class TestLoad:
    async def test_it_is_rendered_once_and_then_found(self, bench: Bench) -> None:
        """What this process has been told is not asked again."""
        variant = await bench.identified()
        assert variant.plan is not None

        bodies = [await bench.delivery.load(variant) for _ in range(3)]

        assert {body.data for body in bodies} == {rendition_of(variant.plan)}
        assert bench.renderer.asked == bench.renderer.rendered == [variant.key]

    async def test_another_process_finds_it(self, bench: Bench) -> None:
        """It asks once, and nothing is rendered again."""
        variant = await bench.identified()
        await bench.delivery.load(variant)

        body = await bench.another().load(variant)

        assert body.derivative is not None
        assert bench.renderer.asked == [variant.key] * 2
        assert bench.renderer.rendered == [variant.key]

    async def test_what_was_evicted_is_made_again(self, bench: Bench) -> None:
        variant = await bench.identified()
        before = await bench.delivery.load(variant)
        bench.file_of(variant).unlink()

        after = await bench.delivery.load(variant)

        assert after == before
        assert bench.renderer.distrusted == []

    async def test_what_is_wrong_on_disk_is_made_again(self, bench: Bench) -> None:
        """The renderer trusts its index, so it is told not to."""
        variant = await bench.identified()
        before = await bench.delivery.load(variant)
        bench.file_of(variant).write_bytes(b"rubbish")

        after = await bench.delivery.load(variant)

        assert after == before
        assert bench.renderer.distrusted == [variant.key]

    async def test_what_is_stale_is_answered_and_not_remembered(self, bench: Bench) -> None:
        """So the next request gets what has been made meanwhile."""
        variant = await bench.identified()
        fresh = (await bench.delivery.load(variant)).derivative
        assert fresh is not None
        other = bench.another()
        bench.renderer.stale = [replace(fresh, stale=True)]

        first, second = [(await other.load(variant)).derivative for _ in range(2)]

        assert (first, second) == (replace(fresh, stale=True), fresh)
        assert other.known(variant) == fresh

    async def test_what_was_made_again_before_it_was_read_is_not_distrusted(self, bench: Bench) -> None:
        """Its file is not the one that was stale."""
        variant = await bench.identified()
        before = await bench.delivery.load(variant)
        assert before.derivative is not None
        bench.renderer.stale = [replace(before.derivative, crc32=0, stale=True)]

        after = await bench.another().load(variant)

        assert after == before
        assert bench.renderer.distrusted == []

    async def test_what_cannot_be_read_back_is_a_failure_of_the_store(self, bench: Bench) -> None:
        """After some looks, not an endless loop."""
        bench.renderer.before_answering = Path.unlink
        variant = await bench.identified()

        with pytest.raises(StoreFailure, match="cannot be read back"):
            await bench.delivery.load(variant)

        assert len(bench.renderer.asked) == 6

    async def test_what_is_evicted_again_and_again_is_asked_for_again(self, bench: Bench) -> None:
        """A cache that holds hardly one loses it to others before it is read."""
        evicted: list[Path] = []

        def evict(path: Path) -> None:
            if len(evicted) < 4:
                evicted.append(path)
                path.unlink()

        bench.renderer.before_answering = evict
        variant = await bench.identified()

        body = await bench.delivery.load(variant)

        assert body.data is not None
        assert len(bench.renderer.asked) == 5

    async def test_the_renderers_failure_is_passed_on(self, bench: Bench) -> None:
        """And nothing is remembered of it."""
        variant = await bench.identified()
        bench.renderer.failure = Overloaded("Too many pictures are being rendered.")
        with pytest.raises(Overloaded):
            await bench.delivery.load(variant)
        bench.renderer.failure = None

        assert (await bench.delivery.load(variant)).data is not None

    async def test_an_original_is_given_as_it_came(self, bench: Bench) -> None:
        """And nobody is asked."""
        body = await bench.delivery.load(await bench.identified(Transform()))

        assert (body.data, body.length, body.derivative) == (PNG, len(PNG), None)
        assert bench.renderer.asked == []

    @pytest.mark.parametrize("more", [0, 1])
    async def test_what_is_large_is_not_held_in_memory(self, bench: Bench, tmp_path: Path, more: int) -> None:
        """Above the bound there is an open file to stream from."""
        data = PNG + bytes(SMALL - len(PNG) + more)
        ingest = Ingest(catalog=bench.catalog, blobs=bench.blobs, prober=bench.renderer, now=lambda: NOON)
        ref = AssetRef(AssetKind.SLUG, bench.asset.slug)
        await ingest.replace(ref, make_spooled(bench.blobs.spool_path(), data), "shirt.png")

        body = await bench.delivery.load(await bench.identified(Transform()))

        assert body.length == len(data)
        assert (body.data is None) == bool(more)
        assert (body.data or (body.file and body.file.read())) == data
        body.close()

    @pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(PNG[:-1])], ids=["gone", "cut"])
    async def test_an_original_that_is_not_whole_is_not_given(self, bench: Bench, harm: object) -> None:
        """503: somebody has to look after the disk."""
        assert callable(harm)
        harm(bench.blobs.local_path(bench.asset.original.digest))

        with pytest.raises(StoreFailure):
            await bench.delivery.load(await bench.identified(Transform()))


@pytest.mark.parametrize("transform", [NARROW, Transform()])
async def test_what_was_deleted_before_it_was_rendered_is_not_found(bench: Bench, transform: Transform) -> None:
    """Its original went with it; while the asset is there a missing original is the store's fault."""
    variant = await bench.identified(transform)
    bench.blobs.free(bench.asset.original.digest)
    bench.renderer.failure = OriginalLost("The original cannot be read at the moment.")

    with pytest.raises(OriginalLost):
        await bench.delivery.load(variant)
    await bench.catalog.assets.delete([AssetRef(AssetKind.SLUG, bench.asset.slug)], now=NOON)
    with pytest.raises(NotFound):
        await bench.delivery.load(variant)


class TestProvisional:
    """The renderer has no pyramid of the original yet."""

    async def test_what_is_provisional_says_so_and_is_not_remembered(self, bench: Bench) -> None:
        """By its key; the renderer is asked each time whether there is better."""
        bench.renderer.no_pyramid = True
        variant = await bench.identified()
        assert variant.plan is not None

        bodies = [await bench.delivery.load(variant) for _ in range(2)]

        assert [body.derivative and body.derivative.key for body in bodies] == [provisional_key(variant.key)] * 2
        assert {body.data for body in bodies} == {provisional_rendition_of(variant.plan)}
        assert bench.renderer.asked == [variant.key] * 2

    async def test_what_became_final_is_given_from_the_next_time_on(self, bench: Bench) -> None:
        """And is remembered as ever."""
        bench.renderer.no_pyramid = True
        variant = await bench.identified()
        assert variant.plan is not None
        await bench.delivery.load(variant)
        bench.renderer.no_pyramid = False

        bodies = [await bench.delivery.load(variant) for _ in range(3)]

        assert [body.derivative and body.derivative.key for body in bodies] == [variant.key] * 3
        assert {body.data for body in bodies} == {rendition_of(variant.plan)}
        assert bench.renderer.asked == [variant.key] * 2

    async def test_what_is_final_stays_final(self, bench: Bench) -> None:
        """Also where another process has been told of the provisional one, and whatever became of the pyramid."""
        another = bench.another()
        bench.renderer.no_pyramid = True
        variant = await bench.identified()
        await another.load(variant)
        await bench.delivery.load(variant, final=True)

        bodies = [await delivery.load(variant) for delivery in (bench.delivery, another)]

        assert [body.derivative and body.derivative.key for body in bodies] == [variant.key] * 2

    async def test_who_wants_it_final_gets_it_final(self, bench: Bench) -> None:
        """Each time it is looked for, also where what is on disk was wrong."""
        bench.renderer.no_pyramid = True
        variant = await bench.identified()
        assert variant.plan is not None
        bench.file_of(variant).parent.mkdir(parents=True)
        bench.file_of(variant).write_bytes(b"rubbish")

        body = await bench.delivery.load(variant, final=True)

        assert body.data == rendition_of(variant.plan)
        assert bench.renderer.distrusted == [variant.key]

    async def test_a_provisional_file_that_is_wrong_on_disk_is_made_again(self, bench: Bench) -> None:
        bench.renderer.no_pyramid = True
        variant = await bench.identified()
        assert variant.plan is not None
        before = await bench.delivery.load(variant)
        bench.files.path(provisional_key(variant.key), Format.PNG).write_bytes(b"rubbish")

        after = await bench.delivery.load(variant)

        assert after == before
        assert bench.renderer.distrusted == [variant.key]

    async def test_what_is_provisional_is_not_there_yet(self, bench: Bench) -> None:
        """For an archive that promises its length."""
        bench.renderer.no_pyramid = True
        variant = await bench.identified()
        await bench.delivery.load(variant)

        assert await bench.delivery.look([variant]) == [None]
