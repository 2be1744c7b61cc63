"""One render per key, a queue with an end, and no question that brings the broker down."""

import asyncio
import os
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import msgspec
import pytest

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import (
    CorruptOriginal,
    OriginalLost,
    Overloaded,
    Quarantined,
    RenderCrashed,
    StoreFailure,
    TooManyPixels,
    TooManyRequests,
)
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.harm import Harm
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Plan, make_plan
from imgsvc.core.pyramid import choose_level, levels_of
from imgsvc.core.transform import Metadata, Transform
from imgsvc.core.variant import Derivative, provisional_key
from imgsvc.render.client import BrokerClient
from imgsvc.render.messages import LENGTH, MAX_LENGTH, Failed, Question, Wanted, frame
from tests.originals import COLOURS, close_to, corners, decode, jpeg, png, truncated
from tests.render.darkroom import HeldOriginal, until
from tests.render.desks import DATA, INFO, Desk, key, open_desk, resizing, stripping
from tests.servers import poll
from tests.strategies import original_of

pytestmark = pytest.mark.anyio

LARGE = jpeg(1600, 1200)
"""Fits into a pipe; its levels are of 800 x 600 and 400 x 300 px."""

LARGE_INFO = ImageInfo(format=Format.JPEG, size=Size(1600, 1200))
CLEAR_INFO = ImageInfo(format=Format.PNG, size=Size(1600, 1200), has_alpha=True)


async def test_a_derivative_is_made_and_stored(folder: Path, whole: Path) -> None:
    async with open_desk(folder) as desk, desk.client() as client:
        derivative = await client.render(key("a"), whole, INFO, resizing(100))

        assert (derivative.key, derivative.format, derivative.size) == (key("a"), Format.PNG, Size(100, 75))
        assert desk.files.read(derivative) is not None
        assert desk.observed == ["rendered"]


async def test_what_is_stored_is_found(folder: Path, whole: Path) -> None:
    """No second render."""
    async with open_desk(folder) as desk, desk.client() as client:
        first = await client.render(key("a"), whole, INFO, resizing(100))
        second = await client.render(key("a"), whole, INFO, resizing(100))

    assert first == second
    assert desk.observed == ["rendered"]


async def test_what_is_stored_outlives_the_broker(folder: Path, whole: Path) -> None:
    async with open_desk(folder) as desk, desk.client() as client:
        first = await client.render(key("a"), whole, INFO, resizing(100))

    async with open_desk(folder) as desk, desk.client() as client:
        second = await client.render(key("a"), whole, INFO, resizing(100))

    assert first == second
    assert desk.observed == []


async def test_a_hundred_who_ask_at_once_are_answered_by_one_render(folder: Path, tmp_path: Path) -> None:
    """Over four connections, as server processes have them; all hundred wait while it is made."""
    held = HeldOriginal(tmp_path / "held")

    async with open_desk(folder, workers=2) as desk, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(desk.client()) for _ in range(4)]
        asked = [asyncio.create_task(clients[n % 4].render(key("a"), held.path, INFO, stripping())) for n in range(100)]
        await held.reached()
        await anyio.wait_all_tasks_blocked()
        held.release(DATA)
        derivatives = await asyncio.gather(*asked)

    assert len(set(derivatives)) == 1
    assert desk.observed == ["rendered"]


async def test_what_went_with_its_folder_is_made_again(folder: Path, tmp_path: Path) -> None:
    """It was written and not yet entered when somebody took the cache away."""
    held, scratch = HeldOriginal(tmp_path / "held"), folder / "cache" / "scratch"

    async with open_desk(folder) as desk, desk.client() as client:
        asked = asyncio.create_task(client.render(key("a"), held.path, INFO, stripping()))
        await held.reached()
        held.release(DATA)
        # The broker runs in this thread and hears of it later.
        poll(lambda: [path.stat().st_size for path in scratch.iterdir()] == [len(DATA)], for_what="the file")
        (folder / "cache").rename(folder / "away")
        held.path.unlink()
        held.path.write_bytes(DATA)
        derivative = await asked

        assert desk.files.read(derivative) == DATA
    assert desk.observed == ["rendered"]


async def test_who_goes_away_does_not_end_it_for_the_others(folder: Path, tmp_path: Path) -> None:
    held = HeldOriginal(tmp_path / "held")

    async with open_desk(folder) as desk, desk.client() as staying:
        async with desk.client() as leaving:
            first = asyncio.create_task(leaving.render(key("a"), held.path, INFO, stripping()))
            await held.reached()
            second = asyncio.create_task(staying.render(key("a"), held.path, INFO, stripping()))
            await anyio.wait_all_tasks_blocked()
            first.cancel()
        held.release(DATA)

        assert (await second).length == len(DATA)
    assert desk.observed == ["rendered"]


