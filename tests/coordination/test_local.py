"""The generation: one number for all processes of a host."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from imgsvc.coordination.local import Generation

PROCESSES, EACH = 4, 500


def test_it_begins_at_nothing_and_grows(tmp_path: Path) -> None:
    generation = Generation(tmp_path / "run" / "generation")
    before = generation.value
    generation.tell(1, [7])

    assert (before, generation.value) == (0, 1)
    generation.close()


def test_everybody_sees_a_change_at_once(tmp_path: Path) -> None:
    """Without asking the system."""
    writer, reader = (Generation(tmp_path / "generation") for _ in range(2))

    seen: list[int] = []
    for number in (1, 2, 3):
        writer.tell(number, [7])
        seen.append(reader.value)

    assert seen == [1, 2, 3]
    writer.close()
    reader.close()


def test_a_number_never_comes_twice(tmp_path: Path) -> None:
    """It goes on where the last process left it."""
    first = Generation(tmp_path / "generation")
    first.tell(1, [7])
    first.close()

    second = Generation(tmp_path / "generation")
    second.tell(2, [7])

    assert second.value == 2
    second.close()


def test_changes_of_many_processes_are_all_counted(tmp_path: Path) -> None:
    """None is lost to another that came at the same time."""
    generation = Generation(tmp_path / "generation")
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        list(processes.map(_bump_often, [tmp_path / "generation"] * PROCESSES))

    assert generation.value == PROCESSES * EACH
    generation.close()


def test_a_change_is_told_of_the_asset_that_changed(tmp_path: Path) -> None:
    """By its number; what was read of another is as good as before."""
    writer, reader = (Generation(tmp_path / "generation") for _ in range(2))
    writer.tell(1, [3])
    read_at = reader.value

    writer.tell(2, [5, 8])

    assert [reader.last_change(serial) > read_at for serial in (3, 4, 5, 8)] == [False, False, True, True]
    assert reader.last_change(5) == reader.value == 2
    writer.close()
    reader.close()


def test_everything_may_have_changed(tmp_path: Path) -> None:
    writer, reader = (Generation(tmp_path / "generation") for _ in range(2))
    writer.tell(1, [3])
    before = reader.last_of_everything

    writer.tell(2, None)

    assert (before, reader.last_of_everything) == (0, 2)
    assert {reader.last_change(serial) for serial in range(10_000)} == {2}
    writer.close()
    reader.close()


def test_what_nobody_told_is_told_with_the_next_change(tmp_path: Path) -> None:
    """Of which asset it was nobody knows any more."""
    generation = Generation(tmp_path / "generation")
    generation.tell(1, [3])

    generation.tell(3, [5])

    assert (generation.told, generation.last_of_everything) == (3, 2)
    assert {generation.last_change(serial) for serial in range(10_000)} == {2}
    generation.close()


def test_who_tells_late_tells_his_own_change(tmp_path: Path) -> None:
    """After one that came later; there is no gap any more."""
    generation = Generation(tmp_path / "generation")
    generation.tell(2, [3])
    everything = generation.last_of_everything

    generation.tell(1, [5])

    assert (generation.told, generation.last_of_everything) == (2, everything)
    assert generation.last_change(5) == generation.value > generation.last_change(3)
    generation.close()


def test_another_count_means_that_anything_changed(tmp_path: Path) -> None:
    """Also a lower one: of a catalogue that was put in another's place."""
    generation = Generation(tmp_path / "generation")
    generation.tell(1, [3])

    seen: list[tuple[int, int]] = []
    for count in (7, 2):
        generation.catch_up(count)
        seen.append((generation.told, generation.last_change(5)))

    assert seen == [(7, 2), (2, 3)]
    generation.close()


def test_a_file_of_another_length_goes_on(tmp_path: Path) -> None:
    """The number stays where the file grows."""
    (tmp_path / "generation").write_bytes((41).to_bytes(8, sys.byteorder))

    generation = Generation(tmp_path / "generation")
    generation.tell(1, [1])

    assert generation.last_change(1) == 42
    generation.close()


def test_nobody_else_may_write_it(tmp_path: Path) -> None:
    """Whoever could, could make stale pictures be served."""
    Generation(tmp_path / "generation").close()

    assert (tmp_path / "generation").stat().st_mode & 0o077 == 0


def _bump_often(path: Path) -> None:
    generation = Generation(path)
    for number in range(EACH):
        generation.tell(number, [7])
    generation.close()
