"""A Delivery without a catalogue's memory, limits or purges of its own."""

from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults
from imgsvc.service.delivery import Delivery, Find
from imgsvc.storage.blobs import BlobStore
from imgsvc.storage.derivatives import DerivativeFiles
from tests.fakes import FakeRenderer


def delivery_of(
    find: Find,
    *,
    blobs: BlobStore,
    renderer: FakeRenderer,
    files: DerivativeFiles | None = None,
    revision: str = "1",
    strip_originals: bool = False,
) -> Delivery:
    """`files`: where the renderer's own are not to be looked at."""
    return Delivery(
        find=find,
        blobs=blobs,
        files=files or renderer.files,
        renderer=renderer,
        defaults=Defaults(),
        limits=Limits(),
        revision=revision,
        purged=lambda: 0,
        strip_originals=strip_originals,
    )
