"""Probing with workers of one's own, for commands that run without a broker."""

from pathlib import Path

from imgsvc.core.assets import ImageInfo
from imgsvc.core.formats import Format
from imgsvc.core.limits import Limits
from imgsvc.render.messages import Failed, Probe, Probed, error_from_failed
from imgsvc.render.pool import Pool


class PoolProber:
    """A Prober."""

    def __init__(self, pool: Pool, limits: Limits) -> None:
        self._pool = pool
        self._limits = limits

    async def probe(self, path: Path, source: Format) -> ImageInfo:
        result = await self._pool.run(Probe(path=str(path.absolute()), source=source, limits=self._limits))
        if isinstance(result, Failed):
            raise error_from_failed(result)
        assert isinstance(result, Probed)
        return result.info

    async def prepare(self, original: Path, info: ImageInfo) -> None:
        """Left to the broker, which does it when the original is asked about."""
