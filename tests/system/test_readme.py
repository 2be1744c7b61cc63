"""What README says is to be typed is typed: the lines of its table of APIs, in their order, against a fresh service."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.servers import TOKEN, Service, serving

README = (Path(__file__).parents[2] / "README.md").read_text()
_SECONDS = 60


class Line(NamedTuple):
    api: str
    status: int
    about: str
    command: str


LINES = [
    Line(api, int(status), about, command)
    for api, status, about, command in re.findall(
        r"^\| ([\w ]+) \| (\d{3}) \| ([^|]+) \| `(curl .*)` \|$", README, re.MULTILINE
    )
]

ROWS = {"Struct PIM": 22, "iQmetrix": 4, "Quable": 10, "Qooly": 5}
"""As many lines as each has, so that none is lost by a slip of a pen."""


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """As `make run` starts it, but for its port."""
    with serving(tmp_path_factory.mktemp("readme") / "data", workers=1, import_private="true") as service:
        assert service.command("samples").returncode == 0
        yield service


def test_no_line_is_lost() -> None:
    """The table is read as it is written."""
    counted = Counter(line.api for line in LINES)

    assert counted == ROWS


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_line_answers_what_is_said_of_it(samples: Service, tmp_path: Path) -> None:
    """By the shell, as a reader pastes them; each with the status beside it."""
    answers = {line: run(line, samples, tmp_path) for line in [_first(), *LINES]}

    wrong = {line.command: body for line, (status, body) in answers.items() if status != line.status}
    assert wrong == {}
    assert (tmp_path / "shoes.zip").read_bytes()[:2] == b"PK"
    assert (tmp_path / "original.jpg").read_bytes() == (tmp_path / "shirt.jpg").read_bytes()


def _first() -> Line:
    """The picture that the others upload."""
    found = re.search(r"^(curl -o shirt\.jpg .*)$", README, re.MULTILINE)
    assert found is not None
    return Line("", 200, "a picture", found[1])


def run(line: Line, service: Service, folder: Path) -> tuple[int, str]:
    """The status, and what was printed."""
    command = line.command.replace("curl ", 'curl -s -w "\\n%{http_code}" ', 1)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "H": service.url, "T": TOKEN},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status or 0), body + done.stderr
