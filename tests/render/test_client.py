"""What a server process meets when its broker is slow, away, killed, or talks nonsense."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import RenderCrashed, RenderTimeout
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.limits import Limits
from imgsvc.core.variant import Derivative
from imgsvc.render.client import BrokerClient
from imgsvc.render.messages import LENGTH
from tests.originals import jpeg
from tests.render.darkroom import HeldOriginal, is_listened_to, until
from tests.render.desks import DATA, INFO, key, open_desk, resizing, stripping

pytestmark = pytest.mark.anyio


def client_of(folder: Path, *, deadline: float = 30) -> BrokerClient:
    return BrokerClient(folder / "s", limits=Limits(), deadline=deadline)


@asynccontextmanager
async def broker_process(folder: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.render.broker_process"),
        *(str(folder / "s"), str(folder / "cache"), str(os.getpid())),
    )
    try:
        await until(lambda: is_listened_to(folder / "s"))
        yield process
    finally:
        await kill(process)


async def kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


async def test_a_broker_that_is_not_there_is_not_reachable(folder: Path) -> None:
    async with client_of(folder) as client:
        assert not await client.is_reachable()


async def test_a_broker_that_is_there_is_reachable(folder: Path, whole: Path) -> None:
    async with open_desk(folder) as desk, desk.client() as client:
        assert await client.is_reachable()
        assert await client.probe(whole, Format.JPEG) == INFO


async def test_leaving_at_once_hangs_up(folder: Path) -> None:
    """The broker must not keep a connection for nobody."""
    hung_up = asyncio.Event()

    async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        hung_up.set()
        writer.close()

    async with await asyncio.start_unix_server(wait_for_the_end, path=folder / "s"):
        async with client_of(folder) as client:
            assert await client.is_reachable()

        with anyio.fail_after(5):
            await hung_up.wait()


async def test_a_broker_that_does_not_come_is_a_typed_failure(folder: Path, whole: Path) -> None:
    """After some seconds, since it may just be starting anew."""
    async with client_of(folder) as client:
        with pytest.raises(RenderCrashed, match="not there"), anyio.fail_after(10):
            await client.probe(whole, Format.JPEG)


async def test_nobody_waits_longer_for_it_because_others_do(folder: Path, whole: Path) -> None:
    """Each some seconds, and not each after the other; who looks whether it is there is told at once."""
    async with client_of(folder) as client:
        asked = [asyncio.create_task(client.probe(whole, Format.JPEG)) for _ in range(20)]
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(4):
            is_reachable = await client.is_reachable()
        with anyio.fail_after(15):
            failures = await asyncio.gather(*asked, return_exceptions=True)

    assert not is_reachable
    assert {type(failure) for failure in failures} == {RenderCrashed}


async def test_a_broker_that_comes_a_little_later_is_waited_for(folder: Path, whole: Path) -> None:
    client = client_of(folder)
    asked = asyncio.create_task(client.probe(whole, Format.JPEG))
    await anyio.wait_all_tasks_blocked()

    async with open_desk(folder), client:
        assert await asked == INFO


async def test_an_answer_is_not_waited_for_beyond_the_deadline(folder: Path, tmp_path: Path, whole: Path) -> None:
    """And the connection serves others meanwhile and afterwards."""
    held = HeldOriginal(tmp_path / "held")

    async with open_desk(folder, workers=2) as desk, desk.client(deadline=1) as hasty, desk.client() as patient:
        await asyncio.gather(*(patient.probe(whole, Format.JPEG) for _ in range(2)))
        with pytest.raises(RenderTimeout, match="in time"):
            await hasty.render(key("a"), held.path, INFO, stripping())
        await held.reached()
        held.release(DATA)

        assert await hasty.probe(whole, Format.JPEG) == INFO


async def test_preparing_waits_for_no_pyramid(folder: Path, tmp_path: Path, whole: Path) -> None:
    """All workers are busy: it is answered all the same, and the pyramid is built later."""
    held, large = HeldOriginal(tmp_path / "held"), tmp_path / "large.jpg"
    large.write_bytes(jpeg(1600, 1200))
    info = ImageInfo(format=Format.JPEG, size=Size(1600, 1200))

    async with open_desk(folder) as desk, desk.client() as client:
        rendering = asyncio.create_task(client.render(key("a"), held.path, INFO, stripping()))
        await held.reached()
        await client.prepare(large, info)
        before = list(desk.observed)
        held.release(DATA)
        await rendering

        async def built() -> bool:
            return "built" in desk.observed

        await until(built)
    assert before == []


async def test_who_gives_up_leaves_no_answer_for_the_next(folder: Path, tmp_path: Path, whole: Path) -> None:
    """Its late answer has a number nobody waits for."""
    held = HeldOriginal(tmp_path / "held")

    async with open_desk(folder, workers=2) as desk, desk.client() as client:
        given_up = asyncio.create_task(client.render(key("a"), held.path, INFO, stripping()))
        await held.reached()
        given_up.cancel()
        next_one = asyncio.create_task(client.render(key("b"), whole, INFO, resizing(60)))
        held.release(DATA)

        assert (await next_one).size == Size(60, 45)
        assert (await client.render(key("a"), held.path, INFO, stripping())).length == len(DATA)


async def test_a_connection_is_shared(folder: Path, whole: Path) -> None:
    """Two hundred questions at once and each gets its own answer."""
    async with open_desk(folder, workers=2) as desk, desk.client() as client:
        derivatives = await asyncio.gather(
            *(
                client.render(key(str(width)), whole, INFO, resizing(width))
                for width in range(10, 30)
                for _ in range(10)
            )
        )

    assert [derivative.size.width for derivative in derivatives] == [
        width for width in range(10, 30) for _ in range(10)
    ]
    assert desk.observed == ["rendered"] * 20


async def test_a_broker_that_was_killed_and_started_again_is_found_again(folder: Path, whole: Path) -> None:
    """Without anybody telling the client; what had been made is still there."""
    async with client_of(folder) as client:
        async with broker_process(folder):
            first = await client.render(key("a"), whole, INFO, resizing(100))
        async with broker_process(folder):
            assert await client.render(key("a"), whole, INFO, resizing(100)) == first
            assert (await client.render(key("b"), whole, INFO, resizing(60))).size == Size(60, 45)


async def test_a_question_under_way_survives_its_broker(folder: Path, tmp_path: Path) -> None:
    """kill -9 in the middle of a render: the same question is put to the next broker."""
    held = HeldOriginal(tmp_path / "held")

    async with client_of(folder) as client:
        async with broker_process(folder) as process:
            asked = asyncio.create_task(client.render(key("a"), held.path, INFO, stripping()))
            await reached(held, asked)
            await kill(process)
        held.drop()
        async with broker_process(folder):
            await reached(held, asked)
            held.release(DATA)

            assert (await asked).length == len(DATA)


async def test_a_hundred_who_wait_when_the_broker_dies_cost_the_next_one_render(folder: Path, tmp_path: Path) -> None:
    """Over four connections: they meet again at the next broker, and wait for the same render there."""
    held = HeldOriginal(tmp_path / "held")

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_of(folder)) for _ in range(4)]
        async with broker_process(folder) as process:
            asked = [
                asyncio.create_task(clients[n % 4].render(key("a"), held.path, INFO, stripping())) for n in range(100)
            ]
            await reached(held, asked[0])
            await kill(process)
        held.drop()
        async with broker_process(folder):
            await reached(held, asked[0])
            # Whoever read it once more would find no pipe any more, and other bytes.
            held.path.unlink()
            held.path.write_bytes(jpeg(20, 10))
            held.release(DATA)
            answers = await asyncio.gather(*asked)

    assert {answer.length for answer in answers} == {len(DATA)}


async def test_a_question_whose_broker_does_not_come_back_is_given_up(folder: Path, tmp_path: Path) -> None:
    """With a failure that has a type, and not only at the deadline."""
    held = HeldOriginal(tmp_path / "held")

    async with client_of(folder) as client:
        async with broker_process(folder) as process:
            asked = asyncio.create_task(client.render(key("a"), held.path, INFO, stripping()))
            await reached(held, asked)
            await kill(process)
        held.drop()

        with pytest.raises(RenderCrashed), anyio.fail_after(20):
            await asked


async def reached(held: HeldOriginal, asked: asyncio.Task[Derivative]) -> None:
    """When a worker reads the original; what ended the question where it ended before."""
    reaching = asyncio.create_task(held.reached())
    done, _ = await asyncio.wait((reaching, asked), return_when=asyncio.FIRST_COMPLETED)
    if asked in done:
        reaching.cancel()
        pytest.fail(f"given up too early: {asked.exception()!r}")
    await reaching


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 200 OK\r\n\r\n", LENGTH.pack(3) + b"\xc1\xc1\xc1", LENGTH.pack(2**31), b""],
    ids=["another protocol", "no MessagePack", "too long", "nothing"],
)
async def test_a_broker_that_talks_nonsense_is_a_typed_failure(said: bytes, folder: Path, whole: Path) -> None:
    """And leaving is as easy as ever."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path=folder / "s")
    async with server, client_of(folder, deadline=2) as client:
        with pytest.raises(RenderCrashed):
            await client.probe(whole, Format.JPEG)
