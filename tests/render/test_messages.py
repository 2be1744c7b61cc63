"""What travels between processes comes out as it went in."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import ImgsvcError, OriginalError, Overloaded, RenderCrashed, ServiceError, UnsupportedMedia
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Plan
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.render.messages import (
    LENGTH,
    MAX_LENGTH,
    Answer,
    Build,
    Failed,
    Forget,
    Forgotten,
    Found,
    Job,
    Look,
    Noted,
    Probe,
    Probed,
    Question,
    Render,
    RenderSiblings,
    Seen,
    StoredLevel,
    Used,
    Wanted,
    error_from_failed,
    failed_from_error,
    frame,
    read_frame,
)
from tests.strategies import image_infos, plans

pytestmark = pytest.mark.anyio


def leaves(kind: type[ImgsvcError]) -> Iterator[type[ImgsvcError]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for one in below:
        yield from leaves(one)


FAILURES = [*leaves(OriginalError), *leaves(ServiceError)]


def fed(*parts: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    for part in parts:
        reader.feed_data(part)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize("kind", FAILURES)
def test_every_failure_of_pictures_and_of_ours_travels(kind: type[ImgsvcError]) -> None:
    """Its class decides the status that the caller sees. A class newly drawn below these two must be in the table."""
    sent = msgspec.msgpack.encode(failed_from_error(kind("One sentence.")))

    error = error_from_failed(msgspec.msgpack.decode(sent, type=Failed))

    assert type(error) is kind
    assert str(error) == "One sentence."


def test_the_seconds_until_a_new_attempt_travel() -> None:
    error = error_from_failed(failed_from_error(Overloaded("Full.", retry_after=17)))

    assert isinstance(error, ServiceError)
    assert error.retry_after == 17


def test_a_failure_that_cannot_come_from_rendering_is_ours() -> None:
    """A caller must not be blamed by mistake."""
    assert type(error_from_failed(failed_from_error(UnsupportedMedia("?")))) is RenderCrashed
    assert type(error_from_failed(Failed(error="Nobody knows", detail="?"))) is RenderCrashed


@given(plan=plans(), info=image_infos(), number=st.integers(0, 2**40), distrust=st.booleans())
def test_a_plan_travels_to_the_broker(plan: Plan, info: ImageInfo, number: int, distrust: bool) -> None:
    """Field by field and type by type, so that the key made of it is the same."""
    question = Question(number=number, body=Wanted(VariantKey("ab" * 16), "/a/b", info, plan, distrust))

    read = msgspec.msgpack.decode(frame(question)[LENGTH.size :], type=Question)

    assert read == question
    assert isinstance(read.body, Wanted)
    assert read.body.plan.canonical() == plan.canonical()
    assert [type(value) for value in _values(read.body.plan)] == [type(value) for value in _values(plan)]


@given(plan=plans(), info=image_infos())
def test_a_job_travels_to_the_worker(plan: Plan, info: ImageInfo) -> None:
    level = StoredLevel(path="/level", format=Format.PNG, scale=4, crc32=7)
    render = Render(path="/päth/ö", info=info, plan=plan, output="/out", level=level)
    build = Build(path="/p", info=info, outputs=["/a", "/b"])
    probe = Probe(path="/p", source=plan.source, limits=Limits(pixels=5))

    siblings = RenderSiblings(path="/päth/ö", renders=[render, render])
    for job in (render, siblings, build, probe):
        assert msgspec.msgpack.decode(frame(job)[LENGTH.size :], type=Job) == job


@given(info=image_infos())
def test_what_a_probe_found_travels(info: object) -> None:
    answer = Answer(number=3, body=Probed(info=info))  # pyright: ignore[reportArgumentType]

    assert msgspec.msgpack.decode(frame(answer)[LENGTH.size :], type=Answer) == answer


def test_a_derivative_travels() -> None:
    key = VariantKey("cd" * 16)
    derivative = Derivative(key=key, format=Format.WEBP, length=2**33, crc32=2**32 - 1, size=Size(3, 4))
    answer = Answer(number=1, body=Found(derivative=derivative))

    assert msgspec.msgpack.decode(frame(answer)[LENGTH.size :], type=Answer) == answer


@given(keys=st.lists(st.text("0123456789abcdef", min_size=32, max_size=32).map(VariantKey), max_size=600))
def test_a_look_and_what_was_seen_travel(keys: list[VariantKey]) -> None:
    """Many keys, some of them unknown."""
    derivatives = [
        None if number % 2 else Derivative(key=key, format=Format.PNG, length=number, crc32=0, size=Size(3, 4))
        for number, key in enumerate(keys)
    ]

    for message in (Question(number=1, body=Look(keys=keys)), Answer(number=1, body=Seen(derivatives=derivatives))):
        assert msgspec.msgpack.decode(frame(message)[LENGTH.size :], type=type(message)) == message


def test_a_word_to_forget_travels_and_how_many_that_were() -> None:
    for message in (Question(number=1, body=Forget(path="/päth/ö")), Answer(number=1, body=Forgotten(derivatives=7))):
        assert msgspec.msgpack.decode(frame(message)[LENGTH.size :], type=type(message)) == message


def test_what_was_used_travels() -> None:
    for message in (Question(number=1, body=Used(keys=[VariantKey("0" * 32)])), Answer(number=1, body=Noted())):
        assert msgspec.msgpack.decode(frame(message)[LENGTH.size :], type=type(message)) == message


async def test_frames_are_read_one_after_the_other() -> None:
    first, second = Failed("A", "b"), Failed("C", "d")
    reader = fed(frame(first) + frame(second))

    read = [msgspec.msgpack.decode(await read_frame(reader), type=Failed) for _ in range(2)]

    assert read == [first, second]


@pytest.mark.parametrize(
    "data", [b"", b"\0\0", LENGTH.pack(5) + b"1234", LENGTH.pack(MAX_LENGTH + 1) + b"x", b"\xff" * 8]
)
async def test_a_frame_that_does_not_come_whole_is_the_streams_end(data: bytes) -> None:
    """Also one so long that no honest peer sends it: nothing is held for it."""
    with pytest.raises(asyncio.IncompleteReadError):
        await read_frame(fed(data))


async def test_the_longest_frame_is_read() -> None:
    body = bytes(MAX_LENGTH)

    assert await read_frame(fed(LENGTH.pack(MAX_LENGTH), body)) == body


def _values(plan: Plan) -> list[object]:
    return [getattr(plan, name) for name in Plan.__slots__]
