"""Archives: in order, a few loaded ahead, never a wrong byte that is not said to be one, and nothing left behind."""

import io
import os
import threading
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path
from zlib import crc32

import pytest
from anyio import CancelScope, Event, create_task_group, from_thread, to_thread
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.errors import CorruptOriginal, ImgsvcError, Overloaded, StoreFailure
from imgsvc.core.zip import REPORT_NAME
from imgsvc.service.archive import AHEAD, GrowingArchive, KnownArchive, make_archive
from imgsvc.service.delivery import SMALL, Body
from imgsvc.service.members import Known, Loaded, Member, count_crc32
from tests.fakes import NOON

pytestmark = pytest.mark.anyio

MEBIBYTE = 1 << 20


def loaded(data: bytes) -> Loaded:
    return Loaded(Body(length=len(data), data=data), crc32(data))


def loaded_file(path: Path, *, promised: bytes) -> Loaded:
    """A file that may since have become another than was promised."""
    return Loaded(Body(length=len(promised), file=FileIO(path)), crc32(promised))


def known(data: bytes) -> Known:
    return Known(len(data), crc32(data))


async def never() -> Loaded:
    raise AssertionError("it is not to be loaded")


def answering(answer: Loaded | ImgsvcError) -> Callable[[], Awaitable[Loaded]]:
    async def load() -> Loaded:
        if isinstance(answer, ImgsvcError):
            raise answer
        return answer

    return load


def made(name: str, answer: bytes | Loaded | ImgsvcError) -> Member:
    """Of which nothing is known before it is loaded."""
    found = loaded(answer) if isinstance(answer, bytes) else answer
    return Member(name=name, modified=NOON, load=answering(found))


def kept(name: str, data: bytes) -> Member:
    """Known, and there to be read."""
    return Member(name=name, modified=NOON, load=never, known=known(data), read=lambda: data)


async def known_archive(members: Sequence[Member], *, ahead: int = AHEAD) -> KnownArchive:
    archive = await make_archive(members, ahead=ahead)
    assert isinstance(archive, KnownArchive)
    return archive


async def growing_archive(members: Sequence[Member], *, ahead: int = AHEAD) -> GrowingArchive:
    archive = await make_archive(members, ahead=ahead)
    assert isinstance(archive, GrowingArchive)
    return archive


async def whole_of(archive: KnownArchive | GrowingArchive) -> bytes:
    if isinstance(archive, KnownArchive):
        return await cut_of(archive, 0, archive.layout.length)
    async with aclosing(archive.stream()) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def cut_of(archive: KnownArchive, start: int, stop: int) -> bytes:
    async with aclosing(archive.stream(start, stop)) as chunks:
        return b"".join([chunk async for chunk in chunks])


def opened(archive: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(archive))


def contents(archive: bytes) -> dict[str, bytes]:
    with opened(archive) as read:
        return {name: read.read(name) for name in read.namelist()}


