"""The work of `imgsvc render`: one file to another, without a library."""

from dataclasses import replace
from pathlib import Path

from anyio import to_thread

from imgsvc.app.broker import make_pool
from imgsvc.app.parts import make_defaults, make_limits
from imgsvc.core.assets import Digest, Original
from imgsvc.core.errors import UnsupportedMedia
from imgsvc.core.formats import SNIFFED_BYTES, Format, format_from_extension, readable_formats, sniff_format
from imgsvc.core.plan import make_plan
from imgsvc.dialects.struct import read_transform
from imgsvc.render.local import PoolProber
from imgsvc.render.messages import Failed, Render, Written, error_from_failed
from imgsvc.settings import Settings


async def render_file(settings: Settings, path: Path, query: str, output: Path) -> str:
    """Written beside and renamed. Raises InvalidParameter, UnsupportedMedia, OriginalError, ServiceError."""
    transform = read_transform(query, presets=settings.presets)
    if not isinstance(transform.format, Format):
        named = format_from_extension(output.suffix[1:])
        transform = replace(transform, format=named or transform.format)
    source = sniff_format(await to_thread.run_sync(_read_head, path))
    if source is None:
        raise UnsupportedMedia(f"{path.name} is of another format; read are {readable_formats()}.")
    limits = make_limits(settings)
    async with make_pool(settings, workers=1) as pool:
        info = await PoolProber(pool, limits).probe(path, source)
        # The digest names stored originals; this one is not stored.
        original = Original(
            digest=Digest(""),
            md5="",
            crc32=None,
            length=path.stat().st_size,
            info=info,
        )
        plan = make_plan(original, transform, defaults=make_defaults(settings), limits=limits)
        scratch = output.with_name(f".{output.name}.imgsvc")
        try:
            job = Render(path=str(path.absolute()), info=info, plan=plan, output=str(scratch.absolute()))
            result = await pool.run(job)
            if isinstance(result, Failed):
                raise error_from_failed(result)
            assert isinstance(result, Written)
            scratch.rename(output)
        finally:
            scratch.unlink(missing_ok=True)
    size = result.size
    return f"{output}: {size.width} x {size.height} {plan.encoding.format.upper()}, {result.length} bytes"


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SNIFFED_BYTES)
