"""How sizes and permissions are written."""

from pathlib import Path

import pytest

from imgsvc.metadata.files import add_file_facts, size_text
from imgsvc.metadata.tags import Tags


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 bytes"),
        (1999, "1999 bytes"),
        (2000, "2.0 kB"),
        (9999, "10.0 kB"),
        (10_000, "10 kB"),
        (10_500, "10 kB"),
        (10_501, "11 kB"),
        (1_373_420, "1373 kB"),
        (1_999_999, "2000 kB"),
        (2_000_000, "2.0 MB"),
        (15_500_000, "16 MB"),
        (2_450_000_000, "2.5 GB"),
        (12_000_000_000_000, "12000 GB"),
    ],
)
def test_sizes_are_decimal_and_change_their_unit_at_two_of_the_next(size: int, expected: str) -> None:
    """What exiftool 12.57 printed for files of these sizes."""
    text = size_text(size)

    assert text == expected


@pytest.mark.parametrize(("mode", "expected"), [(0o644, "-rw-r--r--"), (0o4755, "-rwxr-xr-x"), (0o1777, "-rwxrwxrwx")])
def test_permissions_are_written_without_their_special_bits(tmp_path: Path, mode: int, expected: str) -> None:
    """Set-user-ID and the sticky bit have no letters."""
    path = tmp_path / "original"
    path.touch()
    path.chmod(mode)
    tags = Tags()

    add_file_facts(path, tags)

    assert tags.get("FilePermissions") == expected
