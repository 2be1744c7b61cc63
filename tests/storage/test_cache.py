"""The derivative cache: what it vouches for, what it gives up, and a disk that is not as it left it."""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import time
from zlib import crc32

import pytest

from imgsvc.core.errors import StoreFailure
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, Discarded, VariantKey
from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.overflow import Overflow
from imgsvc.storage.shelf import Notice
from tests.storage.shelves import admit, admit_spare

OPEN = 10_000


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[DerivativeCache]:
    cache = DerivativeCache(tmp_path, budget=OPEN)
    yield cache
    cache.close()


@pytest.fixture
def files(tmp_path: Path) -> DerivativeFiles:
    return DerivativeFiles(tmp_path)


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


class TestLabels:
    def test_what_has_one_is_found_by_it_page_by_page(self, cache: DerivativeCache) -> None:
        """Until it is gone, also when it was admitted anew. What is not there has none."""
        made = sorted((admit(cache, str(number)) for number in range(5)), key=lambda one: one.key)
        for one in (*made, *made):
            cache.label(one.key, "shop/icon")
        cache.label(made[0].key, "shop/hero")
        cache.label(VariantKey("0" * 32), "shop/icon")
        admit(cache, "3", b"anew")
        cache.discard(made[0])

        first = cache.labelled("shop/icon", after=None, limit=3)
        rest = cache.labelled("shop/icon", after=first[-1], limit=3)

        assert [*first, *rest] == [one.key for one in made[1:]]
        assert cache.labelled("shop/hero", after=None, limit=3) == []

    def test_it_keeps_them_in_the_overflow_and_back_from_there(self, tmp_path: Path) -> None:
        overflow = Overflow(tmp_path / "overflow")
        with closing(overflow), closing(DerivativeCache(tmp_path / "cache", budget=OPEN, overflow=overflow)) as cache:
            stranded, other = admit_spare(cache, "one"), admit(cache, "two")
            for one in (stranded, other):
                cache.label(one.key, "shop/icon")

            before = cache.labelled("shop/icon", after=None, limit=3)
            while cache.tidy():
                pass
            overflow.close()

            assert before == sorted([stranded.key, other.key]) == cache.labelled("shop/icon", after=None, limit=3)


class TestStale:
    def test_it_is_found_until_it_is_admitted_anew(self, cache: DerivativeCache) -> None:
        """By keys, or all that was made of an original; each is counted once, others are as they were."""
        one, two, other = admit(cache, "one"), admit(cache, "two"), admit(cache, "other", source="another")

        counts = [cache.mark_stale([one.key, other.key]), cache.mark_all_stale("original"), cache.mark_stale([two.key])]
        again = admit(cache, "one", b"fresh")

        assert counts == [2, 1, 0]
        assert cache.find_many([one.key, two.key, other.key]) == {
            one.key: again,
            two.key: replace(two, stale=True),
            other.key: replace(other, stale=True),
        }

    def test_it_is_so_in_the_overflow_and_back_from_there(self, tmp_path: Path) -> None:
        overflow = Overflow(tmp_path / "overflow")
        with closing(overflow), closing(DerivativeCache(tmp_path / "cache", budget=OPEN, overflow=overflow)) as cache:
            stranded = admit_spare(cache, "one")

            counts = cache.mark_all_stale("original"), cache.mark_stale([stranded.key])
            before = cache.find(stranded.key)
            while cache.tidy():
                pass

            assert counts == (1, 0)
            assert before == cache.find(stranded.key) == replace(stranded, stale=True)
            assert cache.path(stranded).exists()

    def test_what_cannot_be_marked_is_said(self, cache: DerivativeCache, tmp_path: Path) -> None:
        """Whoever purges has to try again."""
        one = admit(cache, "one")
        with closing(sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)) as somebody:
            somebody.execute("BEGIN IMMEDIATE")

            with pytest.raises(StoreFailure):
                cache.mark_stale([one.key])


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


