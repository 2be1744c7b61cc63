"""The catalogue: what look-ups and listings cost as it grows, a thousand assets against a million.

All sizes are asked the same in turn; a folder holds the same number of assets in each.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from sqlite3 import Connection, connect
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

from benchmarks.stage import say
from benchmarks.tables import print_rows, ratio, spread
from imgsvc.catalog.base import Catalog
from imgsvc.catalog.sql import open_catalog
from imgsvc.core.assets import SLUG_ALPHABET, AssetKind, AssetRef, Instance

_INSTANCE = Instance("default")
_IN_FOLDER = 100
_DIGESTS = 1000
_REPEATED = 200

Question = Callable[[Catalog, int, int], Awaitable[object]]
"""Of a catalogue with that many assets, the n-th time."""


def _by(kind: AssetKind) -> Question:
    async def find(catalog: Catalog, assets: int, n: int) -> object:
        serial = n * 7919 % assets + 1
        value = {
            AssetKind.GUID: str(_guid(serial)),
            AssetKind.SERIAL: str(serial),
            AssetKind.SLUG: _slug(serial),
            AssetKind.CODE: f"article-{serial}",
        }[kind]
        found = await catalog.assets.find(AssetRef(kind, value, _INSTANCE))
        assert found is not None
        assert found.serial == serial
        return found

    return find


async def _list_folder(catalog: Catalog, assets: int, n: int) -> object:
    folder = n * 31 % (assets // _IN_FOLDER) + 1
    found = await catalog.assets.in_folder(_INSTANCE, folder, after=None, limit=1000)
    assert len(found) == _IN_FOLDER
    return found


async def _find_by_name(catalog: Catalog, assets: int, n: int) -> object:
    serial = n * 7919 % assets + 1
    found = await catalog.assets.find_in_folder(_INSTANCE, _folder(serial), f"product-{serial}")
    assert found is not None
    return found


async def _list_first_page(catalog: Catalog, assets: int, n: int) -> object:
    found = await catalog.assets.page(_INSTANCE, offset=0, limit=_IN_FOLDER)
    assert len(found) == _IN_FOLDER
    return found


QUESTIONS: Mapping[str, Question] = {
    "by GUID": _by(AssetKind.GUID),
    "by serial": _by(AssetKind.SERIAL),
    "by slug": _by(AssetKind.SLUG),
    "by code": _by(AssetKind.CODE),
    "by name in a folder": _find_by_name,
    f"a folder of {_IN_FOLDER}": _list_folder,
    f"the first {_IN_FOLDER}": _list_first_page,
}


async def measure(sizes: Sequence[int], rounds: int) -> Mapping[str, Mapping[int, Sequence[float]]]:
    """Microseconds by question and size, a figure a round."""
    figures: dict[str, dict[int, list[float]]] = {name: {size: [] for size in sizes} for name in QUESTIONS}
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            catalogs: dict[int, Catalog] = {}
            for size in sizes:
                path = Path(folder) / f"{size}.sqlite"
                opened = open_catalog(f"sqlite:///{path}", changed=lambda *_: None)
                catalogs[size] = await stack.enter_async_context(opened)
                say(f"filling a catalogue with {size:,} assets")
                await asyncio.to_thread(fill, path, size)
            for turn in range(rounds + 1):
                for name, ask in QUESTIONS.items():
                    for size, catalog in catalogs.items():
                        started = perf_counter()
                        for n in range(_REPEATED):
                            await ask(catalog, size, turn * _REPEATED + n)
                        if turn > 0:
                            figures[name][size].append((perf_counter() - started) / _REPEATED * 1e6)
    return figures


def fill(path: Path, assets: int) -> None:
    """By the database's own means: an import would take hours."""
    with closing(connect(path)) as connection, connection:
        _fill_originals(connection)
        folders = ((n + 1, _INSTANCE, None, f"folder-{n}") for n in range(assets // _IN_FOLDER))
        connection.executemany("INSERT INTO folders (serial, instance, parent, name) VALUES (?, ?, ?, ?)", folders)
        connection.executemany(
            "INSERT INTO assets (serial, id, slug, instance, code, name, digest, folder, description, active, "
            "attributes, classifications, created, modified, created_by, updated_by) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', 1, '{}', '[]', ?, ?, 0, 0)",
            _asset_rows(assets),
        )
        connection.execute("ANALYZE")


def _fill_originals(connection: Connection) -> None:
    rows = ((_digest(n), "0" * 32, 0, 1000, "jpeg", 800, 600, 1, 1, False, True) for n in range(_DIGESTS))
    connection.executemany(
        "INSERT INTO originals (digest, md5, crc32, length, format, width, height, orientation, frames, "
        "has_alpha, is_srgb) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _asset_rows(assets: int) -> Iterator[tuple[object, ...]]:
    now = str(datetime.now(UTC).replace(tzinfo=None))
    for serial in range(1, assets + 1):
        guid, slug, name = str(_guid(serial)), _slug(serial), f"product-{serial}.jpg"
        digest = _digest(serial % _DIGESTS)
        yield serial, guid, slug, _INSTANCE, f"article-{serial}", name, digest, _folder(serial), now, now


def _folder(serial: int) -> int:
    return (serial - 1) // _IN_FOLDER + 1


def _digest(n: int) -> str:
    return sha256(b"%d" % n).hexdigest()


def _guid(serial: int) -> UUID:
    return UUID(bytes=sha256(b"guid %d" % serial).digest()[:16])


def _slug(serial: int) -> str:
    """A number in base 32 behind a letter, so that none comes twice."""
    digits = [serial >> shift & 31 for shift in range(30, -1, -5)]
    return "a" + "".join(SLUG_ALPHABET[digit] for digit in digits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.sizes, arguments.rounds))
    first, last = arguments.sizes[0], arguments.sizes[-1]
    rows = [
        (name, *(spread(by_size[size]) for size in arguments.sizes), ratio(by_size[last], by_size[first]))
        for name, by_size in figures.items()
    ]
    print_rows(("Catalogue: µs", *(f"{size:,} assets" for size in arguments.sizes), "multiple"), rows)


if __name__ == "__main__":
    main()