@dataclass
class Pauses:
    """In place of sleep."""

    taken: list[float] = field(default_factory=list[float])

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@dataclass
class Counted:
    """How many are there at once; `most` there ever were."""

    now: int = 0
    most: int = 0

    def come(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def go(self) -> None:
        self.now -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedBody(Body):
    alive: Counted

    def close(self) -> None:
        self.alive.go()


class TestKnownArchive:
    async def test_it_has_a_length_before_anything_is_loaded(self) -> None:
        archive = await known_archive([replace(kept("a.txt", b"a"), read=None)])

        assert archive.layout.length > 0

    async def test_it_is_what_was_known(self) -> None:
        """Small and large, and empty."""
        members = {"a.txt": b"a", "empty.txt": b"", "large.bin": os.urandom(2 * SMALL), "z.txt": b"z"}
        archive = await known_archive(
            [
                kept("a.txt", b"a"),
                kept("empty.txt", b""),
                replace(kept("large.bin", members["large.bin"]), load=answering(loaded(members["large.bin"]))),
                kept("z.txt", b"z"),
            ]
        )

        whole = await whole_of(archive)

        assert contents(whole) == members
        assert archive.layout.length == len(whole)

    async def test_no_member_is_an_archive(self) -> None:
        assert contents(await whole_of(await make_archive([]))) == {}

    async def test_a_large_file_is_read_by_the_piece(self, tmp_path: Path) -> None:
        """And closed."""
        data = os.urandom(3 * MEBIBYTE + 1)
        (tmp_path / "large").write_bytes(data)
        found = loaded_file(tmp_path / "large", promised=data)
        archive = await known_archive([replace(kept("large.bin", data), load=answering(found))])

        async with aclosing(archive.stream(0, archive.layout.length)) as stream:
            chunks = [chunk async for chunk in stream]

        assert contents(b"".join(chunks)) == {"large.bin": data}
        assert max(map(len, chunks)) < 1.1 * MEBIBYTE
        assert found.body.file is not None
        assert found.body.file.closed

    @given(st.data())
    async def test_a_range_is_the_slice_of_the_whole(self, data: st.DataObject) -> None:
        archive = await known_archive([kept(f"{number}.txt", b"content" * number) for number in range(5)])
        whole = await whole_of(archive)
        start = data.draw(st.integers(0, len(whole) - 1))
        stop = data.draw(st.integers(start + 1, len(whole)))

        assert await cut_of(archive, start, stop) == whole[start:stop]

    async def test_a_range_of_a_large_file_is_read_alone(self, tmp_path: Path) -> None:
        """Across the pieces that it is read in."""
        data = os.urandom(3 * MEBIBYTE)
        (tmp_path / "large").write_bytes(data)

        async def load() -> Loaded:
            return loaded_file(tmp_path / "large", promised=data)

        archive = await known_archive([replace(kept("large.bin", data), load=load)])
        whole = await whole_of(archive)

        assert await cut_of(archive, 1000, 2 * MEBIBYTE + 7) == whole[1000 : 2 * MEBIBYTE + 7]

    async def test_a_range_loads_no_member_outside(self) -> None:
        read: list[str] = []

        def reading(name: str) -> Callable[[], bytes]:
            def reads() -> bytes:
                read.append(name)
                return b"content"

            return reads

        archive = await known_archive([replace(kept(name, b"content"), read=reading(name)) for name in "abcd"])
        _, second, _, fourth, _ = archive.layout.starts

        await cut_of(archive, second, fourth)

        assert read == ["b", "c"]

    async def test_what_is_not_where_it_lay_is_loaded(self) -> None:
        """Evicted, or of another length."""
        gone = replace(kept("gone.txt", b"gone"), read=lambda: None, load=answering(loaded(b"gone")))
        short = replace(kept("short.txt", b"short"), read=lambda: b"shor", load=answering(loaded(b"short")))

        archive = await known_archive([kept("a.txt", b"a"), gone, short, kept("z.txt", b"z")])

        assert contents(await whole_of(archive)) == {
            "a.txt": b"a",
            "gone.txt": b"gone",
            "short.txt": b"short",
            "z.txt": b"z",
        }

    @pytest.mark.parametrize(
        "answer",
        [
            CorruptOriginal("It cannot be decoded."),
            loaded(b"longer"),
            loaded(b"Made"),
            Loaded(Body(length=4, data=b""), 0),
        ],
        ids=["fails", "another length", "another content", "nothing"],
    )
    async def test_it_breaks_off_where_it_cannot_keep_its_promise(self, answer: Loaded | ImgsvcError) -> None:
        """What was sent before is right."""
        broken = replace(kept("b.txt", b"made"), read=None, load=answering(answer))
        archive = await known_archive([kept("a.txt", b"a"), broken])
        chunks = archive.stream(0, archive.layout.length)

        assert await anext(chunks) == archive.layout.headers[0] + b"a"
        with pytest.raises(OSError, match="a content"):
            await anext(chunks)

    async def test_it_breaks_off_where_a_file_does(self, tmp_path: Path) -> None:
        data = os.urandom(3 * MEBIBYTE)
        (tmp_path / "large").write_bytes(data[: 2 * MEBIBYTE])
        found = loaded_file(tmp_path / "large", promised=data)
        archive = await known_archive([replace(kept("large.bin", data), load=answering(found))])

        with pytest.raises(OSError, match="ended"):
            await whole_of(archive)

        assert found.body.file is not None
        assert found.body.file.closed


class TestGrowingArchive:
    async def test_it_is_what_was_made(self) -> None:
        """In the order asked for; one member that nothing is known of is enough."""
        archive = await growing_archive([kept("c.txt", b"c"), made("a.txt", b"a"), made("b.txt", b"")])

        assert contents(await whole_of(archive)) == {"c.txt": b"c", "a.txt": b"a", "b.txt": b""}

    async def test_names_are_safe_unique_and_of_the_format(self) -> None:
        """Before anything is loaded; the extension follows what is made."""
        archive = await growing_archive([replace(made("../Red Shirt.JPG", b""), extension="webp") for _ in range(2)])

        assert list(contents(await whole_of(archive))) == ["Red Shirt.webp", "Red Shirt (2).webp"]

    async def test_the_order_is_kept_whoever_is_first(self) -> None:
        last_is_there = Event()

        async def load_first() -> Loaded:
            await last_is_there.wait()
            return loaded(b"first")

        async def load_last() -> Loaded:
            last_is_there.set()
            return loaded(b"last")

        members = [replace(made("1", b""), load=load_first), replace(made("2", b""), load=load_last)]

        assert list(contents(await whole_of(await growing_archive(members))).values()) == [b"first", b"last"]

    async def test_it_begins_before_the_last_is_made(self) -> None:
        """What is there goes out while the next is waited for."""
        asked_for_more = Event()

        async def load() -> Loaded:
            await asked_for_more.wait()
            return loaded(b"late")

        archive = await growing_archive([kept("a.txt", b"early"), replace(made("b.txt", b""), load=load)])

        async with aclosing(archive.stream()) as chunks:
            first = await anext(chunks)
            asked_for_more.set()
            rest = [chunk async for chunk in chunks]

        assert first.endswith(b"early")
        assert contents(b"".join([first, *rest])) == {"a.txt": b"early", "b.txt": b"late"}

    @pytest.mark.parametrize("ahead", [1, 3])
    async def test_so_many_are_loaded_ahead_and_no_more(self, ahead: int) -> None:
        """All at once, with the one whose turn it is."""
        under_way, all_under_way = Counted(), Event()

        async def load() -> Loaded:
            under_way.come()
            if under_way.now == ahead:
                all_under_way.set()
            await all_under_way.wait()
            under_way.go()
            return loaded(b"content")

        members = [replace(made(f"{number}", b""), load=load) for number in range(10)]
        await whole_of(await growing_archive(members, ahead=ahead))

        assert under_way.most == ahead

    async def test_what_cannot_be_loaded_is_named_in_the_report(self) -> None:
        """The last member: a line for each, by the library's name and, where that is another, the archive's."""
        archive = await growing_archive(
            [
                made("größe.jpg", CorruptOriginal("The picture cannot be decoded.")),
                made("b.txt", b"b"),
                made("two\nlines.jpg", StoreFailure("It cannot be read.")),
            ]
        )

        found = contents(await whole_of(archive))

        assert list(found) == ["b.txt", REPORT_NAME]
        assert found[REPORT_NAME].decode() == (
            "größe.jpg: The picture cannot be decoded.\ntwo lines.jpg (two_lines.jpg): It cannot be read.\n"
        )

    async def test_a_file_that_breaks_off_is_filled_up_and_named(self, tmp_path: Path) -> None:
        """Its CRC-32 gives it away, those around it are whole."""
        data = os.urandom(2 * MEBIBYTE + 5)
        (tmp_path / "short").write_bytes(data[: MEBIBYTE + 1])
        short = loaded_file(tmp_path / "short", promised=data)
        archive = await growing_archive([made("a.txt", b"a"), made("short.bin", short), made("z.txt", b"z")])

        with opened(await whole_of(archive)) as read:
            assert [info.file_size for info in read.infolist()][:3] == [1, len(data), 1]
            assert [read.read("a.txt"), read.read("z.txt")] == [b"a", b"z"]
            assert read.read(REPORT_NAME) == b"short.bin: Broken off after 1048576 of 2097157 bytes.\n"
            assert read.testzip() == "short.bin"

    async def test_a_file_of_the_reports_name_is_another(self) -> None:
        archive = await growing_archive([made(REPORT_NAME, b"mine"), made("b", StoreFailure("It cannot be read."))])

        assert contents(await whole_of(archive)) == {
            "errors (2).txt": b"mine",
            REPORT_NAME: b"b: It cannot be read.\n",
        }


async def test_no_chunk_is_empty() -> None:
    """There are servers that end at one."""
    growing = await growing_archive([made("a.jpg", StoreFailure("It cannot be read.")), made("b.txt", b"")])
    begun = await known_archive([kept("a.txt", b"a"), kept("b.txt", b"b")])
    for stream in (growing.stream(), begun.stream(0, begun.layout.starts[1])):
        async with aclosing(stream) as chunks:
            assert all([bool(chunk) async for chunk in chunks])


class TestAFullQueue:
    async def test_is_asked_again_after_its_pause(self) -> None:
        """A batch does not fail because the queue is full of itself; no pause is longer than half a minute."""
        answers: list[Loaded | ImgsvcError] = [
            Overloaded("Full.", retry_after=2),
            Overloaded("Full.", retry_after=1000),
            loaded(b"made"),
        ]
        pauses = Pauses()

        async def load() -> Loaded:
            return await answering(answers.pop(0))()

        archive = await make_archive([replace(made("a.txt", b""), load=load)], sleep=pauses)

        assert contents(await whole_of(archive)) == {"a.txt": b"made"}
        assert pauses.taken == [2, 30]

    async def test_is_given_up_in_the_end(self) -> None:
        pauses = Pauses()
        archive = await make_archive([made("a.txt", Overloaded("Full.", retry_after=2))], sleep=pauses)

        assert contents(await whole_of(archive)) == {REPORT_NAME: b"a.txt: Full.\n"}
        assert pauses.taken == [2] * 4

    async def test_no_other_failure_is_asked_again(self) -> None:
        pauses = Pauses()

        await whole_of(await make_archive([made("a.txt", StoreFailure("It cannot be read."))], sleep=pauses))

        assert pauses.taken == []


class TestWhoeverLeaves:
    async def test_loads_under_way_end_and_files_are_closed(self, tmp_path: Path) -> None:
        """Before the stream is closed: nothing goes on behind anybody's back."""
        (tmp_path / "file").write_bytes(b"content")
        ahead = loaded_file(tmp_path / "file", promised=b"content")
        ended: list[str] = []

        async def load() -> Loaded:
            try:
                await Event().wait()
            finally:
                ended.append("load")
            raise AssertionError

        archive = await growing_archive(
            [made("a.txt", b"a"), made("b.txt", ahead), replace(made("c.txt", b""), load=load)]
        )
        async with aclosing(archive.stream()) as chunks:
            await anext(chunks)
            await anext(chunks)
            ended.append("stream")

        assert ended == ["stream", "load"]
        assert ahead.body.file is not None
        assert ahead.body.file.closed

    async def test_what_was_sent_last_is_closed_too(self) -> None:
        """Whoever leaves just then leaves in the middle of that."""
        alive = Counted()
        alive.come()
        found = Loaded(CountedBody(length=1, data=b"a", alive=alive), crc32(b"a"))
        archive = await growing_archive([made("a.txt", found), made("b.txt", b"b")])

        with CancelScope() as scope:
            async with aclosing(archive.stream()) as chunks:
                await anext(chunks)
                scope.cancel()
                await anext(chunks)

        assert scope.cancelled_caught
        assert alive.now == 0

    async def test_a_hop_under_way_is_waited_for(self, tmp_path: Path) -> None:
        """What it opens is closed."""
        (tmp_path / "file").write_bytes(b"content")
        is_opening, may_open = Event(), threading.Event()
        files: list[FileIO] = []

        def open_slowly() -> Loaded:
            from_thread.run_sync(is_opening.set)
            may_open.wait()
            found = loaded_file(tmp_path / "file", promised=b"content")
            assert found.body.file is not None
            files.append(found.body.file)
            return found

        async def load() -> Loaded:
            return await to_thread.run_sync(open_slowly)

        archive = await growing_archive([replace(made("a.txt", b""), load=load)])
        async with create_task_group() as tasks:
            tasks.start_soon(whole_of, archive)
            await is_opening.wait()
            tasks.cancel_scope.cancel()
            may_open.set()

        assert [file.closed for file in files] == [True]

    async def test_a_mistake_of_ours_ends_the_others_too(self) -> None:
        """It is not taken for a failure of the member's."""
        ended: list[str] = []

        async def load() -> Loaded:
            try:
                await Event().wait()
            finally:
                ended.append("load")
            raise AssertionError

        async def err() -> Loaded:
            raise ZeroDivisionError

        members = [replace(made("a", b""), load=err), replace(made("b", b""), load=load)]
        with pytest.raises(ZeroDivisionError):
            await whole_of(await growing_archive(members))

        assert ended == ["load"]


class TestMemory:
    async def test_few_of_many_that_are_made_are_there_at_once(self) -> None:
        """Of ten thousand no more than are loaded ahead."""
        alive = Counted()

        async def load() -> Loaded:
            alive.come()
            return Loaded(CountedBody(length=7, data=b"content", alive=alive), crc32(b"content"))

        members = [replace(made(f"{number}", b""), load=load) for number in range(10_000)]
        await whole_of(await growing_archive(members))

        assert alive.most <= AHEAD
        assert alive.now == 0

    async def test_few_of_many_that_are_read_are_there_at_once(self) -> None:
        """What is read and not yet sent is a mebibyte for each batch that is under way."""
        size, read = 30_000, Counted()
        content = bytes(size)

        def reads() -> bytes:
            read.come()
            return content

        members = [replace(kept(f"{number}", content), read=reads) for number in range(10_000)]
        archive = await known_archive(members)
        sent = most = 0
        async with aclosing(archive.stream(0, archive.layout.length)) as chunks:
            async for chunk in chunks:
                most = max(most, read.now * size - sent)
                sent += len(chunk)

        assert read.now == 10_000
        assert most <= (AHEAD + 1) * MEBIBYTE


class TestCountCrc32:
    async def test_it_reads_all_of_the_body(self, tmp_path: Path) -> None:
        """In data and in files; the body stays open."""
        data = os.urandom(2 * MEBIBYTE + 1)
        (tmp_path / "file").write_bytes(data)
        file = FileIO(tmp_path / "file")

        of_file = await count_crc32(Body(length=len(data), file=file))
        of_data = await count_crc32(Body(length=len(data), data=data))

        assert of_file.crc32 == of_data.crc32 == crc32(data)
        assert not file.closed
        of_file.body.close()

    async def test_a_short_file_is_closed(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"short")
        file = FileIO(tmp_path / "file")

        with pytest.raises(StoreFailure):
            await count_crc32(Body(length=6, file=file))

        assert file.closed
