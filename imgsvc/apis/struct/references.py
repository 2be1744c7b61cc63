"""Which of Struct's lists a link to an asset belongs in.

Its link type decides by what it begins with; an unknown one leaves it to the origin. Struct's lists hold UUIDs or
numbers: an origin that is not what its list holds is left out.
"""

import re
from collections.abc import Iterable

from imgsvc.apis.struct.shapes import StructReferences
from imgsvc.core.assets import Link, guid_from_text

_GLOBAL_LIST_VALUES = "global_list_value_references"
_PRODUCTS = "product_references"

# The longer beginning first.
_LISTS = (
    ("globallistvalue", _GLOBAL_LIST_VALUES),
    ("variantgroup", "variant_group_references"),
    ("variant", "variant_references"),
    ("product", _PRODUCTS),
    ("category", "category_references"),
)
# As many digits as 64 bit always hold.
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def references_from_links(links: Iterable[Link]) -> StructReferences:
    """Each list in the order of the links."""
    guids: list[str] = []
    numbers: dict[str, list[int]] = {name: [] for _, name in _LISTS if name != _GLOBAL_LIST_VALUES}
    for link in links:
        guid = guid_from_text(link.origin)
        is_number = _NUMBER.fullmatch(link.origin) is not None
        name = _list_of(link.link_type) or (_PRODUCTS if guid is None else _GLOBAL_LIST_VALUES)
        if name == _GLOBAL_LIST_VALUES and guid is not None:
            guids.append(str(guid))
        elif name != _GLOBAL_LIST_VALUES and is_number:
            numbers[name].append(int(link.origin))
    return StructReferences(global_list_value_references=guids, **numbers)


def _list_of(link_type: str) -> str | None:
    letters = "".join(filter(str.isalpha, link_type.lower()))
    return next((name for word, name in _LISTS if letters.startswith(word)), None)
