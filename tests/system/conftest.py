"""One service a test session that many tests read from; those that change or break one start their own."""

import shutil
from collections.abc import Generator

import pytest

from tests.servers import Service, serving


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    with serving(tmp_path_factory.mktemp("shared") / "data") as service:
        yield service


@pytest.fixture
def service(shared_service: Service) -> Generator[Service]:
    """The shared one; what it logs meanwhile is printed, which pytest shows where the test fails."""
    logged = shared_service.log.stat().st_size
    yield shared_service
    with shared_service.log.open("rb") as log:
        log.seek(logged)
        print(log.read().decode(errors="replace"))


@pytest.fixture
def curl() -> str:
    """Its path. A bare Debian has none; `.ci/run` installs it."""
    found = shutil.which("curl")
    if found is None:
        pytest.skip("curl is not installed (apt-get install curl)")
    return found
