"""A picture that takes a render worker long enough to be met at work."""

from functools import cache

import pyvips

from tests import originals
from tests.servers import Service


def slow_path(service: Service) -> str:
    """Of a picture that nobody has asked for: about a second of work. Nothing is being prepared any more."""
    return f"/images/{service.add_prepared(noisy())}.webp?width=4000"


@cache
def noisy() -> bytes:
    """A JPEG of 16 megapixels whose grain no encoder can make short work of."""
    noise = pyvips.Image.gaussnoise(4800, 3400, mean=0, sigma=25, seed=1)
    return (originals.quadrants(4800, 3400) + noise).cast("uchar").copy(interpretation="srgb").jpegsave_buffer(Q=80)
