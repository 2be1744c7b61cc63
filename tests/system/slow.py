"""A picture that takes a render worker long enough to be met at work."""

from functools import cache
from hashlib import sha256

import pyvips

from tests import originals
from tests.servers import Service, poll


def slow_path(service: Service) -> str:
    """Of a picture that nobody has asked for: about a second of work. Nothing is being prepared any more."""
    path = f"/images/{service.add(noisy())}.webp?width=4000"
    digest = sha256(noisy()).hexdigest()
    prepared = {"event": "pyramid", "original": digest}.items()
    poll(lambda: any(prepared <= event.items() for event in service.events()) or None, for_what="its pyramid")
    return path


@cache
def noisy() -> bytes:
    """A JPEG of 16 megapixels whose grain no encoder can make short work of."""
    noise = pyvips.Image.gaussnoise(4800, 3400, mean=0, sigma=25, seed=1)
    return (originals.quadrants(4800, 3400) + noise).cast("uchar").copy(interpretation="srgb").jpegsave_buffer(Q=80)
