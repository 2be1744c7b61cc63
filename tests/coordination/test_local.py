"""The generation: one number for all processes of a host."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from imgsvc.coordination.local import Generation

PROCESSES, EACH = 4, 500


def test_it_begins_at_nothing_and_grows(tmp_path: Path) -> None:
    generation = Generation(tmp_path / "run" / "generation")
    before = generation.value
    generation.bump()

    assert (before, generation.value) == (0, 1)
    generation.close()


def test_everybody_sees_a_change_at_once(tmp_path: Path) -> None:
    """Without asking the system."""
    writer, reader = (Generation(tmp_path / "generation") for _ in range(2))

    seen: list[int] = []
    for _ in range(3):
        writer.bump()
        seen.append(reader.value)

    assert seen == [1, 2, 3]
    writer.close()
    reader.close()


def test_a_number_never_comes_twice(tmp_path: Path) -> None:
    """It goes on where the last process left it."""
    first = Generation(tmp_path / "generation")
    first.bump()
    first.close()

    second = Generation(tmp_path / "generation")
    second.bump()

    assert second.value == 2
    second.close()


def test_changes_of_many_processes_are_all_counted(tmp_path: Path) -> None:
    """None is lost to another that came at the same time."""
    generation = Generation(tmp_path / "generation")
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        list(processes.map(_bump_often, [tmp_path / "generation"] * PROCESSES))

    assert generation.value == PROCESSES * EACH
    generation.close()


def test_nobody_else_may_write_it(tmp_path: Path) -> None:
    """Whoever could, could make stale pictures be served."""
    Generation(tmp_path / "generation").close()

    assert (tmp_path / "generation").stat().st_mode & 0o077 == 0


def _bump_often(path: Path) -> None:
    generation = Generation(path)
    for _ in range(EACH):
        generation.bump()
    generation.close()