def test_an_index_of_a_later_release_is_begun_anew(tmp_path: Path) -> None:
    """Who goes back to an earlier release loses what can be made again, and nothing is misread."""
    with closing(DerivativeCache(tmp_path, budget=OPEN)) as cache:
        old = admit(cache, "one")
    with closing(sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)) as index:
        index.execute("PRAGMA user_version = 1000")

    with closing(DerivativeCache(tmp_path, budget=OPEN)) as cache:
        found, new = cache.find(old.key), admit(cache, "two")

        assert found is None
        assert cache.find(new.key) == new


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

    @pytest.mark.parametrize("revision", [0, 1])
    def test_an_index_of_an_earlier_release_is_gone_on_with(self, tmp_path: Path, revision: int) -> None:
        """Its derivatives stay and are counted, nothing is made again; what is new has a source. Time after time."""
        derivative = _old_cache(tmp_path, b"rendition", revision)

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

    def test_what_is_dear_to_make_again_stays_longer(self, tmp_path: Path) -> None:
        """Of equal age and length the cheapest goes; one that is dearer stays longer unused, and not for ever."""
        with closing(DerivativeCache(tmp_path, budget=300)) as cache:
            made = {name: admit(cache, name, bytes(100), seconds=seconds) for name, seconds in _PRICES}
            first = _gone(cache, made, admit(cache, "a", bytes(100), seconds=1.0))
            _grow_older(tmp_path, seconds=36000, key=made["dear"].key)
            second = _gone(cache, made, admit(cache, "b", bytes(100), seconds=1.0))

        assert (first, second) == ({"cheap"}, {"cheap", "dear"})

    def test_what_is_long_goes_before_what_is_short(self, tmp_path: Path) -> None:
        """At the same age and cost: it frees more."""
        with closing(DerivativeCache(tmp_path, budget=1000)) as cache:
            made = {str(length): admit(cache, str(length), bytes(length), seconds=1e-4) for length in (50, 800, 100)}

            gone = _gone(cache, made, admit(cache, "new", bytes(100), seconds=1e-4))

        assert gone == {"800"}

    def test_it_comes_down_little_by_little_where_it_was_lowered(self, tmp_path: Path) -> None:
        """What is admitted meanwhile adds nothing to it; in the end some of the budget is free."""
        with closing(DerivativeCache(tmp_path, budget=100_000)) as cache:
            for number in range(500):
                admit(cache, str(number), bytes(100))
        lengths: list[int] = []

        with closing(DerivativeCache(tmp_path, budget=1000)) as cache:
            admit(cache, "new", bytes(100))
            lengths.append(cache.length)
            while cache.tidy():
                lengths.append(cache.length)
            lengths.append(cache.length)

        assert lengths[0] <= 50_000
        assert all(later <= sooner for sooner, later in pairwise(lengths))
        assert max(sooner - later for sooner, later in pairwise(lengths)) <= 1600
        assert lengths[-1] == _stored_bytes(tmp_path) == 900

    def test_what_a_web_server_in_front_has_read_is_spared(self, tmp_path: Path) -> None:
        """It asks nobody; the kernel notes when a file was read."""
        with closing(DerivativeCache(tmp_path, budget=1000)) as cache:
            made = [admit(cache, str(number), bytes(100)) for number in range(10)]
            for one in made[:2]:
                _grow_older(tmp_path, seconds=7200, key=one.key)
            for one in made[2:]:
                _grow_older(tmp_path, seconds=3600, key=one.key)
                hour_ago = time() - 3600
                os.utime(cache.path(one), (hour_ago, hour_ago))

            while cache.tidy():
                pass

            found = [cache.find(one.key) is not None for one in made]
            assert cache.length == 900
            assert found[:2] == [True, True]

    def test_a_total_that_is_wrong_is_set_right(self, tmp_path: Path) -> None:
        """A bit of the index has flipped: the budget would be kept by a wrong measure for ever."""
        with closing(DerivativeCache(tmp_path, budget=1000)) as cache:
            admit(cache, "one", bytes(100))
            with closing(sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)) as index:
                index.execute("UPDATE total SET length = -1000000")
            assert cache.shelf is not None

            cache.shelf.index.count_in(cache.shelf.index.miscounted())

            assert cache.length == 100


