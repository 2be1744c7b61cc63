"""What pages of other sites may do with a picture: show it, read it, time it. A shop's pictures are public."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

OPEN: Mapping[str, str] = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Timing-Allow-Origin": "*",
    }
)
"""Of redirects and failures as well: browsers judge each answer on the way (Fetch, "HTTP fetch"; Resource Timing)."""

OPEN_FIELDS: Sequence[tuple[bytes, bytes]] = tuple(
    (name.lower().encode(), value.encode()) for name, value in OPEN.items()
)
"""The same as ASGI has it."""
