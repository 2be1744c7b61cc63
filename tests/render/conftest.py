from pathlib import Path

import pytest

from imgsvc.render.vips import set_up_vips
from tests.render.darkroom import Darkroom
from tests.render.desks import DATA


@pytest.fixture(scope="session", autouse=True)
def vips() -> None:
    """As a render worker has it: what is refused there is refused here."""
    set_up_vips()


@pytest.fixture
def darkroom(tmp_path: Path) -> Darkroom:
    return Darkroom(tmp_path)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a short name, whatever the test's is: a socket's path has at most 107 bytes (unix(7))."""
    return tmp_path_factory.mktemp("d")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A sound JPEG of 400 x 300 px, `desks.DATA`."""
    path = tmp_path / "whole.jpg"
    path.write_bytes(DATA)
    return path