class TestAFolderThatFails:
    def test_a_file_in_its_place_is_waited_out(self, tmp_path: Path) -> None:
        """From the very start: what is made goes to the overflow, and to its place when there is one."""
        root = tmp_path / "cache"
        root.write_bytes(b"")
        noticed: Counter[Notice] = Counter()
        with (
            closing(Overflow(tmp_path / "overflow")) as overflow,
            closing(_noticing(root, overflow, noticed)) as cache,
        ):
            one = admit_spare(cache, "one")
            meanwhile = (cache.find(one.key), cache.has_any("original"), cache.tidy())
            root.unlink()
            cache.mend()
            while cache.tidy():
                pass

            assert meanwhile == (one, True, False)
            assert (cache.find(one.key), overflow.find(one.key)) == (one, None)
            assert cache.path(one).read_bytes() == b"rendition"
        assert noticed[Notice.UNWRITABLE] == 1
        assert noticed[Notice.INDEX] > 0

    def test_what_was_made_while_it_was_away_replaces_what_comes_back_with_it(self, tmp_path: Path) -> None:
        root, away = tmp_path / "cache", tmp_path / "away"
        with (
            closing(Overflow(tmp_path / "overflow")) as overflow,
            closing(_noticing(root, overflow, Counter())) as cache,
        ):
            admit(cache, "one", b"made before")
            root.rename(away)
            root.touch()
            one = admit_spare(cache, "one", b"made meanwhile")
            root.unlink()
            away.rename(root)
            cache.mend()
            back = cache.find(one.key)
            while cache.tidy():
                pass

            assert (back, cache.find(one.key), overflow.find(one.key)) == (one, one, None)
            assert cache.path(one).read_bytes() == b"made meanwhile"

    def test_an_index_that_is_held_leaves_what_was_made_where_it_is_found(self, tmp_path: Path) -> None:
        """It can be read and not be written to."""
        with (
            closing(Overflow(tmp_path / "overflow")) as overflow,
            closing(_noticing(tmp_path / "cache", overflow, Counter())) as cache,
        ):
            old = admit(cache, "old")
            with closing(sqlite3.connect(tmp_path / "cache" / "index.sqlite", isolation_level=None)) as index:
                index.execute("BEGIN IMMEDIATE")
                new = admit(cache, "new")
                held = (cache.find(old.key), cache.find(new.key), overflow.find(new.key))
                with pytest.raises(StoreFailure):
                    cache.discard_all("original")
                index.execute("ROLLBACK")

            assert held == (old, new, new)
            assert cache.discard_all("original").derivatives == 1
            assert (cache.find(old.key), cache.find(new.key)) == (None, None)

    def test_rows_outlive_a_folder_that_was_away(self, tmp_path: Path) -> None:
        """A mount that failed and came back: nothing is made again."""
        root = tmp_path / "cache"
        with closing(DerivativeCache(root, budget=OPEN)) as cache:
            one = admit(cache, "one")
            root.rename(tmp_path / "away")
            root.write_bytes(b"")
            away = cache.find(one.key)
            cache.mend()
            root.unlink()
            (tmp_path / "away").rename(root)
            cache.mend()

            assert away is None
            assert cache.find(one.key) == one

    def test_what_is_admitted_to_one_that_came_back_unnoticed_counts(self, tmp_path: Path) -> None:
        """Else it would lie there beside the budget."""
        root, made = tmp_path / "cache", tmp_path / "made"
        with closing(DerivativeCache(root, budget=OPEN)) as cache:
            one = admit(cache, "one")
            root.rename(tmp_path / "away")
            cache.mend()
            root.rename(made)
            (tmp_path / "away").rename(root)

            other = admit(cache, "other")

            assert (cache.find(one.key), cache.find(other.key)) == (one, other)
            assert cache.length == one.length + other.length

    def test_what_was_discarded_while_it_was_away_is_there_with_its_row(self, tmp_path: Path) -> None:
        """Nobody notices that it is away before; else files would lie there that no row counts."""
        root = tmp_path / "cache"
        with closing(DerivativeCache(root, budget=OPEN)) as cache:
            one = admit(cache, "one")
            root.rename(tmp_path / "away")
            assert cache.shelf is not None
            evicted = cache.shelf.evict(files=1, length=1)
            discarded = cache.discard_all("original")
            root.rename(tmp_path / "made")
            (tmp_path / "away").rename(root)
            cache.mend()

            assert (evicted, discarded.derivatives) == (0, 0)
            assert (cache.find(one.key), cache.length) == (one, one.length)

    @pytest.mark.parametrize("harm", ["pages", "format"])
    def test_an_index_that_is_damaged_while_in_use_is_begun_anew(self, tmp_path: Path, harm: str) -> None:
        """Each question is answered as a miss; what it vouched for is nobody's any more."""
        with closing(DerivativeCache(tmp_path, budget=1 << 20)) as cache:
            made = [admit(cache, str(number)) for number in range(200)]
            _damage_index(tmp_path, harm)
            found = [cache.find(one.key) for one in made]
            new = admit(cache, "new")
            while cache.tidy():
                pass

            assert None in found
            assert cache.find(new.key) == new
            assert cache.length == _stored_bytes(tmp_path)