async def test_a_failure_reaches_everyone_who_waits_and_is_not_kept(folder: Path, tmp_path: Path) -> None:
    """Asked again with a sound file, it works."""
    held = HeldOriginal(tmp_path / "held")
    original = tmp_path / "original"
    original.write_bytes(truncated(DATA))

    async with open_desk(folder) as desk, desk.client() as client:
        before = asyncio.create_task(client.render(key("b"), held.path, INFO, stripping()))
        await held.reached()
        asked = [asyncio.create_task(client.render(key("a"), original, INFO, resizing(100))) for _ in range(5)]
        await anyio.wait_all_tasks_blocked()
        held.release(DATA)
        failures = await asyncio.gather(*asked, return_exceptions=True)
        await before
        original.write_bytes(DATA)
        derivative = await client.render(key("a"), original, INFO, resizing(100))

    assert [type(failure) for failure in failures] == [CorruptOriginal] * 5
    assert derivative.size == Size(100, 75)
    assert desk.observed == ["rendered", "CorruptOriginal", "rendered"]


async def test_one_more_than_the_queue_holds_is_refused(folder: Path, tmp_path: Path, whole: Path) -> None:
    """With the seconds after which to come again; who asks for a key that is under way is not one more."""
    held = [HeldOriginal(tmp_path / str(n)) for n in range(2)]

    async with open_desk(folder, queue_bound=2) as desk, desk.client() as client:
        asked = [
            asyncio.create_task(client.render(key(str(n)), one.path, INFO, stripping())) for n, one in enumerate(held)
        ]
        await held[0].reached()
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(Overloaded) as refused:
            await client.render(key("c"), whole, INFO, stripping())
        with pytest.raises(Overloaded):
            await client.probe(whole, Format.JPEG)
        again = asyncio.create_task(client.render(key("0"), held[0].path, INFO, stripping()))
        await anyio.wait_all_tasks_blocked()
        held[0].release(DATA)
        await held[1].reached()
        held[1].release(DATA)
        await asyncio.gather(*asked, again)
        afterwards = await client.render(key("c"), whole, INFO, stripping())

    assert refused.value.retry_after >= 1
    assert afterwards.length == len(DATA)
    assert desk.observed == ["rendered"] * 3


async def test_the_next_larger_one_will_do_while_the_queue_is_full(folder: Path, tmp_path: Path, whole: Path) -> None:
    """Of those that show the same; whoever needs what lasts is refused, and later gets his own."""
    held = HeldOriginal(tmp_path / "held")

    async with open_desk(folder, queue_bound=1) as desk, desk.client() as client:
        for width in (100, 300, 200):
            await client.render(key(str(width)), whole, INFO, resizing(width))
        asked = asyncio.create_task(client.render(key("held"), held.path, INFO, stripping()))
        await held.reached()
        instead = await client.render(key("150"), whole, INFO, resizing(150))
        for name, plan, final in (("150", resizing(150), True), ("350", resizing(350), False)):
            with pytest.raises(Overloaded):
                await client.render(key(name), whole, INFO, plan, final=final)
        held.release(DATA)
        await asked
        own = await client.render(key("150"), whole, INFO, resizing(150))

    assert (instead.key, instead.size) == (key("200"), Size(200, 150))
    assert (own.key, own.size) == (key("150"), Size(150, 113))
    assert desk.observed == ["rendered"] * 3 + ["larger", "rendered", "rendered"]


async def test_a_hit_is_answered_while_the_queue_is_full(folder: Path, tmp_path: Path, whole: Path) -> None:
    held = HeldOriginal(tmp_path / "held")

    async with open_desk(folder, queue_bound=1) as desk, desk.client() as client:
        stored = await client.render(key("a"), whole, INFO, stripping())
        under_way = asyncio.create_task(client.render(key("b"), held.path, INFO, stripping()))
        await held.reached()
        found = await client.render(key("a"), whole, INFO, stripping())
        held.release(DATA)
        await under_way

    assert found == stored


async def test_a_distrusted_derivative_is_made_again(folder: Path, whole: Path) -> None:
    """One bit of the stored file has turned."""
    async with open_desk(folder) as desk, desk.client() as client:
        derivative = await client.render(key("a"), whole, INFO, resizing(100))
        path = desk.files.path(derivative.key, derivative.format)
        data = bytearray(path.read_bytes())
        data[50] ^= 1
        path.write_bytes(data)
        assert desk.files.read(derivative) is None

        again = await client.render(key("a"), whole, INFO, resizing(100), distrust=True)

        assert again == derivative
        assert desk.files.read(again) is not None
        assert desk.observed == ["rendered"] * 2


