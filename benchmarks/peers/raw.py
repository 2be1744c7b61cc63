"""The least a server in Python can do for a file: raw ASGI that reads it in one hop to a thread, or has it in memory.

Run as `python -m benchmarks.peers.raw file|memory FOLDER PORT`; a path that ends in `/{file}` is answered with what
`benchmarks.stored` put there.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.stored import StoredHead

ReadFile = Callable[[str], Awaitable[bytes]]


def create_app(folder: Path, read_file: ReadFile) -> ASGIApp:
    heads: dict[str, StoredHead] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].rpartition("/")[2]
        if name == "ready":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})
            return
        head = heads.get(name)
        if head is None:
            head = heads[name] = StoredHead.read(folder / name)
        if (b"if-none-match", head.etag) in scope["headers"]:
            await send({"type": "http.response.start", "status": 304, "headers": head.not_modified})
            await send({"type": "http.response.body"})
            return
        body = await read_file(name)
        await send({"type": "http.response.start", "status": 200, "headers": head.found})
        await send({"type": "http.response.body", "body": body})

    return app


def read_from_disk(folder: Path) -> ReadFile:
    return lambda name: asyncio.to_thread((folder / name).read_bytes)


def read_from_memory(folder: Path) -> ReadFile:
    bodies: dict[str, bytes] = {}

    async def read(name: str) -> bytes:
        if name not in bodies:
            bodies[name] = (folder / name).read_bytes()
        return bodies[name]

    return read


if __name__ == "__main__":
    source, folder, port = sys.argv[1:]
    read_file = {"file": read_from_disk, "memory": read_from_memory}[source](Path(folder))
    uvicorn.run(
        create_app(Path(folder), read_file),
        port=int(port),
        access_log=False,
        server_header=False,
        log_level="warning",
        lifespan="off",
    )
