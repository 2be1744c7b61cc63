"""Renames that survive."""

from pathlib import Path

from imgsvc.storage.durable import rename_durably


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"picture")

    rename_durably(source, tmp_path / "a" / "b" / "target")

    assert (tmp_path / "a" / "b" / "target").read_bytes() == b"picture"
    assert not source.exists()


def test_a_target_that_is_there_is_replaced(tmp_path: Path) -> None:
    """In one step."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"new")
    target.write_bytes(b"old")

    rename_durably(source, target)

    assert target.read_bytes() == b"new"
