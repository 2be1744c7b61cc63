"""Who left the format to us does not wait for the one that takes long, and gets it from the next time on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest

from imgsvc.core.assets import AssetKind, AssetRef, ImageInfo
from imgsvc.core.errors import CorruptOriginal, ImgsvcError, Overloaded, Quarantined, RenderCrashed, TooManyRequests
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.negotiation import Accepted
from imgsvc.core.plan import Defaults, Plan
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import AUTO, Transform
from imgsvc.core.variant import Derivative, VariantKey, provisional_key
from imgsvc.service.delivery import Body, Delivery, Variant
from imgsvc.service.stand_ins import StandIns
from imgsvc.storage.blobs import LocalBlobs
from imgsvc.storage.derivatives import DerivativeFiles
from tests.fakes import PNG, FakeRenderer, make_asset, make_original, make_spooled
from tests.service.deliveries import delivery_of

pytestmark = pytest.mark.anyio

LONG, SHORT, NONE = 60.0, 0.01, 1e-9
"""Patience: more than a test takes, enough for an estimate of a small picture, and not enough for any."""

REF = AssetRef(AssetKind.SLUG, make_asset().slug)


@dataclass
class Hesitant(FakeRenderer):
    """Begins every AVIF, and ends none before it is released. `avif_failure` is raised of AVIFs alone.

    `refused`: the client that has asked for too much.
    """

    released: asyncio.Event = field(default_factory=asyncio.Event)
    avif_failure: ImgsvcError | None = None
    refused: str | None = None
    begun: list[VariantKey] = field(default_factory=list[VariantKey])

    def evict(self, key: VariantKey) -> None:
        """The file, and what is known of it here."""
        _, derivative = self._made.pop(key)
        self.files.path(key, derivative.format).unlink()

    async def render(
        self,
        key: VariantKey,
        original: Path,
        info: ImageInfo,
        plan: Plan,
        *,
        distrust: bool = False,
        final: bool = False,
        client: str = "",
        label: str = "",
    ) -> Derivative:
        if plan.encoding.format is Format.AVIF:
            self.begun.append(key)
            await self.released.wait()
            if self.avif_failure is not None:
                raise self.avif_failure
        if client == self.refused:
            raise TooManyRequests("This client asks for too much.")
        return await super().render(key, original, info, plan, distrust=distrust, final=final)


@dataclass
class Bench:
    renderer: Hesitant
    files: DerivativeFiles
    blobs: LocalBlobs

    def __post_init__(self) -> None:
        self.delivery = self.another()

    def another(self) -> Delivery:
        """As another process has it: nothing remembered."""
        return delivery_of(_find_nothing, blobs=self.blobs, renderer=self.renderer)

    def stand_ins(self, patience: float) -> StandIns:
        return StandIns(self.delivery, patience=patience)

    def variant(self, accepted: Accepted = Accepted.BOTH, *, width: int = 30) -> Variant:
        request = PictureRequest(ref=REF, transform=Transform(width=width, format=AUTO), accepted=accepted)
        return self.delivery.variant(make_asset(), request)

    async def ended(self, variant: Variant) -> None:
        """Its render, which is released."""
        self.renderer.released.set()
        async with asyncio.timeout(LONG):
            while self.delivery.known(variant) is None:
                await asyncio.sleep(0)
        # Who looks after it is told in the loop's next turns.
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    files = DerivativeFiles(tmp_path / "derivatives")
    return Bench(Hesitant(files=files), files, LocalBlobs(tmp_path / "originals"))


async def _find_nothing(ref: AssetRef) -> None:
    pass


def sent(body: Body) -> VariantKey:
    """Whose bytes they are."""
    assert body.derivative is not None
    return body.derivative.key


class TestLoad:
    async def test_what_is_ready_in_time_is_answered(self, bench: Bench) -> None:
        """Nothing else is rendered."""
        bench.renderer.released.set()
        variant = bench.variant()

        body = await bench.stand_ins(LONG).load(variant)

        assert (sent(body), variant.format) == (variant.key, Format.AVIF)
        assert bench.renderer.rendered == [variant.key]

    @pytest.mark.parametrize("patience", [SHORT, NONE], ids=["it took too long", "it would take too long"])
    @pytest.mark.parametrize(
        ("accepted", "instead"), [(Accepted.BOTH, Format.WEBP), (Accepted.AVIF, Format.PNG)], ids=["webp", "family"]
    )
    async def test_what_is_not_ready_is_stood_in_for(
        self, bench: Bench, patience: float, accepted: Accepted, instead: Format
    ) -> None:
        """By the very rendition that is asked for by its name; the next who asks gets what was meant."""
        stand_ins, variant = bench.stand_ins(patience), bench.variant(accepted)
        asked_for = replace(variant.transform, format=instead)
        named = bench.delivery.variant(make_asset(), PictureRequest(ref=REF, transform=asked_for))

        first = await stand_ins.load(variant)
        await bench.ended(variant)
        second = await stand_ins.load(variant)

        assert sent(first) == named.key != variant.key
        assert first.derivative is not None
        assert first.derivative.format is instead
        assert sent(second) == variant.key
        assert bench.renderer.begun == [variant.key]

    async def test_what_would_take_too_long_does_not_stand_in_the_way(self, bench: Bench) -> None:
        """It is begun when the answer is there, and ends as what lasts."""
        bench.renderer.no_pyramid = True
        bench.renderer.released.set()
        variant = bench.variant()

        body = await bench.stand_ins(NONE).load(variant)
        await bench.ended(variant)

        webp = bench.delivery.stand_in(variant)
        assert sent(body) == provisional_key(webp.key)
        assert bench.renderer.rendered == [provisional_key(webp.key), variant.key]

    async def test_what_is_there_is_never_too_late(self, bench: Bench) -> None:
        """Be it known in this process or to the renderer alone."""
        bench.renderer.released.set()
        variant = bench.variant()
        await bench.another().load(variant)

        bodies = [await bench.stand_ins(NONE).load(variant) for _ in range(2)]

        assert {sent(body) for body in bodies} == {variant.key}
        assert bench.renderer.looked_for == [[variant.key]]

    async def test_it_is_made_once_however_many_will_not_wait(self, bench: Bench) -> None:
        """One question under way of each process, in whichever of the two ways it began."""
        late, hasty, variant = bench.stand_ins(SHORT), bench.stand_ins(NONE), bench.variant()

        bodies = [await stand_ins.load(variant) for stand_ins in (late, hasty) for _ in range(3)]

        assert variant.key not in map(sent, bodies)
        await anyio.wait_all_tasks_blocked()
        assert bench.renderer.begun == [variant.key] * 2
        await bench.ended(variant)

    async def test_who_goes_away_does_not_end_it(self, bench: Bench) -> None:
        """A client that closes its connection, say."""
        stand_ins, variant = bench.stand_ins(LONG), bench.variant()
        waiting = asyncio.create_task(stand_ins.load(variant))
        while not bench.renderer.begun:
            await asyncio.sleep(0)

        waiting.cancel()
        await asyncio.wait([waiting])
        await bench.ended(variant)

        assert bench.delivery.known(variant) is not None

    async def test_a_flood_does_not_fill_the_queue_with_what_nobody_waits_for(self, bench: Bench) -> None:
        """All are answered, some begun, and the others when they are asked for again."""
        stand_ins = bench.stand_ins(NONE)
        variants = [bench.variant(width=width) for width in range(30, 50)]

        for variant in variants:
            assert sent(await stand_ins.load(variant)) != variant.key

        for _ in range(5):
            await asyncio.sleep(0)
        assert bench.renderer.begun == [variant.key for variant in variants[:8]]
        await bench.ended(variants[7])
        assert sent(await stand_ins.load(variants[0])) == variants[0].key
        await stand_ins.load(variants[19])
        await bench.ended(variants[19])

    @pytest.mark.parametrize(
        "refusal",
        [
            Overloaded("Too many pictures are being rendered."),
            TooManyRequests("This client asks for too many new renditions at once."),
            Quarantined("The original is set aside."),
        ],
    )
    async def test_what_may_not_be_made_now_is_stood_in_for(self, bench: Bench, refusal: ImgsvcError) -> None:
        """What there is, or can be made, is better than a failure; the next time it is tried again."""
        bench.renderer.released.set()
        bench.renderer.avif_failure = refusal
        stand_ins, variant = bench.stand_ins(LONG), bench.variant()

        first = await stand_ins.load(variant)
        bench.renderer.avif_failure = None
        second = await stand_ins.load(variant)

        assert sent(first) == bench.delivery.stand_in(variant).key
        assert sent(second) == variant.key

    async def test_what_one_client_has_used_up_is_not_taken_from_who_waits_with_him(self, bench: Bench) -> None:
        """Both ask for the same at the same time, the refused one first."""
        bench.renderer.refused = "greedy"
        stand_ins, variant = bench.stand_ins(LONG), bench.variant()
        greedy, modest = (asyncio.create_task(stand_ins.load(variant, client=who)) for who in ("greedy", "modest"))
        while not bench.renderer.begun:
            await asyncio.sleep(0)
        bench.renderer.released.set()

        assert sent(await modest) == variant.key
        with pytest.raises(TooManyRequests):
            await greedy

    async def test_all_that_is_made_for_a_client_is_on_his_account(self, bench: Bench) -> None:
        """What stands in, and what is made when he has it, or was sent to it."""
        bench.renderer.refused = "greedy"
        bench.renderer.released.set()
        stand_ins, variant = bench.stand_ins(NONE), bench.variant()

        with pytest.raises(TooManyRequests):
            await stand_ins.load(variant, client="greedy")
        await stand_ins.ready(variant, client="greedy")
        for _ in range(5):
            await asyncio.sleep(0)

        assert bench.renderer.begun == [variant.key]
        assert bench.renderer.rendered == []

    async def test_a_failure_of_both_is_told(self, bench: Bench) -> None:
        bench.renderer.released.set()
        bench.renderer.failure = RenderCrashed("Rendering failed.")

        with pytest.raises(RenderCrashed):
            await bench.stand_ins(LONG).load(bench.variant())

    async def test_a_failure_of_the_original_is_told(self, bench: Bench) -> None:
        """No other format mends it."""
        bench.renderer.released.set()
        bench.renderer.avif_failure = CorruptOriginal("The original cannot be decoded.")
        variant = bench.variant()
        bench.blobs.keep(make_spooled(bench.blobs.spool_path(), PNG).path, variant.asset.original.digest)

        with pytest.raises(CorruptOriginal):
            await bench.stand_ins(LONG).load(variant)

        assert bench.renderer.rendered == []

    @pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"rubbish")], ids=["evicted", "wrong"])
    async def test_a_file_that_is_not_what_it_was_is_made_again(
        self, bench: Bench, harm: Callable[[Path], object]
    ) -> None:
        """As everywhere."""
        bench.renderer.released.set()
        stand_ins, variant = bench.stand_ins(LONG), bench.variant()
        before = await stand_ins.load(variant)
        harm(bench.files.path(variant.key, Format.AVIF))

        assert await stand_ins.load(variant) == before

    @pytest.mark.parametrize("patience", [SHORT, NONE])
    async def test_an_evicted_one_is_stood_in_for(self, bench: Bench, patience: float) -> None:
        """What this process knows of it is no promise."""
        bench.renderer.released.set()
        stand_ins, variant = bench.stand_ins(patience), bench.variant()
        await bench.delivery.load(variant)
        bench.renderer.evict(variant.key)
        bench.renderer.released.clear()

        assert sent(await stand_ins.load(variant)) == bench.delivery.stand_in(variant).key

        await bench.ended(variant)

    async def test_a_provisional_one_is_asked_for_once(self, bench: Bench) -> None:
        """A second question would have its pyramid built."""
        bench.renderer.released.set()
        bench.renderer.no_pyramid = True
        variant = bench.variant()

        body = await bench.stand_ins(LONG).load(variant)

        assert sent(body) == provisional_key(variant.key)
        assert bench.renderer.asked == [variant.key]


class TestReady:
    """What a redirect points to."""

    async def test_what_will_be_ready_in_time_is_pointed_to(self, bench: Bench) -> None:
        """And not rendered."""
        variant = bench.variant()

        assert await bench.stand_ins(LONG).ready(variant) is variant
        assert bench.renderer.begun == bench.renderer.rendered == []

    async def test_what_will_not_be_is_made_and_pointed_to_the_next_time(self, bench: Bench) -> None:
        stand_ins, variant = bench.stand_ins(NONE), bench.variant()

        first = await stand_ins.ready(variant)
        await bench.ended(variant)

        assert (first.format, first.transform.format, first.instead) == (Format.WEBP, Format.WEBP, None)
        assert await stand_ins.ready(variant) is variant
        assert bench.renderer.rendered == [variant.key]

    async def test_where_nobody_can_be_asked_it_is_what_is_made_sooner(self, bench: Bench) -> None:
        """A redirect costs no render and fails for none."""
        bench.renderer.failure = RenderCrashed("The renderer is not there at the moment.")
        variant = bench.variant()

        assert (await bench.stand_ins(NONE).ready(variant)).format is Format.WEBP

    @pytest.mark.parametrize("accepted", [Accepted.WEBP, Accepted.NEITHER])
    async def test_what_nothing_stands_in_for_is_pointed_to(self, bench: Bench, accepted: Accepted) -> None:
        variant = bench.variant(accepted)

        assert await bench.stand_ins(NONE).ready(variant) is variant


class TestVariant:
    @pytest.mark.parametrize(
        ("accepted", "output"),
        [(Accepted.BOTH, Format.AVIF), (Accepted.WEBP, Format.WEBP), (Accepted.NEITHER, Format.PNG)],
    )
    async def test_it_is_the_one_that_names_the_format(self, bench: Bench, accepted: Accepted, output: Format) -> None:
        """One derivative, however it came to be asked for."""
        named = PictureRequest(ref=REF, transform=Transform(width=30, format=output))

        variant = bench.variant(accepted)

        assert variant.key == bench.delivery.variant(make_asset(), named).key
        assert (variant.format, variant.transform.format) == (output, output)

    async def test_what_is_saved_is_waited_for(self, bench: Bench) -> None:
        """Nobody looks at it meanwhile, and its name says the format."""
        request = PictureRequest(
            ref=REF, transform=Transform(width=30, format=AUTO), accepted=Accepted.BOTH, download=True
        )

        variant = bench.delivery.variant(make_asset(), request)

        assert (variant.format, variant.instead) == (Format.AVIF, None)

    async def test_an_extension_goes_before_a_presets_negotiation(self, bench: Bench) -> None:
        request = PictureRequest(
            ref=REF, transform=Transform(width=30, format=AUTO), accepted=Accepted.BOTH, extension=Format.PNG
        )

        assert not request.is_negotiated
        assert bench.delivery.variant(make_asset(), request).format is Format.PNG

    async def test_an_opaque_ground_needs_no_alpha(self, bench: Bench) -> None:
        """What lies under it counts for the choice."""
        info = ImageInfo(format=Format.TIFF, size=Size(60, 40), has_alpha=True)
        asset = make_asset(original=make_original(info=info))

        formats = [
            bench.delivery.variant(asset, PictureRequest(ref=REF, transform=transform)).format
            for transform in (Transform(format=AUTO), Transform(format=AUTO, background=Defaults().background))
        ]

        assert formats == [Format.PNG, Format.JPEG]
