"""The derivative cache: what it vouches for, what it gives up, and a disk that is not as it left it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgsvc.core.errors import StoreFailure
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, Discarded, VariantKey
from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.derivatives import DerivativeFiles
from tests.servers import poll

OPEN = 10_000


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[DerivativeCache]:
    cache = DerivativeCache(tmp_path, budget=OPEN)
    yield cache
    cache.close()


@pytest.fixture
def files(tmp_path: Path) -> DerivativeFiles:
    return DerivativeFiles(tmp_path)


def admit(
    cache: DerivativeCache,
    name: str,
    data: bytes = b"rendition",
    output: Format = Format.WEBP,
    *,
    source: str = "original",
) -> Derivative:
    """`name` stands for a plan and its original."""
    derivative = Derivative(
        key=VariantKey(sha256(name.encode()).hexdigest()[:32]),
        format=output,
        length=len(data),
        crc32=crc32(data),
        size=Size(30, 20),
    )
    scratch = cache.scratch_path()
    scratch.write_bytes(data)
    cache.admit(scratch, derivative, source=source)
    return derivative


@pytest.mark.parametrize(
    ("output", "extension"),
    [(Format.WEBP, "webp"), (Format.JPEG, "jpg"), (Format.PNG8, "png"), (Format.TIFF, "tif")],
)
def test_a_derivative_lies_by_its_key(files: DerivativeFiles, tmp_path: Path, output: Format, extension: str) -> None:
    """`ab/cd/{key}.{extension}`: a web server in front can send it itself."""
    key = VariantKey("abcdef" + "0" * 26)

    assert files.path(key, output) == tmp_path / "ab" / "cd" / f"{key}.{extension}"


def test_what_was_admitted_is_found(cache: DerivativeCache, files: DerivativeFiles) -> None:
    """With all that is known of it."""
    derivative = admit(cache, "one")

    assert cache.find(derivative.key) == derivative
    assert files.read(derivative) == b"rendition"
    assert cache.length == len(b"rendition")


@pytest.mark.parametrize("output", [Format.JPEG, Format.PNG8, Format.AVIF])
def test_a_derivatives_path_is_where_its_file_lies(cache: DerivativeCache, output: Format) -> None:
    derivative = admit(cache, "one", output=output)

    assert cache.path(derivative).read_bytes() == b"rendition"


def test_what_cannot_be_entered_once_does_not_keep_the_next_out(
    cache: DerivativeCache, files: DerivativeFiles, tmp_path: Path
) -> None:
    """A failure of the index in the middle: what was known before is known after, and the sum is right."""
    one = admit(cache, "one", b"first")
    with closing(sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)) as index:
        index.execute(
            "CREATE TRIGGER full BEFORE INSERT ON derivatives WHEN NEW.source = 'unlucky' "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )

    with pytest.raises(StoreFailure):
        admit(cache, "two", source="unlucky")
    with pytest.raises(StoreFailure):
        admit(cache, "one", b"other", source="unlucky")
    three = admit(cache, "three")

    assert cache.find(three.key) == three
    assert files.read(one) in (b"first", None)
    assert cache.length == one.length + three.length


def test_what_was_not_admitted_is_not_found(cache: DerivativeCache) -> None:
    assert cache.find(VariantKey("0" * 32)) is None


def test_what_was_admitted_is_found_by_the_next_process(cache: DerivativeCache, tmp_path: Path) -> None:
    """The index is on disk, and its sum with it."""
    derivative = admit(cache, "one")
    cache.close()

    with closing(DerivativeCache(tmp_path, budget=OPEN)) as reopened:
        assert reopened.find(derivative.key) == derivative
        assert reopened.length == derivative.length


def test_admitting_again_replaces(cache: DerivativeCache, files: DerivativeFiles) -> None:
    """Counted once."""
    admit(cache, "one", b"first")
    second = admit(cache, "one", b"the second")

    assert files.read(second) == b"the second"
    assert cache.length == len(b"the second")


def test_a_row_without_its_file_is_a_miss(cache: DerivativeCache, files: DerivativeFiles) -> None:
    """And is forgotten, so that the sum is right."""
    derivative = admit(cache, "one")
    files.path(derivative.key, derivative.format).unlink()

    assert files.read(derivative) is None
    assert cache.find(derivative.key) is None
    assert cache.length == 0


def test_a_file_without_its_row_is_a_miss(cache: DerivativeCache, files: DerivativeFiles, tmp_path: Path) -> None:
    """Nobody vouches for it; it is replaced when it is made again."""
    derivative = admit(cache, "one")
    with closing(sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)) as index:
        index.execute("DELETE FROM derivatives")

    assert cache.find(derivative.key) is None
    again = admit(cache, "one", b"made again")
    assert files.read(again) == b"made again"


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: bytes(len(data)),
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda _: b"",
    ],
    ids=["cut", "longer", "zeros", "one bit", "empty"],
)
def test_a_file_that_is_not_what_was_admitted_is_not_read(
    cache: DerivativeCache, files: DerivativeFiles, harm: Callable[[bytes], bytes]
) -> None:
    """Length and CRC-32 are compared, whether it is read whole or in chunks."""
    derivative = admit(cache, "one")
    path = files.path(derivative.key, derivative.format)
    assert files.read(derivative) is not None

    changed = path.stat().st_ctime_ns
    path.write_bytes(harm(path.read_bytes()))
    # Before Linux 6.13 a file's time of change moves in steps of some milliseconds.
    poll(lambda: path.touch() or path.stat().st_ctime_ns != changed, for_what="the file's time of change to move")

    assert files.read(derivative) is None
    assert files.open(derivative) is None


def test_a_folder_in_a_files_place_is_a_miss(cache: DerivativeCache, files: DerivativeFiles) -> None:
    """Whoever put it there."""
    derivative = admit(cache, "one")
    path = files.path(derivative.key, derivative.format)
    path.unlink()
    path.mkdir()

    assert files.read(derivative) is None
    assert files.open(derivative) is None


def test_what_is_discarded_is_gone(cache: DerivativeCache, files: DerivativeFiles) -> None:
    """File, row and sum; who has it open reads on; discarding twice is no mistake."""
    derivative = admit(cache, "one")
    with files.path(derivative.key, derivative.format).open("rb") as still_open:
        cache.discard(derivative)
        cache.discard(derivative)

        assert still_open.read() == b"rendition"
    assert cache.find(derivative.key) is None
    assert cache.length == 0


def test_orphans_are_swept_at_the_start(cache: DerivativeCache, tmp_path: Path) -> None:
    """What a worker was writing when the last broker died."""
    orphan = cache.scratch_path()
    orphan.write_bytes(b"half a rend")
    cache.close()

    DerivativeCache(tmp_path, budget=OPEN).close()

    assert not orphan.exists()


def test_a_rendition_that_was_never_written_is_a_failure(cache: DerivativeCache) -> None:
    """And nothing is entered."""
    derivative = Derivative(key=VariantKey("0" * 32), format=Format.PNG, length=9, crc32=0, size=Size(1, 1))

    with pytest.raises(StoreFailure):
        cache.admit(cache.scratch_path(), derivative, source="original")

    assert cache.find(derivative.key) is None


@pytest.mark.parametrize("harm", [b"", b"not a database at all" * 1000], ids=["empty", "rubbish"])
def test_an_index_that_is_harmed_costs_its_derivatives_alone(tmp_path: Path, harm: bytes) -> None:
    """It may be after a loss of power, and everything in it can be made again: the service must start."""
    with closing(DerivativeCache(tmp_path, budget=OPEN)) as cache:
        admit(cache, "one")
    for leftover in tmp_path.glob("index.sqlite-*"):
        leftover.unlink()
    (tmp_path / "index.sqlite").write_bytes(harm)

    with closing(DerivativeCache(tmp_path, budget=OPEN)) as cache:
        derivative = admit(cache, "one")

        assert cache.find(derivative.key) == derivative


class TestSources:
    def test_all_that_was_made_of_an_original_goes_together(
        self, cache: DerivativeCache, files: DerivativeFiles
    ) -> None:
        """How many and how long they were is told, once; what was made of others stays, and the sum is right."""
        made = [
            admit(cache, name, output=output, source="a") for name, output in (("1", Format.PNG), ("2", Format.WEBP))
        ]
        other = admit(cache, "3", b"of another", source="b")

        told = [cache.discard_all(source) for source in ("a", "a", "nobody's")]

        assert told == [Discarded(2, 2 * len(b"rendition")), Discarded(0, 0), Discarded(0, 0)]
        assert [cache.find(one.key) for one in (*made, other)] == [None, None, other]
        assert [files.path(one.key, one.format).exists() for one in (*made, other)] == [False, False, True]
        assert cache.length == len(b"of another")

    def test_whether_anything_was_made_of_it_is_known(self, cache: DerivativeCache) -> None:
        """From the first derivative to the last."""
        before = cache.has_any("a")
        made = [admit(cache, name, source="a") for name in "12"]
        told = [cache.has_any(source) for source in ("a", "b", "")]
        cache.discard(made[0])
        one_left = cache.has_any("a")
        cache.discard(made[1])

        assert (before, told, one_left, cache.has_any("a")) == (False, [True, False, False], True, False)

    def test_who_reads_it_reads_on(self, cache: DerivativeCache, files: DerivativeFiles) -> None:
        derivative = admit(cache, "1", source="a")

        with files.path(derivative.key, derivative.format).open("rb") as file:
            cache.discard_all("a")

            assert file.read() == b"rendition"

    def test_what_is_not_there_any_more_is_forgotten_all_the_same(
        self, cache: DerivativeCache, files: DerivativeFiles
    ) -> None:
        """Its file was deleted by hand."""
        derivative = admit(cache, "1", source="a")
        files.path(derivative.key, derivative.format).unlink()

        assert cache.discard_all("a").derivatives == 1
        assert cache.length == 0

    def test_it_is_of_what_it_was_made_from_last(self, cache: DerivativeCache) -> None:
        """Admitted again, it has one source."""
        admit(cache, "1", source="a")
        derivative = admit(cache, "1", source="b")

        assert cache.discard_all("a").derivatives == 0
        assert cache.find(derivative.key) == derivative
        assert cache.discard_all("b").derivatives == 1

    def test_a_source_is_known_to_the_next_process(self, cache: DerivativeCache, tmp_path: Path) -> None:
        admit(cache, "1", source="a")
        cache.close()

        with closing(DerivativeCache(tmp_path, budget=OPEN)) as reopened:
            assert reopened.discard_all("a").derivatives == 1

    def test_an_index_from_before_sources_is_gone_on_with(self, tmp_path: Path) -> None:
        """Its derivatives stay and are counted, nothing is made again; what is new has a source. Time after time."""
        derivative = _old_cache(tmp_path, b"rendition")

        with closing(DerivativeCache(tmp_path, budget=OPEN)) as cache:
            upgraded = (cache.find(derivative.key), cache.length)
            admit(cache, "new", source="a")
        with closing(DerivativeCache(tmp_path, budget=OPEN)) as cache:
            reopened = cache.find(derivative.key)
            discarded = cache.discard_all("a").derivatives
            left = cache.length

        assert upgraded == (derivative, len(b"rendition"))
        assert reopened == derivative
        assert (discarded, left) == (1, len(b"rendition"))


class TestTheBudget:
    def test_the_least_recently_asked_for_go_first(self, tmp_path: Path) -> None:
        """Being found counts as being asked for; as many go as have to."""
        with closing(DerivativeCache(tmp_path, budget=1000)) as cache:
            kept = [admit(cache, str(number), bytes(100)) for number in range(10)]
            _grow_older(tmp_path, seconds=61)
            cache.find(kept[0].key)

            newest = admit(cache, "newest", bytes(100))

            found = [cache.find(one.key) is not None for one in (*kept, newest)]
            assert found == [True, False, *[True] * 9]
            assert cache.length == 1000
            assert _stored_bytes(tmp_path) == 1000

    def test_one_use_stands_for_all_within_a_minute(self, cache: DerivativeCache, tmp_path: Path) -> None:
        """Writing each down would cost as much again as finding it; who is found anew after it is used anew."""
        one, other = admit(cache, "one"), admit(cache, "other")
        _grow_older(tmp_path, seconds=50)
        before = _used(tmp_path)
        cache.find_many([one.key, other.key])
        within = _used(tmp_path)
        _grow_older(tmp_path, seconds=11)
        cache.find(one.key)
        after = _used(tmp_path)

        assert within == before
        assert after[one.key] > before[one.key] + 10
        assert after[other.key] < before[other.key]

    def test_what_is_used_all_the_time_outlives_what_is_not(self, tmp_path: Path) -> None:
        """Look-ups half a minute apart are written down every other time; nothing older is kept instead of it."""
        with closing(DerivativeCache(tmp_path, budget=1000)) as cache:
            used = admit(cache, "used", bytes(100))
            for number in range(40):
                _grow_older(tmp_path, seconds=31)
                assert cache.find(used.key) == used
                admit(cache, str(number), bytes(100))

            assert cache.find(used.key) == used
            assert cache.length <= 1000

    def test_a_miss_writes_nothing(self, cache: DerivativeCache, tmp_path: Path) -> None:
        """Neither for what was never there nor for others."""
        admit(cache, "one")
        _grow_older(tmp_path, seconds=3600)
        before = _used(tmp_path)

        cache.find_many([VariantKey("0" * 32)])

        assert _used(tmp_path) == before

    def test_what_was_just_admitted_stays(self, tmp_path: Path) -> None:
        """Also where it alone is more than the budget: somebody is about to read it."""
        with closing(DerivativeCache(tmp_path, budget=1000)) as cache:
            small = admit(cache, "small", bytes(100))
            large = admit(cache, "large", bytes(5000))

            assert cache.find(large.key) == large
            assert cache.find(small.key) is None
            assert cache.length == 5000

    def test_a_smaller_budget_holds_from_the_next_admission(self, tmp_path: Path) -> None:
        """An operator lowers it and starts again."""
        with closing(DerivativeCache(tmp_path, budget=OPEN)) as cache:
            for number in range(50):
                admit(cache, str(number), bytes(100))

        with closing(DerivativeCache(tmp_path, budget=1000)) as cache:
            admit(cache, "newest", bytes(100))

            assert cache.length <= 1000
            assert _stored_bytes(tmp_path) == cache.length

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(
            st.tuples(st.sampled_from(["admit", "find", "discard", "lose"]), st.integers(0, 5), st.integers(0, 700)),
            max_size=25,
        )
    )
    def test_the_sum_is_right_whatever_happens(
        self, tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int, int]]
    ) -> None:
        """It is that of the rows, and with every row found once it is that of the files; never above the budget but for

        one rendition.
        """
        root = tmp_path_factory.mktemp("cache")
        files = DerivativeFiles(root)
        admitted: dict[int, Derivative] = {}
        with closing(DerivativeCache(root, budget=1000)) as cache:
            for action, number, length in actions:
                if action == "admit":
                    admitted[number] = admit(cache, str(number), bytes(length))
                elif number in admitted and action == "find":
                    cache.find(admitted[number].key)
                elif number in admitted and action == "discard":
                    cache.discard(admitted[number])
                elif number in admitted:
                    files.path(admitted[number].key, admitted[number].format).unlink(missing_ok=True)
            found = [one for one in admitted.values() if cache.find(one.key) is not None]

            assert cache.length == sum(one.length for one in found) == _stored_bytes(root)
            assert cache.length <= 1000


def _grow_older(root: Path, *, seconds: float) -> None:
    """All that is in the cache, by so much."""
    with closing(sqlite3.connect(root / "index.sqlite", isolation_level=None)) as index:
        index.execute("UPDATE derivatives SET used = used - ?", (seconds,))


def _used(root: Path) -> dict[VariantKey, float]:
    """When each was used last, as it is written down."""
    with closing(sqlite3.connect(root / "index.sqlite")) as index:
        return {VariantKey(key): used for key, used in index.execute("SELECT key, used FROM derivatives")}


def _stored_bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in root.glob("??/??/*"))


def _old_cache(root: Path, data: bytes) -> Derivative:
    """As the first release left it: an index without sources, and one derivative."""
    key = VariantKey("abcdef" + "0" * 26)
    derivative = Derivative(key=key, format=Format.WEBP, length=len(data), crc32=crc32(data), size=Size(30, 20))
    path = DerivativeFiles(root).path(key, Format.WEBP)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with closing(sqlite3.connect(root / "index.sqlite", isolation_level=None)) as index:
        index.executescript(
            """
            CREATE TABLE derivatives (
                key TEXT PRIMARY KEY, format TEXT NOT NULL, length INTEGER NOT NULL, crc32 INTEGER NOT NULL,
                width INTEGER NOT NULL, height INTEGER NOT NULL, used REAL NOT NULL
            ) WITHOUT ROWID;
            CREATE INDEX derivatives_used ON derivatives (used);
            """
        )
        index.execute(
            "INSERT INTO derivatives VALUES (?, 'webp', ?, ?, 30, 20, 1.0)", (key, len(data), derivative.crc32)
        )
    return derivative
