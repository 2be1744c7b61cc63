"""How assets and folders are named in requests: by their serial, written as text.

An asset is found by its GUID and its slug too, which no serial can be taken for.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from imgsvc.core.assets import AssetRef, Instance, ref_from_text
from imgsvc.core.errors import InvalidParameter, NotFound

K = TypeVar("K")
T = TypeVar("T")

_ROOT = "-1"
_ROOTS = (_ROOT, "root")
_SERIAL = re.compile(r"[0-9]{1,19}", re.ASCII)
_LARGEST_SERIAL = 2**63 - 1


def read_asset_id(text: str, *, instance: Instance) -> AssetRef:
    """Raises NotFound."""
    ref = ref_from_text(text, instance=instance)
    if ref is None:
        raise NotFound("There is no asset of that id.")
    return ref


def read_folder_id(text: str) -> int:
    """Of a folder, which the root is not. Raises NotFound."""
    serial = find_folder_id(text)
    if serial is None:
        raise NotFound("There is no folder of that id.")
    return serial


def find_folder_id(text: str) -> int | None:
    """None where no folder can have it."""
    serial = int(text) if _SERIAL.fullmatch(text) else None
    return None if serial is None or serial > _LARGEST_SERIAL else serial


def read_parent(given: str | int | None) -> int | None:
    """Where something lies or shall lie: in a folder or, None, in the root. Raises NotFound."""
    text = "" if given is None else str(given)
    return None if not text or text in _ROOTS else read_folder_id(text)


def written_parent(folder: int | None) -> str:
    return _ROOT if folder is None else str(folder)


def read_keys(given: Mapping[str, T], read: Callable[[str], K]) -> dict[K, T]:
    """A dictionary by id. Raises InvalidParameter where two keys spell the same id, and what `read` raises."""
    values: dict[K, T] = {}
    for text, value in given.items():
        key = read(text)
        if key in values:
            raise InvalidParameter("body", expected="a dictionary that names each id once", received=text)
        values[key] = value
    return values
