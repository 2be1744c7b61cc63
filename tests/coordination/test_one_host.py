"""The Coordinator of one host: both ends are the broker's."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from imgsvc.coordination.one_host import OneHost
from tests.coordination.conformance import CoordinatorConformance, Ends, Open

pytestmark = pytest.mark.anyio


class TestOneHost(CoordinatorConformance):
    @pytest.fixture
    def open_ends(self) -> Open:
        @asynccontextmanager
        async def open_(seconds: float) -> AsyncGenerator[Ends]:
            one = OneHost(seconds=seconds)
            yield [one, one]

        return open_
