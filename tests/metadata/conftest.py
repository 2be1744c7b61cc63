"""What exiftool prints of every picture, asked once."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.metadata.pictures import all_pictures

# Two moments that no clock of a test machine reaches soon: a time of access behind that of change is not updated
# by a read (mount option relatime).
_ACCESSED, _MODIFIED = 4_000_000_000, 1_700_000_465


@pytest.fixture(scope="session")
def picture_files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    files = {name: folder / name for name in all_pictures()}
    for name, data in all_pictures().items():
        files[name].write_bytes(data)
        files[name].chmod(0o640)
        os.utime(files[name], (_ACCESSED, _MODIFIED))
    return files


@pytest.fixture(scope="session")
def printed(picture_files: Mapping[str, Path]) -> Mapping[str, Mapping[str, Any]]:
    """By file name: names and values, lists joined as exiftool joins them outside JSON."""
    exiftool = shutil.which("exiftool")
    if exiftool is None:
        pytest.skip("exiftool (Debian's libimage-exiftool-perl) is not installed: nothing to compare with")
    command = [exiftool, "-j", *map(str, picture_files.values())]
    answer = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return {Path(each["SourceFile"]).name: _joined(each) for each in json.loads(answer.stdout)}


def _joined(each: Mapping[str, Any]) -> dict[str, Any]:
    return {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in each.items()}
