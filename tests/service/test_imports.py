"""Originals by URL: fetched over loopback into the spool, and nothing left of what failed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from imgsvc.core.errors import InvalidParameter, OriginCause, OriginFailure, PayloadTooLarge, StoreFailure
from imgsvc.origin.fetch import Origin
from imgsvc.service.imports import Imports
from imgsvc.storage.blobs import LocalBlobs
from tests.origin.fetching import INTRANET
from tests.origin.loopback import PICTURE, FakeResolver, http, redirect, says_and_leaves, serving

pytestmark = pytest.mark.anyio

LIMIT = 4_000_000


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "originals")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@asynccontextmanager
async def importing(blobs: LocalBlobs, *, limit: int = LIMIT) -> AsyncGenerator[Imports]:
    async with Origin(guard=INTRANET, deadline=30, resolve=FakeResolver()) as origin:
        yield Imports(origin=origin, blobs=blobs, limit=limit)


async def test_what_is_at_the_url_is_spooled(blobs: LocalBlobs) -> None:
    """Under the name that the URL has, wherever it redirects to."""
    answers = {"/a/Red%20Shirt.png?v=1": redirect("/moved"), "/moved": http(PICTURE)}
    async with (
        serving(answers) as loopback,
        importing(blobs) as imports,
        imports.spooled(loopback.url("/a/Red%20Shirt.png?v=1"), of="remotePath") as imported,
    ):
        data = imported.spooled.path.read_bytes()

    assert (imported.name, data) == ("Red Shirt.png", PICTURE)
    assert imported.spooled.digest == sha256(PICTURE).hexdigest()
    assert imported.spooled.length == len(PICTURE)


async def test_a_url_may_have_no_file_name(blobs: LocalBlobs) -> None:
    """What to call it is decided elsewhere."""
    async with (
        serving({"/": http(PICTURE)}) as loopback,
        importing(blobs) as imports,
        imports.spooled(loopback.url("/"), of="remotePath") as imported,
    ):
        assert imported.name == ""


@pytest.mark.parametrize("length", [0, 1, (1 << 20) - 1, 1 << 20, 3_000_001])
async def test_bytes_are_written_in_order(blobs: LocalBlobs, length: int) -> None:
    """Also more than is gathered for one thread hop, and exactly that much."""
    data = (bytes(range(251)) * (length // 251 + 1))[:length]
    async with (
        serving({"/large.bmp": http(data)}) as loopback,
        importing(blobs) as imports,
        imports.spooled(loopback.url("/large.bmp"), of="remotePath") as imported,
    ):
        assert imported.spooled.path.read_bytes() == data
        assert imported.spooled.digest == sha256(data).hexdigest()


async def test_nothing_is_left_unless_a_store_kept_it(blobs: LocalBlobs, tmp_path: Path) -> None:
    """Who leaves without keeping has nothing; what was kept stays."""
    async with serving({"/a.png": http(PICTURE)}) as loopback, importing(blobs) as imports:
        async with imports.spooled(loopback.url("/a.png"), of="remotePath"):
            pass
        left = files_in(tmp_path)
        async with imports.spooled(loopback.url("/a.png"), of="remotePath") as imported:
            blobs.keep(imported.spooled.path, imported.spooled.digest)

    assert left == []
    assert files_in(tmp_path) == [blobs.local_path(imported.spooled.digest)]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (http(b"gone", "404 Not Found"), OriginCause.STATUS),
        (says_and_leaves(http(PICTURE)[:-100]), OriginCause.PROTOCOL),
        (says_and_leaves(b""), OriginCause.PROTOCOL),
    ],
    ids=["404", "breaks off", "says nothing"],
)
async def test_a_fetch_that_fails_leaves_nothing(
    blobs: LocalBlobs, tmp_path: Path, answer: bytes, cause: OriginCause
) -> None:
    """Half a file is none."""
    async with serving({"/a.png": answer}) as loopback, importing(blobs) as imports:
        with pytest.raises(OriginFailure) as failed:
            async with imports.spooled(loopback.url("/a.png"), of="remotePath"):
                pytest.fail("it was taken for whole")

    assert failed.value.cause is cause
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("more", [0, 1])
async def test_the_limit_is_of_the_file(blobs: LocalBlobs, tmp_path: Path, more: int) -> None:
    """To the byte; of one that is too large nothing is left."""
    async with (
        serving({"/a.png": http(bytes(5000 + more))}) as loopback,
        importing(blobs, limit=5000) as imports,
    ):
        if more:
            with pytest.raises(PayloadTooLarge):
                async with imports.spooled(loopback.url("/a.png"), of="remotePath"):
                    pytest.fail("it was taken")
        else:
            async with imports.spooled(loopback.url("/a.png"), of="remotePath") as imported:
                assert imported.spooled.length == 5000

    assert files_in(tmp_path) == []


async def test_a_url_that_is_none_is_refused_by_the_callers_name(blobs: LocalBlobs, tmp_path: Path) -> None:
    """Before anything is written."""
    async with importing(blobs) as imports:
        with pytest.raises(InvalidParameter) as refused:
            async with imports.spooled("file:///etc/passwd", of="remotePath"):
                pytest.fail("it was fetched")

    assert refused.value.name == "remotePath"
    assert files_in(tmp_path) == []


async def test_a_store_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "originals").write_bytes(b"in the way")

    async with serving({"/a.png": http(PICTURE)}) as loopback, importing(LocalBlobs(tmp_path / "originals")) as imports:
        with pytest.raises(StoreFailure):
            async with imports.spooled(loopback.url("/a.png"), of="remotePath"):
                pytest.fail("it was spooled")
