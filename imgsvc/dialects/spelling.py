"""A transform as one segment of a canonical path: `width=400,fit=cover,format=webp`.

All characters used stand unescaped in a path (RFC 3986, section 3.3). The order is that of `PARAMETERS`, defaults are
left out, so equal transforms have one spelling.
"""

from typing import Any

from imgsvc.core.errors import InvalidParameter
from imgsvc.core.parameters import PARAMETERS, read_value
from imgsvc.core.transform import NOTHING_ASKED, Transform


def write_transform(transform: Transform) -> str:
    """Empty for a transform that asks for nothing."""
    parts: list[str] = []
    for name, row in PARAMETERS.items():
        value: object = getattr(transform, row.field)
        if value != getattr(NOTHING_ASKED, row.field):
            text = row.write(value)
            if text is not None:
                parts.append(f"{name}={text}")
    return ",".join(parts)


def read_transform(segment: str) -> Transform:
    """Raises InvalidParameter; here unknown names are refused, since nobody but this service writes them."""
    values: dict[str, Any] = {}
    for part in segment.split(",") if segment else ():
        name, _, text = part.partition("=")
        row = PARAMETERS.get(name)
        if row is None:
            raise InvalidParameter("transform", expected=f"made of {', '.join(PARAMETERS)}", received=name)
        values[row.field] = read_value(name, text, read=row.read, expected=row.expected)
    return Transform(**values)
