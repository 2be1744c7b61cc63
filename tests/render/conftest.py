from pathlib import Path

import pytest

from imgsvc.render.vips import set_up_vips
from tests.render.darkroom import Darkroom


@pytest.fixture(scope="session", autouse=True)
def vips() -> None:
    """As a render worker has it: what is refused there is refused here."""
    set_up_vips()


@pytest.fixture
def darkroom(tmp_path: Path) -> Darkroom:
    return Darkroom(tmp_path)
