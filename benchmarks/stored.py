"""What imgsvc answered, in a folder: servers that it is compared with send the same bytes under the same headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import msgspec

from benchmarks.answers import WrongAnswer
from benchmarks.jobs import Ask

_ADDED_BY_SERVERS = ("date", "server", "connection")


def stored_folder(scratch: Path) -> Path:
    """Of all contenders of a run together; `scratch` is that of one."""
    folder = scratch.parent / "stored"
    folder.mkdir(exist_ok=True)
    return folder


def stored_name(ask: Ask) -> str:
    return f"{ask.width}.{ask.extension}"


@dataclass(frozen=True, slots=True)
class StoredHead:
    """Of a file: its ETag, and the headers of 200 and of 304."""

    etag: bytes
    found: list[tuple[bytes, bytes]]
    not_modified: list[tuple[bytes, bytes]]

    @classmethod
    def read(cls, file: Path) -> Self:
        return msgspec.json.decode(_head_of(file).read_bytes(), type=cls)

    def write(self, file: Path) -> None:
        _head_of(file).write_bytes(msgspec.json.encode(self))


def store_answer(answer: httpx.Response, file: Path, *, client: httpx.Client) -> None:
    """With what is answered to who has it already. Raises WrongAnswer."""
    etag = answer.headers.get("etag")
    if etag is None:
        raise WrongAnswer("expected an ETag, got none")
    again = client.get(str(answer.url), headers={"if-none-match": etag})
    if again.status_code != 304:
        raise WrongAnswer(f"expected status 304, got {again.status_code}")
    file.write_bytes(answer.content)
    StoredHead(etag.encode(), _headers(answer.headers), _headers(again.headers)).write(file)


def _head_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.head")


def _headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items() if name not in _ADDED_BY_SERVERS]
