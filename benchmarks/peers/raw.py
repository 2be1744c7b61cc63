"""The least a server in Python can do for a file: raw ASGI that reads it in one hop to a thread, or has it in memory.

Run as `python -m benchmarks.peers.raw file|memory FOLDER PORT`; `/{file}` answers with it.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

ReadFile = Callable[[str], Awaitable[bytes]]

_ETAG = b'"1"'
_CONTENT_TYPE = (b"content-type", b"image/jpeg")


def create_app(read_file: ReadFile) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if (b"if-none-match", _ETAG) in scope["headers"]:
            await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", _ETAG)]})
            await send({"type": "http.response.body"})
            return
        body = await read_file(scope["path"][1:])
        headers = [_CONTENT_TYPE, (b"content-length", str(len(body)).encode()), (b"etag", _ETAG)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def read_from_disk(folder: Path) -> ReadFile:
    return lambda name: asyncio.to_thread((folder / name).read_bytes)


def read_from_memory(folder: Path) -> ReadFile:
    bodies = {path.name: path.read_bytes() for path in folder.iterdir()}

    async def read(name: str) -> bytes:
        return bodies[name]

    return read


if __name__ == "__main__":
    source, folder, port = sys.argv[1:]
    read_file = {"file": read_from_disk, "memory": read_from_memory}[source](Path(folder))
    uvicorn.run(create_app(read_file), port=int(port), access_log=False, log_level="warning", lifespan="off")
