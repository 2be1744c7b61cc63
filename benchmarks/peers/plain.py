"""What a competent developer writes in an afternoon: Starlette, its thread pool, pyvips at its defaults.

Run as `python -m benchmarks.peers.plain FOLDER PORT [RESULTS]`; `/{file}?width=400&format=jpg&quality=80` renders every
time, or once where RESULTS is a folder to keep renditions in.
"""

import sys
from pathlib import Path

import pyvips
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

_CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "avif": "image/avif"}
_ANY_HEIGHT = 10_000_000  # VIPS_MAX_COORD; without a height thumbnail() fits into a square


def create_app(folder: Path, results: Path | None = None) -> Starlette:
    async def answer_ready(request: Request) -> Response:
        return PlainTextResponse("ready")

    async def answer_image(request: Request) -> Response:
        file, extension = request.path_params["file"], request.query_params["format"]
        width, quality = int(request.query_params["width"]), int(request.query_params["quality"])
        kept = None if results is None else results / f"{file}-{width}-{quality}.{extension}"
        if kept is not None and kept.exists():
            return FileResponse(kept, media_type=_CONTENT_TYPES[extension])
        body = await run_in_threadpool(render, folder / file, width=width, extension=extension, quality=quality)
        if kept is not None:
            await run_in_threadpool(kept.write_bytes, body)
        return Response(body, media_type=_CONTENT_TYPES[extension])

    return Starlette(routes=[Route("/ready", answer_ready), Route("/{file}", answer_image)])


def render(path: Path, *, width: int, extension: str, quality: int) -> bytes:
    image = pyvips.Image.thumbnail(str(path), width, height=_ANY_HEIGHT, size="down")
    if extension == "jpg" and image.hasalpha():
        image = image.flatten(background=[255, 255, 255])
    if extension == "png":
        return image.write_to_buffer(".png")
    return image.write_to_buffer(f".{extension}", Q=quality)


if __name__ == "__main__":
    folder, port, *results = sys.argv[1:]
    uvicorn.run(create_app(Path(folder), *map(Path, results)), port=int(port), access_log=False, log_level="warning")
