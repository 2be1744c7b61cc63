"""One render per key, a queue with an end, and no question that brings the broker down."""

import asyncio
import os
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import msgspec
import pytest

from imgsvc.core.errors import CorruptOriginal, Overloaded, StoreFailure, TooManyPixels
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.limits import Limits
from imgsvc.render.client import BrokerClient
from imgsvc.render.messages import LENGTH, MAX_LENGTH, Failed, Question, Wanted, frame
from tests.originals import jpeg, truncated
from tests.render.darkroom import HeldOriginal, until
from tests.render.desks import DATA, INFO, Desk, key, open_desk, resizing, stripping

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a short name, whatever the test's is."""
    return tmp_path_factory.mktemp("d")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "whole.jpg"
    path.write_bytes(DATA)
    return path


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
    """It would never be forgotten: whoever waited for it is answered, and nobody after him."""
    held = HeldOriginal(tmp_path / "held")
    async with open_desk(folder) as desk, desk.client() as client:
        rendering = asyncio.create_task(client.render(key("a"), held.path, INFO, stripping()))
        await held.reached()
        held.path.unlink()
        told = await client.forget(held.path)
        held.release(DATA)
        derivative = await rendering

        assert (told, derivative.length) == (0, len(DATA))
        assert await client.find([key("a")]) == [None]
        assert not desk.files.path(derivative.key, derivative.format).exists()


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
        (folder / "cache" / "scratch").rmdir()

        with pytest.raises(StoreFailure):
            await client.render(key("a"), whole, INFO, resizing(100))


async def test_the_socket_is_its_owners_alone(folder: Path) -> None:
    async with open_desk(folder) as desk:
        mode = stat.S_IMODE(desk.socket.stat().st_mode)

    assert mode == 0o600


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