class TestComparing:
    def test_rows_and_files_without_one_another_go(self, tmp_path: Path) -> None:
        """Whatever they are; those that have one another stay, and what has come since the folder was listed."""
        noticed: Counter[Notice] = Counter()
        with closing(_noticing(tmp_path, None, noticed)) as cache:
            shelf = cache.shelf
            assert shelf is not None
            kept, lost = admit(cache, "kept"), admit(cache, "lost")
            cache.path(lost).unlink()
            orphans = [tmp_path / place for place in ("ab/cd/file", "ab/other", f"00/00/{'0' * 32}.webp", "ff/a/b/c")]
            for orphan in orphans:
                orphan.parent.mkdir(parents=True, exist_ok=True)
                orphan.write_bytes(b"nobody's")
            listed = {f"{number:02x}": shelf.listed(f"{number:02x}") for number in range(256)}
            late = admit(cache, "late")

            for shard, files in listed.items():
                for _ in shelf.compare(shard, files):
                    pass

            assert [orphan.exists() for orphan in orphans] == [False] * 4
            assert [cache.path(one).exists() for one in (kept, late)] == [True, True]
            assert cache.length == kept.length + late.length
        assert noticed == {Notice.LOST: 1, Notice.ORPHAN: 4}


_PRICES = (("dear", 2e-3), ("cheap", 2e-6), ("dearest", 2e-2))


def _gone(cache: DerivativeCache, made: Mapping[str, Derivative], newest: Derivative) -> set[str]:
    """Which of them, when the newest had come."""
    assert cache.find(newest.key) == newest
    return {name for name, one in made.items() if not cache.path(one).exists()}


def _noticing(root: Path, overflow: Overflow | None, noticed: Counter[Notice]) -> DerivativeCache:
    def observe(notice: Notice, count: int) -> None:
        noticed[notice] += count

    return DerivativeCache(root, budget=OPEN, overflow=overflow, observe=observe)


def _damage_index(root: Path, harm: str) -> None:
    """Its pages, but for the first, are nothing; or a row names a format that there is not."""
    with closing(sqlite3.connect(root / "index.sqlite", isolation_level=None)) as index:
        if harm == "format":
            index.execute("UPDATE derivatives SET format = 'wfbp'")
            return
        index.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (root / "index.sqlite").open("r+b") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(b"\xff" * (length - 4096))


def _grow_older(root: Path, *, seconds: float, key: VariantKey | None = None) -> None:
    """All that is in the cache, or this one alone, by so much."""
    with closing(sqlite3.connect(root / "index.sqlite", isolation_level=None)) as index:
        index.execute("UPDATE derivatives SET used = used - ? WHERE ? IN (key, '')", (seconds, key or ""))


def _used(root: Path) -> dict[VariantKey, float]:
    """When each was used last, as it is written down."""
    with closing(sqlite3.connect(root / "index.sqlite")) as index:
        return {VariantKey(key): used for key, used in index.execute("SELECT key, used FROM derivatives")}


def _stored_bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in root.glob("??/??/*"))


def _old_cache(root: Path, data: bytes, revision: int) -> Derivative:
    """As an earlier release left it: an index without totals, at first without sources, and one derivative."""
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
        if revision == 1:
            index.executescript(
                """
                ALTER TABLE derivatives ADD COLUMN source TEXT NOT NULL DEFAULT '';
                CREATE INDEX derivatives_source ON derivatives (source);
                PRAGMA user_version = 1;
                """
            )
    return derivative
