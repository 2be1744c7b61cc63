"""What holds for the whole suite."""

import pytest
from hypothesis import settings

# A machine that is busy with other tests is no failure.
settings.register_profile("imgsvc", deadline=None)
settings.load_profile("imgsvc")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew, for eyes to approve")


@pytest.fixture
def anyio_backend() -> str:
    """Tests that are coroutines run under asyncio, as the service does."""
    return "asyncio"