async def test_a_derivative_whose_file_is_gone_is_made_again(folder: Path, whole: Path) -> None:
    async with open_desk(folder) as desk, desk.client() as client:
        derivative = await client.render(key("a"), whole, INFO, resizing(100))
        desk.files.path(derivative.key, derivative.format).unlink()

        again = await client.render(key("a"), whole, INFO, resizing(100))

        assert desk.files.read(again) is not None


async def test_probes_are_answered(folder: Path, whole: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(truncated(DATA))

    async with open_desk(folder) as desk, desk.client() as client:
        assert await client.probe(whole, Format.JPEG) == INFO
        with pytest.raises(CorruptOriginal):
            await client.probe(broken, Format.JPEG)
        async with BrokerClient(desk.socket, limits=Limits(pixels=5), deadline=30) as strict:
            with pytest.raises(TooManyPixels):
                await strict.probe(whole, Format.JPEG)


async def test_what_is_there_is_told_without_a_render(folder: Path, whole: Path) -> None:
    """In the order asked, some twice, more than one frame's worth; nothing is rendered."""
    async with open_desk(folder) as desk, desk.client() as client:
        made = [await client.render(key(name), whole, INFO, resizing(100 + number)) for number, name in enumerate("ab")]
        keys = [key("nobody"), key("b"), *(key(str(number)) for number in range(1200)), key("a"), key("b")]

        found = await client.find(keys)

        assert found == [None, made[1], *[None] * 1200, made[0], made[1]]
        assert await client.find([]) == []
        assert desk.observed == ["rendered"] * 2


async def test_a_look_is_answered_while_a_render_is_waited_for(folder: Path, whole: Path, tmp_path: Path) -> None:
    """What is under way is not there yet."""
    held = HeldOriginal(tmp_path / "held")
    async with open_desk(folder) as desk, desk.client() as client:
        rendering = asyncio.create_task(client.render(key("a"), held.path, INFO, stripping()))
        await held.reached()

        assert await client.find([key("a")]) == [None]

        held.release(DATA)
        assert await client.find([(await rendering).key]) == [await rendering]


async def test_all_that_was_made_from_an_original_is_forgotten(folder: Path, whole: Path, tmp_path: Path) -> None:
    """By its name, wherever it lies; what was made from another stays. Asked for again, it is made again."""
    other, moved = tmp_path / "other.jpg", tmp_path / "elsewhere" / "whole.jpg"
    other.write_bytes(DATA)
    async with open_desk(folder) as desk, desk.client() as client:
        made = [await client.render(key(name), whole, INFO, resizing(100 + number)) for number, name in enumerate("ab")]
        stays = await client.render(key("c"), other, INFO, resizing(100))

        told = [await client.forget(path) for path in (moved, moved, tmp_path / "never.jpg")]
        found = await client.find([key("a"), key("b"), key("c")])
        again = await client.render(key("a"), whole, INFO, resizing(100))

    assert told == [2, 0, 0]
    assert found == [None, None, stays]
    assert again == made[0]
    assert desk.observed == ["rendered"] * 4


async def test_what_is_rendered_while_its_original_is_freed_is_not_kept(folder: Path, tmp_path: Path) -> None:
    """It would never be forgotten. Whoever waited for it is told."""
    held = HeldOriginal(tmp_path / "held")
    async with open_desk(folder) as desk, desk.client() as client:
        rendering = asyncio.create_task(client.render(key("a"), held.path, INFO, stripping()))
        await held.reached()
        held.path.unlink()
        told = await client.forget(held.path)
        held.release(DATA)
        with pytest.raises(OriginalLost):
            await rendering

        assert told == 0
        assert await client.find([key("a")]) == [None]
        assert not desk.files.path(key("a"), INFO.format).exists()


async def test_no_scratch_file_stays(folder: Path, whole: Path, tmp_path: Path) -> None:
    """Neither of what was made nor of what failed."""
    broken = tmp_path / "broken"
    broken.write_bytes(truncated(DATA))

    async with open_desk(folder) as desk, desk.client() as client:
        await client.render(key("a"), whole, INFO, resizing(100))
        with pytest.raises(CorruptOriginal):
            await client.render(key("b"), broken, INFO, resizing(100))

        assert list((folder / "cache" / "scratch").iterdir()) == []


async def test_a_store_that_cannot_be_written_is_said_so(folder: Path, whole: Path) -> None:
    async with open_desk(folder) as desk, desk.client() as client:
        (folder / "cache").rename(folder / "away")
        (folder / "cache").touch()

        with pytest.raises(StoreFailure):
            await client.render(key("a"), whole, INFO, resizing(100))


async def test_what_could_not_be_written_is_made_again_when_it_can_be(folder: Path, whole: Path) -> None:
    """The cache mends itself before anybody is told that it is broken."""
    async with open_desk(folder) as desk, desk.client() as client:
        (folder / "cache" / "scratch").rmdir()

        derivative = await client.render(key("a"), whole, INFO, resizing(100))

        assert desk.files.read(derivative) is not None


async def test_the_socket_is_its_owners_alone(folder: Path) -> None:
    async with open_desk(folder) as desk:
        mode = stat.S_IMODE(desk.socket.stat().st_mode)

    assert mode == 0o600


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.jpg"
    path.write_bytes(LARGE)
    return path


def reducing(width: int, info: ImageInfo = LARGE_INFO) -> Plan:
    """A plan that a level serves."""
    plan = make_plan(original_of(info), Transform(width=width, format=Format.PNG), defaults=Defaults(), limits=Limits())
    assert choose_level(info, plan) is not None
    return plan


async def ask(client: BrokerClient, name: str, path: Path, width: int = 300, *, final: bool = False) -> Derivative:
    return await client.render(key(name), path, LARGE_INFO, reducing(width), final=final)


def shown(desk: Desk, derivative: Derivative) -> bytes:
    """Its bytes, which show what the original does."""
    data = desk.files.read(derivative)
    assert data is not None
    picture = decode(data)
    assert (picture.width, picture.height) == derivative.size
    assert all(close_to(one[:3], colour) for one, colour in zip(corners(picture), COLOURS, strict=True))
    return data


def level_files(folder: Path) -> list[Path]:
    return sorted((folder / "pyramids").glob("??/??/*"))


async def has_observed(desk: Desk, outcome: str, count: int = 1) -> None:
    async def observed() -> bool:
        return desk.observed.count(outcome) >= count

    await until(observed)


class TestPyramids:
    async def test_the_first_answer_is_provisional(self, folder: Path, large: Path) -> None:
        """Under a key of its own: nobody may take its bytes for the variant's. No pyramid is built for one question."""
        async with open_desk(folder) as desk, desk.client() as client:
            derivative = await ask(client, "a", large)

            assert derivative.key == provisional_key(key("a")) != key("a")
            assert derivative.size == Size(300, 225)
            shown(desk, derivative)
            assert await client.find([key("a")]) == [None]
        assert desk.observed == ["provisional"]

    async def test_an_original_asked_about_again_has_its_pyramid_built(self, folder: Path, large: Path) -> None:
        """Whoever asks for another rendition waits for it, once; from then on all are final."""
        async with open_desk(folder) as desk, desk.client() as client:
            await ask(client, "a", large)
            second = await ask(client, "b", large, 200)
            third = await ask(client, "c", large, 100)
            again = await ask(client, "a", large)

            assert [one.key for one in (second, third, again)] == [key("b"), key("c"), key("a")]
            for one in (second, third, again):
                shown(desk, one)
        assert desk.observed == ["provisional", "built", *["rendered"] * 3]

    async def test_a_provisional_answer_asked_for_again_is_soon_final(self, folder: Path, large: Path) -> None:
        """It is given once more at no cost, and its original's pyramid is built in the next quiet moment."""
        async with open_desk(folder) as desk, desk.client() as client:
            first = await ask(client, "a", large)
            second = await ask(client, "a", large)
            await has_observed(desk, "built")
            third = await ask(client, "a", large)

            assert first == second
            assert third.key == key("a")
            shown(desk, third)
        assert desk.observed == ["provisional", "built", "rendered"]

    async def test_what_is_prepared_is_final_at_once(self, folder: Path, large: Path) -> None:
        async with open_desk(folder) as desk, desk.client() as client:
            await client.prepare(large, LARGE_INFO)
            await has_observed(desk, "built")
            derivative = await ask(client, "a", large)

        assert derivative.key == key("a")
        assert desk.observed == ["built", "rendered"]

    async def test_a_small_original_is_not_prepared(self, folder: Path, whole: Path) -> None:
        """Nothing is built of it, and its renditions are final."""
        async with open_desk(folder) as desk, desk.client() as client:
            await client.prepare(whole, INFO)
            derivative = await client.render(key("a"), whole, INFO, resizing(100))

        assert derivative.key == key("a")
        assert desk.observed == ["rendered"]

    async def test_who_wants_it_final_waits_for_the_pyramid(self, folder: Path, large: Path) -> None:
        """Also where nobody has asked before, and where it was answered provisionally."""
        async with open_desk(folder) as desk, desk.client() as client:
            provisional = await ask(client, "a", large)
            final = await ask(client, "a", large, final=True)
            other = large.with_name("other")
            other.write_bytes(LARGE)
            first = await ask(client, "b", other, final=True)

        assert [one.key for one in (provisional, final, first)] == [provisional_key(key("a")), key("a"), key("b")]
        assert desk.observed == ["provisional", *["built", "rendered"] * 2]

    async def test_who_wants_it_final_is_not_given_what_is_being_made_for_another(
        self, folder: Path, tmp_path: Path
    ) -> None:
        """An archive asks while a provisional rendition of that very key is under way."""
        held = HeldOriginal(tmp_path / "held")
        async with open_desk(folder) as desk, desk.client() as client:
            hasty = asyncio.create_task(ask(client, "a", held.path))
            await held.reached()
            patient = asyncio.create_task(ask(client, "a", held.path, final=True))
            await anyio.wait_all_tasks_blocked()
            held.path.unlink()
            held.path.write_bytes(LARGE)
            held.release(LARGE)

            assert (await hasty).key == provisional_key(key("a"))
            assert (await patient).key == key("a")

    async def test_eight_widths_at_once_cost_one_pyramid_and_one_provisional_render(
        self, folder: Path, large: Path
    ) -> None:
        """As a page asks for them whose `srcset` nobody has seen before."""
        async with open_desk(folder, workers=2) as desk, desk.client() as client:
            derivatives = await asyncio.gather(
                *(ask(client, str(width), large, width) for width in range(100, 260, 20))
            )

            assert sum(one.key == provisional_key(key(str(one.size.width))) for one in derivatives) == 1
            for one in derivatives:
                shown(desk, one)
        assert sorted(desk.observed) == ["built", "provisional", *["rendered"] * 7]

    async def test_without_pyramids_every_answer_is_final(self, folder: Path, large: Path) -> None:
        """IMGSVC_PYRAMID_BYTES=0."""
        async with open_desk(folder, pyramid_bytes=0) as desk, desk.client() as client:
            await client.prepare(large, LARGE_INFO)
            derivatives = [await ask(client, name, large, width) for name, width in (("a", 300), ("b", 200))]

            assert [one.key for one in derivatives] == [key("a"), key("b")]
        assert desk.observed == ["rendered"] * 2

    async def test_what_no_level_serves_is_final(self, folder: Path, large: Path) -> None:
        """Larger than any level, or with the original's metadata."""
        async with open_desk(folder) as desk, desk.client() as client:
            for name, asked in (
                ("a", Transform(width=1500, format=Format.BMP)),
                ("b", Transform(width=100, metadata=Metadata.KEEP)),
            ):
                plan = make_plan(original_of(LARGE_INFO), asked, defaults=Defaults(), limits=Limits())
                assert (await client.render(key(name), large, LARGE_INFO, plan)).key == key(name)
        assert desk.observed == ["rendered"] * 2

    async def test_a_pyramid_outlives_the_broker(self, folder: Path, large: Path) -> None:
        async with open_desk(folder) as desk, desk.client() as client:
            await ask(client, "a", large, final=True)

        async with open_desk(folder) as desk, desk.client() as client:
            assert (await ask(client, "b", large, 200)).key == key("b")
        assert desk.observed == ["rendered"]

    @pytest.mark.parametrize("kind", ["jpeg", "png"])
    async def test_a_level_that_is_harmed_is_built_again(self, folder: Path, tmp_path: Path, kind: str) -> None:
        """However: no wrong picture and no failure meanwhile, and in the end the very same bytes."""
        info = LARGE_INFO if kind == "jpeg" else CLEAR_INFO
        original = tmp_path / kind
        original.write_bytes(LARGE if kind == "jpeg" else png(1600, 1200, alpha=True))
        async with open_desk(folder) as desk, desk.client() as client:

            async def answer(*, final: bool = False, distrust: bool = False) -> bytes:
                derivative = await client.render(
                    key("a"), original, info, reducing(300, info), final=final, distrust=distrust
                )
                data = desk.files.read(derivative)
                assert data is not None
                return data

            before = await answer(final=True)
            right = corners(decode(before))
            for harm in HARMS:
                for file in level_files(folder):
                    harm_file(file, harm)
                meanwhile = decode(await answer(distrust=True))
                await client.render(key(harm), original, info, reducing(200, info))
                after = await answer()

                assert (meanwhile.width, meanwhile.height) == (300, 225), harm
                assert all(close_to(one, two) for one, two in zip(corners(meanwhile), right, strict=True)), harm
                assert after == before, harm

    @pytest.mark.parametrize("kind", ["jpeg", "png"])
    async def test_who_wants_it_final_has_a_harmed_pyramid_built_again(
        self, folder: Path, tmp_path: Path, kind: str
    ) -> None:
        info = LARGE_INFO if kind == "jpeg" else CLEAR_INFO
        original = tmp_path / kind
        original.write_bytes(LARGE if kind == "jpeg" else png(1600, 1200, alpha=True))
        async with open_desk(folder) as desk, desk.client() as client:
            await client.render(key("a"), original, info, reducing(300, info), final=True)
            for file in level_files(folder):
                harm_file(file, "middle")

            final = await client.render(key("b"), original, info, reducing(200, info), final=True)

        assert final.key == key("b")

    async def test_a_level_that_goes_while_its_render_waits_costs_nobody_the_picture(
        self, folder: Path, tmp_path: Path, large: Path
    ) -> None:
        """Evicted, say, after it was chosen and before a worker had time for it."""
        held = HeldOriginal(tmp_path / "held")
        async with open_desk(folder) as desk, desk.client() as client:
            await ask(client, "a", large, final=True)
            occupied = asyncio.create_task(client.render(key("b"), held.path, INFO, stripping()))
            await held.reached()
            waiting = asyncio.create_task(ask(client, "c", large, 200))
            await anyio.wait_all_tasks_blocked()
            for file in level_files(folder):
                file.unlink()
            held.release(DATA)
            await occupied

            assert shown(desk, await waiting)

    async def test_room_for_less_than_one_pyramid_still_answers_everything(self, folder: Path, large: Path) -> None:
        """Rightly sized; and what is being asked about does not fill the disk."""
        async with open_desk(folder, pyramid_bytes=2000) as desk, desk.client() as client:
            for number, width in enumerate((300, 200, 320, 100, 790)):
                for final in (False, True):
                    shown(desk, await ask(client, str(number), large, width, final=final))

            assert len(level_files(folder)) <= 1

    async def test_forgetting_an_original_takes_its_levels_with_it(
        self, folder: Path, large: Path, tmp_path: Path
    ) -> None:
        """Those of others stay. Levels are nobody's renditions, so they are not counted."""
        other = tmp_path / "other"
        other.write_bytes(LARGE)
        async with open_desk(folder) as desk, desk.client() as client:
            await ask(client, "a", large, final=True)
            await ask(client, "b", other, final=True)

            told = await client.forget(large)

            assert told == 1
            assert len(level_files(folder)) == len(levels_of(LARGE_INFO))
            assert (await ask(client, "c", other, 200)).key == key("c")
            assert (await ask(client, "d", large, 200)).key == provisional_key(key("d"))

    async def test_provisional_renditions_are_forgotten_too(self, folder: Path, large: Path) -> None:
        async with open_desk(folder) as desk, desk.client() as client:
            derivative = await ask(client, "a", large)

            assert await client.forget(large) == 1
            assert desk.files.read(derivative) is None

    async def test_an_original_freed_and_taken_in_again_becomes_final(self, folder: Path, large: Path) -> None:
        """It was expected when it was freed; its name is its digest's, so it comes back under the same."""
        held = HeldOriginal(large.with_name("held"))
        async with open_desk(folder) as desk, desk.client() as client:
            occupied = asyncio.create_task(client.render(key("b"), held.path, INFO, stripping()))
            await held.reached()
            await client.prepare(large, LARGE_INFO)
            large.unlink()
            await client.forget(large)
            held.release(DATA)
            await occupied
            other = large.with_name("other")
            other.write_bytes(LARGE)
            await client.prepare(other, LARGE_INFO)
            await has_observed(desk, "built")
            large.write_bytes(LARGE)

            assert (await ask(client, "a", large, final=True)).key == key("a")

    async def test_a_picture_that_cannot_be_halved_is_answered_provisionally_for_good(
        self, folder: Path, tmp_path: Path
    ) -> None:
        """What cannot be decoded fails as what it is, whoever asks and however often."""
        broken = tmp_path / "broken"
        broken.write_bytes(truncated(LARGE))
        async with open_desk(folder) as desk, desk.client() as client:
            for final in (False, True, False):
                with pytest.raises(CorruptOriginal):
                    await ask(client, "a", broken, final=final)

        assert desk.observed.count("CorruptOriginal") == 4

    async def test_a_distrusted_provisional_rendition_is_made_again(self, folder: Path, large: Path) -> None:
        """It is the one that was read."""
        async with open_desk(folder) as desk, desk.client() as client:
            derivative = await ask(client, "a", large)
            harm_file(desk.files.path(derivative.key, derivative.format), "middle")

            again = await client.render(key("a"), large, LARGE_INFO, reducing(300), distrust=True)

            assert again == derivative
            shown(desk, again)

    async def test_who_waits_for_a_pyramid_is_in_the_queue(self, folder: Path, tmp_path: Path) -> None:
        """Of many who ask for different renditions while it is built no more are let in than the bound allows."""
        held = HeldOriginal(tmp_path / "held")
        async with open_desk(folder, queue_bound=3) as desk, desk.client() as client:
            asked = [asyncio.create_task(ask(client, "first", held.path))]
            await held.reached()
            asked += [asyncio.create_task(ask(client, str(width), held.path, width)) for width in range(100, 120)]
            await anyio.wait_all_tasks_blocked()
            held.path.unlink()
            held.path.write_bytes(LARGE)
            held.release(LARGE)
            answers = await asyncio.gather(*asked, return_exceptions=True)

        assert sum(isinstance(answer, Overloaded) for answer in answers) >= len(asked) - 5


HARMS = ("gone", "cut", "start", "middle", "end", "zeros")


def harm_file(path: Path, harm: str) -> None:
    data = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(data[:-10])
    elif harm == "zeros":
        path.write_bytes(bytes(len(data)))
    else:
        data[{"start": 18, "middle": len(data) // 2, "end": len(data) - 20}[harm]] ^= 0x10
        path.write_bytes(data)


def oddities() -> list[bytes]:
    """Noise, half frames, frames too long, no MessagePack, and MessagePack of the wrong shape."""
    odd = [
        b"\xc1",
        b"\x93\x01\x02\x03",
        msgspec.msgpack.encode({"number": 1}),
        msgspec.msgpack.encode({"number": 1, "body": {"type": "Shutdown"}}),
        msgspec.msgpack.encode({"number": 1, "body": {"type": "Wanted", "key": 5}}),
        msgspec.msgpack.encode(Failed("Overloaded", "I am an answer.")),
        b"\x82\xa6number\x01\xa4body\xa1\xff",
        b"\x91" * 5000,
        b"",
    ]
    return [
        b"",
        b"\0",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        os.urandom(5000),
        LENGTH.pack(MAX_LENGTH + 1) + b"x" * 100,
        LENGTH.pack(100) + b"half",
        *(LENGTH.pack(len(body)) + body for body in odd),
    ]


async def test_nothing_that_comes_over_the_socket_ends_the_broker(folder: Path, whole: Path) -> None:
    """Whoever talks nonsense is hung up on; the others are answered, whoever waited before included."""
    async with open_desk(folder) as desk, desk.client() as client:
        first = await client.render(key("a"), whole, INFO, resizing(100))
        for odd in oddities():
            assert await hung_up(desk, odd)

        assert await client.render(key("a"), whole, INFO, resizing(100)) == first
        assert (await client.render(key("b"), whole, INFO, resizing(50))).size == Size(50, 38)


async def test_a_question_that_nobody_waits_for_ends_nothing(folder: Path, whole: Path) -> None:
    """The connection is gone before the answer comes; the derivative is stored all the same."""
    async with open_desk(folder) as desk, desk.client() as client:
        _, writer = await asyncio.open_unix_connection(desk.socket)
        writer.write(frame(Question(number=1, body=Wanted(key("a"), str(whole), INFO, resizing(100)))))
        writer.close()
        await writer.wait_closed()

        async def rendered() -> bool:
            return desk.observed == ["rendered"]

        await until(rendered)
        await client.render(key("a"), whole, INFO, resizing(100))

    assert desk.observed == ["rendered"]


async def test_different_pictures_do_not_mix(folder: Path, tmp_path: Path) -> None:
    for side in range(10, 30):
        (tmp_path / str(side)).write_bytes(jpeg(side, 40))

    async with open_desk(folder, workers=2) as desk, desk.client() as client:
        infos = await asyncio.gather(*(client.probe(tmp_path / str(side), Format.JPEG) for side in range(10, 30)))

    assert [info.size for info in infos] == [Size(side, 40) for side in range(10, 30)]


async def hung_up(desk: Desk, sent: bytes) -> bool:
    """Whether the broker ends the connection after these bytes, and says nothing."""
    reader, writer = await asyncio.open_unix_connection(desk.socket)
    writer.write(sent)
    writer.write_eof()
    try:
        with anyio.fail_after(10):
            answer = await reader.read()
    except ConnectionError:
        answer = b""
    writer.close()
    return answer == b""


class TestShedding:
    async def crash(self, desk: Desk, client: BrokerClient, held: HeldOriginal) -> None:
        """Both workers that it is given to."""
        asked = asyncio.create_task(client.render(key("a"), held.path, INFO, stripping()))
        for _ in range(2):
            await held.reached()
            await held.kill_reader()
        with pytest.raises(RenderCrashed):
            await asked

    async def test_an_original_that_ends_workers_is_set_aside(self, folder: Path, tmp_path: Path, whole: Path) -> None:
        """In whatever size it is asked for, and nobody else is harmed; released, it is rendered."""
        held = HeldOriginal(tmp_path / "held")

        async with open_desk(folder) as desk, desk.client() as client:
            await self.crash(desk, client, held)
            with pytest.raises(Quarantined, match="made the renderer end, more than once"):
                await client.render(key("b"), held.path, INFO, resizing(100))
            other = await client.render(key("c"), whole, INFO, stripping())
            desk.aside.release(held.path.name)
            held.path.unlink()
            held.path.write_bytes(DATA)
            released = await client.render(key("a"), held.path, INFO, stripping())

        assert (other.length, released.length) == (len(DATA), len(DATA))

    async def test_what_is_there_is_answered_of_what_is_set_aside(self, folder: Path, large: Path) -> None:
        """Also what is there for the time being."""
        async with open_desk(folder) as desk, desk.client() as client:
            provisional = await ask(client, "a", large)
            full = await client.render(key("b"), large, LARGE_INFO, stripping())
            for harm in Harm:
                desk.aside.strike(large.name, harm)

            assert await client.render(key("b"), large, LARGE_INFO, stripping()) == full
            assert await ask(client, "a", large) == provisional
            with pytest.raises(Quarantined):
                await ask(client, "a", large, final=True)
            with pytest.raises(Quarantined):
                await ask(client, "c", large)

    async def test_what_was_freed_has_nothing_against_it(self, folder: Path, whole: Path) -> None:
        """The same bytes may come again, for another reason."""
        async with open_desk(folder) as desk, desk.client() as client:
            for harm in Harm:
                desk.aside.strike(whole.name, harm)
            await client.forget(whole)

            assert desk.aside.list() == []

    async def test_who_asks_for_too_much_is_refused_and_others_are_not(self, folder: Path, whole: Path) -> None:
        """By whose account it is; with when to come back. What is there already costs nothing."""
        async with open_desk(folder, client_renders=0.2) as desk, desk.client() as client:

            async def ask_as(who: str, name: str) -> Derivative:
                return await client.render(key(name), whole, INFO, stripping(), client=who)

            first = [await ask_as("greedy", name) for name in "ab"]
            with pytest.raises(TooManyRequests) as refused:
                await ask_as("greedy", "c")
            again = [await ask_as("greedy", name) for name in "abab"]
            others = [await ask_as(who, name) for who, name in (("modest", "c"), ("", "d"), ("", "e"), ("", "f"))]

        assert refused.value.retry_after in range(1, 6)
        assert again == first * 2
        assert len(others) == 4
        assert desk.observed == ["rendered"] * 6

    async def test_who_waits_for_anothers_render_pays_nothing(self, folder: Path, tmp_path: Path) -> None:
        held = HeldOriginal(tmp_path / "held")

        async with open_desk(folder, client_renders=0.1) as desk, desk.client() as client:
            asked = [
                asyncio.create_task(client.render(key("a"), held.path, INFO, stripping(), client=who))
                for who in ("first", *["second"] * 20)
            ]
            await held.reached()
            held.release(DATA)
            answers = await asyncio.gather(*asked)

        assert len(set(answers)) == 1
        assert desk.observed == ["rendered"]

    async def test_who_has_enough_under_way_is_told_to_wait(self, folder: Path, whole: Path, tmp_path: Path) -> None:
        """Waiting or being made. Others are not, nor is what is there; when one has ended there is room again."""
        held = HeldOriginal(tmp_path / "held")

        async with open_desk(folder, client_renders_at_once=2) as desk, desk.client() as client:

            async def ask_as(who: str, name: str, path: Path = whole) -> Derivative:
                return await client.render(key(name), path, INFO, stripping(), client=who)

            first = await ask_as("greedy", "there")
            asked = [asyncio.create_task(ask_as("greedy", "a", held.path))]
            await held.reached()
            asked += [asyncio.create_task(ask_as(who, "b")) for who in ("greedy", "greedy")]
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(TooManyRequests) as refused:
                await ask_as("greedy", "c")
            again = await ask_as("greedy", "there")
            asked += [asyncio.create_task(ask_as(who, name)) for who, name in (("modest", "c"), ("", "d"))]
            await anyio.wait_all_tasks_blocked()
            held.release(DATA)
            await asyncio.gather(*asked)
            later = [await ask_as("greedy", name) for name in "efg"]

        assert refused.value.retry_after == 1
        assert again == first
        assert len(later) == 3
        assert desk.observed == ["rendered"] * 8

    async def test_what_is_there_for_the_time_being_costs_nothing(self, folder: Path, large: Path) -> None:
        """It is no render, however often it is asked for."""
        async with open_desk(folder, client_renders=0.1) as desk, desk.client() as client:

            async def ask_once() -> Derivative:
                return await client.render(key("a"), large, LARGE_INFO, reducing(300), client="one")

            answers = [await ask_once() for _ in range(20)]

        assert {answer.key for answer in answers} <= {key("a"), provisional_key(key("a"))}
        assert desk.observed.count("provisional") == 1
