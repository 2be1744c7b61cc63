"""A cache whose disk is full, gone, read-only or harmed: pictures come all the same, and it heals by itself."""

import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from imgsvc.app.parts import overflow_folder
from imgsvc.settings import load_settings
from tests import originals
from tests.servers import Service, environment, is_ready, poll, serving

NewPath = Callable[[], str]

_ALONE: Mapping[str, str] = {"pyramid_bytes": "0", "render_workers": "2"}
"""Every rendition is one render and one file."""


@pytest.fixture(scope="module")
def module_service(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    with serving(tmp_path_factory.mktemp("faults") / "data", workers=1, **_ALONE) as service:
        yield service


@pytest.fixture
def own(module_service: Service) -> Service:
    """One that many tests harm, in turn, and leave as it was."""
    return module_service


@pytest.fixture(scope="module")
def guid(module_service: Service) -> str:
    return module_service.add(originals.png(1200, 900))


@pytest.fixture
def new_path(own: Service, guid: str) -> NewPath:
    """Canonical paths of renditions that nobody has asked for."""
    return lambda: own.canonical_path(guid, f"width={next(_widths)}&format=png")


_widths = count(10)


@contextmanager
def mounted(folder: Path, *options: str) -> Generator[None]:
    """A file system in memory over the folder, and whatever is in it out of sight."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


class TestAFullDisk:
    def test_it_takes_the_cache_room_and_no_picture(self, tmp_path: Path) -> None:
        """The budget is more than the disk has: what is old makes way. Then others fill it, then they leave it."""
        cached = tmp_path / "data" / "derivatives"
        with mounted(cached, "size=3m"), serving(tmp_path / "data", workers=1, **_ALONE) as own:
            guid = own.add(originals.png(320, 240))
            lengths = [len(own.get(f"/images/{guid}.bmp?width={width}").content) for width in range(160, 320, 4)]
            evicted = own.metric("imgsvc_cache_notices_total", notice="evicted")
            (cached / "others").write_bytes(bytes(_free_bytes(cached)))
            for row in stored(own):
                row.unlink()
            _fill(cached / "others")
            path = f"/images/{guid}.bmp?width=200"
            uncached = [own.get(path).status_code for _ in range(3)]
            renders, unwritable = own.renders(), own.metric("imgsvc_cache_notices_total", notice="unwritable")
            here = stored(own)
            (cached / "others").unlink()
            poll(lambda: stored(own), for_what="the rendition to go back to the disk")

            assert lengths == [_bmp_length(width, width * 3 // 4) for width in range(160, 320, 4)]
            assert evicted > 0
            assert uncached == [200, 200, 200]
            assert here == []
            assert (renders, unwritable > 0) == (41, True)
            assert (own.get(path).status_code, own.renders()) == (200, 41)

    def test_the_cache_gives_way_also_where_nothing_else_takes_its_files(self, tmp_path: Path) -> None:
        """Without an overflow: what is old goes for what is asked for."""
        data = tmp_path / "data"
        overflow = overflow_folder(load_settings(environment(data, {})))
        overflow.touch()
        try:
            with mounted(data / "derivatives", "size=2m"), serving(data, workers=1, **_ALONE) as own:
                guid = own.add(originals.png(320, 240))
                statuses = [own.get(f"/images/{guid}.bmp?width={width}").status_code for width in range(200, 320, 4)]
                evicted = own.metric("imgsvc_cache_notices_total", notice="evicted")
        finally:
            overflow.unlink()

        assert statuses == [200] * 30
        assert evicted > 0

    def test_it_takes_no_process_when_all_of_the_data_lies_on_it(self, tmp_path: Path) -> None:
        """What is shared through memory has its place on the disk already; who dies comes back without more of it."""
        data = tmp_path / "data"
        with mounted(data, "size=8m"), serving(data, workers=2, **_ALONE) as own:
            guid = own.add(originals.png(60, 40))
            there = own.get(f"/images/{guid}.png?width=19").content
            family = {own.broker(), *own.servers()}
            _fill(data / "others")
            # Each of another route and status: more is counted than before.
            refused = own.upload(originals.png(50, 40)).status_code
            statuses = [own.get(f"/images/{guid}.png?width={width}").status_code for width in range(20, 40)]
            counted = poll(lambda: _pictures(own) > 0 and _pictures(own), for_what="them to be counted")
            spared = {own.broker(), *own.servers()}
            for pid in spared:
                os.kill(pid, signal.SIGKILL)
            poll(lambda: is_ready(own), for_what="others in their place")
            again = [own.get(f"/images/{guid}.png?width={width}").status_code for width in range(20, 40)]
            counted_on = _pictures(own)
            (data / "others").unlink()
            poll(lambda: own.upload(originals.png(50, 40)).status_code == 201, for_what="room for an upload")

            assert (refused, statuses, again) == (503, [200] * 20, [200] * 20)
            assert spared == family
            assert counted_on >= counted
            assert own.get(f"/images/{guid}.png?width=19").content == there

    def test_nor_when_it_has_no_inodes_left(self, tmp_path: Path) -> None:
        """A disk may have room for bytes and none for files."""
        with (
            mounted(tmp_path / "data" / "derivatives", "nr_inodes=24"),
            serving(tmp_path / "data", workers=1, **_ALONE) as own,
        ):
            guid = own.add(originals.png(60, 40))

            statuses = [own.get(f"/images/{guid}.png?width={width}").status_code for width in range(20, 50)]

            assert statuses == [200] * 30
            assert own.metric("imgsvc_cache_notices_total", notice="unwritable") > 0

    def test_an_upload_is_refused_loudly(self, tmp_path: Path) -> None:
        """An original that cannot be kept is not acknowledged; those that were are there, and others may follow."""
        kept = tmp_path / "data" / "originals"
        with mounted(kept, "size=1m"), serving(tmp_path / "data", workers=1, **_ALONE) as own:
            small = own.add(originals.png())
            _fill(kept / "others")
            refused = own.upload(originals.png(200, 100))
            still = own.get(f"/images/{small}.png").status_code
            (kept / "others").unlink()
            taken = own.upload(originals.png(200, 100))

            assert refused.status_code == 503, refused.text
            assert refused.headers["retry-after"]
            assert still == 200
            assert taken.status_code == 201
            assert list((kept / "incoming").iterdir()) == []


class TestAFolderThatGoes:
    def test_it_is_made_anew_when_it_was_taken_away(self, own: Service, new_path: NewPath, tmp_path: Path) -> None:
        """Deleting a cache is anybody's right at any time: what was in it is made again, and kept."""
        path = new_path()
        before = own.get(path).content

        cached(own).rename(tmp_path / "away")
        during = [own.get(each) for each in (path, new_path())]
        poll(lambda: stored(own), for_what="renditions to be kept again")
        renders = own.renders()
        after = own.get(path).content

        assert [answer.status_code for answer in during] == [200, 200]
        assert before == during[0].content == after
        assert own.renders() == renders

    def test_one_that_cannot_be_made_costs_no_render(self, own: Service, new_path: NewPath, tmp_path: Path) -> None:
        """What is made meanwhile is kept in memory, and in the folder later; what was there before counts again."""
        old, new = new_path(), new_path()
        own.get(old)
        with cached_away(own, tmp_path / "away"):
            cached(own).write_bytes(b"a file in the folder's place")
            first = own.get(new)
            renders = own.renders()
            second = own.get(new)
            rendered_twice = own.renders() - renders
            cached(own).unlink()
        poll(lambda: derivative(own, new).exists(), for_what="the rendition to go back to its folder")
        renders = own.renders()
        after = [own.get(path) for path in (old, new)]

        assert (first.status_code, second.content, rendered_twice) == (200, first.content, 0)
        assert after[1].content == first.content
        assert own.renders() == renders

    def test_one_that_is_read_only_is_gone_on_without(self, own: Service, new_path: NewPath) -> None:
        """And with, when it can be written to again."""
        old, new = new_path(), new_path()
        own.get(old)
        with mounted(cached(own), "ro"):
            answers = [own.get(path).status_code for path in (old, new, new)]
        poll(lambda: derivative(own, new).exists(), for_what="the rendition to go back to its folder")

        assert answers == [200, 200, 200]


class TestAnIndexThatFails:
    def test_one_that_is_overwritten_is_made_anew(self, own: Service, new_path: NewPath) -> None:
        """While it is in use, by whatever it may be."""
        old = new_path()
        before = own.get(old).content
        for file in cached(own).glob("index.sqlite*"):
            length = file.stat().st_size
            with file.open("r+b") as overwritten:
                overwritten.write(b"no database " * (length // 12))
        answers = [own.get(path) for path in [new_path() for _ in range(4)]]
        new = new_path()
        poll(lambda: own.get(new) and derivative(own, new).exists(), for_what="renditions to be kept again")
        renders = own.renders()

        assert [answer.status_code for answer in answers] == [200] * 4
        assert own.get(old).content == before
        assert own.get(new).status_code == 200
        assert own.renders() - renders <= 1
        assert own.metric("imgsvc_cache_notices_total", notice="index") > 0

    def test_one_that_somebody_holds_makes_nobody_wait(self, own: Service, new_path: NewPath) -> None:
        """An operator looks into it and forgets to leave: what is made is kept when the database is free."""
        old, new = new_path(), new_path()
        before = own.get(old).content
        with closing(sqlite3.connect(cached(own) / "index.sqlite", isolation_level=None)) as index:
            index.execute("BEGIN IMMEDIATE")
            during = [own.get(f"{old}&rnd=1"), own.get(new)]
            index.execute("ROLLBACK")
            rows = "SELECT 1 FROM derivatives WHERE key = ?"
            key = derivative(own, new).stem
            poll(lambda: index.execute(rows, [key]).fetchone(), for_what="the rendition to be kept")

        assert [answer.status_code for answer in during] == [200, 200]
        assert during[0].content == before
        assert derivative(own, new).exists()


@pytest.mark.parametrize(
    ("harm", "notice"),
    [
        (lambda path: path.write_bytes(b""), "length"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "length"),
        (lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]), "checksum"),
        (lambda path: (path.unlink(), path.mkdir()), "foreign"),
        (lambda path: (path.unlink(), path.mkdir(), (path / "deep").touch()), "foreign"),
        (lambda path: (path.unlink(), path.symlink_to("/dev/zero")), "foreign"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "foreign"),
        (lambda path: path.unlink(), "lost"),
    ],
    ids=["empty", "truncated", "one bit", "folder", "full folder", "link", "fifo", "deleted"],
)
def test_a_derivative_that_was_harmed_is_made_again(
    own: Service, new_path: NewPath, harm: Callable[[Path], object], notice: str
) -> None:
    """The next request gets the right bytes, the one after it from a file that is as it was; it is counted."""
    path = new_path()
    before = own.get(path).content
    file = derivative(own, path)
    counted = own.metric("imgsvc_cache_notices_total", notice=notice)

    harm(file)
    after = own.get(path)

    assert (after.status_code, after.content) == (200, before)
    assert file.is_file()
    assert not file.is_symlink()
    assert file.read_bytes() == before
    assert own.metric("imgsvc_cache_notices_total", notice=notice) == counted + 1


def test_a_file_in_the_place_of_a_folder_makes_way(own: Service, new_path: NewPath) -> None:
    """Somebody has tidied up with a touch too much."""
    path = new_path()
    before = own.get(path).content
    file = derivative(own, path)
    file.unlink()
    file.parent.rmdir()
    file.parent.touch()

    after = own.get(path).content

    assert after == before
    assert file.read_bytes() == before


@pytest.mark.parametrize("target", ["nothing", "."], ids=["dangling", "looping"])
def test_a_link_in_the_place_of_a_folder_makes_way(own: Service, new_path: NewPath, target: str) -> None:
    """It leads nowhere, or to itself."""
    path = new_path()
    before = own.get(path).content
    file = derivative(own, path)
    file.unlink()
    file.parent.rmdir()
    file.parent.symlink_to(target if target != "." else file.parent.name)

    after = own.get(path).content

    assert after == before
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["scratch", "trash", "index.sqlite"])
def test_what_is_foreign_in_the_place_of_its_own_makes_way(
    own: Service, new_path: NewPath, tmp_path: Path, name: str
) -> None:
    """A file where it wants a folder, a folder where it wants a file: neither keeps it from keeping renditions."""
    before = own.get(new_path()).status_code
    for file in cached(own).glob(f"{name}*"):
        file.rename(tmp_path / file.name)
    if (tmp_path / name).is_dir():
        (cached(own) / name).touch()
    else:
        (cached(own) / name / "deep").mkdir(parents=True)

    during = own.get(new_path()).status_code
    poll((cached(own) / "index.sqlite").is_file, for_what="an index in its place")
    path = new_path()
    whole = own.get(path).content
    poll(lambda: derivative(own, path).exists(), for_what="the rendition to be kept")
    harmed = derivative(own, path)
    harmed.unlink()
    (harmed / "deep").mkdir(parents=True)
    after = own.get(path).content

    assert (before, during) == (200, 200)
    assert after == whole
    assert harmed.is_file()


