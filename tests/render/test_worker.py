"""A worker's jobs: what is true of a file when its job is done."""

import os
from pathlib import Path

import pytest

from imgsvc.core.pyramid import levels_of
from imgsvc.core.transform import Transform
from imgsvc.render.messages import Build, Built, Render, Written
from imgsvc.render.worker import do
from tests import originals
from tests.render.darkroom import Darkroom


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Inode and length of what was brought to the disk, at that time."""
    found: list[tuple[int, int]] = []
    bring = os.fdatasync

    def note(descriptor: int) -> None:
        status = os.fstat(descriptor)
        found.append((status.st_ino, status.st_size))
        bring(descriptor)

    monkeypatch.setattr(os, "fdatasync", note)
    return found


def test_a_rendition_is_on_the_disk_before_it_is_told_of(
    darkroom: Darkroom, synced: list[tuple[int, int]], tmp_path: Path
) -> None:
    """Whole: a web server in front sends what has a name, and an empty file would be kept for a year."""
    data, output = originals.png(90, 60), tmp_path / "output"
    plan = darkroom.plan(data, Transform(width=30))

    done = do(Render(path=str(darkroom.file(data)), info=darkroom.probe(data), plan=plan, output=str(output)))

    assert isinstance(done, Written)
    assert synced == [(output.stat().st_ino, done.length)]


def test_levels_are_not_waited_for(darkroom: Darkroom, synced: list[tuple[int, int]], tmp_path: Path) -> None:
    """Nobody but the service reads them, and it verifies them."""
    data = originals.jpeg(1200, 800)
    info = darkroom.probe(data)
    outputs = [str(tmp_path / str(number)) for number, _ in enumerate(levels_of(info))]

    done = do(Build(path=str(darkroom.file(data)), info=info, outputs=outputs))

    assert isinstance(done, Built)
    assert outputs
    assert synced == []