def test_what_is_answered_without_the_broker_counts_as_used(own: Service, new_path: NewPath) -> None:
    """Server processes tell it some seconds later; else what is asked for most would go first."""
    path = new_path()
    own.get(path)
    key = derivative(own, path).stem
    with closing(sqlite3.connect(cached(own) / "index.sqlite", isolation_level=None)) as index:
        index.execute("UPDATE derivatives SET used = used - 3600 WHERE key = ?", (key,))
        (before,) = index.execute("SELECT used FROM derivatives WHERE key = ?", (key,)).fetchone()

        def used() -> bool:
            (now,) = index.execute("SELECT used FROM derivatives WHERE key = ?", (key,)).fetchone()
            return now >= before + 3600

        own.get(path)
        poll(used, for_what="the use to be noted")


class TestTheBudget:
    def test_a_flood_of_unique_urls_never_passes_it(self, tmp_path: Path) -> None:
        """Whatever moment one looks at, but for one derivative on its way."""
        with serving(tmp_path / "data", workers=1, cache_bytes="1MB", **_ALONE) as own, ExitStack() as stack:
            threads = stack.enter_context(ThreadPoolExecutor(4))
            guid = own.add(originals.png(160, 120))
            answers = [threads.submit(own.get, f"/images/{guid}.bmp?width={width}") for width in range(60, 160)]
            seen: list[int] = []
            while not all(answer.done() for answer in answers):
                seen.append(sum(_length(file) for file in stored(own)))

            assert {answer.result().status_code for answer in answers} == {200}
            assert max(seen) <= (1 << 20) + _bmp_length(160, 120)
            assert max(seen) > 1 << 19
            assert own.metric("imgsvc_cache_notices_total", notice="evicted") > 0

    def test_it_holds_soon_where_it_was_lowered(self, tmp_path: Path) -> None:
        """In the background: the service answers at once, and what nobody vouches for goes, too."""
        with serving(tmp_path / "data", workers=1, **_ALONE) as own:
            guid = own.add(originals.png(160, 120))
            for width in range(60, 160):
                own.get(f"/images/{guid}.bmp?width={width}")
            before = sum(map(_length, stored(own)))
        orphan = tmp_path / "data" / "derivatives" / "ab" / "cd" / f"abcd{'0' * 28}.webp"
        orphan.parent.mkdir(parents=True, exist_ok=True)
        orphan.write_bytes(b"nobody's")

        with serving(tmp_path / "data", workers=1, cache_bytes="500KB", **_ALONE) as own:
            poll(lambda: sum(map(_length, stored(own))) <= 500 << 10, for_what="the cache to shrink")
            poll(lambda: not orphan.exists(), for_what="the orphan to be swept")

            assert before > 1 << 20
            assert own.get(f"/images/{guid}.bmp?width=60").status_code == 200
            assert own.metric("imgsvc_cache_notices_total", notice="orphan") >= 1

    def test_an_index_that_was_lost_leaves_nothing_behind(self, tmp_path: Path) -> None:
        """Files that nobody vouches for go in the background; the service is ready before."""
        with serving(tmp_path / "data", workers=1, **_ALONE) as own:
            guid = own.add(originals.png(60, 40))
            for width in range(20, 60):
                own.get(f"/images/{guid}.png?width={width}")
        for file in (tmp_path / "data" / "derivatives").glob("index.sqlite*"):
            file.unlink()

        with serving(tmp_path / "data", workers=1, **_ALONE) as own:
            poll(lambda: _is_empty(cached(own) / "trash"), for_what="what nobody vouches for to be deleted")
            left = stored(own)
            status = own.get(f"/images/{guid}.png?width=20").status_code

            assert left == []
            assert (status, len(stored(own))) == (200, 1)


def derivative(own: Service, path: str) -> Path:
    """Of a canonical path."""
    found = re.search(r"/(([0-9a-f]{2})([0-9a-f]{2})[0-9a-f]{28})/[^/]+\.([a-z]+)", path)
    assert found is not None
    return cached(own) / found[2] / found[3] / f"{found[1]}.{found[4]}"


def cached(own: Service) -> Path:
    return own.data / "derivatives"


def stored(own: Service) -> list[Path]:
    return list(cached(own).glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"))


@contextmanager
def cached_away(own: Service, elsewhere: Path) -> Generator[None]:
    cached(own).rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(cached(own))


def _pictures(own: Service) -> float:
    """Answered, as far as is told."""
    return own.metric("imgsvc_requests_total", status="200", route="images")


def _free_bytes(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def _fill(path: Path) -> None:
    """To the last byte of its file system."""
    with path.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _length(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _bmp_length(width: int, height: int) -> int:
    """24 bits a pixel, rows of a multiple of four bytes, behind headers of 54."""
    return 54 + (width * 3 + 3) // 4 * 4 * height
